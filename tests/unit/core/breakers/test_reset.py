"""What a person's reset is refused for, at the edge of each question, and what it grants."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import HOUR, MINUTE, MONEY, BreakerWorld, make_params
from palmbot.core.breakers.book import BreakerRecord
from palmbot.core.breakers.machine import read_now
from palmbot.core.breakers.reset import on_reset
from palmbot.core.state import FlattenOrder
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import OperatorReset
from palmbot.domain.units import Money, TimestampMs

DAILY, DISK = BreakerName.DAILY_LOSS, BreakerName.DISK_SPACE
OPEN, CLOSED, HALF_OPEN, LATCHED = (
    BreakerPhase.OPEN,
    BreakerPhase.CLOSED,
    BreakerPhase.HALF_OPEN,
    BreakerPhase.LATCHED,
)


def tripped(name, *, ago_ms=HOUR, phase=OPEN):
    """A step upon a breaker that tripped a while ago, on a day that lost nothing so far."""
    world = BreakerWorld()
    at = TimestampMs(read_now(world.state) - ago_ms)
    record = BreakerRecord(name=name, phase=phase, tripped_at=at, reason="something")
    book = structs.replace(world.state.breakers, records={name: record})
    return Step(structs.replace(world.state, breakers=book), world.params)


def lose(step, loss, **changes):
    """Let the day of a step have lost so much."""
    day = step.breakers.day
    day = structs.replace(day, equity=Money(day.baseline - loss), **changes)
    step.set_breakers(structs.replace(step.breakers, day=day))


def reset(step, name, *, reason="looked into it", budget_bp=None):
    on_reset(step, OperatorReset(name=name, actor="eve", reason=reason, budget_bp=budget_bp))
    return step.finish().reason


@pytest.mark.parametrize("phase", [OPEN, LATCHED])
def test_a_breaker_that_tripped_is_closed_by_a_person(phase):
    step = tripped(DISK, phase=phase)
    reset(step, DISK)
    record = step.breakers.read(DISK)
    assert (record.phase, record.reset_by, record.reset_at) == (CLOSED, "eve", read_now(step))
    (change,) = step.finish().breaker_changes
    assert (change.actor, change.reason) == ("eve", "reset by eve: looked into it")


@pytest.mark.parametrize(("ago_ms", "phase"), [(15 * MINUTE - 1, OPEN), (15 * MINUTE, CLOSED)])
def test_a_reset_waits_for_fifteen_minutes_after_the_trip(ago_ms, phase):
    step = tripped(DISK, ago_ms=ago_ms)
    reason = reset(step, DISK)
    assert step.breakers.read(DISK).phase is phase
    assert ("tripped 14 minutes ago; not before 15" in reason) is (phase is OPEN)


def test_a_reset_needs_a_reason():
    step = tripped(DISK)
    assert "needs a reason" in reset(step, DISK, reason=" \n")
    assert step.breakers.read(DISK).phase is OPEN


def test_nothing_is_reset_while_positions_are_being_closed():
    step = tripped(DISK)
    step.set_flatten(FlattenOrder(reason="storm", since=read_now(step)))
    assert "still being closed" in reset(step, DISK)
    assert step.breakers.read(DISK).phase is OPEN


def test_a_budget_is_for_the_daily_loss_alone():
    step = tripped(DISK)
    assert "a budget is for daily_loss" in reset(step, DISK, budget_bp=100)
    assert step.breakers.read(DISK).phase is OPEN


@pytest.mark.parametrize(
    ("budget_bp", "phase"), [(0, OPEN), (1, HALF_OPEN), (500, HALF_OPEN), (501, OPEN)]
)
def test_a_budget_is_above_nothing_and_at_most_the_limit_of_the_day(budget_bp, phase):
    step = tripped(DAILY)
    lose(step, 600 * MONEY)
    reason = reset(step, DAILY, budget_bp=budget_bp)
    assert step.breakers.read(DAILY).phase is phase
    assert ("at most 5 %" in reason) is (phase is OPEN)


@pytest.mark.parametrize(("loss", "phase"), [(500 * MONEY, OPEN), (500 * MONEY - 1, HALF_OPEN)])
def test_without_a_budget_the_limit_of_the_day_must_not_be_used_up(loss, phase):
    step = tripped(DAILY)
    lose(step, loss)
    reason = reset(step, DAILY)
    assert step.breakers.read(DAILY).phase is phase
    assert ("name a further budget" in reason) is (phase is OPEN)


@pytest.mark.parametrize("unknown", ["baseline", "equity", "day"])
@pytest.mark.parametrize("budget_bp", [None, 100])
def test_a_day_whose_loss_is_not_known_is_not_reset(unknown, budget_bp):
    step = tripped(DAILY)
    day = None if unknown == "day" else structs.replace(step.breakers.day, **{unknown: None})
    step.set_breakers(structs.replace(step.breakers, day=day))
    assert "today's loss is not known yet" in reset(step, DAILY, budget_bp=budget_bp)
    assert step.breakers.read(DAILY).phase is OPEN


@pytest.mark.parametrize(("loss", "granted"), [(600, 700), (0, 100), (-300, 100)])
def test_a_further_budget_adds_to_what_was_lost_and_takes_nothing_from_a_gain(loss, granted):
    step = tripped(DAILY)
    lose(step, loss * MONEY)
    reset(step, DAILY, budget_bp=100)
    assert step.breakers.day.granted == granted * MONEY


def test_a_reset_of_a_crash_loop_forgets_the_starts_that_made_it():
    world = BreakerWorld(make_params(start_window_minutes=60))
    name = BreakerName.CRASH_LOOP
    for _ in range(5):
        world.restart()
    world.come_back()
    world.wait(16 * MINUTE)
    assert world.phase(name) is OPEN
    world.give(OperatorReset(name=name, actor="eve", reason="seen"))
    world.restart()
    assert world.phase(name) is CLOSED


def test_a_reset_of_the_order_rate_lets_entries_flow_until_the_rate_is_exceeded_again():
    world = BreakerWorld(replace(make_params(), orders_per_day_max=2))
    name = BreakerName.ORDER_RATE
    world.win()
    world.win()
    assert not world.try_to_enter()
    world.wait(16 * MINUTE)
    world.give(OperatorReset(name=name, actor="eve", reason="seen"))
    world.tick(time=world.broker.now + 2_000)
    assert world.phase(name) is CLOSED
    assert not world.try_to_enter()
    assert world.phase(name) is LATCHED
