"""RSI on price files that lie beside the repository, where they do."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib

from palmbot.core.rsi import RSI_START, read_rsi, update_rsi

FOLDER = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("xauusd_h1_quotes_2006_2019.parquet", "bid_close"),
        ("dce_palm_olein_p_daily_2023_2026.csv.gz", "close"),
    ],
)
def test_real_series_give_the_values_of_ta_lib(name, column):
    path = FOLDER / name
    if not path.exists():
        pytest.skip("no price files beside the repository")
    table = pl.read_parquet(path) if name.endswith("parquet") else pl.read_csv(path)
    closes = table[column].cast(pl.Float64).to_numpy()[-20_000:]
    expected = talib.RSI(np.ascontiguousarray(closes), timeperiod=14)
    state = RSI_START
    values = []
    for close in closes.tolist():
        state = update_rsi(state, close, 14)
        values.append(read_rsi(state, 14))
    assert np.allclose(np.array(values[14:], dtype=float), expected[14:], rtol=0, atol=1e-9)
