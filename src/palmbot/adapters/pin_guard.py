"""Compares the key of the server at every connection, before a byte of ours leaves."""

from collections.abc import Callable

from palmbot.adapters.pin_file import PinFile, PinStatus
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid, InputInvalid
from palmbot.ports import Clock


class PinGuard:
    """Judges the keys of one server for one process.

    The chain is proven already; a key can change because a certificate was renewed. On DEMO that is
    told. On LIVE it is a lock: at the start it keeps the bot out, and in the middle of a run it
    stops entries, while the connection stays so that open positions can be managed.
    """

    def __init__(  # noqa: PLR0913 - the outside things it joins
        self,
        pins: PinFile,
        server: str,
        *,
        is_live: bool,
        clock: Clock,
        raise_alarm: Callable[[RaiseAlarm], None],
        halt: Callable[[str], None],
    ) -> None:
        """Compare nothing yet.

        Args:
            halt: Stops entries, with the reason.
        """
        self._pins = pins
        self._server = server
        self._is_live = is_live
        self._clock = clock
        self._raise_alarm = raise_alarm
        self._halt = halt
        self._has_passed = False

    def judge(self, pin: str) -> ConfigInvalid | None:
        """Return why no byte may be sent to the server with this key; None if it may."""
        now = self._clock.wall_ms()
        try:
            known = self._pins.find(self._server)
            status = self._pins.compare(self._server, pin, now)
        except InputInvalid as e:
            return self._object(str(e))
        if status is not PinStatus.CHANGED or known is None:
            self._has_passed = True
            return None
        text = f"the key of {self._server} changed from {known.pin} to {pin}"
        if self._is_live:
            return self._object(f"{text}; confirm it with `palmbot tls-check --confirm`")
        self._pins.accept(self._server, pin, now)
        self._raise_alarm(RaiseAlarm(severity=Severity.WARNING, text=text))
        return None

    def _object(self, text: str) -> ConfigInvalid | None:
        if self._is_live and not self._has_passed:
            return ConfigInvalid(f"{text}; nothing was sent")
        self._raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=text))
        if self._is_live:
            self._halt(text)
        return None
