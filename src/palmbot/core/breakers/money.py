"""Telling payments from results: a deposit must not hide a loss, a withdrawal is none."""

from msgspec.structs import replace

from palmbot.core.breakers.book import BreakerBook
from palmbot.core.step import Step
from palmbot.domain.events import BalanceChanged, BooksReported, Event, OrderFilled
from palmbot.domain.orders import Fill, Payment
from palmbot.domain.units import Money

WITHDRAWALS = frozenset({"BALANCE_WITHDRAW", "BALANCE_WITHDRAW_TRANSFER"})
"""Kinds of payment that are no loss. Any other charge is one, any other gain is not a profit."""
FLOWS_MAX = 64
TELLING = (BalanceChanged, OrderFilled, BooksReported)
"""Events that can tell of money although the balance stands still."""


def account_for_money(step: Step, event: Event) -> None:
    """Split what the balance moved since last looked at into results and payments.

    What no fill and no payment explains counts against us: more money is a deposit, less
    is a loss.
    """
    books = step.books
    book = step.breakers
    if book.balance_seen is None:
        if step.account is not None:
            step.set_breakers(_note_seen(step, book))
        return
    moved = books.balance - book.balance_seen
    is_still = moved == 0 and book.balance_version_seen == books.balance_version
    if is_still and not isinstance(event, TELLING):
        return
    residual = moved - _read_results(event, book.balance_version_seen, moved)
    book, flow, paid = _take_payments(book, event)
    residual -= paid
    if residual != 0:
        book = replace(book, is_unexplained=True)
        step.say(f"the balance moved by {residual} without a fill or payment")
    book = _add_flow(book, flow + max(0, residual))
    if not is_still:
        book = _note_seen(step, book)
    if book is not step.breakers:
        step.set_breakers(book)


def read_closings(event: Event) -> tuple[Fill, ...]:
    """Return the closing fills that an event tells of, also those of foreign positions."""
    fills: tuple[Fill, ...] = ()
    if isinstance(event, OrderFilled):
        fills = (event.fill,)
    elif isinstance(event, BooksReported):
        fills = event.books.fills
    return tuple(fill for fill in fills if fill.closing is not None)


def is_counted(book: BreakerBook, payment: Payment | BalanceChanged) -> bool:
    """Tell whether a payment has been told of before."""
    return _key_of(payment) in book.counted_flows


def _add_flow(book: BreakerBook, flow: int) -> BreakerBook:
    if flow == 0 or book.day is None:
        return book
    return replace(book, day=replace(book.day, cash_flow=Money(book.day.cash_flow + flow)))


def _read_results(event: Event, version_seen: int, moved: int) -> int:
    """Return what the closing fills booked that are younger than the balance last seen.

    A broker that does not number its balances can repeat a fill: only one that moved the
    balance is a result then.
    """
    is_numbered = version_seen > 0
    return sum(
        fill.closing.net_profit
        for fill in read_closings(event)
        if fill.closing is not None
        and (
            fill.closing.balance_version > version_seen
            or (not is_numbered and isinstance(event, OrderFilled) and moved != 0)
        )
    )


def _read_payments(event: Event) -> tuple[Payment | BalanceChanged, ...]:
    """Return what an event tells of payments, announced or found in the broker's history."""
    if isinstance(event, BalanceChanged):
        return (event,)
    return event.books.payments if isinstance(event, BooksReported) else ()


def _take_payments(book: BreakerBook, event: Event) -> tuple[BreakerBook, int, int]:
    """Return the book with the payments of an event, today's flow, and what it explains.

    A payment of a day that market time has not reached waits for it; one of an earlier day is
    part of what this day began with.
    """
    flow = early = paid = 0
    keys = list(book.counted_flows)
    for payment in _read_payments(event):
        counted, own_part = _judge_payment(payment, book)
        paid += own_part
        if book.day is not None and payment.time >= book.day.ends_at:
            early += counted
        elif book.day is not None and payment.time >= book.day.starts_at:
            flow += counted
        if _key_of(payment) not in keys:
            keys.append(_key_of(payment))
    if len(keys) > len(book.counted_flows):
        early_flow = Money(book.early_flow + early)
        book = replace(book, counted_flows=tuple(keys[-FLOWS_MAX:]), early_flow=early_flow)
    return book, flow, paid


def _judge_payment(event: Payment | BalanceChanged, book: BreakerBook) -> tuple[int, int]:
    """Return what counts as payment, and how much of it moved the balance just now.

    A payment that the balance showed before it was announced has been judged by its sign: a
    withdrawal is then taken back from the losses, a deposit has been counted already.
    """
    if is_counted(book, event):
        return 0, 0
    is_new = event.balance_version == 0 or event.balance_version > book.balance_version_seen
    is_payment = event.delta > 0 or event.kind in WITHDRAWALS
    counted = event.delta if is_payment and (is_new or event.delta < 0) else 0
    return counted, event.delta if is_new else 0


def _key_of(event: Payment | BalanceChanged) -> int:
    return event.balance_version or event.time


def _note_seen(step: Step, book: BreakerBook) -> BreakerBook:
    return replace(
        book,
        balance_seen=step.books.balance,
        balance_version_seen=step.books.balance_version,
    )
