"""Compiled: the sweep itself, many combinations over many bars at the price of their trades.

A trade's exit depends on its entry, target and stop alone, not on the thresholds that led to it.
So the kernel walks from trade to trade instead of from bar to bar:

1. `candidates` are the bars whose close may lead to an entry of any combination, with the next one
   that qualifies for each threshold.
2. `exits` finds the end of a trade by extremes of blocks, once for each candidate and pair of
   distances; all pairs of thresholds share it.
3. Time is cut into tiles of candidates, so that bars and remembered trades stay in the cache.

Rules are not repeated here: RSI, signals, fills and returns are the functions of `core` and
`rules`, compiled as they stand. No `fastmath`: it would change the last bit.

With breakers on none of this holds, because a trade then depends on those before it: `guarded`.
"""

from typing import Final

import numpy as np
from numba import njit

from palmbot.research import rules
from palmbot.research.compiled import CAN_CACHE, Int8s, Int32s, inner
from palmbot.research.exits import (
    CLOSE,
    FLAG_AMBIGUOUS,
    FLAG_END,
    FLAG_GAP,
    OPEN,
    find_close_range,
    resolve_trade,
    walk_drawdown,
)
from palmbot.research.rules import Floats, Ints

TILE: Final = 1000
"""Candidates in one tile: their bars and trades fit into the second-level cache."""

# Columns of the integer state of a combination.
NEXT, TRADES, WINS, LONGS, AMBIGUOUS, GAPS, ENDED, ROLLS, DAY = range(9)
COUNTS: Final = 9
# Columns of the float state.
EQUITY, PEAK, DRAWDOWN, GAIN, LOSS, DAY_EQUITY, DAY_SUM, DAY_SQUARES = range(8)
SUMS: Final = 8

# What is remembered of the trade from one candidate: integers, then floats.
FOLLOWING, EXIT_BAR, DAY_IN, DAY_OUT, IS_EXACT = range(5)
MEMO_INTEGERS: Final = 5
RETURN, HIGH, LOW, UNITS, BASE = range(5)
"""HIGH and LOW bound the equity at closes inside the trade, as multiples of that at its entry, and
IS_EXACT tells whether they are reached; equity at a close is BASE + UNITS * close."""
MEMO_FLOATS: Final = 5

COUNT_BITS: Final = 10
"""What is counted of the trades in one tile, at most TILE of each, shares one integer."""
COUNT_MASK: Final = (1 << COUNT_BITS) - 1
COUNTED: Final = (WINS, LONGS, GAPS, AMBIGUOUS, ENDED, ROLLS)
REFUSED: Final = -1
"""In its place where the bot would not enter: the spread reaches the stop."""


