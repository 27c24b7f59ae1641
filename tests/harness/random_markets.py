"""Seeded bars for tests of the sweep: ordinary, and as nasty as a file can be."""

import numpy as np

from palmbot.research.market import Market, find_day_ends

MINUTE_MS = 60_000
START_MS = 1_700_000_000_000


def make_market(  # noqa: PLR0913 - each is a feature of the bars
    rng,
    bars,
    *,
    volatility=0.003,
    gap_share=0.05,
    gap_size=0.02,
    spread=0.0,
    step_ms=60 * MINUTE_MS,
    flat_share=0.05,
    price_step=0.0,
):
    """Return a driftless random walk with gaps and flat bars; prices in wire units."""
    gaps = np.where(rng.random(bars) < gap_share, rng.normal(0, gap_size, bars), 0.0)
    bodies = rng.normal(0, volatility, bars)
    up = np.abs(rng.normal(0, volatility / 2, bars))
    down = np.abs(rng.normal(0, volatility / 2, bars))
    is_flat = rng.random(bars) < flat_share
    for part in (bodies, up, down):
        part[is_flat] = 0.0
    closes = np.cumsum(gaps + bodies)
    opens = closes - bodies
    highs = np.maximum(opens, closes) + up
    lows = np.minimum(opens, closes) - down
    bid = np.rint(4e8 * np.exp(np.stack((opens, highs, lows, closes))))
    prices = np.array([bid])
    if spread:
        prices = np.array([bid, bid + np.rint(4e8 * spread * (0.5 + rng.random(bars)))])
    time_ms = START_MS + np.arange(bars, dtype=np.int64) * step_ms
    return Market(
        time_ms=time_ms,
        period_ms=step_ms,
        prices=prices,
        price_step=price_step,
        day_end=find_day_ends(time_ms),
        rolls=np.empty(0, dtype=np.int64),
    )


def make_grid_sample(rng):
    """Return axes of a small grid, from tiny to huge distances."""
    buys = np.unique(rng.integers(5, 50, rng.integers(1, 4))).astype(float)
    sells = np.unique(rng.integers(50, 95, rng.integers(1, 4))).astype(float)
    scale = 10 ** rng.uniform(-1, 1)
    targets = np.unique(np.round(rng.uniform(0.1, 3, rng.integers(1, 4)) * scale, 2)) + 0.01
    stops = np.unique(np.round(rng.uniform(0.1, 3, rng.integers(1, 4)) * scale, 2)) + 0.01
    return tuple(tuple(map(float, axis)) for axis in (buys, sells, targets, stops))
