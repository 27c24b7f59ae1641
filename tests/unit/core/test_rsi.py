"""RSI after Wilder."""

import numpy as np
import pytest
import talib

from palmbot.core.rsi import RSI_START, read_rsi, update_rsi


def run_rsi(closes, period=14):
    state = RSI_START
    values = []
    for close in closes:
        state = update_rsi(state, close, period)
        values.append(read_rsi(state, period))
    return values


def test_the_first_value_comes_with_the_fifteenth_close():
    values = run_rsi([100.0 + (i % 3) for i in range(20)])
    assert values[:14] == [None] * 14
    assert values[14] is not None


def test_wilders_own_smoothing_is_worked_out_by_hand_for_a_short_period():
    # changes +2, -1, +3 with period 2: averages (2, 1)/2, then ((1, .5) + (3, 0))/2 = (2, .25)
    assert run_rsi([10.0, 12.0, 11.0, 14.0], period=2)[2:] == [
        pytest.approx(200 / 3),
        pytest.approx(100 * 2 / 2.25),
    ]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([5.0] * 20, 50.0),
        ([float(i) for i in range(20)], 100.0),
        ([20.0 - i for i in range(20)], 0),
    ],
    ids=["no movement is neither bought nor sold out", "only rises", "only falls"],
)
def test_the_ends_of_the_scale(closes, expected):
    assert run_rsi(closes)[-1] == expected


@pytest.mark.parametrize("seed", range(5))
def test_random_series_give_the_values_of_ta_lib(seed):
    draw = np.random.default_rng(seed)
    closes = 1000 * np.exp(np.cumsum(draw.normal(0, 0.01, 2000)))
    expected = talib.RSI(closes, timeperiod=14)
    values = run_rsi(closes.tolist())
    assert values[:14] == [None] * 14
    assert np.allclose(np.array(values[14:]), expected[14:], rtol=0, atol=1e-9)


def test_the_unit_of_the_price_does_not_matter():
    closes = [1000.0, 1003.5, 1001.25, 1010.0, 1008.0] * 8
    scaled = run_rsi([close * 100_000 for close in closes])
    assert scaled[14:] == pytest.approx(run_rsi(closes)[14:], abs=1e-9)
