"""Losses in a row: the fold, the cool-down, the probe, the latch."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.breaker_world import DAY, HOUR, MINUTE, BreakerWorld, make_params
from harness.engine_world import START, USDMYR, make_symbol
from palmbot.core.breakers.book import BreakerRecord, Outcome, Result, Trip
from palmbot.core.breakers.loss_streak import (
    enter_outcomes,
    judge_probe,
    read_streak,
    review_streak,
)
from palmbot.core.state import ClosedPosition
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.market import ConversionLeg, Interval, TradingHours
from palmbot.domain.units import IntentId, Money, PositionId, TimestampMs

STREAK = BreakerName.LOSS_STREAK
NEXT_DAY = START - 2 * HOUR + DAY


def outcomes(results):
    return tuple(
        Outcome(
            position_id=PositionId(number),
            intent_id=IntentId(str(number)),
            opened_at=TimestampMs(number),
            closed_at=TimestampMs(number),
            net=Money(0),
            result=result,
        )
        for number, result in enumerate(results)
    )


def trip(world):
    for _ in range(3):
        world.lose()
    assert world.phase(STREAK) is BreakerPhase.OPEN


@given(st.lists(st.sampled_from(list(Result))))
def test_a_streak_is_the_losses_since_the_last_win(results):
    since_win = []
    for result in results:
        since_win = [] if result is Result.WIN else [*since_win, result]
    assert read_streak(outcomes(results)) == since_win.count(Result.LOSS)


def test_two_losses_and_a_win_do_not_trip():
    world = BreakerWorld()
    world.lose()
    world.lose()
    world.win()
    world.lose()
    assert world.phase(STREAK) is BreakerPhase.CLOSED


def test_a_trade_within_one_price_step_neither_counts_nor_ends_a_streak():
    world = BreakerWorld()
    world.lose()
    world.lose()
    world.end(world.enter().entry_price + 1_000)
    assert world.state.breakers.outcomes[-1].result is Result.SCRATCH
    world.lose()
    assert world.phase(STREAK) is BreakerPhase.OPEN


@pytest.mark.parametrize(
    ("distance", "result"),
    [
        (1_000, Result.SCRATCH),
        (1_001, Result.WIN),
        (-1_000, Result.SCRATCH),
        (-1_001, Result.LOSS),
    ],
)
def test_a_trade_is_won_or_lost_beyond_one_price_step(distance, result):
    world = BreakerWorld()
    world.end(world.enter().entry_price + distance)
    assert world.state.breakers.outcomes[-1].result is result


def close_again(step, trade, **changes):
    """Tell the step of another trade like one before; return its outcome."""
    gone = ClosedPosition(
        position_id=PositionId(1), intent_id=trade.intent_id, closed_at=trade.exit_time, reason=""
    )
    step.drop_position(gone, structs.replace(trade, position_id=PositionId(1), **changes))
    return enter_outcomes(step)[0]


def trade_of(world):
    return next(each for _, decision in world.history for each in decision.closed_trades)


@pytest.mark.parametrize("unknown", ["contract", "rate"])
@pytest.mark.parametrize(
    ("profit", "result"), [(1, Result.WIN), (0, Result.SCRATCH), (-1, Result.LOSS)]
)
def test_while_the_worth_of_a_price_step_is_not_known_only_nothing_is_even(unknown, profit, result):
    world = BreakerWorld()
    world.lose()
    leg = ConversionLeg(
        symbol_id=USDMYR, name="USDMYR", is_inverted=False
    )  # without a price so far
    changes = {"symbol": None} if unknown == "contract" else {"conversion": (leg,)}
    step = Step(structs.replace(world.state, **changes), world.params)
    assert close_again(step, trade_of(world), profit=Money(profit)).result is result


def test_the_ledger_holds_the_newest_trades():
    world = BreakerWorld()
    world.lose()
    step = Step(world.state, world.params)
    ledger = outcomes([Result.WIN] * 70)[6:]
    step.set_breakers(structs.replace(step.breakers, outcomes=ledger))
    newest = close_again(step, trade_of(world))
    assert step.breakers.outcomes == (*ledger[1:], newest)
    assert len(ledger) == 64


def test_partial_closes_make_one_outcome():
    world = BreakerWorld()
    world.lose()
    world.lose()
    position = world.enter()
    world.close_part(300, position.intended_target)
    assert len(world.state.breakers.outcomes) == 2
    world.end(position.intended_stop)
    assert len(world.state.breakers.outcomes) == 3
    assert world.state.breakers.outcomes[-1].result is Result.WIN
    assert world.phase(STREAK) is BreakerPhase.CLOSED


def test_it_does_not_flatten_and_a_new_day_does_not_end_it():
    world = BreakerWorld(make_params(cool_down_minutes=(3_000,)))
    trip(world)
    assert world.state.flatten is None
    world.wait_until(NEXT_DAY + HOUR)
    assert world.phase(STREAK) is BreakerPhase.OPEN
    assert not world.try_to_enter()


def test_the_cool_down_runs_in_open_market_minutes_only():
    world = BreakerWorld(is_ready=False)
    first = 26 * 3600
    hours = TradingHours(
        zone="UTC",
        intervals=(
            Interval(start_s=first, end_s=first + 1800),
            Interval(start_s=first + 3 * 3600, end_s=7 * 86_400),
        ),
    )
    world.symbol = make_symbol(hours=hours)
    world.make_ready()
    trip(world)
    open_for = (world.broker.now - START) // MINUTE
    assert world.record(STREAK).hold_until == START + 3 * HOUR + (60 - (30 - open_for)) * MINUTE


def test_a_winning_probe_closes_it_and_a_losing_one_waits_longer():
    world = BreakerWorld()
    trip(world)
    world.wait(60 * MINUTE)
    assert world.phase(STREAK) is BreakerPhase.HALF_OPEN
    world.win()
    assert world.sends[-1].volume == 300  # half of six units
    assert world.phase(STREAK) is BreakerPhase.CLOSED
    other = BreakerWorld()
    trip(other)
    other.wait(60 * MINUTE)
    other.lose()
    record = other.record(STREAK)
    assert record.phase is BreakerPhase.OPEN
    assert record.hold_until - record.tripped_at == 120 * MINUTE
    other.wait(120 * MINUTE)
    other.lose()
    assert other.record(STREAK).hold_until == NEXT_DAY


def test_an_even_probe_is_followed_by_another():
    world = BreakerWorld()
    trip(world)
    world.wait(60 * MINUTE)
    world.end(world.enter().entry_price)
    assert world.phase(STREAK) is BreakerPhase.HALF_OPEN
    assert world.try_to_enter()


def test_only_one_probe_is_under_way():
    world = BreakerWorld()
    trip(world)
    world.wait(60 * MINUTE)
    world.stored(world.fall())
    assert world.record(STREAK).probe == world.sends[-1].intent_id
    assert not world.try_to_enter()


def test_the_third_trip_within_five_trading_days_latches_for_good():
    world = BreakerWorld(make_params(cool_down_minutes=(10,), daily_loss_bp=5_000))
    for _ in range(2):
        trip(world)
        world.wait_until(world.record(STREAK).hold_until)
        world.wait(MINUTE)
        world.win()
    for _ in range(3):
        world.lose()
    assert world.phase(STREAK) is BreakerPhase.LATCHED
    world.wait(2 * DAY)
    assert world.phase(STREAK) is BreakerPhase.LATCHED


def test_a_probe_that_loses_is_no_trip_of_its_own():
    world = BreakerWorld(make_params(cool_down_minutes=(10,), daily_loss_bp=5_000))
    trip(world)
    world.wait(10 * MINUTE)
    world.win()
    trip(world)
    world.wait_until(world.record(STREAK).hold_until)
    world.wait(MINUTE)
    world.lose()
    assert world.phase(STREAK) is BreakerPhase.OPEN


@pytest.mark.parametrize(
    ("days_ago", "phase", "minutes"),
    [(4, BreakerPhase.LATCHED, None), (5, BreakerPhase.OPEN, 60)],
)
def test_openings_count_for_five_trading_days_towards_the_latch_and_the_cool_down(
    days_ago, phase, minutes
):
    world = BreakerWorld()
    step = Step(world.state, world.params)
    earlier = Trip(at=TimestampMs(1), trading_day=9 - days_ago, is_by_probe=False)
    record = BreakerRecord(name=STREAK, trips=(earlier, earlier))
    step.set_breakers(
        structs.replace(
            step.breakers,
            day=structs.replace(step.breakers.day, trading_day=9),
            records={STREAK: record},
            outcomes=outcomes([Result.LOSS] * 3),
        )
    )
    review_streak(step)
    record = step.breakers.read(STREAK)
    assert record.phase is phase
    until = world.day.ends_at if minutes is None else record.tripped_at + minutes * MINUTE
    assert record.hold_until == until
    assert len(record.trips) == (3 if days_ago == 4 else 1)


def test_the_audit_of_a_lost_probe_holds_the_length_of_the_streak():
    world = BreakerWorld()
    step = Step(world.state, world.params)
    step.set_breakers(structs.replace(step.breakers, outcomes=outcomes([Result.LOSS] * 4)))
    judge_probe(step, Result.LOSS)
    (change,) = step.finish().breaker_changes
    assert (change.reason, change.measured, change.threshold) == ("the probe lost", 4, 0)


def test_a_loss_found_later_is_put_where_it_belongs():
    world = BreakerWorld()
    world.lose()
    world.lose()
    position = world.enter()
    world.broker.close(position.position_id, position.intended_stop)  # unheard
    world.restart()
    world.come_back()
    assert world.phase(STREAK) is BreakerPhase.OPEN
    ledger = world.state.breakers.outcomes
    assert [each.closed_at for each in ledger] == sorted(each.closed_at for each in ledger)


def test_a_trade_told_twice_is_in_the_ledger_once():
    world = BreakerWorld()
    world.lose()
    trade = next(each for _, decision in world.history for each in decision.closed_trades)
    step = Step(world.state, world.params)
    gone = ClosedPosition(
        position_id=trade.position_id,
        intent_id=trade.intent_id,
        closed_at=trade.exit_time,
        reason="again",
    )
    step.drop_position(gone, trade)
    assert enter_outcomes(step) == ()
    assert step.state.breakers.outcomes == world.state.breakers.outcomes


def test_a_restart_neither_trips_again_nor_forgets():
    world = BreakerWorld()
    trip(world)
    before = world.record(STREAK)
    for _ in range(3):
        world.restart()
        world.come_back()
    assert world.record(STREAK) == before


def test_a_lowered_limit_acts_on_the_losses_there_are():
    world = BreakerWorld()
    world.lose()
    world.lose()
    world.params = make_params(losses_max=2)
    world.restart()
    assert world.phase(STREAK) is BreakerPhase.OPEN


def test_half_of_the_smallest_volume_is_the_smallest_volume():
    world = BreakerWorld(replace(make_params(), risk_bp=20), is_ready=False)
    world.make_ready()
    trip(world)
    world.wait(60 * MINUTE)
    assert world.try_to_enter()
    assert world.sends[-1].volume == 100