@njit(nogil=True, cache=CAN_CACHE)
def sweep_block(
    prices: Floats,
    short: Floats,
    long: Floats,
    bars: Int32s,
    sides: Int8s,
    rank: Int32s,
    next_buy: Int32s,
    next_sell: Int32s,
    distances: Floats,
    day_end: Ints,
    day_of: Int32s,
    rolls_before: Int32s,
    price_step: float,
    cost: float,
    with_equity: bool,
) -> tuple[Int32s, Floats]:
    """Return the final states of all pairs of thresholds for some pairs of distances.

    Args:
        prices: See `find_touch`.
        short: See `find_touch`.
        long: See `find_touch`.
        bars: Bar of each candidate, ended by n_bars.
        sides: +1 or -1 of each candidate.
        rank: Candidates before each bar.
        next_buy: Of `find_next`, shape (buy thresholds, candidates + 1).
        next_sell: The same of the sell thresholds.
        distances: Target and stop in percent, shape (groups, 2).
        day_end: Last bar of each trade date.
        day_of: Trade date of each bar, as an index into `day_end`.
        rolls_before: Suspected contract rolls at or before each bar; empty without any.
        price_step: See `rules.find_distance`.
        cost: Fraction of the price, a side.
        with_equity: Compute drawdown and daily returns; without them it is faster.

    Returns:
        Integers of shape (rows, COUNTS) and floats of shape (rows, SUMS), ordered by group, then
        buy, then sell threshold.
    """
    groups = distances.shape[0]
    buys = next_buy.shape[0]
    sells = next_sell.shape[0]
    count = sides.size
    asks = prices.shape[0] - 1
    rows = groups * buys * sells
    counts = np.zeros((rows, COUNTS), dtype=np.int32)
    sums = np.zeros((rows, SUMS))
    for row in range(rows):
        buy = row // sells % buys
        counts[row, NEXT] = min(next_buy[buy, 0], next_sell[row % sells, 0])
        sums[row, EQUITY] = sums[row, PEAK] = sums[row, DAY_EQUITY] = 1.0
    integers = np.empty((TILE, MEMO_INTEGERS), dtype=np.int32)
    floats = np.empty((TILE, MEMO_FLOATS))
    facts = np.empty(TILE, dtype=np.int64)
    for first in range(0, count, TILE):
        end = min(count, first + TILE)
        for group in range(groups):
            take_profit = distances[group, 0]
            stop_loss = distances[group, 1]
            for memo in range(TILE):
                integers[memo, FOLLOWING] = -1
            for buy in range(buys):
                for sell in range(sells):
                    row = (group * buys + buy) * sells + sell
                    k = counts[row, NEXT]
                    if k >= end:
                        continue
                    trades = counted = 0
                    equity = sums[row, EQUITY]
                    gain = sums[row, GAIN]
                    loss = sums[row, LOSS]
                    peak = sums[row, PEAK]
                    worst = sums[row, DRAWDOWN]
                    floor = peak * (1.0 - worst)
                    day = counts[row, DAY]
                    day_equity = sums[row, DAY_EQUITY]
                    day_sum = sums[row, DAY_SUM]
                    day_squares = sums[row, DAY_SQUARES]
                    while k < end:
                        memo = k - first
                        sign = sides[k]
                        if integers[memo, FOLLOWING] < 0:
                            entry_bar = bars[k] + 1
                            entry, stop, target, exit_bar, price, _, flags = resolve_trade(
                                prices,
                                short,
                                long,
                                sign,
                                entry_bar,
                                take_profit,
                                stop_loss,
                                price_step,
                            )
                            integers[memo, FOLLOWING] = (
                                count if flags & FLAG_END else rank[exit_bar]
                            )
                            integers[memo, EXIT_BAR] = exit_bar
                            floats[memo, RETURN] = rules.find_return(sign, entry, price, cost)
                            facts[memo] = pack_facts(
                                sign,
                                floats[memo, RETURN],
                                flags,
                                rolls_before.size > 0
                                and rolls_before[exit_bar] > rolls_before[entry_bar],
                            )
                            if spread_reaches(prices, entry_bar, stop, entry):
                                facts[memo] = REFUSED
                                integers[memo, FOLLOWING] = k + 1
                            if with_equity:
                                units = sign / (entry * (1.0 + cost))
                                base = 0.0
                                if sign < 0:
                                    base = 1.0 + (1.0 - cost) / (1.0 + cost)
                                integers[memo, DAY_IN] = day_of[entry_bar]
                                integers[memo, DAY_OUT] = day_of[exit_bar]
                                integers[memo, IS_EXACT] = 0
                                floats[memo, UNITS] = units
                                floats[memo, BASE] = base
                                floats[memo, HIGH] = base + units * target
                                floats[memo, LOW] = base + units * stop
                                if exit_bar == entry_bar:
                                    floats[memo, HIGH] = 0.0
                                    floats[memo, LOW] = np.inf
                        earned = floats[memo, RETURN]
                        if facts[memo] == REFUSED:
                            following = integers[memo, FOLLOWING]
                            k = min(next_buy[buy, following], next_sell[sell, following])
                            continue
                        trades += 1
                        counted += facts[memo]
                        gain += max(earned, 0.0)
                        loss -= min(earned, 0.0)
                        after = equity * (1.0 + earned)
                        if with_equity:
                            day_in = integers[memo, DAY_IN]
                            day_out = integers[memo, DAY_OUT]
                            if day_in > day:
                                change = equity / day_equity - 1.0
                                day_sum += change
                                day_squares += change * change
                                day_equity = equity
                            for each in range(day_in, day_out):
                                side = 0 if sign > 0 else asks
                                close = prices[side, CLOSE, day_end[each]]
                                value = equity * (floats[memo, BASE] + floats[memo, UNITS] * close)
                                change = value / day_equity - 1.0
                                day_sum += change
                                day_squares += change * change
                                day_equity = value
                            day = day_out
                            # Closes before the exit lie between stop and target: most trades can
                            # move neither peak nor floor, and of the others few need more than
                            # the extremes of blocks.
                            if (
                                equity * floats[memo, HIGH] > peak
                                or equity * floats[memo, LOW] < floor
                            ):
                                side = 0 if sign > 0 else asks
                                units = floats[memo, UNITS]
                                base = floats[memo, BASE]
                                entry_bar = bars[k] + 1
                                exit_bar = integers[memo, EXIT_BAR]
                                if not integers[memo, IS_EXACT]:
                                    high, low = find_close_range(
                                        prices, short, side, entry_bar, exit_bar
                                    )
                                    floats[memo, HIGH] = base + units * (high if sign > 0 else low)
                                    floats[memo, LOW] = base + units * (low if sign > 0 else high)
                                    integers[memo, IS_EXACT] = 1
                                best = equity * floats[memo, HIGH]
                                least = equity * floats[memo, LOW]
                                if best <= peak:
                                    worst = max(worst, 1.0 - least / peak)
                                elif least >= best * (1.0 - worst):
                                    peak = best
                                else:
                                    peak, worst = walk_drawdown(
                                        prices,
                                        side,
                                        entry_bar,
                                        exit_bar,
                                        equity * base,
                                        equity * units,
                                        peak,
                                        worst,
                                    )
                                floor = peak * (1.0 - worst)
                            if after > peak:
                                peak = after
                                floor = peak * (1.0 - worst)
                            elif after < floor:
                                worst = 1.0 - after / peak
                                floor = after
                        equity = after
                        following = integers[memo, FOLLOWING]
                        k = min(next_buy[buy, following], next_sell[sell, following])
                    counts[row, NEXT] = k
                    counts[row, TRADES] += trades
                    for each in range(len(COUNTED)):
                        counts[row, COUNTED[each]] += counted >> each * COUNT_BITS & COUNT_MASK
                    counts[row, DAY] = day
                    sums[row, EQUITY] = equity
                    sums[row, GAIN] = gain
                    sums[row, LOSS] = loss
                    sums[row, PEAK] = peak
                    sums[row, DRAWDOWN] = worst
                    sums[row, DAY_EQUITY] = day_equity
                    sums[row, DAY_SUM] = day_sum
                    sums[row, DAY_SQUARES] = day_squares
    if with_equity:
        for row in range(rows):
            change = sums[row, EQUITY] / sums[row, DAY_EQUITY] - 1.0
            sums[row, DAY_SUM] += change
            sums[row, DAY_SQUARES] += change * change
    return counts, sums


