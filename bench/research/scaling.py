"""How the sweep grows: bars, combinations, threads; and a first sweep without compiled code.

    scaling.py [--large]     with 10,000,000 bars and 1,000,000 combinations x 1,000,000 bars

CPU seconds of this process, medians; wall clock and peak memory where threads work.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

from series import make_bars

from palmbot.research.engines import SweepJob, ThreadEngine, run_job
from palmbot.research.grid import OWNER_GRID, Grid
from palmbot.research.rules import CostModel
from palmbot.research.sweep import SweepOptions, sweep

OPTIONS = SweepOptions(costs=CostModel(cost_bp=2.0))
FIRST_SWEEP = (
    "import time; begin = time.monotonic(); from series import make_bars; "
    "from palmbot.research.grid import OWNER_GRID; from palmbot.research.sweep import sweep; "
    "sweep(make_bars(10_000), OWNER_GRID); print(f'{time.monotonic() - begin:.1f}')"
)


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    is_large = parser.parse_args().large
    with tempfile.TemporaryDirectory() as folder:
        print(f"first sweep, nothing compiled     {time_first(folder)} s wall")
        print(f"first sweep of the next process   {time_first(folder)} s wall")
    sizes = [10_000, 100_000, 1_000_000] + ([10_000_000] if is_large else [])
    for bars in sizes:
        market = make_bars(bars)
        sweep(market, OWNER_GRID, OPTIONS)
        seconds = take_time(lambda m=market: sweep(m, OWNER_GRID, OPTIONS), 7)  # type: ignore[misc]
        print_line(f"192 x {bars:,}", f"{seconds * 1e3:,.2f} ms CPU, one thread")
    market = make_bars(100_000)
    guarded = replace(OPTIONS, has_breakers=True)
    sweep(market, OWNER_GRID, guarded)
    seconds = take_time(lambda: sweep(market, OWNER_GRID, guarded), 3)
    print_line("192 x 100,000 with breakers", f"{seconds * 1e3:,.0f} ms CPU, one thread")
    market = make_bars(1_000_000)
    wide = Grid(
        rsi_buy=tuple(float(value) for value in range(16, 36, 2)),
        rsi_sell=tuple(float(value) for value in range(66, 86, 2)),
        take_profit=tuple(1 + step / 5 for step in range(10)),
        stop_loss=tuple(1 + step / 10 for step in range(10)),
    )
    seconds = take_time(lambda: sweep(market, wide, OPTIONS), 3)
    print_line(f"{wide.size:,} x 1,000,000", f"{seconds * 1e3:,.0f} ms CPU, one thread")
    if is_large:
        huge = Grid(
            rsi_buy=tuple(float(value) for value in range(16, 41)),
            rsi_sell=tuple(float(value) for value in range(60, 85)),
            take_profit=tuple((100 + 5 * step) / 100 for step in range(40)),
            stop_loss=tuple((100 + 5 * step) / 100 for step in range(40)),
        )
        threads = os.cpu_count() or 1
        job = SweepJob(market=market, grid=huge, options=OPTIONS)
        wall, cpu = time.monotonic(), time.process_time()
        table = run_job(ThreadEngine(threads), job)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        print_line(
            f"{huge.size:,} x 1,000,000",
            f"{wall:.1f} s wall on {threads} threads, {cpu:.1f} s CPU, "
            f"{int(table.trades.astype(int).sum()):,} trades",
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print_line("peak memory of this process", f"{peak:.2f} GB")


def time_first(folder: str) -> str:
    """Return the seconds of a sweep in a process of its own, with its cache in `folder`."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", FIRST_SWEEP],
        cwd=os.path.dirname(os.path.abspath(__file__)),  # noqa: PTH100, PTH120
        env={**os.environ, "XDG_CACHE_HOME": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def take_time(work: Callable[[], object], times: int) -> float:
    """Return the median CPU seconds."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


def print_line(name: str, text: str) -> None:
    """Print one line at once."""
    print(f"{name:33} {text}", flush=True)


if __name__ == "__main__":
    main()
