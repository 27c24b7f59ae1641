"""The loop is told of the mood as it changes, and a witness writes down what it would decide."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from msgspec import structs

from harness.engine_world import EASY
from harness.manual_clock import ManualClock
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.core.rsi import RsiState
from palmbot.core.state import Decision, initial_state
from palmbot.domain.events import SentimentUpdated, TimePassed
from palmbot.domain.mood import Driver, Evidence, Freshness, Known, Reading, Unknown, UnknownReason
from palmbot.live.mood_feed import MoodFeed, MoodWitness

NOW = 1_780_000_000_000
READING = Reading(
    score=-70,
    confidence=0.8,
    evidence=tuple(
        Evidence(domain=domain, reference="", title_hash="", dated_at=None) for domain in "abc"
    ),
    evidence_at=None,
    drivers=frozenset({Driver.STOCKS}),
    provider="perplexity",
    tier=1,
    mode="",
    model="",
    cost_usd=0.0,
    received_at=0,
)


class Source:
    def __init__(self):
        self.found = Unknown(reason=UnknownReason.COLD)

    def peek(self):
        return self.found


class Loop:
    def __init__(self, time=NOW):
        self.source = Source()
        self.events = []
        self.time = time
        state = lambda: SimpleNamespace(market=SimpleNamespace(time=self.time))  # noqa: E731
        sink = SimpleNamespace(put=self.events.append)
        self.feed = MoodFeed(self.source, sink=sink, read_state=state)

    def look(self, found):
        self.source.found = found
        self.feed.look()
        return self.events


def test_a_score_is_told_once_and_stamped_by_the_market_clock():
    loop = Loop()
    known = Known(reading=READING, age_ms=4_000, freshness=Freshness.HIT)
    loop.look(known)
    loop.look(replace(known, age_ms=5_000))
    (event,) = loop.events
    assert (event.score, event.domains, event.has_driver) == (-70, 3, True)
    assert (event.as_of, event.source) == (NOW - 4_000, "perplexity")


def test_an_old_score_that_is_still_served_is_no_news():
    loop = Loop()
    loop.look(Known(reading=READING, age_ms=4_000, freshness=Freshness.HIT))
    loop.look(Known(reading=READING, age_ms=310_000, freshness=Freshness.STALE))
    assert len(loop.events) == 1


def test_not_to_know_any_more_is_told_and_is_not_zero():
    loop = Loop()
    loop.look(Known(reading=READING, age_ms=0, freshness=Freshness.MISS))
    loop.look(Unknown(reason=UnknownReason.EXPIRED))
    assert loop.events[-1].score is None
    assert loop.events[-1].source == "expired"


def test_nothing_is_told_before_there_is_a_market_time():
    assert Loop(time=0).look(Known(reading=READING, age_ms=0, freshness=Freshness.HIT)) == []


def witness(mode):
    met = []
    params = replace(EASY, sentiment=SentimentRules(mode=mode))
    return MoodWitness(params, clock=ManualClock(), note=met.append), met


def step(signals, mood=None):
    state = initial_state(EASY)
    low = RsiState(500, 100.0, 0.1, 1.0)  # an RSI of 9
    state = structs.replace(
        state,
        market=structs.replace(state.market, time=NOW, rsi=low),
        tally=structs.replace(state.tally, signals=signals),
        sentiment=mood,
    )
    return TimePassed(time=NOW), Decision(state=state)


@pytest.mark.parametrize("mode", list(SentimentMode))
def test_every_signal_is_recorded_with_what_each_mode_would_do(mode):
    observer, met = witness(mode)
    bearish = SentimentUpdated(
        score=-70, confidence=0.8, domains=3, has_driver=True, as_of=NOW - 1_000, source="x"
    )
    observer.observe(*step(4, bearish))  # the first look learns where the count stands
    observer.observe(*step(4, bearish))
    assert met == []
    observer.observe(*step(5, bearish))
    (one,) = met
    assert (one.signal, one.mode, one.score, one.cache_state) == (1, mode.value, -70, "fresh")
    assert not one.veto_allows
    assert not one.confirm_allows


def test_a_signal_without_a_known_mood_is_recorded_as_such():
    observer, met = witness(SentimentMode.VETO)
    observer.observe(*step(0))
    observer.observe(*step(1))
    assert (met[0].score, met[0].age_ms, met[0].cache_state) == (None, None, "unknown")
    assert met[0].veto_allows
    assert not met[0].confirm_allows
