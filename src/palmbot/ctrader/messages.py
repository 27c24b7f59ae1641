"""Envelopes: which number means which message, and whether a received one can be trusted.

protobuf reads more than it should. A message without a required field parses; an enum number
it does not know is put aside and the field then reads as the first value of the enum (an
execution nobody knows reads as ORDER_ACCEPTED); a field of the wrong wire type is put aside
like that; text that is not UTF-8 comes out as bytes. `decode` refuses all four.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from palmbot.ctrader.frames import LENGTH_BYTES, write_frame
from palmbot.ctrader.generated import (
    account_messages_pb2,
    envelope_pb2,
    order_messages_pb2,
    quote_messages_pb2,
    session_messages_pb2,
)
from palmbot.ctrader.generated.envelope_pb2 import ProtoHeartbeatEvent, ProtoMessage
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent
from palmbot.domain.errors import PalmbotError, ProtocolViolation

HEARTBEAT = 51
"""Payload type of ProtoHeartbeatEvent."""


def _register(*modules: ModuleType) -> dict[int, type[Message]]:
    """Return the message class of every payload type, taken from the default of its field 1."""
    classes: dict[int, type[Message]] = {}
    for module in modules:
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
            field = descriptor.fields_by_name.get("payloadType")
            if field is not None and field.has_default_value:
                classes[field.default_value] = getattr(module, name)
    return classes


MESSAGE_CLASSES = _register(
    envelope_pb2,
    session_messages_pb2,
    account_messages_pb2,
    quote_messages_pb2,
    order_messages_pb2,
)
"""Message class by payload type, complete."""

PAYLOAD_TYPES = {message_class: number for number, message_class in MESSAGE_CLASSES.items()}
"""Payload type by message class."""


class Received(NamedTuple):
    """One envelope as it came."""

    payload_type: int
    client_msg_id: str
    """Empty on a push."""
    message: Message | None
    """None if the payload type is not one of ours: to be counted, not to fail on."""


class UnreadableMessage(PalmbotError):
    """One message cannot be trusted; the connection still can. Never read a field of it."""

    def __init__(self, payload_type: int, client_msg_id: str, reason: str) -> None:
        super().__init__(f"message {payload_type} is unreadable: {reason}")
        self.payload_type = payload_type
        self.client_msg_id = client_msg_id
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Shape:
    """What has to be looked at in a message of one type, worked out once."""

    fields: dict[int, str]
    """Names by number. One of them among the unknown fields was put aside unread."""
    texts: tuple[str, ...]
    singles: tuple[tuple[str, "_Shape"], ...]
    lists: tuple[tuple[str, "_Shape"], ...]


def _describe(descriptor: Descriptor) -> _Shape:
    # Field 1 of the inner message repeats the number of the envelope and is not read by anybody.
    fields = [each for each in descriptor.fields if each.name != "payloadType"]
    children = [
        (field.name, field.is_repeated, _describe(field.message_type))
        for field in fields
        if field.message_type is not None
    ]
    return _Shape(
        fields={field.number: field.name for field in fields},
        texts=tuple(field.name for field in fields if field.type == FieldDescriptor.TYPE_STRING),
        singles=tuple((name, child) for name, is_repeated, child in children if not is_repeated),
        lists=tuple((name, child) for name, is_repeated, child in children if is_repeated),
    )


_SHAPES = {
    number: _describe(cast("Descriptor", each.DESCRIPTOR))
    for number, each in MESSAGE_CLASSES.items()
}


def _find_fault(message: Message, shape: _Shape) -> str:
    """Return why the message cannot be trusted, or an empty text."""
    unknown = UnknownFieldSet(message)
    for i in range(len(unknown)):
        if (number := unknown[i].field_number) in shape.fields:
            return f"{message.DESCRIPTOR.name}.{shape.fields[number]} holds an unknown value"
    for name in shape.texts:
        if not isinstance(getattr(message, name), str):
            return f"{message.DESCRIPTOR.name}.{name} is not UTF-8"
    for name, child in shape.singles:
        if message.HasField(name) and (fault := _find_fault(getattr(message, name), child)):
            return fault
    for name, child in shape.lists:
        for each in getattr(message, name):
            if fault := _find_fault(each, child):
                return fault
    return ""


def _name_missing(message: Message) -> str:
    try:
        message.SerializeToString()
    except EncodeError as e:
        return str(e)
    return "a required field is missing"


def decode(frame: bytes) -> Received:
    """Read the envelope in a frame and the message in it.

    Raises:
        ProtocolViolation: not an envelope; drop the connection.
        UnreadableMessage: the message in it has a required field missing, an enum number or
            field type we do not know, or text that is not UTF-8.
    """
    try:
        envelope = ProtoMessage.FromString(frame)
    except DecodeError as e:
        raise ProtocolViolation("the peer sent a frame that is no envelope") from e
    number = envelope.payloadType
    client_msg_id = envelope.clientMsgId
    if number == 0 or not isinstance(client_msg_id, str):
        raise ProtocolViolation("the peer sent an envelope without payload type or with a bad id")
    message_class = MESSAGE_CLASSES.get(number)
    if message_class is None:
        return Received(number, client_msg_id, None)
    try:
        message = message_class.FromString(envelope.payload)
    except DecodeError as e:
        raise UnreadableMessage(number, client_msg_id, "not a message of that type") from e
    if fault := _find_fault(message, _SHAPES[number]):
        raise UnreadableMessage(number, client_msg_id, fault)
    if not message.IsInitialized():
        raise UnreadableMessage(number, client_msg_id, _name_missing(message))
    return Received(number, client_msg_id, message)


ONE_BYTE_MAX = 0x7F
"""Largest length that one byte of a varint holds."""

_SPOT_HEADERS = tuple(b"\x08\xd3\x10\x12" + bytes([size]) for size in range(ONE_BYTE_MAX + 1))
"""How the envelope of a pushed quote begins, by the size of the payload that fills the rest of it:
field 1 with 2131, then the tag and the length of field 2."""

_SPOT_HEADER_BYTES = len(_SPOT_HEADERS[0])
_TRENDBAR_TAG = b"\x32"


def decode_spot(frame: bytes) -> ProtoOASpotEvent | None:
    """Read a plain quote on a short way; None: take the long one, `decode`.

    Nearly every frame is one, and `decode` takes more than twice as long. The checks are the
    same: the payload fills the rest of the envelope, so there is no clientMsgId; no field was
    put aside unread; both required fields are there (an id of 0 takes the long way); and
    without the tag byte of `trendbar` no nested message can be in it.
    """
    size = len(frame) - _SPOT_HEADER_BYTES
    if (
        size > ONE_BYTE_MAX
        # A frame shorter than a header has a negative size, and begins with no header at all.
        or not frame.startswith(_SPOT_HEADERS[size])
        or _TRENDBAR_TAG in frame
    ):
        return None
    try:
        event = ProtoOASpotEvent.FromString(frame[_SPOT_HEADER_BYTES:])
    except DecodeError:
        return None
    if len(UnknownFieldSet(event)) or not (event.ctidTraderAccountId and event.symbolId):
        return None
    return event


def encode_payload(payload_type: int, payload: bytes, client_msg_id: str | None = None) -> bytes:
    """Return the whole frame of serialised `payload` under any number.

    Raises:
        ValueError: the frame is too long, a mistake of ours.
    """
    envelope = ProtoMessage(payloadType=payload_type, payload=payload, clientMsgId=client_msg_id)
    return write_frame(envelope.SerializeToString())


_HEARTBEAT_FRAME = encode_payload(HEARTBEAT, ProtoHeartbeatEvent().SerializeToString())
_HEARTBEAT_BODY = _HEARTBEAT_FRAME[LENGTH_BYTES:]


def encode_heartbeat() -> bytes:
    """Return the whole frame of a heartbeat, which is always the same."""
    return _HEARTBEAT_FRAME


def is_heartbeat(frame: bytes) -> bool:
    """Tell on a short way that a frame is a heartbeat; False: take the long one, `decode`."""
    return frame == _HEARTBEAT_BODY


def encode(message: Message, client_msg_id: str | None = None) -> bytes:
    """Return the whole frame of one message.

    Raises:
        ValueError: a required field is missing, the type has no payload type, or the frame
            is too long: mistakes of ours.
    """
    number = PAYLOAD_TYPES.get(type(message))
    if number is None:
        raise ValueError(f"{type(message).__name__} has no payload type of its own")
    try:
        payload = message.SerializeToString()
    except EncodeError as e:
        raise ValueError(f"{message.DESCRIPTOR.name} is incomplete: {e}") from e
    return encode_payload(number, payload, client_msg_id)
