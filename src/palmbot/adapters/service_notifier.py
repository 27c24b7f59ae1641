"""Tells systemd that the bot is up and that its loop still turns. Source: sd_notify(3)."""

import os
import socket
from contextlib import suppress
from typing import Final

ADDRESS_NAME: Final = "NOTIFY_SOCKET"
BEAT_S: Final = 10.0
"""Link seconds between two signs of life; `WatchdogSec=30` misses two before it kills."""


class ServiceNotifier:
    """Sends datagrams to the socket that systemd names; without one it does nothing."""

    def __init__(self, address: str | None = None) -> None:
        """Take the address from the environment unless one is given."""
        named = os.environ.get(ADDRESS_NAME) if address is None else address
        # An address that begins with @ lives in a namespace without files.
        self._address = "\0" + named[1:] if named and named.startswith("@") else named

    def ready(self) -> None:
        """Say that the bot is up."""
        self._send(b"READY=1")

    def beat(self) -> None:
        """Say that the loop turns: a loop that hangs cannot, and is killed and started again."""
        self._send(b"WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the bot ends in order."""
        self._send(b"STOPPING=1")

    def _send(self, text: bytes) -> None:
        if not self._address:
            return
        # A supervisor that does not listen is no reason to stop trading.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(0.0)
            channel.sendto(text, self._address)
