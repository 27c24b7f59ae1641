"""Runs the product's TLS client against the servers of a plan; standard library only.

Started by the tests on every Python there is: `python tls_client.py PLAN.json`, with `src` on the
path. For each server it looks as `palmbot tls-check` does, and then connects as the bot does,
with a token ready to be sent in the very call that says the connection is up.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

from palmbot.adapters.tls import make_context
from palmbot.adapters.tls_handshake import shake_hands


class Sender(asyncio.Protocol):
    """Sends the token the moment it may, which is the worst moment for a leak."""

    def __init__(self, token: bytes) -> None:
        self.token = token
        self.was_connected = False
        self.is_over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.was_connected = True
        transport.write(self.token)
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over.set()


async def connect(context: ssl.SSLContext, case: dict, token: bytes) -> str:
    sender = Sender(token)
    try:
        async with asyncio.timeout(case["timeout_s"] * 2):
            await asyncio.get_running_loop().create_connection(
                lambda: sender,
                "127.0.0.1",
                case["port"],
                ssl=context,
                server_hostname=case["server_name"],
                ssl_handshake_timeout=case["timeout_s"],
                ssl_shutdown_timeout=case["timeout_s"],
            )
            await sender.is_over.wait()
    except OSError as e:
        return f"{type(e).__name__}: {e}"
    return "accepted" if sender.was_connected else "never connected"


def run_case(case: dict, token: bytes) -> dict:
    context = make_context(Path(case["ca"]), Path(case["crl"]) if case["crl"] else None)
    seen = shake_hands(
        "127.0.0.1",
        case["port"],
        server_name=case["server_name"],
        context=context,
        timeout_s=case["timeout_s"],
    )
    failure = seen.failure
    return {
        "probe": "" if failure is None else f"{failure.stage} {failure.ssl_reason} {failure.text}",
        "verify_code": None if failure is None else failure.verify_code,
        "sent": len(seen.sent_chain),
        "proven": len(seen.proven_chain),
        "version": seen.version,
        "link": asyncio.run(connect(context, case, token)),
    }


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    token = plan["token"].encode()
    outcome = {case["name"]: run_case(case, token) for case in plan["cases"]}
    outcome["python"] = ".".join(map(str, sys.version_info[:3]))
    outcome["openssl"] = ssl.OPENSSL_VERSION
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
