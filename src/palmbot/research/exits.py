"""Compiled: where a trade ends, found by extremes of blocks of bars instead of bar by bar."""

from typing import Final

import numpy as np
from numba import njit

from palmbot.core import fills
from palmbot.core.fills import ExitKind
from palmbot.research import rules
from palmbot.research.compiled import CAN_CACHE, inner
from palmbot.research.rules import Floats

SHORT: Final = 4
LONG: Final = 8
"""Bars in a block, as powers of two."""

# Rows of the prices of a side.
OPEN, HIGHEST, LOWEST, CLOSE = range(4)
# Rows of the short blocks of a side; the first two are those of the long blocks.
TOP, BOTTOM, TOP_CLOSE, BOTTOM_CLOSE = range(4)

FLAG_GAP: Final = 1
FLAG_AMBIGUOUS: Final = 2
FLAG_END: Final = 4
"""The series ended first."""


@njit(nogil=True, cache=CAN_CACHE)
def find_extremes(highs: Floats, lows: Floats, shift: int) -> tuple[Floats, Floats]:
    """Return highest high and lowest low of each block of 2**shift bars; the last may be short."""
    n = highs.size
    blocks = (n + (1 << shift) - 1) >> shift
    top = np.empty(blocks)
    bottom = np.empty(blocks)
    for block in range(blocks):
        first = block << shift
        high = highs[first]
        low = lows[first]
        for bar in range(first + 1, min(n, first + (1 << shift))):
            high = max(high, highs[bar])
            low = min(low, lows[bar])
        top[block] = high
        bottom[block] = low
    return top, bottom


@inner
def find_touch(
    prices: Floats,
    short: Floats,
    long: Floats,
    side: int,
    start: int,
    upper: float,
    lower: float,
) -> int:
    """Return the first bar from `start` with high >= upper or low <= lower; n_bars for none.

    Args:
        prices: Shape (sides, 4, n_bars): opens, highs, lows, closes.
        short: Extremes of blocks of 16 bars, shape (sides, 4, blocks).
        long: Extremes of blocks of 256 bars, shape (sides, 2, blocks).
        side: 0 for bids, the last for asks.
        start: First bar to look at.
        upper: Level above the market.
        lower: Level below it.
    """
    n: int = prices.shape[2]
    bar = start
    edge = min(n, ((bar >> SHORT) + 1) << SHORT)
    while bar < edge:
        if prices[side, HIGHEST, bar] >= upper or prices[side, LOWEST, bar] <= lower:
            return bar
        bar += 1
    if bar == n:
        return n
    blocks: int = short.shape[2]
    block = bar >> SHORT
    edge = min(blocks, -(-block >> (LONG - SHORT)) << (LONG - SHORT))
    while block < edge:
        if short[side, TOP, block] >= upper or short[side, BOTTOM, block] <= lower:
            break
        block += 1
    if block == edge:
        wide = block >> (LONG - SHORT)
        while wide < long.shape[2]:
            if long[side, TOP, wide] >= upper or long[side, BOTTOM, wide] <= lower:
                break
            wide += 1
        block = max(block, wide << (LONG - SHORT))
        while block < blocks:
            if short[side, TOP, block] >= upper or short[side, BOTTOM, block] <= lower:
                break
            block += 1
        if block >= blocks:
            return n
    bar = block << SHORT
    while not (prices[side, HIGHEST, bar] >= upper or prices[side, LOWEST, bar] <= lower):
        bar += 1
    return bar


@inner
def find_close_range(
    prices: Floats, short: Floats, side: int, first: int, end: int
) -> tuple[float, float]:
    """Return the highest and lowest close of bars `first` to before `end`; at least one bar."""
    high = prices[side, CLOSE, first]
    low = high
    bar = first
    while bar < end:
        if bar & ((1 << SHORT) - 1) == 0 and bar + (1 << SHORT) <= end:
            block = bar >> SHORT
            high = max(high, short[side, TOP_CLOSE, block])
            low = min(low, short[side, BOTTOM_CLOSE, block])
            bar += 1 << SHORT
        else:
            high = max(high, prices[side, CLOSE, bar])
            low = min(low, prices[side, CLOSE, bar])
            bar += 1
    return high, low


@inner
def resolve_trade(
    prices: Floats,
    short: Floats,
    long: Floats,
    sign: int,
    entry_bar: int,
    take_profit: float,
    stop_loss: float,
    price_step: float,
) -> tuple[float, float, float, int, float, int, int]:
    """Follow one trade to its end.

    Returns:
        Entry price, stop, target, exit bar, exit price, reason (of `rules`) and flags.
    """
    asks = prices.shape[0] - 1
    side = 0 if sign > 0 else asks
    entry = fills.find_entry(sign, prices[0, OPEN, entry_bar], prices[asks, OPEN, entry_bar])
    stop = entry - sign * rules.find_distance(entry, stop_loss, price_step)
    target = entry + sign * rules.find_distance(entry, take_profit, price_step)
    bar = find_touch(prices, short, long, side, entry_bar, max(stop, target), min(stop, target))
    last = prices.shape[2] - 1
    if bar > last:
        return entry, stop, target, last, prices[side, CLOSE, last], rules.REASON_END, FLAG_END
    fill = fills.find_exit(
        sign,
        prices[side, OPEN, bar],
        prices[side, HIGHEST, bar],
        prices[side, LOWEST, bar],
        stop,
        target,
    )
    flags = (FLAG_GAP if fill.is_gap else 0) | (FLAG_AMBIGUOUS if fill.is_ambiguous else 0)
    reason = rules.REASON_STOP if fill.kind == ExitKind.STOP else rules.REASON_TARGET
    return entry, stop, target, bar, fill.price, reason, flags


@inner
def walk_drawdown(
    prices: Floats,
    side: int,
    first: int,
    end: int,
    base: float,
    units: float,
    peak: float,
    worst: float,
) -> tuple[float, float]:
    """Return peak and worst drawdown after the closes of one trade, bar by bar."""
    for bar in range(first, end):
        value = base + units * prices[side, CLOSE, bar]
        if value > peak:
            peak = value
        elif 1.0 - value / peak > worst:
            worst = 1.0 - value / peak
    return peak, worst
