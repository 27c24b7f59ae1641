"""Order requests: written once, answered, refused, or unknown; executions of every kind."""

import math

import pytest

from harness import wire
from harness.scripted_broker import (
    ACCOUNT,
    INTENT,
    NOON,
    SYMBOL,
    ScriptedBroker,
    make_accepted,
    make_deal,
    make_filled,
    make_intent,
    make_order,
    make_position,
    make_trade_data,
)
from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAClosePositionDetail,
    ProtoOADepositWithdraw,
)
from palmbot.ctrader.generated.enums_pb2 import (
    BALANCE_DEPOSIT_DIVIDENDS,
    DEPOSIT_WITHDRAW,
    GOOD_TILL_DATE,
    LIMIT,
    MARKET,
    ORDER_ACCEPTED,
    ORDER_CANCEL_REJECTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_PARTIAL_FILL,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_REJECTED,
    POSITION_STATUS_CLOSED,
    SELL,
    STOP_LOSS_TAKE_PROFIT,
    SWAP,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAAmendPositionSLTPReq,
    ProtoOACancelOrderReq,
    ProtoOAClosePositionReq,
    ProtoOAExecutionEvent,
    ProtoOANewOrderReq,
    ProtoOAOrderErrorEvent,
    ProtoOATrailingSLChangedEvent,
)
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAErrorRes
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.events import (
    BalanceChanged,
    ExecutionUnreadable,
    OrderAccepted,
    OrderEnd,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    OrderUnanswered,
    PositionChanged,
)
from palmbot.domain.market import Side
from palmbot.domain.orders import IntentKind, OrderStatus, OrderStyle
from palmbot.domain.units import (
    IntentId,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker().open_with_quote()


def execution(kind: int, **fields: object) -> ProtoOAExecutionEvent:
    return ProtoOAExecutionEvent(
        **{"ctidTraderAccountId": ACCOUNT, "executionType": kind, **fields}
    )


def test_a_market_order_carries_stop_target_label_and_id_in_the_same_call(broker):
    broker.client.send(make_intent(), broker.now_s)
    (request,) = broker.server.receive(broker.client.take_outgoing(), 0.0)
    assert request.client_msg_id == f"{INTENT}:1"
    assert request.message == ProtoOANewOrderReq(
        ctidTraderAccountId=ACCOUNT,
        symbolId=SYMBOL,
        orderType=MARKET,
        tradeSide=1,
        volume=100,
        label=f"pob1|demo|{INTENT}",
        clientOrderId=INTENT,
        relativeStopLoss=1_500_000,
        relativeTakeProfit=2_000_000,
    )


def test_a_limit_order_carries_its_price_and_its_end(broker):
    broker.order(
        style=OrderStyle.LIMIT,
        side=Side.SELL,
        limit_price=Price(99_950_000),
        expires_at=TimestampMs(NOON + 5000),
    )
    order = broker.requests[-1].message
    assert (order.orderType, order.tradeSide, order.limitPrice) == (LIMIT, SELL, 999.5)
    assert (order.timeInForce, order.expirationTimestamp) == (GOOD_TILL_DATE, NOON + 5000)


def test_close_amend_and_cancel_name_what_they_change(broker):
    broker.order(kind=IntentKind.CLOSE, position_id=PositionId(81))
    broker.order(
        intent_id="01JZZZZZZZZZZZZZZZZZZZZZZB",
        kind=IntentKind.AMEND,
        position_id=PositionId(81),
        stop_loss=Price(98_525_000),
        take_profit=Price(102_025_000),
    )
    broker.order(
        intent_id="01JZZZZZZZZZZZZZZZZZZZZZZC", kind=IntentKind.CANCEL, order_id=OrderId(71)
    )
    ids = {"ctidTraderAccountId": ACCOUNT}
    assert [each.message for each in broker.requests] == [
        ProtoOAClosePositionReq(**ids, positionId=81, volume=100),
        ProtoOAAmendPositionSLTPReq(**ids, positionId=81, stopLoss=985.25, takeProfit=1020.25),
        ProtoOACancelOrderReq(**ids, orderId=71),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stop_distance": None}, "stop_distance"),
        ({"stop_distance": Price(0)}, "stop_distance"),
        ({"stop_distance": Price(1_500_500)}, "price step"),
        ({"target_distance": Price(2_000_001)}, "price step"),
        ({"target_distance": Price(-1000)}, "target_distance"),
        ({"volume": Volume(0)}, "volume"),
        ({"symbol_id": SymbolId(7)}, "symbol 7"),
        ({"style": OrderStyle.LIMIT}, "limit_price"),
        ({"style": OrderStyle.LIMIT, "limit_price": Price(99_950_000)}, "expires_at"),
        ({"kind": IntentKind.CLOSE}, "position_id"),
        ({"kind": IntentKind.CANCEL}, "order_id"),
        ({"kind": IntentKind.AMEND, "take_profit": Price(1000)}, "stop_loss"),
        ({"kind": IntentKind.AMEND, "stop_loss": Price(1000)}, "take_profit"),
    ],
)
def test_an_intent_that_lacks_something_is_our_mistake_and_no_byte_leaves(broker, changes, reason):
    with pytest.raises(ValueError, match=reason):
        broker.client.send(make_intent(**changes), broker.now_s)
    assert broker.client.take_outgoing() == b""
    assert broker.client.open_requests == 0


