"""Our requests and the broker's books: intents, orders, fills, positions, trades."""

from enum import StrEnum

from msgspec import Struct

from palmbot.domain.market import Side
from palmbot.domain.units import (
    DealId,
    IntentId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

LABEL_PREFIX = "pob1"
INTENT_ID_LENGTH = 26
NO_VOLUME = Volume(0)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CROCKFORD = frozenset(CROCKFORD)


class Environment(StrEnum):
    """Which server, and so which money. It is part of every label we send."""

    SIMULATOR = "simulator"
    DEMO = "demo"
    LIVE = "live"


def render_label(environment: Environment, intent_id: IntentId) -> str:
    """Return the label of an order or position of ours (at most 100 characters)."""
    return f"{LABEL_PREFIX}|{environment}|{intent_id}"


def parse_label(label: str, environment: Environment) -> IntentId | None:
    """Return the intent behind a label of ours, or None if it is foreign.

    Strict on purpose: an error here can only turn something of ours into something
    foreign, which blocks trading and is never touched.
    """
    start = render_label(environment, IntentId(""))
    intent_id = label.removeprefix(start)
    if not label.startswith(start) or len(intent_id) != INTENT_ID_LENGTH:
        return None
    return IntentId(intent_id) if _CROCKFORD.issuperset(intent_id) else None


class IntentKind(StrEnum):
    """What a request does to the account."""

    ENTRY = "entry"
    CLOSE = "close"
    AMEND = "amend"
    """Replaces both levels of a position: always carries both."""
    CANCEL = "cancel"

    @property
    def is_risk_increasing(self) -> bool:
        """Only an entry can add exposure."""
        return self is IntentKind.ENTRY


class OrderStyle(StrEnum):
    """How an entry is sent."""

    MARKET = "market"
    LIMIT = "limit"
    """Marketable limit order with a broker-enforced end of life."""


class IntentState(StrEnum):
    """Where one request stands. Unknown is a state of its own and never turns into failed."""

    NEW = "new"
    """Decided, not yet on disk."""
    STORED = "stored"
    """On disk; the second question to the gate is pending."""
    SENT = "sent"
    """Handed to the transport: bytes may or may not have left."""
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    """Fate not proven: the slot is frozen and the full size counts as exposure."""
    FILLED = "filled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CANCELLED_LOCALLY = "cancelled_locally"
    """No byte was written."""
    LOST = "lost"
    """Declared dead: expired at the broker and absent in all evidence, or by an operator."""


IN_FLIGHT = frozenset(
    {
        IntentState.NEW,
        IntentState.STORED,
        IntentState.SENT,
        IntentState.ACCEPTED,
        IntentState.PARTIAL,
        IntentState.UNKNOWN,
    }
)
"""States that keep the slot busy."""

PERHAPS_AT_BROKER = frozenset(
    {IntentState.SENT, IntentState.ACCEPTED, IntentState.PARTIAL, IntentState.UNKNOWN}
)
"""States whose full size counts as exposure."""


class Intent(Struct, frozen=True, kw_only=True):
    """Our durable record of one request that changes the account."""

    intent_id: IntentId
    kind: IntentKind
    style: OrderStyle
    state: IntentState
    symbol_id: SymbolId
    side: Side
    """Side of the order; of the position for CLOSE, AMEND and CANCEL."""
    volume: Volume
    strategy: str
    bar_time: TimestampMs
    """Opening time of the bar whose close gave the signal; with strategy, symbol and side a key."""
    reason: str
    """Why, in words a trader reads: the signal with its numbers."""
    created_at: TimestampMs
    """Market time of the decision."""
    generation: int
    """Connection on which it may be sent."""
    epoch: int
    """Counter of breaker and operator changes at the decision."""
    decision_price: Price
    """Bid or ask the decision saw; the base of slippage. 0 where no price applies."""
    stop_distance: Price | None = None
    """Positive distance from the entry fill, already on the price step."""
    target_distance: Price | None = None
    stop_loss: Price | None = None
    """Absolute levels, for AMEND only."""
    take_profit: Price | None = None
    limit_price: Price | None = None
    expires_at: TimestampMs | None = None
    """Broker-enforced end of life, if the style has one."""
    position_id: PositionId | None = None
    order_id: OrderId | None = None
    filled_volume: Volume = NO_VOLUME
    sent_at: TimestampMs | None = None
    resolution: str = ""
    """What ended it: broker evidence, expiry or operator, with the detail."""


class OrderStatus(StrEnum):
    """State of an order at the broker."""

    ACCEPTED = "accepted"
    FILLED = "filled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class BrokerOrder(Struct, frozen=True, kw_only=True):
    """An order as the broker reports it. Source: ProtoOAOrder."""

    order_id: OrderId
    symbol_id: SymbolId
    side: Side
    volume: Volume
    executed_volume: Volume
    status: OrderStatus
    is_closing: bool
    is_protection: bool
    """A stop or target of a position (STOP_LOSS_TAKE_PROFIT)."""
    position_id: PositionId | None
    label: str
    client_order_id: str
    updated_at: TimestampMs


class Closing(Struct, frozen=True, kw_only=True):
    """What a closing fill settled. Source: ProtoOAClosePositionDetail."""

    entry_price: Price
    gross_profit: Money
    swap: Money
    commission: Money
    """Of the closed volume, both sides; negative is a cost."""
    balance: Money
    balance_version: int

    @property
    def net_profit(self) -> Money:
        """Gross profit with swap and commission."""
        return Money(self.gross_profit + self.swap + self.commission)


class Fill(Struct, frozen=True, kw_only=True):
    """Execution of (part of) an order at a price. Source: ProtoOADeal."""

    deal_id: DealId
    order_id: OrderId
    position_id: PositionId
    symbol_id: SymbolId
    side: Side
    volume: Volume
    """Filled, not ordered."""
    price: Price
    time: TimestampMs
    commission: Money
    closing: Closing | None


class Position(Struct, frozen=True, kw_only=True):
    """An open position as the broker reports it. Source: ProtoOAPosition."""

    position_id: PositionId
    symbol_id: SymbolId
    side: Side
    volume: Volume
    entry_price: Price
    """Average price of its fills, rounded to 1/100_000."""
    stop_loss: Price | None
    take_profit: Price | None
    opened_at: TimestampMs
    swap: Money
    commission: Money
    label: str


class Payment(Struct, frozen=True, kw_only=True):
    """Money that came in or went out other than by a fill."""

    delta: Money
    kind: str
    """Name of the ProtoOAChangeBalanceType."""
    balance: Money
    """After it."""
    balance_version: int
    time: TimestampMs


class BrokerBooks(Struct, frozen=True, kw_only=True):
    """One complete reading of what the broker holds. A partial reading is never one of these."""

    taken_at: TimestampMs
    """Broker time of the reading; `since` if nothing has told it."""
    since: TimestampMs
    """Start of the window of `fills` and `past_orders`."""
    positions: tuple[Position, ...]
    orders: tuple[BrokerOrder, ...]
    """Pending now, protection orders left out."""
    past_orders: tuple[BrokerOrder, ...]
    """Every order of the window, whatever became of it."""
    fills: tuple[Fill, ...]
    """Oldest first."""
    balance: Money
    balance_version: int
    payments: tuple[Payment, ...] = ()
    """Of the window, oldest first."""


class Trade(Struct, frozen=True, kw_only=True):
    """A closed position of ours."""

    position_id: PositionId
    intent_id: IntentId
    side: Side
    volume: Volume
    entry_time: TimestampMs
    entry_price: Price
    exit_time: TimestampMs
    exit_price: Price
    """Average over its closing fills."""
    profit: Money
    """Net of swap and all commissions, in the account currency."""
    entry_reason: str
    exit_reason: str
    """stop loss, take profit, manual, stop out, or unknown."""
