"""Intents to order requests, checked against the rules the server would refuse them by."""

from google.protobuf.message import Message

from palmbot.ctrader.generated.enums_pb2 import BUY, GOOD_TILL_DATE, LIMIT, MARKET, SELL
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAAmendPositionSLTPReq,
    ProtoOACancelOrderReq,
    ProtoOAClosePositionReq,
    ProtoOANewOrderReq,
)
from palmbot.ctrader.translate import to_double
from palmbot.domain.market import Side, Symbol
from palmbot.domain.orders import Environment, Intent, IntentKind, OrderStyle, render_label
from palmbot.domain.units import AccountId, Price

_TRADE_SIDES = {Side.BUY: BUY, Side.SELL: SELL}


def render_client_msg_id(intent: Intent) -> str:
    """Return the correlation id of an order request: the same intent never has two in one link."""
    return f"{intent.intent_id}:{intent.generation}"


def render_request(
    intent: Intent, *, account_id: AccountId, symbol: Symbol, environment: Environment
) -> Message:
    """Return the request that carries out an intent.

    Raises:
        ValueError: the intent lacks what its kind needs, or a price is off the price step:
            mistakes of ours, nothing may be sent.
    """
    match intent.kind:
        case IntentKind.ENTRY:
            return _render_entry(intent, account_id, symbol, environment)
        case IntentKind.CLOSE:
            return ProtoOAClosePositionReq(
                ctidTraderAccountId=account_id,
                positionId=_need(intent.position_id, "position_id", intent),
                volume=_need(intent.volume, "volume", intent),
            )
        case IntentKind.AMEND:
            # The server removes a level that is not sent.
            stop_loss = _need(intent.stop_loss, "stop_loss", intent)
            take_profit = _need(intent.take_profit, "take_profit", intent)
            return ProtoOAAmendPositionSLTPReq(
                ctidTraderAccountId=account_id,
                positionId=_need(intent.position_id, "position_id", intent),
                stopLoss=to_double(_on_step(stop_loss, symbol)),
                takeProfit=to_double(_on_step(take_profit, symbol)),
            )
        case IntentKind.CANCEL:
            return ProtoOACancelOrderReq(
                ctidTraderAccountId=account_id,
                orderId=_need(intent.order_id, "order_id", intent),
            )


def _render_entry(
    intent: Intent, account_id: AccountId, symbol: Symbol, environment: Environment
) -> ProtoOANewOrderReq:
    """Return a new order; without a stop there is none."""
    if intent.symbol_id != symbol.symbol_id:
        raise ValueError(f"intent {intent.intent_id} is for symbol {intent.symbol_id}")
    stop_distance = _need(intent.stop_distance, "stop_distance", intent)
    request = ProtoOANewOrderReq(
        ctidTraderAccountId=account_id,
        symbolId=intent.symbol_id,
        orderType=MARKET,
        tradeSide=_TRADE_SIDES[intent.side],
        volume=_need(intent.volume, "volume", intent),
        label=render_label(environment, intent.intent_id),
        clientOrderId=intent.intent_id,
        relativeStopLoss=_on_step(stop_distance, symbol),
    )
    if intent.target_distance is not None:
        request.relativeTakeProfit = _on_step(
            _need(intent.target_distance, "target_distance", intent), symbol
        )
    if intent.style is OrderStyle.LIMIT:
        request.orderType = LIMIT
        limit_price = _need(intent.limit_price, "limit_price", intent)
        request.limitPrice = to_double(_on_step(limit_price, symbol))
        request.timeInForce = GOOD_TILL_DATE
        request.expirationTimestamp = _need(intent.expires_at, "expires_at", intent)
    return request


def _need(value: int | None, name: str, intent: Intent) -> int:
    """Return a value that must be there and above 0."""
    if value is None or value <= 0:
        raise ValueError(f"{intent.kind} {intent.intent_id} has no usable {name}: {value}")
    return value


def _on_step(price: int, symbol: Symbol) -> Price:
    """Return a price or distance that is on the price step; the server never rounds."""
    if price % symbol.price_step:
        raise ValueError(f"{price} is off the price step {symbol.price_step} of {symbol.name}")
    return Price(price)
