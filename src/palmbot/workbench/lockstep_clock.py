"""A link clock that moves only when the conductor says so, and jumps from deadline to deadline."""

import heapq
import itertools
from collections.abc import Callable

from palmbot.domain.units import MS_PER_SECOND, TimestampMs


class ScheduledCall:
    """Implements `ports.Timer`."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Drop the call."""
        self.callback = None


class LockstepClock:
    """Implements `ports.Clock` for a run in which bot and simulator wait for each other.

    With a real clock a busy machine would let deadlines pass that an idle one keeps, and
    no seed would give the same run twice. Here nothing is ever late: time stands still
    while anybody works, and moves to the next deadline when both ends have nothing to do.
    """

    def __init__(self, epoch_ms: TimestampMs) -> None:
        self._epoch_ms = epoch_ms
        self._now_s = 0.0
        self._calls: list[tuple[float, int, ScheduledCall]] = []
        self._order = itertools.count()

    def link_s(self) -> float:
        """Return the seconds passed since the run began."""
        return self._now_s

    def wall_ms(self) -> TimestampMs:
        """Return a time of day that repeats with the seed."""
        return TimestampMs(self._epoch_ms + round(self._now_s * MS_PER_SECOND))

    def call_at(self, link_s: float, callback: Callable[[], None]) -> ScheduledCall:
        """See `ports.Clock.call_at`; calls of one instant are made in the order asked for."""
        call = ScheduledCall(callback)
        heapq.heappush(self._calls, (link_s, next(self._order), call))
        return call

    @property
    def next_deadline_s(self) -> float | None:
        """When the earliest pending call is due, or None."""
        while self._calls and self._calls[0][2].callback is None:
            heapq.heappop(self._calls)
        return self._calls[0][0] if self._calls else None

    def advance_to(self, link_s: float) -> None:
        """Move time forward to `link_s` and make the calls due on the way, at their instants."""
        while (due_s := self.next_deadline_s) is not None and due_s <= link_s:
            self._now_s = max(self._now_s, due_s)
            call = heapq.heappop(self._calls)[2]
            callback, call.callback = call.callback, None
            if callback is not None:
                callback()
        self._now_s = max(self._now_s, link_s)
