"""`palmbot tls-check`: may the broker's servers be told a secret? Looks, and says nothing there."""

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from palmbot.adapters.ctrader_broker import HOSTS, PROTOBUF_PORT
from palmbot.adapters.pin_file import PinFile, PinStatus
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.tls_certificates import CertificateFacts, read_certificate
from palmbot.adapters.tls_handshake import Handshake, shake_hands
from palmbot.adapters.tls_verdict import Verdict, judge
from palmbot.cli.directory import PINS
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.cli.tls_table import render_servers
from palmbot.config.loading import load_config
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import TimestampMs

PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Server:
    """Where to look; the name is also what the certificate has to be for."""

    host: str
    port: int

    @property
    def name(self) -> str:
        """Host and port, as they are written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_live(self) -> bool:
        """Tell whether real money is behind it."""
        return self.host == HOSTS[Environment.LIVE]


BROKER_SERVERS: Final = tuple(Server(host, PROTOBUF_PORT) for host in HOSTS.values())


def parse_server(text: str) -> Server:
    """Return the server of `host`, `host:port` or `[address]:port`.

    Raises:
        ValueError: it is none of them.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(PROTOBUF_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise ValueError(f"{text!r} is no HOST:PORT such as demo.ctraderapi.com:5035")
    return Server(host, int(port))


def _check_server(_kind: object, text: str) -> None:
    parse_server(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """All that is known of one server after a look at it."""

    server: Server
    seen: Handshake
    verdict: Verdict
    chain: tuple[CertificateFacts, ...]
    """As proven; of a refused server as sent."""
    pin_status: PinStatus | None
    pin_note: str

    @property
    def is_good(self) -> bool:
        """Tell whether secrets may go there: proven, and for LIVE with a key a person knows."""
        is_unconfirmed = self.server.is_live and self.pin_status is PinStatus.CHANGED
        return self.verdict.is_valid and not is_unconfirmed


def tls_check(
    *servers: Annotated[str, Parameter(validator=_check_server)],
    ca_file: Path | None = None,
    crl: Path | None = None,
    confirm: bool = False,
    timeout_s: float = 10.0,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Look at the certificates of the broker's servers, as strictly as the bot itself does.

    Shakes hands and says goodbye: no password, no token, no byte of an application leaves. The
    key of each server is remembered; for LIVE a changed one counts as bad until a person has
    confirmed it. Done (0) means that every server is VALID.

    Example: `palmbot tls-check`, or for one server `palmbot tls-check demo.ctraderapi.com:5035`

    Args:
        servers: HOST:PORT; without any, DEMO and LIVE side by side.
        ca_file: PEM with the authorities to trust instead of the system's.
        crl: PEM with the certificates that the server's authority has revoked.
        confirm: Accept the keys that have changed, after they were compared.
        timeout_s: Longest wait for each server.
        as_json: Print one JSON document.
    """
    tls = load_config().tls
    context = make_context(ca_file or tls.cafile, crl or tls.crlfile)
    chosen = tuple(map(parse_server, servers)) or BROKER_SERVERS
    pins = PinFile(PINS)
    now = SystemClock().wall_ms()
    with ThreadPoolExecutor(len(chosen)) as pool:
        looks = pool.map(lambda server: _look(server, context, timeout_s), chosen)
        handshakes = list(looks)
    found = [
        _judge(server, seen, pins, now, is_confirmed=confirm)
        for server, seen in zip(chosen, handshakes, strict=True)
    ]
    if as_json:
        print_json(describe(found))
    else:
        stdout.print(render_servers(describe(found)))
        for each in found:
            _say(each)
    return EXIT_DONE if all(each.is_good for each in found) else EXIT_REFUSED


def _look(server: Server, context: ssl.SSLContext, timeout_s: float) -> Handshake:
    return shake_hands(
        server.host,
        server.port,
        server_name=server.host,
        context=context,
        timeout_s=timeout_s,
    )


def _judge(
    server: Server, seen: Handshake, pins: PinFile, now: TimestampMs, *, is_confirmed: bool
) -> Sighting:
    verdict = judge(seen, server_name=server.host, now=now)
    chain = tuple(read_certificate(der) for der in seen.proven_chain or seen.sent_chain)
    status, note = None, ""
    if seen.proven_chain:  # the key of a refused server is nobody's and is not remembered
        try:
            status, note = _compare(server, chain[0].spki_pin, pins, now, is_confirmed=is_confirmed)
        except InputInvalid as e:
            note = str(e)
    return Sighting(
        server=server,
        seen=seen,
        verdict=verdict,
        chain=chain,
        pin_status=status,
        pin_note=note,
    )


def _compare(
    server: Server, pin: str, pins: PinFile, now: TimestampMs, *, is_confirmed: bool
) -> tuple[PinStatus, str]:
    """Return what the key is compared with the one before, and a word for a person about it."""
    known = pins.find(server.name)
    status = pins.compare(server.name, pin, now)
    if known is None or status is not PinStatus.CHANGED:
        return status, ""
    change = f"the key of {server.name} changed from {known.pin} to {pin}"
    if is_confirmed:
        pins.accept(server.name, pin, now)
        return PinStatus.SAME, f"{change}: confirmed"
    if not server.is_live:
        pins.accept(server.name, pin, now)
        return status, f"{change}; a renewal is the usual reason"
    return status, (
        f"{change}: compare it from another network, then confirm it with "
        "`palmbot tls-check --confirm`"
    )


def _say(found: Sighting) -> None:
    lines = list(found.verdict.warnings)
    if not found.verdict.is_valid:
        lines.append(f"{found.verdict.reason}; {found.verdict.mend}")
    if found.pin_note:
        lines.append(found.pin_note)
    for line in lines:
        stderr.print(f"{found.server.name}: {line}", markup=False, highlight=False, soft_wrap=True)


def describe(found: Sequence[Sighting]) -> dict[str, Any]:
    """Return the sightings as one document."""
    servers = [_describe(each) for each in found]
    keys = ("verdict", "tls_version", "cipher", "issuer", "root", "key", "signature", "days_left")
    differences = [key for key in keys if len({str(server[key]) for server in servers}) > 1]
    return {
        "is_good": all(each.is_good for each in found),
        "differences": differences,
        "servers": servers,
    }


def _describe(found: Sighting) -> dict[str, Any]:
    seen, verdict = found.seen, found.verdict
    sent = set(seen.sent_chain)
    ders = seen.proven_chain or seen.sent_chain
    leaf = found.chain[0] if found.chain else None
    return {
        "server": found.server.name,
        "verdict": "VALID" if verdict.is_valid else "INVALID",
        "reason": verdict.reason,
        "mend": verdict.mend,
        "warnings": [*verdict.warnings, *([found.pin_note] if found.pin_note else [])],
        "addresses": seen.addresses,
        "address": seen.address,
        "dns_ms": _round(seen.dns_ms),
        "tcp_ms": _round(seen.tcp_ms),
        "handshake_ms": _round(seen.handshake_ms),
        "tls_version": seen.version,
        "cipher": seen.cipher,
        "names": leaf.names if leaf else (),
        "is_name_proven": bool(seen.proven_chain),
        "days_left": verdict.days_left,
        "issuer": leaf.issuer if leaf else "",
        "root": found.chain[-1].subject if seen.proven_chain else "",
        "key": leaf.key if leaf else "",
        "signature": leaf.signature if leaf else "",
        "pin": leaf.spki_pin if leaf else "",
        "pin_status": found.pin_status,
        "chain": [
            {
                "subject": facts.subject,
                "issuer": facts.issuer,
                "serial": facts.serial,
                "not_before_ms": facts.not_before,
                "not_after_ms": facts.not_after,
                "sha256": facts.sha256,
                "spki_pin": facts.spki_pin,
                "key": facts.key,
                "signature": facts.signature,
                "names": facts.names,
                "is_sent": der in sent,
            }
            for facts, der in zip(found.chain, ders, strict=True)
        ],
    }


def _round(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
