"""Which pauses a chart leaves out."""

import pytest

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, Price, TimestampMs
from palmbot.reports.demo_run import PricePoint
from palmbot.reports.time_axis import BREAKS_MAX, find_pauses

MINUTES_5 = 5 * MS_PER_MINUTE


def points(*times):
    return tuple(PricePoint(time=TimestampMs(time), price=Price(100_000)) for time in times)


def test_a_lunch_break_is_cut_from_the_last_price_to_the_first_bar_after_it():
    lunch = 120 * MS_PER_MINUTE
    axis = find_pauses(points(0, MINUTES_5, MINUTES_5 + lunch), MINUTES_5)
    assert axis.pauses == ((MINUTES_5 + 1, lunch),)


def test_a_few_missing_bars_are_no_closed_hours():
    assert find_pauses(points(0, MINUTES_5, 6 * MINUTES_5), MINUTES_5).pauses == ()


def test_weekends_are_cut_from_daily_bars():
    days = [day * MS_PER_DAY for day in (0, 1, 4, 5)]
    assert find_pauses(points(*days), MS_PER_DAY).pauses == ((MS_PER_DAY + 1, 3 * MS_PER_DAY),)


@pytest.mark.parametrize(
    ("time", "drawn"), [(50, 50), (100, 100), (101, 900), (899, 900), (900, 900), (2_000, 2_000)]
)
def test_a_time_inside_a_pause_is_drawn_at_its_end(time, drawn):
    axis = find_pauses(points(100, 900 + MINUTES_5), MINUTES_5)
    assert axis.pauses == ()
    axis = type(axis)(pauses=((101, 900),))
    assert axis.place(TimestampMs(time)) == drawn


def test_of_too_many_pauses_the_longest_are_cut_in_order():
    times = [0]
    for number in range(BREAKS_MAX + 10):
        times.append(times[-1] + (60 + number) * MS_PER_MINUTE)
    pauses = find_pauses(points(*times), MINUTES_5).pauses
    assert len(pauses) == BREAKS_MAX
    assert pauses[0][0] == times[10] + 1
    assert list(pauses) == sorted(pauses)
