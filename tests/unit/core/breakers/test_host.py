"""The breakers about the machine: its clock, its disk, and the key to the account."""

from dataclasses import replace

import pytest

from harness.breaker_world import DAY, MINUTE, BreakerWorld, make_params
from harness.engine_world import START
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import QueryBooks
from palmbot.domain.events import (
    ClockChecked,
    DiskMeasured,
    LinkLost,
    OperatorReset,
    TokenChecked,
)
from palmbot.domain.orders import Environment

OPEN, CLOSED = BreakerPhase.OPEN, BreakerPhase.CLOSED
CLOCK, DISK, TOKEN = (
    BreakerName.CLOCK_JUMP,
    BreakerName.DISK_SPACE,
    BreakerName.TOKEN_EXPIRY,
)
MB = 1_000_000
HOUR_MS = 60 * MINUTE


def check(world, jump_ms=0, offset_ms: int | None = 0):
    return world.give(ClockChecked(jump_ms=jump_ms, offset_ms=offset_ms))


def demo_world():
    """A broker account: its time is known by its stamps alone."""
    params = make_params()
    demo = replace(params, environment=Environment.DEMO, breakers=BreakerRules(fresh_ticks=1))
    world = BreakerWorld(demo)
    world.broker.environment = Environment.DEMO
    return world


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("jump_ms", "offset_ms", "phase"),
    [
        (2_000, 1_000, CLOSED),
        (2_001, None, OPEN),
        (2_001, 0, OPEN),
        (0, 1_001, OPEN),
        (0, None, CLOSED),
    ],
)
def test_a_clock_that_was_set_or_is_off_by_more_than_allowed_trips(sign, jump_ms, offset_ms, phase):
    world = BreakerWorld()
    check(world, sign * jump_ms, None if offset_ms is None else sign * offset_ms)
    assert world.phase(CLOCK) is phase
    if phase is OPEN:
        world.read_books()
    assert world.try_to_enter() is (phase is CLOSED)
    if phase is OPEN:
        assert world.state.tally.refusals == {"CLOCK": 1}


def test_a_tripped_clock_waits_for_agreement_and_a_clean_comparison_since():
    world = BreakerWorld()
    decision = check(world, jump_ms=5_000)
    (query,) = [each for each in decision.commands if isinstance(each, QueryBooks)]
    assert query.delay_s == 0
    assert world.state.link.phase is LinkPhase.SYNCING
    check(world)
    assert world.phase(CLOCK) is OPEN  # they agree, the books were not compared yet
    world.read_books()
    assert world.phase(CLOCK) is CLOSED
    check(world, offset_ms=1_500)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.phase(CLOCK) is OPEN  # clean books, the clocks still differ
    check(world, offset_ms=-900)
    assert world.phase(CLOCK) is CLOSED
    assert world.try_to_enter()


@pytest.mark.parametrize(("environment", "phase"), [("demo", OPEN), ("simulator", CLOSED)])
def test_on_a_broker_account_only_stamped_prices_show_that_the_clock_is_right_again(
    environment, phase
):
    world = demo_world() if environment == "demo" else BreakerWorld()
    check(world, jump_ms=5_000)
    world.read_books()
    check(world, offset_ms=None)
    assert world.phase(CLOCK) is phase
    check(world, offset_ms=20)
    assert world.phase(CLOCK) is CLOSED


def test_a_person_may_reset_the_clock_breaker():
    world = BreakerWorld()
    check(world, offset_ms=60_000)
    world.wait(16 * MINUTE)
    world.give(OperatorReset(name=CLOCK, actor="eve", reason="the server has no stamps"))
    assert world.phase(CLOCK) is CLOSED
    world.settle()
    assert world.state.books.quarantine == {}


@pytest.mark.parametrize(
    ("jump_ms", "offset_ms"), [(30_001, 0), (-30_001, 0), (0, 30_001), (-DAY, None)]
)
def test_r21_a_clock_far_off_distrusts_the_books_until_two_readings_are_clean(jump_ms, offset_ms):
    world = BreakerWorld()
    decision = check(world, jump_ms, offset_ms)
    assert [each.kind for each in decision.discrepancies] == [DiscrepancyClass.CLOCK_SKEW]
    assert list(world.state.books.quarantine) == ["clock"]
    assert any("Set the clock of this machine right" in text for text in world.alarms)
    world.read_books()
    assert world.state.link.phase is LinkPhase.QUARANTINED
    assert not world.try_to_enter()
    assert world.state.tally.refusals == {"QUARANTINED": 1}
    check(world)
    world.read_books()
    assert world.state.books.quarantine == {}
    assert world.state.link.phase is LinkPhase.SYNCING
    assert not world.try_to_enter()
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.phase(CLOCK) is CLOSED
    assert world.try_to_enter()


