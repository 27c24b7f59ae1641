"""Bars as they might have been without direction: what a search finds in them is luck.

- `flip` draws a sign for each bar and turns its gap and its body with it, wicks mirrored about
  the open. Volatility clustering, the pattern of the day and the size of gaps stay; direction goes.
- `shuffle` permutes whole bars. A drift of the whole file stays, the order of its bars goes.

Both work on logarithms of the mid price and leave each bar its spread.
"""

from dataclasses import dataclass, replace

import numpy as np

from palmbot.research.market import OPEN, Market
from palmbot.research.rules import Floats


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
    sign = np.where(rng.integers(0, 2, len(moves.market), dtype=np.int8) > 0, 1.0, -1.0)
    is_up = sign > 0
    spread = moves.spread
    if moves.market.has_quotes:
        opens, highs, lows, closes = spread
        spread = np.stack(
            (opens, np.where(is_up, highs, lows), np.where(is_up, lows, highs), closes)
        )
    return _join(
        moves.market,
        sign * moves.gap,
        sign * moves.body,
        np.where(is_up, moves.up, -moves.down),
        np.where(is_up, moves.down, -moves.up),
        spread,
    )


def shuffle(moves: BarMoves, rng: np.random.Generator) -> Market:
    """Return the market with its bars in another order."""
    order = rng.permutation(len(moves.market))
    return _join(
        moves.market,
        moves.gap[order],
        moves.body[order],
        moves.up[order],
        moves.down[order],
        moves.spread[:, order] if moves.market.has_quotes else moves.spread,
    )


def _join(  # noqa: PLR0913, PLR0917 - the parts of a bar
    market: Market, gap: Floats, body: Floats, up: Floats, down: Floats, spread: Floats
) -> Market:
    start = np.log((market.bid[OPEN, 0] + market.ask[OPEN, 0]) / 2.0)
    closes = start + np.cumsum(gap + body)
    opens = closes - body
    mid = np.exp(np.stack((opens, opens + up, opens + down, closes)))
    sides = [mid * (1.0 - spread), mid * (1.0 + spread)] if market.has_quotes else [mid]
    return replace(market, prices=np.array([_order(np.rint(side)) for side in sides]))


def _order(prices: Floats) -> Floats:
    """Let high and low hold open and close, also where spreads of one bar differ."""
    prices[1] = prices.max(axis=0)
    prices[2] = prices.min(axis=0)
    return prices