def test_the_same_intent_is_never_written_twice(broker):
    broker.order()
    with pytest.raises(ValueError, match="already sent"):
        broker.client.send(make_intent(), broker.now_s)
    assert broker.client.take_outgoing() == b""


def test_an_intent_of_another_connection_is_not_written(broker):
    with pytest.raises(ConnectionLost, match="connection 2"):
        broker.client.send(make_intent(generation=2), broker.now_s)
    assert broker.client.take_outgoing() == b""


def test_before_the_session_is_open_nothing_can_be_sent():
    broker = ScriptedBroker()
    with pytest.raises(ConnectionLost):
        broker.client.send(make_intent(), 0.0)
    assert broker.client.take_outgoing() == b""


def test_accepted_then_filled_become_two_events_with_our_ids(broker):
    msg_id = broker.order()
    broker.push(make_accepted(), client_msg_id=msg_id)
    broker.push(make_filled())
    accepted, filled = broker.events
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.order.status, accepted.order.client_order_id) == (OrderStatus.ACCEPTED, INTENT)
    assert isinstance(filled, OrderFilled)
    assert not filled.is_partial
    assert (filled.fill.deal_id, filled.fill.price) == (91, 100_025_000)
    assert filled.fill.commission == -3_000_000
    assert filled.position is not None
    assert (filled.position.stop_loss, filled.position.take_profit) == (98_525_000, 102_025_000)
    assert filled.position.label == f"pob1|demo|{INTENT}"


def test_either_acceptance_or_fill_settles_the_deadline_correlated_or_not(broker):
    broker.order()
    assert broker.client.open_requests == 1
    broker.push(make_filled())
    assert broker.client.open_requests == 0
    broker.advance(20)
    assert not any(isinstance(each, OrderUnanswered) for each in broker.events)


def test_no_answer_within_the_deadline_is_unknown_once_and_never_resent(broker):
    broker.order()
    broker.advance(4.9)
    assert broker.events == []
    broker.advance(30)
    assert broker.events == [OrderUnanswered(intent_id=INTENT, reason="no answer in time")]
    assert broker.asked() == ["NewOrderReq"]


def test_a_fill_after_the_deadline_still_arrives(broker):
    msg_id = broker.order()
    broker.advance(6)
    broker.push(make_filled(), client_msg_id=msg_id)
    assert [type(each) for each in broker.events] == [OrderUnanswered, OrderFilled]


def test_order_errors_with_zero_ids_find_their_order_by_message_id(broker):
    msg_id = broker.order()
    broker.push(
        ProtoOAOrderErrorEvent(
            ctidTraderAccountId=ACCOUNT,
            errorCode="TRADING_BAD_STOPS",
            orderId=0,
            positionId=0,
            description="too near",
        ),
        client_msg_id=msg_id,
    )
    assert broker.events == [
        OrderRefused(intent_id=INTENT, code="TRADING_BAD_STOPS", reason="too near")
    ]
    assert broker.client.open_requests == 0


