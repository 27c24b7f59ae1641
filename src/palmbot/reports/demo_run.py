"""What one demo run was, in plain values: the input of its report."""

from dataclasses import dataclass

from palmbot.core.state import OpenPosition
from palmbot.domain.orders import Trade
from palmbot.domain.units import Money, Price, TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """One price on the line of the chart."""

    time: TimestampMs
    """Of a bar's close: the end of the bar."""
    price: Price
    """Bid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The account's worth at one moment."""

    time: TimestampMs
    equity: Money
    """Balance with unrealized PnL, in the account currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedTrade:
    """A trade with the levels that protected it."""

    trade: Trade
    stop_loss: Price | None
    take_profit: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEpisode:
    """One loss of the link to the broker."""

    lost_at: TimestampMs
    """Market time."""
    regained_at: TimestampMs | None
    """Market time from which the bot traded again; None if it was not regained."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEpisode:
    """One time a circuit breaker, or a halt, kept the bot from entering."""

    tripped_at: TimestampMs
    cleared_at: TimestampMs | None
    """None if it still stood at the end."""
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Signals, or orders, that the bot's own gate refused for one reason."""

    code: str
    text: str
    """The reason in words."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodSourceUse:
    """How one source of sentiment fared."""

    name: str
    asked: int
    answered: int
    """With a reading; not every one was believed."""
    errors: tuple[tuple[str, int], ...]
    """Kind and count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodFallback:
    """How often one source was passed over for one reason."""

    source: str
    next_source: str
    """`none` after the last."""
    kind: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodUse:
    """How the cache and the sources of sentiment fared."""

    lookups: int
    hits: int
    cold_misses: int
    expired_misses: int
    negative_hits: int
    stale_served: int
    unknown_served: int
    refreshes: int
    quarantined: int
    hit_rate: float | None
    """Fraction of the lookups."""
    hit_rate_predicted: float
    """Without the refresher, for somebody who looks once a minute."""
    signals: int
    known_signals: int
    """Signals of the strategy that met a known mood."""
    veto_blocks: int
    """Signals that mode veto blocks, whichever is in force."""
    confirm_blocks: int
    sources: tuple[MoodSourceUse, ...]
    fallbacks: tuple[MoodFallback, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFigures:
    """The run in numbers; the keys of the demo's JSON."""

    trades: int
    profit_factor: float | None
    """Gross profit / gross loss; None without a loss."""
    win_rate: float | None
    """Fraction of trades with a profit; None without a trade."""
    net_return: float
    """Fraction of the equity at the start."""
    max_drawdown: float
    """Worst fraction below the peak of equity."""
    orders_sent: int
    orders_at_broker: int
    refused_unplaced: int
    """Refused by the broker with nothing placed."""
    never_arrived: int
    """Sent, but not in the simulator's own books."""
    duplicates: int
    positions_without_stop: int
    unknown_open: int
    """Orders whose fate was still not proven at the end."""
    reconnects: int
    frozen_minutes: float
    """Market minutes during which an unknown order kept the slot busy."""
    operator_acks: int
    journal_verified: bool
    replay_identical: bool
    simulated_days: int
    """Trading days."""
    seconds: float
    """Real time of the run."""

    @property
    def are_orders_accounted_for(self) -> bool:
        """Tell whether every order sent was found, refused or lost on the way: none twice."""
        return (
            self.orders_sent == self.orders_at_broker + self.refused_unplaced + self.never_arrived
            and self.duplicates == 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """Everything the report of one run shows; times ascend in every tuple."""

    seed: int
    faults: str
    """none, flaky or storm."""
    symbol: str
    digits: int
    """Decimals of a price, 0 to 5."""
    currency: str
    """Of the account."""
    data_name: str | None
    """Name of the replayed price file; None if the prices are synthetic."""
    bar_period_ms: int
    figures: DemoFigures
    prices: tuple[PricePoint, ...]
    """One per bar is enough; a step of more than one bar reads as closed hours."""
    equity: tuple[EquityPoint, ...]
    """One per bar is enough; the first is the equity at the start."""
    trades: tuple[ReportedTrade, ...]
    links: tuple[LinkEpisode, ...]
    refusals: tuple[Refusal, ...]
    settings: tuple[tuple[str, str], ...]
    """Name and value, both as text, in the order to show."""
    assumptions: tuple[str, ...]
    """How orders fill and what they cost, and notes of the price file: one sentence each."""
    breakers: tuple[BreakerEpisode, ...] = ()
    mood: MoodUse | None = None
    """None if nobody was asked for the mood."""
    open_position: OpenPosition | None = None
    """What was still held at the end."""
