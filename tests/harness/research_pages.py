"""Made-up results of research: what the tests of its pages are fed."""

import random
from itertools import combinations, product

import numpy as np

from harness.bar_series import START_MS, draw_series
from palmbot.domain.units import MS_PER_DAY
from palmbot.pricefiles.bar_reader import ReadOptions
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
from palmbot.research.rules import StrategyPoint
from palmbot.workbench.backtest import BacktestOptions, run_backtest_file
from palmbot.workbench.data_check import check_file

AXES = {
    "rsi buy": (20.0, 25.0, 30.0, 35.0),
    "rsi sell": (65.0, 70.0, 75.0, 80.0),
    "target %": (1.5, 2.0, 2.5, 3.0),
    "stop %": (1.0, 1.5, 2.0),
}


def write_bars(path, series):
    """Write a series of one side as CSV."""
    rows = zip(series.time_ms, series.open, series.high, series.low, series.close, strict=True)
    lines = ["time_ms,open,high,low,close"]
    lines += [f"{t},{o:.2f},{h:.2f},{low:.2f},{c:.2f}" for t, o, h, low, c in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def make_backtest_picture(folder, *, count=500, seed=3):
    """Return a real backtest of drawn bars."""
    path = write_bars(folder / "bars.csv", draw_series(np.random.default_rng(seed), count))
    return run_backtest_file(
        BacktestOptions(file=path, point=StrategyPoint(35.0, 65.0, 1.0, 0.8), has_breakers=False)
    )


def make_data_picture(folder):
    """Return a real check of drawn bars."""
    path = write_bars(folder / "bars.csv", draw_series(np.random.default_rng(3), 500))
    return check_file(path, ReadOptions())


def make_optimize_picture(*, verdict="NOISE", seed=5):
    """Return a search as it might end, over the owner's grid."""
    rng = random.Random(seed)  # noqa: S311  (no secret depends on it)
    points = [
        Combination(rsi_buy=a, rsi_sell=b, tp=c, sl=d) for a, b, c, d in product(*AXES.values())
    ]
    rows = tuple(
        GridRow(
            point=point,
            trades=rng.randint(5, 80),
            profit_factor=None if index % 40 == 7 else rng.lognormvariate(0, 0.25),
        )
        for index, point in enumerate(points)
    )
    best = _make_candidate(points[100], rng, verdict)
    days = tuple(START_MS + MS_PER_DAY * day for day in range(250))
    return OptimizePicture(
        source="made <up>.csv",
        sha256="ab" * 32,
        code_sha256="cd" * 32,
        bars=5_000,
        start_ms=START_MS,
        end_ms=days[-1],
        period_ms=3_600_000,
        split_ms=days[175],
        cost_bp=5.0,
        has_breakers=False,
        sentiment="off",
        target=1.5,
        min_trades=30,
        combinations=len(points),
        above_target=12,
        above_target_thin=9,
        verdict=verdict,
        reasons=("flipped bars do as well (p 0.31)", "walk-forward earned 0.81 afterwards"),
        best=best,
        defaults=_make_candidate(points[70], rng, None),
        above=tuple(_make_candidate(point, rng, "NOISE") for point in points[:3]),
        heat_maps=tuple(_make_map(pair, rng) for pair in combinations(AXES, 2)),
        rows=rows,
        curves=tuple(_make_curve(point, days, rng) for point in points[100:106]),
        walk_forward=tuple(
            WalkForwardRun(
                name=name,
                windows=tuple(
                    WalkWindow(
                        train_start_ms=START_MS,
                        test_start_ms=days[50 * number + 40],
                        test_end_ms=days[50 * number + 49],
                        point=points[number],
                        train=1.4,
                        test=0.6 + 0.2 * number,
                        test_trades=12,
                    )
                    for number in range(4)
                ),
                profit_factor=0.9,
                trades=48,
                efficiency=0.64,
            )
            for name in ("anchored", "rolling")
        ),
        null=NullRun(
            statistic=1.61,
            flipped=tuple(sorted(rng.lognormvariate(0.35, 0.25) for _ in range(200))),
            p_value=0.31,
            shuffled=tuple(sorted(rng.lognormvariate(0.35, 0.25) for _ in range(200))),
            shuffle_p_value=0.4,
            target_share=0.42,
        ),
        pbo=0.55,
        sharpe=SharpeTest(value=0.4, trials=192, effective_trials=6.2),
        seconds=12.3,
    )


def _make_candidate(point, rng, verdict):
    def score(trades):
        return Scored(trades=trades, profit_factor=rng.lognormvariate(0.2, 0.2), win_rate=0.45)

    return Candidate(
        point=point,
        whole=score(60),
        in_sample=score(42),
        out_of_sample=score(18),
        double_cost=1.1,
        neighbours=0.95,
        interval=(0.8, 2.1),
        net_return=0.12,
        max_drawdown=0.09,
        sharpe=0.6,
        ambiguous=1,
        gap_exits=2,
        verdict=verdict,
        reason="" if verdict is None else "flipped bars do as well",
    )


def _make_map(pair, rng):
    x, y = AXES[pair[0]], AXES[pair[1]]
    return HeatMap(
        x_name=pair[0],
        y_name=pair[1],
        x=x,
        y=y,
        profit_factor=tuple(tuple(rng.lognormvariate(0, 0.2) for _ in x) for _ in y),
        trades=tuple(tuple(float(rng.randint(5, 80)) for _ in x) for _ in y),
    )


def _make_curve(point, days, rng):
    worth, values = 1.0, []
    for _ in days:
        worth *= 1 + rng.gauss(0.0003, 0.006)
        values.append(worth)
    return EquityCurve(point=point, time_ms=days, value=tuple(values))
