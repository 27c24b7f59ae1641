"""Where a trading day begins, what its loss is measured from, and how it trips and ends."""

import pytest
from msgspec.structs import replace

from harness.breaker_world import DAY, HOUR, MINUTE, MONEY, BreakerWorld, make_params
from harness.engine_world import PRICE, START
from palmbot.core.breakers.book import BreakerRecord, DayBook, Outcome, Quality, Result, Trip
from palmbot.core.breakers.daily_loss import (
    _read_results_since,
    _was_open_at,
    judge_probe,
    measure_day,
    read_limits,
    release_day,
)
from palmbot.core.breakers.machine import read_now
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.state import FlattenOrder, LinkPhase
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    LinkLost,
    OperatorAcknowledged,
    TimePassed,
)
from palmbot.domain.units import IntentId, Money, PositionId, TimestampMs

DAILY = BreakerName.DAILY_LOSS
OPEN, CLOSED, HALF_OPEN, LATCHED = (
    BreakerPhase.OPEN,
    BreakerPhase.CLOSED,
    BreakerPhase.HALF_OPEN,
    BreakerPhase.LATCHED,
)
NEXT_DAY = START - 2 * HOUR + DAY
ANY_EVENT = TimePassed(time=START)


def step_of(world):
    return Step(world.state, world.params)


def set_day(step, **changes):
    step.set_breakers(replace(step.breakers, day=replace(step.breakers.day, **changes)))


def set_record(step, **changes):
    record = replace(step.breakers.read(DAILY), **changes)
    step.set_breakers(replace(step.breakers, records={DAILY: record}))


def changes_of(step):
    return step.finish().breaker_changes


# -- the turn of the day ----------------------------------------------------------------------


def test_before_any_market_time_there_is_no_day():
    world = BreakerWorld(is_ready=False)
    assert world.state.breakers.day is None
    world.connect()
    assert world.state.breakers.day is None


@pytest.mark.parametrize(("early_ms", "starts_at"), [(1, NEXT_DAY - DAY), (0, NEXT_DAY)])
def test_a_day_begins_at_its_first_millisecond(early_ms, starts_at):
    world = BreakerWorld()
    world.tick(time=NEXT_DAY - early_ms)
    assert world.day.starts_at == starts_at


def test_a_setting_that_moves_the_start_of_the_day_opens_no_date_twice():
    world = BreakerWorld()
    before = world.day
    world.params = make_params(day_zone="America/New_York")
    world.tick(time=NEXT_DAY + MINUTE)  # in New York it is the evening of the date that ended
    assert (world.day.starts_at, world.day.baseline) == (before.starts_at, before.baseline)
    world.tick(time=NEXT_DAY + 6 * HOUR)
    assert world.day.ordinal == before.ordinal + 1


# -- the baseline -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "quality"),
    [
        (NEXT_DAY - DAY, Quality.EXACT),
        (NEXT_DAY - DAY + 1, Quality.ESTIMATED),
    ],
)
def test_the_first_baseline_is_exact_only_if_the_books_reach_back_to_the_start_of_the_day(
    since, quality
):
    world = BreakerWorld(is_ready=False)
    world.connect()
    books = replace(world.broker.books(), since=TimestampMs(since))
    world.give(BooksReported(generation=1, books=books))
    world.load_bars()
    world.tick()
    assert world.day.quality is quality
    assert world.day.baseline == 10_000 * MONEY
    is_told = any("its baseline is estimated as 10000.00" in text for text in world.alarms)
    assert is_told is (quality is Quality.ESTIMATED)


@pytest.mark.parametrize("change", [-1_000_000, 1_000_000])
def test_of_a_position_held_over_midnight_the_highest_candidate_is_the_baseline(change):
    world = BreakerWorld()
    world.enter()
    world.tick(PRICE, NEXT_DAY - MINUTE)
    last = world.day.equity
    world.tick(PRICE + change, NEXT_DAY)
    first = world.day.equity
    assert (first > last) is (change > 0)
    assert world.day.baseline == max(last, first, world.broker.balance)
    assert world.day.quality is Quality.EXACT


