"""Ticks into bars: closed by market time, never opened again, never counted twice."""

from harness.engine_world import EASY, PERIOD, PRICE, START, World, make_bar, make_tick
from palmbot.core.bars import merge_history, take_closed_bar, take_tick, take_time
from palmbot.core.rsi import RSI_START, update_rsi
from palmbot.core.state import MarketView
from palmbot.domain.events import BarClosed, BarsLoaded, BarsUnavailable, LinkLost, TimePassed
from palmbot.domain.units import TimestampMs


def run_ticks(*ticks, market=None):
    market = market or MarketView()
    for time, bid in ticks:
        market = take_tick(market, make_tick(START + time, bid), 1, PERIOD, 2)
    return market


def closes(market):
    return [bar.close for bar in market.recent_bars]


def test_the_first_tick_of_a_later_period_closes_the_bar():
    market = run_ticks((0, 100), (10, 120), (20, 90), (PERIOD - 1, 110))
    assert market.recent_bars == ()
    market = run_ticks((PERIOD, 105), market=market)
    (bar,) = market.recent_bars
    assert (bar.open_time, bar.open, bar.high, bar.low, bar.close) == (START, 100, 120, 90, 110)
    assert bar.volume == 4
    assert market.forming is not None
    assert market.forming.open == 105
    assert market.undecided_bar == START


