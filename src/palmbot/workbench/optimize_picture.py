"""From what a search found to what its page shows."""

from itertools import combinations
from typing import Final

import numpy as np

from palmbot.reports.optimize_run import (
    Candidate,
    Combination,
    EquityCurve,
    GridRow,
    HeatMap,
    NullRun,
    OptimizePicture,
    Scored,
    SharpeTest,
    WalkForwardRun,
    WalkWindow,
)
from palmbot.research.grid import Grid
from palmbot.research.outcome import (
    EquityLine,
    Finding,
    Fold,
    OptimizeOutcome,
    Score,
    WalkForward,
)
from palmbot.research.rules import Floats, StrategyPoint
from palmbot.research.table import SweepTable

AXIS_NAMES: Final = ("rsi buy", "rsi sell", "target %", "stop %")
LINES_MAX: Final = 1_500
"""Combinations drawn as lines; more are a carpet."""
CELLS_MAX: Final = 40
"""Values of one axis in a heat map; of a longer one every so many are shown."""
DAYS_MAX: Final = 1_500
"""Points of an equity line."""
NEIGHBOURS_MAX: Final = 24


def make_optimize_picture(outcome: OptimizeOutcome, notes: tuple[str, ...] = ()) -> OptimizePicture:
    """Return what the page shows; values are taken over, nothing is computed anew but medians.

    Args:
        outcome: What the search found.
        notes: What was done to the bars before it, one sentence each.
    """
    evidence = outcome.evidence
    sharpe = evidence.deflated_sharpe
    last = outcome.bars - 1
    split = min(outcome.split, last)
    return OptimizePicture(
        source=outcome.source,
        sha256=outcome.digest,
        code_sha256=outcome.code_digest,
        bars=outcome.bars,
        start_ms=int(outcome.time_ms[0]),
        end_ms=int(outcome.time_ms[last]),
        period_ms=outcome.period_ms,
        split_ms=int(outcome.time_ms[split]),
        cost_bp=outcome.cost_bp,
        has_breakers=outcome.has_breakers,
        sentiment=outcome.sentiment,
        target=outcome.target,
        min_trades=outcome.min_trades,
        combinations=outcome.grid.size,
        above_target=outcome.above_target,
        above_target_thin=outcome.above_target_thin,
        verdict=outcome.verdict.kind.value,
        reasons=outcome.verdict.reasons,
        best=None if outcome.best is None else _take_finding(outcome.best),
        defaults=_take_finding(outcome.defaults),
        above=tuple(_take_finding(each) for each in outcome.above),
        heat_maps=make_heat_maps(outcome.grid, outcome.stretches.whole),
        rows=pick_rows(outcome.grid, outcome.stretches.whole),
        curves=tuple(_take_line(outcome, line) for line in outcome.lines[: NEIGHBOURS_MAX + 1]),
        walk_forward=tuple(_take_walk(outcome, each) for each in evidence.walk_forward),
        null=NullRun(
            statistic=evidence.null.statistic,
            flipped=tuple(evidence.null.flipped.tolist()),
            p_value=evidence.null.p_value,
            shuffled=tuple(evidence.null.shuffled.tolist()),
            shuffle_p_value=evidence.null.shuffle_p_value,
            target_share=evidence.null.target_share,
        ),
        pbo=evidence.pbo,
        sharpe=None
        if sharpe is None
        else SharpeTest(
            value=sharpe.value,
            trials=sharpe.trials,
            effective_trials=sharpe.effective_trials,
        ),
        seconds=outcome.seconds,
        notes=notes,
    )


def make_heat_maps(grid: Grid, table: SweepTable) -> tuple[HeatMap, ...]:
    """Return a map for each pair of parameters: medians over the other two."""
    axes = (grid.rsi_buy, grid.rsi_sell, grid.take_profit, grid.stop_loss)
    factor = table.profit_factor.reshape(grid.shape)
    trades = table.trades.reshape(grid.shape).astype(np.float64)
    maps: list[HeatMap] = []
    for first, second in combinations(range(len(axes)), 2):
        if len(axes[first]) == 1 and len(axes[second]) == 1:
            continue
        others = tuple(axis for axis in range(len(axes)) if axis not in {first, second})
        columns, rows = _thin_axis(axes[first]), _thin_axis(axes[second])
        place = np.ix_(rows, columns)
        maps.append(
            HeatMap(
                x_name=AXIS_NAMES[first],
                y_name=AXIS_NAMES[second],
                x=tuple(axes[first][index] for index in columns),
                y=tuple(axes[second][index] for index in rows),
                profit_factor=_list_cells(_read_medians(factor, others).T[place]),
                trades=tuple(
                    tuple(float(cell) for cell in row)
                    for row in np.median(trades, axis=others).T[place]
                ),
            )
        )
    return tuple(maps)


