"""The books of the account: who may write what, and the laws that they always obey."""

from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.units import (
    DealId,
    OrderId,
    PositionId,
    TimestampMs,
)
from palmbot.simulator.records import (
    CashFlow,
    Deal,
    Fate,
    NewOrder,
    Order,
    OrderRequest,
    Position,
)

FIRST_ORDER_ID = 300_000_001
FIRST_POSITION_ID = 200_000_001
FIRST_DEAL_ID = 400_000_001


class Ledger:
    """Balance, orders, positions, deals and requests of one account.

    Money is in minor units of the account.
    """

    def __init__(self, initial_balance: int) -> None:
        self.initial_balance = initial_balance
        self.balance = initial_balance
        self.balance_version = 1
        self.orders: dict[OrderId, Order] = {}
        """Every order ever taken."""
        self.pending: dict[OrderId, Order] = {}
        """Orders that still wait for a fill; the values are those of `orders`."""
        self.positions: dict[PositionId, Position] = {}
        """Open positions."""
        self.closed_positions: dict[PositionId, Position] = {}
        self.deals: list[Deal] = []
        self.cash_flows: list[CashFlow] = []
        self.requests: list[OrderRequest] = []
        self.unprotected: set[PositionId] = set()
        """Positions that at any time existed without a stop."""
        self._order_id = FIRST_ORDER_ID
        self._position_id = FIRST_POSITION_ID
        self._deal_id = FIRST_DEAL_ID

    def draw_order_id(self) -> OrderId:
        """Return a fresh order id."""
        self._order_id += 1
        return OrderId(self._order_id - 1)

    def draw_position_id(self) -> PositionId:
        """Return a fresh position id."""
        self._position_id += 1
        return PositionId(self._position_id - 1)

    def draw_deal_id(self) -> DealId:
        """Return a fresh deal id."""
        self._deal_id += 1
        return DealId(self._deal_id - 1)

    def write_order(self, order: Order, *, is_pending: bool) -> None:
        """Put in, or replace, an order."""
        self.orders[order.order_id] = order
        if is_pending:
            self.pending[order.order_id] = order
        else:
            self.pending.pop(order.order_id, None)

    def write_position(self, position: Position) -> None:
        """Put in, or replace, a position; without volume it is closed."""
        if position.volume > 0:
            self.positions[position.position_id] = position
            if position.stop_loss is None:
                self.unprotected.add(position.position_id)
        else:
            self.positions.pop(position.position_id, None)
            self.closed_positions[position.position_id] = position

    def settle(self, amount: int) -> None:
        """Change the balance."""
        self.balance += amount
        self.balance_version += 1

    def write_cash_flow(self, delta: int, time: TimestampMs, note: str) -> CashFlow:
        """Book money that comes in, or goes out if negative."""
        self.settle(delta)
        flow = CashFlow(
            flow_id=len(self.cash_flows) + 1,
            delta=delta,
            balance=self.balance,
            balance_version=self.balance_version,
            time=time,
            note=note,
        )
        self.cash_flows.append(flow)
        return flow

    def write_request(
        self,
        order: NewOrder,
        fate: Fate,
        time: TimestampMs,
        *,
        code: str = "",
        order_id: OrderId | None = None,
    ) -> None:
        """Remember what became of a request for a new order."""
        self.requests.append(
            OrderRequest(
                label=order.label,
                client_order_id=order.client_order_id,
                fate=fate,
                time=time,
                code=code,
                order_id=order_id,
            )
        )

    def verify(self) -> None:
        """Check every law of the books.

        Raises:
            BooksDoNotBalance: a mistake of the exchange.
        """
        settled = [deal.settlement for deal in self.deals if deal.settlement is not None]
        flows = sum(flow.delta for flow in self.cash_flows)
        expected = self.initial_balance + sum(each.net_profit for each in settled) + flows
        if self.balance != expected:
            raise BooksDoNotBalance(f"balance {self.balance}, but its deals sum up to {expected}")
        charged = sum(deal.commission for deal in self.deals)
        booked = sum(each.commission for each in settled)
        booked += sum(each.commission for each in self.positions.values())
        if charged != booked:
            raise BooksDoNotBalance(f"commission {charged} was charged, but {booked} is booked")
        self._verify_volumes()

    def _verify_volumes(self) -> None:
        open_volume = dict.fromkeys((*self.positions, *self.closed_positions), 0)
        executed = dict.fromkeys(self.orders, 0)
        for deal in self.deals:
            sign = 1 if deal.settlement is None else -1
            open_volume[deal.position_id] += sign * deal.volume
            executed[deal.order_id] += deal.volume
        for position_id, volume in open_volume.items():
            position = self.positions.get(position_id)
            booked = 0 if position is None else position.volume
            if volume != booked:
                raise BooksDoNotBalance(
                    f"position {position_id} holds {booked}, but its deals leave {volume}"
                )
        for order_id, volume in executed.items():
            order = self.orders[order_id]
            if volume != order.executed_volume or volume > order.volume:
                raise BooksDoNotBalance(
                    f"order {order_id} of {order.volume} executed {order.executed_volume}, but its "
                    f"deals sum up to {volume}"
                )