@pytest.mark.parametrize(
    "code", ["MARKET_CLOSED", "NOT_ENOUGH_MONEY", "INVALID_REQUEST", "TRADING_BAD_VOLUME"]
)
def test_an_error_that_proves_refusal_says_refused(broker, code):
    broker.push(ProtoOAErrorRes(errorCode=code), client_msg_id=broker.order())
    assert broker.events == [OrderRefused(intent_id=INTENT, code=code, reason="")]


@pytest.mark.parametrize("code", ["POSITION_NOT_FOUND", "POSITION_LOCKED", "PENDING_EXECUTION"])
def test_an_error_about_a_position_refuses_a_close_and_leaves_an_entry_unknown(broker, code):
    close = broker.order(kind=IntentKind.CLOSE, position_id=PositionId(77), stop_distance=None)
    broker.push(ProtoOAErrorRes(errorCode=code), client_msg_id=close)
    assert broker.events == [OrderRefused(intent_id=INTENT, code=code, reason="")]
    broker.events.clear()
    other = "01J0000000000000000000000Z"
    entry = broker.order(intent_id=IntentId(other))
    broker.push(ProtoOAErrorRes(errorCode=code), client_msg_id=entry)
    (event,) = broker.events
    assert isinstance(event, OrderUnanswered)
    assert event.intent_id == other


@pytest.mark.parametrize(
    ("code", "description"),
    [
        ("BLOCKED_PAYLOAD_TYPE", ""),
        ("REQUEST_FREQUENCY_EXCEEDED", ""),
        ("SOMETHING_NEW", "nobody knows"),
        ("UNKNOWN_ERROR", "odd"),
    ],
)
def test_an_error_that_proves_nothing_leaves_the_order_unknown(broker, code, description):
    error = ProtoOAErrorRes(errorCode=code, description=description)
    broker.push(error, client_msg_id=broker.order())
    (event,) = broker.events
    assert isinstance(event, OrderUnanswered)
    assert code in event.reason


@pytest.mark.parametrize(
    ("code", "description"),
    [
        ("CANT_ROUTE_REQUEST", ""),
        ("CH_CLIENT_NOT_AUTHENTICATED", ""),
        ("UNKNOWN_ERROR", "No pooled connection to main server"),
        ("OA_AUTH_TOKEN_EXPIRED", ""),
    ],
)
def test_an_error_of_the_link_leaves_the_order_unknown_and_ends_the_connection(
    broker, code, description
):
    error = ProtoOAErrorRes(errorCode=code, description=description)
    broker.push(error, client_msg_id=broker.order())
    assert [type(each) for each in broker.events] == [OrderUnanswered]
    with pytest.raises(ConnectionLost, match=code):
        broker.client.advance(broker.now_s)


def test_a_lost_account_session_leaves_the_order_unknown_and_is_renewed(broker):
    error = ProtoOAErrorRes(
        errorCode="INVALID_REQUEST", description="Trading account is not authorized"
    )
    broker.push(error, client_msg_id=broker.order())
    assert isinstance(broker.events[0], OrderUnanswered)
    assert "AccountAuthReq" in broker.asked()
    assert broker.client.is_ready


def test_an_execution_with_an_error_and_no_order_is_a_refusal(broker):
    event = execution(ORDER_REJECTED, errorCode="NOT_ENOUGH_MONEY")
    broker.push(event, client_msg_id=broker.order())
    assert broker.events == [OrderRefused(intent_id=INTENT, code="NOT_ENOUGH_MONEY", reason="")]


def test_a_rejected_order_ends_with_the_reason(broker):
    order = make_order(orderStatus=ORDER_STATUS_REJECTED, executedVolume=0)
    event = execution(ORDER_REJECTED, order=order, errorCode="NO_QUOTES")
    broker.push(event, client_msg_id=broker.order())
    (ended,) = broker.events
    assert isinstance(ended, OrderEnded)
    assert (ended.end, ended.reason, ended.order.client_order_id) == (
        OrderEnd.REJECTED,
        "NO_QUOTES",
        INTENT,
    )


