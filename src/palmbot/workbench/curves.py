"""Lines of many bars, made fit for a page."""

from typing import Final

import numpy as np

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.series import BarSeries, Floats
from palmbot.reports.backtest_run import Curve

CURVE_POINTS_MAX: Final = 4_000
"""Points of a line: more than a screen is wide, so that zooming still shows something."""
PAUSE_MS_MIN: Final = 30 * MS_PER_MINUTE
PAUSES_MAX: Final = 120
"""Plotly walks through all of them for every point; over so long a time nobody sees them."""


def thin(series: BarSeries, values: Floats) -> Curve:
    """Return a line of at most `CURVE_POINTS_MAX` points with every stretch's high and low."""
    count = values.size
    if count <= CURVE_POINTS_MAX:
        chosen = np.arange(count)
    else:
        edges = np.linspace(0, count, CURVE_POINTS_MAX // 2, dtype=np.int64)
        picked = [0, count - 1]
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            part = values[first:end]
            picked += [first + int(part.argmin()), first + int(part.argmax())]
        chosen = np.unique(picked)
    return Curve(
        time_ms=tuple((series.time_ms[chosen] + series.period_ms).tolist()),
        value=tuple(float(f"{each:.8g}") for each in values[chosen]),
    )


def find_closed_hours(series: BarSeries) -> tuple[tuple[int, int], ...]:
    """Return the long pauses of intraday bars; none if there are so many that they do not show."""
    if series.period_ms >= MS_PER_DAY:
        return ()
    steps = np.diff(series.time_ms)
    long = np.flatnonzero(steps > series.period_ms + max(6 * series.period_ms, PAUSE_MS_MIN))
    if long.size > PAUSES_MAX:
        return ()
    return tuple(
        (int(series.time_ms[bar]) + series.period_ms + 1, int(series.time_ms[bar + 1]))
        for bar in long
    )
