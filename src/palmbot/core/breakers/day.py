"""Where a trading day begins, and how long the market is open. Computed in UTC throughout."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from palmbot.domain.market import ALWAYS_OPEN, TradingHours
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, TimestampMs

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
SEARCH_DAYS_MAX = 21
"""Longest stretch of closed hours that is walked through; a longer one counts as open again."""


class DayBounds(NamedTuple):
    """One trading day: start inclusive, end exclusive."""

    ordinal: int
    starts_at: TimestampMs
    ends_at: TimestampMs


def find_day(time: TimestampMs, zone: str, start_minute: int) -> DayBounds:
    """Return the trading day that holds `time`."""
    if zone == "UTC":  # no change of the clock: plain arithmetic, once a bar in a backtest of days
        shift_ms = start_minute * MS_PER_MINUTE
        days = (time - shift_ms) // MS_PER_DAY
        starts_at = days * MS_PER_DAY + shift_ms
        return DayBounds(
            ordinal=EPOCH_ORDINAL + days,
            starts_at=TimestampMs(starts_at),
            ends_at=TimestampMs(starts_at + MS_PER_DAY),
        )
    local = datetime.fromtimestamp(time / MS_PER_SECOND, UTC).astimezone(ZoneInfo(zone)).date()
    if time < find_boundary(local, zone, start_minute):
        local -= timedelta(days=1)
    elif time >= find_boundary(local + timedelta(days=1), zone, start_minute):
        local += timedelta(days=1)
    return DayBounds(
        ordinal=local.toordinal(),
        starts_at=find_boundary(local, zone, start_minute),
        ends_at=find_boundary(local + timedelta(days=1), zone, start_minute),
    )


def find_boundary(on: date, zone: str, start_minute: int) -> TimestampMs:
    """Return when the day that begins on a local date begins.

    An hour that is skipped in that night counts as its first instant afterwards, one that
    comes twice as its first coming.
    """
    place = ZoneInfo(zone)
    wall = datetime(on.year, on.month, on.day, start_minute // 60, start_minute % 60, tzinfo=place)
    late = int(wall.timestamp())
    if datetime.fromtimestamp(late, place).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return TimestampMs(late * MS_PER_SECOND)
    early = int(wall.replace(fold=1).timestamp())
    after = datetime.fromtimestamp(late, place).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, place).utcoffset() == after:
            late = middle
        else:
            early = middle
    return TimestampMs(late * MS_PER_SECOND)


def add_open_minutes(hours: TradingHours, time: TimestampMs, minutes: int) -> TimestampMs:
    """Return when so many minutes of trading hours have passed since `time`."""
    if hours == ALWAYS_OPEN:
        return TimestampMs(time + minutes * MS_PER_MINUTE)
    at = time
    end = TimestampMs(time + SEARCH_DAYS_MAX * MS_PER_DAY + minutes * MS_PER_MINUTE)
    left = minutes
    while left > 0 and at < end:
        left -= hours.are_open(at)
        at = TimestampMs(at + MS_PER_MINUTE)
    return at


def was_closed_between(hours: TradingHours, first: TimestampMs, last: TimestampMs) -> bool:
    """Tell whether the market closed in between; after weeks it counts as closed."""
    if last - first > SEARCH_DAYS_MAX * MS_PER_DAY:
        return True
    if hours == ALWAYS_OPEN:
        return False
    return any(not hours.are_open(TimestampMs(at)) for at in range(first, last, MS_PER_MINUTE))
