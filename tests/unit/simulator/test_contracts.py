"""The contracts on offer."""

import pytest

from palmbot.domain.units import Price, TimestampMs
from palmbot.simulator.contracts import FCPO, PALMOIL, contract_for_file

MONDAY = 1_772_409_600_000


def at(day, hour, minute=0):
    """Return a time in Kuala Lumpur, days from Monday, which is 8 hours ahead of UTC."""
    return TimestampMs(MONDAY + ((day * 24 + hour - 8) * 60 + minute) * 60_000)


def test_the_schedule_is_that_of_the_exchange_in_seconds_from_sunday():
    found = [(each.start_s, each.end_s) for each in FCPO.hours.intervals]
    assert found[:4] == [(124200, 131400), (138600, 151200), (162000, 171000), (210600, 217800)]
    assert found[-2:] == [(469800, 477000), (484200, 496800)]
    assert len(found) == 14


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        (at(0, 10, 29), False),
        (at(0, 10, 30), True),
        (at(0, 12, 30), False),
        (at(0, 21), True),
        (at(0, 23, 30), False),
        (at(4, 17, 59), True),
        (at(4, 21), False),
        (at(5, 11), False),
    ],
)
def test_trading_hours_are_open_and_closed_where_the_exchange_is(time, is_open):
    assert PALMOIL.hours.are_open(time) is is_open


@pytest.mark.parametrize("units", [1, 14.359, 1_300, 8_000, 1_000_000])
def test_the_volume_step_for_a_file_is_worth_ten_to_a_hundred_units_where_it_can(units):
    contract = contract_for_file("X", 2, Price(round(units * 100_000)))
    value = contract.volume_step / 100 * units
    assert 10 < value <= 100 or contract.volume_step == 1
    assert contract.lot_size % contract.volume_step == 0


def test_one_price_step_is_one_of_the_last_digit():
    assert FCPO.price_step == 100_000
    assert PALMOIL.price_step == 1_000
