"""What protobuf reads too readily, `decode` refuses. Bytes are made by hand."""

import pytest

from harness import wire
from palmbot.ctrader.generated.enums_pb2 import ORDER_ACCEPTED, ORDER_FILLED
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAExecutionEvent,
    ProtoOAOrderErrorEvent,
)
from palmbot.ctrader.messages import UnreadableMessage, decode, decode_spot, encode
from palmbot.domain.errors import ProtocolViolation

EXECUTION, RECONCILE, SPOT, ORDER_ERROR, ACCOUNT_LIST, TRADER = 2126, 2125, 2131, 2132, 2150, 2122


def decode_payload(payload_type: int, payload: bytes, client_msg_id: str | None = None):
    (body,) = wire.split_frames(wire.envelope(payload_type, payload, client_msg_id))
    return decode(body)


def test_missing_required_fields_are_unreadable_and_named():
    with pytest.raises(UnreadableMessage, match="symbolId") as caught:
        decode_payload(SPOT, wire.number(2, 1))
    assert caught.value.payload_type == SPOT


def test_a_required_field_missing_deep_inside_is_unreadable():
    position = wire.number(1, 5)
    with pytest.raises(UnreadableMessage, match="tradeData"):
        decode_payload(RECONCILE, wire.number(2, 1) + wire.text(3, position))


def test_unknown_execution_type_does_not_read_as_order_accepted():
    payload = wire.number(2, 1) + wire.number(3, 99)
    assert ProtoOAExecutionEvent.FromString(payload).executionType == ORDER_ACCEPTED
    with pytest.raises(UnreadableMessage, match="executionType") as caught:
        decode_payload(EXECUTION, payload, "abc:1")
    assert caught.value.client_msg_id == "abc:1"
    assert caught.value.payload_type == EXECUTION


def test_an_unknown_number_after_a_known_one_is_unreadable_too():
    payload = wire.number(2, 1) + wire.number(3, ORDER_FILLED) + wire.number(3, 99)
    with pytest.raises(UnreadableMessage, match="executionType"):
        decode_payload(EXECUTION, payload)


def test_an_unknown_number_in_an_optional_enum_does_not_read_as_its_default():
    with pytest.raises(UnreadableMessage, match="permissionScope"):
        decode_payload(ACCOUNT_LIST, wire.text(2, "token") + wire.number(3, 7))


def test_an_unknown_number_in_a_nested_optional_enum_does_not_read_as_hedged():
    trader = wire.number(1, 1) + wire.number(2, 0) + wire.number(8, 1)
    decode_payload(TRADER, wire.number(2, 1) + wire.text(3, trader))
    with pytest.raises(UnreadableMessage, match="accountType"):
        decode_payload(TRADER, wire.number(2, 1) + wire.text(3, trader + wire.number(15, 9)))


def test_a_known_field_of_another_wire_type_is_unreadable_and_not_absent():
    payload = wire.number(2, 1) + wire.number(3, 2) + wire.text(4, "bid")
    with pytest.raises(UnreadableMessage, match="bid"):
        decode_payload(SPOT, payload)


def test_text_that_is_not_utf8_is_unreadable_and_not_bytes():
    payload = wire.number(5, 1) + wire.text(2, b"\xff\xfe")
    with pytest.raises(UnreadableMessage, match=r"errorCode is not UTF-8"):
        decode_payload(ORDER_ERROR, payload)


def test_fields_of_a_newer_schema_are_let_through():
    payload = wire.number(2, 1) + wire.number(3, 2) + wire.number(4, 5) + wire.number(99, 1)
    assert decode_payload(SPOT, payload).message.bid == 5


def test_an_inner_payload_type_is_not_looked_at():
    payload = wire.number(1, 9999) + wire.number(2, 1) + wire.number(3, 2)
    assert decode_payload(SPOT, payload).message.symbolId == 2


def test_a_quote_with_a_live_bar_never_takes_the_short_way():
    live_bar = wire.number(3, 1) + wire.number(4, 99)
    payload = wire.number(2, 1) + wire.number(3, 2) + wire.number(4, 5) + wire.text(6, live_bar)
    (body,) = wire.split_frames(wire.envelope(SPOT, payload))
    assert decode_spot(body) is None
    with pytest.raises(UnreadableMessage, match="period"):
        decode(body)


def test_order_error_fields_stand_at_odd_numbers():
    payload = wire.number(5, 11) + wire.text(2, "TRADING_BAD_STOPS") + wire.number(3, 0)
    payload += wire.number(6, 0) + wire.text(7, "why")
    error = decode_payload(ORDER_ERROR, payload, "m").message
    assert isinstance(error, ProtoOAOrderErrorEvent)
    assert (error.ctidTraderAccountId, error.errorCode, error.description) == (
        11,
        "TRADING_BAD_STOPS",
        "why",
    )
    assert (error.orderId, error.positionId) == (0, 0)


def test_an_unknown_payload_type_is_reported_and_no_error():
    received = decode_payload(2999, b"anything", "m")
    assert (received.payload_type, received.client_msg_id, received.message) == (2999, "m", None)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xff", b"", wire.text(2, b"payload alone"), wire.number(1, 51) + wire.text(3, b"\xff")],
    ids=["garbage", "empty", "no payload type", "client message id is not UTF-8"],
)
def test_what_is_no_envelope_is_a_violation(body):
    with pytest.raises(ProtocolViolation):
        decode(body)


def test_a_payload_of_garbage_is_unreadable_and_the_link_lives():
    with pytest.raises(UnreadableMessage):
        decode_payload(SPOT, b"\x07\xff\xff")


def test_an_incomplete_message_is_never_written():
    with pytest.raises(ValueError, match="executionType"):
        encode(ProtoOAExecutionEvent(ctidTraderAccountId=1))


def test_assigning_an_unknown_enum_number_fails():
    with pytest.raises(ValueError, match="99"):
        ProtoOAExecutionEvent(ctidTraderAccountId=1, executionType=99)


def test_a_message_equals_what_the_second_implementation_writes():
    error = ProtoOAOrderErrorEvent(ctidTraderAccountId=1, errorCode="E")
    payload = wire.text(2, "E") + wire.number(5, 1)
    assert encode(error, "m") == wire.envelope(ORDER_ERROR, payload, "m")
