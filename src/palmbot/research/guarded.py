"""Compiled: one combination through a file with the bot's breakers on, trade for trade.

With breakers a trade depends on those before it: on the size that the account allows, on the loss
of the day, on the losses in a row. So nothing can be remembered for other combinations. But most
bars change nothing, and `skip` jumps over them: to the next signal, the end of the trade, the end
of a day with a position open, the end of a pause, or a bar that trips something by itself.

The order of events is that of `research.backtest`: the bar does to the position what it does, a
person resets what is latched since yesterday, the bar closes and the next one opens, breakers are
reviewed, and then a signal is decided at that opening.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from palmbot.core import fills
from palmbot.core.fills import ExitKind
from palmbot.domain.units import MS_PER_DAY
from palmbot.research import rules as trade_rules
from palmbot.research.breaker_steps import (
    BALANCE,
    BASELINE,
    COMMISSION,
    ENTRIES,
    ENTRY,
    ENTRY_BAR,
    ENTRY_DAY,
    EQUITY,
    HALF_OPEN,
    IS_CLOSING,
    IS_PROBING,
    LATCHED,
    LATCHING,
    LOSS,
    MONEY_MAX,
    NEVER,
    PHASE,
    PROBED,
    RATE,
    SCRATCH,
    SIGN,
    STOP,
    TARGET,
    TOUCH,
    VOLUME,
    WIN,
    AccountRules,
    find_volume,
    find_wake,
    is_forbidden,
    judge_trade,
    latch,
    open_account,
    read_share,
    reset_latched,
    review,
    trip,
    turn_day,
    watch_bar,
)
from palmbot.research.compiled import CAN_CACHE, Int8s, Int32s, inlined, inner
from palmbot.research.exits import (
    CLOSE,
    FLAG_AMBIGUOUS,
    FLAG_END,
    FLAG_GAP,
    HIGHEST,
    LOWEST,
    OPEN,
    find_touch,
    walk_drawdown,
)
from palmbot.research.kernel import (
    AMBIGUOUS,
    DAY_SQUARES,
    DAY_SUM,
    DRAWDOWN,
    ENDED,
    GAIN,
    GAPS,
    LONGS,
    ROLLS,
    TRADES,
    WINS,
    mark_days,
)
from palmbot.research.kernel import EQUITY as EQUITY_SUM
from palmbot.research.kernel import LOSS as LOSS_SUM
from palmbot.research.rules import Floats, Ints
from palmbot.research.watched_bars import SIGN_FIRES, SIGN_GAP, SIGN_WIDE, Bits

ALARMS: Final = SIGN_FIRES | SIGN_GAP
BALANCE_WHOLE: Final = 10_000
"""Money units, a fraction of a cent, below which a day of no trade may trip for its loss."""


@njit(nogil=True, cache=CAN_CACHE)
def find_alarms(signs: Bits) -> Ints:
    """Return for each bar the first one from it on that trips something; n_bars for none."""
    n = signs.size
    found = np.empty(n + 1, dtype=np.int64)
    found[n] = n
    for t in range(n - 1, -1, -1):
        found[t] = t if signs[t] & ALARMS else found[t + 1]
    return found


@njit(nogil=True, cache=CAN_CACHE)
def find_last_of_days(time_ms: Ints) -> Ints:
    """Return for each bar the last one that opens on the same UTC day."""
    found = np.empty(time_ms.size, dtype=np.int64)
    last = time_ms.size - 1
    for t in range(time_ms.size - 1, -1, -1):
        if time_ms[t] // MS_PER_DAY != time_ms[last] // MS_PER_DAY:
            last = t
        found[t] = last
    return found


@njit(nogil=True, cache=CAN_CACHE)
def number_days(time_ms: Ints) -> Ints:
    """Return the trading day in which each bar opens: days with prices so far, today included.

    The first bar has none yet: the bot hears of a bar when the next one opens.
    """
    days = np.ones(time_ms.size, dtype=np.int64)
    for t in range(2, time_ms.size):
        is_new = time_ms[t] // MS_PER_DAY != time_ms[t - 1] // MS_PER_DAY
        days[t] = days[t - 1] + (1 if is_new else 0)
    return days


class Course(NamedTuple):
    """What every combination runs through, as the compiler takes it."""

    prices: Floats
    """Whole wire units, see `exits.find_touch`."""
    bars: Int32s
    """Bar of each candidate, ended by n_bars."""
    sides: Int8s
    """+1 or -1 of each candidate."""
    rank: Int32s
    """Candidates before each bar."""
    time_ms: Ints
    """Openings of the bars."""
    days: Ints
    """Of `number_days`."""
    signs: Bits
    """Of `watched_bars`."""
    alarms: Ints
    """Of `find_alarms`."""
    day_last: Ints
    """Of `find_last_of_days`."""
    short: Floats
    """Extremes of blocks, see `exits.find_touch`."""
    long: Floats
    """See `exits.find_touch`."""
    bar_ms: int
    price_step: float
    """See `rules.find_distance`."""
    cost: float
    """Fraction of the price, a side."""
    rules: AccountRules


@njit(nogil=True, cache=CAN_CACHE)
def trace_guarded(
    course: Course, next_buy: Int32s, next_sell: Int32s, take_profit: float, stop_loss: float
) -> tuple[Ints, Floats, bool]:
    """Return the trades of one combination with breakers on.

    Args:
        course: Bars and rules.
        next_buy: Of `candidates.find_next`, for one threshold.
        next_sell: The same of the sell threshold.
        take_profit: Percent of the entry.
        stop_loss: Percent of the entry.

    Returns:
        Trades as `kernel.trace_trades` returns them, and whether the account outgrew MONEY_MAX,
        in which case they are not complete.
    """
    time_ms, rank, rules = course.time_ms, course.rank, course.rules
    last = time_ms.size - 1
    integers = np.empty((64, 5), dtype=np.int64)
    floats = np.empty((64, 3))
    trades = 0
    s, records = open_account(rules, time_ms[0])
    k = min(next_buy[0], next_sell[0])
    t = min(course.bars[k], course.alarms[0])
    while t <= last:
        if trades + 2 > integers.shape[0]:
            integers = np.concatenate((integers, integers))
            floats = np.concatenate((floats, floats))
        if s[SIGN] != 0 and test_levels(s, records, course, t, integers[trades], floats[trades]):
            trades += 1
        if t == last:
            break
        if abs(s[BALANCE]) > MONEY_MAX:
            return integers[:trades].copy(), floats[:trades].copy(), True
        close_bar(s, records, course, t)
        k = min(next_buy[rank[t]], next_sell[rank[t]])
        if s[SIGN] == 0 and course.bars[k] == t:
            enter(s, records, course, t, course.sides[k], take_profit, stop_loss)
        if s[IS_CLOSING]:
            close_position(s, records, course, t, integers[trades], floats[trades])
            trades += 1
        t += 1
        k = min(next_buy[rank[t]], next_sell[rank[t]])
        t = skip(s, records, course, t, course.bars[k])
    if s[SIGN] != 0:
        price = course.prices[find_side(s, course.prices), CLOSE, last]
        reason = trade_rules.REASON_END
        leave(s, course, last, price, reason, FLAG_END, integers[trades], floats[trades])
        trades += 1
    return integers[:trades].copy(), floats[:trades].copy(), False


@inlined
def skip(s: Ints, records: Ints, course: Course, t: int, signal: int) -> int:
    """Return the first bar from `t` on in which anything may happen; n_bars for none.

    Args:
        s: Account.
        records: Breakers.
        course: Bars and rules.
        t: Next bar.
        signal: First bar from there on with a signal.
    """
    wake = find_wake(records)
    if wake == 0:
        return t
    bar: int
    if s[SIGN] == 0:
        if s[BALANCE] < BALANCE_WHOLE:
            return t
        if wake == NEVER:
            bar = min(signal, course.alarms[t])
            return bar
        # The bar that ends when the one opens in which the pause is over.
        awake = np.searchsorted(course.time_ms, wake) - 1
        bar = min(max(t, awake), course.alarms[t])
        return bar
    if wake != NEVER:
        return t
    # Before the level is touched every opening lies between stop and target.
    worst = s[BALANCE] + (s[STOP] - s[ENTRY]) * s[SIGN] * s[VOLUME] * 10 + s[COMMISSION]
    if s[BASELINE] - worst >= read_share(s[BASELINE], course.rules.daily_loss_bp):
        return t
    bar = min(s[TOUCH] - 1, course.alarms[t], course.day_last[t])
    if bar > t:
        s[EQUITY] = read_equity(s, course.prices, bar)
        return bar
    return t


@inner
def test_levels(
    s: Ints, records: Ints, course: Course, t: int, integers: Ints, floats: Floats
) -> bool:
    """Let a bar do to the position what it does; tell whether that ended it."""
    prices = course.prices
    side = find_side(s, prices)
    fill = fills.find_exit(
        s[SIGN],
        prices[side, OPEN, t],
        prices[side, HIGHEST, t],
        prices[side, LOWEST, t],
        float(s[STOP]),
        float(s[TARGET]),
    )
    if fill.kind == ExitKind.NONE:
        return False
    now = course.time_ms[t]
    signs = course.signs[t - 1]
    if not fill.is_gap:
        now += course.bar_ms - 1
        equity = read_equity(s, prices, t)
        turn_day(s, now, course.days[t] + 1, equity)
        review(s, records, course.rules, now, equity, signs)
    flags = (FLAG_GAP if fill.is_gap else 0) | (FLAG_AMBIGUOUS if fill.is_ambiguous else 0)
    result = leave(s, course, t, fill.price, read_reason(fill.kind), flags, integers, floats)
    judge_trade(s, records, course.rules, now, result)
    review(s, records, course.rules, now, s[BALANCE], signs)
    return True


@inlined
def close_bar(s: Ints, records: Ints, course: Course, t: int) -> None:
    """Close a bar and open the next: reset what is latched, then let the breakers see it."""
    rules = course.rules
    now = course.time_ms[t + 1]
    for breaker in range(LATCHING):
        if records[breaker, PHASE] == LATCHED:  # not before there was a bar
            age_ms = now - course.time_ms[t]
            reset_latched(s, records, rules, now, course.days[t + 1], age_ms, course.signs[t - 1])
            break
    equity = read_equity(s, course.prices, t + 1)
    turn_day(s, now, course.days[t + 1], equity)
    watch_bar(s, records, rules, now, course.signs[t])
    review(s, records, rules, now, equity, course.signs[t])


@inner
def enter(
    s: Ints,
    records: Ints,
    course: Course,
    t: int,
    sign: int,
    take_profit: float,
    stop_loss: float,
) -> None:
    """Ask the gate about the signal of bar `t`, size, and enter at the opening after it."""
    prices, rules, step = course.prices, course.rules, course.price_step
    if is_forbidden(records) or course.signs[t] & SIGN_WIDE or s[BALANCE] <= 0:
        return
    now = course.time_ms[t + 1]
    day = now // MS_PER_DAY
    if s[ENTRY_DAY] == day and s[ENTRIES] >= rules.entries_per_day:
        trip(records[RATE], s, now, now)
        latch(records[RATE], now)
        return
    bid, ask = prices[0, OPEN, t + 1], prices[prices.shape[0] - 1, OPEN, t + 1]
    price = fills.find_entry(sign, bid, ask)
    entry = int(price)
    stop = int(np.rint(trade_rules.find_distance(price, stop_loss, step)))
    target = int(np.rint(trade_rules.find_distance(price, take_profit, step)))
    volume = find_volume(s, records, rules, entry, int(bid), int(ask), max(1, stop))
    if volume < 1:
        return
    s[ENTRIES] = s[ENTRIES] + 1 if s[ENTRY_DAY] == day else 1
    s[ENTRY_DAY] = day
    s[SIGN] = sign
    s[ENTRY] = entry
    s[VOLUME] = volume
    s[STOP] = entry - sign * stop
    s[TARGET] = entry + sign * target
    s[COMMISSION] = charge(entry, volume, course.cost)
    s[ENTRY_BAR] = t + 1
    s[TOUCH] = find_touch(
        prices,
        course.short,
        course.long,
        find_side(s, prices),
        t + 1,
        float(max(s[STOP], s[TARGET])),
        float(min(s[STOP], s[TARGET])),
    )
    for breaker in range(PROBED):
        records[breaker, IS_PROBING] = records[breaker, PHASE] == HALF_OPEN
    review(s, records, rules, now, read_equity(s, prices, t + 1), course.signs[t])


@inner
def close_position(
    s: Ints, records: Ints, course: Course, t: int, integers: Ints, floats: Floats
) -> None:
    """Close at the opening after bar `t`, as the daily loss limit asks."""
    price = course.prices[find_side(s, course.prices), OPEN, t + 1]
    fill = fills.find_exit(s[SIGN], price, price, price, float(s[STOP]), float(s[TARGET]))
    reason, flags = trade_rules.REASON_CLOSED, 0
    if fill.kind != ExitKind.NONE:  # the server was first
        reason, flags = read_reason(fill.kind), FLAG_GAP
    result = leave(s, course, t + 1, price, reason, flags, integers, floats)
    now = course.time_ms[t + 1]
    judge_trade(s, records, course.rules, now, result)
    review(s, records, course.rules, now, s[BALANCE], course.signs[t])


@inlined
def find_side(s: Ints, prices: Floats) -> int:
    """Return on which side the open position leaves: bids for a long, asks for a short."""
    return 0 if s[SIGN] > 0 else prices.shape[0] - 1


@inlined
def read_equity(s: Ints, prices: Floats, bar: int) -> int:
    """Return balance and unrealized profit at the opening of a bar, see `core.metrics`."""
    if s[SIGN] == 0:
        balance: int = s[BALANCE]
        return balance
    moved = (int(prices[find_side(s, prices), OPEN, bar]) - s[ENTRY]) * s[SIGN]
    equity: int = s[BALANCE] + moved * s[VOLUME] * 10 + s[COMMISSION]
    return equity


@inner
def read_reason(kind: int) -> int:
    """Return the reason of `rules` for the level that filled."""
    if kind == ExitKind.STOP:
        return trade_rules.REASON_STOP
    return trade_rules.REASON_TARGET


@inner
def charge(price: int, volume: int, cost: float) -> int:
    """Return the commission of one side, negative; see `paper_broker`."""
    return -int(np.rint(float(price * volume * 10) * cost))


@inner
def leave(
    s: Ints,
    course: Course,
    bar: int,
    price: float,
    reason: int,
    flags: int,
    integers: Ints,
    floats: Floats,
) -> int:
    """Book the exit in the account and as a trade; return how it ended."""
    sign, volume = s[SIGN], s[VOLUME]
    net = (int(price) - s[ENTRY]) * sign * volume * 10
    net += s[COMMISSION] + charge(int(price), volume, course.cost)
    s[BALANCE] += net
    integers[0] = s[ENTRY_BAR]
    integers[1] = bar
    integers[2] = sign
    integers[3] = reason
    integers[4] = flags
    floats[0] = s[ENTRY]
    floats[1] = price
    floats[2] = trade_rules.find_return(sign, float(s[ENTRY]), price, course.cost)
    s[SIGN] = s[IS_CLOSING] = 0
    # Within one price step of nothing is neither.
    scratch = max(1, int(course.price_step)) * volume * 10
    if net > scratch:
        return WIN
    return LOSS if net < -scratch else SCRATCH


@njit(nogil=True, cache=CAN_CACHE)
def sum_trades(
    course: Course,
    integers: Ints,
    floats: Floats,
    day_end: Ints,
    rolls_before: Int32s,
    with_equity: bool,
    counts: Int32s,
    sums: Floats,
) -> None:
    """Write the row that `kernel.sweep_block` would for the trades of `trace_guarded`."""
    prices, cost = course.prices, course.cost
    asks = prices.shape[0] - 1
    equity = peak = 1.0
    worst = 0.0
    for trade in range(integers.shape[0]):
        entry_bar, exit_bar, sign, _, flags = integers[trade]
        entry, _, earned = floats[trade]
        counts[TRADES] += 1
        counts[WINS] += earned > 0.0
        counts[LONGS] += sign > 0
        counts[GAPS] += (flags & FLAG_GAP) != 0
        counts[AMBIGUOUS] += (flags & FLAG_AMBIGUOUS) != 0
        counts[ENDED] += (flags & FLAG_END) != 0
        if rolls_before.size > 0:
            counts[ROLLS] += rolls_before[exit_bar] > rolls_before[entry_bar]
        sums[GAIN] += max(earned, 0.0)
        sums[LOSS_SUM] -= min(earned, 0.0)
        if with_equity:
            units = sign * equity / (entry * (1.0 + cost))
            base = 0.0 if sign > 0 else equity * (1.0 + (1.0 - cost) / (1.0 + cost))
            side = 0 if sign > 0 else asks
            peak, worst = walk_drawdown(prices, side, entry_bar, exit_bar, base, units, peak, worst)
        equity *= 1.0 + earned
        peak = max(peak, equity)
        worst = max(worst, 1.0 - equity / peak)
    sums[EQUITY_SUM] = equity
    if with_equity:
        sums[DRAWDOWN] = worst
        before = 1.0
        for value in mark_days(prices, integers, floats, day_end, cost):
            change = value / before - 1.0
            sums[DAY_SUM] += change
            sums[DAY_SQUARES] += change * change
            before = value
