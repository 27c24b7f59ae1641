"""The smaller breakers, a breaker that fails, and the reset by a person."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import HOUR, MINUTE, BreakerWorld, make_params
from harness.engine_world import PRICE, START, make_tick
from palmbot.core.breakers import watch
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import (
    OperatorHalted,
    OperatorReset,
    OrderRefused,
    OrderUnanswered,
    TimePassed,
)
from palmbot.domain.market import Interval, TradingHours
from palmbot.domain.orders import IntentKind, OrderStyle
from palmbot.domain.units import TimestampMs

OPEN, CLOSED, LATCHED = BreakerPhase.OPEN, BreakerPhase.CLOSED, BreakerPhase.LATCHED


def reset(world, name):
    return world.give(OperatorReset(name=name, actor="eve", reason="looked into it")).reason


def refuse_entry(world):
    world.stored(world.fall())
    world.give(OrderRefused(intent_id=world.sends[-1].intent_id, code="NO_MONEY", reason=""))
    world.settle()


def lose_answer(world):
    world.stored(world.fall())
    intent = world.sends[-1]
    world.give(OrderUnanswered(intent_id=intent.intent_id, reason="late"))
    world.give(*world.broker.execute(intent))
    world.settle()
    world.end(world.state.position.entry_price)


def test_silence_in_trading_hours_trips_until_prices_flow():
    world = BreakerWorld(make_params(fresh_ticks=5))
    name = BreakerName.DATA_STALE
    world.give(TimePassed(time=TimestampMs(START + 30_000)))
    assert world.phase(name) is CLOSED
    world.give(TimePassed(time=TimestampMs(START + 30_001)))
    assert world.phase(name) is OPEN
    for second in range(5):
        assert world.phase(name) is OPEN
        world.tick(time=START + 31_000 + 1_000 * second)
    assert world.phase(name) is CLOSED


def closed_for_an_hour(world):
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
    for number in range(12):
        for offset, change in ((0, 0), (60_000, 100_000)):
            world.give(make_tick(START + number * 300_000 + offset, PRICE + change))


def test_silence_while_the_market_is_closed_is_no_trip():
    world = BreakerWorld(is_ready=False)
    closed_for_an_hour(world)
    world.give(TimePassed(time=TimestampMs(START + 90 * MINUTE)))
    assert world.phase(BreakerName.DATA_STALE) is CLOSED


@pytest.mark.parametrize(("gap", "phase"), [(9_000_000, OPEN), (10_000, CLOSED)])
def test_an_opening_far_from_the_close_keeps_entries_off_for_a_while(gap, phase):
    world = BreakerWorld(make_params(atr_period=5, limit_move_bp=0), is_ready=False)
    closed_for_an_hour(world)
    name = BreakerName.GAP_GUARD
    world.give(OperatorHalted(actor="test", reason="no entries here"))
    world.tick(PRICE + 100_000 + gap, START + 2 * HOUR)
    assert world.phase(name) is phase
    world.tick(time=START + 2 * HOUR + 15 * MINUTE)
    assert world.phase(name) is CLOSED


def test_three_refusals_trip_and_the_second_time_a_person_is_needed():
    name = BreakerName.REJECT_RATE
    world = BreakerWorld(make_params(reject_window_minutes=60))
    for _ in range(3):
        refuse_entry(world)
    assert world.phase(name) is OPEN
    assert not world.try_to_enter()
    world.wait(31 * MINUTE)
    assert world.phase(name) is CLOSED
    refuse_entry(world)
    assert world.phase(name) is LATCHED
    world.wait(16 * MINUTE)
    reset(world, name)
    assert world.phase(name) is CLOSED
    assert world.try_to_enter()


def test_two_orders_of_unknown_fate_within_an_hour_need_a_person():
    world = BreakerWorld()
    name = BreakerName.ERROR_RATE
    lose_answer(world)
    assert world.phase(name) is CLOSED
    lose_answer(world)
    assert world.phase(name) is LATCHED
    assert not world.try_to_enter()
    assert world.state.tally.refusals == {"ERROR_RATE": 1}
    world.wait(16 * MINUTE)
    reset(world, name)
    lose_answer(world)
    assert world.phase(name) is CLOSED  # the two before are forgotten


def test_too_many_entries_need_a_person():
    world = BreakerWorld(replace(make_params(), orders_per_day_max=2))
    world.win()
    world.win()
    assert not world.try_to_enter()
    assert world.phase(BreakerName.ORDER_RATE) is LATCHED
    assert world.state.breakers.rate_refusals == 1  # counted: only one more trips it again
    world.wait(16 * MINUTE)
    reset(world, BreakerName.ORDER_RATE)
    world.wait(MINUTE)
    assert world.phase(BreakerName.ORDER_RATE) is CLOSED


def test_a_program_that_starts_over_and_over_does_not_trade():
    world = BreakerWorld()
    name = BreakerName.CRASH_LOOP
    for _ in range(4):
        world.restart()
    assert world.phase(name) is CLOSED
    world.restart()
    assert world.phase(name) is OPEN
    world.come_back()
    assert not world.try_to_enter()
    world.wait(11 * MINUTE)
    world.wait(MINUTE)
    assert world.phase(name) is CLOSED


def test_a_breaker_that_fails_denies_every_entry_until_it_works_again(monkeypatch):
    world = BreakerWorld()
    world.is_failure_expected = True

    def fail(*_):
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(watch, "judge_tape", fail)
        assert not world.try_to_enter()
        assert "a breaker failed" in world.state.last_decision
        assert any("a breaker failed" in text for text in world.alarms)
    world.broker.now += 1_000
    assert world.try_to_enter()


def test_a_halt_can_close_what_is_open():
    world = BreakerWorld()
    world.enter()
    world.give(OperatorHalted(actor="eve", reason="storm", flatten=True))
    world.carry_out()
    assert world.sends[-1].kind is IntentKind.CLOSE
    assert world.broker.positions == {}
    world.settle()
    world.wait(MINUTE)
    assert world.state.flatten is None


def test_a_closed_breaker_has_nothing_to_reset():
    world = BreakerWorld()
    assert reset(world, BreakerName.GAP_GUARD).startswith("refused")


def test_every_change_raises_the_epoch_and_is_told():
    world = BreakerWorld()
    before = world.state.switch.epoch
    world.storm()
    changes = [change for _, decision in world.history for change in decision.breaker_changes]
    (change,) = changes
    assert (change.before, change.after) == (CLOSED, OPEN)
    assert change.measured >= change.threshold > 0
    assert world.state.switch.epoch > before
    assert change.epoch <= world.state.switch.epoch


@pytest.mark.parametrize("is_late", [False, True])
def test_an_entry_that_rests_at_the_broker_is_cancelled_on_a_trip(is_late):
    world = BreakerWorld(replace(make_params(), order_style=OrderStyle.LIMIT))
    world.stored(world.fall())
    accepted = world.broker.enter(world.sends[-1], [world.sends[-1].volume])[0]
    charge = (-600, "BALANCE_CHARGE")
    if is_late:
        world.pay(*charge)
        world.give(accepted)
    else:
        world.give(accepted)
        world.pay(*charge)
    kinds = [intent.kind for intent in world.state.books.intents.values()]
    assert IntentKind.CANCEL in kinds
