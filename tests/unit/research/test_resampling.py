"""What a resample keeps, and what it destroys."""

import numpy as np
import pytest

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from harness.random_markets import make_market
from palmbot.research.market import CLOSE, HIGH, LOW, OPEN
from palmbot.research.resampling import flip, join_moves, measure_moves, shuffle

NO_FLAGS = np.empty(0, dtype=np.bool_)
NO_ORDER = np.empty(0, dtype=np.int64)


@pytest.fixture(params=[0.0, 0.002])
def market(request):
    return make_market(np.random.default_rng(1), 500, spread=request.param)


def logs(market):
    return np.log((market.bid + market.ask) / 2)


def test_bars_left_as_they_are_come_back(market):
    moves = measure_moves(market)
    start = logs(market)[OPEN, 0]
    same = join_moves(start, moves.gap, moves.body, moves.up, moves.down, NO_FLAGS, NO_ORDER)
    assert same[0] == pytest.approx(logs(market), abs=1e-9)


def test_flip_keeps_the_size_of_every_move_and_turns_about_half(market):
    found = flip(measure_moves(market), np.random.default_rng(2))
    old, new = logs(market), logs(found)
    bodies, turned = old[CLOSE] - old[OPEN], new[CLOSE] - new[OPEN]
    assert np.abs(turned) == pytest.approx(np.abs(bodies), abs=1e-7)
    gaps, turned_gaps = old[OPEN, 1:] - old[CLOSE, :-1], new[OPEN, 1:] - new[CLOSE, :-1]
    assert np.abs(turned_gaps) == pytest.approx(np.abs(gaps), abs=1e-7)
    moved = np.abs(bodies) > 1e-5
    share = (np.sign(turned[moved]) == np.sign(bodies[moved])).mean()
    assert 0.4 < share < 0.6
    ranges = old[HIGH] - old[LOW], new[HIGH] - new[LOW]
    assert ranges[0] == pytest.approx(ranges[1], abs=1e-3 if market.has_quotes else 1e-7)


def test_flipped_bar_mirrors_its_wicks_about_the_open():
    market = make_market(np.random.default_rng(1), 500)
    found = flip(measure_moves(market), np.random.default_rng(2))
    old, new = logs(market), logs(found)
    is_turned = np.abs((new[CLOSE] - new[OPEN]) + (old[CLOSE] - old[OPEN])) < 1e-8
    up, down = old[HIGH] - old[OPEN], old[OPEN] - old[LOW]
    assert (new[HIGH] - new[OPEN])[is_turned] == pytest.approx(down[is_turned], abs=1e-7)
    assert (new[OPEN] - new[LOW])[is_turned] == pytest.approx(up[is_turned], abs=1e-7)


def test_shuffle_keeps_the_whole_way_and_changes_the_order(market):
    found = shuffle(measure_moves(market), np.random.default_rng(2))
    assert logs(found)[CLOSE, -1] == pytest.approx(logs(market)[CLOSE, -1], abs=1e-6)
    assert not np.allclose(logs(found)[CLOSE], logs(market)[CLOSE], atol=1e-3)


def test_resampled_bars_are_bars_with_their_spread(market):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for found in (flip(measure_moves(market), rng), shuffle(measure_moves(market), rng)):
            for side in found.prices:
                assert (side[HIGH] >= np.maximum(side[OPEN], side[CLOSE])).all()
                assert (side[LOW] <= np.minimum(side[OPEN], side[CLOSE])).all()
            assert (found.ask >= found.bid).all()
            assert found.has_quotes == market.has_quotes


def test_same_seed_gives_the_same_market(market):
    moves = measure_moves(market)
    one, two = (flip(moves, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one.prices, two.prices)
