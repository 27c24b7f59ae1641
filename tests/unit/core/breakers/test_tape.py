"""What single prices leave on the tape, and from which value on they trip."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import MINUTE, BreakerWorld
from harness.engine_world import PRICE, START, make_tick
from palmbot.core.breakers.book import Sample, Tape
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.tape import is_beyond, judge_tape, take_opening, take_tick
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.units import Price

SPIKE = BreakerName.VOLATILITY
RULES = BreakerRules()
FIRST = START // MINUTE
"""On a five-minute boundary."""
SLOT = 2 * 60 // 5
"""02:00 UTC."""


def state_with(tape, tick=None):
    world = BreakerWorld()
    market = structs.replace(world.state.market, tick=tick)
    return structs.replace(world.state, tape=tape, market=market)


def sample(count, value=100):
    kept = Sample()
    for _ in range(count):
        kept = kept.add(value, count)
    return kept


@pytest.mark.parametrize("bid", [PRICE, PRICE + 50, PRICE + 100])
def test_a_price_within_the_range_of_its_minute_changes_nothing(bid):
    tape = Tape(minute=FIRST, high=PRICE + 100, low=PRICE)
    assert take_tick(state_with(tape), make_tick(START, bid), RULES) is tape


@pytest.mark.parametrize(
    ("tape", "has_tick"),
    [(Tape(), True), (Tape(minute=FIRST - 1, high=PRICE, low=PRICE), False)],
)
def test_a_minute_that_is_not_known_whole_leaves_no_trace(tape, has_tick):
    tick = make_tick(START - MINUTE, PRICE) if has_tick else None
    after = take_tick(state_with(tape, tick), make_tick(START, PRICE + 7), RULES)
    assert after == Tape(minute=FIRST, high=PRICE + 7, low=PRICE + 7)


@pytest.mark.parametrize(("count", "usual"), [(9, None), (10, 100)])
def test_ten_minutes_of_that_time_of_day_make_its_usual_range_and_spread(count, usual):
    tape = Tape(slot_ranges={SLOT: sample(count)}, spreads={SLOT: sample(count)})
    after = take_tick(state_with(tape), make_tick(START, PRICE), RULES)
    assert (after.usual_range, after.usual_spread) == (usual, usual)
    assert after.range_limit == (None if usual is None else 800)


@pytest.mark.parametrize(("count", "usual"), [(59, None), (60, 100)])
def test_an_hour_of_minutes_makes_the_usual_range_where_the_time_of_day_has_none(count, usual):
    tape = Tape(ranges=sample(count))
    after = take_tick(state_with(tape), make_tick(START, PRICE), RULES)
    assert (after.usual_range, after.usual_spread) == (usual, None)


def test_a_market_that_never_moved_has_no_usual_range():
    tape = Tape(ranges=sample(60, value=0))
    after = take_tick(state_with(tape), make_tick(START, PRICE), RULES)
    assert (after.usual_range, after.range_limit) == (None, None)


def test_the_first_price_of_a_bar_counts_the_spread_to_the_time_of_the_price_before():
    before = make_tick(START - MINUTE, PRICE, spread=7)
    opening = make_tick(START, PRICE + 3, spread=9)
    tape = Tape(spreads={SLOT: sample(10, value=5)}, fresh_ticks=2, session_close=Price(PRICE))
    after = take_opening(state_with(tape, before), opening, RULES)
    assert after == Tape(
        minute=FIRST,
        high=PRICE + 3,
        low=PRICE + 3,
        spreads={SLOT: sample(10, value=5), SLOT - 1: sample(1, value=7)},
        usual_spread=5,
        fresh_ticks=3,
        session_close=Price(PRICE),
    )


@pytest.mark.parametrize(("before", "after"), [(0, 1), (4, 5), (5, 5)])
def test_first_prices_of_bars_prove_the_feed_alive_one_by_one(before, after):
    tape = Tape(fresh_ticks=before)
    state = state_with(tape, make_tick(START - MINUTE, PRICE))
    assert take_opening(state, make_tick(START, PRICE), RULES).fresh_ticks == after


@pytest.mark.parametrize(("old", "new"), [(7, 0), (0, 7)])
def test_a_price_without_spread_beside_one_that_has_some_is_a_quote(old, new):
    state = state_with(Tape(), make_tick(START - MINUTE, PRICE, spread=old))
    tape = take_opening(state, make_tick(START, PRICE, spread=new), RULES)
    assert tape.spreads == {SLOT - 1: sample(1, value=old)}


def judged(tape, tick, **rules):
    world = BreakerWorld()
    step = Step(world.state, replace(world.params, breakers=replace(RULES, **rules)))
    step.set_tape(tape)
    judge_tape(step, tick)
    return step


@pytest.mark.parametrize(
    ("tape", "spread", "reason", "measured", "threshold"),
    [
        (
            Tape(minute=1, high=PRICE + 820, low=PRICE, usual_range=100, range_limit=800),
            0,
            "8.2 times the usual range within a minute",
            820,
            800,
        ),
        (
            Tape(minute=1, usual_spread=100),
            310,
            "spread 3.1 times the usual of this time of day",
            310,
            300,
        ),
    ],
)
def test_the_audit_of_a_spike_holds_what_ran_against_which_limit(
    tape, spread, reason, measured, threshold
):
    step = judged(tape, make_tick(START, PRICE, spread=spread))
    (change,) = step.finish().breaker_changes
    assert (change.reason, change.measured, change.threshold) == (reason, measured, threshold)


def test_without_a_price_limit_of_the_exchange_no_move_is_near_it():
    tape = Tape(minute=1, session_close=Price(PRICE // 2))
    tick = make_tick(START, PRICE)
    assert judged(tape, tick).breakers.read(SPIKE).phase is BreakerPhase.OPEN
    free = judged(tape, tick, limit_move_bp=0)
    assert free.breakers.read(SPIKE).phase is BreakerPhase.CLOSED
    assert not is_beyond(tape, tick, replace(RULES, limit_move_bp=0))


def test_before_the_first_break_no_move_is_near_the_price_limit():
    assert judged(Tape(minute=1), make_tick(START, 1)).breakers.records == {}


def test_after_a_spike_prices_and_bars_have_to_prove_calm_anew():
    tape = Tape(minute=1, usual_spread=100, fresh_ticks=5)
    world = BreakerWorld()
    step = Step(world.state, world.params)
    step.set_tape(tape)
    step.set_volatility(structs.replace(step.volatility, calm_bars=3))
    judge_tape(step, make_tick(START, PRICE, spread=300))
    assert (step.tape.fresh_ticks, step.volatility.calm_bars) == (0, 0)
