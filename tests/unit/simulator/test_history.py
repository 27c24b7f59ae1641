"""Bars and ticks that the server remembers."""

from palmbot.domain.units import Price, SymbolId, TimestampMs
from palmbot.simulator.history import BarStore, History, Trendbar
from palmbot.simulator.market import Quote

MINUTE = 60_000


def filled(*quotes):
    store = BarStore()
    for minute, bid in quotes:
        store.add(TimestampMs(round(minute * MINUTE)), bid)
    return store


def read(store, period, first=0, last=10_000, **options):
    return store.read(period, TimestampMs(first * MINUTE), TimestampMs(last * MINUTE), **options)


def test_quotes_of_one_minute_become_one_bar():
    store = filled((7, 10), (7.2, 14), (7.4, 9), (7.9, 12))
    assert read(store, 1) == [Trendbar(minute=7, open=10, high=14, low=9, close=12, ticks=4)]


def test_longer_bars_are_joined_on_the_grid_of_their_period():
    store = filled((4, 10), (5, 11), (6, 8), (9, 15), (10, 20))
    assert read(store, 5) == [
        Trendbar(0, 10, 10, 10, 10, 1),
        Trendbar(5, 11, 15, 8, 15, 3),
        Trendbar(10, 20, 20, 20, 20, 1),
    ]


def test_bars_exist_only_where_quotes_were():
    store = filled((0, 10), (600, 11))
    assert [bar.minute for bar in read(store, 60)] == [0, 600]


def test_a_window_takes_bars_by_their_opening_time_and_whole():
    store = filled((4, 10), (5, 11), (9, 13), (10, 20), (12, 21), (15, 30))
    bars = read(store, 5, first=5, last=10)
    assert [(bar.minute, bar.close) for bar in bars] == [(5, 13), (10, 21)]


def test_days_may_begin_where_the_venue_says():
    evening = 21 * 60
    store = filled((evening - 1, 10), (evening, 11), (evening + 600, 12))
    days = read(store, 1_440, day_start=evening)
    assert [(bar.minute, bar.open, bar.close) for bar in days] == [(evening, 11, 12)]
    days = read(store, 1_440, first=-1_000, day_start=evening)
    assert [bar.minute for bar in days] == [evening - 1_440, evening]


def test_ticks_come_newest_first_and_only_from_the_window():
    history = History()
    for i in range(5):
        history.add(Quote(SymbolId(1), TimestampMs(i), Price(10 + i), Price(20)))
    found = history.ticks(SymbolId(1), TimestampMs(1), TimestampMs(3))
    assert [quote.bid for quote in found] == [13, 12, 11]


def test_a_symbol_that_was_never_quoted_has_no_bars_and_no_ticks():
    history = History()
    assert read(history.bars(SymbolId(9)), 1) == []
    assert history.ticks(SymbolId(9), TimestampMs(0), TimestampMs(9)) == []
