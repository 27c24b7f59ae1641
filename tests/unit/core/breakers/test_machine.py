"""What every trip does: the audit, the alarm, the window of days, and resting entries."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import DAY, HOUR, MINUTE, BreakerWorld, make_params
from harness.engine_world import START, make_tick
from palmbot.core.breakers.book import BreakerRecord, Mishap, Trip
from palmbot.core.breakers.companions import release_crash_loop, release_rejects
from palmbot.core.breakers.machine import extend
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import (
    ClockChecked,
    DiskMeasured,
    OperatorHalted,
    OrderRefused,
    TimePassed,
    TokenChecked,
)
from palmbot.domain.orders import IntentKind, IntentState, OrderStyle
from palmbot.domain.units import IntentId, TimestampMs

OPEN, CLOSED, HALF_OPEN, LATCHED = (
    BreakerPhase.OPEN,
    BreakerPhase.CLOSED,
    BreakerPhase.HALF_OPEN,
    BreakerPhase.LATCHED,
)
DISK, STALE, REJECTS = (
    BreakerName.DISK_SPACE,
    BreakerName.DATA_STALE,
    BreakerName.REJECT_RATE,
)
FULL, FREE = DiskMeasured(free_bytes=0), DiskMeasured(free_bytes=10**12)


def changes_of(world):
    return [change for _, decision in world.history for change in decision.breaker_changes]


def put(world, name, **facts):
    record = BreakerRecord(name=name, **facts)
    book = world.state.breakers
    records = {**book.records, name: record}
    world.state = structs.replace(world.state, breakers=structs.replace(book, records=records))


# -- audit and alarm --------------------------------------------------------------------------


def test_every_change_raises_the_epoch_by_one_and_carries_it():
    world = BreakerWorld()
    epoch = world.state.switch.epoch
    world.give(FULL, FREE, FULL)
    assert [change.epoch for change in changes_of(world)] == [epoch + 1, epoch + 2, epoch + 3]
    assert world.state.switch.epoch == epoch + 3


def test_a_change_belongs_to_its_trading_day_and_before_the_first_to_none():
    world = BreakerWorld(is_ready=False)
    world.give(FULL)
    world.make_ready()
    world.give(FREE)
    assert [change.trading_day for change in changes_of(world)] == [0, 1]


def test_the_alarm_says_whether_a_person_is_needed():
    world = BreakerWorld(replace(make_params(), orders_per_day_max=1))
    world.give(FULL)
    assert world.alarms[-1].startswith("breaker disk_space tripped, no entries: the free space")
    world.give(FREE)
    world.win()
    assert not world.try_to_enter()
    assert world.alarms[-1] == (
        "breaker order_rate tripped, a person has to reset it: "
        "more entries wanted than the limits allow"
    )


def test_nobody_is_woken_for_a_silent_feed():
    world = BreakerWorld()
    world.give(TimePassed(time=TimestampMs(START + MINUTE)))
    assert world.phase(STALE) is OPEN
    assert world.alarms == []


def test_a_hold_that_is_not_longer_changes_nothing():
    world = BreakerWorld()
    put(world, BreakerName.VOLATILITY, phase=OPEN, hold_until=TimestampMs(500), reason="first")
    step = Step(world.state, world.params)
    for until, reason in ((499, "first"), (500, "first"), (501, "again")):
        extend(step, BreakerName.VOLATILITY, TimestampMs(until), "again")
        record = step.breakers.read(BreakerName.VOLATILITY)
        assert (record.hold_until, record.reason) == (max(until, 500), reason)


# -- entries that rest at the broker ----------------------------------------------------------


def kinds_asked(world):
    return [intent.kind for intent in world.state.books.intents.values()]


def sent_entry(style):
    """A world with an entry on its way, and the acceptance that the broker will tell of."""
    world = BreakerWorld(replace(make_params(), order_style=style))
    world.stored(world.fall())
    intent = world.sends[-1]
    return world, world.broker.enter(intent, [intent.volume])[0]


def test_a_limit_order_that_rests_is_cancelled_in_the_step_of_the_trip():
    world, accepted = sent_entry(OrderStyle.LIMIT)
    world.give(accepted)
    assert IntentKind.CANCEL not in kinds_asked(world)
    world.give(FULL)
    assert kinds_asked(world).count(IntentKind.CANCEL) == 1


def test_a_limit_order_that_comes_to_rest_after_the_trip_is_cancelled_then():
    world, accepted = sent_entry(OrderStyle.LIMIT)
    world.give(FULL)
    assert IntentKind.CANCEL not in kinds_asked(world)
    world.give(accepted)
    assert kinds_asked(world).count(IntentKind.CANCEL) == 1


def test_a_limit_order_that_comes_to_rest_after_the_release_stays():
    world, accepted = sent_entry(OrderStyle.LIMIT)
    world.give(FULL, FREE)
    world.give(accepted)
    assert IntentKind.CANCEL not in kinds_asked(world)


def test_a_market_order_is_never_cancelled_for_it_cannot_rest():
    world, accepted = sent_entry(OrderStyle.MARKET)
    world.give(accepted)
    world.give(FULL)
    assert IntentKind.CANCEL not in kinds_asked(world)


# -- refusals and silence ---------------------------------------------------------------------


def refuse(world):
    world.give(OrderRefused(intent_id=world.sends[-1].intent_id, code="NO", reason=""))


def test_only_entries_that_are_refused_count():
    world = BreakerWorld(make_params(rejects_max=1))
    world.enter()
    world.stored(world.give(OperatorHalted(actor="eve", reason="storm", flatten=True)))
    assert world.sends[-1].kind is IntentKind.CLOSE
    refuse(world)
    assert world.state.books.intents[world.sends[-1].intent_id].state is IntentState.REJECTED
    assert world.phase(REJECTS) is CLOSED
    assert world.state.breakers.rejects == ()


def test_an_entry_that_is_refused_counts_once_at_the_time_of_the_refusal():
    world = BreakerWorld()
    world.stored(world.fall())
    refuse(world)
    (first,) = world.state.breakers.rejects
    world.tick(time=world.broker.now + MINUTE)
    refuse(world)
    assert world.state.breakers.rejects == (first,)


@pytest.mark.parametrize(("days_ago", "phase"), [(0, LATCHED), (1, OPEN)])
def test_a_second_burst_of_refusals_needs_a_person_if_it_comes_on_the_same_day(days_ago, phase):
    world = BreakerWorld()
    world.stored(world.fall())
    day = world.day.trading_day
    earlier = Trip(at=TimestampMs(1), trading_day=day - days_ago, is_by_probe=False)
    put(world, REJECTS, trips=(earlier,))
    old = tuple(Mishap(at=world.state.market.time, intent_id=IntentId(name)) for name in ("a", "b"))
    world.state = structs.replace(
        world.state, breakers=structs.replace(world.state.breakers, rejects=old)
    )
    refuse(world)
    record = world.record(REJECTS)
    assert record.phase is phase
    assert record.hold_until == world.state.market.time + 30 * MINUTE
    change = changes_of(world)[-1]
    assert (change.measured, change.threshold) == (3, 3)


def test_refusals_release_when_their_time_is_over():
    world = BreakerWorld()
    now = world.state.market.time
    for late_ms, phase in ((1, OPEN), (0, CLOSED)):
        put(world, REJECTS, phase=OPEN, hold_until=TimestampMs(now + late_ms))
        step = Step(world.state, world.params)
        release_rejects(step)
        assert step.breakers.read(REJECTS).phase is phase


def test_silence_that_goes_on_trips_once_and_asks_for_fresh_prices_from_then_on():
    world = BreakerWorld(make_params(fresh_ticks=5))
    put(world, BreakerName.GAP_GUARD, phase=OPEN, hold_until=TimestampMs(START + DAY))
    for second in range(6):
        world.tick(time=START + 1_000 * second)
    assert world.state.tape.fresh_ticks == 5
    for seconds in (36, 37, 38):
        world.give(TimePassed(time=TimestampMs(START + 1_000 * seconds)))
    assert len(world.record(STALE).trips) == 1
    change = changes_of(world)[-1]
    assert (change.measured, change.threshold) == (31_000, 30_000)
    for second in range(5):
        assert world.phase(STALE) is OPEN
        world.tick(time=START + 40_000 + 1_000 * second)
    assert world.phase(STALE) is CLOSED


def test_silence_before_the_first_price_is_none():
    world = BreakerWorld(is_ready=False)
    world.connect()
    world.give(TimePassed(time=TimestampMs(START + DAY)))
    assert world.phase(STALE) is CLOSED
    world = BreakerWorld(is_ready=False)
    world.give(make_tick(START, world.broker.bid), TimePassed(time=TimestampMs(START + DAY)))
    assert world.phase(STALE) is CLOSED


def test_the_quiet_time_after_a_crash_loop_does_not_begin_before_the_first_connection():
    world = BreakerWorld()
    put(world, BreakerName.CRASH_LOOP, phase=OPEN)
    step = Step(world.state, world.params)
    step.set_market(structs.replace(step.market, tick_generation=0))
    step.set_link(structs.replace(step.link, generation=0))
    release_crash_loop(step)
    assert step.breakers.read(BreakerName.CRASH_LOOP).hold_until == 0


# -- what the bot runs on ---------------------------------------------------------------------


def test_of_a_jump_that_is_ordinary_and_a_difference_that_is_not_the_difference_trips():
    world = BreakerWorld()
    world.give(ClockChecked(jump_ms=2_000, offset_ms=1_001))
    change = changes_of(world)[-1]
    assert (change.measured, change.threshold) == (1_001, 1_000)
    assert change.reason == "this machine's clock is +1.0 s off the broker's"


@pytest.mark.parametrize(("is_renewed", "told"), [(True, 2), (False, 1)])
def test_a_token_whose_renewal_fails_again_after_one_that_worked_is_told_again(is_renewed, told):
    world = BreakerWorld()
    world.give(TokenChecked(left_ms=71 * HOUR, failure="refused"))
    if is_renewed:
        world.give(TokenChecked(left_ms=700 * HOUR, failure=""))
    world.give(TokenChecked(left_ms=70 * HOUR, failure="refused"))
    assert len(world.alarms) == told
