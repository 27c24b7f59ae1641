"""Brings the mood to the loop: peeks once a second, and tells what changed."""

from collections.abc import Callable

from palmbot.core.params import EngineParams, SentimentMode
from palmbot.core.rsi import read_rsi
from palmbot.core.state import Decision, EngineState
from palmbot.core.strategy import Signal, foresee_mood, read_signal
from palmbot.domain.events import Event, SentimentUpdated
from palmbot.domain.mood import Known, MoodMet, Reading, Unknown
from palmbot.domain.units import TimestampMs
from palmbot.ports import Clock, EventSink, SentimentSource


class MoodFeed:
    """Turns what a source knows into events for the loop.

    A score travels with the market time at which it was stored, so that the core lets it grow
    old by the clock it decides by.
    """

    def __init__(
        self, source: SentimentSource, *, sink: EventSink, read_state: Callable[[], EngineState]
    ) -> None:
        self._source = source
        self._sink = sink
        self._read_state = read_state
        self._told: Reading | None = None
        self._is_told = False

    def look(self) -> None:
        """Peek, and put an event if the mood is another one than last told."""
        now = self._read_state().market.time
        if now == 0:
            return  # before the first price there is no market time to stamp it with
        found = self._source.peek()
        reading = found.reading if isinstance(found, Known) else None
        if self._is_told and reading is self._told:
            return
        self._told, self._is_told = reading, True
        self._sink.put(_to_event(found, now))


def _to_event(found: Known | Unknown, now: TimestampMs) -> SentimentUpdated:
    if isinstance(found, Unknown):
        return SentimentUpdated(
            score=None,
            confidence=0.0,
            domains=0,
            has_driver=False,
            as_of=now,
            source=found.reason.value,
        )
    reading = found.reading
    return SentimentUpdated(
        score=reading.score,
        confidence=reading.confidence,
        domains=reading.domains,
        has_driver=reading.has_driver,
        as_of=TimestampMs(now - found.age_ms),
        source=reading.provider,
    )


class MoodWitness:
    """Writes down, for each signal, what every mode would have decided; decides nothing."""

    def __init__(
        self, params: EngineParams, *, clock: Clock, note: Callable[[MoodMet], None]
    ) -> None:
        self._params = params
        self._clock = clock
        self._note = note
        self._signals: int | None = None

    def observe(self, _event: Event, decision: Decision) -> None:
        """Look at one recorded step; an observer of `live.trader`."""
        state = decision.state
        signals, self._signals = self._signals, state.tally.signals
        if signals is None or signals == state.tally.signals:
            return
        rsi = read_rsi(state.market.rsi, self._params.rsi_period)
        if rsi is None:
            return
        signal = read_signal(rsi, self._params.rsi_buy, self._params.rsi_sell)
        if signal is not Signal.HOLD:
            self._note(self._meet(signal, state))

    def _meet(self, signal: Signal, state: EngineState) -> MoodMet:
        rules = self._params.sentiment
        reading, now = state.sentiment, state.market.time
        verdicts = foresee_mood(signal, reading, now, rules)
        veto = verdicts[SentimentMode.VETO]
        age_ms = None if reading is None else max(0, now - reading.as_of)
        cache_state = "unknown"
        if reading is not None and reading.score is not None and age_ms is not None:
            if age_ms < rules.fresh_ms:
                cache_state = "fresh"
            elif age_ms <= rules.expires_ms:
                cache_state = "stale"
        is_known = cache_state != "unknown" and reading is not None
        return MoodMet(
            served_at=self._clock.wall_ms(),
            market_time=now,
            signal=int(signal),
            mode=rules.mode.value,
            cache_state=cache_state,
            source=reading.source if reading is not None else "",
            score=reading.score if is_known and reading is not None else None,
            confidence=reading.confidence if is_known and reading is not None else None,
            age_ms=age_ms if is_known else None,
            veto_allows=veto.is_allowed,
            veto_percent=veto.size_percent,
            confirm_allows=verdicts[SentimentMode.CONFIRM].is_allowed,
        )