@pytest.mark.parametrize("change", [-1_000_000, 1_000_000])
@pytest.mark.parametrize("paid", [5_000, -5_000])
@pytest.mark.parametrize("is_away", [True, False])
def test_a_payment_before_the_first_price_of_a_day_is_part_of_no_candidate(is_away, paid, change):
    world = BreakerWorld()
    world.enter()
    world.tick(PRICE, NEXT_DAY - MINUTE)
    world.tick(PRICE + 1_000, NEXT_DAY - MINUTE + 1_000)
    highest, loss = max(world.day.equity, world.broker.balance), world.day.loss
    if is_away:
        world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY + MINUTE
    world.pay(paid, "BALANCE_DEPOSIT" if paid > 0 else "BALANCE_WITHDRAW", is_heard=not is_away)
    world.broker.bid = PRICE + change
    if is_away:
        world.come_back()
    else:
        assert (world.day.loss, world.phase(DAILY)) == (loss, CLOSED)
        world.tick()
    assert world.day.cash_flow == paid * MONEY
    first = highest if is_away else world.day.equity - paid * MONEY
    assert world.day.baseline == max(highest, first)
    assert world.day.quality is (Quality.ESTIMATED if is_away else Quality.EXACT)
    assert world.phase(DAILY) is CLOSED


def lose_unexplained(world):
    """Money goes while the bot is away; a person looks, and explains it."""
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.pay(-100, is_heard=False, is_listed=False)
    world.come_back()
    adopt = Acknowledgement.ADOPT
    world.give(OperatorAcknowledged(item="balance", action=adopt, actor="eve", reason="mine"))
    world.settle()


@pytest.mark.parametrize("is_before_midnight", [True, False])
def test_what_was_once_unexplained_does_not_spoil_the_baseline_of_a_later_day(is_before_midnight):
    world = BreakerWorld()
    if not is_before_midnight:
        world.broker.now = NEXT_DAY + HOUR
    lose_unexplained(world)
    assert world.day.quality is (Quality.EXACT if is_before_midnight else Quality.ESTIMATED)
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = world.day.ends_at + HOUR
    world.come_back()
    assert world.day.baseline == 9_900 * MONEY
    assert world.day.quality is Quality.EXACT


def test_a_balance_above_the_equity_last_seen_is_a_candidate_too():
    world = BreakerWorld()
    position = world.enter()
    world.tick(PRICE - 1_000_000)
    assert world.day.equity < world.broker.balance == 10_000 * MONEY
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.close(position.position_id)  # unheard, with a loss
    world.give(TimePassed(time=TimestampMs(NEXT_DAY + HOUR)))
    world.broker.now = NEXT_DAY + HOUR
    lose_unexplained(world)
    assert world.day.baseline == 10_000 * MONEY
    assert world.day.quality is Quality.ESTIMATED


def closings(*times):
    """A world whose books hold closing fills at some times, and what each of them booked."""
    world = BreakerWorld()
    position = world.enter()
    world.end(position.intended_stop)
    fill = world.broker.fills[-1]
    world.broker.fills[:] = [replace(fill, time=TimestampMs(time)) for time in times]
    return world, fill.closing.net_profit


def test_of_books_that_reach_back_closings_count_from_the_first_millisecond_of_the_day_on():
    world, net = closings(999, 1_000, 1_001)
    step = step_of(world)
    set_day(step, starts_at=TimestampMs(1_000))
    books = replace(world.broker.books(), since=TimestampMs(1_000))
    event = BooksReported(generation=1, books=books)
    assert _read_results_since(step, step.breakers.day, event) == 2 * net


def outcome(opened_at, closed_at, net=0):
    return Outcome(
        position_id=PositionId(closed_at),
        intent_id=IntentId("x"),
        opened_at=TimestampMs(opened_at),
        closed_at=TimestampMs(closed_at),
        net=Money(net),
        result=Result.LOSS,
    )


def test_of_shorter_books_the_ledger_counts_with_the_parts_closed_of_positions_of_the_day():
    world, _ = closings()
    books = replace(world.broker.books(), since=TimestampMs(1_001))
    event = BooksReported(generation=1, books=books)
    position = world.enter()
    step = step_of(world)
    set_day(step, starts_at=TimestampMs(1_000))
    ledger = (outcome(1, 999, net=-7), outcome(1, 1_000, net=-20), outcome(1, 2_000, net=-300))
    step.set_breakers(replace(step.breakers, outcomes=ledger))
    for opened_at, results in ((999, -320), (1_000, 4_680)):
        held = replace(position, opened_at=TimestampMs(opened_at), closed_profit=Money(5_000))
        step.put_position(held)
        assert _read_results_since(step, step.breakers.day, event) == results
        assert _read_results_since(step, step.breakers.day, ANY_EVENT) == results


@pytest.mark.parametrize(
    ("opened_at", "closed_at", "was_open"),
    [
        (999, 1_000, True),
        (999, 999, False),
        (1_000, 1_000, False),
        (1_000, 2_000, False),
        (999, 2_000, True),
    ],
)
def test_a_trade_was_open_at_a_moment_after_its_opening_and_until_its_close(
    opened_at, closed_at, was_open
):
    world = BreakerWorld()
    step = step_of(world)
    step.set_breakers(replace(step.breakers, outcomes=(outcome(opened_at, closed_at),)))
    assert _was_open_at(step, TimestampMs(1_000)) is was_open


