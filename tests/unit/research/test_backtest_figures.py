"""What is said of a backtest: each figure against a second way of computing it."""

from dataclasses import replace

import numpy as np
import pytest

from harness.bar_series import HOUR_MS, START_MS, draw_series, make_series
from palmbot.research.backtest import BacktestSetup, run_backtest
from palmbot.research.backtest_figures import mark_equity, read_interval, summarize
from palmbot.research.rules import CostModel, StrategyPoint

FALLING = [(100 - i, 100 - i, 99 - i, 99 - i) for i in range(3)]
SETUP = BacktestSetup(
    point=StrategyPoint(30.0, 70.0, 2.0, 1.0),
    rsi_period=2,
    costs=CostModel(cost_bp=10),
    has_breakers=False,
)


def figures_of(series, setup=SETUP):
    run = run_backtest(series, setup)
    return run, summarize(run, series, setup, zone="UTC", mood="off", seconds=1.0)


def test_an_ambiguous_bar_is_the_difference_between_the_bounds():
    _, summary = figures_of(make_series([*FALLING, (100, 103, 98, 101)]))
    found = summary.figures
    assert (found.trades, found.ambiguous_bars, found.profit_factor) == (1, 1, 0.0)
    assert found.bounds.pessimistic.net_return == found.net_return
    assert found.bounds.optimistic.net_return == pytest.approx(1.02 * 0.999 / 1.001 - 1)
    assert found.bounds.optimistic.profit_factor is None


def test_a_gap_beyond_the_stop_is_told_as_what_it_cost():
    _, summary = figures_of(
        make_series([*FALLING, (100, 100.5, 99.5, 100), (90, 95, 85, 92), (92, 92, 92, 92)])
    )
    found = summary.figures
    assert found.gap_exits == 1
    assert found.costs.gap_loss == pytest.approx(0.09)
    assert found.costs.gap_gain == 0.0


def test_equity_at_every_close_ends_where_the_trades_end_and_is_marked_at_the_side_of_the_exit():
    bars = [*FALLING, (100, 100.5, 99.5, 100.2), (100, 102.4, 99.6, 101), (101, 101, 101, 101)]
    series = make_series(bars, spread=0.4)
    run, summary = figures_of(series)
    equity = mark_equity(run.trades, series, SETUP.costs)
    entry = 100.4
    assert equity[3] == pytest.approx(100.2 / (entry * 1.001))
    assert equity[-1] == pytest.approx(1 + summary.figures.net_return)
    rising = [(100 + i, 101 + i, 100 + i, 101 + i) for i in range(3)]
    series = make_series([*rising, (100, 100.2, 99.6, 100.1), (100, 100, 100, 100)], spread=0.4)
    run, _ = figures_of(series)
    equity = mark_equity(run.trades, series, SETUP.costs)
    units = 1 / (100 * 1.001)
    assert equity[3] == pytest.approx(1 + units * 100 * 0.999 - units * 100.5)


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_of_drawn_bars_agree_with_a_plain_count(seed):
    series = draw_series(np.random.default_rng(seed), 600, spread=0.0005)
    setup = BacktestSetup(point=StrategyPoint(40.0, 60.0, 0.8, 0.6), has_breakers=False)
    run, summary = figures_of(series, setup)
    found, returns = summary.figures, run.trades.net_return
    gains, losses = returns[returns > 0].sum(), -returns[returns < 0].sum()
    assert found.profit_factor == pytest.approx(gains / losses)
    assert found.net_return == pytest.approx(np.prod(1 + returns) - 1)
    worst, peak = 0.0, 1.0
    for worth in summary.equity:
        peak = max(peak, worth)
        worst = max(worst, 1 - worth / peak)
    assert found.max_drawdown == pytest.approx(worst)
    assert sum(each.profit for each in summary.trades) == pytest.approx(
        found.account.end - found.account.start, abs=1e-4
    )
    held = {bar for each in run.paper for bar in range(each.entry_bar, each.exit_bar + 1)}
    assert found.exposure >= len(held) / 600 - 1e-9
    assert found.costs.charged == pytest.approx(
        sum(each.gross_return - each.net_return for each in summary.trades)
    )


def test_the_break_even_cost_leaves_nothing():
    series = make_series([*FALLING, (100, 103, 99.5, 101)])
    _, summary = figures_of(series)
    even = summary.figures.costs.break_even_bp
    assert even == pytest.approx(99.01, abs=0.01)  # 2 per cent over two sides
    _, again = figures_of(series, replace(SETUP, costs=CostModel(cost_bp=even)))
    assert again.trades[0].net_return == pytest.approx(0.0, abs=1e-9)


def test_few_trades_are_called_chance_and_the_interval_is_wide():
    _, summary = figures_of(make_series([*FALLING, (100, 103, 98, 101)]))
    assert summary.figures.warnings[0].startswith("Only 1 trade: whatever the profit factor is")
    assert read_interval(np.array([0.01])) is None
    assert read_interval(np.full(50, 0.01)) is None
    low, high = read_interval(np.tile([0.02, -0.015], 50))
    assert low < 4 / 3 < high
    wider = read_interval(np.tile([0.02, -0.015], 15))
    assert wider[1] - wider[0] > high - low


def test_trades_over_a_suspected_roll_are_counted_apart():
    bars = [*FALLING, (100, 100.5, 99.5, 100), (100, 100.4, 99.6, 100), (100, 103, 99.5, 101)]
    series = make_series(bars)
    object.__setattr__(series, "rolls", np.array([4]))
    _, summary = figures_of(series)
    assert summary.figures.rolls.trades == 1
    assert summary.figures.rolls.without.profit_factor is None
    assert summary.trades[0].is_over_roll
    object.__setattr__(series, "rolls", np.array([3]))  # the entry bar itself: entered after it
    _, summary = figures_of(series)
    assert summary.figures.rolls.trades == 0


def test_a_row_of_the_table_of_trades_says_when_and_why():
    _, summary = figures_of(make_series([*FALLING, (100, 103, 99.5, 101)]))
    row = summary.trades[0]
    assert (row.side, row.reason, row.bars_held) == ("buy", "target", 1)
    assert row.entry_ms == row.exit_ms == START_MS + 3 * HOUR_MS
    assert (row.stop, row.target) == (99.0, 102.0)
    assert "RSI 0.0 below 30" in row.why