@pytest.mark.parametrize(("jump_ms", "offset_ms"), [(30_000, 0), (0, 30_000)])
def test_a_clock_less_far_off_leaves_the_books_alone(jump_ms, offset_ms):
    world = BreakerWorld()
    check(world, jump_ms, offset_ms)
    assert world.phase(CLOCK) is OPEN
    assert world.state.books.quarantine == {}


def test_the_two_clean_readings_are_still_due_after_a_reconnect():
    world = BreakerWorld()
    check(world, jump_ms=40_000)
    check(world)
    world.read_books()
    assert world.state.link.readings_due == 1
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.connect()
    assert world.state.link.readings_due == 1
    world.restart()
    assert world.state.link.readings_due == 1


def test_a_clock_set_back_over_midnight_opens_no_day_anew_and_lets_nothing_enter():
    world = BreakerWorld()
    world.wait_until(START - START % DAY + DAY + MINUTE)
    day = world.day
    check(world, jump_ms=-2 * 60 * MINUTE, offset_ms=None)
    assert not world.try_to_enter()
    assert world.record(CLOCK).reason == "the clock of this machine was set by -7200.0 s"
    assert (world.day.ordinal, world.day.baseline) == (day.ordinal, day.baseline)


@pytest.mark.parametrize(
    ("free", "phase"), [(200 * MB, CLOSED), (200 * MB - 1, OPEN), (0, OPEN), (None, OPEN)]
)
def test_a_disk_that_is_nearly_full_or_cannot_be_asked_denies_entries(free, phase):
    world = BreakerWorld()
    world.give(DiskMeasured(free_bytes=free))
    assert world.phase(DISK) is phase
    assert world.try_to_enter() is (phase is CLOSED)
    if phase is OPEN:
        assert world.state.tally.refusals == {"DISK_SPACE": 1}


def test_entries_flow_when_there_is_room_again_and_not_at_the_first_byte_of_it():
    world = BreakerWorld()
    world.give(DiskMeasured(free_bytes=100 * MB), DiskMeasured(free_bytes=90 * MB))
    assert len(world.record(DISK).trips) == 1
    world.give(DiskMeasured(free_bytes=250 * MB - 1))
    assert world.phase(DISK) is OPEN
    world.give(DiskMeasured(free_bytes=250 * MB))
    assert world.phase(DISK) is CLOSED
    assert world.try_to_enter()


@pytest.mark.parametrize(
    ("left_ms", "failure", "phase", "alarms"),
    [
        (72 * HOUR_MS, "refused", CLOSED, 0),
        (72 * HOUR_MS - 1, "refused", CLOSED, 1),
        (72 * HOUR_MS - 1, "", CLOSED, 0),
        (24 * HOUR_MS, "refused", CLOSED, 1),
        (24 * HOUR_MS - 1, "refused", OPEN, 1),
        (24 * HOUR_MS - 1, "", OPEN, 1),
        (0, "refused", OPEN, 1),
    ],
)
def test_a_dying_token_is_told_and_stops_entries_on_its_last_day(left_ms, failure, phase, alarms):
    world = BreakerWorld()
    before = len(world.alarms)
    world.give(TokenChecked(left_ms=left_ms, failure=failure))
    assert world.phase(TOKEN) is phase
    assert len(world.alarms) - before == alarms
    assert all("authorise again" in text for text in world.alarms[before:])
    assert world.try_to_enter() is (phase is CLOSED)
    if phase is OPEN:
        assert world.state.tally.refusals == {"TOKEN": 1}


def test_a_person_is_reminded_once_a_day_of_a_token_that_is_not_renewed():
    world = BreakerWorld()
    for hours in (71, 70, 48, 47, 30, 24):
        world.give(TokenChecked(left_ms=hours * HOUR_MS, failure="refused"))
    assert [text[:42] for text in world.alarms] == [
        "the access token lives for 71 more hours; ",
        "the access token lives for 47 more hours; ",
    ]


def test_only_a_valid_pair_lets_entries_flow_again():
    world = BreakerWorld()
    world.give(TokenChecked(left_ms=HOUR_MS, failure="refused"))
    world.give(TokenChecked(left_ms=HOUR_MS, failure="refused again"))
    assert len(world.record(TOKEN).trips) == 1
    world.give(TokenChecked(left_ms=30 * HOUR_MS, failure="refused"))
    assert world.phase(TOKEN) is OPEN
    world.give(TokenChecked(left_ms=700 * HOUR_MS, failure=""))
    assert world.phase(TOKEN) is CLOSED
    world.give(TokenChecked(left_ms=71 * HOUR_MS, failure="refused"))
    assert (
        sum("more hours; its renewal failed: refused, auth" in text for text in world.alarms) >= 2
    )
    assert world.try_to_enter()


def test_what_the_bot_runs_on_never_keeps_a_position_from_being_closed():
    world = BreakerWorld()
    world.enter()
    check(world, jump_ms=DAY)
    world.give(DiskMeasured(free_bytes=0), TokenChecked(left_ms=0, failure="refused"))
    world.crash(9)
    world.carry_out()
    assert world.broker.positions == {}
