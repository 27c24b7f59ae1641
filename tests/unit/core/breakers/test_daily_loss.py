"""The daily loss: what counts, what does not, when it ends, and what a restart may not change."""

import pytest
from msgspec.structs import replace

from harness.breaker_world import DAY, HOUR, MINUTE, MONEY, BreakerWorld, make_params
from harness.engine_world import PRICE, START
from palmbot.core.breakers.book import Quality
from palmbot.core.state import LinkPhase
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    LinkLost,
    OperatorAcknowledged,
    OperatorReset,
    TimePassed,
)
from palmbot.domain.units import Money, TimestampMs

DAILY = BreakerName.DAILY_LOSS
OPEN, CLOSED, HALF_OPEN, LATCHED = (
    BreakerPhase.OPEN,
    BreakerPhase.CLOSED,
    BreakerPhase.HALF_OPEN,
    BreakerPhase.LATCHED,
)
NEXT_DAY = START - 2 * HOUR + DAY


def charge(world, amount):
    """A loss without a trade: a charge of the broker."""
    world.pay(-amount, "BALANCE_CHARGE")


def trip(world):
    charge(world, 600)
    assert world.phase(DAILY) is OPEN


def test_exactly_the_limit_trips_and_a_hair_less_does_not():
    world = BreakerWorld()
    for money, phase in ((500 * MONEY - 1, CLOSED), (1, OPEN)):
        world.broker.balance -= money
        world.broker.balance_version += 1
        told = replace(world.payment(0, "BALANCE_CHARGE"), delta=Money(-money))
        world.give(told)
        assert world.phase(DAILY) is phase
    assert world.day.loss == 500 * MONEY


def test_an_open_loss_counts():
    world = BreakerWorld()
    world.enter()
    world.crash(9)
    assert world.state.tally.trades == 0
    assert world.phase(DAILY) is OPEN


def test_a_deposit_does_not_hide_a_loss_and_a_withdrawal_is_none():
    world = BreakerWorld()
    world.pay(1_000)
    charge(world, 499)
    assert world.phase(DAILY) is CLOSED
    charge(world, 1)
    assert world.phase(DAILY) is OPEN
    other = BreakerWorld()
    other.pay(-2_000, "BALANCE_WITHDRAW")
    assert other.phase(DAILY) is CLOSED
    assert other.day.loss == 0


def test_a_payment_told_twice_counts_once():
    world = BreakerWorld()
    world.pay(1_000)
    world.give(world.payment(1_000, "BALANCE_DEPOSIT"))
    assert world.day.cash_flow == 1_000 * MONEY


def test_a_deposit_that_only_the_books_show_does_not_hide_a_loss():
    world = BreakerWorld()
    world.pay(1_000, is_heard=False)
    world.reconnect()
    assert world.day.cash_flow == 1_000 * MONEY
    world.give(world.payment(1_000, "BALANCE_DEPOSIT"))
    assert world.day.cash_flow == 1_000 * MONEY
    charge(world, 500)
    assert world.phase(DAILY) is OPEN


def test_a_withdrawal_that_the_broker_lists_is_no_loss_though_nobody_heard_of_it():
    world = BreakerWorld()
    world.pay(-300, "BALANCE_WITHDRAW", is_heard=False)
    world.reconnect()
    assert world.day.loss == 0
    assert world.day.cash_flow == -300 * MONEY
    assert world.state.link.phase is LinkPhase.CONSISTENT
    world.give(world.payment(-300, "BALANCE_WITHDRAW"))
    world.reconnect()
    assert world.day.loss == 0
    assert world.day.cash_flow == -300 * MONEY


def test_a_charge_that_the_broker_lists_is_a_loss():
    world = BreakerWorld()
    world.pay(-500, "BALANCE_CHARGE", is_heard=False)
    world.reconnect()
    assert world.phase(DAILY) is OPEN


def test_a_payment_of_an_earlier_day_is_none_of_today():
    world = BreakerWorld()
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY - HOUR
    world.pay(-1_000, "BALANCE_WITHDRAW", is_heard=False)
    world.broker.now = NEXT_DAY + HOUR
    world.give(TimePassed(time=TimestampMs(world.broker.now)))
    world.come_back()
    assert world.day.cash_flow == 0
    assert world.day.baseline == 9_000 * MONEY
    assert world.day.loss == 0


