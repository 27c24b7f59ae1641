"""Bytes on disk to named columns of cells: CSV, gzipped CSV, Parquet."""

import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from palmbot.domain.errors import InputInvalid

FILE_BYTES_MAX = 1 << 30
"""1 GiB, stored and unpacked alike: about ten million bars, all of which are held in memory."""

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DELIMITERS = ("\t", ";", ",")
"""In order of preference: with equal counts the comma is that of the decimals."""

CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
NUMBER = re.compile(r"[+-]?[\d.,]+")
PRICES = ("open", "high", "low", "close")
QUOTES = tuple(f"{side}_{name}" for side in ("bid", "ask") for name in (*PRICES, "size"))
BARE_LAYOUTS = {
    5: ("time", *PRICES),
    6: ("time", *PRICES, "volume"),
    11: ("time", *QUOTES),
}
"""Columns by their number in files without a header: HistData ASCII; LEAN has both sides."""

BARE_CLOCK_LAYOUTS = {
    6: ("date", "time", *PRICES),
    7: ("date", "time", *PRICES, "volume"),
    9: ("date", "time", *PRICES, "tickvol", "vol", "spread"),
}
"""The same where the second column is the time of day: MetaTrader 4, HistData MT, MetaTrader 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The cells of one file, before anything is believed about them."""

    path: Path
    sha256: str
    frame: pl.DataFrame
    """CSV: text in every cell, null where empty. Parquet: the types of the file."""
    is_text: bool
    """True for CSV, whose rows a person finds by their line."""
    has_header: bool = True
    """False: the columns were named by their number and look, see `BARE_LAYOUTS`."""

    def locate(self, row: int) -> str:
        """Say where row `row` (from 0) stands, as a person counts."""
        return f"line {row + 1 + self.has_header}" if self.is_text else f"row {row + 1}"

    def refuse(self, problem: str) -> InputInvalid:
        """Return the error that says `problem` of this file."""
        return InputInvalid(f"{self.path}: {problem}")


def read_table(path: Path) -> Table:
    """Read the whole file; the kind is told by its first bytes, not by its name.

    Raises:
        InputInvalid: missing, too large, empty, or not what its first bytes promise.
    """
    content = _read_bytes(path)
    sha256 = hashlib.sha256(content).hexdigest()
    is_text = not content.startswith(PARQUET_MAGIC)
    has_header = True
    if is_text:
        frame, has_header = _read_csv(path, content)
    else:
        frame = _read_parquet(path, content)
    if frame.height == 0:
        raise InputInvalid(f"{path}: it has a header but no rows; export it again with prices.")
    return Table(path=path, sha256=sha256, frame=frame, is_text=is_text, has_header=has_header)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputInvalid(f"{path}: this is a folder; name one CSV or Parquet file in it.")
        if path.stat().st_size > FILE_BYTES_MAX:
            raise _too_large(path)
        content = path.read_bytes()
    except FileNotFoundError as e:
        raise InputInvalid(f"{path}: there is no such file; check the path.") from e
    except OSError as e:
        reason = e.strerror or str(e)
        raise InputInvalid(f"{path}: it cannot be read ({reason}); check its permissions.") from e
    if not content.strip():
        raise InputInvalid(f"{path}: it is empty; export it again.")
    return content


def _too_large(path: Path) -> InputInvalid:
    return InputInvalid(
        f"{path}: it holds more than {FILE_BYTES_MAX >> 20} MiB; split it by time and use one part."
    )


def _unpack(path: Path, content: bytes) -> bytes:
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(FILE_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as e:
        raise InputInvalid(
            f"{path}: its gzip compression is damaged or cut off ({e}); fetch the file again."
        ) from e
    if len(unpacked) > FILE_BYTES_MAX:
        raise _too_large(path)
    return unpacked


def _read_csv(path: Path, content: bytes) -> tuple[pl.DataFrame, bool]:
    """Return the cells, and whether the first line named the columns."""
    text = _unpack(path, content).removeprefix(BYTE_ORDER_MARK)
    if not text.strip():
        raise InputInvalid(f"{path}: it is empty once unpacked; export it again.")
    try:
        text.decode()
    except UnicodeDecodeError as e:
        line = text.count(b"\n", 0, e.start) + 1
        raise InputInvalid(
            f"{path}: line {line} is not UTF-8 text; save the file as CSV in UTF-8, or as Parquet."
        ) from e
    header = text.lstrip().split(b"\n", 1)[0].decode().strip()
    delimiter = max(DELIMITERS, key=header.count)
    names = _name_bare_columns(path, header.split(delimiter))
    try:
        frame = pl.read_csv(
            text,
            separator=delimiter,
            infer_schema=False,
            has_header=names is None,
            new_columns=None if names is None else list(names),
        )
    except pl.exceptions.PolarsError as e:
        where = _find_ragged_line(text.decode(), delimiter)
        width = "header" if names is None else "first line"
        raise InputInvalid(
            f"{path}: {where or 'it is not a table'}; give every row the cells of the {width}."
        ) from e
    return frame, names is None


def _name_bare_columns(path: Path, cells: list[str]) -> tuple[str, ...] | None:
    """Return names for a file whose first line is a row already; None if it is a header.

    Raises:
        InputInvalid: numbers alone, but in no layout that is known.
    """
    plain = [cell.strip(' "\r') for cell in cells]
    has_clock = len(plain) > 1 and CLOCK.fullmatch(plain[1]) is not None
    numbers = plain[2:] if has_clock else plain[1:]
    if not numbers or not all(NUMBER.fullmatch(cell) for cell in numbers):
        return None
    layouts = BARE_CLOCK_LAYOUTS if has_clock else BARE_LAYOUTS
    if len(plain) not in layouts:
        raise InputInvalid(
            f"{path}: line 1 is no header, and a row of {len(plain)} columns is in no layout that "
            "is known; put a line above it that names the columns."
        )
    return layouts[len(plain)]


def _find_ragged_line(text: str, delimiter: str) -> str | None:
    lines = text.splitlines()
    width = lines[0].count(delimiter) + 1
    for number, line in enumerate(lines, start=1):
        cells = line.count(delimiter) + 1
        if cells > width:
            return f"line {number} has {cells} cells where the header has {width}"
    return None


def _read_parquet(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as e:
        raise InputInvalid(
            f"{path}: it starts like Parquet but is damaged or cut off; fetch the file again."
        ) from e
