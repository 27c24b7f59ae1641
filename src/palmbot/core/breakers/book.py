"""What the breakers remember: plain frozen values inside `core.state.EngineState`.

Everything survives a restart with the state. Nothing in here is ever changed in place.
"""

from enum import StrEnum
from itertools import chain

from msgspec import Struct, field

from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.units import IntentId, Money, PositionId, Price, TimestampMs

NO_TIME = TimestampMs(0)
NO_MONEY = Money(0)
NO_PRICE = Price(0)
SAMPLE_BLOCK = 32
FORBIDDING = frozenset({BreakerPhase.OPEN, BreakerPhase.LATCHED})
"""Phases in which no entry leaves."""


class Trip(Struct, frozen=True, kw_only=True):
    """One opening of a breaker."""

    at: TimestampMs
    trading_day: int
    """Number of the trading day, counted by the bot."""
    is_by_probe: bool
    """The probe lost; False for a trip out of the closed phase."""


class BreakerRecord(Struct, frozen=True, kw_only=True):
    """One breaker as it stands."""

    name: BreakerName
    phase: BreakerPhase = BreakerPhase.CLOSED
    tripped_at: TimestampMs = NO_TIME
    """Market time of the newest trip."""
    hold_until: TimestampMs = NO_TIME
    """Market time before which it does not release, whatever else holds."""
    trips: tuple[Trip, ...] = ()
    """Openings within the window of days that counts, oldest first."""
    reason: str = ""
    """Why it stands as it does, in words with numbers."""
    probe: IntentId | None = None
    """The one entry under way while half open."""
    reset_by: str = ""
    reset_at: TimestampMs = NO_TIME


UNTOUCHED = {name: BreakerRecord(name=name) for name in BreakerName}
"""Breakers that never tripped."""


class BreakerChange(Struct, frozen=True, kw_only=True):
    """One breaker going from one phase to another, for the audit."""

    name: BreakerName
    before: BreakerPhase
    after: BreakerPhase
    at: TimestampMs
    """Market time."""
    reason: str
    measured: int = 0
    threshold: int = 0
    """Of the same unit as `measured`, which the reason tells."""
    actor: str = "bot"
    trading_day: int = 0
    epoch: int = 0
    """Of the trading switch, after the change."""


class Quality(StrEnum):
    """How well the baseline of a day is known."""

    EXACT = "exact"
    ESTIMATED = "estimated"
    """The bot was not there when the day began; the highest of all candidates was taken."""


class Limits(Struct, frozen=True, kw_only=True):
    """The thresholds that can only be lowered within a day."""

    daily_loss_bp: int
    losses_max: int
    volatility_percent: int

    def tightened_by(self, other: "Limits") -> "Limits":
        """Return the stricter of both, threshold by threshold."""
        return Limits(
            daily_loss_bp=min(self.daily_loss_bp, other.daily_loss_bp),
            losses_max=min(self.losses_max, other.losses_max),
            volatility_percent=min(self.volatility_percent, other.volatility_percent),
        )


class DayBook(Struct, frozen=True, kw_only=True):
    """One trading day. Days only move on: a clock that steps back re-opens none."""

    ordinal: int
    """Local date on which it began, in days since 0001-01-01."""
    starts_at: TimestampMs
    ends_at: TimestampMs
    """Start of the next day."""
    trading_day: int
    """Days with prices seen so far: the unit in which trips are counted."""
    limits: Limits
    has_prices: bool = False
    baseline: Money | None = None
    """Equity from which the loss is measured; written once, never lowered."""
    quality: Quality = Quality.EXACT
    carried: Money | None = None
    """Highest of balance and equity as last seen on the day before."""
    cash_flow: Money = NO_MONEY
    """Deposits less withdrawals since the day began."""
    granted: Money | None = None
    """Loss that a person allows today instead of the limit."""
    equity: Money | None = None
    """As last measured."""
    warned_percent: int = 0
    """Highest share of the limit that a person was told of."""

    @property
    def loss(self) -> Money | None:
        """What the day has lost by the last measure; negative is a gain, None if unknown."""
        if self.baseline is None or self.equity is None:
            return None
        return Money(self.baseline + self.cash_flow - self.equity)


class Result(StrEnum):
    """How one trade ended, costs included."""

    WIN = "win"
    LOSS = "loss"
    SCRATCH = "scratch"
    """Within one price step of nothing: neither counts nor ends a streak."""


class Outcome(Struct, frozen=True, kw_only=True):
    """A closed trade in the ledger from which the streak is folded."""

    position_id: PositionId
    intent_id: IntentId
    opened_at: TimestampMs
    closed_at: TimestampMs
    net: Money
    result: Result