@inner
def pack_facts(sign: int, earned: float, flags: int, is_over_roll: bool) -> int:
    """Return one trade as counters of COUNT_BITS each, in the order of COUNTED."""
    packed = 1 if earned > 0.0 else 0
    packed |= (1 if sign > 0 else 0) << COUNT_BITS
    packed |= (1 if flags & FLAG_GAP else 0) << 2 * COUNT_BITS
    packed |= (1 if flags & FLAG_AMBIGUOUS else 0) << 3 * COUNT_BITS
    packed |= (1 if flags & FLAG_END else 0) << 4 * COUNT_BITS
    packed |= (1 if is_over_roll else 0) << 5 * COUNT_BITS
    return packed


@inner
def spread_reaches(prices: Floats, bar: int, stop: float, entry: float) -> bool:
    """Tell whether the stop would already be reached at the entry, so that the bot enters not."""
    spread = prices[prices.shape[0] - 1, OPEN, bar] - prices[0, OPEN, bar]
    is_reached: bool = spread >= abs(entry - stop)
    return is_reached


@njit(nogil=True, cache=CAN_CACHE)
def trace_trades(
    prices: Floats,
    short: Floats,
    long: Floats,
    bars: Int32s,
    sides: Int8s,
    rank: Int32s,
    next_buy: Int32s,
    next_sell: Int32s,
    take_profit: float,
    stop_loss: float,
    price_step: float,
    cost: float,
) -> tuple[Ints, Floats]:
    """Return the trades of one combination; arguments as for `sweep_block`, of one threshold each.

    Returns:
        Integers of shape (trades, 5): entry bar, exit bar, side, reason, flags; and floats of
        shape (trades, 3): entry price, exit price, net return.
    """
    count = sides.size
    integers = np.empty((64, 5), dtype=np.int64)
    floats = np.empty((64, 3))
    trades = 0
    k = min(next_buy[0], next_sell[0])
    while k < count:
        if trades == integers.shape[0]:
            integers = np.concatenate((integers, integers))
            floats = np.concatenate((floats, floats))
        sign = sides[k]
        entry_bar = bars[k] + 1
        entry, stop, _, exit_bar, price, reason, flags = resolve_trade(
            prices, short, long, sign, entry_bar, take_profit, stop_loss, price_step
        )
        if spread_reaches(prices, entry_bar, stop, entry):
            k = min(next_buy[k + 1], next_sell[k + 1])
            continue
        earned = rules.find_return(sign, entry, price, cost)
        integers[trades, 0] = entry_bar
        integers[trades, 1] = exit_bar
        integers[trades, 2] = sign
        integers[trades, 3] = reason
        integers[trades, 4] = flags
        floats[trades, 0] = entry
        floats[trades, 1] = price
        floats[trades, 2] = earned
        trades += 1
        if flags & FLAG_END:
            break
        k = min(next_buy[rank[exit_bar]], next_sell[rank[exit_bar]])
    return integers[:trades].copy(), floats[:trades].copy()


@njit(nogil=True, cache=CAN_CACHE)
def mark_days(prices: Floats, integers: Ints, floats: Floats, day_end: Ints, cost: float) -> Floats:
    """Return the equity at each day end of the trades of `trace_trades`, starting from 1."""
    asks = prices.shape[0] - 1
    equity = np.empty(day_end.size)
    value = 1.0
    trade = 0
    for day in range(day_end.size):
        bar = day_end[day]
        while trade < integers.shape[0] and integers[trade, 1] <= bar:
            value *= 1.0 + floats[trade, 2]
            trade += 1
        equity[day] = value
        if trade < integers.shape[0] and integers[trade, 0] <= bar:
            entry = floats[trade, 0]
            units = value / (entry * (1.0 + cost))
            if integers[trade, 2] > 0:
                equity[day] = units * prices[0, CLOSE, bar]
            else:
                close = prices[asks, CLOSE, bar]
                equity[day] = value + units * entry * (1.0 - cost) - units * close
    return equity
