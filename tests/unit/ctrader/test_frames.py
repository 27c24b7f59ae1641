"""Framing against frames written by hand and by an independent second implementation."""

import pytest

from harness import wire
from palmbot.ctrader.frames import (
    FRAME_BYTES_MAX,
    OUTGOING_FRAME_BYTES_MAX,
    FrameReader,
    write_frame,
)
from palmbot.domain.errors import ProtocolViolation


def test_two_frames_in_one_chunk_come_out_in_order():
    assert FrameReader().feed(wire.frame(b"first") + wire.frame(b"second")) == (b"first", b"second")


def test_a_frame_in_single_bytes_comes_out_with_its_last_one():
    reader = FrameReader()
    stream = wire.frame(b"tick")
    fed = [reader.feed(stream[i : i + 1]) for i in range(len(stream))]
    assert fed == [()] * (len(stream) - 1) + [(b"tick",)]


def test_the_rest_of_a_chunk_is_kept_for_the_next():
    reader = FrameReader()
    stream = wire.frame(b"first") + wire.frame(b"second")
    assert reader.feed(stream[:12]) == (b"first",)
    assert reader.feed(stream[12:]) == (b"second",)


def test_a_frame_of_length_zero_is_ignored():
    assert FrameReader().feed(wire.frame(b"") + wire.frame(b"x") + wire.frame(b"")) == (b"x",)


def test_the_longest_frame_allowed_is_read():
    body = bytes(FRAME_BYTES_MAX)
    assert FrameReader().feed(wire.frame(body)) == (body,)


def test_one_byte_more_than_allowed_is_a_violation_before_the_body_arrives():
    with pytest.raises(ProtocolViolation, match="15000001 bytes"):
        FrameReader().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))


def test_a_length_with_the_highest_bit_is_a_violation_and_not_negative():
    with pytest.raises(ProtocolViolation):
        FrameReader().feed(b"\xff\xff\xff\xff")


def test_a_reader_stays_broken_after_a_violation():
    reader = FrameReader()
    with pytest.raises(ProtocolViolation):
        reader.feed(b"\xff\xff\xff\xff")
    with pytest.raises(ProtocolViolation):
        reader.feed(wire.frame(b"good"))


def test_written_frames_equal_those_of_the_second_implementation():
    for size in (0, 1, 127, 128, 255, 256, 70_000):
        body = bytes(size)
        assert write_frame(body) == wire.frame(body)


def test_we_refuse_to_send_a_frame_above_our_own_limit():
    assert len(write_frame(bytes(OUTGOING_FRAME_BYTES_MAX))) == OUTGOING_FRAME_BYTES_MAX + 4
    with pytest.raises(ValueError, match="1000001 bytes"):
        write_frame(bytes(OUTGOING_FRAME_BYTES_MAX + 1))
