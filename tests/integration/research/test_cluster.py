"""The search on Dask workers: the same bits as on threads of this process."""

import numpy as np
import pytest

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from harness.random_markets import make_market
from palmbot.domain.errors import InputInvalid
from palmbot.research.cluster import connect
from palmbot.research.engines import NullJob, SweepJob, ThreadEngine, run_job
from palmbot.research.grid import OWNER_GRID
from palmbot.research.resampling import measure_moves
from palmbot.research.sweep import SweepOptions
from palmbot.research.table import COLUMNS

# Two worker processes have to start, import and load compiled code.
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_cluster_on_this_machine_gives_the_same_bits_as_threads():
    market = make_market(np.random.default_rng(1), 2000, spread=0.001)
    options = SweepOptions()
    job = SweepJob(market=market, grid=OWNER_GRID, options=options)
    null = NullJob(
        moves=measure_moves(market),
        grid=OWNER_GRID,
        options=options,
        min_trades=5,
        resamples=4,
        seed=1,
    )
    threads = ThreadEngine(1)
    with connect(None, 2) as cluster:
        assert cluster.workers == 2
        far, near = run_job(cluster, job), run_job(threads, job)
        for name in COLUMNS:
            assert np.array_equal(getattr(far, name), getattr(near, name))
        assert list(cluster.search(null, range(8))) == list(threads.search(null, range(8)))


def test_unreachable_scheduler_is_one_sentence():
    with (
        pytest.raises(InputInvalid, match="no Dask scheduler answers at"),
        connect("tcp://127.0.0.1:9", 2),
    ):
        pass


def test_address_that_is_none_is_one_sentence():
    with pytest.raises(InputInvalid, match="--address"), connect("nonsense://x", 2):
        pass
