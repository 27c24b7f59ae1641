"""Price files on which every breaker of the bot trips, drawn from a seed."""

import numpy as np

from harness.bar_series import HOUR_MS, MINUTE_MS, draw_series
from palmbot.research.rules import CostModel, StrategyPoint

STEPS_MS = (MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS)


def draw_case(seed):
    """Return a series, a combination and costs: each feature in some of the cases.

    Calm and wild, minutes to days, with and without spreads, some wider than the gate likes and
    some wider than the stop, pauses of hours to weeks, stops that costs alone can turn into the
    loss of a day.
    """
    rng = np.random.default_rng(seed)
    series = draw_series(
        rng,
        int(rng.choice([60, 120, 200, 300, 400])),
        volatility=float(10 ** rng.uniform(-3, -1.7)),
        gaps=float(rng.choice([0, 0.03, 0.1])),
        spread=float(rng.choice([0, 0.0005, 0.002, 0.006])),
        digits=int(rng.choice([0, 2, 5])),
        step_ms=int(rng.choice(STEPS_MS)),
    )
    point = StrategyPoint(
        float(rng.choice([20, 30, 45, 50])),
        float(rng.choice([50.5, 55, 70, 80])),
        float(rng.choice([0.2, 0.75, 1.5, 2, 6, 20])),
        float(rng.choice([0.1, 0.35, 1, 1.5, 4])),
    )
    return series, point, CostModel(cost_bp=float(rng.choice([0, 5, 30])))
