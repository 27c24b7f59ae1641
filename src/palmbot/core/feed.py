"""Prices, bars and time: what they do to the market view, and when a bar is decided."""

from msgspec.structs import replace

from palmbot.core.bars import (
    is_late,
    merge_history,
    note_decided,
    take_closed_bar,
    take_leg_tick,
    take_tick,
    take_time,
)
from palmbot.core.breakers.tape import take_opening
from palmbot.core.breakers.tape import take_tick as take_tick_on_tape
from palmbot.core.breakers.watch import is_review_due, note_requests, review
from palmbot.core.entry import decide_bar
from palmbot.core.link import ask_bars
from palmbot.core.params import EngineParams
from palmbot.core.quiet import pass_quiet_bar
from palmbot.core.state import Decision, EngineState, LinkPhase
from palmbot.core.step import Step
from palmbot.domain.events import BarClosed, BarsLoaded, BarsUnavailable, TimePassed
from palmbot.domain.market import Tick


def on_tick(state: EngineState, tick: Tick, params: EngineParams) -> Decision:
    """Take a price; decide the bar that waits for it."""
    step = Step(state, params)
    market = state.market
    symbol = state.symbol
    if symbol is None or tick.symbol_id != symbol.symbol_id:
        if any(leg.symbol_id == tick.symbol_id for leg in state.conversion):
            step.set_market(take_leg_tick(market, tick))
        return step.finish()
    if is_late(market, tick):
        step.set_tally(replace(state.tally, late_ticks=state.tally.late_ticks + 1))
        return step.finish()
    market = take_tick(market, tick, state.link.generation, params.bar_period_ms, params.rsi_period)
    bar_time = market.undecided_bar if tick.time >= market.closed_until else None
    step.set_market(market if bar_time is None else note_decided(market))
    step.set_tape(take_tick_on_tape(state, tick, params.breakers))
    if bar_time is not None or is_review_due(step, state, tick):
        review(step, state, tick)
    if bar_time is not None:
        decide_bar(step, bar_time, tick)
        note_requests(step, state)
    return step.finish()


def on_bar_closed(state: EngineState, event: BarClosed, params: EngineParams) -> Decision:
    """Take a bar from a file, and decide it at the first price after it, else at its close."""
    quiet = pass_quiet_bar(state, event, params)
    if quiet is not None:
        return quiet
    step = Step(state, params)
    price = _take_bar(step, state, event)
    review(step, state, event)
    if price is not None:
        decide_bar(step, event.bar.open_time, price)
        note_requests(step, state)
    return step.finish()


def on_time(step: Step, event: TimePassed) -> None:
    """Let market time pass; a bar that ends by it is decided at the next price.

    That price is the open of the next bar, at which the strategy enters.
    """
    params = step.params
    step.set_market(take_time(step.market, event.time, params.bar_period_ms, params.rsi_period))


def on_bars_loaded(step: Step, event: BarsLoaded) -> None:
    """Merge the broker's bars with ours."""
    link = step.link
    if event.generation != link.generation or link.phase is LinkPhase.DISCONNECTED:
        step.say(f"bars of connection {event.generation}, which is gone")
        return
    market = merge_history(
        step.market, event.bars, step.params.bar_period_ms, step.params.rsi_period
    )
    step.set_market(market)
    step.set_link(replace(link, history_generation=link.generation, history_attempt=0))
    step.say(f"{len(event.bars)} bars of history, {market.rsi.bars_seen} seen")


def on_bars_unavailable(step: Step, event: BarsUnavailable) -> None:
    """Ask again later; there is no entry before the history is there."""
    link = step.link
    if event.generation != link.generation or link.phase is LinkPhase.DISCONNECTED:
        step.say(f"no bars on connection {event.generation}, which is gone")
        return
    step.set_link(replace(link, history_attempt=link.history_attempt + 1))
    step.say(f"bars could not be read: {event.reason}")
    ask_bars(step)


def _take_bar(step: Step, before: EngineState, event: BarClosed) -> Tick | None:
    """Add a bar of a file; return the price at which it is decided, or say why not."""
    symbol, link = step.symbol, step.link
    if symbol is None:
        step.say("a bar before the contract is known")
        return None
    if event.bar.open_time < step.market.closed_until:
        step.say(f"the bar of {event.bar.open_time} was closed before")
        return None
    market = take_closed_bar(
        step.market,
        event.bar,
        opening=event.opening,
        symbol_id=symbol.symbol_id,
        generation=link.generation,
        period_ms=step.params.bar_period_ms,
        rsi_period=step.params.rsi_period,
    )
    if event.opening is not None:
        step.set_tape(take_opening(before, event.opening, step.params.breakers))
    step.set_market(market)
    if link.history_generation != link.generation:
        # A file is its own history: no bar of it was missed while a link was down.
        step.set_link(replace(link, history_generation=link.generation))
    return market.tick
