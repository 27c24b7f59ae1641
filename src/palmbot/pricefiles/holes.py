"""Bars that a market open as usual would have made, and a file does not have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palmbot.domain.units import MS_PER_DAY
from palmbot.pricefiles.series import BarSeries, Integers

WEEK_MS = 7 * MS_PER_DAY
MONDAY_MS = 4 * MS_PER_DAY
"""1970-01-05 was a Monday."""
USUAL_SHARE = 0.5
"""A time of the week counts as trading hours if half of the weeks have a bar then."""
WEEKS_MIN = 3
"""Below it a week cannot be told from its neighbours: a day then stands for all days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holes:
    """What is missing inside trading hours, which the file itself shows."""

    missing: int
    """Bars. Holidays are in here: no file tells them from holes."""
    first_at: int | None
    """Time of the first one."""
    longest_ms: int
    """Longest pause between two bars, closed hours included."""
    longest_at: int
    """Time of the bar after it."""


def find_holes(series: BarSeries) -> Holes:
    """Compare every week with the usual one."""
    time, period = series.time_ms, series.period_ms
    steps = np.diff(time)
    longest = int(np.argmax(steps))
    slots = max(1, WEEK_MS // period)
    cycle = slots
    at = (time - MONDAY_MS) // period
    first, last = int(at[0]), int(at[-1])
    weeks = (last - first + 1) / slots
    if weeks < WEEKS_MIN:
        cycle = max(1, MS_PER_DAY // period)
    present = np.zeros(last - first + 1, dtype=np.bool_)
    present[at - first] = True
    place = (np.arange(first, last + 1)) % cycle
    seen = np.bincount(place, weights=present, minlength=cycle)
    possible = np.bincount(place, minlength=cycle)
    is_usual = seen >= USUAL_SHARE * np.maximum(possible, 1)
    expected = is_usual[place]
    if cycle != slots:
        expected &= _lie_within_days(time, (np.arange(first, last + 1) * period) + MONDAY_MS)
    missing = np.flatnonzero(expected & ~present)
    return Holes(
        missing=int(missing.size),
        first_at=int((first + missing[0]) * period + MONDAY_MS) if missing.size else None,
        longest_ms=int(steps[longest] - period),
        longest_at=int(time[longest + 1]),
    )


def _lie_within_days(time: Integers, moments: Integers) -> NDArray[np.bool_]:
    """Tell which moments lie between the first and the last bar of their UTC day."""
    days, first = np.unique(time // MS_PER_DAY, return_index=True)
    last = np.append(first[1:], time.size) - 1
    day = np.searchsorted(days, moments // MS_PER_DAY)
    day = np.minimum(day, days.size - 1)
    within: NDArray[np.bool_] = (
        (days[day] == moments // MS_PER_DAY)
        & (moments >= time[first[day]])
        & (moments <= time[last[day]])
    )
    return within