@pytest.mark.parametrize("after_ms", [0, HOUR])
def test_a_payment_of_a_day_not_yet_begun_waits_for_it(after_ms):
    world = BreakerWorld()
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY + after_ms
    world.pay(2_000, is_heard=False)
    world.broker.now = NEXT_DAY + 2 * HOUR
    world.come_back()  # the reading is the first to say that the next day has come
    assert world.day.starts_at == NEXT_DAY
    assert world.day.cash_flow == 2_000 * MONEY
    assert world.day.baseline == 10_000 * MONEY
    assert world.state.breakers.early_flow == 0
    charge(world, 499)
    assert world.phase(DAILY) is CLOSED
    charge(world, 1)
    assert world.phase(DAILY) is OPEN


def test_a_withdrawal_that_only_the_balance_shows_counts_as_loss_until_it_is_told():
    world = BreakerWorld()
    world.pay(-300, is_heard=False, is_listed=False)
    world.reconnect()
    assert world.day.loss == 300 * MONEY
    world.give(world.payment(-300, "BALANCE_WITHDRAW"))
    assert world.day.loss == 0


def test_a_broker_that_does_not_number_its_balances_is_understood():
    world = BreakerWorld(is_ready=False)
    world.account = replace(world.account, balance_version=0)
    world.broker.balance_version = -1  # the next closing fill is number 0
    world.connect()
    world.give(BooksReported(generation=1, books=replace(world.broker.books(), balance_version=0)))
    world.load_bars()
    world.tick()
    position = world.enter()
    world.end(position.intended_target)
    assert world.day.cash_flow == 0
    assert world.day.loss < 0


def test_recovery_does_not_release_it():
    world = BreakerWorld()
    world.enter()
    world.crash(9)
    world.tick(PRICE)
    world.carry_out()
    world.wait(HOUR)
    assert world.phase(DAILY) is OPEN


def test_it_releases_on_the_next_day_four_hours_later_to_a_probe_of_half_size():
    world = BreakerWorld()
    world.wait_until(NEXT_DAY - HOUR)
    trip(world)
    world.wait_until(NEXT_DAY + HOUR)
    assert world.phase(DAILY) is OPEN
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.wait_until(NEXT_DAY + 4 * HOUR)
    assert world.phase(DAILY) is OPEN  # not without clean books
    world.come_back()
    world.wait(MINUTE)
    assert world.phase(DAILY) is HALF_OPEN
    assert world.try_to_enter()
    assert world.sends[-1].volume == 300
    assert world.day.baseline == 9_400 * MONEY
    world.end(world.state.position.intended_target)
    assert world.phase(DAILY) is CLOSED


def test_a_probe_that_loses_opens_it_again():
    world = BreakerWorld()
    world.wait_until(NEXT_DAY - HOUR)
    trip(world)
    world.wait_until(NEXT_DAY + 4 * HOUR)
    world.lose()
    assert world.phase(DAILY) is OPEN
    assert world.record(DAILY).hold_until == NEXT_DAY + DAY


def test_a_probe_that_never_filled_is_followed_by_another():
    world = BreakerWorld()
    world.wait_until(NEXT_DAY - HOUR)
    trip(world)
    world.wait_until(NEXT_DAY + 4 * HOUR)
    late = world.fall()
    world.stored(late, age_ms=5_000)  # not sent
    assert world.record(DAILY).probe is None
    assert world.try_to_enter()


def test_the_second_trip_within_five_trading_days_latches():
    world = BreakerWorld()
    trip(world)
    world.wait_until(NEXT_DAY + HOUR)
    assert world.phase(DAILY) is HALF_OPEN
    charge(world, 600)
    assert world.phase(DAILY) is LATCHED
    world.wait_until(NEXT_DAY + 3 * DAY)
    assert world.phase(DAILY) is LATCHED


def test_the_loss_before_an_entry_is_held_against_what_is_left_of_the_day():
    world = BreakerWorld()
    charge(world, 460)
    world.fall()
    world.carry_out()
    (entry,) = world.sends
    assert entry.volume == 200  # 30 at the stop; 40 are left, a tenth kept for slippage
    other = BreakerWorld()
    charge(other, 490)
    assert not other.try_to_enter()
    assert other.state.tally.refusals == {"BUDGET": 1}


def test_from_three_quarters_of_the_limit_the_size_is_halved():
    world = BreakerWorld()
    charge(world, 374)
    world.enter()
    assert world.sends[-1].volume == 600
    other = BreakerWorld()
    charge(other, 375)
    other.enter()
    assert other.sends[-1].volume == 300


def test_a_person_is_warned_on_the_way():
    world = BreakerWorld()
    for amount in (250, 125, 75):
        charge(world, amount)
    shares = [text for text in world.alarms if "of the allowed daily loss" in text]
    assert [text.split()[0] for text in shares] == ["50", "75", "90"]


