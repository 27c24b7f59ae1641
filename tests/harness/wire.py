"""Framing and encoding written a second time, from the specification alone.

Nothing here comes from `palmbot`, so that the codec is never checked against itself.
"""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES = 0, 1, 2


def frame(body: bytes) -> bytes:
    """Return a frame: length, big-endian and unsigned, without its own four bytes; body."""
    return struct.pack("!I", len(body)) + body


def split_frames(stream: bytes) -> list[bytes]:
    """Return the bodies in a stream of whole frames."""
    bodies = []
    while stream:
        (size,) = struct.unpack("!I", stream[:4])
        assert len(stream) >= 4 + size, "the stream ends within a frame"
        bodies.append(stream[4 : 4 + size])
        stream = stream[4 + size :]
    return bodies


def varint(value: int) -> bytes:
    """Return base-128 digits, least first; negatives as 64-bit two's complement."""
    value &= 2**64 - 1
    digits = []
    while True:
        value, digit = value >> 7, value & 0x7F
        digits.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(digits)


def number(field: int, value: int) -> bytes:
    """Return an integer, bool or enum field."""
    return varint(field << 3 | VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """Return a double field."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value)


def text(field: int, value: str | bytes) -> bytes:
    """Return a string, bytes or message field."""
    body = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | BYTES) + varint(len(body)) + body


def envelope(payload_type: int, payload: bytes, client_msg_id: str | None = None) -> bytes:
    """Return a whole frame of one ProtoMessage."""
    tail = text(3, client_msg_id) if client_msg_id is not None else b""
    return frame(number(1, payload_type) + text(2, payload) + tail)


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and raw value of every field; fixed and delimited ones as bytes."""
    at = 0

    def take_varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = take_varint()
        if tag & 7 == VARINT:
            yield tag >> 3, take_varint()
        else:
            size = 8 if tag & 7 == FIXED64 else take_varint()
            yield tag >> 3, message[at : at + size]
            at += size
