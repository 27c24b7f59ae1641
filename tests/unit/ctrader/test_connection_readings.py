"""Quotes, and readings of books and bars: whole, or said to be unavailable."""

import itertools

import pytest

from harness.scripted_broker import (
    ACCOUNT,
    CONVERSION_SYMBOL,
    NOON,
    SYMBOL,
    WALL,
    ScriptedBroker,
    make_bars_reply,
    make_deal,
    make_filled,
    make_order,
    make_position,
    make_spot,
    make_trader,
)
from palmbot.ctrader.connection import Limits
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOACashFlowHistoryListReq,
    ProtoOACashFlowHistoryListRes,
    ProtoOATraderReq,
    ProtoOATraderRes,
)
from palmbot.ctrader.generated.entities_pb2 import ProtoOADepositWithdraw, ProtoOATrendbar
from palmbot.ctrader.generated.enums_pb2 import (
    BALANCE_WITHDRAW,
    M5,
    POSITION_STATUS_CREATED,
    POSITION_STATUS_ERROR,
    REJECTED,
    STOP_LOSS_TAKE_PROFIT,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOADealListReq,
    ProtoOADealListRes,
    ProtoOAOrderListReq,
    ProtoOAOrderListRes,
    ProtoOAReconcileReq,
    ProtoOAReconcileRes,
)
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOAGetTrendbarsReq
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAErrorRes
from palmbot.domain.commands import LoadBars, QueryBooks
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.events import (
    BarsLoaded,
    BarsUnavailable,
    BooksReported,
    BooksUnavailable,
    ExecutionUnreadable,
    StampMissing,
)
from palmbot.domain.market import Tick
from palmbot.domain.units import TimestampMs

FIVE_MIN = 300_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
IDS = {"ctidTraderAccountId": ACCOUNT}


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker().open_with_quote()


def query_books(broker: ScriptedBroker, *, days: float = 1, delay_s: float = 0.0) -> None:
    since = TimestampMs(NOON - int(days * DAY_MS))
    broker.client.start_reading(
        QueryBooks(generation=1, since=since, delay_s=delay_s), broker.now_s
    )
    broker.settle()


def load_bars(broker: ScriptedBroker, count: int, period_ms: int = FIVE_MIN) -> None:
    broker.client.start_reading(
        LoadBars(generation=1, period_ms=period_ms, count=count, delay_s=0.0), broker.now_s
    )
    broker.settle()


def make_trendbar(minutes: int, **changes: int) -> ProtoOATrendbar:
    fields = {
        "volume": 7,
        "low": 100_000_000,
        "deltaOpen": 1000,
        "deltaHigh": 5000,
        "deltaClose": 2000,
        "utcTimestampInMinutes": minutes,
    }
    return ProtoOATrendbar(**{**fields, **changes})


class History:
    """Five-minute bars up to (and including the one open at) noon, weekends left out."""

    def __init__(self, count: int, *, page: int = 10_000, window_max: int | None = None) -> None:
        newest = NOON // FIVE_MIN * 5
        self.minutes = [newest - 5 * i for i in range(count)]
        self.page = page
        self.window_max = window_max
        self.requests: list[ProtoOAGetTrendbarsReq] = []

    def __call__(self, request: ProtoOAGetTrendbarsReq):
        self.requests.append(request)
        assert request.period == M5
        if self.window_max and request.toTimestamp - request.fromTimestamp > self.window_max:
            return ProtoOAErrorRes(errorCode="INCORRECT_BOUNDARIES")
        inside = [
            minute
            for minute in self.minutes
            if request.fromTimestamp <= minute * 60_000 <= request.toTimestamp
        ]
        newest = inside[: min(request.count, self.page)]
        return make_bars_reply(
            *(make_trendbar(each) for each in reversed(newest)),
            hasMore=len(newest) < len(inside),
        )


# ---- quotes ----


