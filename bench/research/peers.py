"""Our kernel beside vectorbt and backtesting.py: the same bars, one process, trades compared first.

Differences of the peers that are emulated where trades are compared: vectorbt does not test levels
on the bar of the entry; backtesting.py hangs them on the close of the signal. One more moves the
price of an exit and not its bar: vectorbt calls it a stop when a bar opens beyond the target and
then reaches the stop. It also charges no exit to a position that ends with the bars.

    peers.py [--bars 10000 100000] [--skip-backtesting-above 10000]

All figures are CPU seconds of this process on one thread, medians; our kernel is timed before and
after each peer, RSI and set-up included. Made for `make bench-research`, which gives it an
environment of its own with the peers in it.
"""

import argparse
import gc
import importlib.metadata
import multiprocessing.dummy
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # before backtesting.py draws a bar for each of 192 runs

import backtesting
import numpy as np
import pandas as pd
import vectorbt
from numba import njit
from series import make_bars

from palmbot.domain.units import PRICE_SCALE
from palmbot.research.grid import OWNER_GRID
from palmbot.research.market import Market
from palmbot.research.rules import CostModel, Floats, StrategyPoint
from palmbot.research.sweep import SweepOptions, compute_levels, sweep, trace

COST_BP = 2.0
OPTIONS = SweepOptions(costs=CostModel(cost_bp=COST_BP))
COST = OPTIONS.costs.cost
POINTS = tuple(OWNER_GRID.points())
STAKE = 1000.0


def main() -> None:
    """Compare, then time, for each number of bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--skip-backtesting-above", type=int, default=10_000)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("numba", "numpy", "vectorbt", "vectorbt-rust", "backtesting"):
        print(f"{name} {importlib.metadata.version(name)}")
    for bars in chosen.bars:
        market = make_bars(bars)
        print(f"\n192 combinations x {bars:,} bars")
        compare_vectorbt(market)
        if bars <= chosen.skip_backtesting_above:
            compare_backtesting(market)


def compare_vectorbt(market: Market) -> None:
    """Print agreement and ratios against vectorbt."""
    ours = time_ours(market)
    simulate = make_vectorbt(market)
    simulate()  # compiles, or loads what it has compiled
    portfolio, simulated = take_time(simulate, 3 if len(market) <= 100_000 else 1)  # noqa: PLR2004
    measured = take_time(lambda done=portfolio: read_metrics(done), 1)[1]
    records = portfolio.trades.records
    found = {
        column: rows[["entry_idx", "exit_idx", "direction"]].to_numpy()
        for column, rows in records.groupby("col")
    }
    report_agreement(market, found, "vectorbt", skips_entry_bar=True)
    factors = portfolio.trades.profit_factor().to_numpy()
    mine = sweep(market, OWNER_GRID, OPTIONS)
    table = mine.profit_factor
    both = np.isfinite(factors) & np.isfinite(table) & (mine.open_at_end == 0)
    del portfolio, records
    gc.collect()
    again = time_ours(market)
    gap = np.abs(factors[both] / table[both] - 1)
    print(
        f"  profit factors within 1e-9: {(gap < 1e-9).sum()} of {both.sum()} that "  # noqa: PLR2004
        "end without a position (vectorbt charges no exit to one that ends with the bars)"
    )
    print_time("our kernel", ours, f"before; after: {again * 1e3:.2f} ms")
    mean = statistics.mean((ours, again))
    print_time("vectorbt, simulation", simulated, f"{simulated / mean:,.0f} times ours")
    total = simulated + measured
    print_time("vectorbt, and six metrics", total, f"{total / mean:,.0f} times ours")


def make_vectorbt(market: Market) -> Callable[[], Any]:
    """Return the simulation of all combinations as vectorbt words it."""
    opens, highs, lows, closes = (pd.Series(row) for row in market.bid)
    levels = compute_levels(market, OPTIONS)
    buys = np.stack([delay(levels < point.rsi_buy) for point in POINTS], axis=1)
    sells = np.stack([delay(levels > point.rsi_sell) for point in POINTS], axis=1)
    none = np.zeros_like(buys)
    targets = np.tile([point.take_profit / 100 for point in POINTS], (len(market), 1))
    stops = np.tile([point.stop_loss / 100 for point in POINTS], (len(market), 1))

    def simulate() -> Any:  # noqa: ANN401 - a portfolio of vectorbt
        return vectorbt.Portfolio.from_signals(
            closes,
            entries=pd.DataFrame(buys),
            exits=pd.DataFrame(none),
            short_entries=pd.DataFrame(sells),
            short_exits=pd.DataFrame(none),
            open=opens,
            high=highs,
            low=lows,
            price=opens,
            sl_stop=stops,
            tp_stop=targets,
            stop_entry_price="fillprice",
            stop_exit_price="stoplimit",
            upon_opposite_entry="ignore",
            size=STAKE,
            size_type="value",
            fees=COST,
            init_cash=1e6,
            accumulate=False,
            freq="1min",
        )

    return simulate


def delay(signals: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return signals moved to the bar at whose open they are filled."""
    return np.concatenate([[False], signals[:-1]])


