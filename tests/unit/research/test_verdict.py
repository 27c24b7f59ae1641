"""What makes a verdict, one line at a time."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from palmbot.research.grid import OWNER_GRID, make_single
from palmbot.research.outcome import VerdictKind
from palmbot.research.rules import OWNER_DEFAULTS
from palmbot.research.verdict import Facts, find_plateau, judge

SOUND = Facts(
    profit_factor=1.8,
    trades=120,
    min_trades=30,
    target=1.5,
    p_value=0.01,
    shuffle_p_value=0.01,
    noise_share=0.3,
    walk_forward=1.4,
    walk_forward_trades=60,
    neighbours=1.5,
    double_cost=1.4,
    held_out=1.3,
    held_out_trades=40,
)


def test_everything_passed_is_robust():
    verdict = judge(SOUND)
    assert verdict.kind is VerdictKind.ROBUST
    assert "p 0.010" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"profit_factor": 1.5}, "does not exceed 1.5"),
        ({"profit_factor": None}, "undefined does not exceed"),
        ({"walk_forward": 1.1}, "walk-forward"),
        ({"walk_forward": None}, "walk-forward"),
        ({"held_out": 1.0}, "held out"),
        ({"held_out": None}, "held out"),
        ({"neighbours": 1.2}, "neighbours"),
        ({"neighbours": None}, "neighbours"),
        ({"double_cost": 1.0}, "double cost"),
        ({"shuffle_p_value": 0.05}, "drift"),
    ],
)
def test_any_other_line_that_fails_makes_it_fragile(change, says):
    verdict = judge(replace(SOUND, **change))
    assert verdict.kind is VerdictKind.FRAGILE
    assert len(verdict.reasons) == 1
    assert says in verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"p_value": 0.05}, "flipped bars do as well"), ({"trades": 29}, "29 trades")],
)
def test_luck_or_too_few_trades_make_it_noise_however_good_the_rest(change, says):
    verdict = judge(replace(SOUND, **change))
    assert verdict.kind is VerdictKind.NOISE
    assert says in verdict.reasons[0]


def find_plateau_slowly(grid, factors):
    cube = factors.reshape(grid.shape)
    found = np.full(grid.shape, np.nan)
    for place in np.ndindex(grid.shape):
        near = []
        for step in product((-1, 0, 1), repeat=4):
            other = tuple(np.add(place, step))
            inside = all(0 <= at < length for at, length in zip(other, grid.shape, strict=True))
            if inside and any(step) and not np.isnan(cube[other]):
                near.append(cube[other])
        if near:
            found[place] = np.median(near)
    return found.reshape(-1)


def test_plateau_is_the_median_of_all_points_within_one_step():
    rng = np.random.default_rng(1)
    factors = rng.random(OWNER_GRID.size)
    factors[rng.random(factors.size) < 0.4] = np.nan
    expected = find_plateau_slowly(OWNER_GRID, factors)
    assert find_plateau(OWNER_GRID, factors) == pytest.approx(expected, nan_ok=True)


def test_single_point_has_no_neighbours():
    assert np.isnan(find_plateau(make_single(OWNER_DEFAULTS), np.array([1.7]))).all()
