"""Ranges as people write them, and rows in the owner's order."""

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.research.grid import OWNER_GRID, Grid, make_grid, parse_axis


def test_defaults_of_the_command_are_the_owners_192_combinations():
    assert make_grid("20:35:5", "65:80:5", "1.5:3:0.5", "1:2:0.5") == OWNER_GRID
    assert OWNER_GRID.size == 192


def test_rows_have_rsi_buy_outermost_and_stop_innermost():
    points = list(OWNER_GRID.points())
    assert points == sorted(points)
    assert points[0] == (20, 65, 1.5, 1)
    assert points[1] == (20, 65, 1.5, 1.5)
    assert points[-1] == (35, 80, 3, 2)


def test_range_in_tenths_has_every_value_and_no_rounding_dust():
    assert parse_axis("--sl", "1:2:0.1") == (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2)


@pytest.mark.parametrize(
    ("text", "values"), [("30", (30,)), ("30,20,20", (20, 30)), ("5:5:1", (5,))]
)
def test_single_values_and_lists_are_axes_too(text, values):
    assert parse_axis("--rsi-buy", text) == values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20:35:4", "write 20:32:4"),
        ("35:20:5", "holds no value"),
        ("20:35:0", "must be above 0"),
        ("20:35:-5", "must be above 0"),
        ("20:35", "neither"),
        ("20:x:5", "'x' in"),
        ("", "is not a number"),
        ("nan", "not a finite number"),
        ("0:1e9:0.001", "more than 1,000,000 values"),
    ],
)
def test_axis_that_cannot_be_read_is_refused_with_its_option(text, says):
    with pytest.raises(InputInvalid, match=says) as caught:
        parse_axis("--rsi-buy", text)
    assert str(caught.value).startswith("--rsi-buy")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("20:70:5", "65:80:5", "2", "1"), "every rsi_buy must be below every rsi_sell"),
        (("-5", "70", "2", "1"), "from 0 to 100"),
        (("20", "101", "2", "1"), "from 0 to 100"),
        (("20", "70", "0", "1"), "above 0 percent"),
        (("20", "70", "2", "100"), "at or below zero"),
        (("1:40:0.1", "60:99:0.1", "2:3:0.1", "1:2:0.1"), "exceed 1,000,000"),
    ],
)
def test_grid_that_makes_no_sense_is_refused(options, says):
    with pytest.raises(InputInvalid, match=says):
        make_grid(*options)


def test_axes_must_ascend():
    with pytest.raises(ValueError, match="ascending"):
        Grid(rsi_buy=(30, 20), rsi_sell=(70,), take_profit=(2,), stop_loss=(1,))
