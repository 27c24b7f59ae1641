"""Could luck have found this? The same search on bars without direction."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from palmbot.research.grid import Grid
from palmbot.research.market import Market
from palmbot.research.outcome import NullTest
from palmbot.research.resampling import BarMoves, flip, measure_moves, shuffle
from palmbot.research.rules import Floats
from palmbot.research.sweep import SweepOptions, find_best_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class NullOptions:
    """How hard to look for luck."""

    resamples: int = 200
    seed: int = 0
    """Root of the random numbers; every resample has a child of its own."""
    workers: int = 1
    """Threads; the answer does not depend on their number."""


def run_null_test(  # noqa: PLR0913
    market: Market,
    grid: Grid,
    options: SweepOptions,
    *,
    statistic: float | None,
    min_trades: int,
    target: float,
    null: NullOptions,
    tell: Callable[[float], None],
) -> NullTest:
    """Hold the best profit factor of a search against the same search on resampled bars.

    Args:
        market: The real bars.
        grid: The combinations searched.
        options: Costs and the rest; what blocks bars blocks the same bars of a resample.
        statistic: Best profit factor on the real bars, None if no row qualified.
        min_trades: Rows with fewer are left out, in the real search and in every other.
        target: Profit factor hoped for.
        null: Resamples, seed, threads.
        tell: Called with the fraction done.
    """
    moves = measure_moves(market)
    seeds = np.random.SeedSequence(null.seed).spawn(2 * null.resamples)

    def search(number: int) -> float:
        rng = np.random.default_rng(seeds[number])
        draw = flip if number < null.resamples else shuffle
        best = find_best_factor(_draw(draw, moves, rng), grid, options, min_trades)
        return best if best is not None else 0.0

    found = []
    with _spread(null.workers) as run_all:
        for best in run_all(search, range(len(seeds))):
            found.append(best)
            tell(len(found) / len(seeds))
    flipped = np.sort(np.array(found[: null.resamples]))
    shuffled = np.sort(np.array(found[null.resamples :]))
    return NullTest(
        statistic=statistic,
        flipped=flipped,
        p_value=read_chance(flipped, statistic),
        shuffled=shuffled,
        shuffle_p_value=read_chance(shuffled, statistic),
        target_share=float((flipped > target).mean()),
    )


def read_chance(resamples: Floats, statistic: float | None) -> float:
    """Return (k + 1) / (m + 1), k of m resamples being at least as good; 1 without a statistic."""
    if statistic is None:
        return 1.0
    return float((resamples >= statistic).sum() + 1) / (resamples.size + 1)


def _draw(
    draw: Callable[[BarMoves, np.random.Generator], Market],
    moves: BarMoves,
    rng: np.random.Generator,
) -> Market:
    return draw(moves, rng)


@contextmanager
def _spread(
    workers: int,
) -> Iterator[Callable[[Callable[[int], float], range], Iterator[float]]]:
    """Give a `map` in order, on threads or without."""
    if workers <= 1:
        yield map
        return
    pool: Executor
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool.map
        finally:
            pool.shutdown(cancel_futures=True)
