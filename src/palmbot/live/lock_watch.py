"""Looks whether the locks of LIVE still hold while the bot runs."""

import asyncio
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
            find_shut: Returns in words which locks are shut, empty while all hold. It reads many
                files, so it is called in a thread.
        """
        self._find_shut = find_shut
        self._sink = sink
        self._read_state = read_state
        self._raise_alarm = raise_alarm
        self._told = ""
        self._look: asyncio.Future[str] | None = None

    def check(self) -> None:
        """Begin one look, unless the last is not over; a person resumes when all is open again."""
        if self._look is not None and not self._look.done():
            return
        self._look = asyncio.get_running_loop().run_in_executor(None, self._find_shut)
        self._look.add_done_callback(self._judge)

    def _judge(self, look: asyncio.Future[str]) -> None:
        if look.cancelled():
            return
        # A look that failed has seen no lock that holds.
        error = look.exception()
        shut = look.result() if error is None else f"they cannot be looked at ({error})"
        if shut and shut != self._told:
            text = f"LIVE is locked again: {shut}; entries stop, positions stay managed"
            self._raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=text))
        if shut and self._read_state().switch.halted_by is None:
            self._sink.put(OperatorHalted(actor=ACTOR, reason=shut))
        self._told = shut
