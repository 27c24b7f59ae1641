"""Prices, bars and time: what they do to the market view, and when a bar is decided."""

from dataclasses import replace

from palmbot.core.bars import (
    is_late,
    merge_history,
    take_closed_bar,
    take_leg_tick,
    take_opening,
    take_tick,
    take_time,
)
from palmbot.core.breakers.tape import take_tick as take_tick_on_tape
from palmbot.core.breakers.watch import is_review_due, note_requests, review
from palmbot.core.entry import decide_bar
from palmbot.core.link import ask_bars
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState, LinkPhase
from palmbot.core.step import Step
from palmbot.domain.events import BarClosed, BarsLoaded, BarsUnavailable, TimePassed
from palmbot.domain.market import Tick


def on_tick(state: EngineState, tick: Tick, params: EngineParams) -> Decision:
    """Take a price; decide the bar that waits for it."""
    sequence = state.sequence + 1
    symbol = state.symbol
    if symbol is None or tick.symbol_id != symbol.symbol_id:
        if any(leg.symbol_id == tick.symbol_id for leg in state.conversion):
            market = take_leg_tick(state.market, tick)
            return Decision(state=replace(state, sequence=sequence, market=market))
        return Decision(state=replace(state, sequence=sequence))
    if is_late(state.market, tick):
        tally = replace(state.tally, late_ticks=state.tally.late_ticks + 1)
        return Decision(state=replace(state, sequence=sequence, tally=tally))
    market = take_tick(
        state.market, tick, state.link.generation, params.bar_period_ms, params.rsi_period
    )
    before = state
    tape = take_tick_on_tape(state, tick, params.breakers)
    state = replace(state, sequence=sequence, market=market, tape=tape)
    is_bar_due = market.undecided_bar is not None and tick.time >= market.closed_until
    if not is_bar_due and not is_review_due(before, state, tick, params.breakers):
        return Decision(state=state)
    step = Step(state, params)
    review(step, before, tick)
    if is_bar_due:
        decide_bar(step)
        note_requests(step, before)
    return step.finish()


def on_time(step: Step, event: TimePassed) -> None:
    """Let market time pass; a bar that ends by it is decided at the next price.

    That price is the open of the next bar, at which the strategy enters.
    """
    params = step.params
    step.set_market(
        take_time(step.state.market, event.time, params.bar_period_ms, params.rsi_period)
    )


def on_bar_closed(step: Step, event: BarClosed) -> None:
    """Take a bar from a file, and decide it at the first price after it, else at its close."""
    state = step.state
    if state.symbol is None:
        step.say("a bar before the contract is known")
        return
    if event.bar.open_time < state.market.closed_until:
        step.say(f"the bar of {event.bar.open_time} was closed before")
        return
    generation = state.link.generation
    market = take_closed_bar(
        state.market,
        event.bar,
        symbol_id=state.symbol.symbol_id,
        generation=generation,
        period_ms=step.params.bar_period_ms,
        rsi_period=step.params.rsi_period,
    )
    # A file is its own history: no bar of it was missed while a link was down.
    step.set_link(replace(step.link, history_generation=generation))
    opening = event.opening
    if opening is not None:
        market = take_opening(market, opening)
        step.set_tape(take_tick_on_tape(state, opening, step.params.breakers))
    step.set_market(market)
    review(step, state, event)
    decide_bar(step)


def on_bars_loaded(step: Step, event: BarsLoaded) -> None:
    """Merge the broker's bars with ours."""
    link = step.link
    if event.generation != link.generation or link.phase is LinkPhase.DISCONNECTED:
        step.say(f"bars of connection {event.generation}, which is gone")
        return
    market = merge_history(
        step.state.market, event.bars, step.params.bar_period_ms, step.params.rsi_period
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