def pick_rows(grid: Grid, table: SweepTable) -> tuple[GridRow, ...]:
    """Return every combination, or an even sample of a large grid."""
    chosen = np.unique(np.linspace(0, grid.size - 1, min(grid.size, LINES_MAX)).astype(np.int64))
    factor = table.profit_factor
    return tuple(
        GridRow(
            point=_take_point(grid.point(row)),
            trades=int(table.trades[row]),
            profit_factor=None if np.isnan(factor[row]) else float(factor[row]),
        )
        for row in chosen.tolist()
    )


def _read_medians(values: Floats, axes: tuple[int, ...]) -> Floats:
    """Return medians over axes with undefined values left out, NaN where all are."""
    moved = np.moveaxis(values, axes, range(-len(axes), 0))
    flat = moved.reshape((*moved.shape[: -len(axes)], -1))
    flat = flat.reshape(-1, flat.shape[-1])
    medians = np.full(flat.shape[0], np.nan)
    for index, row in enumerate(flat):
        defined = row[~np.isnan(row)]
        if defined.size:
            medians[index] = np.median(defined)
    return medians.reshape(moved.shape[: -len(axes)])


def _list_cells(values: Floats) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(None if np.isnan(cell) else round(float(cell), 4) for cell in row) for row in values
    )


def _thin_axis(axis: tuple[float, ...]) -> list[int]:
    picked = np.linspace(0, len(axis) - 1, min(len(axis), CELLS_MAX))
    return sorted({round(each) for each in picked.tolist()})


def _take_point(point: StrategyPoint) -> Combination:
    return Combination(
        rsi_buy=point.rsi_buy,
        rsi_sell=point.rsi_sell,
        tp=point.take_profit,
        sl=point.stop_loss,
    )


def _take_score(score: Score) -> Scored:
    return Scored(trades=score.trades, profit_factor=score.profit_factor, win_rate=score.win_rate)


def _take_finding(found: Finding) -> Candidate:
    verdict = found.verdict
    return Candidate(
        point=_take_point(found.point),
        whole=_take_score(found.whole),
        in_sample=_take_score(found.in_sample),
        out_of_sample=_take_score(found.out_of_sample),
        double_cost=found.double_cost,
        neighbours=found.neighbours,
        interval=found.interval,
        net_return=found.net_return,
        max_drawdown=found.max_drawdown,
        sharpe=found.sharpe,
        ambiguous=found.ambiguous,
        gap_exits=found.gap_exits,
        verdict=None if verdict is None else verdict.kind.value,
        reason="" if verdict is None or not verdict.reasons else verdict.reasons[0],
    )


def _take_line(outcome: OptimizeOutcome, line: EquityLine) -> EquityCurve:
    count = line.equity.size
    chosen = np.unique(np.linspace(0, count - 1, min(count, DAYS_MAX)).astype(np.int64))
    times = outcome.time_ms[outcome.day_end] + outcome.period_ms
    return EquityCurve(
        point=_take_point(line.point),
        time_ms=tuple(times[chosen].tolist()),
        value=tuple(round(float(each), 6) for each in line.equity[chosen]),
    )


def _take_walk(outcome: OptimizeOutcome, walk: WalkForward) -> WalkForwardRun:
    return WalkForwardRun(
        name="anchored" if walk.is_anchored else "rolling",
        windows=tuple(_take_fold(outcome, fold) for fold in walk.folds),
        profit_factor=walk.profit_factor,
        trades=walk.trades,
        efficiency=walk.efficiency,
    )


def _take_fold(outcome: OptimizeOutcome, fold: Fold) -> WalkWindow:
    time = outcome.time_ms
    return WalkWindow(
        train_start_ms=int(time[fold.train_start]),
        test_start_ms=int(time[fold.test_start]),
        test_end_ms=int(time[fold.test_stop - 1]),
        point=None if fold.point is None else _take_point(fold.point),
        train=None if fold.train is None else fold.train.profit_factor,
        test=None if fold.test is None else fold.test.profit_factor,
        test_trades=0 if fold.test is None else fold.test.trades,
    )
