"""Starts `palmbot` with the broker's names on this machine, and every log at its loudest.

`python -m harness.launch ADDRESS CRASH WORDS...`: ADDRESS stands for the DEMO host; with CRASH
`yes` the wire breaks in the middle of a message, as a mistake of ours would.
"""

import asyncio
import logging
import socket
import sys
from typing import Any

from harness.tls_papers import HOST
from palmbot.bootstrap import running
from palmbot.cli.log import set_up_log
from palmbot.cli.main import run_command
from palmbot.ctrader.connection import ClientConnection
from palmbot.domain.events import LinkReady


def main() -> None:
    address, crash, *words = sys.argv[1:]
    ask = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        return ask(address if host == HOST else host, *rest, **more)

    socket.getaddrinfo = answer  # type: ignore[assignment]
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    set_up_log.__defaults__ = (logging.DEBUG,)
    running.TOKEN_CHECK_S = 0.2
    if crash == "yes":
        receive = ClientConnection.receive

        def break_down(self: Any, chunk: bytes, now_s: float, now_ms: Any) -> Any:
            events = receive(self, chunk, now_s, now_ms)
            if any(isinstance(event, LinkReady) for event in events):
                raise KeyError(chunk, self)
            return events

        ClientConnection.receive = break_down  # type: ignore[method-assign]
    new_loop = asyncio.new_event_loop

    def new_debug_loop() -> asyncio.AbstractEventLoop:
        loop = new_loop()
        loop.set_debug(True)
        return loop

    asyncio.events.new_event_loop = new_debug_loop  # type: ignore[attr-defined]
    sys.exit(run_command(words))


if __name__ == "__main__":
    main()
