"""Compiles the sweep once for all test processes, before the clock of any test runs.

Import it in every test module that sweeps. The first process to get here compiles, some
twenty seconds of work; the others wait for it and load what it left in the cache.
"""

import numpy as np
from filelock import FileLock

from harness.random_markets import make_market
from palmbot.research.compiled import find_cache
from palmbot.research.grid import make_single
from palmbot.research.resampling import flip, measure_moves
from palmbot.research.rules import OWNER_DEFAULTS
from palmbot.research.sweep import SweepOptions, prepare, sweep, trace_equity


def warm_up():
    """Run every compiled function once."""
    for spread in (0.0, 0.001):
        market = make_market(np.random.default_rng(1), 40, spread=spread)
        grid = make_single(OWNER_DEFAULTS)
        sweep(flip(measure_moves(market), np.random.default_rng(1)), grid)
        trace_equity(prepare(market, grid, SweepOptions()), OWNER_DEFAULTS, 0, 0)
        sweep(market, grid, SweepOptions(has_breakers=True))


find_cache().mkdir(parents=True, exist_ok=True)
with FileLock(find_cache() / "tests.lock"):
    warm_up()
IS_WARM = True
