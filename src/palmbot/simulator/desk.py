"""Requests that trade, and what the exchange's doings look like to clients."""

from google.protobuf.message import Message

from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAMarginChangedEvent,
    ProtoOATraderUpdatedEvent,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAAmendOrderReq,
    ProtoOAAmendPositionSLTPReq,
    ProtoOACancelOrderReq,
    ProtoOAClosePositionReq,
    ProtoOAExecutionEvent,
    ProtoOANewOrderReq,
    ProtoOAOrderErrorEvent,
)
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAErrorRes
from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side
from palmbot.domain.units import (
    PRICE_SCALE,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.records import (
    Execution,
    ExecutionKind,
    NewOrder,
    Order,
    OrderKind,
    OrderState,
)
from palmbot.simulator.rendering import Renderer
from palmbot.simulator.sessions import Answer, Outgoing
from palmbot.simulator.settings import Correlation, RejectStyle, SimulatorSettings

TRADING = (
    ProtoOANewOrderReq,
    ProtoOACancelOrderReq,
    ProtoOAAmendOrderReq,
    ProtoOAAmendPositionSLTPReq,
    ProtoOAClosePositionReq,
)
"""Requests that change the account."""

PRECISION = 1e-6
"""A double that is further off than this from five decimals, in 1/100_000, has more of them."""

SERVED = frozenset({OrderKind.MARKET.value, OrderKind.LIMIT.value, OrderKind.STOP.value})
"""Order types that clients may ask for."""

FILLS = frozenset({ExecutionKind.ORDER_FILLED, ExecutionKind.ORDER_PARTIAL_FILL})


class Desk:
    """Takes trading requests to the exchange and brings back what it says."""

    def __init__(self, exchange: Exchange, renderer: Renderer, settings: SimulatorSettings) -> None:
        self._exchange = exchange
        self._renderer = renderer
        self._settings = settings
        self._account_id = settings.account.account_id

    def execute(self, message: Message) -> tuple[Execution, ...]:
        """Do what a trading request asks for.

        Raises:
            RequestRefused: nothing was placed or changed.
        """
        exchange = self._exchange
        match message:
            case ProtoOANewOrderReq():
                return self._place(message)
            case ProtoOAClosePositionReq():
                return exchange.close(PositionId(message.positionId), Volume(message.volume))
            case ProtoOAAmendPositionSLTPReq():
                stop_loss = _price(message, "stopLoss")
                take_profit = _price(message, "takeProfit")
                return exchange.amend_position(
                    PositionId(message.positionId), stop_loss, take_profit
                )
            case ProtoOACancelOrderReq():
                return exchange.cancel(OrderId(message.orderId))
            case ProtoOAAmendOrderReq():
                expires_at = _time(message, "expirationTimestamp")
                return exchange.amend_order(
                    OrderId(message.orderId),
                    volume=Volume(message.volume) if message.HasField("volume") else None,
                    limit_price=_price(message, "limitPrice"),
                    stop_price=_price(message, "stopPrice"),
                    expires_at=expires_at,
                )
            case _:
                raise RequestRefused("UNSUPPORTED_MESSAGE", message.DESCRIPTOR.name)

    def answer(self, executions: tuple[Execution, ...]) -> Answer:
        """Return what the asking client gets, in the order of the exchange's doings."""
        answers: list[Outgoing] = []
        is_answered = False
        for i, execution in enumerate(executions):
            wanted = self._wants_correlation(execution.kind)
            is_last = i == len(executions) - 1
            is_correlated = wanted or (is_last and not is_answered)
            is_answered = is_answered or is_correlated
            answers.append(Outgoing(self._renderer.execution(execution), is_correlated))
            answers += [Outgoing(each, is_correlated=False) for each in self._follow(execution)]
        return tuple(answers)

    def push(self, executions: tuple[Execution, ...]) -> Answer:
        """Return what every other client of the account gets."""
        messages: list[Message] = []
        for execution in executions:
            messages.append(self._renderer.execution(execution))
            messages += self._follow(execution)
        return tuple(Outgoing(each, is_correlated=False) for each in messages)

    def refuse(self, message: Message, refusal: RequestRefused) -> Message:
        """Return the refusal of a trading request, in the style of this server."""
        match self._settings.reject_style:
            case RejectStyle.ORDER_ERROR:
                return ProtoOAOrderErrorEvent(
                    ctidTraderAccountId=self._account_id,
                    errorCode=refusal.code,
                    orderId=0,
                    positionId=0,
                    description=refusal.reason,
                )
            case RejectStyle.EXECUTION if isinstance(message, ProtoOANewOrderReq):
                return self._reject(message, refusal.code)
            case _:
                return ProtoOAErrorRes(
                    ctidTraderAccountId=self._account_id,
                    errorCode=refusal.code,
                    description=refusal.reason,
                )

    def lose(self, message: Message) -> None:
        """Note a new order that was lost on the way; other requests leave no trace."""
        if isinstance(message, ProtoOANewOrderReq):
            self._exchange.lose(name_order(message))

    def refuse_unseen(self, message: Message, code: str) -> None:
        """Note a new order that the server refused by itself."""
        if isinstance(message, ProtoOANewOrderReq):
            self._exchange.refuse_unseen(name_order(message), code)

    def _place(self, message: ProtoOANewOrderReq) -> tuple[Execution, ...]:
        try:
            order = parse_order(message)
        except RequestRefused as refusal:
            self._exchange.refuse_unseen(name_order(message), refusal.code)
            raise
        return self._exchange.place(order)

    def _wants_correlation(self, kind: ExecutionKind) -> bool:
        match self._settings.correlation:
            case Correlation.BOTH:
                return True
            case Correlation.ACCEPTED:
                return kind not in FILLS
            case Correlation.FILLED:
                return kind is not ExecutionKind.ORDER_ACCEPTED

    def _follow(self, execution: Execution) -> list[Message]:
        """Return the events that come after an execution."""
        position = execution.position
        messages: list[Message] = []
        if execution.kind is ExecutionKind.DEPOSIT_WITHDRAW:
            trader = self._renderer.trader(self._exchange.ledger)
            messages.append(
                ProtoOATraderUpdatedEvent(ctidTraderAccountId=self._account_id, trader=trader)
            )
        if execution.kind in FILLS and position is not None:
            messages.append(
                ProtoOAMarginChangedEvent(
                    ctidTraderAccountId=self._account_id,
                    positionId=position.position_id,
                    usedMargin=position.used_margin,
                    moneyDigits=self._settings.account.money_digits,
                )
            )
            is_new = execution.deal is not None and execution.deal.settlement is None
            has_level = position.stop_loss is not None or position.take_profit is not None
            if self._settings.announces_protection and is_new and has_level:
                protection = Execution(
                    kind=ExecutionKind.ORDER_ACCEPTED,
                    order=self._exchange.protection_order(position),
                    position=position,
                    is_server_event=True,
                )
                messages.append(self._renderer.execution(protection))
        return messages

    def _reject(self, message: ProtoOANewOrderReq, code: str) -> ProtoOAExecutionEvent:
        asked = name_order(message)
        order = Order(
            order_id=self._exchange.ledger.draw_order_id(),
            kind=asked.kind,
            state=OrderState.REJECTED,
            symbol_id=self._exchange.contracts[0].symbol_id,
            side=asked.side,
            volume=asked.volume,
            executed_volume=Volume(0),
            opened_at=self._exchange.now,
            updated_at=self._exchange.now,
            label=asked.label,
            client_order_id=asked.client_order_id,
            comment=asked.comment,
            position_id=None,
            is_closing=False,
        )
        return self._renderer.execution(
            Execution(kind=ExecutionKind.ORDER_REJECTED, order=order, error_code=code)
        )


def name_order(message: ProtoOANewOrderReq) -> NewOrder:
    """Return who asked for what, without judging whether it can be had."""
    known = {kind.value for kind in OrderKind}
    return NewOrder(
        symbol_id=SymbolId(message.symbolId),
        kind=OrderKind(message.orderType) if message.orderType in known else OrderKind.MARKET,
        side=Side(message.tradeSide),
        volume=Volume(message.volume),
        label=message.label,
        client_order_id=message.clientOrderId,
        comment=message.comment,
    )


def parse_order(message: ProtoOANewOrderReq) -> NewOrder:
    """Return the order that is asked for.

    Raises:
        RequestRefused: INVALID_REQUEST, a type that is not served or a malformed field.
    """
    if int(message.orderType) not in SERVED:
        raise RequestRefused("INVALID_REQUEST", "The simulator serves MARKET, LIMIT and STOP")
    if message.trailingStopLoss or message.guaranteedStopLoss:
        raise RequestRefused("INVALID_REQUEST", "No trailing or guaranteed stops here")
    expires_at = _time(message, "expirationTimestamp")
    return NewOrder(
        symbol_id=SymbolId(message.symbolId),
        kind=OrderKind(message.orderType),
        side=Side(message.tradeSide),
        volume=Volume(message.volume),
        label=message.label,
        client_order_id=message.clientOrderId,
        comment=message.comment,
        limit_price=_price(message, "limitPrice"),
        stop_price=_price(message, "stopPrice"),
        expires_at=expires_at,
        stop_loss=_price(message, "stopLoss"),
        take_profit=_price(message, "takeProfit"),
        stop_distance=_distance(message, "relativeStopLoss"),
        target_distance=_distance(message, "relativeTakeProfit"),
        position_id=PositionId(message.positionId) if message.HasField("positionId") else None,
    )


def _price(message: Message, field: str) -> Price | None:
    """Return an absolute price; None if absent.

    Raises:
        RequestRefused: INVALID_REQUEST, more than five decimals or no positive number.
    """
    if not message.HasField(field):
        return None
    scaled = getattr(message, field) * PRICE_SCALE
    if not 0 < scaled < 2**53:
        raise RequestRefused("INVALID_REQUEST", f"{field} is no price")
    price = round(scaled)
    if abs(scaled - price) > max(PRECISION, price * 1e-12):
        raise RequestRefused(
            "INVALID_REQUEST",
            f"{field} = {getattr(message, field)} has more digits than symbol allows. "
            "Allowed 5 digits",
        )
    return Price(price)


def _distance(message: Message, field: str) -> Price | None:
    return Price(getattr(message, field)) if message.HasField(field) else None


def _time(message: Message, field: str) -> TimestampMs | None:
    return TimestampMs(getattr(message, field)) if message.HasField(field) else None
