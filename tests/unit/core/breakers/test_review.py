"""When the breakers look at a price, in what order, and what they make of bars and probes."""

import pytest
from msgspec.structs import replace

from harness.breaker_world import DAY, HOUR, MINUTE, BreakerWorld, make_params
from harness.engine_world import PERIOD, PRICE, START, make_bar, make_tick
from palmbot.core.breakers import watch
from palmbot.core.breakers.book import BreakerRecord, Tape, VolatilityView
from palmbot.core.breakers.machine import read_now
from palmbot.core.breakers.volatility import take_bars
from palmbot.core.breakers.watch import is_review_due
from palmbot.core.state import FlattenOrder
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.errors import FatalError
from palmbot.domain.events import (
    BarClosed,
    BarsLoaded,
    OperatorHalted,
    OrderUnanswered,
    TimePassed,
)
from palmbot.domain.market import ALWAYS_OPEN, Interval, TradingHours
from palmbot.domain.orders import IntentKind
from palmbot.domain.units import IntentId, Price, TimestampMs

OPEN, CLOSED, HALF_OPEN = BreakerPhase.OPEN, BreakerPhase.CLOSED, BreakerPhase.HALF_OPEN
SPIKE, GAP, STREAK = BreakerName.VOLATILITY, BreakerName.GAP_GUARD, BreakerName.LOSS_STREAK
NOON = START + 10 * HOUR


# -- when -------------------------------------------------------------------------------------


def watched(*, last_ms=1_000, reviewed_ms=1_000, has_position=False, **facts):
    """A state in which nothing but the facts given asks for a review at noon."""
    world = BreakerWorld()
    if has_position:
        world.enter()
    state = world.state
    last = None if last_ms is None else make_tick(NOON - last_ms, PRICE)
    book = replace(state.breakers, reviewed_at=TimestampMs(NOON - reviewed_ms))
    state = replace(state, market=replace(state.market, tick=last), breakers=book)
    return replace(state, **facts), world.params


def with_day(**changes):
    state, params = watched()
    day = replace(state.breakers.day, **changes)
    return replace(state, breakers=replace(state.breakers, day=day)), params


def with_record(phase):
    state, params = watched()
    records = {GAP: BreakerRecord(name=GAP, phase=phase)}
    return replace(state, breakers=replace(state.breakers, records=records)), params


