"""The trading day and its loss: baseline, measure, trip, and the release on a later day.

The loss is that of equity, open positions and costs included, against the higher of balance
and equity when the day began. Money paid in or out is no result.
"""

from msgspec.structs import replace

from palmbot.core.breakers.book import (
    NO_MONEY,
    BreakerRecord,
    DayBook,
    Limits,
    Quality,
    Result,
)
from palmbot.core.breakers.day import find_day
from palmbot.core.breakers.machine import allow_probe, close, count_trips, read_now, trip
from palmbot.core.breakers.money import read_closings
from palmbot.core.breakers.rules import PERCENT, BreakerRules
from palmbot.core.flatten import order_flatten
from palmbot.core.metrics import read_equity
from palmbot.core.state import LinkPhase
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Severity
from palmbot.domain.events import BooksReported, Event
from palmbot.domain.units import BASIS_POINTS, MONEY_SCALE, Money, TimestampMs

NAME = BreakerName.DAILY_LOSS
WARNINGS_PERCENT = (90, 75, 50)


def read_limits(rules: BreakerRules) -> Limits:
    """Return the thresholds that the settings ask for."""
    return Limits(
        daily_loss_bp=rules.daily_loss_bp,
        losses_max=rules.losses_max,
        volatility_percent=rules.volatility_percent,
    )


