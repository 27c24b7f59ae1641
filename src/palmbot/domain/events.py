"""Everything that can happen to the bot. `core.engine.decide` takes one of these at a time."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from palmbot.domain.breakers import BreakerName
from palmbot.domain.market import Account, Bar, ConversionLeg, Symbol, Tick
from palmbot.domain.orders import BrokerBooks, BrokerOrder, Fill, Position
from palmbot.domain.units import IntentId, Money, TimestampMs


class Started(Struct, frozen=True, kw_only=True):
    """The process began. What was in flight when the last one ended is unknown from here on."""

    time: TimestampMs
    """Wall clock."""
    run_id: str
    nonce: int
    """80 random bits from the id source: the base of this run's intent ids."""


class LinkReady(Struct, frozen=True, kw_only=True):
    """A new connection is authorised, the contract is known, quotes are subscribed."""

    generation: int
    """Counts connections over the life of the process, from 1."""
    account: Account
    symbol: Symbol
    conversion: tuple[ConversionLeg, ...]
    """Empty if the symbol is quoted in the account currency."""


class LinkLost(Struct, frozen=True, kw_only=True):
    """The connection is gone, and with it every subscription."""

    generation: int
    reason: str


class BarsLoaded(Struct, frozen=True, kw_only=True):
    """Closed bars from the broker's history, oldest first, without gaps in their order."""

    generation: int
    bars: tuple[Bar, ...]


class BarClosed(Struct, frozen=True, kw_only=True):
    """One closed bar from a file; the live feed derives its bars from ticks instead."""

    bar: Bar
    opening: Tick | None = None
    """First price after it, at which its signal is decided as in live trading: the open of the
    next bar. None: it is decided at its own close."""


class TimePassed(Struct, frozen=True, kw_only=True):
    """Market time reached `time` without a tick."""

    time: TimestampMs


class SentimentUpdated(Struct, frozen=True, kw_only=True):
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


class IntentStored(Struct, frozen=True, kw_only=True):
    """The journal has the intent on disk."""

    intent_id: IntentId
    age_ms: int
    """Real time since the decision."""
    order_budget: int
    """Order requests the rate budget still allows in this second."""


class SendInterrupted(Struct, frozen=True, kw_only=True):
    """Handing the bytes over failed. Unknown, not failed."""

    intent_id: IntentId
    reason: str


class OrderUnanswered(Struct, frozen=True, kw_only=True):
    """No definite answer: the deadline passed, or an error that proves nothing came back."""

    intent_id: IntentId
    reason: str


class OrderRefused(Struct, frozen=True, kw_only=True):
    """The broker refused the request itself: proven, nothing was placed."""

    intent_id: IntentId
    code: str
    reason: str


class OrderAccepted(Struct, frozen=True, kw_only=True):
    """The broker took the order; not final."""

    order: BrokerOrder


class OrderFilled(Struct, frozen=True, kw_only=True):
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


class OrderEnded(Struct, frozen=True, kw_only=True):
    """The order is over; `order.executed_volume` says how much was filled before."""

    order: BrokerOrder
    end: OrderEnd
    reason: str


class PositionChanged(Struct, frozen=True, kw_only=True):
    """Levels, swap or margin of an open position changed without a fill."""

    position: Position


class StampMissing(Struct, frozen=True, kw_only=True):
    """A price came without the broker's time and carries our own clock's instead.

    Told once for a connection, before that price. From here on market time proves nothing
    about the broker.
    """

    generation: int


class ClockChecked(Struct, frozen=True, kw_only=True):
    """The clocks of this machine were held against each other and against the broker's."""

    jump_ms: int
    """How far the wall clock moved against the time since boot since the last check; positive
    if it was set forward."""
    offset_ms: int | None
    """Wall clock less broker time, the median over the newest stamped prices; None while there
    are too few."""


class DiskMeasured(Struct, frozen=True, kw_only=True):
    """How much room the disk of the journal has left."""

    free_bytes: int | None
    """None if nobody could say."""


class TokenChecked(Struct, frozen=True, kw_only=True):
    """How long the access token still opens the account, told after every look and renewal."""

    left_ms: int
    """Wall time to its end of life; 0 or less once it is over."""
    failure: str
    """Why the newest attempt to renew it failed, without any secret; empty if none failed since
    a pair was stored."""


class BalanceChanged(Struct, frozen=True, kw_only=True):
    """Money came in or went out other than by a fill."""

    balance: Money
    balance_version: int
    delta: Money
    kind: str
    time: TimestampMs


class AccountChanged(Struct, frozen=True, kw_only=True):
    """The broker sent new facts of the account."""

    account: Account


class SymbolChanged(Struct, frozen=True, kw_only=True):
    """The broker says that the contract changed; it must be read again before trading."""

    reason: str


class ExecutionUnreadable(Struct, frozen=True, kw_only=True):
    """An execution message could not be understood: the books must be compared."""

    reason: str


class BooksReported(Struct, frozen=True, kw_only=True):
    """A complete reading of the broker's books."""

    generation: int
    books: BrokerBooks


class BooksUnavailable(Struct, frozen=True, kw_only=True):
    """The reading failed or is incomplete. Unknown, never flat."""

    generation: int
    reason: str


class BarsUnavailable(Struct, frozen=True, kw_only=True):
    """History could not be read."""

    generation: int
    reason: str


class OperatorHalted(Struct, frozen=True, kw_only=True):
    """A person, or a watch in a person's place, stops entries; latched until a person resumes."""

    actor: str
    reason: str
    flatten: bool = False
    """Also close every position of ours."""


class OperatorResumed(Struct, frozen=True, kw_only=True):
    """A person allows entries again."""

    actor: str
    reason: str


class ReconciliationRequested(Struct, frozen=True, kw_only=True):
    """A person wants the books compared with the broker's now."""

    actor: str


class StopRequested(Struct, frozen=True, kw_only=True):
    """The process is about to end: no entry from here on, until the next `Started`."""

    reason: str


class OperatorReset(Struct, frozen=True, kw_only=True):
    """A person resets a circuit breaker."""

    name: BreakerName
    actor: str
    reason: str
    budget_bp: int | None = None
    """Further loss of the day that is allowed, as a share of its baseline: `daily_loss` only."""


class AlertUndelivered(Struct, frozen=True, kw_only=True):
    """An alarm or the heartbeat did not get out; for the record, no decision rests on it."""

    text: str
    reason: str
    """Where it was to go and what failed there, without the address."""


class Acknowledgement(StrEnum):
    """What a person decides about something reconciliation cannot explain."""

    ADOPT = "adopt"
    CLOSE = "close"
    IGNORE = "ignore"


class OperatorAcknowledged(Struct, frozen=True, kw_only=True):
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