@pytest.mark.parametrize("unknown", ["baseline", "equity"])
def test_a_loss_needs_both_ends_of_its_measure(unknown):
    day = DayBook(
        ordinal=1,
        starts_at=TimestampMs(0),
        ends_at=TimestampMs(1),
        trading_day=1,
        limits=read_limits(BreakerRules()),
        baseline=Money(10),
        equity=Money(7),
    )
    assert day.loss == 3
    assert replace(day, **{unknown: None}).loss is None


# -- the trip and its end ---------------------------------------------------------------------


def test_the_audit_of_a_trip_holds_the_loss_and_what_was_allowed():
    world = BreakerWorld()
    world.pay(-600, "BALANCE_CHARGE")
    change = next(each for _, decision in world.history for each in decision.breaker_changes)
    assert (change.measured, change.threshold) == (600 * MONEY, 500 * MONEY)
    assert change.reason == ("the day lost 600.00, 500.00 are allowed (baseline 10000.00, exact)")
    assert change.trading_day == world.day.trading_day


@pytest.mark.parametrize(("days_ago", "phase"), [(4, LATCHED), (5, OPEN)])
def test_a_trip_counts_towards_the_latch_for_five_trading_days(days_ago, phase):
    world = BreakerWorld()
    step = step_of(world)
    set_day(step, trading_day=9, equity=Money(9_000 * MONEY))
    earlier = Trip(at=TimestampMs(1), trading_day=9 - days_ago, is_by_probe=False)
    set_record(step, trips=(earlier,))
    step.set_books(replace(step.books, balance=Money(9_000 * MONEY)))
    measure_day(step, ANY_EVENT)
    record = step.breakers.read(DAILY)
    assert record.phase is phase
    kept = (earlier,) if days_ago == 4 else ()
    assert record.trips[:-1] == kept


def test_a_probe_that_loses_is_told_apart_from_trips_that_count():
    world = BreakerWorld()
    step = step_of(world)
    set_record(step, phase=HALF_OPEN)
    judge_probe(step, Result.LOSS)
    record = step.breakers.read(DAILY)
    assert record.phase is OPEN
    assert [each.is_by_probe for each in record.trips] == [True]
    (change,) = changes_of(step)
    assert (change.reason, change.measured, change.threshold) == ("the probe lost", 0, 0)


@pytest.mark.parametrize("result", [Result.WIN, Result.SCRATCH])
def test_a_probe_that_does_not_lose_closes_it(result):
    world = BreakerWorld()
    step = step_of(world)
    set_record(step, phase=HALF_OPEN)
    judge_probe(step, result)
    assert step.breakers.read(DAILY).phase is CLOSED


def test_once_it_tripped_no_share_of_the_limit_is_told_any_more():
    world = BreakerWorld()
    world.pay(-600, "BALANCE_CHARGE")
    world.pay(-1, "BALANCE_CHARGE")
    assert not any("of the allowed daily loss" in text for text in world.alarms)


def test_a_day_that_may_lose_nothing_and_gains_warns_of_nothing():
    world = BreakerWorld()
    step = step_of(world)
    set_day(step, baseline=Money(1))  # a twentieth of it is no whole unit
    measure_day(step, ANY_EVENT)
    assert step.breakers.read(DAILY).phase is CLOSED
    assert step.finish().commands == ()


@pytest.mark.parametrize(
    ("missing", "phase"),
    [
        ("nothing", HALF_OPEN),
        ("time", OPEN),
        ("baseline", OPEN),
        ("clean books", OPEN),
        ("the end of flattening", OPEN),
        ("a flat account", OPEN),
    ],
)
def test_each_condition_of_the_release_by_itself_keeps_it_open(missing, phase):
    world = BreakerWorld()
    if missing == "a flat account":
        world.enter()
    step = step_of(world)
    late_ms = 1 if missing == "time" else 0
    set_record(step, phase=OPEN, hold_until=TimestampMs(read_now(step) + late_ms))
    match missing:
        case "baseline":
            set_day(step, baseline=None)
        case "clean books":
            step.set_link(replace(step.link, phase=LinkPhase.SYNCING))
        case "the end of flattening":
            step.set_flatten(FlattenOrder(reason="loss", since=read_now(step)))
    release_day(step)
    assert step.breakers.read(DAILY).phase is phase


def test_an_untouched_record_is_closed():
    assert BreakerRecord(name=DAILY).phase is CLOSED
