"""Could luck have found this? The best of a search held against the best of many lucky ones."""

from collections.abc import Callable
from typing import Final

import numpy as np

from palmbot.research.checkpoint import Checkpoint
from palmbot.research.engines import Engine, NullJob
from palmbot.research.outcome import NullTest
from palmbot.research.rules import Floats

RESAMPLES_MIN: Final = 200
"""Fewer leave a p-value of 0.05 too uncertain."""


def run_null_test(  # noqa: PLR0913 - who, what, against what
    engine: Engine,
    job: NullJob,
    *,
    statistic: float | None,
    target: float,
    checkpoint: Checkpoint | None,
    tell: Callable[[float], None],
) -> NullTest:
    """Hold the best profit factor of a search against the same search on resampled bars.

    Args:
        engine: Who searches.
        job: The resamples.
        statistic: Best profit factor on the real bars, None if no row qualified.
        target: Profit factor hoped for.
        checkpoint: Where finished resamples are kept.
        tell: Called with the fraction done.
    """
    total = 2 * job.resamples
    found = checkpoint.load_resamples() if checkpoint is not None else {}
    missing = [number for number in range(total) if number not in found]
    for number, best in zip(missing, engine.search(job, missing), strict=True):
        found[number] = best
        if checkpoint is not None:
            checkpoint.save_resample(number, best)
        tell(len(found) / total)
    flipped = np.sort(np.array([found[number] for number in range(job.resamples)]))
    shuffled = np.sort(np.array([found[number] for number in range(job.resamples, total)]))
    return NullTest(
        statistic=statistic,
        flipped=flipped,
        p_value=read_chance(flipped, statistic),
        shuffled=shuffled,
        shuffle_p_value=read_chance(shuffled, statistic),
        target_share=float((flipped > target).mean()),
    )


def read_chance(resamples: Floats, statistic: float | None) -> float:
    """Return (k + 1) / (m + 1), k of m resamples being at least as good; 1 without a statistic."""
    if statistic is None:
        return 1.0
    return (int((resamples >= statistic).sum()) + 1) / (resamples.size + 1)
