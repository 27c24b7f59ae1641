"""The sweep kernel and the exact engine agree on every trade, field by field."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bar_series import draw_series
from palmbot.pricefiles.bar_reader import read_bars
from palmbot.pricefiles.roll_adjustment import adjust_rolls
from palmbot.pricefiles.rolls import Evidence, Rolls
from palmbot.research.backtest import REASON_CLOSED, BacktestSetup, run_backtest
from palmbot.research.market import make_market
from palmbot.research.rules import BlockedBars, CostModel, StrategyPoint
from palmbot.research.sweep import SweepOptions, trace

pytestmark = pytest.mark.timeout(120)  # the kernel may have to be compiled first

DATA = Path(__file__).parents[3].parent / "shared" / "data"
FIELDS = (
    "entry_index",
    "exit_index",
    "side",
    "entry_price",
    "exit_price",
    "reason",
    "is_gap",
    "is_ambiguous",
    "net_return",
)

points = st.builds(
    StrategyPoint,
    rsi_buy=st.sampled_from([20.0, 30.0, 37.5, 45.0]),
    rsi_sell=st.sampled_from([55.0, 62.5, 70.0, 80.0]),
    take_profit=st.sampled_from([0.2, 0.75, 1.5, 2.0, 6.0]),
    stop_loss=st.sampled_from([0.35, 1.0, 1.5, 4.0]),
)


def assert_same_trades(exact, fast):
    assert len(exact) == len(fast)
    for name in FIELDS:
        assert np.array_equal(getattr(exact, name), getattr(fast, name)), name


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    point=points,
    count=st.integers(2, 220),
    spread=st.sampled_from([0.0, 0.0005, 0.002]),
    digits=st.sampled_from([0, 2, 5]),
    cost=st.sampled_from([0.0, 5.0, 30.0]),
)
def test_without_breakers_the_trades_are_identical(  # noqa: PLR0913, PLR0917 - drawn
    seed, point, count, spread, digits, cost
):
    series = draw_series(np.random.default_rng(seed), count, spread=spread, digits=digits)
    costs = CostModel(cost_bp=cost)
    exact = run_backtest(series, BacktestSetup(point=point, costs=costs, has_breakers=False))
    assert_same_trades(exact.trades, trace(make_market(series), point, SweepOptions(costs=costs)))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), point=points, spread=st.sampled_from([0.0, 0.001]))
def test_with_breakers_only_the_entries_at_refused_bars_are_missing(seed, point, spread):
    series = draw_series(np.random.default_rng(seed), 300, spread=spread)
    exact = run_backtest(series, BacktestSetup(point=point))
    blocked = np.zeros(len(series), dtype=np.bool_)
    blocked[list(exact.refused_bars)] = True
    options = SweepOptions(blocked=BlockedBars(buys=blocked, sells=blocked))
    fast = trace(make_market(series), point, options)
    if REASON_CLOSED in exact.trades.reason:
        closed = int(np.flatnonzero(exact.trades.reason == REASON_CLOSED)[0])
        assert np.array_equal(
            exact.trades.entry_index[: closed + 1], fast.entry_index[: closed + 1]
        )
        return
    assert_same_trades(exact.trades, fast)


@pytest.mark.parametrize("seed", range(3))
def test_with_breakers_a_losing_strategy_is_stopped_and_the_rest_agrees(seed):
    series = draw_series(np.random.default_rng(seed), 500)
    point = StrategyPoint(45.0, 55.0, 0.5, 0.35)
    exact = run_backtest(series, BacktestSetup(point=point, costs=CostModel(cost_bp=30)))
    assert exact.refused_bars
    assert {code for code, _ in exact.refusals} <= {"LOSS_STREAK", "DAILY_LOSS"}
    blocked = np.zeros(len(series), dtype=np.bool_)
    blocked[list(exact.refused_bars)] = True
    options = SweepOptions(
        blocked=BlockedBars(buys=blocked, sells=blocked), costs=CostModel(cost_bp=30)
    )
    assert_same_trades(exact.trades, trace(make_market(series), point, options))


@pytest.mark.skipif(not DATA.is_dir(), reason="the price files are not here")
@pytest.mark.parametrize(
    ("name", "trades"),
    [("dce_palm_olein_p_daily_2023_2026.csv.gz", 158), ("de30eur_m1_quotes_201902.csv.gz", 32)],
)
def test_on_real_files_the_trades_are_identical(name, trades):
    series = read_bars(DATA / name).series
    point = StrategyPoint(35.0, 65.0, 0.3, 0.2)
    exact = run_backtest(series, BacktestSetup(point=point, has_breakers=False))
    assert len(exact.trades) == trades
    assert_same_trades(exact.trades, trace(make_market(series), point))


@pytest.mark.parametrize("seed", range(3))
def test_on_bars_whose_rolls_were_taken_out_the_trades_are_identical(seed):
    series = draw_series(np.random.default_rng(seed), 400, spread=0.001, digits=0)
    bars = np.array([130, 270])
    rolls = Rolls(bars=bars, evidence=(Evidence.CONTRACT,) * 2, gaps=np.zeros(2))
    adjusted = adjust_rolls(replace(series, rolls=bars), rolls, {130: 0.94, 270: 1.06}).series
    point = StrategyPoint(40.0, 60.0, 0.75, 0.5)
    exact = run_backtest(adjusted, BacktestSetup(point=point, has_breakers=False))
    assert len(exact.trades) > 20
    assert_same_trades(exact.trades, trace(make_market(adjusted), point))
