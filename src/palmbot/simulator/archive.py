"""Requests for the books: open positions, orders and deals of the past, worth and margin."""

from collections.abc import Iterable

from google.protobuf.message import Message

from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOACashFlowHistoryListReq,
    ProtoOACashFlowHistoryListRes,
    ProtoOAExpectedMarginReq,
    ProtoOAExpectedMarginRes,
    ProtoOAMarginCallListReq,
    ProtoOAMarginCallListRes,
)
from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOADealOffset,
    ProtoOAExpectedMargin,
    ProtoOAPositionUnrealizedPnL,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOADealListByPositionIdReq,
    ProtoOADealListByPositionIdRes,
    ProtoOADealListReq,
    ProtoOADealListRes,
    ProtoOADealOffsetListReq,
    ProtoOADealOffsetListRes,
    ProtoOAGetPositionUnrealizedPnLReq,
    ProtoOAGetPositionUnrealizedPnLRes,
    ProtoOAOrderDetailsReq,
    ProtoOAOrderDetailsRes,
    ProtoOAOrderListByPositionIdReq,
    ProtoOAOrderListByPositionIdRes,
    ProtoOAOrderListReq,
    ProtoOAOrderListRes,
    ProtoOAReconcileReq,
    ProtoOAReconcileRes,
)
from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side
from palmbot.domain.units import OrderId, SymbolId, TimestampMs, Volume
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.feed import WEEK_MS, check_boundaries
from palmbot.simulator.records import Deal, Order
from palmbot.simulator.rendering import Renderer
from palmbot.simulator.sessions import Answer, reply
from palmbot.simulator.settings import SimulatorSettings

ListByTime = ProtoOADealListReq | ProtoOAOrderListReq | ProtoOACashFlowHistoryListReq
ListByPosition = ProtoOADealListByPositionIdReq | ProtoOAOrderListByPositionIdReq


