"""What the breakers say to one entry, at the edge of each answer."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import MONEY, BreakerWorld, make_params
from harness.engine_world import PRICE, make_tick
from palmbot.core.breakers.book import BreakerRecord
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.verdict import (
    find_forbidding,
    find_unknown,
    find_wide_spread,
    read_headroom,
    read_loss_allowed,
    read_size_percent,
)
from palmbot.core.gate import Allowed, Denial, Denied, authorize, deny_entry
from palmbot.core.state import FlattenOrder
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.market import Side
from palmbot.domain.units import IntentId, Money, TimestampMs


def with_record(name, phase, probe=None):
    state = BreakerWorld().state
    record = BreakerRecord(name=name, phase=phase, probe=probe, reason="a reason")
    return structs.replace(state, breakers=structs.replace(state.breakers, records={name: record}))


@pytest.mark.parametrize("phase", [BreakerPhase.OPEN, BreakerPhase.LATCHED])
@pytest.mark.parametrize("name", list(BreakerName))
def test_an_open_or_latched_breaker_forbids_every_entry(name, phase):
    found = find_forbidding(with_record(name, phase), IntentId("own"))
    assert found is not None
    assert found[0] is name
    assert "a reason" in found[1]


def test_the_probe_itself_may_pass_and_nothing_beside_it():
    state = with_record(BreakerName.LOSS_STREAK, BreakerPhase.HALF_OPEN, IntentId("probe"))
    assert find_forbidding(state, IntentId("probe")) is None
    assert find_forbidding(state, IntentId("other")) is not None
    assert find_forbidding(state, None) is not None
    waiting = with_record(BreakerName.LOSS_STREAK, BreakerPhase.HALF_OPEN)
    assert find_forbidding(waiting, None) is None
    assert read_size_percent(waiting, make_params()) == 50


def test_the_strictest_breaker_is_named_first():
    state = with_record(BreakerName.DATA_STALE, BreakerPhase.OPEN)
    daily = BreakerRecord(name=BreakerName.DAILY_LOSS, phase=BreakerPhase.OPEN)
    records = {**state.breakers.records, BreakerName.DAILY_LOSS: daily}
    state = structs.replace(state, breakers=structs.replace(state.breakers, records=records))
    assert find_forbidding(state, None)[0] is BreakerName.DAILY_LOSS


@pytest.mark.parametrize(("spread", "is_wide"), [(199_999, False), (200_000, True)])
def test_twice_the_usual_spread_is_refused(spread, is_wide):
    state = BreakerWorld().state
    state = structs.replace(
        state,
        tape=structs.replace(state.tape, usual_spread=100_000),
        market=structs.replace(state.market, tick=make_tick(0, PRICE, spread=spread)),
    )
    assert bool(find_wide_spread(state, make_params())) is is_wide


def test_a_loss_with_slippage_has_to_stay_below_what_is_left():
    world = BreakerWorld()
    world.pay(-390, "BALANCE_CHARGE")
    assert read_headroom(world.state) == 110 * MONEY
    allowed = read_loss_allowed(world.state, world.params)
    assert allowed * 110 < 100 * 110 * MONEY <= (allowed + 1) * 110
    broke = BreakerWorld()
    broke.pay(-600, "BALANCE_CHARGE")
    assert read_loss_allowed(broke.state, broke.params) == 0


def test_what_is_not_known_denies_unless_a_replay_allows_it():
    state = BreakerWorld().state
    strict = replace(make_params(), breakers=BreakerRules())
    assert "volatility" in find_unknown(state, strict)
    assert find_unknown(state, make_params()) == ""
    no_day = structs.replace(state, breakers=structs.replace(state.breakers, day=None))
    assert "start of the day" in find_unknown(no_day, strict)
    assert read_loss_allowed(no_day, strict) is None
    defect = structs.replace(
        state, breakers=structs.replace(state.breakers, defect="ZeroDivisionError")
    )
    assert "failed" in find_unknown(defect, make_params())


def test_the_headroom_shrinks_with_the_limit_in_force():
    world = BreakerWorld()
    day = structs.replace(world.day, limits=structs.replace(world.day.limits, daily_loss_bp=100))
    state = structs.replace(world.state, breakers=structs.replace(world.state.breakers, day=day))
    assert read_headroom(state) == 100 * MONEY
    granted = structs.replace(day, granted=Money(300 * MONEY))
    state = structs.replace(
        world.state, breakers=structs.replace(world.state.breakers, day=granted)
    )
    assert read_headroom(state) == 300 * MONEY


def test_nothing_enters_while_positions_are_being_closed():
    world = BreakerWorld()
    order = FlattenOrder(reason="storm", since=world.state.market.time)
    state = structs.replace(world.state, flatten=order)
    denied = deny_entry(state, world.params, Side.BUY, TimestampMs(world.broker.now))
    assert denied is not None
    assert denied.code is Denial.OPERATOR


def test_the_gate_itself_holds_the_loss_at_the_stop_against_the_day():
    world = BreakerWorld()
    world.fall()
    (intent,) = world.state.books.intents.values()
    assert isinstance(authorize(world.state, world.params, intent), Allowed)
    day = structs.replace(world.day, granted=Money(50 * MONEY))
    state = structs.replace(world.state, breakers=structs.replace(world.state.breakers, day=day))
    answer = authorize(state, world.params, intent)
    assert isinstance(answer, Denied)
    assert answer.code is Denial.BUDGET


@pytest.mark.parametrize("unknown", ["day", "baseline", "equity"])
def test_an_entry_has_its_full_size_while_the_loss_of_the_day_is_not_known(unknown):
    world = BreakerWorld()
    world.pay(-400, "BALANCE_CHARGE")
    assert read_size_percent(world.state, world.params) == 50
    day = None if unknown == "day" else structs.replace(world.day, **{unknown: None})
    state = structs.replace(world.state, breakers=structs.replace(world.state.breakers, day=day))
    assert read_size_percent(state, world.params) == 100
    assert read_headroom(state) is None
