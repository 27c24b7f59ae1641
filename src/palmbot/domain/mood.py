"""The market's mood: a score with its grounds, or the knowledge that there is none."""

from dataclasses import dataclass
from enum import StrEnum

from palmbot.domain.units import TimestampMs

SCORE_MAX = 100
"""Scores are whole numbers from -100 (bearish) to 100 (bullish)."""


class Driver(StrEnum):
    """What moves the price of palm oil; the only words of an answer that are kept."""

    STOCKS = "stocks"
    OUTPUT = "output"
    EXPORTS = "exports"
    DEMAND = "demand"
    POLICY = "policy"
    WEATHER = "weather"
    SOYOIL = "soyoil"
    CRUDE = "crude"
    FX = "fx"
    PRICE_ACTION = "price_action"
    """The last move of the price itself, which says little about the next."""


class Freshness(StrEnum):
    """Where a known score came from."""

    HIT = "hit"
    """Out of the cache, within its life."""
    MISS = "miss"
    """Asked for just now."""
    STALE = "stale"
    """Past its life, served because nothing newer could be had."""


class UnknownReason(StrEnum):
    """Why there is no score."""

    COLD = "cold"
    """Nobody has asked yet."""
    EXPIRED = "expired"
    FAILED = "failed"
    """Every provider failed a moment ago."""
    QUARANTINED = "quarantined"
    """An answer came, and was not believed."""
    NO_SOURCE = "no_source"
    """No provider is set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One text that a score rests on; the text itself is not kept."""

    domain: str
    """Host name of the source, or `x.com`."""
    reference: str
    """Address of an article, or the id of a post."""
    title_hash: str
    """First 16 hexadecimal digits of the title's SHA-256."""
    dated_at: TimestampMs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One score with everything it rests on.

    Raises:
        ValueError: the score is no whole number from -100 to 100, or the confidence is not
            from 0 to 1. Nothing is clamped: what is out of range is not understood.
    """

    score: int
    confidence: float
    evidence: tuple[Evidence, ...]
    evidence_at: TimestampMs | None
    """Date of the newest evidence: a fresh answer built on old news is old."""
    drivers: frozenset[Driver]
    provider: str
    tier: int
    """1 is best."""
    mode: str
    """How the provider was asked."""
    model: str
    cost_usd: float
    received_at: TimestampMs

    def __post_init__(self) -> None:
        check_score(self.score)
        if type(self.confidence) not in {int, float} or not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence must be from 0 to 1, was {self.confidence!r:.40}")

    @property
    def domains(self) -> int:
        """Distinct sources behind the score."""
        return len({each.domain for each in self.evidence})

    @property
    def has_driver(self) -> bool:
        """Tell whether anything but the price itself speaks for the score."""
        return bool(self.drivers - {Driver.PRICE_ACTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A score that counts."""

    reading: Reading
    age_ms: int
    """Since it was stored, by whichever clock says more."""
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No score. Never 0, which would read as a neutral market."""

    reason: UnknownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodMet:
    """A signal of the strategy, the mood it met, and what each mode says to that."""

    served_at: TimestampMs
    market_time: TimestampMs
    signal: int
    """1 buy, -1 sell."""
    mode: str
    """The one in force."""
    cache_state: str
    """fresh, stale or unknown, by the rules of the strategy."""
    source: str
    score: int | None
    confidence: float | None
    age_ms: int | None
    veto_allows: bool
    veto_percent: int
    """Share of the usual size that mode `veto` would have left."""
    confirm_allows: bool


def check_score(score: object) -> int:
    """Return a score that is a whole number in range; a truth value is none.

    Raises:
        ValueError: it is not. Nothing is clamped.
    """
    if type(score) is not int:
        raise ValueError(f"a score is a whole number, was {type(score).__name__}")
    if not -SCORE_MAX <= score <= SCORE_MAX:
        raise ValueError(f"a score is from -100 to 100, was {score!r:.40}")
    return score
