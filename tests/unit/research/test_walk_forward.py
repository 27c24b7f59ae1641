"""Windows that follow on one another, and choices that cannot see ahead."""

import numpy as np
import pytest

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from harness.random_markets import make_market
from palmbot.research.engines import ThreadEngine, make_window_job, run_job
from palmbot.research.grid import OWNER_GRID
from palmbot.research.market import Market
from palmbot.research.sweep import SweepOptions, compute_levels
from palmbot.research.walk_forward import cut_windows, walk_forward


@pytest.mark.parametrize("bars", [150, 725, 19_999, 20_000, 76_499])
@pytest.mark.parametrize("is_anchored", [True, False])
def test_tests_follow_on_one_another_to_the_end_and_never_overlap_their_train(bars, is_anchored):
    windows = cut_windows(bars, is_anchored=is_anchored)
    assert len(windows) == (4 if bars < 20_000 else 8)
    for train, test in windows:
        assert train.stop == test.start
        assert len(train) >= 2 * len(test) - 2
        assert train.start == 0 or not is_anchored
    assert [test.start for _, test in windows[1:]] == [test.stop for _, test in windows[:-1]]
    assert windows[-1][1].stop == bars


def run_walk(market: Market, options: SweepOptions):
    levels = compute_levels(market, options)
    engine = ThreadEngine(1)

    def run(grid, window):
        return run_job(engine, make_window_job(market, levels, grid, options, window))

    return walk_forward(run, OWNER_GRID, len(market), is_anchored=False)


def test_choice_does_not_see_what_comes_after_it():
    rng = np.random.default_rng(1)
    market = make_market(rng, 3000, volatility=0.006)
    forward = run_walk(market, SweepOptions())
    assert forward.trades > 20
    first = forward.folds[0]
    prices = market.prices.copy()
    prices[:, :, first.test_start :] *= np.linspace(1, 3, len(market) - first.test_start)
    other = Market(
        time_ms=market.time_ms,
        period_ms=market.period_ms,
        prices=np.rint(prices),
        price_step=market.price_step,
        day_end=market.day_end,
        rolls=market.rolls,
    )
    changed = run_walk(other, SweepOptions()).folds[0]
    assert (changed.point, changed.train) == (first.point, first.train)
    assert changed.test != first.test


def test_window_starts_and_ends_flat_while_the_rsi_runs_through():
    market = make_market(np.random.default_rng(2), 1000, volatility=0.006)
    options = SweepOptions()
    levels = compute_levels(market, options)
    window = range(500, 700)
    job = make_window_job(market, levels, OWNER_GRID, options, window)
    prepared = job.prepare()
    assert np.array_equal(job.levels, levels[500:700])
    assert not np.isnan(levels[500:514]).any()
    assert prepared.bars[:-1].max() < 199
    table = run_job(ThreadEngine(1), job)
    assert table.open_at_end.max() == 1


def test_too_few_train_trades_choose_nothing():
    market = make_market(np.random.default_rng(3), 200, volatility=0.0001, gap_share=0)
    forward = run_walk(market, SweepOptions())
    assert [fold.point for fold in forward.folds] == [None] * 4
    assert (forward.profit_factor, forward.trades) == (None, 0)