def test_partial_ticks_leave_the_absent_side_unchanged(broker):
    broker.push(make_spot(bid=100_050_000, timestamp=NOON + 1))
    broker.push(make_spot(ask=100_200_000, timestamp=NOON + 2))
    assert broker.events == [
        Tick(symbol_id=SYMBOL, time=NOON + 1, bid=100_050_000, ask=100_100_000),
        Tick(symbol_id=SYMBOL, time=NOON + 2, bid=100_050_000, ask=100_200_000),
    ]


def test_an_absent_bid_is_never_read_as_zero():
    broker = ScriptedBroker().open()
    broker.events.clear()
    broker.push(make_spot(ask=100_100_000, timestamp=NOON))
    assert broker.events == []
    broker.push(make_spot(bid=100_000_000, timestamp=NOON))
    (tick,) = broker.events
    assert (tick.bid, tick.ask) == (100_000_000, 100_100_000)


def test_a_crossed_quote_is_dropped_counted_and_mended_by_the_next_side(broker):
    broker.push(make_spot(bid=100_150_000, timestamp=NOON))
    assert broker.events == []
    assert broker.client.dropped_quotes == 1
    broker.push(make_spot(ask=100_160_000, timestamp=NOON))
    (tick,) = broker.events
    assert (tick.bid, tick.ask) == (100_150_000, 100_160_000)


def test_a_quote_of_an_absurd_size_is_dropped(broker):
    broker.push(make_spot(bid=2**63, ask=2**63 + 1))
    assert broker.events == []
    assert broker.client.dropped_quotes == 1


def test_a_quote_without_time_takes_the_time_of_its_arrival_and_the_first_one_is_told(broker):
    broker.push(make_spot(bid=100_050_000, timestamp=NOON + 1))
    broker.push(make_spot(bid=100_060_000))
    broker.push(make_spot(bid=100_070_000))
    stamped, missing, *unstamped = broker.events
    assert stamped.time == NOON + 1
    assert missing == StampMissing(generation=1)
    assert [each.time for each in unstamped] == [WALL, WALL]


@pytest.mark.parametrize("timestamp", [0, 1_775_000_000, -5, 1_775_000_000_000_000])
def test_a_time_that_cannot_be_milliseconds_is_not_believed(broker, timestamp):
    broker.push(make_spot(bid=100_050_000, timestamp=timestamp))
    assert isinstance(broker.events[0], StampMissing)
    assert broker.events[1].time == WALL


def test_sides_of_different_symbols_are_kept_apart(broker):
    broker.push(make_spot(symbolId=CONVERSION_SYMBOL, bid=470_000, timestamp=NOON))
    assert broker.events == []
    broker.push(make_spot(symbolId=CONVERSION_SYMBOL, ask=470_100, timestamp=NOON))
    assert [(each.symbol_id, each.bid) for each in broker.events] == [(CONVERSION_SYMBOL, 470_000)]


def test_a_live_bar_without_delta_close_does_not_disturb_its_tick(broker):
    live = make_trendbar(1)
    live.ClearField("deltaClose")
    broker.push(make_spot(bid=100_050_000, timestamp=NOON + 1, trendbar=[live]))
    assert broker.events == [
        Tick(symbol_id=SYMBOL, time=NOON + 1, bid=100_050_000, ask=100_100_000)
    ]


# ---- books ----


def test_books_are_read_whole_and_dated_by_the_broker(broker):
    protection = make_order(orderId=72, orderType=STOP_LOSS_TAKE_PROFIT, orderStatus=1)
    pending = make_order(orderId=73, orderStatus=1, executedVolume=0)
    broker.answers[ProtoOAReconcileReq] = ProtoOAReconcileRes(
        **IDS, position=[make_position()], order=[protection, pending]
    )
    broker.answers[ProtoOADealListReq] = ProtoOADealListRes(
        **IDS,
        deal=[make_deal(dealId=93, executionTimestamp=NOON + 9), make_deal()],
        hasMore=False,
    )
    broker.answers[ProtoOAOrderListReq] = ProtoOAOrderListRes(
        **IDS, order=[make_order(), protection], hasMore=False
    )
    query_books(broker)
    (reported,) = broker.events
    assert isinstance(reported, BooksReported)
    books = reported.books
    assert reported.generation == 1
    assert (books.since, books.taken_at) == (NOON - DAY_MS, NOON + 9)
    assert [each.position_id for each in books.positions] == [81]
    assert [each.order_id for each in books.orders] == [73]
    assert [each.order_id for each in books.past_orders] == [71, 72]
    assert [each.deal_id for each in books.fills] == [91, 93]
    assert (books.balance, books.balance_version) == (1_000_000_000_000, 7)


