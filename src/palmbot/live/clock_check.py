"""Holds the machine's clock against the time since boot, and against the broker's stamps."""

from collections import deque
from statistics import median_low

from palmbot.core.state import Decision
from palmbot.domain.events import ClockChecked, Event, LinkReady, StampMissing
from palmbot.domain.market import Tick
from palmbot.domain.units import MS_PER_SECOND
from palmbot.ports import Clock, EventSink

CHECK_S = 5.0
"""Link seconds between two checks."""
SAMPLE_S = 1.0
"""Least pause between two prices that are compared: a burst would fill the sample at once."""
SAMPLES_MIN = 5
SAMPLES_MAX = 15
SAMPLE_AGE_S_MAX = 60.0
"""Older comparisons say nothing about the clock of now."""
JITTER_MS = 500
"""A jump beyond this makes earlier comparisons void."""


class ClockCheck:
    """Puts a `ClockChecked` into the inbox at every check.

    How late a price arrives counts as the clock being ahead; the median over some seconds keeps
    one slow packet from mattering.
    """

    def __init__(self, *, sink: EventSink, clock: Clock, has_broker_time: bool) -> None:
        """Take what to compare.

        Args:
            sink: Gets the events.
            clock: The two clocks of this machine.
            has_broker_time: False beside a simulator, whose market may run faster than the day.
        """
        self._sink = sink
        self._clock = clock
        self._has_broker_time = has_broker_time
        self._is_stamped = True
        self._ahead_ms = self._read_ahead_ms()
        self._samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES_MAX)
        """Link time and wall clock less stamp."""

    def observe(self, event: Event, _decision: Decision) -> None:
        """Compare a price's stamp with the wall clock; an observer of `live.trader`."""
        if isinstance(event, Tick):
            now_s = self._clock.link_s()
            is_due = not self._samples or now_s - self._samples[-1][0] >= SAMPLE_S
            if is_due and self._is_stamped and self._has_broker_time:
                self._samples.append((now_s, self._clock.wall_ms() - event.time))
        elif isinstance(event, LinkReady):
            # A price before the link would be one of the connection that is gone.
            self._is_stamped = True
            self._samples.clear()
        elif isinstance(event, StampMissing):
            self._is_stamped = False
            self._samples.clear()

    def check(self) -> None:
        """Tell what the clocks show; to be called every `CHECK_S` of link time."""
        ahead_ms = self._read_ahead_ms()
        jump_ms = ahead_ms - self._ahead_ms
        self._ahead_ms = ahead_ms
        if abs(jump_ms) > JITTER_MS:
            self._samples.clear()
        oldest_s = self._clock.link_s() - SAMPLE_AGE_S_MAX
        while self._samples and self._samples[0][0] < oldest_s:
            self._samples.popleft()
        offset_ms = None
        if len(self._samples) >= SAMPLES_MIN:
            offset_ms = median_low(offset for _, offset in self._samples)
        self._sink.put(ClockChecked(jump_ms=jump_ms, offset_ms=offset_ms))

    def _read_ahead_ms(self) -> int:
        return self._clock.wall_ms() - int(self._clock.link_s() * MS_PER_SECOND)
