"""The short way of a bar that changes nothing but prices, which most bars of a backtest are.

It takes the bar as `feed.on_bar_closed` does and gives up, with nothing done, as soon as anything
might have to be said about it: a day that turns, money that moved, a breaker that may be let go, a
pause in trading, a limit in reach, a signal while flat. What it returns is what the long way
would return; a test holds both against each other, bar by bar.
"""

from typing import NamedTuple

from msgspec.structs import replace

from palmbot.core.bars import take_closed_bar
from palmbot.core.breakers.book import (
    BreakerBook,
    BreakerRecord,
    DayBook,
    Tape,
    VolatilityView,
)
from palmbot.core.breakers.companions import QUIET_MS
from palmbot.core.breakers.daily_loss import WARNINGS_PERCENT, read_allowed_loss
from palmbot.core.breakers.day import add_open_minutes
from palmbot.core.breakers.loss_streak import read_streak
from palmbot.core.breakers.machine import prolong
from palmbot.core.breakers.rules import PERCENT
from palmbot.core.breakers.tape import is_beyond, take_opening
from palmbot.core.breakers.volatility import NAME as SPIKE
from palmbot.core.breakers.volatility import describe_ratio, is_calm, read_limit, take_bar
from palmbot.core.entry import read_wish
from palmbot.core.metrics import read_equity
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.core.strategy import Signal
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import BarClosed
from palmbot.domain.market import Bar, Symbol, Tick
from palmbot.domain.units import Money, TimestampMs


def pass_quiet_bar(state: EngineState, event: BarClosed, params: EngineParams) -> Decision | None:
    """Return the decision on a bar of a file, or None if it has to go the long way."""
    bar, opening = event.bar, event.opening
    symbol, day = state.symbol, state.breakers.day
    if (
        symbol is None
        or opening is None
        or day is None
        or not _is_next(state, bar, opening, params)
        or not _is_settled(state, day, opening.time, params)
    ):
        return None
    market = take_closed_bar(
        state.market,
        bar,
        opening=opening,
        symbol_id=symbol.symbol_id,
        generation=state.link.generation,
        period_ms=params.bar_period_ms,
        rsi_period=params.rsi_period,
    )
    seen = _watch(state, bar, opening, symbol, params)
    if seen is None:
        return None
    signal, text = read_wish(market.rsi, params, is_holding=bool(state.books.positions))
    if signal is not Signal.HOLD:
        return None
    after = replace(
        state,
        sequence=state.sequence + 1,
        market=market,
        tape=seen.tape,
        volatility=seen.volatility,
        breakers=seen.breakers,
        last_decision=text,
    )
    equity = read_equity(after, params)
    if equity is None or not _is_within(day, equity):
        return None
    if equity != day.equity:
        after = replace(after, breakers=replace(seen.breakers, day=replace(day, equity=equity)))
    return Decision(state=after, reason=text, changed_breakers=seen.changed)


class _Seen(NamedTuple):
    tape: Tape
    volatility: VolatilityView
    breakers: BreakerBook
    changed: tuple[BreakerRecord, ...]


def _watch(
    state: EngineState, bar: Bar, opening: Tick, symbol: Symbol, params: EngineParams
) -> _Seen | None:
    """Return what the breakers see in the bar, None if one trips or is let go.

    A volatility breaker that is open already only holds for longer while the spike lasts.
    """
    rules, book = params.breakers, state.breakers
    tape = take_opening(state, opening, rules)
    view = take_bar(state.volatility, bar, params.bar_period_ms, symbol.hours, rules)
    if is_beyond(tape, opening, rules):
        return None
    changed: tuple[BreakerRecord, ...] = ()
    ratio = view.ratio_percent
    if ratio is not None and ratio >= read_limit(book, rules):
        spike = book.read(SPIKE)
        if spike.phase is BreakerPhase.CLOSED:
            return None
        until = add_open_minutes(symbol.hours, opening.time, rules.volatility_hold_minutes)
        longer = prolong(spike, until, describe_ratio(ratio))
        tape, view = replace(tape, fresh_ticks=0), replace(view, calm_bars=0)
        if longer is not spike:
            book, changed = replace(book, records={**book.records, SPIKE: longer}), (longer,)
    held_out = book.list_held_out(opening.time) if book.records else ()
    if held_out and (held_out != [SPIKE] or is_calm(view, tape, rules)):
        return None
    return _Seen(tape, view, book, changed)


def _is_settled(state: EngineState, day: DayBook, now: TimestampMs, params: EngineParams) -> bool:
    """Tell whether the bot stands on known ground, and no streak can trip."""
    book, books, link = state.breakers, state.books, state.link
    losses_max = min(day.limits.losses_max, params.breakers.losses_max)
    return (
        now < day.ends_at
        and day.has_prices
        and day.baseline is not None
        and state.flatten is None
        and book.early_flow == 0
        and not (book.is_blind or book.defect)
        and books.balance == book.balance_seen
        and books.balance_version == book.balance_version_seen
        and link.history_generation == link.generation
        and (
            read_streak(book.outcomes) < losses_max
            or book.read(BreakerName.LOSS_STREAK).phase is not BreakerPhase.CLOSED
        )
    )


def _is_next(state: EngineState, bar: Bar, opening: Tick, params: EngineParams) -> bool:
    """Tell whether the bar follows the last one that was seen, and its opening is news."""
    market, seen_until = state.market, state.volatility.seen_until
    recent = market.recent_bars
    end = bar.open_time + params.bar_period_ms
    return (
        bool(recent)
        and recent[-1].open_time < seen_until <= bar.open_time
        and market.closed_until <= bar.open_time
        and max(end, market.time, state.link.confirmed_at or 0) <= opening.time < end + QUIET_MS
    )


def _is_within(day: DayBook, equity: Money) -> bool:
    """Tell whether the loss of the day is too small to be spoken of."""
    allowed = read_allowed_loss(day)
    if day.baseline is None or allowed is None:
        return False
    loss = day.baseline + day.cash_flow - equity
    if loss >= allowed:
        return False
    return allowed <= 0 or loss * PERCENT // allowed < WARNINGS_PERCENT[-1]
