"""The rules of a backtest as a plain loop over bars, written apart from the sweep kernel.

Signals, fills and returns are the functions of `core` and `research.rules`; loop and books are
written a second time, one bar after the other, so that the kernel is not checked against itself. It
can be compiled, for tests on thousands of series. The bot's breakers are not in here: the exact
engine is what the kernel is held to with them.
"""

import numpy as np

from palmbot.core import fills, rsi, strategy
from palmbot.core.fills import ExitKind
from palmbot.core.rsi import RSI_START
from palmbot.core.strategy import Signal
from palmbot.research import rules


def walk_bars(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - one plain loop, compiled
    bid,
    ask,
    no_buys,
    no_sells,
    point,
    price_step,
    cost,
    period,
):
    """Return the trades, and equity at the close of every bar.

    A trade is a row (entry bar, exit bar, side, reason, gap, ambiguous, entry price, exit price,
    net return). `bid` and `ask` are arrays of shape (4, n_bars): opens, highs, lows, closes;
    `point` is (rsi_buy, rsi_sell, take_profit, stop_loss).
    """
    n = bid.shape[1]
    rows = np.empty((n + 1, 9))
    equity = np.empty(n)
    count = 0
    state = RSI_START
    worth = 1.0
    wish = 0
    sign = 0
    entry = stop = target = 0.0
    entry_bar = 0
    for t in range(n):
        if wish != 0:
            sign = wish
            wish = 0
            entry_bar = t
            entry = fills.find_entry(sign, bid[0, t], ask[0, t])
            stop = entry - sign * rules.find_distance(entry, point[3], price_step)
            target = entry + sign * rules.find_distance(entry, point[2], price_step)
        if sign != 0:
            side = bid if sign > 0 else ask
            fill = fills.find_exit(sign, side[0, t], side[1, t], side[2, t], stop, target)
            is_last = t == n - 1
            if fill.kind != ExitKind.NONE or is_last:
                price = fill.price
                reason = 0.0
                if fill.kind == ExitKind.STOP:
                    reason = 1.0
                elif fill.kind == ExitKind.TARGET:
                    reason = 2.0
                else:
                    price = side[3, t]
                earned = rules.find_return(sign, entry, price, cost)
                rows[count, 0] = entry_bar
                rows[count, 1] = t
                rows[count, 2] = sign
                rows[count, 3] = reason
                rows[count, 4] = 1.0 if fill.is_gap else 0.0
                rows[count, 5] = 1.0 if fill.is_ambiguous else 0.0
                rows[count, 6] = entry
                rows[count, 7] = price
                rows[count, 8] = earned
                count += 1
                worth *= 1.0 + earned
                sign = 0
        if sign == 0:
            equity[t] = worth
        elif sign > 0:
            equity[t] = worth / (entry * (1.0 + cost)) * bid[3, t]
        else:
            units = worth / (entry * (1.0 + cost))
            equity[t] = worth + units * entry * (1.0 - cost) - units * ask[3, t]
        state = rsi.update_rsi(state, bid[3, t], period)
        value = rsi.read_rsi(state, period)
        if value is None or sign != 0 or t == n - 1:
            continue
        signal = strategy.read_signal(value, point[0], point[1])
        if signal == Signal.BUY and not no_buys[t]:
            wish = 1
        elif signal == Signal.SELL and not no_sells[t]:
            wish = -1
        entry = fills.find_entry(wish, bid[0, t + 1], ask[0, t + 1])
        if ask[0, t + 1] - bid[0, t + 1] >= rules.find_distance(entry, point[3], price_step):
            wish = 0  # the stop would be reached at the entry: the bot does not enter
    return rows[:count], equity
