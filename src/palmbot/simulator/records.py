"""What the exchange writes down: orders, positions, deals, executions, and the fate of requests.

Prices are 1/100_000, volumes 1/100 of a unit, times milliseconds of market time. Money is in
minor units of the account: 10 ** -money_digits of its currency.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from palmbot.domain.market import Side
from palmbot.domain.units import (
    DealId,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)


class OrderKind(IntEnum):
    """Numbers as in ProtoOAOrderType; the kinds that the exchange serves."""

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LOSS_TAKE_PROFIT = 4


class OrderState(IntEnum):
    """Numbers as in ProtoOAOrderStatus."""

    ACCEPTED = 1
    FILLED = 2
    REJECTED = 3
    EXPIRED = 4
    CANCELLED = 5


class ExecutionKind(IntEnum):
    """Numbers as in ProtoOAExecutionType."""

    ORDER_ACCEPTED = 2
    ORDER_FILLED = 3
    ORDER_REPLACED = 4
    ORDER_CANCELLED = 5
    ORDER_EXPIRED = 6
    ORDER_REJECTED = 7
    ORDER_CANCEL_REJECTED = 8
    SWAP = 9
    DEPOSIT_WITHDRAW = 10
    ORDER_PARTIAL_FILL = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """What a client asks for. Source: ProtoOANewOrderReq."""

    symbol_id: SymbolId
    kind: OrderKind
    side: Side
    volume: Volume
    label: str = ""
    client_order_id: str = ""
    comment: str = ""
    limit_price: Price | None = None
    stop_price: Price | None = None
    expires_at: TimestampMs | None = None
    """None: good till cancelled."""
    stop_loss: Price | None = None
    take_profit: Price | None = None
    stop_distance: Price | None = None
    target_distance: Price | None = None
    position_id: PositionId | None = None
    """Add to, or reduce, this position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order the exchange took. Source: ProtoOAOrder."""

    order_id: OrderId
    kind: OrderKind
    state: OrderState
    symbol_id: SymbolId
    side: Side
    volume: Volume
    executed_volume: Volume
    opened_at: TimestampMs
    updated_at: TimestampMs
    label: str
    client_order_id: str
    comment: str
    position_id: PositionId | None
    is_closing: bool
    is_stop_out: bool = False
    execution_price: Price | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    expires_at: TimestampMs | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    stop_distance: Price | None = None
    target_distance: Price | None = None

    @property
    def open_volume(self) -> Volume:
        """What is still to be filled."""
        return Volume(self.volume - self.executed_volume)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position, open or closed. Source: ProtoOAPosition."""

    position_id: PositionId
    symbol_id: SymbolId
    side: Side
    volume: Volume
    """Open; 0 once closed."""
    entry_price: Price
    """Average of its opening fills by volume, rounded to 1/100_000."""
    stop_loss: Price | None
    take_profit: Price | None
    opened_at: TimestampMs
    updated_at: TimestampMs
    closed_at: TimestampMs | None
    swap: int
    """Money of the open volume, settled when it closes; negative is a cost."""
    commission: int
    """Money of the opening fills of the open volume; negative is a cost."""
    used_margin: int
    label: str
    comment: str
    protection_order_id: OrderId
    """The order that holds stop and target at the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a closing deal settled. Source: ProtoOAClosePositionDetail."""

    entry_price: Price
    gross_profit: int
    swap: int
    commission: int
    """Both sides of the closed volume."""
    balance: int
    """After this deal."""
    balance_version: int
    conversion_rate: float
    """From the quote asset to the account currency."""

    @property
    def net_profit(self) -> int:
        """What the balance changed by."""
        return self.gross_profit + self.swap + self.commission


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One execution of (part of) an order. Source: ProtoOADeal."""

    deal_id: DealId
    order_id: OrderId
    position_id: PositionId
    symbol_id: SymbolId
    side: Side
    ordered_volume: Volume
    volume: Volume
    """Filled."""
    price: Price
    time: TimestampMs
    commission: int
    """Of this deal alone."""
    is_partial: bool
    settlement: Settlement | None
    """None if the deal opened or added to a position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow:
    """Money that came in or went out other than by a deal. Source: ProtoOADepositWithdraw."""

    flow_id: int
    delta: int
    balance: int
    balance_version: int
    time: TimestampMs
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One thing the exchange did, with the books as they stood right after it."""

    kind: ExecutionKind
    order: Order | None = None
    position: Position | None = None
    deal: Deal | None = None
    cash_flow: CashFlow | None = None
    is_server_event: bool = False
    """Nobody asked for it: stop, target, swap, expiry, stop-out."""
    error_code: str = ""


class Fate(StrEnum):
    """What became of a request for a new order."""

    PLACED = "placed"
    """The exchange has it, whatever the client was told."""
    REFUSED = "refused"
    """Answered or not: nothing was placed."""
    NEVER_ARRIVED = "never_arrived"
    """Lost on the way; the exchange never saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A request for a new order and its fate, as the operator's own app would show it."""

    label: str
    client_order_id: str
    fate: Fate
    time: TimestampMs
    code: str = ""
    """Why it was refused."""
    order_id: OrderId | None = None