def test_a_bar_that_began_in_the_middle_keeps_the_boundaries_of_its_period():
    market = run_ticks((PERIOD // 2, 100), (PERIOD + 1, 101))
    assert market.recent_bars[0].open_time == START
    assert market.closed_until == START + PERIOD


def test_time_alone_closes_a_bar_at_the_end_of_its_period_and_not_before():
    market = run_ticks((0, 100))
    market = take_time(market, TimestampMs(START + PERIOD - 1), PERIOD, 2)
    assert market.recent_bars == ()
    market = take_time(market, TimestampMs(START + PERIOD), PERIOD, 2)
    assert closes(market) == [100]
    assert market.forming is None


def test_a_tick_of_a_closed_bar_moves_the_price_and_opens_nothing():
    market = run_ticks((0, 100))
    market = take_time(market, TimestampMs(START + PERIOD), PERIOD, 2)
    market = run_ticks((PERIOD - 50, 99), market=market)
    assert closes(market) == [100]
    assert market.forming is None
    assert market.tick is not None
    assert market.tick.bid == 99


def test_there_are_no_bars_where_no_ticks_were():
    market = run_ticks((0, 100), (7 * PERIOD, 101), (8 * PERIOD, 102))
    assert [bar.open_time - START for bar in market.recent_bars] == [0, 7 * PERIOD]


def test_market_time_never_steps_back():
    market = take_time(MarketView(), TimestampMs(START + 500), PERIOD, 2)
    market = run_ticks((100, 100), market=market)
    assert market.time == START + 500


def test_history_replaces_our_bars_and_ours_that_are_younger_follow():
    market = run_ticks((0, 100), (PERIOD, 200), (2 * PERIOD, 300), (3 * PERIOD, 400))
    loaded = tuple(make_bar(START + PERIOD * i, 10 + i) for i in range(-3, 2))
    merged = merge_history(market, loaded, PERIOD, 2)
    assert closes(merged) == [7, 8, 9, 10, 11, 300]
    expected = RSI_START
    for close in (7, 8, 9, 10, 11, 300):
        expected = update_rsi(expected, float(close), 2)
    assert merged.rsi == expected
    assert merged.forming == market.forming
    assert merged.closed_until == START + 3 * PERIOD


def test_history_fills_the_gap_an_outage_left():
    market = run_ticks((0, 100), (5 * PERIOD, 101), (6 * PERIOD, 102))
    loaded = tuple(make_bar(START + PERIOD * i, 50 + i) for i in range(5))
    merged = merge_history(market, loaded, PERIOD, 2)
    assert merged.rsi.bars_seen == 6
    assert closes(merged) == [50, 51, 52, 53, 54, 101]


def test_history_merged_twice_counts_no_bar_twice():
    loaded = tuple(make_bar(START + PERIOD * i, 50 + i) for i in range(5))
    once = merge_history(MarketView(), loaded, PERIOD, 2)
    assert merge_history(once, loaded, PERIOD, 2) == once


def test_a_forming_bar_that_history_has_closed_is_dropped():
    market = run_ticks((0, 100))
    merged = merge_history(market, (make_bar(START, 77),), PERIOD, 2)
    assert merged.forming is None
    late = run_ticks((PERIOD - 1, 101), market=merged)
    assert late.forming is None
    assert closes(late) == [77]


def test_empty_history_changes_nothing():
    market = run_ticks((0, 100), (PERIOD, 101))
    assert merge_history(market, (), PERIOD, 2) == market


def test_history_gives_no_signal_of_its_own():
    world = World()
    world.connect()
    world.read_books()
    world.load_bars()
    assert world.state.market.undecided_bar is None
    assert not world.tick().commands


def test_a_bar_from_a_file_brings_its_close_as_the_price():
    market = take_closed_bar(
        MarketView(),
        make_bar(START, 500),
        symbol_id=1,
        generation=1,
        period_ms=PERIOD,
        rsi_period=2,
    )
    assert market.tick is not None
    assert (market.tick.time, market.tick.bid, market.tick.ask) == (START + PERIOD, 500, 500)
    assert (market.undecided_bar, market.bars_decided) == (None, 1)


def test_the_same_prices_give_the_same_signal_from_ticks_and_from_bars():
    prices = [PRICE, PRICE - 100_000, PRICE - 250_000, PRICE - 240_000, PRICE - 300_000]
    from_ticks, from_bars = World(), World()
    for world in (from_ticks, from_bars):
        world.connect()
        world.read_books()
    from_ticks.give(BarsLoaded(generation=1, bars=()))
    for i, price in enumerate(prices):
        from_ticks.give(make_tick(START + i * PERIOD, price, 0))
        from_bars.give(BarClosed(bar=make_bar(START + i * PERIOD, price)))
    from_ticks.give(make_tick(START + len(prices) * PERIOD, prices[-1], 0))
    assert from_ticks.state.market.rsi == from_bars.state.market.rsi
    first = [
        [(intent.side, intent.volume, intent.bar_time) for intent in decision.changed_intents]
        for world in (from_ticks, from_bars)
        for _, decision in world.history
        if decision.changed_intents
    ]
    assert first[0] == first[1]


def test_a_bar_from_a_file_that_is_not_younger_is_ignored():
    world = World()
    world.connect()
    world.give(BarClosed(bar=make_bar(START)))
    seen = world.state.market.rsi.bars_seen
    decision = world.give(BarClosed(bar=make_bar(START)))
    assert world.state.market.rsi.bars_seen == seen
    assert "closed before" in decision.reason


def test_a_bar_closed_by_time_is_decided_at_the_next_price():
    world = World()
    world.make_ready()
    world.tick(PRICE - 100_000)
    decision = world.give(TimePassed(time=TimestampMs(START + PERIOD)))
    assert not decision.commands
    decision = world.tick(time=START + PERIOD + 5_000)
    assert decision.changed_intents[0].bar_time == START
    assert not world.tick(time=START + PERIOD + 6_000).commands


def test_bars_that_cannot_be_read_are_asked_for_again_with_growing_delay():
    world = World()
    world.connect()
    delays = []
    for _ in range(8):
        (command,) = world.give(BarsUnavailable(generation=1, reason="late")).commands
        delays.append(command.delay_s)
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    assert world.state.link.history_generation == 0


def test_bars_of_an_older_connection_are_not_merged():
    world = World()
    world.connect()
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    world.give(BarsLoaded(generation=1, bars=(make_bar(START),)))
    assert world.state.market.rsi.bars_seen == 0
    assert world.state.link.history_generation == 0


def test_a_tick_older_than_the_last_is_dropped_and_counted():
    world = World()
    world.make_ready()
    world.give(make_tick(START + 1000, PRICE))
    world.give(make_tick(START + 999, PRICE + 5))
    assert world.state.market.tick == make_tick(START + 1000, PRICE)
    assert world.state.tally.late_ticks == 1


def test_ticks_of_other_symbols_are_ignored():
    world = World(EASY)
    world.make_ready()
    before = world.state.market
    world.give(make_tick(START + 1000, 5, 1, 99))
    assert world.state.market == before