def read_metrics(portfolio: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a portfolio of vectorbt
    """Ask for what our table holds."""
    return (
        portfolio.total_return(),
        portfolio.max_drawdown(),
        portfolio.sharpe_ratio(),
        portfolio.trades.count(),
        portfolio.trades.win_rate(),
        portfolio.trades.profit_factor(),
    )


class Bracket(backtesting.Strategy):  # type: ignore[misc]  # untyped
    """The strategy as backtesting.py words it: levels hang on the close of the signal."""

    rsi_buy, rsi_sell, take_profit, stop_loss = OWNER_GRID.point(0)

    def init(self) -> None:
        """Give it our RSI, so that only the engine is compared."""
        self.rsi = self.I(self.data.df["Rsi"].to_numpy, name="rsi")

    def next(self) -> None:
        """Decide at the close of a bar."""
        if self.position:
            return
        close = self.data.Close[-1]
        up, down = self.take_profit / 100, self.stop_loss / 100
        if self.rsi[-1] < self.rsi_buy:
            self.buy(tp=close * (1 + up), sl=close * (1 - down))
        elif self.rsi[-1] > self.rsi_sell:
            self.sell(tp=close * (1 - up), sl=close * (1 + down))


def compare_backtesting(market: Market) -> None:
    """Print agreement and ratio against backtesting.py."""
    backtesting.Pool = multiprocessing.dummy.Pool  # one process, so that its CPU time is ours
    frame = pd.DataFrame(
        (market.bid / PRICE_SCALE).T,
        columns=["Open", "High", "Low", "Close"],
        index=pd.to_datetime(market.time_ms, unit="ms"),
    )
    frame["Rsi"] = compute_levels(market, OPTIONS)
    test = backtesting.Backtest(
        frame, Bracket, cash=1e9, commission=COST, finalize_trades=True, trade_on_close=False
    )
    grid = OWNER_GRID
    ours = time_ours(market)
    _, seconds = take_time(
        lambda: test.optimize(
            rsi_buy=list(grid.rsi_buy),
            rsi_sell=list(grid.rsi_sell),
            take_profit=list(grid.take_profit),
            stop_loss=list(grid.stop_loss),
            maximize="Profit Factor",
        ),
        1,
    )
    again = time_ours(market)
    found = {}
    for row in range(0, len(POINTS), 8):
        trades = test.run(**POINTS[row]._asdict())["_trades"]
        found[row] = np.column_stack(
            [trades["EntryBar"], trades["ExitBar"], (trades["Size"] < 0).astype(int)]
        )
    report_agreement(market, found, "backtesting.py", levels_from_close=True)
    ratio = seconds / statistics.mean((ours, again))
    print_time("backtesting.py, optimize", seconds, f"{ratio:,.0f} times ours")


def report_agreement(
    market: Market,
    found: dict[int, np.ndarray[Any, Any]],
    peer: str,
    *,
    skips_entry_bar: bool = False,
    levels_from_close: bool = False,
) -> None:
    """Print for how many combinations a peer makes our trades: as delivered, and like itself."""
    levels = compute_levels(market, OPTIONS)
    delivered = emulated = ours_emulated = trades = 0
    for row, theirs in found.items():
        ours = trace(market, POINTS[row], OPTIONS)
        mine = np.column_stack([ours.entry_index, ours.exit_index, ours.side < 0])
        delivered += np.array_equal(mine, theirs)
        plain = walk(market.bid, levels, POINTS[row], False, False)  # noqa: FBT003
        ours_emulated += np.array_equal(mine, plain)
        like_peer = walk(market.bid, levels, POINTS[row], skips_entry_bar, levels_from_close)
        emulated += np.array_equal(like_peer, theirs)
        trades += len(theirs)
    print(
        f"  {peer}: {trades:,} trades; the same in {delivered} of {len(found)} combinations as "
        f"delivered, in {emulated} with its differences emulated (a plain loop with our rules is "
        f"our kernel in {ours_emulated})"
    )


@njit
def walk(
    prices: Floats,
    levels: Floats,
    point: StrategyPoint,
    skips_entry_bar: bool,  # noqa: FBT001
    levels_from_close: bool,  # noqa: FBT001
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return entry bar, exit bar and side (1 short) of each trade by the rules of a peer.

    Args:
        prices: Opens, highs, lows, closes.
        levels: RSI.
        point: Thresholds and distances.
        skips_entry_bar: vectorbt: levels are not tested on the bar of the entry.
        levels_from_close: backtesting.py: distances are those from the close of the signal.
    """
    rsi_buy, rsi_sell, take_profit, stop_loss = point
    n = levels.size
    rows = np.empty((n, 3), dtype=np.int64)
    count = 0
    t = 0
    while t < n - 1:
        sign = 0
        if levels[t] < rsi_buy:
            sign = 1
        elif levels[t] > rsi_sell:
            sign = -1
        t += 1
        if sign == 0:
            continue
        base = prices[3, t - 1] if levels_from_close else prices[0, t]
        stop = base * (1 - sign * stop_loss / 100)
        target = base * (1 + sign * take_profit / 100)
        rows[count, 0] = t
        rows[count, 2] = 1 if sign < 0 else 0
        if skips_entry_bar:
            t += 1
        while t < n:
            worst = prices[2, t] if sign > 0 else prices[1, t]
            best = prices[1, t] if sign > 0 else prices[2, t]
            is_stop = (worst - stop) * sign <= 0
            is_target = (best - target) * sign >= 0
            if is_stop or is_target:
                break
            t += 1
        t = min(t, n - 1)
        rows[count, 1] = t
        count += 1
    return rows[:count]


def time_ours(market: Market) -> float:
    """Return the CPU seconds of one sweep."""
    sweep(market, OWNER_GRID, OPTIONS)
    return take_time(lambda: sweep(market, OWNER_GRID, OPTIONS), 7)[1]


def take_time(work: Callable[[], Any], times: int) -> tuple[Any, float]:
    """Return the last result and the median CPU seconds."""
    taken = []
    result = None
    for _ in range(times):
        result = None
        gc.collect()
        begin = time.process_time()
        result = work()
        taken.append(time.process_time() - begin)
    return result, statistics.median(taken)


def print_time(name: str, seconds: float, note: str) -> None:
    """Print one line."""
    shown = f"{seconds * 1e3:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"
    print(f"  {name:28} {shown:>12}   {note}", flush=True)


if __name__ == "__main__":
    main()