def test_payments_of_the_window_are_part_of_the_books_a_week_at_a_time(broker):
    def answer(request: ProtoOACashFlowHistoryListReq):
        times = [t for t in (NOON - 8 * DAY_MS, NOON - DAY_MS) if in_window(t, request)]
        return ProtoOACashFlowHistoryListRes(
            **IDS,
            depositWithdraw=[
                ProtoOADepositWithdraw(
                    operationType=BALANCE_WITHDRAW,
                    balanceHistoryId=t,
                    balance=t % 1_000,
                    delta=-1_234,
                    changeBalanceTimestamp=t,
                    balanceVersion=5,
                    moneyDigits=2,
                )
                for t in times
            ],
        )

    broker.answers[ProtoOACashFlowHistoryListReq] = answer
    query_books(broker, days=10)
    broker.advance(1.1)  # more than the historical requests of one second
    (reported,) = broker.events
    first, second = reported.books.payments
    assert (first.time, second.time) == (NOON - 8 * DAY_MS, NOON - DAY_MS)
    assert (first.kind, first.delta, first.balance_version) == (
        "BALANCE_WITHDRAW",
        -1_234_000_000,
        5,
    )
    asked = [e.message for e in broker.requests]
    spans = [
        each.toTimestamp - each.fromTimestamp
        for each in asked
        if isinstance(each, ProtoOACashFlowHistoryListReq)
    ]
    assert max(spans) == WEEK_MS
    assert len(spans) == 2


def in_window(time: int, request: ProtoOACashFlowHistoryListReq) -> bool:
    return request.fromTimestamp <= time <= request.toTimestamp


def test_protection_orders_are_not_asked_for(broker):
    query_books(broker)
    (asked,) = [e.message for e in broker.requests if isinstance(e.message, ProtoOAReconcileReq)]
    assert not asked.returnProtectionOrders


@pytest.mark.parametrize(
    "request_class",
    [
        ProtoOATraderReq,
        ProtoOAReconcileReq,
        ProtoOADealListReq,
        ProtoOAOrderListReq,
        ProtoOACashFlowHistoryListReq,
    ],
)
def test_a_failed_query_is_unavailable_and_never_flat(broker, request_class):
    broker.answers[request_class] = ProtoOAErrorRes(errorCode="ENTITY_NOT_FOUND")
    query_books(broker)
    (event,) = broker.events
    assert isinstance(event, BooksUnavailable)
    assert event.generation == 1
    assert "ENTITY_NOT_FOUND" in event.reason


def test_an_unanswered_query_is_unavailable_after_its_deadline(broker):
    broker.answers[ProtoOAReconcileReq] = None
    query_books(broker)
    assert broker.client.open_requests == 1
    broker.advance(9.9)
    assert broker.events == []
    broker.advance(0.2)
    assert [type(each) for each in broker.events] == [BooksUnavailable]
    assert broker.client.open_requests == 0


def test_a_late_answer_to_a_query_given_up_is_not_taken_for_another(broker):
    broker.answers[ProtoOAReconcileReq] = None
    query_books(broker)
    broker.advance(11)
    broker.events.clear()
    broker.push(ProtoOAReconcileRes(**IDS), client_msg_id="r10")
    assert broker.events == []
    assert broker.client.tally.unexpected == 1


