"""The strategy's wish and what the market's mood does to it."""

import math

import pytest

from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.core.strategy import Signal, judge_mood, read_signal
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.market import Side
from palmbot.domain.units import TimestampMs

NOW = TimestampMs(10_000_000)


def mood(score, *, age_s=0, confidence=0.9, domains=5, has_driver=True):
    return SentimentUpdated(
        score=score,
        confidence=confidence,
        domains=domains,
        has_driver=has_driver,
        as_of=TimestampMs(round(NOW - age_s * 1000)),
        source="test",
    )


def is_allowed(mode, signal, reading):
    return judge_mood(signal, reading, NOW, SentimentRules(mode=mode)).is_allowed


@pytest.mark.parametrize(
    ("rsi", "expected"),
    [
        (29.999, Signal.BUY),
        (30.0, Signal.HOLD),
        (50.0, Signal.HOLD),
        (70.0, Signal.HOLD),
        (70.001, Signal.SELL),
        (math.nan, Signal.HOLD),
    ],
)
def test_a_value_on_the_threshold_is_no_signal(rsi, expected):
    assert read_signal(rsi, 30.0, 70.0) is expected


def test_a_signal_knows_its_side_and_holding_has_none():
    assert (Signal.BUY.side, Signal.SELL.side) == (Side.BUY, Side.SELL)
    with pytest.raises(ValueError, match="no side"):
        _ = Signal.HOLD.side


@pytest.mark.parametrize("reading", [None, mood(None), mood(-100), mood(100), mood(0, age_s=9999)])
@pytest.mark.parametrize("signal", [Signal.BUY, Signal.SELL])
def test_mode_off_ignores_every_mood(signal, reading):
    assert is_allowed(SentimentMode.OFF, signal, reading)


@pytest.mark.parametrize(
    ("signal", "reading", "expected"),
    [
        (Signal.BUY, mood(31), True),
        (Signal.BUY, mood(30), False),
        (Signal.BUY, mood(-50), False),
        (Signal.SELL, mood(-31), True),
        (Signal.SELL, mood(-30), False),
        (Signal.SELL, mood(50), False),
        (Signal.BUY, None, False),
        (Signal.BUY, mood(None), False),
        (Signal.BUY, mood(80, age_s=299.999), True),
        (Signal.BUY, mood(80, age_s=300), False),
    ],
)
def test_confirm_needs_a_fresh_score_strictly_beyond_thirty(signal, reading, expected):
    assert is_allowed(SentimentMode.CONFIRM, signal, reading) is expected


@pytest.mark.parametrize(
    ("signal", "reading", "expected"),
    [
        (Signal.BUY, mood(-60), False),
        (Signal.BUY, mood(-59), True),
        (Signal.BUY, mood(100), True),
        (Signal.SELL, mood(60), False),
        (Signal.SELL, mood(59), True),
        (Signal.SELL, mood(-100), True),
        (Signal.BUY, mood(-90, confidence=0.59), True),
        (Signal.BUY, mood(-90, confidence=0.6), False),
        (Signal.BUY, mood(-90, domains=2), True),
        (Signal.BUY, mood(-90, domains=3), False),
        (Signal.BUY, mood(-90, has_driver=False), True),
        (Signal.BUY, None, True),
        (Signal.BUY, mood(None), True),
    ],
)
def test_veto_needs_a_strong_and_well_founded_mood_and_unknown_vetoes_nothing(
    signal, reading, expected
):
    assert is_allowed(SentimentMode.VETO, signal, reading) is expected


@pytest.mark.parametrize(
    ("score", "age_s", "expected"),
    [
        (-60, 300, False),
        (-60, 310, True),
        (-100, 300 + 442, False),  # 100 * 0.5 ** (442 / 600) = 60.01
        (-100, 300 + 443, True),  # 59.95
        (-100, 2100, True),
        (-100, 2101, True),
    ],
)
def test_a_stale_score_vetoes_less_and_less(score, age_s, expected):
    assert is_allowed(SentimentMode.VETO, Signal.BUY, mood(score, age_s=age_s)) is expected


def test_a_score_older_than_its_life_is_called_unknown_and_not_zero():
    verdict = judge_mood(Signal.BUY, mood(-100, age_s=2101), NOW, SentimentRules())
    assert "unknown" in verdict.text


def test_the_words_carry_the_numbers():
    verdict = judge_mood(Signal.BUY, mood(-75, domains=4), NOW, SentimentRules())
    assert verdict.text == "sentiment -75 of 4 sources vetoes it"
