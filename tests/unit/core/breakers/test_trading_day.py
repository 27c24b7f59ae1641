"""Where a trading day begins, on ordinary and on odd nights, and what open-market minutes are."""

from datetime import UTC, date, datetime

import pytest

from palmbot.core.breakers.day import add_open_minutes, find_boundary, find_day, was_closed_between
from palmbot.domain.market import ALWAYS_OPEN, Interval, TradingHours
from palmbot.domain.units import TimestampMs

HOUR = 3_600_000
LUNCH = TradingHours(
    zone="UTC",
    intervals=tuple(
        Interval(start_s=day * 86_400 + start, end_s=day * 86_400 + end)
        for day in range(1, 6)
        for start, end in ((9 * 3600, 12 * 3600), (14 * 3600, 18 * 3600))
    ),
)


def at(text: str) -> TimestampMs:
    return TimestampMs(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


def test_a_day_begins_at_midnight_utc_by_default():
    day = find_day(at("2026-01-05T02:00"), "UTC", 0)
    assert (day.starts_at, day.ends_at) == (at("2026-01-05T00:00"), at("2026-01-06T00:00"))
    assert find_day(day.ends_at, "UTC", 0).ordinal == day.ordinal + 1


def test_the_currency_day_begins_in_new_york_an_hour_earlier_in_summer():
    winter = find_day(at("2026-01-05T22:00"), "America/New_York", 17 * 60)
    summer = find_day(at("2026-07-06T21:00"), "America/New_York", 17 * 60)
    assert winter.starts_at == at("2026-01-05T22:00")
    assert summer.starts_at == at("2026-07-06T21:00")


@pytest.mark.parametrize(
    ("on", "minute", "begins"),
    [
        (date(2026, 3, 8), 150, "2026-03-08T07:00"),  # 02:30 is skipped: 03:00 EDT
        (date(2026, 11, 1), 90, "2026-11-01T05:30"),  # 01:30 comes twice: the first, EDT
        (date(2026, 3, 8), 0, "2026-03-08T05:00"),
        *((date(2026, 3, 8), minute, "2026-03-08T07:00") for minute in (120, 121, 137, 179)),
        (date(2026, 3, 8), 180, "2026-03-08T07:00"),
    ],
)
def test_a_skipped_hour_and_a_doubled_hour(on, minute, begins):
    assert find_boundary(on, "America/New_York", minute) == at(begins)


@pytest.mark.parametrize(("text", "hours"), [("2026-03-08T12:00", 23), ("2026-11-01T12:00", 25)])
def test_days_of_23_and_25_hours(text, hours):
    day = find_day(at(text), "America/New_York", 0)
    assert day.ends_at - day.starts_at == hours * HOUR


def test_a_midnight_that_comes_twice_begins_the_day_at_its_first_coming():
    zone = "America/St_Johns"  # set back at one minute past midnight, to the evening before
    begins, again = at("2010-11-07T02:30"), at("2010-11-07T03:30")
    for time in (begins, begins + 59_000, begins + 60_000, again - 1, again, again + HOUR):
        day = find_day(TimestampMs(time), zone, 0)
        assert (day.ordinal, day.starts_at) == (date(2010, 11, 7).toordinal(), begins)
        assert day.ends_at == at("2010-11-08T03:30")


def test_open_minutes_do_not_run_in_the_lunch_break_or_over_the_weekend():
    assert add_open_minutes(LUNCH, at("2026-01-05T11:45"), 60) == at("2026-01-05T14:45")
    assert add_open_minutes(LUNCH, at("2026-01-09T17:30"), 60) == at("2026-01-12T09:30")
    assert add_open_minutes(ALWAYS_OPEN, at("2026-01-05T11:45"), 60) == at("2026-01-05T12:45")


def test_a_schedule_that_is_unknown_never_counts_as_open():
    unknown = TradingHours(zone="UTC", intervals=())
    # Three weeks are looked through, then what is asked for counts as open.
    assert add_open_minutes(unknown, at("2026-01-05T00:00"), 2) == at("2026-01-26T00:02")


def test_a_break_between_two_prices_is_seen():
    assert was_closed_between(LUNCH, at("2026-01-05T11:59"), at("2026-01-05T14:00"))
    assert not was_closed_between(LUNCH, at("2026-01-05T09:00"), at("2026-01-05T11:59"))


@pytest.mark.parametrize(("late_ms", "was_closed"), [(0, False), (1, True)])
def test_between_two_prices_more_than_three_weeks_apart_the_market_counts_as_closed(
    late_ms, was_closed
):
    later = TimestampMs(at("2026-01-26T00:00") + late_ms)
    assert was_closed_between(ALWAYS_OPEN, at("2026-01-05T00:00"), later) is was_closed
