"""How many bars a second the exact engine takes, breakers on and off.

    exact_engine.py [FILE ...]     price files beside the seeded bars of the other benchmarks

CPU seconds of this process, the best of some runs over the same bars: the work is always the same,
so what a run takes longer is another program's.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from series import make_bars

from palmbot.domain.units import PRICE_SCALE
from palmbot.pricefiles.bar_reader import read_bars
from palmbot.pricefiles.series import BarSeries
from palmbot.research.backtest import BacktestSetup, run_backtest

RUNS = 5
BARS = 100_000


def main() -> None:
    """Print two lines for each series."""
    time_engine(f"{BARS:,} seeded minutes", make_series(BARS))
    for name in sys.argv[1:]:
        series = read_bars(Path(name)).series
        time_engine(f"{len(series):,} bars of {Path(name).name}", series)


def make_series(bars: int) -> BarSeries:
    """Return the seeded bars as a file would give them."""
    market = make_bars(bars)
    opens, highs, lows, closes = market.prices[0] / PRICE_SCALE
    return BarSeries(
        time_ms=market.time_ms,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        spread=np.zeros(bars),
        period_ms=market.period_ms,
        source="seeded",
        digest="",
    )


def time_engine(name: str, series: BarSeries) -> None:
    """Print how fast a series goes through the engine."""
    for has_breakers in (True, False):
        setup = replace(BacktestSetup(), has_breakers=has_breakers)
        best, trades = float("inf"), 0
        for _ in range(RUNS):
            begin = time.process_time()
            trades = len(run_backtest(series, setup).trades)
            best = min(best, time.process_time() - begin)
        switch = "on" if has_breakers else "off"
        print(
            f"{name}, breakers {switch:4} {len(series) / best:9,.0f} bars/s, "
            f"{best / len(series) * 1e6:5.1f} us a bar, {trades} trades",
            flush=True,
        )


if __name__ == "__main__":
    main()
