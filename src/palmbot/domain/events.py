"""Everything that can happen to the bot. `core.engine.decide` takes one of these at a time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from palmbot.domain.breakers import BreakerName
from palmbot.domain.market import Account, Bar, ConversionLeg, Symbol, Tick
from palmbot.domain.orders import BrokerBooks, BrokerOrder, Fill, Position
from palmbot.domain.units import IntentId, Money, TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The process began. What was in flight when the last one ended is unknown from here on."""

    time: TimestampMs
    """Wall clock."""
    run_id: str
    nonce: int
    """80 random bits from the id source: the base of this run's intent ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReady:
    """A new connection is authorised, the contract is known, quotes are subscribed."""

    generation: int
    """Counts connections over the life of the process, from 1."""
    account: Account
    symbol: Symbol
    conversion: tuple[ConversionLeg, ...]
    """Empty if the symbol is quoted in the account currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost:
    """The connection is gone, and with it every subscription."""

    generation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsLoaded:
    """Closed bars from the broker's history, oldest first, without gaps in their order."""

    generation: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarClosed:
    """One closed bar from a file; the live feed derives its bars from ticks instead."""

    bar: Bar
    opening: Tick | None = None
    """First price after it, at which its signal is decided as in live trading: the open of the
    next bar. None: it is decided at its own close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """Market time reached `time` without a tick."""

    time: TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentUpdated:
    """The market's mood as last read. No event, or None, means unknown; never 0."""

    score: int | None
    """-100 (bearish) to 100 (bullish)."""
    confidence: float
    """0 to 1."""
    domains: int
    """Distinct sources behind it."""
    has_driver: bool
    """At least one driver other than the price itself."""
    as_of: TimestampMs
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentStored:
    """The journal has the intent on disk."""

    intent_id: IntentId
    age_ms: int
    """Real time since the decision."""
    order_budget: int
    """Order requests the rate budget still allows in this second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendInterrupted:
    """Handing the bytes over failed. Unknown, not failed."""

    intent_id: IntentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUnanswered:
    """No definite answer: the deadline passed, or an error that proves nothing came back."""

    intent_id: IntentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """The broker refused the request itself: proven, nothing was placed."""

    intent_id: IntentId
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted:
    """The broker took the order; not final."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled:
    """An execution, also one by the server's stop or target."""

    order: BrokerOrder
    fill: Fill
    position: Position | None
    """As it stands after the fill; None once it is closed."""
    is_partial: bool


class OrderEnd(StrEnum):
    """Final outcomes other than a fill."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded:
    """The order is over; `order.executed_volume` says how much was filled before."""

    order: BrokerOrder
    end: OrderEnd
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged:
    """Levels, swap or margin of an open position changed without a fill."""

    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class StampMissing:
    """A price came without the broker's time and carries our own clock's instead.

    Told once for a connection, before that price. From here on market time proves nothing
    about the broker.
    """

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChecked:
    """The clocks of this machine were held against each other and against the broker's."""

    jump_ms: int
    """How far the wall clock moved against the time since boot since the last check; positive
    if it was set forward."""
    offset_ms: int | None
    """Wall clock less broker time, the median over the newest stamped prices; None while there
    are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMeasured:
    """How much room the disk of the journal has left."""

    free_bytes: int | None
    """None if nobody could say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChecked:
    """How long the access token still opens the account, told after every look and renewal."""

    left_ms: int
    """Wall time to its end of life; 0 or less once it is over."""
    failure: str
    """Why the newest attempt to renew it failed, without any secret; empty if none failed since
    a pair was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceChanged:
    """Money came in or went out other than by a fill."""

    balance: Money
    balance_version: int
    delta: Money
    kind: str
    time: TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanged:
    """The broker sent new facts of the account."""

    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChanged:
    """The broker says that the contract changed; it must be read again before trading."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionUnreadable:
    """An execution message could not be understood: the books must be compared."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksReported:
    """A complete reading of the broker's books."""

    generation: int
    books: BrokerBooks


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksUnavailable:
    """The reading failed or is incomplete. Unknown, never flat."""

    generation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsUnavailable:
    """History could not be read."""

    generation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorHalted:
    """A person, or a watch in a person's place, stops entries; latched until a person resumes."""

    actor: str
    reason: str
    flatten: bool = False
    """Also close every position of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorResumed:
    """A person allows entries again."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationRequested:
    """A person wants the books compared with the broker's now."""

    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """The process is about to end: no entry from here on, until the next `Started`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReset:
    """A person resets a circuit breaker."""

    name: BreakerName
    actor: str
    reason: str
    budget_bp: int | None = None
    """Further loss of the day that is allowed, as a share of its baseline: `daily_loss` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertUndelivered:
    """An alarm or the heartbeat did not get out; for the record, no decision rests on it."""

    text: str
    reason: str
    """Where it was to go and what failed there, without the address."""


class Acknowledgement(StrEnum):
    """What a person decides about something reconciliation cannot explain."""

    ADOPT = "adopt"
    CLOSE = "close"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAcknowledged:
    """A person settles one open item of reconciliation."""

    item: str
    """Id of an intent, or `position:<id>`."""
    action: Acknowledgement
    actor: str
    reason: str


Event: TypeAlias = (
    Tick
    | Started
    | LinkReady
    | LinkLost
    | BarsLoaded
    | BarsUnavailable
    | BarClosed
    | StampMissing
    | ClockChecked
    | DiskMeasured
    | TokenChecked
    | TimePassed
    | SentimentUpdated
    | IntentStored
    | SendInterrupted
    | OrderUnanswered
    | OrderRefused
    | OrderAccepted
    | OrderFilled
    | OrderEnded
    | PositionChanged
    | BalanceChanged
    | AccountChanged
    | SymbolChanged
    | ExecutionUnreadable
    | BooksReported
    | BooksUnavailable
    | OperatorHalted
    | OperatorResumed
    | OperatorReset
    | OperatorAcknowledged
    | ReconciliationRequested
    | StopRequested
    | AlertUndelivered
)
