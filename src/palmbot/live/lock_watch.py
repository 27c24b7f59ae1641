"""Looks whether the locks of LIVE still hold while the bot runs."""

from collections.abc import Callable

from palmbot.core.state import EngineState
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.events import OperatorHalted
from palmbot.ports import EventSink

ACTOR = "live locks"
CHECK_S = 30.0


class LockWatch:
    """Halts entries when a lock shuts. Never drops the connection: positions stay manageable."""

    def __init__(
        self,
        find_shut: Callable[[], str],
        *,
        sink: EventSink,
        read_state: Callable[[], EngineState],
        raise_alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        """Look at nothing yet.

        Args:
            find_shut: Returns in words which locks are shut, empty while all hold.
        """
        self._find_shut = find_shut
        self._sink = sink
        self._read_state = read_state
        self._raise_alarm = raise_alarm
        self._told = ""

    def check(self) -> None:
        """Look once; a person resumes when the lock is open again."""
        shut = self._find_shut()
        if shut and shut != self._told:
            text = f"LIVE is locked again: {shut}; entries stop, positions stay managed"
            self._raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=text))
        if shut:
            self.halt(shut)
        self._told = shut

    def halt(self, reason: str) -> None:
        """Stop entries, unless they are stopped already."""
        if self._read_state().switch.halted_by is None:
            self._sink.put(OperatorHalted(actor=ACTOR, reason=reason))
