"""Choosing on the past, judging on what came after: anchored and rolling walk-forward."""

from collections.abc import Callable
from typing import Final

import numpy as np

from palmbot.research.grid import Grid, make_single
from palmbot.research.market import Market
from palmbot.research.outcome import Fold, Score, WalkForward
from palmbot.research.rules import Floats
from palmbot.research.sweep import SweepOptions, sweep_window
from palmbot.research.table import SweepTable

FOLDS_FEW: Final = 4
FOLDS_MANY: Final = 8
BARS_FOR_MANY: Final = 20_000
"""From here on the test windows of eight folds still hold enough trades."""
TRAIN_TRADES_MIN: Final = 10


def walk_forward(  # noqa: PLR0913 - bars, what to try on them, how
    market: Market,
    levels: Floats,
    grid: Grid,
    options: SweepOptions,
    *,
    is_anchored: bool,
    tell: Callable[[], None],
) -> WalkForward:
    """Choose the best combination on each train window, and trade it on the window after.

    A test window is half as long as a rolling train window. Indicators run through, positions do
    not: every window starts and ends flat.

    Args:
        market: Bars.
        levels: RSI at each close.
        grid: Combinations to choose from.
        options: Costs and the rest.
        is_anchored: Let every train window begin at the first bar.
        tell: Called after each fold.
    """
    folds = []
    tables = []
    for train, test in cut_windows(len(market), is_anchored=is_anchored):
        fold, table = _run_fold(market, levels, grid, options, train, test)
        folds.append(fold)
        if table is not None:
            tables.append(table)
        tell()
    gain = sum(float(table.gross_profit[0]) for table in tables)
    loss = sum(float(table.gross_loss[0]) for table in tables)
    factor = gain / loss if loss > 0 else None
    train_factors = [
        fold.train.profit_factor
        for fold in folds
        if fold.train is not None and fold.train.profit_factor is not None
    ]
    return WalkForward(
        is_anchored=is_anchored,
        folds=tuple(folds),
        profit_factor=factor,
        trades=sum(int(table.trades[0]) for table in tables),
        efficiency=factor / float(np.median(train_factors))
        if factor is not None and train_factors and np.median(train_factors) > 0
        else None,
    )


def cut_windows(bars: int, *, is_anchored: bool) -> tuple[tuple[range, range], ...]:
    """Return train and test window of each fold; the tests follow on one another to the end."""
    count = FOLDS_MANY if bars >= BARS_FOR_MANY else FOLDS_FEW
    # A train window as long as two tests: `count` tests and one train window fill the file.
    edges = [round(bars * part / (count + 2)) for part in range(count + 3)]
    return tuple(
        (
            range(0 if is_anchored else edges[fold], edges[fold + 2]),
            range(edges[fold + 2], edges[fold + 3]),
        )
        for fold in range(count)
    )


def _run_fold(  # noqa: PLR0913, PLR0917 - what a fold is made of
    market: Market,
    levels: Floats,
    grid: Grid,
    options: SweepOptions,
    train: range,
    test: range,
) -> tuple[Fold, SweepTable | None]:
    chosen_on = sweep_window(market, levels, grid, options, train)
    row = chosen_on.find_best(TRAIN_TRADES_MIN)
    if row is None:
        return Fold(
            train_start=train.start,
            test_start=test.start,
            test_stop=test.stop,
            point=None,
            train=None,
            test=None,
        ), None
    point = grid.point(row)
    judged_on = sweep_window(market, levels, make_single(point), options, test)
    return Fold(
        train_start=train.start,
        test_start=test.start,
        test_stop=test.stop,
        point=point,
        train=read_score(chosen_on, row),
        test=read_score(judged_on, 0),
    ), judged_on


def read_score(table: SweepTable, row: int) -> Score:
    """Return one row of a table as a score."""
    trades = int(table.trades[row])
    loss = float(table.gross_loss[row])
    return Score(
        trades=trades,
        profit_factor=float(table.gross_profit[row]) / loss if loss > 0 else None,
        win_rate=int(table.wins[row]) / trades if trades else None,
    )
