"""What holds for every breaker whatever happens: no entry past it, no quiet release, no amnesia."""

import statistics
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.breaker_world import HOUR, MINUTE, BreakerWorld, make_params, sent_entries
from palmbot.core.breakers.book import FORBIDDING, Sample
from palmbot.core.breakers.day import find_day
from palmbot.core.engine import decide
from palmbot.core.state import EngineState
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import OperatorReset, OrderRefused
from palmbot.domain.units import TimestampMs

DEEDS = st.sampled_from(
    [
        "lose",
        "lose",
        "lose",
        "win",
        "crash",
        "storm",
        "deposit",
        "withdrawal",
        "charge",
        "refusal",
        "restart",
        "reconnect",
        "an hour",
        "half a day",
        "reset",
        "signal",
    ]
)
ZONES = st.sampled_from(["UTC", "Asia/Kuala_Lumpur", "America/New_York", "Australia/Lord_Howe"])


def do(world, deed):  # noqa: C901, PLR0912 - a list of deeds
    is_free = world.state.position is None
    match deed:
        case "lose" | "win" if is_free and world.try_to_enter() and world.state.position:
            held = world.state.position
            world.end(held.intended_stop if deed == "lose" else held.intended_target)
        case "crash" if world.broker.bid > 20_000_000:
            world.crash(9)
            world.carry_out()
        case "storm":
            world.storm()
        case "deposit":
            world.pay(500)
        case "withdrawal":
            world.pay(-100, "BALANCE_WITHDRAW")
        case "charge":
            world.pay(-200, "BALANCE_CHARGE")
        case "refusal" if is_free:
            world.fall()
            for intent in world.sends[-1:]:
                world.give(OrderRefused(intent_id=intent.intent_id, code="NO", reason=""))
        case "restart":
            world.restart()
            world.come_back()
        case "reconnect":
            world.reconnect()
        case "an hour":
            world.wait(HOUR)
        case "half a day":
            world.wait(12 * HOUR + MINUTE)
        case "reset":
            for name in BreakerName:
                world.give(OperatorReset(name=name, actor="eve", reason="try", budget_bp=None))
        case _:
            world.try_to_enter()
    world.settle()


def judge(before, event, decision):
    """What one step may not do."""
    after = decision.state
    if sent_entries(decision):
        assert not any(each.phase in FORBIDDING for each in before.breakers.records.values())
        assert before.flatten is None
    for name, record in before.breakers.records.items():
        now = after.breakers.read(name)
        is_reset = isinstance(event, OperatorReset) and event.name is name
        if record.phase is BreakerPhase.LATCHED and not is_reset:
            assert now.phase is BreakerPhase.LATCHED
        if record.phase is BreakerPhase.OPEN and not is_reset:
            assert now.hold_until >= record.hold_until or now.phase is not BreakerPhase.OPEN
            if now.phase in {BreakerPhase.CLOSED, BreakerPhase.HALF_OPEN}:
                time = max(after.market.time, after.link.confirmed_at or 0)
                assert time >= record.hold_until
        if now.phase is not record.phase:
            assert after.switch.epoch > before.switch.epoch
    old, new = before.breakers.day, after.breakers.day
    if old is not None and new is not None:
        assert new.ordinal >= old.ordinal
        if new.ordinal == old.ordinal and old.baseline is not None:
            assert new.baseline == old.baseline
            assert new.limits.tightened_by(old.limits) == new.limits


@settings(max_examples=60)
@given(deeds=st.lists(DEEDS, min_size=3, max_size=25), latch=st.booleans())
def test_no_entry_passes_a_breaker_and_none_releases_but_by_its_rule(deeds, latch):
    world = BreakerWorld(
        make_params(
            daily_trips_max=1 if latch else 2,
            tape_minutes_min=10,
            cool_down_minutes=(30,),
            starts_max=3,
            reject_window_minutes=60,
        )
    )
    for deed in deeds:
        do(world, deed)
    state = None
    for event, decision in world.history:
        if state is not None:
            judge(state, event, decision)
            assert decide(state, event, world.params) == decision
        state = decision.state
    encoded = msgspec.json.encode(world.state)
    assert msgspec.json.decode(encoded, type=EngineState) == world.state


@settings(max_examples=40)
@given(deeds=st.lists(DEEDS, min_size=3, max_size=12))
def test_a_restart_changes_no_breaker_but_the_one_that_counts_restarts(deeds):
    world = BreakerWorld(make_params(tape_minutes_min=10))
    for deed in deeds:
        do(world, deed)
    before = dict(world.state.breakers.records)
    world.restart()
    after = dict(world.state.breakers.records)
    for records in (before, after):
        records.pop(BreakerName.CRASH_LOOP, None)
        # An entry whose answer was outstanding is unknown from here on, and counts as such.
        records.pop(BreakerName.ERROR_RATE, None)
    assert {n: replace(r, probe=None) for n, r in after.items()} == {
        n: replace(r, probe=None) for n, r in before.items()
    }


@given(
    seconds=st.integers(0, 4_000_000_000),
    zone=ZONES,
    minute=st.integers(0, 24 * 60 - 1),
)
def test_trading_days_follow_each_other_without_gap_or_overlap(seconds, zone, minute):
    time = TimestampMs(seconds * 1_000)
    day = find_day(time, zone, minute)
    assert day.starts_at <= time < day.ends_at
    after = find_day(day.ends_at, zone, minute)
    assert (after.ordinal, after.starts_at) == (day.ordinal + 1, day.ends_at)
    assert datetime.fromtimestamp(day.starts_at / 1_000, UTC).second == 0


@given(st.lists(st.integers(-5, 5), max_size=40), st.integers(1, 8))
def test_a_sample_is_the_newest_values_and_their_lower_median(values, size):
    sample = Sample()
    for value in values:
        sample = sample.add(value, size)
    assert list(sample.values) == values[-size:]
    newest = values[-size:]
    assert sample.median == (statistics.median_low(newest) if newest else 0)
