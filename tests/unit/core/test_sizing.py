"""Volume and distances of an entry."""

import pytest

from harness.engine_world import BALANCE, EASY, PRICE, USDMYR, make_symbol, make_tick
from palmbot.core.conversion import UNITY, read_rate, value_in_quote
from palmbot.core.sizing import Sized, Unsizable, read_distance, size_entry
from palmbot.domain.market import ConversionLeg, Side
from palmbot.domain.units import Money, Price, TimestampMs, Volume


def size(  # noqa: PLR0913 - each with a default
    *, side=Side.BUY, tick=None, symbol=None, equity=BALANCE, rate=UNITY, params=EASY
):
    return size_entry(
        side=side,
        tick=tick or make_tick(0),
        symbol=symbol or make_symbol(),
        equity=equity,
        rate=rate,
        params=params,
    )


@pytest.mark.parametrize(
    ("price", "share_bp", "step", "expected"),
    [
        (412_300_000, 150, 100_000, 6_200_000),  # 61.845 on a step of 1 is 62
        (100_000_000, 150, 1_000, 1_500_000),
        (100_000, 1, 1_000, 1_000),  # never nothing
        (10_050_000, 100, 1_000, 101_000),  # 100.5 steps go up
    ],
)
def test_a_distance_is_rounded_to_the_price_step_before_it_is_used(price, share_bp, step, expected):
    assert read_distance(Price(price), share_bp, Price(step)) == expected


def test_one_per_cent_of_ten_thousand_at_a_stop_of_fifteen_buys_six_tonnes():
    sized = size(tick=make_tick(0, PRICE - 100_000))
    assert isinstance(sized, Sized)
    assert sized.volume == 600  # 6.66 tonnes rounded down to whole ones
    assert sized.stop_distance == 1_500_000
    assert sized.target_distance == 2_000_000
    assert sized.loss_at_stop == 90 * 10**8
    assert sized.margin == 600 * 10**8  # 6 t x 1000 at 1:10


def test_a_short_is_measured_from_the_bid():
    sized = size(side=Side.SELL, tick=make_tick(0, PRICE * 2))
    assert isinstance(sized, Sized)
    assert sized.stop_distance == 3_000_000


def test_a_contract_in_ringgit_on_a_dollar_account_is_converted():
    leg = ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True)
    usdmyr = make_tick(0, 445_000, 1_000, USDMYR)
    rate = read_rate((leg,), {USDMYR: usdmyr}, TimestampMs(0), 1000)
    symbol = make_symbol(digits=0, volume_min=250, volume_step=250, leverage=20.0)
    assert rate is not None
    sized = size(symbol=symbol, tick=make_tick(0, 412_300_000, 300_000), rate=rate)
    assert isinstance(sized, Sized)
    assert sized.volume == 500  # 100 USD are 445 MYR, over 62 MYR a tonne: 7.17
    assert sized.loss_at_stop == -(-310 * 10**8 * 100_000 // 445_000)


def test_legs_multiply_or_divide_and_doubt_is_to_our_disadvantage():
    legs = (
        ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True),
        ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=False),
    )
    rate = read_rate(legs, {USDMYR: make_tick(0, 400_000, 100_000, USDMYR)}, TimestampMs(0), 1)
    assert rate is not None
    assert rate.convert(Money(1000)) == 800
    assert rate.convert(Money(-1000)) == -1250


@pytest.mark.parametrize("age_ms", [1001, 10**9])
def test_an_old_or_missing_rate_is_no_rate(age_ms):
    leg = ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True)
    tick = make_tick(0, 445_000, 0, USDMYR)
    assert read_rate((leg,), {USDMYR: tick}, TimestampMs(age_ms), 1000) is None
    assert read_rate((leg,), {}, TimestampMs(0), 1000) is None


def test_less_than_the_smallest_volume_is_refused_with_the_reason():
    refused = size(equity=Money(500 * 10**8))
    assert isinstance(refused, Unsizable)
    assert refused.text == "the risk limit allows a volume of 0.33, the smallest is 1.00"


def test_the_margin_caps_the_volume():
    symbol = make_symbol(leverage=1.0)
    sized = size(symbol=symbol, tick=make_tick(0, PRICE - 100_000))
    assert isinstance(sized, Sized)
    assert sized.volume == 500  # half of the equity, unlevered
    refused = size(symbol=make_symbol(leverage=0.1))
    assert isinstance(refused, Unsizable)
    assert "margin" in refused.text


def test_the_largest_volume_caps_the_volume():
    sized = size(symbol=make_symbol(volume_max=Volume(300)))
    assert isinstance(sized, Sized)
    assert sized.volume == 300


@pytest.mark.parametrize(
    ("changes", "spread", "word"),
    [
        ({"stop_distance_min": Price(1_600_000)}, 0, "stop distance"),
        ({"target_distance_min": Price(2_100_000)}, 0, "target distance"),
        ({}, 1_600_000, "spread"),
        ({"leverage": 0.001}, 0, "leverage"),
    ],
)
def test_distances_the_broker_would_refuse_are_not_sent(changes, spread, word):
    refused = size(symbol=make_symbol(**changes), tick=make_tick(0, PRICE, spread))
    assert isinstance(refused, Unsizable)
    assert word in refused.text


@pytest.mark.parametrize("equity", [0, -5])
def test_no_equity_no_volume(equity):
    assert isinstance(size(equity=Money(equity)), Unsizable)


def test_a_price_step_on_a_volume_step_is_worth_ten_money_units():
    assert value_in_quote(Price(1), Volume(1)) == 10
    assert value_in_quote(Price(1_500_000), Volume(600)) == 90 * 10**8
