"""A process that renews its tokens over real TLS and dies by SIGKILL at the step it was told.

Started by the tests: `python -m harness.token_kill PLAN`, with one number of a step a line on its
input. A step is one executed line of the product's token files; the process kills itself before
that line runs. Past the last step it ends by itself and says so.
"""

import json
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from palmbot.adapters import token_file, token_keeper
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_file import TokenFile
from palmbot.adapters.token_keeper import TokenKeeper, TokenSource
from palmbot.ctrader.connection import ClientConnection, Credentials, Target
from palmbot.domain.errors import PalmbotError
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId

WATCHED = frozenset({token_file.__file__, token_keeper.__file__})


class Steps:
    """Counts executed lines of the watched files, and dies at one of them."""

    def __init__(self, deadly: int) -> None:
        self.count = 0
        self._deadly = deadly

    def trace(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        return self._line if frame.f_code.co_filename in WATCHED else None

    def _line(self, _frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


def renew(plan: dict, clock: SystemClock) -> str:
    """Open a session with the pair on disk, renew it, store it; return how that ended."""
    keeper = TokenKeeper(
        TokenSource(store=TokenFile(Path(plan["tokens"])), seed=None),
        clock=clock,
        can_renew=True,
        raise_alarm=lambda _: None,
    )
    credentials = Credentials(
        client_id=plan["client_id"],
        client_secret=Secret(plan["client_secret"]),
        access_token=Secret(""),
    )
    wire = ClientConnection(
        generation=1,
        credentials=keeper.open_with(credentials),
        target=Target(
            environment=Environment.SIMULATOR,
            account_id=AccountId(plan["account_id"]),
            symbol_name=plan["symbol"],
        ),
    )
    context = make_context(Path(plan["ca"]))
    with (
        socket.create_connection(("127.0.0.1", plan["port"]), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as link,
    ):
        wire.open(clock.link_s())
        pump(wire, link, clock, until=lambda: wire.is_ready)
        if keeper.is_due() and (refresh_token := keeper.begin()) is not None:
            wire.renew_tokens(refresh_token, clock.link_s())
            renewal = None

            def is_told() -> bool:
                nonlocal renewal
                renewal = wire.take_renewal()
                return renewal is not None

            pump(wire, link, clock, until=is_told)
            assert not isinstance(renewal, PalmbotError), renewal
            wire.use_token(keeper.keep(renewal), clock.link_s())
            pump(wire, link, clock, until=lambda: wire.is_ready)
    return "ready"


def pump(wire: ClientConnection, link: ssl.SSLSocket, clock: SystemClock, *, until: Any) -> None:
    while True:
        if outgoing := wire.take_outgoing():
            link.sendall(outgoing)
        if until():
            return
        wire.receive(link.recv(65_536), clock.link_s(), clock.wall_ms())


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for line in sys.stdin:
        # One fork for each step: what takes long, the imports, is done once.
        steps = Steps(int(line))
        if os.fork() == 0:
            sys.settrace(steps.trace)
            ended = renew(plan, SystemClock())
            sys.settrace(None)
            os.write(1, f"{line.strip()} {ended} {steps.count}\n".encode())
            os._exit(0)
        _, status = os.wait()
        if (code := os.waitstatus_to_exitcode(status)) != 0:
            os.write(1, f"{line.strip()} died {code}\n".encode())


if __name__ == "__main__":
    main()
