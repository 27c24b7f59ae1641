"""Figures about money."""

import pytest
from msgspec.structs import replace

from harness.engine_world import BALANCE, EASY, PRICE, USDMYR, World, make_tick
from palmbot.core.conversion import UNITY
from palmbot.core.metrics import (
    read_equity,
    read_max_drawdown,
    read_profit_factor,
    read_unrealized,
    read_win_rate,
)
from palmbot.domain.market import ConversionLeg, Side
from palmbot.domain.units import Money, Price


@pytest.mark.parametrize(
    ("profits", "factor", "rate"),
    [
        ([], None, None),
        ([5, 3], None, 1.0),
        ([-5, -3], 0.0, 0.0),
        ([6, -3, 0], 2.0, 1 / 3),
    ],
)
def test_profit_factor_and_win_rate_are_undefined_where_they_are(profits, factor, rate):
    assert read_profit_factor(profits) == factor
    assert read_win_rate(profits) == rate


@pytest.mark.parametrize(
    ("curve", "expected"),
    [([], 0.0), ([100], 0.0), ([100, 110, 99, 120, 60, 130], 0.5), ([100, 90, 95], 0.1)],
)
def test_drawdown_is_the_worst_fall_from_a_peak(curve, expected):
    assert read_max_drawdown([Money(value) for value in curve]) == pytest.approx(expected)


def test_a_long_is_worth_the_bid_and_a_short_the_ask_with_swap_and_commission():
    world = World()
    world.make_ready()
    position = replace(world.enter(), swap=Money(-7), commission=Money(-5))
    tick = make_tick(0, PRICE + 100_000, 50_000)
    assert read_unrealized(position, tick, UNITY) == 100_000 * 600 * 10 - 12
    short = replace(position, side=Side.SELL)
    assert read_unrealized(short, tick, UNITY) == -150_000 * 600 * 10 - 12


def test_equity_is_balance_plus_what_the_position_would_bring():
    world = World()
    world.make_ready()
    assert read_equity(world.state, EASY) == BALANCE
    world.enter()
    world.tick(PRICE - 500_000)
    assert read_equity(world.state, EASY) == BALANCE - 500_000 * 600 * 10


def test_equity_is_unknown_before_the_account_and_without_a_rate():
    assert read_equity(World().state, EASY) is None
    world = World()
    world.make_ready()
    position = world.enter()
    leg = ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True)
    assert read_equity(replace(world.state, conversion=(leg,)), EASY) is None
    assert position.entry_price == Price(PRICE)