@pytest.mark.parametrize(
    ("kind", "end"), [(ORDER_CANCELLED, OrderEnd.CANCELLED), (ORDER_EXPIRED, OrderEnd.EXPIRED)]
)
def test_a_cancelled_or_expired_order_says_what_was_filled_before(broker, kind, end):
    order = make_order(orderStatus=ORDER_STATUS_CANCELLED, executedVolume=30)
    broker.push(execution(kind, order=order))
    (ended,) = broker.events
    assert (ended.end, ended.order.executed_volume) == (end, 30)


def test_a_refused_cancellation_is_refused_and_not_an_end_of_the_order(broker):
    msg_id = broker.order(kind=IntentKind.CANCEL, order_id=OrderId(71))
    event = execution(ORDER_CANCEL_REJECTED, order=make_order(), errorCode="ORDER_NOT_FOUND")
    broker.push(event, client_msg_id=msg_id)
    assert broker.events == [OrderRefused(intent_id=INTENT, code="ORDER_NOT_FOUND", reason="")]


def test_partial_fills_count_the_filled_volume_and_not_the_ordered_one(broker):
    broker.order()
    broker.push(
        make_filled(
            executionType=ORDER_PARTIAL_FILL,
            order=make_order(executedVolume=40),
            deal=make_deal(filledVolume=40),
            position=make_position(tradeData=make_trade_data(volume=40)),
        )
    )
    (filled,) = broker.events
    assert filled.is_partial
    assert (filled.fill.volume, filled.position.volume, filled.order.executed_volume) == (
        40,
        40,
        40,
    )


def test_a_stop_executed_by_the_server_closes_the_position_and_tells_the_result(broker):
    detail = ProtoOAClosePositionDetail(
        entryPrice=1000.25, grossProfit=-1500, swap=-20, commission=-6, balance=998_474,
        balanceVersion=8, moneyDigits=2,
    )  # fmt: skip
    broker.push(
        make_filled(
            isServerEvent=True,
            order=make_order(orderType=STOP_LOSS_TAKE_PROFIT, closingOrder=True),
            deal=make_deal(tradeSide=SELL, executionPrice=985.0, closePositionDetail=detail),
            position=make_position(
                positionStatus=POSITION_STATUS_CLOSED, tradeData=make_trade_data(volume=0)
            ),
        )
    )
    (filled,) = broker.events
    assert filled.position is None
    assert filled.order.is_closing
    assert filled.order.is_protection
    assert filled.fill.closing.net_profit == -1_526_000_000
    assert filled.fill.closing.balance == 998_474_000_000


def test_money_digits_of_each_record_count_and_not_those_of_the_account(broker):
    detail = ProtoOAClosePositionDetail(
        entryPrice=1000.25, grossProfit=5, swap=0, commission=0, balance=1_000_005, moneyDigits=1,
    )  # fmt: skip
    broker.push(
        make_filled(
            deal=make_deal(commission=-300_000_000, moneyDigits=8, closePositionDetail=detail),
            position=make_position(commission=-30, moneyDigits=3),
        )
    )
    (filled,) = broker.events
    assert filled.fill.closing.gross_profit == 50_000_000
    assert filled.fill.commission == -300_000_000
    assert filled.position.commission == -3_000_000


def test_unknown_enum_numbers_in_an_execution_do_not_vanish_and_settle_nothing(broker):
    msg_id = broker.order()
    payload = wire.number(2, ACCOUNT) + wire.number(3, 99)
    broker.push_payload(2126, payload, msg_id)
    (event,) = broker.events
    assert isinstance(event, ExecutionUnreadable)
    assert "executionType" in event.reason
    assert broker.client.open_requests == 1


def test_a_missing_required_field_in_an_execution_does_not_vanish(broker):
    broker.push_payload(2126, wire.number(2, ACCOUNT))
    assert [type(each) for each in broker.events] == [ExecutionUnreadable]


@pytest.mark.parametrize("missing", ["order", "deal", "position"])
def test_a_fill_without_its_parts_is_unreadable_and_settles_nothing(broker, missing):
    msg_id = broker.order()
    event = make_filled()
    event.ClearField(missing)
    broker.push(event, client_msg_id=msg_id)
    assert [type(each) for each in broker.events] == [ExecutionUnreadable]
    assert broker.client.open_requests == 1


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf, 1e300, 1e-9])
def test_a_fill_at_an_impossible_price_is_unreadable(broker, price):
    broker.push(make_filled(deal=make_deal(executionPrice=price)))
    assert [type(each) for each in broker.events] == [ExecutionUnreadable]


