"""The short way of a bar that changes nothing but prices, which most bars of a backtest are.

It takes the bar as `feed.on_bar_closed` does and gives up, with nothing done, as soon as anything
might have to be said about it: a day that turns, money that moved, a breaker that may be let go, a
pause in trading, a limit in reach, a signal while flat. What it returns is what the long way
would return; a test holds both against each other, bar by bar.
"""

from msgspec.structs import replace

from palmbot.core.bars import take_closed_bar
from palmbot.core.breakers.book import DayBook
from palmbot.core.breakers.companions import QUIET_MS
from palmbot.core.breakers.daily_loss import WARNINGS_PERCENT, read_allowed_loss
from palmbot.core.breakers.loss_streak import read_streak
from palmbot.core.breakers.rules import PERCENT
from palmbot.core.breakers.tape import is_beyond, take_opening
from palmbot.core.breakers.volatility import NAME as SPIKE
from palmbot.core.breakers.volatility import is_calm, take_bar
from palmbot.core.entry import read_wish
from palmbot.core.metrics import read_equity
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.core.strategy import Signal
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import BarClosed
from palmbot.domain.market import Bar, Tick
from palmbot.domain.units import Money, TimestampMs


def pass_quiet_bar(state: EngineState, event: BarClosed, params: EngineParams) -> Decision | None:
    """Return the decision on a bar of a file, or None if it has to go the long way."""
    bar, opening = event.bar, event.opening
    symbol, day, view = state.symbol, state.breakers.day, state.volatility
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
    tape = take_opening(state, opening, params.breakers)
    view = take_bar(view, bar, params.bar_period_ms, symbol.hours, params.breakers)
    ratio, limit = view.ratio_percent, params.breakers.volatility_percent
    is_spike = ratio is not None and ratio >= min(limit, day.limits.volatility_percent)
    if is_spike or is_beyond(tape, opening, params.breakers):
        return None
    held_out = state.breakers.list_held_out(opening.time) if state.breakers.records else ()
    if held_out and (held_out != [SPIKE] or is_calm(view, tape, params.breakers)):
        return None
    signal, text = read_wish(market.rsi, params, is_holding=bool(state.books.positions))
    if signal is not Signal.HOLD:
        return None
    after = replace(
        state,
        sequence=state.sequence + 1,
        market=market,
        tape=tape,
        volatility=view,
        last_decision=text,
    )
    equity = read_equity(after, params)
    if equity is None or not _is_within(day, equity):
        return None
    if equity != day.equity:
        book = replace(state.breakers, day=replace(day, equity=equity))
        after = replace(after, breakers=book)
    return Decision(state=after, reason=text)


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