def test_an_unreadable_position_makes_the_books_unavailable(broker):
    broker.answers[ProtoOAReconcileReq] = ProtoOAReconcileRes(
        **IDS, position=[make_position(positionStatus=POSITION_STATUS_ERROR)]
    )
    query_books(broker)
    assert [type(each) for each in broker.events] == [BooksUnavailable]
    assert broker.client.is_ready


def test_a_position_made_for_a_pending_order_is_no_position(broker):
    created = make_position(positionStatus=POSITION_STATUS_CREATED)
    created.ClearField("price")
    broker.answers[ProtoOAReconcileReq] = ProtoOAReconcileRes(**IDS, position=[created])
    query_books(broker)
    assert broker.events[0].books.positions == ()


def test_a_deal_that_executed_nothing_is_no_fill(broker):
    deals = [make_deal(dealStatus=REJECTED, filledVolume=0)]
    broker.answers[ProtoOADealListReq] = ProtoOADealListRes(**IDS, deal=deals, hasMore=False)
    query_books(broker)
    assert broker.events[0].books.fills == ()


def test_long_windows_are_read_in_weeks_without_gap_or_overlap(broker):
    query_books(broker, days=30)
    broker.advance(10)
    windows = [
        (each.message.fromTimestamp, each.message.toTimestamp)
        for each in broker.requests
        if isinstance(each.message, ProtoOADealListReq)
    ]
    assert windows[0][0] == NOON - 30 * DAY_MS
    assert windows[-1][1] > NOON
    assert all(end - start <= WEEK_MS for start, end in windows)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(windows))
    assert [type(each) for each in broker.events] == [BooksReported]


def test_a_cut_list_is_read_again_in_halves_whichever_end_was_cut(broker):
    times = [NOON - 1000 * i for i in range(37)]

    def answer(request: ProtoOADealListReq):
        inside = [t for t in times if request.fromTimestamp <= t <= request.toTimestamp]
        deals = [make_deal(dealId=t, executionTimestamp=t) for t in inside[:10]]
        return ProtoOADealListRes(**IDS, deal=deals, hasMore=len(inside) > 10)

    broker.answers[ProtoOADealListReq] = answer
    query_books(broker)
    broker.advance(59)
    (reported,) = broker.events
    assert [each.time for each in reported.books.fills] == sorted(times)


def test_a_list_without_end_is_unavailable(broker):
    broker.answers[ProtoOADealListReq] = ProtoOADealListRes(**IDS, hasMore=True)
    query_books(broker)
    broker.advance(50)
    assert [type(each) for each in broker.events] == [BooksUnavailable]


def test_books_torn_by_an_execution_are_read_again(broker):
    trades = [make_filled()]

    def answer(_: ProtoOAReconcileReq):
        if trades:
            broker.server.push(trades.pop())
            return ProtoOAReconcileRes(**IDS)
        return ProtoOAReconcileRes(**IDS, position=[make_position()])

    broker.answers[ProtoOAReconcileReq] = answer
    query_books(broker)
    broker.advance(3)
    reported = [each for each in broker.events if isinstance(each, BooksReported)]
    assert [len(each.books.positions) for each in reported] == [1]
    assert broker.asked().count("ReconcileReq") == 2


def test_books_torn_by_an_execution_that_cannot_be_read_are_read_again(broker):
    torn = [b"\x18\x63"]  # executionType 99, and nothing else of an execution event

    def answer(_: ProtoOAReconcileReq):
        if torn:
            broker.server.write_envelope(2126, torn.pop())
        return ProtoOAReconcileRes(**IDS)

    broker.answers[ProtoOAReconcileReq] = answer
    query_books(broker)
    broker.advance(3)
    kinds = [type(each) for each in broker.events]
    assert kinds.count(BooksReported) == kinds.count(ExecutionUnreadable) == 1
    assert broker.asked().count("ReconcileReq") == 2


def test_books_that_never_come_to_rest_are_unavailable(broker):
    def answer(_: ProtoOAReconcileReq):
        broker.server.push(make_filled())
        return ProtoOAReconcileRes(**IDS)

    broker.answers[ProtoOAReconcileReq] = answer
    query_books(broker)
    broker.advance(10)
    assert isinstance(broker.events[-1], BooksUnavailable)
    assert not any(isinstance(each, BooksReported) for each in broker.events)