def test_money_with_nine_decimals_is_unreadable(broker):
    broker.push(make_filled(deal=make_deal(moneyDigits=9)))
    assert [type(each) for each in broker.events] == [ExecutionUnreadable]


def test_executions_of_other_accounts_are_not_ours(broker):
    broker.push(make_filled(ctidTraderAccountId=ACCOUNT + 1))
    assert broker.events == []


def test_a_swap_changes_the_position(broker):
    broker.push(execution(SWAP, position=make_position(swap=-77)))
    (changed,) = broker.events
    assert isinstance(changed, PositionChanged)
    assert changed.position.swap == -77_000_000


def test_amended_levels_change_the_position(broker):
    msg_id = broker.order(
        kind=IntentKind.AMEND,
        position_id=PositionId(81),
        stop_loss=Price(98_000_000),
        take_profit=Price(103_000_000),
    )
    event = execution(ORDER_REPLACED, position=make_position(stopLoss=980.0, takeProfit=1030.0))
    broker.push(event, client_msg_id=msg_id)
    (changed,) = broker.events
    assert (changed.position.stop_loss, changed.position.take_profit) == (98_000_000, 103_000_000)
    assert broker.client.open_requests == 0


def test_an_accepted_protection_order_tells_the_levels_of_its_position(broker):
    order = make_order(orderType=STOP_LOSS_TAKE_PROFIT, orderStatus=1, closingOrder=True)
    broker.push(execution(ORDER_ACCEPTED, order=order, position=make_position()))
    accepted, changed = broker.events
    assert accepted.order.is_protection
    assert changed.position.stop_loss == 98_525_000


def test_a_position_without_levels_has_none_and_not_zero(broker):
    position = make_position()
    position.ClearField("stopLoss")
    position.ClearField("takeProfit")
    broker.push(make_filled(position=position))
    (filled,) = broker.events
    assert filled.position.stop_loss is None
    assert filled.position.take_profit is None


def test_a_payment_changes_the_balance(broker):
    payment = ProtoOADepositWithdraw(
        operationType=BALANCE_DEPOSIT_DIVIDENDS, balanceHistoryId=1, balance=1_000_500, delta=500,
        changeBalanceTimestamp=NOON, balanceVersion=8, moneyDigits=2,
    )  # fmt: skip
    broker.push(execution(DEPOSIT_WITHDRAW, depositWithdraw=payment))
    assert broker.events == [
        BalanceChanged(
            balance=1_000_500_000_000,
            balance_version=8,
            delta=500_000_000,
            kind="BALANCE_DEPOSIT_DIVIDENDS",
            time=NOON,
        )
    ]


def test_a_stop_moved_by_the_server_calls_for_a_comparison(broker):
    broker.push(
        ProtoOATrailingSLChangedEvent(
            ctidTraderAccountId=ACCOUNT,
            positionId=81,
            orderId=72,
            stopPrice=990.0,
            utcLastUpdateTimestamp=NOON,
        )
    )
    assert [type(each) for each in broker.events] == [ExecutionUnreadable]


def test_the_order_budget_shrinks_with_every_request_and_comes_back_after_a_second(broker):
    broker.advance(2)
    full = broker.client.order_budget(broker.now_s)
    assert full == 40
    broker.order()
    assert broker.client.order_budget(broker.now_s) == full - 1
    broker.advance(1)
    assert broker.client.order_budget(broker.now_s) == full


def test_closing_is_still_written_when_the_budget_for_entries_is_spent(broker):
    broker.advance(2)
    for i in range(40):
        broker.order(intent_id=f"01JZZZZZZZZZZZZZZZZZZZZZ{i:02d}")
    assert broker.client.order_budget(broker.now_s) == 0
    broker.order(kind=IntentKind.CLOSE, position_id=PositionId(81))
    assert broker.asked()[-1] == "ClosePositionReq"
