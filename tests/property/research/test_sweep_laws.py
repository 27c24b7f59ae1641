"""The kernel is held to a plain loop over bars, trade for trade, on thousands of nasty series."""

import numpy as np
import pytest
from numba import njit

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from harness import naive_sweep
from harness.naive_sweep import walk_bars
from harness.random_markets import MINUTE_MS, make_grid_sample, make_market
from palmbot.research.engines import SweepJob, ThreadEngine, run_job
from palmbot.research.grid import Grid
from palmbot.research.rules import (
    BlockedBars,
    CostModel,
    read_max_drawdown,
    read_net_return,
)
from palmbot.research.sweep import SweepOptions, prepare, sweep, trace_equity, trace_prepared
from palmbot.research.table import COLUMNS

SERIES = 2000
PARTS = 8

# The first test of a process compiles the plain loop, some five seconds of work.
pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def walk():
    """The naive loop, compiled: it inlines the functions that the kernel registered."""
    return njit(walk_bars)


def draw_case(seed):
    """Return market, grid and options of one seed: each feature in some of the cases."""
    rng = np.random.default_rng(seed)
    bars = int(rng.choice([2, 3, 14, 15, 16, 17, 40, 120, 255, 257, 300, 600]))
    market = make_market(
        rng,
        bars,
        volatility=float(10 ** rng.uniform(-3.5, -2)),
        gap_share=float(rng.choice([0.0, 0.05, 0.3])),
        gap_size=float(rng.choice([0.005, 0.05])),
        spread=float(rng.choice([0.0, 0.0005, 0.02])),
        step_ms=int(rng.choice([MINUTE_MS, 60 * MINUTE_MS, 1440 * MINUTE_MS])),
        flat_share=float(rng.choice([0.0, 0.1, 0.9])),
        price_step=float(rng.choice([0.0, 1000.0, 100_000.0])),
    )
    buys, sells, targets, stops = make_grid_sample(rng)
    grid = Grid(rsi_buy=buys, rsi_sell=sells, take_profit=targets, stop_loss=stops)
    blocked = BlockedBars()
    if rng.random() < 0.3:
        blocked = BlockedBars(buys=rng.random(bars) < 0.3, sells=rng.random(bars) < 0.5)
    costs = CostModel(cost_bp=float(rng.choice([0.0, 5.0, 40.0])))
    return market, grid, SweepOptions(costs=costs, blocked=blocked)


def walk_point(walk, market, options, point):
    none = np.zeros(len(market), dtype=np.bool_)
    blocked = options.blocked
    return walk(
        np.ascontiguousarray(market.bid),
        np.ascontiguousarray(market.ask),
        none if blocked.buys is None else blocked.buys,
        none if blocked.sells is None else blocked.sells,
        tuple(point),
        market.price_step,
        options.costs.cost,
        options.rsi_period,
    )


COUNTED = ("trades", "wins", "longs", "gap_exits", "ambiguous", "open_at_end")
MEASURED = ("gross_profit", "gross_loss", "net_return", "max_drawdown")
SUMMED = ("daily_sum", "daily_squares")


def sum_up(market, rows, equity):
    """Return what the table must say of these trades: counts, measures, daily sums."""
    returns = rows[:, 8]
    marks = np.concatenate([[1.0], equity[market.day_end]])
    daily = marks[1:] / marks[:-1] - 1.0
    counts = (
        len(rows),
        (returns > 0).sum(),
        (rows[:, 2] > 0).sum(),
        rows[:, 4].sum(),
        rows[:, 5].sum(),
        (rows[:, 3] == 0).sum(),
    )
    measures = (
        returns[returns > 0].sum(),
        -returns[returns <= 0].sum(),
        read_net_return(returns),
        read_max_drawdown(equity),
    )
    return counts, measures, (daily.sum(), (daily**2).sum())


def stack(table, names):
    return np.stack([getattr(table, name) for name in names], axis=1)


@pytest.mark.parametrize("part", range(PARTS))
def test_kernel_makes_the_trades_of_a_plain_loop_over_bars(walk, part):
    trades = 0
    for seed in range(part, SERIES, PARTS):
        market, grid, options = draw_case(seed)
        table = sweep(market, grid, options)
        sums = [
            sum_up(market, *walk_point(walk, market, options, point)) for point in grid.points()
        ]
        counts, measures, daily = (np.array(part) for part in zip(*sums, strict=True))
        assert np.array_equal(stack(table, COUNTED), counts)
        assert np.allclose(stack(table, MEASURED), measures, rtol=1e-12, atol=1e-12)
        assert np.allclose(stack(table, SUMMED), daily, rtol=1e-9, atol=1e-11)
        trades += int(counts[:, 0].sum())
    assert trades > 5_000


def test_traced_trades_are_those_of_the_plain_loop_field_by_field(walk):
    compared = 0
    for seed in range(200):
        market, grid, options = draw_case(seed)
        prepared = prepare(market, grid, options)
        _, sells, targets, stops = grid.shape
        for row in range(0, grid.size, 3):
            point = grid.point(row)
            pair = row // (targets * stops)
            rows, equity = walk_point(walk, market, options, point)
            trades = trace_prepared(prepared, point, pair // sells, pair % sells)
            fields = (
                trades.entry_index,
                trades.exit_index,
                trades.side,
                trades.reason,
                trades.is_gap,
                trades.is_ambiguous,
                trades.entry_price,
                trades.exit_price,
                trades.net_return,
            )
            assert np.array_equal(np.stack(fields, axis=1).reshape(-1, 9), rows)
            marked = trace_equity(prepared, point, pair // sells, pair % sells)
            assert marked == pytest.approx(equity[market.day_end], rel=1e-12)
            compared += len(rows)
    assert compared > 1000


def test_compiled_loop_is_the_plain_loop(walk):
    for seed in range(0, 60, 3):
        market, grid, options = draw_case(seed)
        point = grid.point(grid.size - 1)
        rows, equity = walk_point(walk, market, options, point)
        plain_rows, plain_equity = walk_point(naive_sweep.walk_bars, market, options, point)
        assert np.array_equal(rows, plain_rows)
        assert np.array_equal(equity, plain_equity)


def test_table_does_not_depend_on_threads_or_blocks():
    rng = np.random.default_rng(5)
    market = make_market(rng, 5000)
    axis = tuple(float(value) for value in range(1, 8))
    grid = Grid(rsi_buy=(20.0, 30.0), rsi_sell=(70.0, 80.0), take_profit=axis, stop_loss=axis)
    one = sweep(market, grid)
    for workers in (1, 2, 7):
        job = SweepJob(market=market, grid=grid, options=SweepOptions())
        many = run_job(ThreadEngine(workers), job)
        for name in COLUMNS:
            assert np.array_equal(getattr(one, name), getattr(many, name))
