"""Which bars a history lacks although the market was open.

A broker makes a bar only where it saw a tick, so a missing bar is not a fault in itself; many
of them in a row are a feed that failed, a holiday nobody announced, or a contract too new.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from palmbot.domain.market import (
    DAYS_PER_WEEK,
    SECONDS_PER_DAY,
    TradingHours,
    second_of_week,
)
from palmbot.domain.units import MS_PER_SECOND, TimestampMs

SECONDS_PER_WEEK = DAYS_PER_WEEK * SECONDS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of open hours without a bar."""

    first: TimestampMs
    """Opening time of the first missing bar."""
    last: TimestampMs
    """Opening time of the last one; closed hours may lie in between."""
    bars: int
    """Missing bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapReport:
    """How complete a history is."""

    expected: int
    """Bars that the trading hours allow; 0 if the broker names no hours."""
    missing: int
    gaps: tuple[Gap, ...]
    """Longest first."""


def find_gaps(
    times: Sequence[int],
    span: tuple[TimestampMs, TimestampMs],
    period_ms: int,
    hours: TradingHours,
) -> GapReport:
    """Compare bars with the hours in which there could have been some.

    Args:
        times: Opening times, ascending, all on one grid.
        span: Earliest and latest opening time that was asked for.
        period_ms: Length of a bar.
        hours: A bar is expected if the market is open when it opens.
    """
    if not hours.intervals:
        return GapReport(expected=0, missing=0, gaps=())
    there = set(times)  # of all bars, so that one outside of the hours is no missing bar
    offset = times[0] % period_ms if times else 0
    first = -(-(span[0] - offset) // period_ms) * period_ms + offset
    expected = missing = 0
    gaps: list[Gap] = []
    run: list[int] = []
    time = first
    while time <= span[1]:
        if time in there:
            expected += 1
            _close_run(run, gaps)
        elif hours.are_open(TimestampMs(time)):
            expected += 1
            missing += 1
            run.append(time)
        else:
            time += _closed_ms(TimestampMs(time), hours) // period_ms * period_ms
        time += period_ms
    _close_run(run, gaps)
    gaps.sort(key=lambda gap: (-gap.bars, gap.first))
    return GapReport(expected=expected, missing=missing, gaps=tuple(gaps))


def _closed_ms(time: TimestampMs, hours: TradingHours) -> int:
    """Return how long the market certainly stays closed from `time` on, 0 if that is not known.

    A year has half a million minutes, most of them closed, and the hours are slow to ask. One
    hour is left for a change of the clocks in between.
    """
    second = second_of_week(time, hours.zone)
    waits = [(each.start_s - second) % SECONDS_PER_WEEK for each in hours.intervals]
    return max(0, min(waits) - 3_600) * MS_PER_SECOND


def _close_run(run: list[int], gaps: list[Gap]) -> None:
    if run:
        gaps.append(Gap(first=TimestampMs(run[0]), last=TimestampMs(run[-1]), bars=len(run)))
        run.clear()
