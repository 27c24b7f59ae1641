"""How often the verdict is wrong: whole `optimize` runs on noise, and on a planted edge.

Noise: GARCH(1,1), so that volatility clusters, without any direction to be found. Edge: a price
that strongly returns to its mean. 100 fixed seeds each; prints how many of each verdict.

    verdicts.py [--seeds 100] [--first 0] [--only noise|edge]
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from palmbot.pricefiles.series import BarSeries
from palmbot.research.engines import ThreadEngine
from palmbot.research.grid import OWNER_GRID
from palmbot.research.optimize import OptimizeSettings, optimize
from palmbot.research.rules import Floats
from palmbot.research.sweep import SweepOptions

HOUR_MS = 3_600_000
START_MS = 1_600_000_000_000
NOISE_BARS = 3000
EDGE_BARS = 4000
"""Even a strong edge shows itself only over enough trades: about 50 of the winner here."""
STEPS = 8
"""Prices within a bar, of which high and low are the extremes."""
PRICE = 4000.0
PHI = 0.985
SIGMA = 0.003
"""Of the planted edge: what is left of a deviation after a bar, and what a bar adds to it."""


def make_noise(seed: int, bars: int) -> BarSeries:
    """Return bars whose volatility clusters and whose direction does not exist."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_normal((bars, STEPS))
    moves = np.empty((bars, STEPS))
    variance = 1e-5
    for bar in range(bars):
        moves[bar] = shocks[bar] * np.sqrt(variance / STEPS)
        variance = 2e-7 + 0.1 * moves[bar].sum() ** 2 + 0.88 * variance
    return make_series(np.cumsum(moves.ravel()).reshape(bars, STEPS), seed)


def make_edge(seed: int, bars: int) -> BarSeries:
    """Return bars whose logarithm returns to its mean by 1.5 per cent of the way each bar."""
    rng = np.random.default_rng(10_000 + seed)
    pull = PHI ** (1 / STEPS)
    shocks = rng.standard_normal(bars * STEPS) * SIGMA / np.sqrt(STEPS)
    level = np.empty(bars * STEPS)
    value = 0.0
    for step, shock in enumerate(shocks):
        value = pull * value + shock
        level[step] = value
    return make_series(level.reshape(bars, STEPS), seed)


def make_series(log_prices: Floats, seed: int) -> BarSeries:
    """Return bars of prices with two decimals; each opens where the last one closed."""
    bars = len(log_prices)
    closes = log_prices[:, -1]
    opens = np.concatenate([[0.0], closes[:-1]])
    inside = np.column_stack([opens, log_prices])
    highs, lows = inside.max(axis=1), inside.min(axis=1)
    prices = [np.round(PRICE * np.exp(part), 2) for part in (opens, highs, lows, closes)]
    return BarSeries(
        time_ms=START_MS + np.arange(bars, dtype=np.int64) * HOUR_MS,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        spread=np.zeros(bars),
        period_ms=HOUR_MS,
        source=f"seed {seed}",
        digest="",
        digits=2,
    )


def judge(
    make: Callable[[int, int], BarSeries], seeds: range, bars: int
) -> tuple[Counter[str], int]:
    """Return verdicts of all seeds, and how many had a profit factor above 1.5."""
    verdicts: Counter[str] = Counter()
    above = 0
    settings = OptimizeSettings(grid=OWNER_GRID, options=SweepOptions())
    for seed in seeds:
        outcome = optimize(
            make(seed, bars), settings, ThreadEngine(os.cpu_count() or 1), None, lambda _: None
        )
        verdicts[outcome.verdict.kind.value] += 1
        above += outcome.above_target > outcome.above_target_thin
    return verdicts, above


def main() -> None:
    """Run both sets and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", choices=["noise", "edge"])
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    for name, make, bars in (("noise", make_noise, NOISE_BARS), ("edge", make_edge, EDGE_BARS)):
        if options.only in {None, name}:
            begin = time.process_time()
            verdicts, above = judge(make, seeds, bars)
            counts = ", ".join(
                f"{kind} {verdicts[kind]}" for kind in ("ROBUST", "FRAGILE", "NOISE")
            )
            print(
                f"{name:5} {options.seeds} seeds from {options.first}, {bars} bars: "
                f"{counts}; profit factor above 1.5 in {above}; "
                f"{time.process_time() - begin:.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
