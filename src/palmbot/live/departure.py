"""How a bot leaves: no entry from now on, every request answered, positions with their stops."""

import asyncio

import structlog

from palmbot.core.state import Decision, EngineState
from palmbot.domain.events import Event, StopRequested
from palmbot.domain.orders import IN_FLIGHT, IntentState
from palmbot.ports import Clock, EventSink, Timer

ANSWER_S_MAX = 10.0
"""Link seconds that requests under way get to be answered and recorded. An order's own deadline
is half of that; a process supervisor kills after 30 s."""

log = structlog.get_logger(__name__)


class Departure:
    """Sets `stopped` once nothing is under way any more, or when the time is up.

    What is still open then is unknown at the next start, and is looked up at the broker:
    leaving in order spares that search, nothing depends on it.
    """

    def __init__(self, *, sink: EventSink, clock: Clock, stopped: asyncio.Event) -> None:
        self._sink = sink
        self._clock = clock
        self._stopped = stopped
        self._timer: Timer | None = None

    def begin(self, reason: str) -> None:
        """Stop entries and start to wait; asked a second time, wait no longer."""
        if self._timer is not None:
            self._stopped.set()
            return
        log.info("bot.stopping", reason=reason, wait_s=ANSWER_S_MAX)
        self._timer = self._clock.call_at(self._clock.link_s() + ANSWER_S_MAX, self._stopped.set)
        self._sink.put(StopRequested(reason=reason))

    def observe(self, _event: Event, decision: Decision) -> None:
        """Look whether all is settled; an observer of `live.trader`."""
        state = decision.state
        if state.switch.is_stopping and not is_waiting(state):
            self._stopped.set()


def is_waiting(state: EngineState) -> bool:
    """Tell whether a request is under way whose answer can still come by itself."""
    return any(
        intent.state in IN_FLIGHT and intent.state is not IntentState.UNKNOWN
        for intent in state.books.intents.values()
    )
