"""What is written to a price file is what is read from it, to the last decimal."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palmbot.domain.units import PRICE_SCALE
from palmbot.pricefiles.amounts import PRICE_MAX, count_digits, parse_prices
from palmbot.pricefiles.reader import read_price_file
from palmbot.pricefiles.stamps import Stamps, parse_stamps

prices = st.lists(st.integers(1, PRICE_MAX * PRICE_SCALE), min_size=1, max_size=50)
moments = st.lists(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  (zone follows)
    min_size=1,
    max_size=50,
)


@given(prices)
def test_every_price_of_five_decimals_survives_text_and_binary_floats(wanted):
    text = parse_prices(pl.Series([f"{Decimal(price) / PRICE_SCALE:f}" for price in wanted]))
    floats = parse_prices(pl.Series([price / PRICE_SCALE for price in wanted]))
    assert list(text) == list(floats) == wanted


@given(prices)
def test_the_digits_found_write_every_price_exactly_and_one_fewer_would_not(wanted):
    digits = count_digits((parse_prices(pl.Series([p / PRICE_SCALE for p in wanted])),))
    assert all(price % 10 ** (5 - digits) == 0 for price in wanted)
    assert digits == 0 or any(price % 10 ** (6 - digits) for price in wanted)


@given(moments, st.sampled_from([0, 8, -5]))
def test_a_moment_is_the_same_as_text_with_its_zone_and_as_a_value(times, hours):
    zoned = [time.replace(tzinfo=UTC) for time in times]
    shift = timedelta(hours=hours)
    suffix = f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    text = parse_stamps(pl.Series([f"{(time + shift).isoformat()}{suffix}" for time in times]))
    values = parse_stamps(pl.Series(zoned))
    assert isinstance(text, Stamps)
    assert isinstance(values, Stamps)
    assert text.times_us == values.times_us
    assert [
        datetime.fromtimestamp(0, UTC) + timedelta(microseconds=t) for t in text.times_us
    ] == zoned


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**6)), min_size=200, max_size=220)
)
def test_ticks_written_as_parquet_are_read_back(tmp_path, quotes):
    start = datetime(2024, 3, 4, tzinfo=UTC)
    buffer = io.BytesIO()
    pl.DataFrame(
        {
            "time": [start + timedelta(milliseconds=number) for number in range(len(quotes))],
            "bid": [bid / PRICE_SCALE for bid, _ in quotes],
            "ask": [(bid + spread) / PRICE_SCALE for bid, spread in quotes],
        }
    ).write_parquet(buffer)
    path = tmp_path / "ticks.parquet"
    path.write_bytes(buffer.getvalue())
    ticks = read_price_file(path).ticks
    assert ticks is not None
    assert list(zip(ticks.bids, ticks.asks, strict=True)) == [
        (bid, bid + spread) for bid, spread in quotes
    ]
