"""Each condition of a release by itself: one that is missing keeps the breaker open."""

import pytest
from msgspec.structs import replace

from harness.breaker_world import BreakerWorld
from palmbot.core.breakers.book import BreakerRecord
from palmbot.core.breakers.machine import read_now, trip
from palmbot.core.breakers.volatility import release_volatility
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.units import TimestampMs

SPIKE = BreakerName.VOLATILITY


def step_with(record, *, calm_bars=3, fresh_ticks=1):
    world = BreakerWorld()
    book = world.state.breakers
    state = replace(
        world.state,
        breakers=replace(book, records={record.name: record}),
        volatility=replace(world.state.volatility, ratio_percent=120, calm_bars=calm_bars),
        tape=replace(world.state.tape, fresh_ticks=fresh_ticks),
    )
    return Step(state, world.params)


@pytest.mark.parametrize(
    ("late_ms", "calm_bars", "fresh_ticks", "phase"),
    [
        (0, 3, 1, BreakerPhase.CLOSED),
        (1, 3, 1, BreakerPhase.OPEN),
        (0, 2, 1, BreakerPhase.OPEN),
        (0, 3, 0, BreakerPhase.OPEN),
    ],
)
def test_volatility_clears_on_time_calm_and_fresh_prices_together(
    late_ms, calm_bars, fresh_ticks, phase
):
    hold_until = TimestampMs(read_now(BreakerWorld().state) + late_ms)
    record = BreakerRecord(name=SPIKE, phase=BreakerPhase.OPEN, hold_until=hold_until)
    step = step_with(record, calm_bars=calm_bars, fresh_ticks=fresh_ticks)
    release_volatility(step)
    assert step.state.breakers.read(SPIKE).phase is phase


def test_a_new_trip_never_shortens_a_hold():
    name = BreakerName.LOSS_STREAK
    record = BreakerRecord(name=name, phase=BreakerPhase.HALF_OPEN, hold_until=TimestampMs(500))
    step = step_with(record)
    trip(step, name, "again", measured=1, threshold=1, hold_until=TimestampMs(100))
    assert step.state.breakers.read(name).hold_until == 500


def test_a_latched_breaker_is_not_opened_by_another_trip():
    name = BreakerName.ERROR_RATE
    record = BreakerRecord(name=name, phase=BreakerPhase.LATCHED, reason="first")
    step = step_with(record)
    trip(step, name, "second", measured=1, threshold=1)
    assert step.state.breakers.read(name) == record
