"""The smaller breakers: silent feed, opening gap, refusals, unknown orders, rates, restarts."""

from msgspec.structs import replace

from palmbot.core.breakers.book import BreakerBook, Mishap
from palmbot.core.breakers.day import add_open_minutes, was_closed_between
from palmbot.core.breakers.machine import close, count_trips, read_now, trip
from palmbot.core.breakers.rules import PERCENT
from palmbot.core.breakers.volatility import read_atr
from palmbot.core.gate import Denial
from palmbot.core.state import EngineState
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import Started, TimePassed
from palmbot.domain.market import Tick
from palmbot.domain.orders import IntentKind, IntentState
from palmbot.domain.units import MS_PER_MINUTE, MS_PER_SECOND, PRICE_SCALE, TimestampMs

QUIET_MS = MS_PER_MINUTE
"""Least pause between two ticks that can hold a break in trading hours."""


def count_start(step: Step, event: Started) -> None:
    """Trip when the program starts over and over."""
    rules = step.params.breakers
    book = step.breakers
    first = event.time - rules.start_window_minutes * MS_PER_MINUTE
    starts = (*(each for each in book.starts if each > first), event.time)
    step.set_breakers(replace(book, starts=starts, is_blind=True))
    if len(starts) > rules.starts_max and not _is_tripped(step, BreakerName.CRASH_LOOP):
        trip(
            step,
            BreakerName.CRASH_LOOP,
            f"{len(starts)} starts within {rules.start_window_minutes} minutes",
            measured=len(starts),
            threshold=rules.starts_max,
        )


def count_mishaps(step: Step, before: EngineState) -> None:
    """Count entries that were refused or became unknown in this step, each once."""
    for intent in step.changed_intents:
        old = before.books.intents.get(intent.intent_id)
        if intent.kind is not IntentKind.ENTRY or (old is not None and old.state is intent.state):
            continue
        mishap = Mishap(at=read_now(step), intent_id=intent.intent_id)
        if intent.state is IntentState.REJECTED:
            _count_reject(step, mishap)
        elif intent.state is IntentState.UNKNOWN:
            _count_unknown(step, mishap)
    refusals = step.tally.refusals.get(Denial.ORDER_RATE, 0)
    book = step.breakers
    if refusals > book.rate_refusals:
        step.set_breakers(replace(book, rate_refusals=refusals))
        if not _is_tripped(step, BreakerName.ORDER_RATE):
            trip(
                step,
                BreakerName.ORDER_RATE,
                "more entries wanted than the limits allow",
                measured=refusals,
                threshold=step.params.orders_per_minute_max,
                is_latched=True,
            )


def watch_silence(step: Step, event: TimePassed) -> None:
    """Trip when trading hours pass without a price."""
    tick = step.market.tick
    symbol = step.symbol
    if tick is None or symbol is None or _is_tripped(step, BreakerName.DATA_STALE):
        return
    age_ms = event.time - tick.time
    if age_ms > step.params.price_age_max_ms and symbol.hours.are_open(event.time):
        step.set_tape(replace(step.tape, fresh_ticks=0))
        trip(
            step,
            BreakerName.DATA_STALE,
            f"no price for {age_ms / MS_PER_SECOND:.0f} s",
            measured=age_ms,
            threshold=step.params.price_age_max_ms,
        )


def watch_opening(step: Step, before: Tick | None, tick: Tick) -> None:
    """Trip when the market opens far from where it closed."""
    symbol = step.symbol
    if before is None or symbol is None or tick.time - before.time < QUIET_MS:
        return
    if not was_closed_between(symbol.hours, before.time, tick.time):
        return
    rules = step.params.breakers
    step.set_tape(replace(step.tape, session_close=before.bid))
    atr = read_atr(step.volatility, rules)
    gap = abs(tick.bid - before.bid)
    if atr is None or gap * PERCENT < rules.gap_percent * atr:
        return
    if not _is_tripped(step, BreakerName.GAP_GUARD):
        trip(
            step,
            BreakerName.GAP_GUARD,
            f"the market opened {gap / PRICE_SCALE:g} from its close, ATR {atr / PRICE_SCALE:g}",
            measured=gap,
            threshold=rules.gap_percent * atr // PERCENT,
            hold_until=add_open_minutes(symbol.hours, tick.time, rules.gap_hold_minutes),
        )


