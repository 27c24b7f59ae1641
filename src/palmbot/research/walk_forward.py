"""Choosing on the past, judging on what came after: anchored and rolling walk-forward."""

from collections.abc import Callable
from typing import Final

import numpy as np

from palmbot.research.findings import read_score
from palmbot.research.grid import Grid, make_single
from palmbot.research.outcome import Fold, WalkForward
from palmbot.research.table import SweepTable

FOLDS_FEW: Final = 4
FOLDS_MANY: Final = 8
BARS_FOR_MANY: Final = 20_000
"""From here on the test windows of eight folds still hold enough trades."""
TRAIN_TRADES_MIN: Final = 10


def walk_forward(
    run: Callable[[Grid, range], SweepTable], grid: Grid, bars: int, *, is_anchored: bool
) -> WalkForward:
    """Choose the best combination on each train window, and trade it on the window after.

    A test window is half as long as a rolling train window. Indicators run through, positions do
    not: every window starts and ends flat.

    Args:
        run: Sweeps a grid over a window of bars.
        grid: Combinations to choose from.
        bars: How many there are.
        is_anchored: Let every train window begin at the first bar.
    """
    folds = []
    tables = []
    for train, test in cut_windows(bars, is_anchored=is_anchored):
        fold, table = _run_fold(run, grid, train, test)
        folds.append(fold)
        if table is not None:
            tables.append(table)
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


def _run_fold(
    run: Callable[[Grid, range], SweepTable], grid: Grid, train: range, test: range
) -> tuple[Fold, SweepTable | None]:
    chosen_on = run(grid, train)
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
    judged_on = run(make_single(point), test)
    return Fold(
        train_start=train.start,
        test_start=test.start,
        test_stop=test.stop,
        point=point,
        train=read_score(chosen_on, row),
        test=read_score(judged_on, 0),
    ), judged_on