def read_allowed_loss(day: DayBook) -> Money | None:
    """Return the loss at which the day trips; None before its baseline is known."""
    if day.granted is not None:
        return day.granted
    if day.baseline is None:
        return None
    # Rounded down, so that a loss of exactly the limit trips.
    return Money(day.baseline * day.limits.daily_loss_bp // BASIS_POINTS)


def tighten_limits(step: Step) -> None:
    """Let lowered limits of a new run act at once; raised ones wait for the next day."""
    book = step.breakers
    if book.day is None:
        return
    limits = book.day.limits.tightened_by(read_limits(step.params.breakers))
    if limits != book.day.limits:
        step.set_breakers(replace(book, day=replace(book.day, limits=limits)))


def turn_day(step: Step) -> None:
    """Begin the next trading day once market time has reached it."""
    book = step.breakers
    now = read_now(step)
    old = book.day
    if now == 0 or (old is not None and now < old.ends_at):
        return
    rules = step.params.breakers
    bounds = find_day(now, rules.day_zone, rules.day_start_minute)
    if old is not None and bounds.ordinal <= old.ordinal:
        return
    carried = [old.equity] if old is not None and old.equity is not None else []
    if book.balance_seen is not None:
        carried.append(Money(book.balance_seen - book.early_flow))
    new = DayBook(
        ordinal=bounds.ordinal,
        starts_at=bounds.starts_at,
        ends_at=bounds.ends_at,
        trading_day=(old.trading_day + old.has_prices) if old is not None else 1,
        limits=read_limits(rules),
        carried=max(carried) if carried and old is not None else None,
        cash_flow=book.early_flow,
    )
    step.set_breakers(replace(book, day=new, early_flow=NO_MONEY))
    step.say(f"trading day {new.trading_day} began")


def measure_day(step: Step, event: Event) -> None:
    """Write the baseline if it is missing, measure the loss, trip or release."""
    equity = read_equity(step, step.params)
    if equity is not None:
        # Money paid on a day whose first price is yet to come is neither gain nor loss of this one.
        equity = Money(equity - step.breakers.early_flow)
    book = step.breakers
    day = book.day
    if book.is_blind or day is None or day.baseline is None:
        _find_baseline(step, event, equity)
        book = step.breakers
        day = book.day
    if day is None or day.baseline is None or equity is None:
        return
    if equity != day.equity:
        day = replace(day, equity=equity)
        if not book.is_blind:
            # Until the books are clean again, what was known before counts for the next baseline.
            step.set_breakers(replace(book, day=day))
    allowed = read_allowed_loss(day)
    loss = day.loss
    if loss is None or allowed is None:
        return
    record = step.breakers.read(NAME)
    can_trip = record.phase is BreakerPhase.CLOSED or record.phase is BreakerPhase.HALF_OPEN
    if can_trip and loss >= allowed:
        _trip(step, record, day, allowed)
    elif can_trip and allowed > 0:
        _warn(step, day, loss, allowed)


def release_day(step: Step) -> None:
    """Let the open breaker probe: on a later day, hours after the trip, flat, with clean books."""
    record = step.breakers.read(NAME)
    day = step.breakers.day
    if (
        day is not None
        and day.baseline is not None
        and read_now(step) >= record.hold_until
        and step.link.phase is LinkPhase.CONSISTENT
        and step.flatten is None
        and not step.books.positions
    ):
        allow_probe(step, NAME, "a new day, and clean books")


def judge_probe(step: Step, result: Result) -> None:
    """Close after a probe that did not lose, open again after one that did."""
    record = step.breakers.read(NAME)
    day = step.breakers.day
    if result is Result.LOSS and day is not None:
        trip(
            step,
            NAME,
            "the probe lost",
            measured=0,
            threshold=0,
            hold_until=_hold(step, day),
            is_by_probe=True,
        )
    elif record.phase is BreakerPhase.HALF_OPEN:
        close(step, NAME, f"the probe was a {result}")


def _trip(step: Step, record: BreakerRecord, day: DayBook, allowed: Money) -> None:
    rules = step.params.breakers
    loss = day.loss or NO_MONEY
    before = count_trips(record, since_day=day.trading_day - rules.trip_days + 1)
    is_latched = before + 1 >= rules.daily_trips_max
    reason = (
        f"the day lost {loss / MONEY_SCALE:.2f}, {allowed / MONEY_SCALE:.2f} are allowed "
        f"(baseline {(day.baseline or 0) / MONEY_SCALE:.2f}, {day.quality})"
    )
    trip(
        step,
        NAME,
        reason,
        measured=loss,
        threshold=allowed,
        hold_until=_hold(step, day),
        is_latched=is_latched,
    )
    if rules.daily_flatten:
        order_flatten(step, f"daily loss: {reason}")


def _hold(step: Step, day: DayBook) -> TimestampMs:
    rules = step.params.breakers
    return TimestampMs(max(day.ends_at, read_now(step) + rules.daily_hold_ms))


def _warn(step: Step, day: DayBook, loss: Money, allowed: Money) -> None:
    share = loss * PERCENT // allowed
    if share < WARNINGS_PERCENT[-1]:
        return
    reached = next((each for each in WARNINGS_PERCENT if share >= each), 0)
    if reached > day.warned_percent:
        book = step.breakers
        step.set_breakers(replace(book, day=replace(day, warned_percent=reached)))
        step.alarm(Severity.WARNING, f"{share} % of the allowed daily loss is reached")


def _find_baseline(step: Step, event: Event, equity: Money | None) -> None:
    """Write the baseline of the day, once, as soon as clean books and prices give it.

    Flat when the day began, it is the balance of that moment: today's, less what was booked
    since. With a position open then, its equity at that moment is not known, and the highest
    candidate counts.
    """
    book = step.breakers
    day = book.day
    if step.link.phase is not LinkPhase.CONSISTENT or day is None:
        return
    if day.baseline is not None:
        if book.is_blind:
            step.set_breakers(replace(book, is_blind=False, is_unexplained=False))
        return
    if equity is None:
        return
    reconstructed = step.books.balance - day.cash_flow - _read_results_since(step, day, event)
    was_open = _was_open_at(step, day.starts_at)
    is_covered = isinstance(event, BooksReported) and event.books.since <= day.starts_at
    is_first = day.carried is None
    is_estimated = book.is_blind and (was_open or book.is_unexplained)
    is_estimated = is_estimated or (is_first and not is_covered)
    candidates = [reconstructed]
    if is_estimated or was_open:
        candidates += [step.books.balance - day.cash_flow, equity - day.cash_flow]
        candidates += [day.carried] if day.carried is not None else []
    quality = Quality.ESTIMATED if is_estimated else Quality.EXACT
    day = replace(day, baseline=Money(max(candidates)), quality=quality, equity=equity)
    step.set_breakers(replace(book, day=day, is_blind=False, is_unexplained=False))
    step.say(f"baseline of the day {max(candidates) / MONEY_SCALE:.2f} ({quality})")
    if is_estimated:
        step.alarm(
            Severity.WARNING,
            f"the bot was away when the day began: its baseline is estimated as "
            f"{max(candidates) / MONEY_SCALE:.2f}",
        )


def _read_results_since(step: Step, day: DayBook, event: Event) -> int:
    """Return what closing fills booked since the day began."""
    if isinstance(event, BooksReported) and event.books.since <= day.starts_at:
        return sum(
            fill.closing.net_profit
            for fill in read_closings(event)
            if fill.closing is not None and fill.time >= day.starts_at
        )
    closed = sum(
        outcome.net for outcome in step.breakers.outcomes if outcome.closed_at >= day.starts_at
    )
    return closed + sum(
        position.closed_profit
        for position in step.books.positions.values()
        if position.opened_at >= day.starts_at
    )


def _was_open_at(step: Step, moment: TimestampMs) -> bool:
    return any(position.opened_at < moment for position in step.books.positions.values()) or any(
        outcome.opened_at < moment <= outcome.closed_at for outcome in step.breakers.outcomes
    )