def release_stale(step: Step) -> None:
    """Close the open breaker once prices flow again."""
    fresh_ticks = step.params.breakers.fresh_ticks
    if step.tape.fresh_ticks >= fresh_ticks:
        close(step, BreakerName.DATA_STALE, f"{fresh_ticks} fresh prices")


def release_gap(step: Step) -> None:
    """Close the open breaker when its time is over."""
    _release_by_time(step, BreakerName.GAP_GUARD)


def release_rejects(step: Step) -> None:
    """Close the open breaker when its time is over."""
    _release_by_time(step, BreakerName.REJECT_RATE)


def release_crash_loop(step: Step) -> None:
    """Close the open breaker after quiet minutes, counted from the first price after the start."""
    record = step.breakers.read(BreakerName.CRASH_LOOP)
    now = read_now(step)
    if record.hold_until == 0:
        if step.market.tick_generation == step.link.generation > 0:
            quiet_ms = step.params.breakers.start_window_minutes * MS_PER_MINUTE
            step.put_breaker(replace(record, hold_until=TimestampMs(now + quiet_ms)))
    elif now >= record.hold_until:
        close(step, BreakerName.CRASH_LOOP, "running quietly")


def forget_mishaps(book: BreakerBook, name: BreakerName) -> BreakerBook:
    """Return the book without what made a breaker trip, for a reset by a person."""
    match name:
        case BreakerName.ERROR_RATE:
            return replace(book, unknowns=())
        case BreakerName.REJECT_RATE:
            return replace(book, rejects=())
        case BreakerName.CRASH_LOOP:
            return replace(book, starts=())
        case BreakerName.CLOCK_JUMP:
            return replace(book, machine=replace(book.machine, is_clock_right=True))
        case _:
            return book


def _release_by_time(step: Step, name: BreakerName) -> None:
    if read_now(step) >= step.breakers.read(name).hold_until:
        close(step, name, "the time is over")


def _count_reject(step: Step, mishap: Mishap) -> None:
    rules = step.params.breakers
    book = step.breakers
    recent = _add(book.rejects, mishap, rules.reject_window_minutes)
    step.set_breakers(replace(book, rejects=recent))
    if len(recent) < rules.rejects_max or _is_tripped(step, BreakerName.REJECT_RATE):
        return
    day = book.day
    record = book.read(BreakerName.REJECT_RATE)
    before = count_trips(record, since_day=day.trading_day if day is not None else 0)
    trip(
        step,
        BreakerName.REJECT_RATE,
        f"the broker refused {len(recent)} entries",
        measured=len(recent),
        threshold=rules.rejects_max,
        hold_until=TimestampMs(mishap.at + rules.reject_hold_minutes * MS_PER_MINUTE),
        is_latched=before > 0,
    )


def _count_unknown(step: Step, mishap: Mishap) -> None:
    rules = step.params.breakers
    book = step.breakers
    recent = _add(book.unknowns, mishap, rules.unknown_window_minutes)
    step.set_breakers(replace(book, unknowns=recent))
    if len(recent) >= rules.unknowns_max and not _is_tripped(step, BreakerName.ERROR_RATE):
        trip(
            step,
            BreakerName.ERROR_RATE,
            f"{len(recent)} entries of unknown fate within {rules.unknown_window_minutes} minutes",
            measured=len(recent),
            threshold=rules.unknowns_max,
            is_latched=True,
        )


def _add(mishaps: tuple[Mishap, ...], mishap: Mishap, minutes: int) -> tuple[Mishap, ...]:
    first = mishap.at - minutes * MS_PER_MINUTE
    return (
        *(each for each in mishaps if each.at > first and each.intent_id != mishap.intent_id),
        mishap,
    )


def _is_tripped(step: Step, name: BreakerName) -> bool:
    return step.breakers.read(name).phase is not BreakerPhase.CLOSED
