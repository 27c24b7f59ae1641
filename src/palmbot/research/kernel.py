"""The compiled sweep: many combinations over many bars, at the price of their trades.

A trade's exit depends on its entry, target and stop alone, not on the thresholds that led to it.
So the kernel walks from trade to trade instead of from bar to bar:

1. Candidates are the bars whose close may lead to an entry of any combination; `find_next` says
   for each threshold which candidate is the next one that qualifies.
2. Exits are found by highest highs and lowest lows of blocks of 16 and 256 bars, once for each
   candidate and pair of distances, and remembered for every pair of thresholds.
3. Time is cut into tiles of candidates, so that bars and memory of exits stay in the cache.

Rules are not repeated here: RSI, signals, fills and returns are the functions of `core` and
`rules`, compiled as they stand. No `fastmath`: it would change the last bit.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import register_jitable

from palmbot.core import fills, rsi, strategy
from palmbot.core.fills import ExitKind
from palmbot.core.rsi import RSI_START
from palmbot.core.strategy import Signal
from palmbot.research import rules
from palmbot.research.compiled import CAN_CACHE
from palmbot.research.rules import Flags, Floats, Ints, TradeBreakers

Int32s: TypeAlias = npt.NDArray[np.int32]
Int8s: TypeAlias = npt.NDArray[np.int8]
Side: TypeAlias = tuple[Floats, ...]

for function in (
    rsi.update_rsi,
    rsi.read_rsi,
    strategy.read_signal,
    fills.find_entry,
    fills.find_exit,
    rules.find_distance,
    rules.find_return,
):
    register_jitable(function)

TILE: Final = 1000
"""Candidates in one tile: their bars and exits fit into the second-level cache."""
SHORT: Final = 4
LONG: Final = 8
"""Bars in a block, as powers of two."""
NEVER_BELOW: Final = -1.0
NEVER_ABOVE: Final = 101.0
"""Thresholds that no RSI passes."""

# Columns of the integer state of a combination.
NEXT, TRADES, WINS, LONGS, AMBIGUOUS, GAPS, ENDED, DAY, STREAK, LOSS_DAY = range(10)
COUNTS: Final = 10
# Columns of the float state.
EQUITY, PEAK, DRAWDOWN, GAIN, LOSS, DAY_EQUITY, DAY_SUM, DAY_SQUARES, DAY_LOSS = range(9)
SUMS: Final = 9

FLAG_GAP: Final = 1
FLAG_AMBIGUOUS: Final = 2
FLAG_END: Final = 4


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
def find_next(values: Floats, thresholds: Floats, is_buy: bool) -> Int32s:  # noqa: FBT001 - compiled
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


@njit(nogil=True, cache=CAN_CACHE, inline="never")
def find_touch(side: Side, start: int, upper: float, lower: float) -> int:
    """Return the first bar from `start` with high >= upper or low <= lower; n_bars for none.

    `side` holds opens, highs, lows, closes, then highs and lows of short and of long blocks.
    """
    highs, lows = side[1], side[2]
    top, bottom = side[4], side[5]
    tops, bottoms = side[6], side[7]
    n = highs.size
    bar = start
    edge = min(n, ((bar >> SHORT) + 1) << SHORT)
    while bar < edge:
        if highs[bar] >= upper or lows[bar] <= lower:
            return bar
        bar += 1
    if bar == n:
        return n
    block = bar >> SHORT
    edge = min(top.size, ((block >> (LONG - SHORT)) + 1) << (LONG - SHORT))
    if block & ((1 << (LONG - SHORT)) - 1) == 0:
        edge = block
    while block < edge and not (top[block] >= upper or bottom[block] <= lower):
        block += 1
    if block == edge:
        wide = block >> (LONG - SHORT)
        while wide < tops.size and not (tops[wide] >= upper or bottoms[wide] <= lower):
            wide += 1
        if wide >= tops.size:
            return n
        block = max(block, wide << (LONG - SHORT))
        while block < top.size and not (top[block] >= upper or bottom[block] <= lower):
            block += 1
        if block >= top.size:
            return n
    bar = block << SHORT
    while bar < n:
        if highs[bar] >= upper or lows[bar] <= lower:
            return bar
        bar += 1
    return n


@njit(nogil=True, cache=CAN_CACHE)
def find_range(
    closes: Floats, top: Floats, bottom: Floats, first: int, end: int
) -> tuple[float, float]:
    """Return the highest and lowest close of bars `first` to before `end`; at least one bar."""
    high = closes[first]
    low = high
    bar = first
    while bar < end:
        if bar & ((1 << SHORT) - 1) == 0 and bar + (1 << SHORT) <= end:
            block = bar >> SHORT
            high = max(high, top[block])
            low = min(low, bottom[block])
            bar += 1 << SHORT
        else:
            high = max(high, closes[bar])
            low = min(low, closes[bar])
            bar += 1
    return high, low


@njit(nogil=True, cache=CAN_CACHE)
def resolve_trade(
    side: Side, sign: int, entry_bar: int, entry: float, stop: float, target: float
) -> tuple[int, float, int, int]:
    """Return exit bar, exit price, reason (of `rules`) and flags of a trade."""
    opens, highs, lows, closes = side[0], side[1], side[2], side[3]
    if sign > 0:
        bar = find_touch(side, entry_bar, target, stop)
    else:
        bar = find_touch(side, entry_bar, stop, target)
    if bar >= opens.size:
        return opens.size - 1, closes[opens.size - 1], 0, FLAG_END
    fill = fills.find_exit(sign, opens[bar], highs[bar], lows[bar], stop, target)
    flags = 0
    if fill.is_gap:
        flags |= FLAG_GAP
    if fill.is_ambiguous:
        flags |= FLAG_AMBIGUOUS
    reason = 1 if fill.kind == ExitKind.STOP else 2
    return bar, fill.price, reason, flags


@njit(nogil=True, cache=CAN_CACHE)
def mark_drawdown(
    side: Side,
    sign: int,
    entry_bar: int,
    exit_bar: int,
    entry: float,
    stop: float,
    target: float,
    equity: float,
    cost: float,
    peak: float,
    worst: float,
) -> tuple[float, float]:
    """Return peak and worst drawdown after the closes of a trade before its exit bar.

    Equity inside a trade is `base + units * close`, and its closes lie between stop and target:
    most trades can move neither figure, and of the others few need more than block extremes.
    """
    units = equity / (entry * (1.0 + cost))
    base = 0.0
    if sign < 0:
        base = equity + units * entry * (1.0 - cost)
        units = -units
    if base + units * target <= peak and base + units * stop >= peak * (1.0 - worst):
        return peak, worst
    closes = side[3]
    high, low = find_range(closes, side[8], side[9], entry_bar, exit_bar)
    best = base + units * (high if sign > 0 else low)
    least = base + units * (low if sign > 0 else high)
    if best <= peak:
        return peak, max(worst, 1.0 - least / peak)
    if least >= best * (1.0 - worst):
        return best, worst
    for bar in range(entry_bar, exit_bar):
        value = base + units * closes[bar]
        if value > peak:
            peak = value
        elif 1.0 - value / peak > worst:
            worst = 1.0 - value / peak
    return peak, worst


@njit(nogil=True, cache=CAN_CACHE)
def sweep_block(
    bid: Side,
    ask: Side,
    bars: Int32s,
    sides: Int8s,
    rank: Int32s,
    next_buy: Int32s,
    next_sell: Int32s,
    distances: Floats,
    day_end: Ints,
    day_of: Int32s,
    resume: Int32s,
    price_step: float,
    cost: float,
    breakers: TradeBreakers,
    with_equity: bool,
) -> tuple[Int32s, Floats]:
    """Return the final states of all pairs of thresholds for some pairs of distances.

    Args:
        bid: Opens, highs, lows, closes, extremes of highs and lows in short and long blocks,
            extremes of closes in short blocks; longs leave here.
        ask: The same for shorts.
        bars: Bar of each candidate, ended by n_bars.
        sides: +1 or -1 of each candidate.
        rank: Candidates before each bar.
        next_buy: Of `find_next`, shape (buy thresholds, candidates + 1).
        next_sell: The same of the sell thresholds.
        distances: Target and stop in percent, shape (groups, 2).
        day_end: Last bar of each trade date.
        day_of: Trade date of each bar, as an index into `day_end`.
        resume: First bar that may decide again when the pause begins at a bar; empty without.
        price_step: See `rules.find_distance`.
        cost: Fraction of the price, a side.
        breakers: `rules.TradeBreakers`.
        with_equity: Compute drawdown and daily returns; without them it is faster.

    Returns:
        Integers of shape (groups, buys, sells, COUNTS) and floats (groups, buys, sells, SUMS).
    """
    groups = distances.shape[0]
    buys = next_buy.shape[0]
    sells = next_sell.shape[0]
    count = sides.size
    counts = np.zeros((groups, buys, sells, COUNTS), dtype=np.int32)
    sums = np.zeros((groups, buys, sells, SUMS))
    counts[:, :, :, LOSS_DAY] = -1
    sums[:, :, :, EQUITY] = 1.0
    sums[:, :, :, PEAK] = 1.0
    sums[:, :, :, DAY_EQUITY] = 1.0
    for buy in range(buys):
        for sell in range(sells):
            counts[:, buy, sell, NEXT] = min(next_buy[buy, 0], next_sell[sell, 0])
    memo_next = np.empty(TILE, dtype=np.int32)
    memo_exit = np.empty(TILE, dtype=np.int32)
    memo_flags = np.empty(TILE, dtype=np.int8)
    memo_return = np.empty(TILE)
    memo_level = np.empty((TILE, 3))
    has_pauses = breakers.losses_max > 0
    has_day_limit = breakers.daily_loss > 0.0
    for first in range(0, count, TILE):
        end = min(count, first + TILE)
        for group in range(groups):
            take_profit = distances[group, 0]
            stop_loss = distances[group, 1]
            account_share = breakers.risk / (stop_loss / 100.0)
            memo_next[:] = -1
            for buy in range(buys):
                next_buys = next_buy[buy]
                for sell in range(sells):
                    next_sells = next_sell[sell]
                    integers = counts[group, buy, sell]
                    k = integers[NEXT]
                    if k >= end:
                        continue
                    floats = sums[group, buy, sell]
                    trades = wins = longs = ambiguous = gaps = ended = 0
                    equity = floats[EQUITY]
                    gain = floats[GAIN]
                    loss = floats[LOSS]
                    peak = floats[PEAK]
                    worst = floats[DRAWDOWN]
                    day = integers[DAY]
                    day_equity = floats[DAY_EQUITY]
                    day_sum = floats[DAY_SUM]
                    day_squares = floats[DAY_SQUARES]
                    while k < end:
                        memo = k - first
                        sign = sides[k]
                        entry_bar = bars[k] + 1
                        if memo_next[memo] < 0:
                            entry = fills.find_entry(sign, bid[0][entry_bar], ask[0][entry_bar])
                            stop = entry - sign * rules.find_distance(entry, stop_loss, price_step)
                            target = entry + sign * rules.find_distance(
                                entry, take_profit, price_step
                            )
                            side = bid if sign > 0 else ask
                            exit_bar, price, _, flags = resolve_trade(
                                side, sign, entry_bar, entry, stop, target
                            )
                            memo_exit[memo] = exit_bar
                            memo_flags[memo] = flags
                            memo_return[memo] = rules.find_return(sign, entry, price, cost)
                            memo_next[memo] = count if flags & FLAG_END else rank[exit_bar]
                            memo_level[memo, 0] = entry
                            memo_level[memo, 1] = stop
                            memo_level[memo, 2] = target
                        exit_bar = memo_exit[memo]
                        flags = memo_flags[memo]
                        earned = memo_return[memo]
                        trades += 1
                        longs += sign > 0
                        if earned > 0.0:
                            wins += 1
                            gain += earned
                        else:
                            loss -= earned
                        if flags != 0:
                            gaps += (flags & FLAG_GAP) != 0
                            ambiguous += (flags & FLAG_AMBIGUOUS) != 0
                            ended += (flags & FLAG_END) != 0
                        after = equity * (1.0 + earned)
                        if with_equity:
                            side = bid if sign > 0 else ask
                            entry = memo_level[memo, 0]
                            if day_of[entry_bar] > day:
                                change = equity / day_equity - 1.0
                                day_sum += change
                                day_squares += change * change
                                day_equity = equity
                                day = day_of[entry_bar]
                            while day_end[day] < exit_bar:
                                units = equity / (entry * (1.0 + cost))
                                close = side[3][day_end[day]]
                                value = units * close
                                if sign < 0:
                                    value = equity + units * entry * (1.0 - cost) - value
                                change = value / day_equity - 1.0
                                day_sum += change
                                day_squares += change * change
                                day_equity = value
                                day += 1
                            if exit_bar > entry_bar:
                                peak, worst = mark_drawdown(
                                    side,
                                    sign,
                                    entry_bar,
                                    exit_bar,
                                    entry,
                                    memo_level[memo, 1],
                                    memo_level[memo, 2],
                                    equity,
                                    cost,
                                    peak,
                                    worst,
                                )
                            if after > peak:
                                peak = after
                            elif after < peak * (1.0 - worst):
                                worst = 1.0 - after / peak
                        equity = after
                        following = memo_next[memo]
                        if has_pauses or has_day_limit:
                            bar = exit_bar
                            if earned > 0.0:
                                integers[STREAK] = 0
                            else:
                                integers[STREAK] += 1
                                if has_pauses and integers[STREAK] >= breakers.losses_max:
                                    bar = max(bar, resume[exit_bar])
                            if has_day_limit:
                                if integers[LOSS_DAY] != day_of[exit_bar]:
                                    integers[LOSS_DAY] = day_of[exit_bar]
                                    floats[DAY_LOSS] = 0.0
                                floats[DAY_LOSS] -= earned * account_share
                                if floats[DAY_LOSS] >= breakers.daily_loss:
                                    bar = max(bar, day_end[day_of[exit_bar]])
                            if following < count:
                                following = rank[bar]
                        k = min(next_buys[following], next_sells[following])
                    integers[NEXT] = k
                    integers[TRADES] += trades
                    integers[WINS] += wins
                    integers[LONGS] += longs
                    integers[AMBIGUOUS] += ambiguous
                    integers[GAPS] += gaps
                    integers[ENDED] += ended
                    integers[DAY] = day
                    floats[EQUITY] = equity
                    floats[GAIN] = gain
                    floats[LOSS] = loss
                    floats[PEAK] = peak
                    floats[DRAWDOWN] = worst
                    floats[DAY_EQUITY] = day_equity
                    floats[DAY_SUM] = day_sum
                    floats[DAY_SQUARES] = day_squares
    if with_equity:
        for group in range(groups):
            for buy in range(buys):
                for sell in range(sells):
                    floats = sums[group, buy, sell]
                    change = floats[EQUITY] / floats[DAY_EQUITY] - 1.0
                    floats[DAY_SUM] += change
                    floats[DAY_SQUARES] += change * change
    return counts, sums


@njit(nogil=True, cache=CAN_CACHE)
def trace_trades(
    bid: Side,
    ask: Side,
    bars: Int32s,
    sides: Int8s,
    rank: Int32s,
    next_buy: Int32s,
    next_sell: Int32s,
    take_profit: float,
    stop_loss: float,
    day_end: Ints,
    day_of: Int32s,
    resume: Int32s,
    price_step: float,
    cost: float,
    breakers: TradeBreakers,
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
    streak = 0
    loss_day = -1
    day_loss = 0.0
    k = min(next_buy[0], next_sell[0])
    while k < count:
        if trades == integers.shape[0]:
            wider = np.empty((2 * trades, 5), dtype=np.int64)
            wider[:trades] = integers
            integers = wider
            longer = np.empty((2 * trades, 3))
            longer[:trades] = floats
            floats = longer
        sign = sides[k]
        entry_bar = bars[k] + 1
        entry = fills.find_entry(sign, bid[0][entry_bar], ask[0][entry_bar])
        stop = entry - sign * rules.find_distance(entry, stop_loss, price_step)
        target = entry + sign * rules.find_distance(entry, take_profit, price_step)
        side = bid if sign > 0 else ask
        exit_bar, price, reason, flags = resolve_trade(side, sign, entry_bar, entry, stop, target)
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
        bar = exit_bar
        streak = 0 if earned > 0.0 else streak + 1
        if breakers.losses_max > 0 and streak >= breakers.losses_max:
            bar = max(bar, resume[exit_bar])
        if breakers.daily_loss > 0.0:
            if day_of[exit_bar] != loss_day:
                loss_day = day_of[exit_bar]
                day_loss = 0.0
            day_loss -= earned * breakers.risk / (stop_loss / 100.0)
            if day_loss >= breakers.daily_loss:
                bar = max(bar, day_end[day_of[exit_bar]])
        k = min(next_buy[rank[bar]], next_sell[rank[bar]])
    return integers[:trades].copy(), floats[:trades].copy()


@njit(nogil=True, cache=CAN_CACHE)
def mark_days(
    bid: Side, ask: Side, integers: Ints, floats: Floats, day_end: Ints, cost: float
) -> Floats:
    """Return the equity at each day end of the trades of `trace_trades`, starting from 1."""
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
                equity[day] = units * bid[3][bar]
            else:
                equity[day] = value + units * entry * (1.0 - cost) - units * ask[3][bar]
    return equity
