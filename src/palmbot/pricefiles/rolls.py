"""Where a continuous series may pass from one contract to the next: suspicions, never corrections.

Best evidence first: another contract named in the file, a date in a calendar of rolls, a leap of
open interest, an opening gap far beyond what is usual for a break of its kind. The last may as well
be news.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.series import BarSeries, Floats, Integers

OPEN_INTEREST_LEAP = 0.5
"""Share by which open interest changes from bar to bar where a contract ends."""
GAP_FACTOR = 6.0
"""Times the median gap of its kind."""
GAP_SHARE_MIN = 0.01
"""Gaps below 1 % do no harm to a bracket of 1.5 and 2 %."""
GAPS_MIN = 10
"""Gaps of one kind before their median is worth anything."""

LUNCH_MS_MAX = 4 * 60 * MS_PER_MINUTE
DAYS_PER_WEEK = 7
EPOCH_WEEKDAY = 3
SATURDAY = 5
WEEKEND_MS_MAX = 3.5 * MS_PER_DAY


class Break(StrEnum):
    """What lies between a bar and the one before."""

    NONE = "none"
    LUNCH = "short pause"
    """Up to four hours: lunch, or bars that are missing."""
    NIGHT = "night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


KINDS = (Break.NONE, Break.LUNCH, Break.NIGHT, Break.WEEKEND, Break.HOLIDAY)


class Evidence(StrEnum):
    """Why a bar is suspected."""

    CONTRACT = "the contract changes"
    CALENDAR = "in the roll calendar"
    OPEN_INTEREST = "open interest leaps"
    GAP = "gap: roll or news"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RollNotes:
    """What the file says besides prices; each as long as the series, or None."""

    contract: pl.Series | None = None
    open_interest: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rolls:
    """The suspected bars, ascending, with evidence and opening gap."""

    bars: Integers
    evidence: tuple[Evidence, ...]
    gaps: Floats
    """Open / previous close - 1."""


def find_rolls(series: BarSeries, notes: RollNotes, calendar: Iterable[int] = ()) -> Rolls:
    """Return every bar whose open may lie in another contract than the close before.

    Args:
        series: The bars.
        notes: What the file says besides prices.
        calendar: Bars that a calendar of rolls names.
    """
    gaps = read_gaps(series)
    found: dict[int, Evidence] = {}
    for bar in _find_gap_leaps(series, gaps):
        found[int(bar)] = Evidence.GAP
    if notes.open_interest is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            leap = np.abs(notes.open_interest[1:] / notes.open_interest[:-1] - 1)
        for bar in np.flatnonzero(leap > OPEN_INTEREST_LEAP) + 1:
            found[int(bar)] = Evidence.OPEN_INTEREST
    found.update(dict.fromkeys(calendar, Evidence.CALENDAR))
    if notes.contract is not None:
        changed = (notes.contract != notes.contract.shift(1)).fill_null(value=False)
        for bar in np.flatnonzero(changed.to_numpy()):
            found[int(bar)] = Evidence.CONTRACT
    bars = np.array(sorted(found), dtype=np.int64)
    return Rolls(bars=bars, evidence=tuple(found[int(bar)] for bar in bars), gaps=gaps[bars])


def read_gaps(series: BarSeries) -> Floats:
    """Return open / previous close - 1 of each bar; 0 for the first."""
    gaps = np.zeros(len(series))
    gaps[1:] = series.open[1:] / series.close[:-1] - 1
    return gaps


def sort_breaks(series: BarSeries) -> Integers:
    """Return, for each bar, the index in `KINDS` of what lies before it."""
    kinds = np.zeros(len(series), dtype=np.int64)
    time, period = series.time_ms, series.period_ms
    pause = np.zeros(len(series), dtype=np.int64)
    pause[1:] = np.diff(time) - period
    day = time // MS_PER_DAY
    weekday = (day + EPOCH_WEEKDAY) % DAYS_PER_WEEK
    has_weekend = np.zeros(len(series), dtype=np.bool_)
    # The pause begins when the bar before ends.
    before = (time[:-1] + period - 1) // MS_PER_DAY
    before_weekday = (before + EPOCH_WEEKDAY) % DAYS_PER_WEEK
    to_saturday = (SATURDAY - before_weekday) % DAYS_PER_WEEK
    has_weekend[1:] = (before + to_saturday <= day[1:]) | (weekday[1:] < before_weekday)
    is_daily = period >= MS_PER_DAY
    paused = pause > 0
    night = paused | is_daily
    night[0] = False
    kinds[night] = KINDS.index(Break.NIGHT)
    if not is_daily:
        kinds[paused & (pause <= LUNCH_MS_MAX)] = KINDS.index(Break.LUNCH)
    kinds[paused & (pause > MS_PER_DAY * 0.99)] = KINDS.index(Break.HOLIDAY)
    kinds[paused & has_weekend & (pause <= WEEKEND_MS_MAX)] = KINDS.index(Break.WEEKEND)
    return kinds


def _find_gap_leaps(series: BarSeries, gaps: Floats) -> Integers:
    kinds = sort_breaks(series)
    size = np.abs(gaps)
    usual = np.full(len(series), np.inf)
    for kind in range(len(KINDS)):
        of_kind = kinds == kind
        of_kind[0] = False
        if of_kind.sum() >= GAPS_MIN:
            usual[of_kind] = np.median(size[of_kind])
    rare = kinds == KINDS.index(Break.HOLIDAY)
    if np.isinf(usual[rare]).any():
        nights = usual[(kinds != KINDS.index(Break.NONE)) & np.isfinite(usual)]
        usual[rare] = nights.max() if nights.size else np.inf
    leaps = np.flatnonzero((size > GAP_FACTOR * usual) & (size >= GAP_SHARE_MIN))
    return leaps.astype(np.int64)
