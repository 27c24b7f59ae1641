"""Wires a search: price file in, engine chosen, results on disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from palmbot.core.params import SentimentMode
from palmbot.domain.errors import InputInvalid
from palmbot.pricefiles.bar_reader import ReadOptions, ReadResult, RollReading, read_bars
from palmbot.pricefiles.quality import Grade
from palmbot.pricefiles.series import BarSeries
from palmbot.research.backtest_figures import find_over_rolls
from palmbot.research.checkpoint import Checkpoint
from palmbot.research.engines import Engine, ThreadEngine
from palmbot.research.market import make_market
from palmbot.research.mood_mask import find_blocked
from palmbot.research.optimize import OptimizeSettings, Stage, Tell, optimize
from palmbot.research.outcome import Finding, OptimizeOutcome, Score
from palmbot.research.result_files import check_folder, write_results, write_statistics
from palmbot.research.rules import read_profit_factor, read_win_rate
from palmbot.research.sweep import SweepOptions, trace
from palmbot.workbench.recorded_mood import read_recorded_mood

STATISTICS_NAME: Final = "backtest_statistics.csv"
UNFINISHED_SUFFIX: Final = ".unfinished"
COMPILING: Final = "compiling the sweep for this processor, once after an installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizePlan:
    """Where bars come from, where results go, who works."""

    data: Path
    reading: ReadOptions
    settings: OptimizeSettings
    output: Path
    sentiment: Path | None = None
    sentiment_mode: SentimentMode = SentimentMode.VETO
    uses_dask: bool = False
    address: str | None = None
    """Of a Dask scheduler; None for a cluster on this machine."""
    workers: int | None = None
    """None for one for each core."""

    @property
    def statistics(self) -> Path:
        """Where the other statistics go: beside the results, named after them."""
        if self.output.name == "backtest_results.csv":
            return self.output.with_name(STATISTICS_NAME)
        return self.output.with_name(f"{self.output.stem}_statistics.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeResult:
    """What a run found, and what is to be known of its bars."""

    outcome: OptimizeOutcome
    warnings: tuple[str, ...]
    """Of the price file, one sentence each."""
    rolls: RollReading
    best_off_rolls: Score | None
    """The best without its trades over marked bars; None where there are none."""
    defaults_off_rolls: Score | None
    is_resumed: bool
    """Part of the work was found finished."""


def run_optimize(plan: OptimizePlan, tell: Tell) -> OptimizeResult:
    """Read, search, judge, and write both tables.

    Raises:
        InputInvalid: the file, an option or a place cannot be used.
        TransientError: the workers of a cluster are gone; finished work is kept.
    """
    if plan.workers is not None and plan.workers < 1:
        raise InputInvalid(f"--workers: need at least 1, was {plan.workers}; leave it out.")
    if plan.address is not None and not plan.uses_dask:
        raise InputInvalid("--address: it names a Dask scheduler; add --engine dask.")
    check_folder(plan.output)
    check_folder(plan.statistics)
    read = read_bars(plan.data, plan.reading)
    settings = _take_mood(plan, read.series)
    from palmbot.research.compiled import is_compiled  # noqa: PLC0415 - loads the compiler

    has_breakers = settings.options.has_breakers
    if not is_compiled(has_breakers=has_breakers):
        seconds = 25 if has_breakers else 10
        tell(Stage(text=f"{COMPILING} ({seconds} s)", fraction=0.0))
    with _open_engine(plan) as engine:
        checkpoint = Checkpoint(
            plan.output.with_name(plan.output.name + UNFINISHED_SUFFIX),
            settings.make_key(f"{read.series.digest} {read.rolls.key}".rstrip()),
        )
        is_done = False
        try:
            outcome = optimize(read.series, settings, engine, checkpoint, tell)
            write_results(plan.output, outcome)
            write_statistics(plan.statistics, outcome)
            is_done = True
        finally:
            checkpoint.close(is_done=is_done)
    return OptimizeResult(
        outcome=outcome,
        warnings=(*read.rolls.notes, *_list_warnings(read)),
        rolls=read.rolls,
        best_off_rolls=_leave_rolls_out(read.series, settings.options, outcome.best),
        defaults_off_rolls=_leave_rolls_out(read.series, settings.options, outcome.defaults),
        is_resumed=checkpoint.is_resumed,
    )


def _leave_rolls_out(
    series: BarSeries, options: SweepOptions, found: Finding | None
) -> Score | None:
    """Return one combination on the whole file without the trades open over a marked bar."""
    if found is None or not found.over_rolls:
        return None
    trades = trace(make_market(series), found.point, options)
    returns = trades.net_return[~find_over_rolls(trades, series)]
    return Score(
        trades=returns.size,
        profit_factor=read_profit_factor(returns),
        win_rate=read_win_rate(returns),
    )


def _take_mood(plan: OptimizePlan, series: BarSeries) -> OptimizeSettings:
    """Return the settings, with the bars that the recorded sentiment keeps from entries."""
    settings = plan.settings
    if plan.sentiment is None:
        return settings
    mood = read_recorded_mood(plan.sentiment)
    blocked = find_blocked(series.time_ms, mood, plan.sentiment_mode)
    return replace(
        settings,
        options=replace(settings.options, blocked=blocked),
        sentiment=f"{plan.sentiment_mode} ({plan.sentiment.name}, refusals {blocked.digest[:16]})",
    )


@contextmanager
def _open_engine(plan: OptimizePlan) -> Iterator[Engine]:
    workers = plan.workers or os.cpu_count() or 1
    if not plan.uses_dask:
        yield ThreadEngine(workers)
        return
    from palmbot.research.cluster import connect  # noqa: PLC0415 - loads Dask, rarely needed

    with connect(plan.address, workers) as engine:
        yield engine


def _list_warnings(read: ReadResult) -> tuple[str, ...]:
    return tuple(
        f"{item.name}: {item.text}" for item in read.quality.items if item.grade is Grade.WARN
    )
