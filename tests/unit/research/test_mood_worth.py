"""What sentiment was worth: with and without on the same bars, and luck beside it."""

from dataclasses import replace

import numpy as np
import pytest

from palmbot.core.params import SentimentMode
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.pricefiles.series import BarSeries
from palmbot.research.backtest import BacktestSetup
from palmbot.research.mood_worth import Placebos, weigh
from palmbot.research.recorded_only import LiveSourceInBacktest
from palmbot.research.rules import StrategyPoint
from palmbot.sentiment.desk import NoSource
from palmbot.sentiment.recording import Recording

MONDAY_MS = 1_772_409_600_000
BARS = 6
"""A day."""
PERIOD_MS = MS_PER_DAY // BARS
ONE = Placebos(shift_days=(1,), shuffles=0)
SETUP = BacktestSetup(
    point=StrategyPoint(45.0, 55.0, 1.0, 1.0), has_breakers=False, mood_mode=SentimentMode.VETO
)


def make_series(days, seed=3):
    """Six bars a day, whose direction changes from day to day at random: `signs` holds it."""
    rng = np.random.default_rng(seed)
    signs = rng.choice((-1.0, 1.0), days)
    steps = rng.normal(0, 0.004, days * BARS) + np.repeat(signs, BARS) * 0.003
    close = np.round(4_000 * np.exp(np.cumsum(steps)), 2)
    opens = np.concatenate(([4_000.0], close[:-1]))
    time_ms = MONDAY_MS + np.arange(days * BARS, dtype=np.int64) * PERIOD_MS
    series = BarSeries(
        time_ms=time_ms,
        open=opens,
        high=np.maximum(opens, close) + 1,
        low=np.minimum(opens, close) - 1,
        close=close,
        spread=np.zeros(days * BARS),
        period_ms=PERIOD_MS,
        source="made up",
        digest="",
        digits=2,
    )
    return series, signs


def seer(signs):
    """A mood that knows the direction of the day: strong, founded, always fresh."""

    def known_at(time):
        day = min(len(signs) - 1, max(0, (time - MONDAY_MS) // MS_PER_DAY))
        return SentimentUpdated(
            score=int(90 * signs[day]),
            confidence=0.9,
            domains=5,
            has_driver=True,
            as_of=TimestampMs(time),
            source="seer",
        )

    return known_at


def test_a_mood_that_knows_the_day_helps_and_its_placebos_do_not():
    series, signs = make_series(70)
    twenty = Placebos(shift_days=tuple(range(1, 11)), shuffles=9)
    worth = weigh(series, SETUP, seer(signs), placebos=twenty)
    assert worth.coverage == 1.0
    assert worth.affected >= 30
    assert worth.difference > 0
    assert worth.interval[0] > 0
    assert worth.placebo_share == pytest.approx(1 / 20)
    assert worth.verdict == "helped"


def test_a_mood_that_is_always_wrong_hurts():
    series, signs = make_series(120, seed=7)
    worth = weigh(series, SETUP, seer(-signs), placebos=ONE)
    assert worth.interval[1] < 0
    assert worth.verdict == "hurt"


def test_one_placebo_proves_nothing():
    series, signs = make_series(70)
    worth = weigh(series, SETUP, seer(signs), placebos=ONE)
    assert (worth.placebo_share, worth.verdict) == (0.5, "no effect shown")


def test_below_the_sample_there_is_no_verdict():
    series, signs = make_series(20)
    worth = weigh(series, SETUP, seer(signs), placebos=ONE)
    assert worth.verdict is None
    assert "20 trading days of the 60 it takes" in worth.refusal


def test_a_mood_that_is_never_known_changes_nothing():
    series, _ = make_series(61)
    worth = weigh(series, SETUP, lambda _time: None, placebos=ONE)
    assert (worth.affected, worth.difference, worth.coverage) == (0, 0.0, 0.0)
    assert worth.with_mood == worth.without
    assert worth.refusal == "0 affected entries of the 30 it takes"


class Live:
    async def fetch(self, question):
        raise AssertionError("nobody may ask")

    def peek(self):
        raise AssertionError("nobody may look")


@pytest.mark.parametrize("mood", [Live(), Live().fetch, Live().peek, NoSource(), NoSource().peek])
def test_a_live_source_in_a_backtest_raises(mood):
    with pytest.raises(LiveSourceInBacktest):
        replace(SETUP, mood=mood)


def test_a_recording_may_be_looked_up():
    assert replace(SETUP, mood=Recording((), ()).known_at).mood is not None