def test_down_at_midnight_the_baseline_is_rebuilt_from_what_was_closed_since():
    world = BreakerWorld()
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY + HOUR
    world.come_back()
    assert world.day.baseline == 10_000 * MONEY
    assert world.day.quality is Quality.EXACT


@pytest.mark.parametrize(
    ("is_listed", "quality"), [(True, Quality.EXACT), (False, Quality.ESTIMATED)]
)
def test_a_deposit_while_away_is_not_taken_for_money_of_the_morning(is_listed, quality):
    world = BreakerWorld()
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY + HOUR
    world.give(TimePassed(time=TimestampMs(world.broker.now)))
    assert world.day.baseline is None
    world.pay(1_000, is_heard=False, is_listed=is_listed)
    world.come_back()
    if not is_listed:
        assert world.day.baseline is None  # a person has to look first
        adopt = Acknowledgement.ADOPT
        world.give(OperatorAcknowledged(item="balance", action=adopt, actor="eve", reason="mine"))
        world.settle()
    assert world.day.baseline == 10_000 * MONEY
    assert world.day.quality is quality
    assert world.day.loss == 0


def test_with_a_position_open_at_midnight_the_highest_candidate_is_the_baseline():
    world = BreakerWorld()
    position = world.enter()
    world.tick(PRICE + 1_000_000, world.broker.now + 2_000)
    equity = world.day.equity
    assert equity > 10_000 * MONEY
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.broker.now = NEXT_DAY + HOUR
    world.broker.close(position.position_id, position.intended_stop)
    world.come_back()
    assert world.day.quality is Quality.ESTIMATED
    assert world.day.baseline == equity
    assert any("estimated" in text for text in world.alarms)
    assert world.day.loss > 0


def test_a_bot_without_a_journal_learns_the_loss_of_the_day_from_the_broker():
    world = BreakerWorld()
    position = world.enter()
    world.end(position.entry_price - 10_000_000)
    assert world.phase(DAILY) is OPEN
    fresh = BreakerWorld(is_ready=False)
    fresh.broker = world.broker
    fresh.make_ready()
    assert fresh.state.switch.halted_by == "reconciliation"  # orders of ours that nobody remembers
    ignore = Acknowledgement.IGNORE
    fresh.give(OperatorAcknowledged(item="journal", action=ignore, actor="eve", reason="seen"))
    fresh.settle()
    assert fresh.day.baseline == 10_000 * MONEY
    assert fresh.phase(DAILY) is OPEN


def test_a_lowered_limit_acts_at_once_and_a_raised_one_the_next_day():
    world = BreakerWorld()
    charge(world, 300)
    world.params = make_params(daily_loss_bp=200)
    world.restart()
    world.come_back()
    assert world.phase(DAILY) is OPEN
    other = BreakerWorld()
    other.params = make_params(daily_loss_bp=2_000)
    other.restart()
    other.come_back()
    assert other.day.limits.daily_loss_bp == 500
    other.wait_until(NEXT_DAY + HOUR)
    assert other.day.limits.daily_loss_bp == 2_000


def test_a_day_never_opens_again():
    world = BreakerWorld()
    world.wait_until(NEXT_DAY + MINUTE)
    ordinal = world.day.ordinal
    world.broker.now -= DAY
    world.tick()
    assert world.day.ordinal == ordinal


@pytest.mark.parametrize(
    ("budget_bp", "wait_min", "sentence"),
    [
        (None, 20, "name a further budget"),
        (100, 5, "not before 15"),
        (600, 20, "at most 5 %"),
    ],
)
def test_a_reset_is_refused_without_budget_too_soon_or_too_generous(budget_bp, wait_min, sentence):
    world = BreakerWorld()
    trip(world)
    world.wait(wait_min * MINUTE)
    reset = OperatorReset(name=DAILY, actor="eve", reason="looked", budget_bp=budget_bp)
    assert sentence in world.give(reset).reason
    assert world.phase(DAILY) is OPEN


def test_a_reset_grants_a_finite_budget_once_a_day():
    world = BreakerWorld()
    trip(world)
    world.wait(20 * MINUTE)
    reset = OperatorReset(name=DAILY, actor="eve", reason="a bad print", budget_bp=100)
    world.give(reset)
    record = world.record(DAILY)
    assert (record.phase, record.reset_by) == (HALF_OPEN, "eve")
    assert world.day.granted == Money(700 * MONEY)
    charge(world, 100)
    assert world.phase(DAILY) is LATCHED
    world.wait(20 * MINUTE)
    assert "reset today already" in world.give(reset).reason
