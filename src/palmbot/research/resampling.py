"""Bars as they might have been without direction: what a search finds in them is luck.

- `flip` draws a sign for each bar and turns its gap and its body with it, wicks mirrored about
  the open. Volatility clustering, the pattern of the day and the size of gaps stay; direction goes.
- `shuffle` permutes whole bars. A drift of the whole file stays, the order of its bars goes.

Both work on logarithms of the mid price and leave each bar its spread.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numba import njit

from palmbot.research.compiled import CAN_CACHE
from palmbot.research.market import CLOSE, HIGH, LOW, OPEN, Market
from palmbot.research.rules import Flags, Floats, Ints

NO_FLAGS: Final = np.empty(0, dtype=np.bool_)
NO_ORDER: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarMoves:
    """Logarithmic moves of the mid price within and between bars, shape (n_bars,)."""

    market: Market
    gap: Floats
    """Open on the previous close; 0 for the first bar."""
    body: Floats
    """Close on open."""
    up: Floats
    """High on open, never negative."""
    down: Floats
    """Low on open, never positive."""
    spread: Floats
    """Half the spread as a fraction of the mid price at open, high, low and close, (4, n_bars)."""


def measure_moves(market: Market) -> BarMoves:
    """Take the bars apart."""
    bid, ask = market.bid, market.ask
    mid = (bid + ask) / 2.0
    opens, highs, lows, closes = np.log(mid)
    gap = np.zeros(len(market))
    gap[1:] = opens[1:] - closes[:-1]
    return BarMoves(
        market=market,
        gap=gap,
        body=closes - opens,
        up=highs - opens,
        down=lows - opens,
        spread=(ask - bid) / 2.0 / mid if market.has_quotes else np.zeros((4, 0)),
    )


def flip(moves: BarMoves, rng: np.random.Generator) -> Market:
    """Return the market with every bar's direction drawn anew."""
    is_up = rng.integers(0, 2, len(moves.market), dtype=np.int8) > 0
    return _rebuild(moves, is_up, NO_ORDER)


def shuffle(moves: BarMoves, rng: np.random.Generator) -> Market:
    """Return the market with its bars in another order."""
    order = rng.permutation(len(moves.market))
    return _rebuild(moves, NO_FLAGS, order)


def _rebuild(moves: BarMoves, is_up: Flags, order: Ints) -> Market:
    market = moves.market
    start = float(np.log((market.bid[OPEN, 0] + market.ask[OPEN, 0]) / 2.0))
    prices = join_moves(start, moves.gap, moves.body, moves.up, moves.down, is_up, order)
    # In place, and by numpy, whose exponential is several times as fast as a compiled one.
    np.exp(prices, out=prices)
    if market.has_quotes:
        prices = np.repeat(prices, 2, axis=0)
        widen(prices, moves.spread, is_up, order)
    np.rint(prices, out=prices)
    return replace(market, prices=prices)


@njit(nogil=True, cache=CAN_CACHE)
def join_moves(
    start: float,
    gap: Floats,
    body: Floats,
    up: Floats,
    down: Floats,
    is_up: Flags,
    order: Ints,
) -> Floats:
    """Return logarithms of mid prices, shape (1, 4, n_bars).

    Args:
        start: Logarithm of the first open.
        gap: See `BarMoves`, as the next three.
        body: Close on open.
        up: High on open.
        down: Low on open.
        is_up: False turns a bar over; empty turns none.
        order: Which bar comes at each place; empty leaves all where they are.
    """
    n = gap.size
    prices = np.empty((1, 4, n))
    level = start
    for place in range(n):
        bar = order[place] if order.size > 0 else place
        opening = level
        if is_up.size == 0 or is_up[bar]:
            opening += gap[bar]
            prices[0, HIGH, place] = opening + up[bar]
            prices[0, LOW, place] = opening + down[bar]
            level = opening + body[bar]
        else:
            opening -= gap[bar]
            prices[0, HIGH, place] = opening - down[bar]
            prices[0, LOW, place] = opening - up[bar]
            level = opening - body[bar]
        prices[0, OPEN, place] = opening
        prices[0, CLOSE, place] = level
    return prices


@njit(nogil=True, cache=CAN_CACHE)
def widen(prices: Floats, spread: Floats, is_up: Flags, order: Ints) -> None:
    """Put bids and asks around mid prices, in place.

    A bar that is turned over has the spread of its low at its high. High and low hold open and
    close also where spreads of one bar differ.

    Args:
        prices: Shape (2, 4, n_bars), both sides mid prices.
        spread: See `BarMoves`.
        is_up: See `join_moves`.
        order: See `join_moves`.
    """
    for place in range(prices.shape[2]):
        bar = order[place] if order.size > 0 else place
        is_turned = is_up.size > 0 and not is_up[bar]
        for row in range(4):
            source = row
            if is_turned and row in (HIGH, LOW):
                source = HIGH + LOW - row
            prices[0, row, place] *= 1.0 - spread[source, bar]
            prices[1, row, place] *= 1.0 + spread[source, bar]
        for side in range(2):
            opening, close = prices[side, OPEN, place], prices[side, CLOSE, place]
            prices[side, HIGH, place] = max(prices[side, HIGH, place], opening, close)
            prices[side, LOW, place] = min(prices[side, LOW, place], opening, close)
