"""Everything about the engine that a person may choose, checked when it is built."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from palmbot.core.breakers.rules import BreakerRules, Unknown
from palmbot.domain.live import LiveGrant
from palmbot.domain.orders import Environment, OrderStyle
from palmbot.domain.units import BASIS_POINTS, MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, AccountId

RSI_MAX = 100.0


class SentimentMode(StrEnum):
    """What the market's mood may do to a signal."""

    OFF = "off"
    VETO = "veto"
    """Blocks an entry against a strong and well-founded mood; unknown blocks nothing."""
    CONFIRM = "confirm"
    """An entry needs the mood on its side; unknown means no entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentRules:
    """Mode and thresholds. None of them is proven to earn money."""

    mode: SentimentMode = SentimentMode.VETO
    fresh_ms: int = 300_000
    """Below this age, exclusive, a score counts in full; `confirm` knows no other."""
    expires_ms: int = 2_100_000
    """Above this age a score is unknown."""
    half_life_ms: int = 600_000
    """In between, `veto` halves the score once per so many milliseconds."""
    veto_score: float = 60.0
    """A long is vetoed at -60 or below, a short at +60 or above."""
    veto_confidence: float = 0.6
    veto_domains: int = 3
    confirm_score: float = 30.0
    """A buy needs more than +30, a sell less than -30."""
    against_percent: int = 100
    """`veto` only: share of the usual size that is left when the score stands against an entry
    as far as `veto_score`; in between in proportion. 100 leaves sizes alone, more is refused."""

    def __post_init__(self) -> None:
        if not 0 < self.fresh_ms <= self.expires_ms or self.half_life_ms <= 0:
            raise ValueError(
                f"need 0 < fresh_ms <= expires_ms and half_life_ms > 0, was {self.fresh_ms}, "
                f"{self.expires_ms} and {self.half_life_ms}"
            )
        for name, value in (
            ("veto_score", self.veto_score),
            ("confirm_score", self.confirm_score),
        ):
            if not 0 <= value <= 100:  # noqa: PLR2004 - the range of a score
                raise ValueError(f"{name} must be from 0 to 100, was {value}")
        if not 0 <= self.veto_confidence <= 1:
            raise ValueError(f"veto_confidence must be from 0 to 1, was {self.veto_confidence}")
        if not 50 <= self.against_percent <= 100:  # noqa: PLR2004 - a mood may halve, not enlarge
            raise ValueError(f"against_percent must be from 50 to 100, was {self.against_percent}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParams:
    """Parameters of `core.engine.decide`; the same object serves live, replay and backtest."""

    environment: Environment = Environment.SIMULATOR
    account_id: AccountId
    symbol_name: str
    is_shadow: bool = False
    """Decide everything, send nothing."""
    live: LiveGrant | None = None
    """Proof that the locks of LIVE are open; without it no entry on a live account."""

    strategy: str = "rsi"
    """Name under which entries are recorded; with symbol, side and bar a key that never repeats."""
    rsi_period: int = 14
    rsi_buy: float = 30.0
    """Buy when flat and RSI below this."""
    rsi_sell: float = 70.0
    """Sell when flat and RSI above this."""
    bar_period_ms: int = 5 * MS_PER_MINUTE
    warm_up_bars: int = 150
    """Closes seen before a signal counts: a later start would show another RSI (by 0.0003 here)."""
    history_bars: int = 500
    """Closed bars asked from the broker after each connection."""
    sentiment: SentimentRules = SentimentRules()

    take_profit_bp: int = 200
    """Distance of the target from the entry price."""
    stop_loss_bp: int = 150
    """Distance of the stop from the entry price."""
    risk_bp: int = 100
    """Share of equity lost if the stop is hit at its price."""
    margin_bp_max: int = 5_000
    """Share of equity that the margin of one position may use."""

    order_style: OrderStyle = OrderStyle.MARKET
    limit_tolerance_bp: int = 10
    """LIMIT only: how far through the market the limit lies."""
    limit_life_ms: int = 8 * MS_PER_SECOND
    """LIMIT only: end of life at the broker after the decision."""
    price_age_max_ms: int = 30 * MS_PER_SECOND
    """Oldest price an entry may rest on; replayed bars need three bar periods."""
    conversion_age_max_ms: int = 60 * MS_PER_MINUTE
    """Oldest conversion rate an entry may rest on. It moves the size, not the entry: an hour-old
    rate of a major pair is off by far less than the rounding to the volume step."""
    spread_bp_max: int = 60
    """Widest spread, as a share of the bid, at which an entry is allowed."""
    orders_per_minute_max: int = 3
    orders_per_day_max: int = 30
    """Entries per UTC day of market time."""
    intent_age_max_ms: int = 1_000
    """Longest real time from the decision to the send."""

    books_interval_s: float = 60.0
    """Link seconds between two comparisons with the broker while all is well."""
    undecided_s_max: float = 120.0
    """Link seconds of looking for an order without an answer before a person is asked."""
    close_surplus: bool = True
    """Close positions of ours beyond the one that is allowed; else a person is asked."""
    breakers: BreakerRules = field(default_factory=BreakerRules)

    def __post_init__(self) -> None:  # noqa: C901, PLR0912 - one plain check after the other
        if not self.symbol_name or not self.strategy:
            raise ValueError("symbol_name and strategy must not be empty")
        if self.breakers.unknown is Unknown.ALLOW and self.environment is not Environment.SIMULATOR:
            raise ValueError("breakers.unknown = allow is for the simulator, not for a broker")
        if self.rsi_period < 2:  # noqa: PLR2004 - with one bar the RSI is 0 or 100
            raise ValueError(f"rsi_period must be at least 2, was {self.rsi_period}")
        if not (math.isfinite(self.rsi_buy) and math.isfinite(self.rsi_sell)):
            raise ValueError("rsi_buy and rsi_sell must be finite")
        if not 0 <= self.rsi_buy < self.rsi_sell <= RSI_MAX:
            raise ValueError(
                f"need 0 <= rsi_buy < rsi_sell <= 100, was {self.rsi_buy} and {self.rsi_sell}"
            )
        if not 0 < self.bar_period_ms <= MS_PER_DAY:
            raise ValueError(f"bar_period_ms must be 1 ms to one day, was {self.bar_period_ms}")
        if self.warm_up_bars <= self.rsi_period:
            raise ValueError(
                f"warm_up_bars must exceed rsi_period, was {self.warm_up_bars} "
                f"with rsi_period={self.rsi_period}"
            )
        if self.history_bars < 1:
            raise ValueError(f"history_bars must be positive, was {self.history_bars}")
        for name, share in (
            ("take_profit_bp", self.take_profit_bp),
            ("stop_loss_bp", self.stop_loss_bp),
            ("risk_bp", self.risk_bp),
            ("margin_bp_max", self.margin_bp_max),
            ("spread_bp_max", self.spread_bp_max),
        ):
            if not 0 < share <= BASIS_POINTS:
                raise ValueError(f"{name} must be from 1 to 10000 basis points, was {share}")
        if BASIS_POINTS in (self.stop_loss_bp, self.take_profit_bp):
            raise ValueError("a stop or target 100 per cent away would lie at or below zero")
        if not 0 <= self.limit_tolerance_bp < BASIS_POINTS:
            raise ValueError(f"limit_tolerance_bp must be 0 to 9999, was {self.limit_tolerance_bp}")
        for name, limit in (
            ("limit_life_ms", self.limit_life_ms),
            ("price_age_max_ms", self.price_age_max_ms),
            ("conversion_age_max_ms", self.conversion_age_max_ms),
            ("orders_per_minute_max", self.orders_per_minute_max),
            ("orders_per_day_max", self.orders_per_day_max),
            ("intent_age_max_ms", self.intent_age_max_ms),
            ("books_interval_s", self.books_interval_s),
            ("undecided_s_max", self.undecided_s_max),
        ):
            if not (math.isfinite(limit) and limit > 0):
                raise ValueError(f"{name} must be positive, was {limit}")
