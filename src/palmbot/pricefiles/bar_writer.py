"""Bars to a Parquet file: whole or not at all, and the same bytes for the same bars."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from palmbot.domain.errors import InputInvalid
from palmbot.domain.market import Bar
from palmbot.domain.units import PRICE_SCALE

FILE_MODE = 0o644
SCHEMA = {
    "time_ms": pl.Int64,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Int64,
}
"""Opening time in ms since 1970 UTC; bid prices in price units; number of ticks."""


def write_bars(path: Path, bars: Iterable[Bar]) -> int:
    """Write the bars, oldest first, and return how many there were.

    A price is the double nearest to its decimal form, as `pricefiles.reader` reads it back.

    Raises:
        InputInvalid: the place cannot be written; nothing is left behind.
    """
    rows = [
        (
            bar.open_time,
            bar.open / PRICE_SCALE,
            bar.high / PRICE_SCALE,
            bar.low / PRICE_SCALE,
            bar.close / PRICE_SCALE,
            bar.volume,
        )
        for bar in bars
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    draft: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            draft = Path(file.name)
            frame.write_parquet(file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(FILE_MODE)
        draft.replace(path)
    except OSError as e:
        if draft is not None:
            draft.unlink(missing_ok=True)
        raise InputInvalid(
            f"{path}: the bars cannot be written there ({e.strerror or e}); name a file in a "
            "folder that exists and can be written"
        ) from e
    return frame.height