FLATTEN = FlattenOrder(reason="storm", since=START)
BEYOND = Tape(minute=NOON // MINUTE, usual_spread=1)


@pytest.mark.parametrize(
    ("case", "is_due"),
    [
        (watched(), False),
        (watched(last_ms=None), True),
        (watched(last_ms=59_999), False),
        (watched(last_ms=60_000), True),
        (watched(has_position=True, reviewed_ms=999), False),
        (watched(has_position=True, reviewed_ms=1_000), True),
        (watched(flatten=FLATTEN), True),
        (watched(tape=BEYOND), True),
        (watched(tape=BEYOND, reviewed_ms=999), False),
        (with_day(has_prices=False), True),
        (with_day(baseline=None), True),
        (with_day(ends_at=TimestampMs(NOON)), True),
        (with_day(ends_at=TimestampMs(NOON + 1)), False),
        (with_record(OPEN), True),
        (with_record(CLOSED), False),
    ],
)
def test_a_price_is_looked_at_when_there_is_something_to_watch(case, is_due):
    state, params = case
    assert is_review_due(Step(state, params), state, make_tick(NOON, PRICE)) is is_due


def test_a_price_is_looked_at_when_no_day_began_and_when_a_bar_closed():
    state, params = watched()
    no_day = replace(state, breakers=replace(state.breakers, day=None))
    assert is_review_due(Step(no_day, params), no_day, make_tick(NOON, PRICE))
    step = Step(state, params)
    step.set_market(replace(state.market, closed_until=TimestampMs(NOON)))
    assert is_review_due(step, state, make_tick(NOON, PRICE))


def test_a_look_is_remembered_so_that_the_next_waits_a_second():
    world = BreakerWorld()
    world.enter()
    first = world.state.breakers.reviewed_at
    for ms, reviewed_at in ((999, first), (1_000, first + 1_000), (1_999, first + 1_000)):
        world.tick(time=first + ms)
        assert world.state.breakers.reviewed_at == reviewed_at


def test_a_fatal_error_is_no_defect_of_a_breaker(monkeypatch):
    world = BreakerWorld()

    def fail(*_):
        raise FatalError("the books do not balance")

    monkeypatch.setattr(watch, "account_for_money", fail)
    with pytest.raises(FatalError):
        world.give(TimePassed(time=TimestampMs(START + 1_000)))


# -- bars -------------------------------------------------------------------------------------


def bars_of(count, first=START):
    return tuple(
        replace(make_bar(first + PERIOD * number), high=Price(PRICE + 100 * (number + 1)))
        for number in range(count)
    )


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("seen", range(5))
def test_bars_that_closed_are_taken_in_whole_and_once(count, seen):
    world = BreakerWorld()
    bars = bars_of(count)
    rules, period = world.params.breakers, world.params.bar_period_ms
    step = Step(world.state, world.params)
    until = TimestampMs(START + count * PERIOD)
    step.set_market(replace(step.market, recent_bars=bars, closed_until=until))
    step.set_volatility(take_bars(VolatilityView(), bars[:seen], period, ALWAYS_OPEN, rules))
    watch.review(step, world.state, TimePassed(time=until))
    assert step.volatility == take_bars(VolatilityView(), bars, period, ALWAYS_OPEN, rules)


@pytest.mark.parametrize(
    ("missing", "generation", "is_new_start"), [(0, 1, False), (1, 1, True), (1, 2, None)]
)
def test_over_missing_bars_the_range_starts_anew_and_what_is_usual_is_kept(
    missing, generation, is_new_start
):
    world = BreakerWorld(make_params(atr_period=3))
    rules, period = world.params.breakers, world.params.bar_period_ms
    old = take_bars(VolatilityView(), bars_of(6), period, ALWAYS_OPEN, rules)
    step = Step(world.state, world.params)
    step.set_volatility(old)
    step.set_market(replace(step.market, closed_until=TimestampMs(0)))
    later = bars_of(2, START + (6 + missing) * PERIOD)
    watch.review(step, world.state, BarsLoaded(generation=generation, bars=later))
    view = step.volatility
    if is_new_start is None:  # bars of a connection that is gone
        assert view is old
    elif is_new_start:
        assert (view.atr_scaled, view.seed_ranges) == (None, (100, 200))
        assert (view.recent, view.ordered, view.day) == (old.recent, old.ordered, old.day)
        assert (view.hours, view.today) == (old.hours, old.today)
    else:
        assert view == take_bars(old, later, period, ALWAYS_OPEN, rules)


def with_ratio(world, ratio, phase, hold_until=START + HOUR):
    record = BreakerRecord(name=SPIKE, phase=phase, hold_until=TimestampMs(hold_until))
    book = replace(world.state.breakers, records={SPIKE: record})
    view = replace(world.state.volatility, ratio_percent=ratio)
    world.state = replace(world.state, breakers=book, volatility=view)


def test_a_price_alone_does_not_prolong_the_hold_of_a_spike():
    world = BreakerWorld()
    hold_until = START + 15 * MINUTE + 1
    with_ratio(world, 300, OPEN, hold_until)
    world.tick(time=START + 2 * MINUTE)
    assert world.state.volatility.ratio_percent == 300
    assert world.record(SPIKE).hold_until == hold_until


def test_a_ratio_that_is_still_too_high_trips_again_at_once():
    world = BreakerWorld()
    with_ratio(world, 300, CLOSED)
    world.give(OperatorHalted(actor="eve", reason="any step"))
    assert world.phase(SPIKE) is OPEN


# -- bars of a file ---------------------------------------------------------------------------


def closed_after(minutes):
    """A world whose market closes for an hour at the end of its first bar from a file."""
    world = BreakerWorld(make_params(atr_period=1, limit_move_bp=0), is_ready=False)
    second = 86_400 + 2 * 3600 + minutes * 60
    intervals = (
        Interval(start_s=0, end_s=second),
        Interval(start_s=second + 3600, end_s=7 * 86_400),
    )
    world.symbol = replace(world.symbol, hours=TradingHours(zone="UTC", intervals=intervals))
    world.connect()
    world.read_books()
    return world


@pytest.mark.parametrize(
    ("pause_ms", "gap", "phase"),
    [
        (HOUR, 150, OPEN),
        (HOUR, 149, CLOSED),
        (MINUTE, 150, OPEN),
        (MINUTE - 1, 150, CLOSED),
    ],
)
def test_a_bar_from_a_file_shows_the_gap_between_its_close_and_the_price_after_it(
    pause_ms, gap, phase
):
    world = closed_after(5)
    bar = replace(make_bar(START), high=Price(PRICE + 100))
    opening = make_tick(START + PERIOD + pause_ms, PRICE + gap, spread=0)
    world.give(BarClosed(bar=bar, opening=opening))
    assert world.phase(GAP) is phase
    assert world.day.has_prices
    if phase is OPEN:
        change = next(each for _, one in world.history for each in one.breaker_changes)
        assert (change.measured, change.threshold) == (150, 150)


def test_a_bar_from_a_file_without_a_price_after_it_opens_nothing():
    world = closed_after(5)
    world.give(BarClosed(bar=make_bar(START)))
    assert not world.day.has_prices
    assert world.state.breakers.records == {}


def test_a_spread_of_a_file_that_is_too_wide_trips():
    world = BreakerWorld()
    slot = (START + PERIOD) % DAY // PERIOD
    sample = world.state.tape.ranges
    for _ in range(10):
        sample = sample.add(100, 10)
    world.state = replace(world.state, tape=Tape(spreads={slot: sample}))
    opening = make_tick(START + PERIOD, PRICE, spread=300)
    world.give(BarClosed(bar=make_bar(START), opening=opening))
    assert world.phase(SPIKE) is OPEN


# -- the boundary of the day ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start_s", "end_s", "is_told"),
    [
        (0, 7 * 86_400, True),
        (86_400, 2 * 86_400, False),
        (2 * 86_400, 3 * 86_400, False),
        (2 * 86_400 - 1, 2 * 86_400 + 1, True),
        (5 * 86_400, 6 * 86_400, False),
    ],
)
def test_a_day_that_begins_while_the_market_is_open_is_told_at_the_start(start_s, end_s, is_told):
    world = BreakerWorld()
    world.restart()
    hours = TradingHours(zone="UTC", intervals=(Interval(start_s=start_s, end_s=end_s),))
    world.symbol = replace(world.symbol, hours=hours)
    sentence = "the trading day begins while the market is open"
    assert (sentence in world.connect().reason) is is_told
    assert sentence not in world.connect().reason


