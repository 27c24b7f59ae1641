"""A time axis without closed hours: which pauses are cut, and what would vanish in them."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, TimestampMs
from palmbot.reports.demo_run import PricePoint

BREAK_BARS_MIN = 6
BREAK_MS_MIN = 30 * MS_PER_MINUTE
"""A pause is cut if it is longer than both, or longer than a day."""

BREAKS_MAX = 400
"""Longest pauses that are cut; plotly walks through all of them for every point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """The pauses cut out of a chart, oldest first, start inclusive, end exclusive."""

    pauses: tuple[tuple[int, int], ...]

    def place(self, time: TimestampMs) -> int:
        """Return where to draw `time`: the end of its pause if it lies in one.

        Plotly does not draw a point inside a pause at all.
        """
        index = bisect_right(self.pauses, int(time), key=_start) - 1
        if index >= 0 and time < self.pauses[index][1]:
            return self.pauses[index][1]
        return time


def find_pauses(prices: Iterable[PricePoint], bar_period_ms: int) -> TimeAxis:
    """Return the axis that leaves out long pauses between prices, at most `BREAKS_MAX`.

    A point stands at the end of its bar, so a pause ends one bar before the next point. It
    starts after the last point, because plotly hides what lies at a start.
    """
    shortest_ms = max(bar_period_ms, min(BREAK_BARS_MIN * bar_period_ms, MS_PER_DAY), BREAK_MS_MIN)
    pauses = [
        (before.time + 1, after.time - bar_period_ms)
        for before, after in pairwise(prices)
        if after.time - before.time > shortest_ms
    ]
    longest = sorted(pauses, key=_length, reverse=True)[:BREAKS_MAX]
    return TimeAxis(pauses=tuple(sorted(longest)))


def _start(pause: tuple[int, int]) -> int:
    return pause[0]


def _length(pause: tuple[int, int]) -> int:
    return pause[1] - pause[0]
