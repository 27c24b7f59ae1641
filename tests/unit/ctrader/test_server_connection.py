"""The server's end: rules of the session that it enforces by itself."""

import pytest
from google.protobuf.message import Message

from harness import wire
from palmbot.ctrader.generated.account_messages_pb2 import ProtoOATraderReq
from palmbot.ctrader.generated.envelope_pb2 import ProtoHeartbeatEvent
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOADealListReq
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAApplicationAuthReq,
    ProtoOAApplicationAuthRes,
    ProtoOAErrorRes,
    ProtoOAVersionReq,
)
from palmbot.ctrader.messages import decode, encode
from palmbot.ctrader.server_connection import ServerConnection
from palmbot.domain.errors import ConnectionLost, ProtocolViolation

ACCOUNT = 41


def authorised() -> ServerConnection:
    server = ServerConnection(opened_s=0.0)
    server.authorise_application()
    server.authorise_account(ACCOUNT)
    return server


def sent(server: ServerConnection) -> list[tuple[str, Message | None]]:
    received = [decode(body) for body in wire.split_frames(server.take_outgoing())]
    return [(each.client_msg_id, each.message) for each in received]


def codes(server: ServerConnection) -> list[str]:
    return [message.errorCode for _, message in sent(server)]


def test_a_request_comes_out_with_its_id():
    server = authorised()
    (request,) = server.receive(encode(ProtoOATraderReq(ctidTraderAccountId=ACCOUNT), "7"), 1.0)
    assert (request.payload_type, request.client_msg_id) == (2121, "7")
    assert request.message.ctidTraderAccountId == ACCOUNT


def test_a_reply_echoes_the_id_and_a_push_has_none():
    server = authorised()
    server.reply(ProtoOAApplicationAuthRes(), "7")
    server.push(ProtoOAApplicationAuthRes())
    assert [client_msg_id for client_msg_id, _ in sent(server)] == ["7", ""]


def test_before_application_authorisation_only_that_and_the_version_get_through():
    server = ServerConnection(opened_s=0.0)
    good = encode(ProtoOAVersionReq(), "1")
    good += encode(ProtoOAApplicationAuthReq(clientId="a", clientSecret="b"), "2")
    assert [each.payload_type for each in server.receive(good, 0.0)] == [2104, 2100]
    early = encode(ProtoOAAccountAuthReq(ctidTraderAccountId=ACCOUNT, accessToken="t"), "3")
    assert server.receive(early, 0.0) == ()
    assert codes(server) == ["CH_CLIENT_NOT_AUTHENTICATED"]


def test_a_request_for_an_account_without_session_is_refused_in_the_words_of_the_real_server():
    server = authorised()
    server.forget_account(ACCOUNT)
    assert server.receive(encode(ProtoOATraderReq(ctidTraderAccountId=ACCOUNT), "7"), 1.0) == ()
    assert sent(server) == [
        (
            "7",
            ProtoOAErrorRes(
                errorCode="INVALID_REQUEST", description="Trading account is not authorized"
            ),
        )
    ]


def test_the_51st_request_in_a_second_is_blocked_and_a_second_later_the_next_is_not():
    server = authorised()
    request = encode(ProtoOATraderReq(ctidTraderAccountId=ACCOUNT), "7")
    assert len(server.receive(request * 51, 10.0)) == 50
    ((_, error),) = sent(server)
    assert (error.errorCode, error.retryAfter) == ("BLOCKED_PAYLOAD_TYPE", 1)
    assert len(server.receive(request, 11.0)) == 1


def test_the_sixth_historical_request_in_a_second_is_blocked_and_others_are_not():
    server = authorised()
    request = encode(ProtoOADealListReq(ctidTraderAccountId=ACCOUNT), "7")
    assert len(server.receive(request * 6, 10.0)) == 5
    assert codes(server) == ["BLOCKED_PAYLOAD_TYPE"]
    assert len(server.receive(encode(ProtoOATraderReq(ctidTraderAccountId=ACCOUNT)), 10.0)) == 1


def test_heartbeats_are_swallowed_and_never_counted():
    server = authorised()
    assert server.receive(encode(ProtoHeartbeatEvent()) * 200, 10.0) == ()
    assert server.take_outgoing() == b""


def test_unknown_and_unreadable_requests_are_answered():
    server = authorised()
    stream = wire.envelope(2999, b"x", "1") + wire.envelope(2121, b"", "2")
    assert server.receive(stream, 0.0) == ()
    assert codes(server) == ["UNSUPPORTED_MESSAGE", "INVALID_REQUEST"]


def test_broken_framing_is_a_violation():
    with pytest.raises(ProtocolViolation):
        authorised().receive(b"\xff" * 8, 0.0)


def test_a_client_silent_for_thirty_seconds_is_dropped():
    server = authorised()
    server.receive(encode(ProtoHeartbeatEvent()), 5.0)
    server.advance(34.9)
    with pytest.raises(ConnectionLost):
        server.advance(35.0)


def test_a_heartbeat_goes_out_after_25_seconds_without_another_message():
    server = authorised()
    server.push(ProtoOAApplicationAuthRes())
    server.advance(10.0)
    server.take_outgoing()
    server.receive(encode(ProtoHeartbeatEvent()), 20.0)
    server.advance(34.9)
    assert server.take_outgoing() == b""
    server.advance(server.deadline_s)
    assert server.take_outgoing() == encode(ProtoHeartbeatEvent())


def test_any_payload_and_any_bytes_can_be_written_for_the_quirks():
    server = authorised()
    server.write_envelope(2999, b"abc", "5")
    server.write_bytes(b"\xff\xff")
    assert server.take_outgoing() == wire.envelope(2999, b"abc", "5") + b"\xff\xff"