# -- probes -----------------------------------------------------------------------------------


def probing(world, probe=None):
    record = BreakerRecord(name=STREAK, phase=HALF_OPEN, probe=probe)
    book = replace(world.state.breakers, records={STREAK: record})
    world.state = replace(world.state, breakers=book)


def test_a_trade_that_is_not_the_probe_decides_nothing():
    world = BreakerWorld()
    position = world.enter()
    probing(world)
    world.end(position.intended_stop)
    assert world.phase(STREAK) is HALF_OPEN


def test_the_probe_is_the_entry_that_left_and_not_the_wish_for_one():
    world = BreakerWorld()
    probing(world)
    decision = world.fall()
    assert world.record(STREAK).probe is None
    world.stored(decision)
    assert world.record(STREAK).probe == world.sends[-1].intent_id


def test_a_close_is_no_probe():
    world = BreakerWorld()
    world.enter()
    probing(world)
    world.give(OperatorHalted(actor="eve", reason="storm", flatten=True))
    world.carry_out()
    assert world.sends[-1].kind is IntentKind.CLOSE
    assert world.record(STREAK).probe is None


@pytest.mark.parametrize("phase", [OPEN, CLOSED])
def test_only_a_breaker_that_probes_waits_for_an_entry(phase):
    world = BreakerWorld()
    world.stored(world.fall())
    record = BreakerRecord(name=GAP, phase=phase, hold_until=TimestampMs(START + DAY))
    book = replace(world.state.breakers, records={GAP: record})
    world.state = replace(world.state, breakers=book)
    world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="late"))
    assert world.record(GAP).probe is None


def test_a_probe_lives_on_as_its_position_and_is_let_go_when_both_are_gone():
    world = BreakerWorld()
    position = world.enter()
    for probe in (position.intent_id, IntentId("gone")):
        probing(world, probe)
        world.give(TimePassed(time=TimestampMs(read_now(world.state) + 1)))
        kept = position.intent_id if probe == position.intent_id else None
        assert world.record(STREAK).probe == kept


# -- the start --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [STREAK, SPIKE, GAP, BreakerName.DATA_STALE, BreakerName.REJECT_RATE],
)
def test_a_start_releases_no_breaker_although_its_time_has_come(name):
    world = BreakerWorld()
    record = BreakerRecord(name=name, phase=OPEN, hold_until=read_now(world.state))
    world.state = replace(
        world.state,
        breakers=replace(world.state.breakers, records={name: record}),
        tape=replace(world.state.tape, fresh_ticks=world.params.breakers.fresh_ticks),
        volatility=replace(world.state.volatility, ratio_percent=None),
    )
    world.restart()
    assert world.phase(name) is OPEN
    world.come_back()
    assert world.phase(name) in {CLOSED, HALF_OPEN}