class Archive:
    """Reads the ledger for clients; changes nothing."""

    def __init__(self, exchange: Exchange, renderer: Renderer, settings: SimulatorSettings) -> None:
        self._exchange = exchange
        self._ledger = exchange.ledger
        self._renderer = renderer
        self._settings = settings
        self._account_id = settings.account.account_id

    def answer(self, message: Message) -> Answer | None:
        """Answer a request of this kind; None for any other.

        Raises:
            RequestRefused: nothing of that id, or bad boundaries.
        """
        answered: Message | None
        match message:
            case ProtoOAReconcileReq():
                answered = self._reconcile(with_protection=message.returnProtectionOrders)
            case ProtoOAGetPositionUnrealizedPnLReq():
                answered = self._value()
            case ProtoOAExpectedMarginReq():
                answered = self._expect_margin(message)
            case ProtoOAOrderDetailsReq():
                answered = self._detail(OrderId(message.orderId))
            case ProtoOADealOffsetListReq():
                answered = self._offset(message.dealId)
            case ProtoOAMarginCallListReq():
                answered = ProtoOAMarginCallListRes()
            case ProtoOADealListReq() | ProtoOAOrderListReq() | ProtoOACashFlowHistoryListReq():
                answered = self._list_by_time(message)
            case ProtoOADealListByPositionIdReq() | ProtoOAOrderListByPositionIdReq():
                answered = self._list_by_position(message)
            case _:
                return None
        return reply(answered)

    def _reconcile(self, *, with_protection: bool) -> ProtoOAReconcileRes:
        positions = tuple(self._ledger.positions.values())
        orders = list(self._ledger.pending.values())
        if with_protection:
            orders += [
                self._exchange.protection_order(each)
                for each in positions
                if each.stop_loss is not None or each.take_profit is not None
            ]
        return ProtoOAReconcileRes(
            ctidTraderAccountId=self._account_id,
            position=[self._renderer.position(each) for each in positions],
            order=[self._renderer.order(each) for each in orders],
        )

    def _value(self) -> ProtoOAGetPositionUnrealizedPnLRes:
        rows: list[ProtoOAPositionUnrealizedPnL] = []
        for position in self._ledger.positions.values():
            gross = self._exchange.clearing.unrealised(position)
            rows.append(
                ProtoOAPositionUnrealizedPnL(
                    positionId=position.position_id,
                    grossUnrealizedPnL=gross,
                    netUnrealizedPnL=gross + position.swap + position.commission,
                )
            )
        return ProtoOAGetPositionUnrealizedPnLRes(
            ctidTraderAccountId=self._account_id,
            positionUnrealizedPnL=rows,
            moneyDigits=self._settings.account.money_digits,
        )

    def _expect_margin(self, message: ProtoOAExpectedMarginReq) -> ProtoOAExpectedMarginRes:
        symbol_id = SymbolId(message.symbolId)
        rows = [
            ProtoOAExpectedMargin(
                volume=volume,
                buyMargin=self._exchange.expected_margin(symbol_id, Side.BUY, Volume(volume)),
                sellMargin=self._exchange.expected_margin(symbol_id, Side.SELL, Volume(volume)),
            )
            for volume in message.volume
        ]
        return ProtoOAExpectedMarginRes(
            ctidTraderAccountId=self._account_id,
            margin=rows,
            moneyDigits=self._settings.account.money_digits,
        )

    def _detail(self, order_id: OrderId) -> ProtoOAOrderDetailsRes:
        order = self._ledger.orders.get(order_id)
        if order is None:
            raise RequestRefused("ORDER_NOT_FOUND", f"No order {order_id}")
        deals = [each for each in self._ledger.deals if each.order_id == order_id]
        return ProtoOAOrderDetailsRes(
            ctidTraderAccountId=self._account_id,
            order=self._renderer.order(order),
            deal=[self._renderer.deal(each) for each in deals],
        )

    def _offset(self, deal_id: int) -> ProtoOADealOffsetListRes:
        """Return the deals of the same position that offset this one, or that it offsets."""
        asked = next((each for each in self._ledger.deals if each.deal_id == deal_id), None)
        if asked is None:
            raise RequestRefused("ENTITY_NOT_FOUND", f"No deal {deal_id}")
        others = [
            ProtoOADealOffset(
                dealId=each.deal_id,
                volume=each.volume,
                executionTimestamp=each.time,
                executionPrice=each.price / 100_000,
            )
            for each in self._ledger.deals
            if each.position_id == asked.position_id
            and (each.settlement is None) is not (asked.settlement is None)
        ]
        is_opening = asked.settlement is None
        return ProtoOADealOffsetListRes(
            ctidTraderAccountId=self._account_id,
            offsetBy=others if is_opening else [],
            offsetting=[] if is_opening else others,
        )

    def _list_by_time(self, message: ListByTime) -> Message:
        last = message.toTimestamp if message.HasField("toTimestamp") else self._exchange.now
        window = WEEK_MS if self._settings.has_history_windows else None
        first, last = check_boundaries(message.fromTimestamp, last, window)
        match message:
            case ProtoOADealListReq():
                deals = [each for each in self._ledger.deals if first <= each.time <= last]
                most = message.maxRows if message.HasField("maxRows") else None
                chosen = self._cut_deals(deals, most)
                return ProtoOADealListRes(
                    ctidTraderAccountId=self._account_id,
                    deal=[self._renderer.deal(each) for each in chosen],
                    hasMore=len(chosen) < len(deals),
                )
            case ProtoOAOrderListReq():
                orders = self._orders_in(self._ledger.orders.values(), first, last)
                chosen_orders = orders[: self._settings.rows_per_reply]
                return ProtoOAOrderListRes(
                    ctidTraderAccountId=self._account_id,
                    order=[self._renderer.order(each) for each in chosen_orders],
                    hasMore=len(chosen_orders) < len(orders),
                )
            case ProtoOACashFlowHistoryListReq():
                flows = [each for each in self._ledger.cash_flows if first <= each.time <= last]
                return ProtoOACashFlowHistoryListRes(
                    ctidTraderAccountId=self._account_id,
                    depositWithdraw=[self._renderer.cash_flow(each) for each in flows],
                )

    def _list_by_position(self, message: ListByPosition) -> Message:
        last = message.toTimestamp if message.HasField("toTimestamp") else self._exchange.now
        first = message.fromTimestamp
        if isinstance(message, ProtoOADealListByPositionIdReq):
            deals = [
                each
                for each in self._ledger.deals
                if each.position_id == message.positionId and first <= each.time <= last
            ]
            return ProtoOADealListByPositionIdRes(
                ctidTraderAccountId=self._account_id,
                deal=[self._renderer.deal(each) for each in deals],
                hasMore=False,
            )
        mine = [
            each for each in self._ledger.orders.values() if each.position_id == message.positionId
        ]
        orders = self._orders_in(mine, TimestampMs(first), TimestampMs(last))
        return ProtoOAOrderListByPositionIdRes(
            ctidTraderAccountId=self._account_id,
            order=[self._renderer.order(each) for each in orders],
            hasMore=False,
        )

    def _cut_deals(self, deals: list[Deal], most: int | None) -> list[Deal]:
        """Return the newest deals that fit into one reply."""
        rows = self._settings.rows_per_reply
        if most is not None and most > 0:
            rows = min(rows, most)
        return deals[max(0, len(deals) - rows) :]

    def _orders_in(
        self, orders: Iterable[Order], first: TimestampMs, last: TimestampMs
    ) -> list[Order]:
        """Return orders that lived in the window, oldest first."""
        return [each for each in orders if each.opened_at <= last and each.updated_at >= first]
