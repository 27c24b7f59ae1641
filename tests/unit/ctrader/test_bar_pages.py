"""One page of history, answered by hand."""

import pytest

from palmbot.ctrader.generated.entities_pb2 import ProtoOATrendbar
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOAGetTrendbarsRes
from palmbot.ctrader.readings import ReadingIncomplete, bar_window_ms, read_bar_page
from palmbot.domain.errors import ProtocolViolation, RequestRefused
from palmbot.domain.units import MS_PER_MINUTE

MINUTE = MS_PER_MINUTE
FIRST, LAST = 1_000_000 * MINUTE, 1_100_000 * MINUTE
WINDOW = 50_000 * MINUTE


def page(*minutes, has_more=False):
    bars = [
        ProtoOATrendbar(
            volume=1,
            low=100_000,
            deltaOpen=0,
            deltaHigh=5,
            deltaClose=3,
            utcTimestampInMinutes=each,
        )
        for each in minutes
    ]
    return ProtoOAGetTrendbarsRes(
        ctidTraderAccountId=1, period=1, trendbar=bars, symbolId=2, hasMore=has_more
    )


def begin(first=FIRST, last=LAST, window=WINDOW):
    procedure = read_bar_page(1, 2, MINUTE, (first, last), window)
    return procedure, next(procedure)


def finish(procedure, reply):
    with pytest.raises(StopIteration) as stop:
        procedure.send(reply)
    return stop.value.value


def test_a_page_reaches_back_to_its_oldest_bar_whether_or_not_more_is_announced():
    for has_more in (True, False):
        procedure, request = begin()
        assert (request.fromTimestamp, request.toTimestamp) == (LAST - WINDOW, LAST)
        got = finish(procedure, page(1_099_999, 1_099_000, has_more=has_more))
        assert got.since == 1_099_000 * MINUTE
        assert [bar.open_time for bar in got.bars] == [1_099_000 * MINUTE, 1_099_999 * MINUTE]


def test_an_empty_page_covers_its_whole_window():
    procedure, _ = begin()
    assert finish(procedure, page()).since == LAST - WINDOW


def test_the_window_ends_where_the_history_was_asked_to_begin():
    _, request = begin(first=LAST - 5 * MINUTE)
    assert request.fromTimestamp == LAST - 5 * MINUTE


def test_a_window_that_the_broker_finds_too_long_is_halved_and_the_next_page_knows():
    procedure, _ = begin()
    again = procedure.throw(RequestRefused("INCORRECT_BOUNDARIES", ""))
    assert again.fromTimestamp == LAST - WINDOW // 2
    assert finish(procedure, page()).window_ms == WINDOW // 2


def test_a_broker_that_finds_every_window_too_long_is_given_up():
    procedure, _ = begin()
    refusals = 0
    with pytest.raises(ReadingIncomplete, match="refuses every window"):  # noqa: PT012 - the last
        while True:
            refusals += 1
            procedure.throw(RequestRefused("INCORRECT_BOUNDARIES", ""))
    assert refusals == 13


def test_other_refusals_and_bars_from_elsewhere_are_errors():
    procedure, _ = begin()
    with pytest.raises(RequestRefused, match="SYMBOL_NOT_FOUND"):
        procedure.throw(RequestRefused("SYMBOL_NOT_FOUND", ""))
    procedure, _ = begin()
    with pytest.raises(ProtocolViolation, match="outside of the window"):
        procedure.send(page(1_100_001))
    procedure, _ = begin()
    with pytest.raises(ReadingIncomplete, match="shows none"):
        procedure.send(page(has_more=True))


def test_windows_are_those_that_every_server_version_accepts():
    assert bar_window_ms(5 * MINUTE) == 35 * 86_400_000
    assert bar_window_ms(60 * MINUTE) == 35 * 7 * 86_400_000
    with pytest.raises(ReadingIncomplete, match="no bars of 7 min"):
        bar_window_ms(7 * MINUTE)
