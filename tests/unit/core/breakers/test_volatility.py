"""The volatility breaker: ATR, bursts, spreads, price limits, and the re-arming."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import DAY, HOUR, MINUTE, RULES, BreakerWorld, make_params
from harness.engine_world import PERIOD, PRICE, START, make_bar, make_tick
from palmbot.core.breakers.book import Sample, VolatilityView
from palmbot.core.breakers.volatility import judge_bar, read_atr, take_bars
from palmbot.core.gate import Denial, deny_entry
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.market import ALWAYS_OPEN, Bar, Interval, Side, TradingHours
from palmbot.domain.units import Price, TimestampMs

SPIKE = BreakerName.VOLATILITY


def bar_of(open_time, span, close=PRICE):
    return Bar(
        open_time=TimestampMs(open_time),
        open=Price(close),
        high=Price(close + span),
        low=Price(close),
        close=Price(close),
        volume=1,
    )


def bars_of(spans, first=START):
    return [bar_of(first + PERIOD * number, span) for number, span in enumerate(spans)]


def view_of(spans, hours=ALWAYS_OPEN, rules=RULES):
    return take_bars(VolatilityView(), bars_of(spans), PERIOD, hours, rules)


def test_the_atr_is_that_of_wilder():
    view = view_of([100] * 14)
    assert read_atr(view, RULES) == 100
    view = take_bars(view, bars_of([240], START + 14 * PERIOD), PERIOD, ALWAYS_OPEN, RULES)
    assert read_atr(view, RULES) == (100 * 13 + 240) // 14


def test_the_gap_to_the_close_before_belongs_to_the_true_range_but_not_over_a_break():
    calm = view_of([100] * 14)
    gap = bar_of(START + 14 * PERIOD, 100, PRICE + 1_400)
    assert read_atr(take_bars(calm, [gap], PERIOD, ALWAYS_OPEN, RULES), RULES) == 200
    second = 86_400 + 2 * 3600 + 14 * 300
    hours = TradingHours(
        zone="UTC",
        intervals=(
            Interval(start_s=0, end_s=second),
            Interval(start_s=second + 3600, end_s=7 * 86_400),
        ),
    )
    calm = view_of([100] * 14, hours)
    later = bar_of(START + 14 * PERIOD + HOUR, 100, PRICE + 1_400)
    assert read_atr(take_bars(calm, [later], PERIOD, hours, RULES), RULES) == 100


def test_the_usual_needs_five_hundred_bars_and_leaves_out_the_newest():
    view = view_of([100] * 513)
    assert view.ratio_percent is None
    view = view_of([100] * 514)
    assert view.ratio_percent == 100
    spike = take_bars(view, bars_of([1_500], START + 514 * PERIOD), PERIOD, ALWAYS_OPEN, RULES)
    assert spike.ratio_percent == 200


def test_twenty_days_of_the_same_hour_make_the_usual_before_the_last_bars():
    rules = replace(RULES, reference_bars=10_000)
    bars = [
        bar_of(START - START % DAY + day * DAY + hour * HOUR, 100 if hour == 8 else 300)
        for day in range(26)
        for hour in (8, 9, 10)
    ]
    view = take_bars(VolatilityView(), bars, HOUR, ALWAYS_OPEN, rules)
    assert view.ratio_percent is not None
    assert len(view.hours[8]) == 20
    early = take_bars(VolatilityView(), bars[:69], HOUR, ALWAYS_OPEN, rules)
    assert early.ratio_percent is None


def test_a_sample_keeps_the_newest_and_their_median():
    sample = Sample()
    for value in (5, 1, 9, 9, 2, 7):
        sample = sample.add(value, 4)
    assert sample.values == (9, 9, 2, 7)
    assert sample.median == 7


def feed(world, spans):
    """Close one bar a span, without entries in between."""
    world.params = replace(world.params, rsi_buy=0.0, rsi_sell=100.0)
    for span in spans:
        bid = world.broker.bid
        for offset, price in ((0, bid), (60_000, bid + span), (120_000, bid)):
            world.give(make_tick(world.broker.now + offset, price))
        world.broker.now += PERIOD
    world.tick()


def quiet_rules(**changes):
    return make_params(
        reference_bars=20,
        burst_trip_factor=1_000,
        spread_trip_factor=100,
        limit_move_bp=0,
        **changes,
    )


def test_twice_the_usual_trips_and_calm_bars_ticks_and_time_release():
    world = BreakerWorld(quiet_rules(fresh_ticks=5))
    feed(world, [100_000] * 40)
    assert world.phase(SPIKE) is BreakerPhase.CLOSED
    feed(world, [1_600_000])
    assert world.phase(SPIKE) is BreakerPhase.OPEN
    hold = world.record(SPIKE).hold_until
    assert hold == world.broker.now + 15 * MINUTE
    feed(world, [100_000] * 3)
    assert world.phase(SPIKE) is BreakerPhase.OPEN  # time is over, the ratio is not calm
    feed(world, [100_000] * 20)
    assert world.phase(SPIKE) is BreakerPhase.CLOSED


@pytest.mark.parametrize(("ratio", "phase"), [(199, BreakerPhase.CLOSED), (200, BreakerPhase.OPEN)])
def test_exactly_twice_the_usual_trips(ratio, phase):
    world = BreakerWorld()
    step = Step(world.state, world.params)
    step.set_volatility(structs.replace(world.state.volatility, ratio_percent=ratio))
    judge_bar(step)
    assert step.state.breakers.read(SPIKE).phase is phase


def test_the_hold_only_grows_while_the_spike_lasts():
    world = BreakerWorld(quiet_rules())
    feed(world, [100_000] * 40)
    holds = []
    for _ in range(4):
        feed(world, [1_800_000])
        holds.append(world.record(SPIKE).hold_until)
    assert holds == sorted(set(holds))
    assert len(holds) == 4
    assert len(world.record(SPIKE).trips) == 1


def test_the_fourth_trip_of_a_day_lasts_until_the_next():
    world = BreakerWorld(quiet_rules())
    feed(world, [100_000] * 30)
    for _ in range(4):
        feed(world, [2_500_000])
        assert world.phase(SPIKE) is BreakerPhase.OPEN
        last = world.record(SPIKE).hold_until
        feed(world, [100_000] * 40)
    assert last == world.day.ends_at


def test_a_spread_far_wider_than_usual_at_that_time_of_day_trips_and_a_wide_one_is_refused():
    world = BreakerWorld(make_params(burst_trip_factor=1_000))
    world.params = replace(world.params, rsi_buy=0.0, rsi_sell=100.0)
    for day in range(3):
        for minute in range(4):
            world.broker.now = START + day * DAY + minute * MINUTE
            world.tick()
    assert world.state.tape.usual_spread == 100_000
    world.params = make_params(burst_trip_factor=1_000)
    world.broker.now += 1_000
    wide = make_tick(world.broker.now, PRICE, spread=299_000)
    world.give(wide)
    assert world.phase(SPIKE) is BreakerPhase.CLOSED
    world.broker.now += 2_000
    world.give(make_tick(world.broker.now, PRICE, spread=300_000))
    assert world.phase(SPIKE) is BreakerPhase.OPEN


def run_minutes(world, first, spans):
    """One minute a span, each of three prices, nothing wanted meanwhile."""
    params, world.params = world.params, replace(world.params, rsi_buy=0.0, rsi_sell=100.0)
    for number, span in enumerate(spans):
        world.broker.now = first + number * MINUTE
        for second, change in ((0, 0), (20_000, span), (40_000, 0)):
            world.give(make_tick(world.broker.now + second, PRICE + change))
    world.broker.now += 40_000
    world.params = params


def burst_world(**rules):
    """An hour that is calm but for its first five minutes, on three days in a row."""
    world = BreakerWorld(make_params(tape_minutes_min=10, **rules))
    for day in range(3):
        run_minutes(world, START + day * DAY, [50_000] * 5 + [1_000] * 15)
    return world


@pytest.mark.parametrize(
    ("span", "phase"), [(399_999, BreakerPhase.CLOSED), (400_000, BreakerPhase.OPEN)]
)
def test_a_minute_at_eight_times_what_is_usual_at_that_time_of_day_trips(span, phase):
    world = burst_world()
    run_minutes(world, START + 3 * DAY, [span])
    assert world.state.tape.usual_range == 50_000
    assert world.phase(SPIKE) is phase


def test_what_moves_every_day_at_that_time_is_no_burst_though_the_last_minutes_were_calm():
    world = burst_world()
    run_minutes(world, START + 3 * DAY - 20 * MINUTE, [1_000] * 20)
    run_minutes(world, START + 3 * DAY, [100_000] * 3)
    assert world.phase(SPIKE) is BreakerPhase.CLOSED


@pytest.mark.parametrize(
    ("span", "phase"), [(7_999, BreakerPhase.CLOSED), (8_000, BreakerPhase.OPEN)]
)
def test_at_a_time_of_day_not_seen_before_the_last_minutes_are_what_is_usual(span, phase):
    world = burst_world()
    run_minutes(world, START + 2 * DAY + HOUR, [1_000] * 20)
    run_minutes(world, START + 2 * DAY + 2 * HOUR, [span])
    assert world.state.tape.usual_range == 1_000
    assert world.phase(SPIKE) is phase


@pytest.mark.parametrize(("span", "is_denied"), [(199_999, False), (200_000, True)])
@pytest.mark.parametrize("later", [0, MINUTE, 2 * MINUTE])
def test_an_entry_beside_a_minute_at_four_times_its_usual_is_refused(span, later, is_denied):
    world = burst_world()
    run_minutes(world, START + 3 * DAY, [span, 1_000, 1_000][: 1 + later // MINUTE])
    assert world.phase(SPIKE) is BreakerPhase.CLOSED
    denied = deny_entry(world.state, world.params, Side.BUY, world.state.market.time)
    if is_denied and later <= MINUTE:
        assert denied.code is Denial.VOL_SPIKE
        assert denied.text == "a minute ran 4.0 times its usual range"
    else:
        assert denied is None or denied.code is not Denial.VOL_SPIKE


def test_near_the_price_limit_of_the_exchange_it_trips():
    world = BreakerWorld(is_ready=False)
    second = 86_400 + 3 * 3600
    hours = TradingHours(
        zone="UTC",
        intervals=(
            Interval(start_s=0, end_s=second),
            Interval(start_s=second + 3600, end_s=7 * 86_400),
        ),
    )
    world.symbol = structs.replace(world.symbol, hours=hours)
    world.make_ready()
    world.broker.now = START + 2 * HOUR
    world.tick(PRICE + 8_900_000)
    assert world.phase(SPIKE) is BreakerPhase.CLOSED
    world.broker.now += 2_000
    world.tick(PRICE + 9_000_000)
    assert world.phase(SPIKE) is BreakerPhase.OPEN


def test_the_ratio_is_known_again_after_a_restart_and_bars_missed_are_taken_in():
    world = BreakerWorld(quiet_rules())
    feed(world, [100_000] * 40)
    before = world.state.volatility
    world.restart()
    world.connect()
    assert world.state.volatility == before
    late = [make_bar(before.seen_until + PERIOD * number) for number in range(3)]
    world.load_bars(tuple(late))
    assert world.state.volatility.seen_until == before.seen_until + 3 * PERIOD
