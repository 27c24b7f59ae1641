"""Statistics of trades, by hand."""

import numpy as np
import pytest

from palmbot.core.sizing import read_distance
from palmbot.research.rules import (
    CostModel,
    find_distance,
    find_return,
    read_max_drawdown,
    read_profit_factor,
    read_sharpe,
    read_sharpe_of_sums,
    read_win_rate,
)


def test_profit_factor_without_a_loss_is_undefined_and_never_infinite():
    assert read_profit_factor(np.array([0.01, 0.02])) is None
    assert read_profit_factor(np.array([])) is None
    assert read_profit_factor(np.array([-0.01])) == 0.0
    assert read_profit_factor(np.array([0.03, -0.01, 0.0])) == pytest.approx(3.0)


def test_win_rate_counts_what_is_above_zero_after_costs():
    assert read_win_rate(np.array([])) is None
    assert read_win_rate(np.array([0.01, 0.0, -0.01, 0.02])) == 0.5


def test_return_of_both_sides_by_hand():
    assert find_return(1, 100.0, 102.0, 0.0) == pytest.approx(0.02)
    assert find_return(-1, 100.0, 102.0, 0.0) == pytest.approx(-0.02)
    # A long pays 0.1 on 100 and 0.102 on 102, on a stake of 100.1.
    assert find_return(1, 100.0, 102.0, 0.001) == pytest.approx((102 * 0.999) / 100.1 - 1)
    # A short gets 99.9 and pays 102.102, on the same stake.
    assert find_return(-1, 100.0, 102.0, 0.001) == pytest.approx((99.9 - 102.102) / 100.1)


@pytest.mark.parametrize("price", [1_000, 99_999, 441_300_000, 441_350_000, 4_413_555_123])
@pytest.mark.parametrize("share_bp", [1, 100, 133, 150, 200])
@pytest.mark.parametrize("step", [1, 10, 1_000, 100_000])
def test_distance_on_the_step_is_the_one_that_the_bot_sends(price, share_bp, step):
    found = find_distance(float(price), share_bp / 100, float(step))
    assert found == read_distance(price, share_bp, step)


def test_distance_without_a_step_is_a_plain_share():
    assert find_distance(200.0, 1.5, 0.0) == pytest.approx(3.0)


def test_drawdown_counts_from_the_start():
    assert read_max_drawdown(np.array([0.9, 1.2, 0.6])) == pytest.approx(0.5)
    assert read_max_drawdown(np.array([0.9, 1.1])) == pytest.approx(0.1)
    assert read_max_drawdown(np.array([])) == 0.0


def test_sharpe_of_sums_is_sharpe():
    daily = np.random.default_rng(1).normal(0.001, 0.01, 300)
    expected = daily.mean() / daily.std(ddof=1) * 252**0.5
    assert read_sharpe(daily) == pytest.approx(expected)
    assert read_sharpe_of_sums(daily.sum(), (daily**2).sum(), 300) == pytest.approx(expected)
    assert read_sharpe(np.zeros(5)) is None
    assert read_sharpe_of_sums(0.0, 0.0, 5) is None


@pytest.mark.parametrize("cost_bp", [-1.0, 10_000.0, float("nan"), float("inf")])
def test_cost_out_of_range_is_refused(cost_bp):
    with pytest.raises(ValueError, match="cost_bp"):
        CostModel(cost_bp=cost_bp)
