"""Tells the core how far market time has come while no tick arrives."""

from palmbot.core.state import Decision
from palmbot.domain.events import Event, TimePassed
from palmbot.domain.market import Tick
from palmbot.domain.units import MS_PER_SECOND, TimestampMs
from palmbot.ports import Clock, EventSink, Timer

BEAT_S = 1.0


class Metronome:
    """Puts a `TimePassed` into the inbox every second of link time.

    Market time is the stamp of the last tick plus the link time since it arrived, so it
    needs a feed that runs at the speed of the real clock. Before the first tick there is
    no market time and no beat.
    """

    def __init__(self, *, sink: EventSink, clock: Clock, beat_s: float = BEAT_S) -> None:
        self._sink = sink
        self._clock = clock
        self._beat_s = beat_s
        self._last: tuple[TimestampMs, float] | None = None
        self._timer: Timer | None = None

    def observe(self, event: Event, _decision: Decision) -> None:
        """Learn market time from a recorded tick; an observer of `live.trader`."""
        if isinstance(event, Tick):
            self._last = (event.time, self._clock.link_s())

    def start(self) -> None:
        """Begin to beat; needs a running event loop."""
        self._timer = self._clock.call_at(self._clock.link_s() + self._beat_s, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        now_s = self._clock.link_s()
        # First, so that a sink that refuses does not end the beat as well.
        self._timer = self._clock.call_at(now_s + self._beat_s, self._beat)
        if self._last is not None:
            market_ms, arrived_s = self._last
            passed_ms = int((now_s - arrived_s) * MS_PER_SECOND)
            self._sink.put(TimePassed(time=TimestampMs(market_ms + passed_ms)))
