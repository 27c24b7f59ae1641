"""Which movements of the balance are results, which are payments, and each only once."""

import pytest
from msgspec.structs import replace

from harness.breaker_world import HOUR, MONEY, BreakerWorld
from palmbot.core.breakers.money import _judge_payment, _read_results, account_for_money
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import BalanceChanged, BooksReported
from palmbot.domain.orders import Payment
from palmbot.domain.units import Money, TimestampMs

DAILY = BreakerName.DAILY_LOSS


def payment(delta, *, kind="BALANCE_DEPOSIT", version=0, time=1):
    return BalanceChanged(
        balance=Money(0),
        balance_version=version,
        delta=Money(delta),
        kind=kind,
        time=TimestampMs(time),
    )


def closing_event(world, version):
    """A closing fill that left the balance with a number; and what it booked."""
    position = world.enter()
    (event,) = world.broker.close(position.position_id, position.intended_stop)
    closing = replace(event.fill.closing, balance_version=version)
    return replace(event, fill=replace(event.fill, closing=closing)), closing.net_profit


@pytest.mark.parametrize(
    ("version_seen", "version", "moved", "is_result"),
    [
        (7, 8, -1, True),
        (7, 7, -1, False),
        (1, 1, -1, False),
        (0, 0, -1, True),
        (0, 0, 1, True),
        (0, 0, 0, False),
    ],
)
def test_a_closing_fill_is_a_result_if_the_balance_last_seen_does_not_hold_it(
    version_seen, version, moved, is_result
):
    event, net = closing_event(BreakerWorld(), version)
    assert _read_results(event, version_seen, moved) == (net if is_result else 0)


def test_of_books_without_numbers_no_fill_is_a_result():
    world = BreakerWorld()
    event, _ = closing_event(world, 0)
    books = replace(world.broker.books(), fills=(event.fill,))
    assert _read_results(BooksReported(generation=1, books=books), 0, -1) == 0


@pytest.mark.parametrize(
    ("event", "judged"),
    [
        (payment(1, version=8), (1, 1)),
        (payment(1, version=7), (0, 0)),
        (payment(-1, version=8, kind="BALANCE_WITHDRAW"), (-1, -1)),
        (payment(-1, version=7, kind="BALANCE_WITHDRAW"), (-1, 0)),
        (payment(-1, version=8, kind="BALANCE_CHARGE"), (0, -1)),
        (payment(-1, version=7, kind="BALANCE_CHARGE"), (0, 0)),
        (payment(1, version=0), (1, 1)),
    ],
)
def test_a_payment_counts_by_its_sign_and_kind_and_moves_the_balance_only_once(event, judged):
    book = replace(BreakerWorld().state.breakers, balance_version_seen=7)
    assert _judge_payment(event, book) == judged
    unnumbered = replace(book, balance_version_seen=0)
    if event.balance_version == 0:
        assert _judge_payment(event, unnumbered) == judged


@pytest.mark.parametrize("delta", [1, -1])
def test_the_smallest_amount_counts(delta):
    world = BreakerWorld()
    world.broker.balance += delta
    world.broker.balance_version += 1
    kind = "BALANCE_DEPOSIT" if delta > 0 else "BALANCE_WITHDRAW"
    world.give(replace(world.payment(0, kind), delta=Money(delta)))
    assert world.day.cash_flow == delta
    assert world.day.loss == 0


def test_two_payments_of_one_moment_are_two():
    world = BreakerWorld()
    world.pay(100)
    world.pay(200)
    world.give(world.payment(200, "BALANCE_DEPOSIT"))  # told again
    assert world.day.cash_flow == 300 * MONEY
    assert not world.state.breakers.is_unexplained


def test_two_payments_without_numbers_are_told_apart_by_their_time():
    world = BreakerWorld()
    step = Step(world.state, world.params)
    step.set_breakers(replace(step.breakers, balance_version_seen=0))
    now = world.broker.now
    for time, flow in ((now, 1), (now + 1, 2), (now + 1, 2)):
        moved = flow - step.breakers.day.cash_flow
        books = replace(step.books, balance=Money(step.books.balance + moved), balance_version=0)
        step.set_books(books)
        account_for_money(step, payment(1, time=time))
        assert step.breakers.day.cash_flow == flow
        assert not step.breakers.is_unexplained


@pytest.mark.parametrize(("early_ms", "flow"), [(0, 1_000), (1, 0)])
def test_a_payment_belongs_to_the_day_from_its_first_millisecond_on(early_ms, flow):
    world = BreakerWorld()
    world.give(
        replace(world_payment(world, 1_000), time=TimestampMs(world.day.starts_at - early_ms))
    )
    assert world.day.cash_flow == flow * MONEY


def world_payment(world, amount):
    """Move money, and return what the broker would say of it."""
    world.broker.balance += amount * MONEY
    world.broker.balance_version += 1
    return world.payment(amount, "BALANCE_DEPOSIT")


@pytest.mark.parametrize("is_heard", [True, False])
def test_money_that_comes_before_the_first_reading_of_the_books_belongs_to_no_day(is_heard):
    world = BreakerWorld(is_ready=False)
    world.connect()
    assert world.state.breakers.day is None
    world.pay(100, is_heard=is_heard, is_listed=False)
    world.read_books()
    world.load_bars()
    world.tick()
    assert world.phase(DAILY) is BreakerPhase.CLOSED
    assert world.day.loss == 0


def test_a_balance_without_numbers_that_moved_is_looked_at_once():
    world = BreakerWorld()
    step = Step(world.state, world.params)
    step.set_breakers(replace(step.breakers, balance_version_seen=0))
    step.set_books(replace(step.books, balance_version=0))
    event, net = closing_event(world, 0)
    step.set_books(replace(step.books, balance=Money(step.books.balance + net)))
    account_for_money(step, event)
    books = replace(world.broker.books(), fills=(), balance_version=0)
    account_for_money(step, BooksReported(generation=1, books=books))
    assert not step.breakers.is_unexplained
    assert step.breakers.day.cash_flow == 0


def test_a_balance_that_is_the_same_again_is_known_by_its_new_number():
    world = BreakerWorld()
    world.pay(100, is_heard=False, is_listed=False)
    world.pay(-100, is_heard=False, is_listed=False)
    world.reconnect()
    assert world.state.breakers.balance_version_seen == world.broker.balance_version


def test_only_the_newest_payments_are_remembered_to_know_them_again():
    world = BreakerWorld()
    for _ in range(66):
        world.pay(1)
    keys = world.state.breakers.counted_flows
    assert keys == tuple(range(world.broker.balance_version - 63, world.broker.balance_version + 1))
    assert world.day.cash_flow == 66 * MONEY


def test_a_payment_found_in_the_books_counts_like_one_that_was_heard():
    world = BreakerWorld()
    heard = world_payment(world, 70)
    listed = Payment(
        delta=heard.delta,
        kind=heard.kind,
        balance=heard.balance,
        balance_version=heard.balance_version,
        time=heard.time,
    )
    world.broker.payments.append(listed)
    world.broker.now += HOUR
    world.reconnect()
    assert world.day.cash_flow == 70 * MONEY
    world.give(heard)
    assert world.day.cash_flow == 70 * MONEY
    assert not world.state.breakers.is_unexplained