def test_a_reading_waits_for_its_delay_and_the_newest_command_counts(broker):
    query_books(broker, delay_s=5.0)
    query_books(broker, delay_s=8.0)
    assert broker.client.open_requests == 0
    broker.advance(7.9)
    assert broker.requests == []
    broker.advance(0.2)
    assert broker.asked().count("ReconcileReq") == 1


def test_a_second_reading_waits_until_the_first_has_ended(broker):
    broker.answers[ProtoOAReconcileReq] = None
    query_books(broker)
    query_books(broker, days=2)
    assert broker.asked().count("ReconcileReq") == 1
    assert broker.client.open_requests == 2
    broker.answers[ProtoOAReconcileReq] = ProtoOAReconcileRes(**IDS)
    broker.advance(11)
    first, second = broker.events
    assert isinstance(first, BooksUnavailable)
    assert isinstance(second, BooksReported)
    assert second.books.since == NOON - 2 * DAY_MS


def test_a_command_of_another_connection_is_ignored(broker):
    broker.client.start_reading(QueryBooks(generation=2, since=NOON, delay_s=0.0), 0.0)
    broker.settle()
    assert broker.requests == []


def test_readings_wait_for_the_first_quote_which_tells_the_time_at_the_broker():
    broker = ScriptedBroker().open()
    broker.requests.clear()
    query_books(broker)
    load_bars(broker, 3)
    assert broker.requests == []
    broker.push(make_spot(bid=1_000, ask=2_000, timestamp=NOON))
    assert "GetTrendbarsReq" in broker.asked()
    assert "ReconcileReq" in broker.asked()


def test_readings_do_not_wait_for_a_quote_for_ever():
    broker = ScriptedBroker().open()
    broker.requests.clear()
    query_books(broker)
    broker.advance(11)
    assert "ReconcileReq" in broker.asked()


def test_books_without_a_quote_are_read_up_to_our_own_clock_and_not_dated_by_it():
    broker = ScriptedBroker().open()
    broker.requests.clear()
    since = TimestampMs(WALL - 2 * DAY_MS)
    broker.client.start_reading(QueryBooks(generation=1, since=since, delay_s=0.0), broker.now_s)
    broker.advance(11)
    (reported,) = [each for each in broker.events if isinstance(each, BooksReported)]
    assert reported.books.taken_at == reported.books.since == since
    (asked,) = [
        each.message for each in broker.requests if isinstance(each.message, ProtoOADealListReq)
    ]
    assert asked.toTimestamp == WALL + DAY_MS


def test_historical_requests_stay_within_their_own_rate(broker):
    seen: list[float] = []

    def answer(_: ProtoOADealListReq):
        seen.append(broker.now_s)
        return ProtoOADealListRes(**IDS, hasMore=False)

    broker.answers[ProtoOADealListReq] = answer
    query_books(broker, days=80)
    broker.advance(30)
    assert len(seen) == 12
    assert all(later - first >= 1.0 for first, later in zip(seen, seen[4:], strict=False))
    assert [type(each) for each in broker.events] == [BooksReported]


def test_a_throttled_reading_is_repeated_and_not_given_up(broker):
    answers = [
        ProtoOAErrorRes(errorCode="REQUEST_FREQUENCY_EXCEEDED", retryAfter=2),
        ProtoOAErrorRes(errorCode="REQUEST_FREQUENCY_EXCEEDED"),
        ProtoOATraderRes(**IDS, trader=make_trader()),
    ]
    broker.answers[ProtoOATraderReq] = lambda _: answers.pop(0)
    query_books(broker)
    broker.advance(5)
    assert [type(each) for each in broker.events] == [BooksReported]


