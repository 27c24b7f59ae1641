"""What the strategy would like to do at the close of a bar: RSI first, then the market's mood."""

from dataclasses import replace
from enum import IntEnum

from msgspec import Struct

from palmbot.core.breakers.rules import PERCENT
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.market import Side
from palmbot.domain.units import MS_PER_SECOND, TimestampMs


class Signal(IntEnum):
    """The strategy's wish. Not yet an order."""

    HOLD = 0
    BUY = 1
    SELL = -1

    @property
    def side(self) -> Side:
        """Side of the entry; meaningless for HOLD, which raises."""
        if self is Signal.HOLD:
            raise ValueError("to hold has no side")
        return Side.BUY if self is Signal.BUY else Side.SELL


def read_signal(rsi: float, rsi_buy: float, rsi_sell: float) -> Signal:
    """Compare a ready RSI with its thresholds, strictly: a value on a threshold holds.

    It is the level that counts, not the crossing. NaN holds.
    """
    if rsi < rsi_buy:
        return Signal.BUY
    if rsi > rsi_sell:
        return Signal.SELL
    return Signal.HOLD


class MoodVerdict(Struct, frozen=True, kw_only=True):
    """What the market's mood does to one signal."""

    is_allowed: bool
    text: str
    """With numbers; ends a sentence that begins with the RSI."""
    size_percent: int = 100
    """Share of the usual size, 50 to 100; a mood never enlarges."""


def judge_mood(
    signal: Signal, reading: SentimentUpdated | None, now: TimestampMs, rules: SentimentRules
) -> MoodVerdict:
    """Apply the sentiment mode to a buy or sell signal at market time `now`.

    Unknown is unknown, never 0: it vetoes nothing and confirms nothing. A reading stamped
    after `now` counts as just made.
    """
    if rules.mode is SentimentMode.OFF:
        return MoodVerdict(is_allowed=True, text="sentiment is off")
    score = reading.score if reading is not None else None
    age_ms = max(0, now - reading.as_of) if reading is not None else 0
    if rules.mode is SentimentMode.CONFIRM:
        return _confirm(signal, score, age_ms, rules)
    if reading is None or score is None or age_ms > rules.expires_ms:
        return MoodVerdict(is_allowed=True, text="sentiment unknown, no veto")
    stale_ms = max(0, age_ms - rules.fresh_ms)
    effective = score * 0.5 ** (stale_ms / rules.half_life_ms)
    is_against = effective * signal <= -rules.veto_score
    is_founded = (
        reading.confidence >= rules.veto_confidence
        and reading.domains >= rules.veto_domains
        and reading.has_driver
    )
    grounds = f"sentiment {effective:+.0f} of {reading.domains} sources"
    if is_against and is_founded:
        return MoodVerdict(is_allowed=False, text=f"{grounds} vetoes it")
    percent = _size_percent(effective * signal, rules)
    text = "is too thin for a veto" if is_against else "vetoes nothing"
    size = f", {percent} % of the size" if percent < PERCENT else ""
    return MoodVerdict(is_allowed=True, text=f"{grounds} {text}{size}", size_percent=percent)


def foresee_mood(
    signal: Signal, reading: SentimentUpdated | None, now: TimestampMs, rules: SentimentRules
) -> dict[SentimentMode, MoodVerdict]:
    """Return what each mode would decide, whichever is in force; for the record."""
    return {
        mode: judge_mood(signal, reading, now, replace(rules, mode=mode)) for mode in SentimentMode
    }


def _size_percent(alignment: float, rules: SentimentRules) -> int:
    """Return the share of the usual size that a score leaves; below 0 it stands against."""
    if alignment >= 0 or rules.veto_score == 0:
        return PERCENT
    share = min(1.0, -alignment / rules.veto_score)
    return PERCENT - round(share * (PERCENT - rules.against_percent))


def _confirm(signal: Signal, score: int | None, age_ms: int, rules: SentimentRules) -> MoodVerdict:
    if score is None:
        return MoodVerdict(is_allowed=False, text="sentiment unknown, not confirmed")
    if age_ms >= rules.fresh_ms:
        age_s = age_ms // MS_PER_SECOND
        return MoodVerdict(is_allowed=False, text=f"sentiment is {age_s} s old, not confirmed")
    if score * signal > rules.confirm_score:
        return MoodVerdict(is_allowed=True, text=f"sentiment {score:+d} confirms")
    return MoodVerdict(is_allowed=False, text=f"sentiment {score:+d} does not confirm")
