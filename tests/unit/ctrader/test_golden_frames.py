"""Frames as the official schema writes them, byte for byte."""

import pytest
from google.protobuf.message import Message

from palmbot.ctrader.frames import FrameReader
from palmbot.ctrader.generated.enums_pb2 import BUY, GOOD_TILL_DATE, LIMIT, MARKET
from palmbot.ctrader.generated.envelope_pb2 import ProtoHeartbeatEvent
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOANewOrderReq
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOADepthEvent,
    ProtoOASpotEvent,
    ProtoOASubscribeSpotsReq,
)
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAApplicationAuthReq,
    ProtoOAErrorRes,
)
from palmbot.ctrader.messages import HEARTBEAT, decode, encode

GOLDEN: list[tuple[str, Message, str | None, str]] = [
    ("heartbeat", ProtoHeartbeatEvent(), None, "0000000408331200"),
    (
        "application authorisation",
        ProtoOAApplicationAuthReq(clientId="a", clientSecret="b"),
        "1",
        "0000000e08b41012061201611a01621a0131",
    ),
    (
        "error",
        ProtoOAErrorRes(errorCode="INVALID_REQUEST", description="x"),
        "7",
        "0000001c08de1012141a0f494e56414c49445f524551554553542201781a0137",
    ),
    (
        "quote without ask",
        ProtoOASpotEvent(ctidTraderAccountId=1, symbolId=2, bid=412_300_000),
        None,
        "0000000f08d310120a1001180220e0e5ccc401",
    ),
    (
        "market order",
        ProtoOANewOrderReq(
            ctidTraderAccountId=1,
            symbolId=2,
            orderType=MARKET,
            tradeSide=BUY,
            volume=2500,
            clientOrderId="c1",
            relativeStopLoss=6_185_000,
            relativeTakeProfit=8_246_000,
        ),
        "2",
        "0000002408ba10121c100118022001280130c41392010263319801a8c0f902a001f0a5f7031a0132",
    ),
    (
        "limit order",
        ProtoOANewOrderReq(
            ctidTraderAccountId=1,
            symbolId=2,
            orderType=LIMIT,
            tradeSide=BUY,
            volume=2500,
            limitPrice=4123.5,
            timeInForce=GOOD_TILL_DATE,
            expirationTimestamp=1_767_225_600_000,
            label="c1",
            clientOrderId="c1",
            relativeStopLoss=6_185_000,
            relativeTakeProfit=8_246_000,
        ),
        "2",
        (
            "0000003b08ba101233100118022002280130c4133900000000801bb04048015080d0eab6b7338201026331"
            "92010263319801a8c0f902a001f0a5f7031a0132"
        ),
    ),
]


@pytest.mark.parametrize(
    ("message", "client_msg_id", "wire"), [each[1:] for each in GOLDEN], ids=[e[0] for e in GOLDEN]
)
def test_a_message_is_written_and_read_as_the_golden_bytes(message, client_msg_id, wire):
    assert encode(message, client_msg_id).hex() == wire
    (body,) = FrameReader().feed(bytes.fromhex(wire))
    received = decode(body)
    assert received.message == message
    assert received.client_msg_id == (client_msg_id or "")


def test_heartbeat_payload_type_is_51_and_a_bare_envelope_is_one_too():
    (body,) = FrameReader().feed(bytes.fromhex("000000020833"))
    received = decode(body)
    assert received.payload_type == HEARTBEAT == 51
    assert received.message == ProtoHeartbeatEvent()


def test_deleted_quotes_are_the_one_packed_list():
    depth = ProtoOADepthEvent(ctidTraderAccountId=1, symbolId=2, deletedQuotes=[3, 4])
    assert depth.SerializeToString().hex() == "100118022a020304"


def test_other_lists_are_not_packed():
    subscribe = ProtoOASubscribeSpotsReq(ctidTraderAccountId=1, symbolId=[2, 3])
    assert subscribe.SerializeToString().hex() == "100118021803"
