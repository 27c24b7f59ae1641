"""Compiled: which bars may lead to an entry, and which of them comes next for a threshold."""

from typing import Final

import numpy as np
from numba import njit

from palmbot.core import rsi, strategy
from palmbot.core.rsi import RSI_START
from palmbot.core.strategy import Signal
from palmbot.research.compiled import CAN_CACHE, Int8s, Int32s
from palmbot.research.rules import Flags, Floats

NEVER_BELOW: Final = -1.0
NEVER_ABOVE: Final = 101.0
"""Thresholds that no RSI passes."""


@njit(nogil=True, cache=CAN_CACHE)
def compute_rsi(closes: Floats, period: int) -> Floats:
    """Return the RSI at each close, NaN until `period` changes were seen."""
    values = np.full(closes.size, np.nan)
    state = RSI_START
    for bar in range(closes.size):
        state = rsi.update_rsi(state, closes[bar], period)
        value = rsi.read_rsi(state, period)
        if value is not None:
            values[bar] = value
    return values


@njit(nogil=True, cache=CAN_CACHE)
def find_candidates(
    levels: Floats, buy_top: float, sell_bottom: float, no_buys: Flags, no_sells: Flags
) -> tuple[Int32s, Int8s, Floats, Int32s]:
    """Return the bars that may lead to an entry, their side, their RSI, and the rank of each bar.

    The last bar is none, because nothing opens after it. `no_buys` and `no_sells` flag bars, or
    are empty. `rank[t]` counts the candidates before bar t.
    """
    n = levels.size
    bars = np.empty(n + 1, dtype=np.int32)
    sides = np.empty(n, dtype=np.int8)
    values = np.empty(n)
    rank = np.empty(n + 1, dtype=np.int32)
    count = 0
    for t in range(n - 1):
        rank[t] = count
        signal = strategy.read_signal(levels[t], buy_top, sell_bottom)
        if signal == Signal.HOLD:
            continue
        if signal == Signal.BUY:
            if no_buys.size > 0 and no_buys[t]:
                continue
            sides[count] = 1
        else:
            if no_sells.size > 0 and no_sells[t]:
                continue
            sides[count] = -1
        bars[count] = t
        values[count] = levels[t]
        count += 1
    for t in range(max(0, n - 1), n + 1):
        rank[t] = count
    bars[count] = n
    return bars[: count + 1].copy(), sides[:count].copy(), values[:count].copy(), rank


@njit(nogil=True, cache=CAN_CACHE)
def find_next(values: Floats, thresholds: Floats, is_buy: bool) -> Int32s:
    """Return for each threshold and candidate the first one at or after it that qualifies.

    Shape (thresholds, candidates + 1); the number of candidates stands for none.
    """
    count = values.size
    found = np.empty((thresholds.size, count + 1), dtype=np.int32)
    for row in range(thresholds.size):
        buy = thresholds[row] if is_buy else NEVER_BELOW
        sell = NEVER_ABOVE if is_buy else thresholds[row]
        nearest = count
        found[row, count] = count
        for k in range(count - 1, -1, -1):
            if strategy.read_signal(values[k], buy, sell) != Signal.HOLD:
                nearest = k
            found[row, k] = nearest
    return found
