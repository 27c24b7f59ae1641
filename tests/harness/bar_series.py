"""Bars for tests of the backtest: written by hand, or drawn from a seed."""

import numpy as np

from palmbot.pricefiles.series import AskBars, BarSeries

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_709_510_400_000
"""2024-03-04 00:00 UTC, a Monday."""


def make_series(bars, *, spread=None, step_ms=HOUR_MS, times=None, digits=2):
    """Return bars written as rows of open, high, low, close; with `spread` the ask lies above."""
    prices = np.array(bars, dtype=np.float64).reshape(-1, 4).T
    count = prices.shape[1]
    time_ms = START_MS + np.arange(count, dtype=np.int64) * step_ms
    if times is not None:
        time_ms = np.array(times, dtype=np.int64)
    ask = None
    if spread is not None:
        asks = prices + np.asarray(spread, dtype=np.float64)
        ask = AskBars(open=asks[0], high=asks[1], low=asks[2], close=asks[3])
    return BarSeries(
        time_ms=time_ms,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        spread=np.zeros(count) if ask is None else ask.open - prices[0],
        period_ms=step_ms,
        source="made.csv",
        digest="0" * 64,
        digits=digits,
        ask=ask,
    )


def draw_series(  # noqa: PLR0913 - each is a feature of the bars
    rng, count, *, volatility=0.004, gaps=0.03, spread=0.0, digits=2, step_ms=HOUR_MS
):
    """Return a driftless walk with gaps, pauses and some flat bars, prices on the step."""
    step = 10.0**-digits
    jumps = np.where(rng.random(count) < gaps, rng.normal(0, 0.01, count), 0.0)
    bodies = rng.normal(0, volatility, count)
    wicks = np.abs(rng.normal(0, volatility / 2, (2, count)))
    is_flat = rng.random(count) < 0.03
    bodies[is_flat] = 0.0
    wicks[:, is_flat] = 0.0
    closes = np.cumsum(jumps + bodies)
    opens = closes - bodies
    logs = (
        opens,
        np.maximum(opens, closes) + wicks[0],
        np.minimum(opens, closes) - wicks[1],
        closes,
    )
    prices = np.rint(4_000 * np.exp(np.stack(logs)) / step) * step
    pauses = np.where(rng.random(count) < gaps, rng.integers(1, 60, count), 1)
    times = START_MS + np.cumsum(pauses) * step_ms
    width = None
    if spread:
        width = np.rint(spread * 4_000 * (0.5 + rng.random(count)) / step) * step
    return make_series(prices.T, spread=width, step_ms=step_ms, times=times, digits=digits)
