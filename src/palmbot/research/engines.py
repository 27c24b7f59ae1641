"""Who does the work of a search: threads of this process, or a cluster (`cluster`).

Work comes in tasks that depend on nothing but their job and number, so every engine gives the same
bits.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from palmbot.research.grid import Grid
from palmbot.research.market import Market
from palmbot.research.resampling import BarMoves, flip, shuffle
from palmbot.research.rules import Floats
from palmbot.research.sweep import (
    Prepared,
    SweepOptions,
    cut_blocks,
    find_best_factor,
    find_groups,
    join_blocks,
    prepare,
    run_block,
)
from palmbot.research.table import SweepTable

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepJob:
    """One grid over one stretch of bars; its tasks are blocks of groups."""

    market: Market
    grid: Grid
    options: SweepOptions
    levels: Floats | None = None
    """RSI at each close, for a window that goes on with the RSI of earlier bars."""
    with_equity: bool = True

    def prepare(self) -> Prepared:
        """Do the work that all blocks share."""
        return prepare(
            self.market,
            self.grid,
            self.options,
            levels=self.levels,
            with_equity=self.with_equity,
        )

    def run(self, prepared: Prepared, block: range) -> SweepTable:
        """Return the rows of one block."""
        return run_block(prepared, find_groups(self.grid)[block.start : block.stop])


def make_window_job(
    market: Market, levels: Floats, grid: Grid, options: SweepOptions, window: range
) -> SweepJob:
    """Return the job of a window of bars: it starts and ends flat, while the RSI runs through.

    A trade that the window's end cuts is closed at the last close, so that nothing of what comes
    after can leak into a choice.
    """
    return SweepJob(
        market=market.cut(window.start, window.stop),
        grid=grid,
        options=options.cut(window.start, window.stop),
        levels=np.ascontiguousarray(levels[window.start : window.stop]),
        with_equity=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NullJob:
    """The same search on resampled bars; its tasks are numbers of resamples.

    Numbers below `resamples` flip the bars, the others shuffle them.
    """

    moves: BarMoves
    grid: Grid
    options: SweepOptions
    min_trades: int
    resamples: int
    seed: int

    def search(self, number: int) -> float:
        """Return the best profit factor of one resample, 0 if no row qualifies."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        draw = flip if number < self.resamples else shuffle
        market = draw(self.moves, rng)
        return find_best_factor(market, self.grid, self.options, self.min_trades) or 0.0


class Engine(Protocol):
    """Runs tasks, several at a time."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""

    def run_blocks(self, job: SweepJob, blocks: Sequence[range]) -> Iterator[SweepTable]:
        """Yield the table of each block, in their order.

        Raises:
            TransientError: the workers are gone; finished blocks were yielded.
        """

    def search(self, job: NullJob, numbers: Sequence[int]) -> Iterator[float]:
        """Yield the best profit factor of each resample, in their order.

        Raises:
            TransientError: the workers are gone; finished ones were yielded.
        """


class ThreadEngine:
    """Implements `Engine` on threads of this process: the kernel lets go of the interpreter."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    @property
    def workers(self) -> int:
        """Number of threads."""
        return self._workers

    def run_blocks(self, job: SweepJob, blocks: Sequence[range]) -> Iterator[SweepTable]:
        """See `Engine`."""
        prepared = job.prepare()
        return self._map(lambda block: job.run(prepared, block), blocks)

    def search(self, job: NullJob, numbers: Sequence[int]) -> Iterator[float]:
        """See `Engine`."""
        return self._map(job.search, numbers)

    def _map(self, work: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[Answer]:
        if self._workers <= 1 or len(tasks) <= 1:
            yield from map(work, tasks)
            return
        pool = ThreadPoolExecutor(self._workers)
        try:
            yield from pool.map(work, tasks)
        finally:
            pool.shutdown(cancel_futures=True)


def run_job(engine: Engine, job: SweepJob) -> SweepTable:
    """Return the whole table of a job."""
    return join_blocks(job.grid, list(engine.run_blocks(job, cut_blocks(job.grid))))