def test_a_reading_throttled_without_end_is_unavailable(broker):
    broker.answers[ProtoOATraderReq] = ProtoOAErrorRes(errorCode="BLOCKED_PAYLOAD_TYPE")
    query_books(broker)
    for _ in range(20):
        broker.advance(10)
        broker.push(make_spot(bid=100_000_000, timestamp=NOON))
    unavailable = [each for each in broker.events if isinstance(each, BooksUnavailable)]
    assert len(unavailable) == 1
    assert broker.asked() == ["TraderReq"] * 8


def test_an_error_of_the_link_in_a_reading_ends_the_connection(broker):
    broker.answers[ProtoOAReconcileReq] = ProtoOAErrorRes(
        errorCode="UNKNOWN_ERROR", description="No pooled connection to main server"
    )
    query_books(broker)
    assert [type(each) for each in broker.events] == [BooksUnavailable]
    with pytest.raises(ConnectionLost, match="pooled"):
        broker.client.advance(broker.now_s)


# ---- bars ----


def test_bars_come_oldest_first_without_the_one_still_open(broker):
    broker.answers[ProtoOAGetTrendbarsReq] = History(50)
    load_bars(broker, 20)
    (loaded,) = broker.events
    assert isinstance(loaded, BarsLoaded)
    opened = [bar.open_time for bar in loaded.bars]
    assert len(opened) >= 20
    assert opened == sorted(set(opened))
    assert opened[-1] + FIVE_MIN <= NOON < opened[-1] + 2 * FIVE_MIN
    bar = loaded.bars[0]
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        100_001_000,
        100_005_000,
        100_000_000,
        100_002_000,
        7,
    )


def test_pages_of_bars_are_followed_back_without_duplicates(broker):
    history = History(500, page=60)
    broker.answers[ProtoOAGetTrendbarsReq] = history
    load_bars(broker, 300)
    broker.advance(5)
    (loaded,) = broker.events
    opened = [bar.open_time for bar in loaded.bars]
    assert len(opened) >= 300
    assert opened == [opened[0] + FIVE_MIN * i for i in range(len(opened))]
    assert len(history.requests) >= 5


def test_a_window_too_long_for_the_server_is_halved(broker):
    broker.answers[ProtoOAGetTrendbarsReq] = History(200, window_max=4 * DAY_MS)
    load_bars(broker, 100)
    broker.advance(10)
    (loaded,) = broker.events
    assert len(loaded.bars) >= 100


def test_a_history_shorter_than_asked_for_is_given_whole(broker):
    broker.answers[ProtoOAGetTrendbarsReq] = History(10)
    load_bars(broker, 500)
    broker.advance(5)
    (loaded,) = broker.events
    assert len(loaded.bars) == 9


def test_no_history_at_all_is_an_empty_one(broker):
    load_bars(broker, 5)
    broker.advance(5)
    assert broker.events == [BarsLoaded(generation=1, bars=())]


def test_closed_bars_without_delta_close_are_unavailable_and_not_closed_at_their_low(broker):
    bar = make_trendbar(NOON // 60_000 - 100)
    bar.ClearField("deltaClose")
    broker.answers[ProtoOAGetTrendbarsReq] = make_bars_reply(bar)
    load_bars(broker, 5)
    (event,) = broker.events
    assert isinstance(event, BarsUnavailable)
    assert "deltaClose" in event.reason
    assert broker.client.is_ready


def test_a_bar_that_contradicts_itself_makes_bars_unavailable(broker):
    bar = make_trendbar(NOON // 60_000 - 100, deltaHigh=0)
    broker.answers[ProtoOAGetTrendbarsReq] = make_bars_reply(bar)
    load_bars(broker, 5)
    assert [type(each) for each in broker.events] == [BarsUnavailable]


def test_a_period_the_broker_does_not_keep_is_unavailable(broker):
    load_bars(broker, 5, period_ms=7 * 60_000)
    broker.advance(0)
    (event,) = broker.events
    assert isinstance(event, BarsUnavailable)
    assert "7 min" in event.reason


def test_limits_too_small_to_keep_room_for_orders_are_refused():
    with pytest.raises(ValueError, match="too small"):
        Limits(ordinary_per_s=15)
