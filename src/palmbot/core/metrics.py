"""Figures about money and trades, one definition each."""

from collections.abc import Iterable, Sequence

from palmbot.core.conversion import Rate, read_rate, value_in_quote
from palmbot.core.params import EngineParams
from palmbot.core.state import OpenPosition, Standing
from palmbot.domain.market import Side, Tick
from palmbot.domain.units import Money, Price


def read_profit_factor(profits: Iterable[Money]) -> float | None:
    """Return gross profit / gross loss; None without a loss, 0 with nothing but losses."""
    gain = loss = 0
    for profit in profits:
        if profit > 0:
            gain += profit
        else:
            loss -= profit
    return gain / loss if loss else None


def read_win_rate(profits: Sequence[Money]) -> float | None:
    """Return the share of trades that earned something after costs; None without a trade."""
    if not profits:
        return None
    return sum(profit > 0 for profit in profits) / len(profits)


def read_max_drawdown(equity: Iterable[Money]) -> float:
    """Return the worst (peak - equity) / peak along the curve, 0 to 1 while equity is positive."""
    peak = 0
    worst = 0.0
    for value in equity:
        peak = max(peak, value)
        if peak > 0:
            worst = max(worst, (peak - value) / peak)
    return worst


def read_unrealized(position: OpenPosition, tick: Tick, rate: Rate) -> Money:
    """Return what closing now would book: long at bid, short at ask, swap and commission in.

    The commission of the exit is not known before it is charged and not in here.
    """
    if position.side is Side.BUY:
        distance = Price(tick.bid - position.entry_price)
    else:
        distance = Price(position.entry_price - tick.ask)
    gross = rate.convert(value_in_quote(distance, position.volume))
    return Money(gross + position.swap + position.commission)


def read_equity(state: Standing, params: EngineParams) -> Money | None:
    """Return balance plus unrealized profit of our positions, in account currency.

    None while it is not known: no account yet, or a position without a price or a fresh
    conversion rate.
    """
    if state.account is None:
        return None
    total = state.books.balance
    if not state.books.positions:
        return total
    rate = read_state_rate(state, params)
    tick = state.market.tick
    if tick is None or rate is None:
        return None
    for position in state.books.positions.values():
        total = Money(total + read_unrealized(position, tick, rate))
    return total


def read_state_rate(state: Standing, params: EngineParams) -> Rate | None:
    """Return the conversion rate at market time, None if a leg is missing or too old."""
    return read_rate(
        state.conversion,
        state.market.leg_ticks,
        state.market.time,
        params.conversion_age_max_ms,
    )
