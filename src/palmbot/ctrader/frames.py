"""Frames of the wire: a 4-byte big-endian length, then that many bytes of one envelope."""

import struct

from palmbot.domain.errors import ProtocolViolation

LENGTH_BYTES = 4
_LENGTH = struct.Struct("!I")

FRAME_BYTES_MAX = 15_000_000
"""What we accept: the limit of the official client. Long symbol lists need megabytes."""

OUTGOING_FRAME_BYTES_MAX = 1_000_000
"""What we send: our longest message is an order of about 300 bytes, so more is a mistake."""


class FrameReader:
    """Turns arbitrary chunks of bytes into whole frames. Holds at most one unfinished frame."""

    __slots__ = ("_buffer", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = LENGTH_BYTES
        """Bytes the buffer must hold before anything can come out of it."""

    def feed(self, chunk: bytes) -> tuple[bytes, ...]:
        """Add received bytes; return every frame they complete, in order, empty ones left out.

        Raises:
            ProtocolViolation: a length above `FRAME_BYTES_MAX`; drop the connection. Frames
                before it in the same chunk are lost, like all that was still on the way.
        """
        buffer = self._buffer
        if not buffer:
            # The usual chunk is one whole frame, no more and no less.
            size = len(chunk) - LENGTH_BYTES
            if 0 < size <= FRAME_BYTES_MAX and size == int.from_bytes(chunk[:LENGTH_BYTES], "big"):
                return (chunk[LENGTH_BYTES:],)
            stream = chunk
        else:
            buffer += chunk
            # A long frame in small pieces is only gathered: copying it at every piece would
            # take quadratic time.
            if len(buffer) < self._wanted:
                return ()
            stream = bytes(buffer)
        try:
            frames, used, self._wanted = _cut(stream)
        except ProtocolViolation:
            # Kept, so that every later call fails the same way.
            self._buffer, self._wanted = bytearray(stream), 0
            raise
        self._buffer = bytearray(stream[used:])
        return tuple(frames)


def _cut(stream: bytes) -> tuple[list[bytes], int, int]:
    """Return the whole frames of a stream, the bytes they take, and the bytes the next needs."""
    frames: list[bytes] = []
    start = 0
    length = len(stream)
    while length - start >= LENGTH_BYTES:
        (size,) = _LENGTH.unpack_from(stream, start)
        if size > FRAME_BYTES_MAX:
            raise ProtocolViolation(f"the peer announced a frame of {size} bytes")
        body = start + LENGTH_BYTES
        end = body + size
        if end > length:
            return frames, start, LENGTH_BYTES + size
        if size:
            frames.append(stream[body:end])
        start = end
    return frames, start, LENGTH_BYTES


def write_frame(body: bytes) -> bytes:
    """Return `body` with its length in front.

    Raises:
        ValueError: longer than `OUTGOING_FRAME_BYTES_MAX`, a mistake of ours.
    """
    if len(body) > OUTGOING_FRAME_BYTES_MAX:
        raise ValueError(f"refusing to send a frame of {len(body)} bytes")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
