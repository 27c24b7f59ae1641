"""The bars of the benchmarks: a seeded walk with two regimes of volatility and overnight gaps."""

import numpy as np

from palmbot.domain.units import PRICE_SCALE
from palmbot.research.market import Market, find_day_ends

MINUTE_MS = 60_000
MINUTES_PER_SESSION = 480
START_MS = 1_600_041_600_000


def make_bars(bars: int, seed: int = 7) -> Market:
    """Return minute bars: 0.03 or 0.10 per cent a minute, gaps of 0.3 per cent each session."""
    rng = np.random.default_rng(seed)
    volatility = np.where(np.arange(bars) // 5000 % 2 == 0, 0.0003, 0.001)
    bodies = rng.normal(0, volatility)
    gaps = np.zeros(bars)
    gaps[::MINUTES_PER_SESSION] = rng.normal(0, 0.003, gaps[::MINUTES_PER_SESSION].size)
    closes = np.cumsum(bodies + gaps)
    opens = closes - bodies
    highs = np.maximum(opens, closes) + np.abs(rng.normal(0, volatility / 2))
    lows = np.minimum(opens, closes) - np.abs(rng.normal(0, volatility / 2))
    time_ms = START_MS + np.arange(bars, dtype=np.int64) * MINUTE_MS
    prices = 4000.0 * PRICE_SCALE * np.exp(np.array([[opens, highs, lows, closes]]))
    return Market(
        time_ms=time_ms,
        period_ms=MINUTE_MS,
        prices=np.rint(prices),
        price_step=0.0,
        day_end=find_day_ends(time_ms),
        rolls=np.empty(0, dtype=np.int64),
    )
