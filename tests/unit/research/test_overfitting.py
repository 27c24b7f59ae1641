"""PBO and deflated Sharpe ratio against published values, and against a slow second version."""

from itertools import combinations

import numpy as np
import pytest

from palmbot.research.overfitting import (
    deflate_sharpe,
    find_deflated_sharpe,
    find_effective_trials,
    find_pbo,
    find_threshold,
)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "value"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_deflated_sharpe_gives_the_values_of_the_paper(trials, skew, kurtosis, value):
    threshold = find_threshold((0.5 / 250) ** 0.5, trials)
    if trials == 100:
        assert threshold == pytest.approx(0.1132, abs=5e-5)
    deflated = deflate_sharpe(2.5 / 250**0.5, threshold, 1250, skew, kurtosis)
    assert deflated == pytest.approx(value, abs=5e-5)


def find_pbo_slowly(daily, blocks):
    """CSCV as the paper words it: every half of the blocks, ranks by counting."""
    edges = [round(len(daily) * block / blocks) for block in range(1, blocks + 1)]
    block_of = np.searchsorted(edges, np.arange(len(daily)), side="right")
    low = total = 0
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.isin(block_of, chosen)
        outside = ~inside
        best = (daily[inside].mean(axis=0) / daily[inside].std(axis=0)).argmax()
        judged = daily[outside].mean(axis=0) / daily[outside].std(axis=0)
        rank = (judged < judged[best]).sum() + 1
        low += rank / (daily.shape[1] + 1) <= 0.5
        total += 1
    return low / total


def test_pbo_is_that_of_the_slow_version():
    daily = np.random.default_rng(4).normal(0, 0.01, (70, 6)) + np.linspace(0, 0.002, 6)
    assert find_pbo(daily, 10) == pytest.approx(find_pbo_slowly(daily, 10), abs=1e-12)


def test_pbo_of_one_that_is_always_best_is_small_and_of_noise_is_not():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.01, (320, 50))
    skilled = noise.copy()
    skilled[:, 7] += 0.01
    assert find_pbo(skilled) < 0.01
    assert find_pbo(noise) > 0.2


def test_pbo_needs_days_and_something_to_choose_from():
    assert find_pbo(np.zeros((31, 5))) is None
    assert find_pbo(np.zeros((100, 1))) is None


def test_copies_of_one_trial_count_as_one():
    rng = np.random.default_rng(3)
    one = rng.normal(0, 1, (400, 1))
    assert find_effective_trials(np.repeat(one, 30, axis=1)) == pytest.approx(1.0)
    assert find_effective_trials(rng.normal(0, 1, (4000, 10))) == pytest.approx(10, rel=0.02)
    assert find_effective_trials(np.zeros((40, 3))) == 1.0


def test_more_trials_deflate_more():
    daily = np.random.default_rng(5).normal(0.0005, 0.01, (500, 40))
    found = find_deflated_sharpe(daily, 4000)
    assert found is not None
    assert 0 < found.value_all_trials < found.value < 1
    assert found.trials == 4000
    assert 20 < found.effective_trials <= 40
    assert find_deflated_sharpe(np.zeros((100, 5)), 5) is None