class Sample(Struct, frozen=True, kw_only=True):
    """The newest values of something, in blocks, so that one more copies few of them."""

    older: tuple[tuple[int, ...], ...] = ()
    """Blocks in order of arrival; the first loses its oldest values."""
    newest: tuple[int, ...] = ()
    """The block being filled."""
    size: int = 0
    """Number of values."""

    def add(self, value: int, size_max: int) -> "Sample":
        """Return the sample with one more value and at most `size_max` of them."""
        older = self.older
        newest = (*self.newest, value)
        size = self.size + 1
        while size > size_max:
            if older:
                older = (older[0][1:], *older[1:]) if len(older[0]) > 1 else older[1:]
            else:
                newest = newest[1:]
            size -= 1
        if len(newest) >= SAMPLE_BLOCK:
            older, newest = (*older, newest), ()
        return Sample(older=older, newest=newest, size=size)

    @property
    def values(self) -> tuple[int, ...]:
        """In order of arrival."""
        return (*chain.from_iterable(self.older), *self.newest)

    @property
    def oldest(self) -> int:
        """The value that leaves first. The sample must not be empty."""
        return self.older[0][0] if self.older else self.newest[0]

    @property
    def median(self) -> int:
        """The lower median; 0 for an empty sample. Sorts: values arrive far oftener than asked."""
        values = self.values if self.older else self.newest
        return sorted(values)[(self.size - 1) // 2] if values else 0


class VolatilityView(Struct, frozen=True, kw_only=True):
    """ATR over closed bars, and what is usual for it."""

    seen_until: TimestampMs = NO_TIME
    """End of the newest bar taken in."""
    close: Price = NO_PRICE
    seed_ranges: tuple[int, ...] = ()
    """True ranges before the first ATR."""
    atr_scaled: int | None = None
    """ATR times the period, so that Wilder's smoothing stays in integers."""
    recent: Sample = Sample()
    """ATRs of the bars before the newest."""
    ordered: tuple[int, ...] = ()
    """The same, ascending; empty while their median is not asked for."""
    hours: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """By hour of the day in UTC: the last ATR of that hour on each earlier day."""
    today: dict[int, int] = field(default_factory=dict)
    """The same for the day under way, which is not yet part of what is usual."""
    day: int = 0
    """UTC day of `today`."""
    ratio_percent: int | None = None
    """ATR against the usual; None while that is not known."""
    calm_bars: int = 0
    """Closed bars in a row at or below the calm ratio."""


class Tape(Struct, frozen=True, kw_only=True):
    """What single ticks say between two bars."""

    minute: int = 0
    """Minute of market time under way."""
    high: int = 0
    low: int = 0
    ranges: Sample = Sample()
    """High less low of the last minutes."""
    slot_ranges: dict[int, Sample] = field(default_factory=dict)
    """By slot of five minutes of the day in UTC: high less low of its earlier minutes."""
    spreads: dict[int, Sample] = field(default_factory=dict)
    """By slot of five minutes of the day in UTC: the spread at the end of its earlier minutes."""
    usual_range: int | None = None
    """Median of the slot under way, before it was seen on two days that of the last minutes; None
    while there are too few."""
    range_limit: int | None = None
    """Range of a minute that trips; None while no range is usual."""
    usual_spread: int | None = None
    """Median of the slot under way; None before it was seen on two days."""
    fresh_ticks: int = 0
    """Ticks since the last reason to distrust the feed; counted only while a breaker waits."""
    session_close: Price | None = None
    """Last price before the newest break in trading hours."""


class Mishap(Struct, frozen=True, kw_only=True):
    """A request that went wrong, for the rates."""

    at: TimestampMs
    intent_id: IntentId


class MachineView(Struct, frozen=True, kw_only=True):
    """What the edges last said about the machine and the key to the account."""

    is_clock_right: bool = True
    """The newest check found both clocks in agreement."""
    token_told_hours: int | None = None
    """Life of the token when a person was last told that its renewal fails; None if never."""


class BreakerBook(Struct, frozen=True, kw_only=True):
    """All breakers with all they rest on."""

    records: dict[BreakerName, BreakerRecord] = field(default_factory=dict)
    """A breaker that never tripped has none."""
    day: DayBook | None = None
    outcomes: tuple[Outcome, ...] = ()
    """Newest trades by the time they closed, each once."""
    rejects: tuple[Mishap, ...] = ()
    unknowns: tuple[Mishap, ...] = ()
    starts: tuple[TimestampMs, ...] = ()
    """Wall clock of the newest starts."""
    machine: MachineView = MachineView()
    rate_refusals: int = 0
    """Entries refused for their rate, as counted when last looked at."""
    balance_seen: Money | None = None
    balance_version_seen: int = 0
    early_flow: Money = NO_MONEY
    """Payments of a day whose beginning market time has not reached yet."""
    counted_flows: tuple[int, ...] = ()
    """Balance versions of the payments counted."""
    is_blind: bool = True
    """The bot was away since it last compared its books: what happened is not known in order."""
    is_unexplained: bool = False
    """Money moved while the bot was away that no fill explains."""
    reviewed_at: TimestampMs = NO_TIME
    defect: str = ""
    """A breaker failed: nothing enters until a review succeeds again."""

    def read(self, name: BreakerName) -> BreakerRecord:
        """Return one breaker."""
        return self.records.get(name) or UNTOUCHED[name]

    def list_held_out(self, now: TimestampMs) -> list[BreakerName]:
        """Return the open breakers that have held for as long as they have to at `now`."""
        return [
            each.name
            for each in self.records.values()
            if each.phase is BreakerPhase.OPEN and now >= each.hold_until
        ]

    @property
    def is_alert(self) -> bool:
        """True while any breaker is not closed."""
        for each in self.records.values():  # noqa: SIM110 - asked for with every event
            if each.phase is not BreakerPhase.CLOSED:
                return True
        return False
