"""Cells of a price column to integers in 1/100_000, or the first cell that is no price."""

from array import array
from dataclasses import dataclass

import polars as pl

from palmbot.domain.units import PRICE_SCALE

PRICE_MAX = 10_000_000
"""Price units. Above it a float no longer tells five decimals apart, and no CFD is quoted there."""

DECIMALS_MAX = 5
SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9}
ROUNDING_MAX = 1e-3
"""In 1/100_000: what binary floats may add to a price of at most five decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountProblem:
    """The first cell that cannot be used, and why."""

    row: int
    problem: str


def parse_prices(cells: pl.Series) -> "array[int] | AmountProblem":
    """Return the column in 1/100_000; every price is above 0 and has at most five decimals."""
    is_empty = cells.is_null()
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars()
    values = cells.cast(pl.Float64, strict=False)
    scaled = values * PRICE_SCALE
    whole = scaled.round()
    for is_bad, problem in (
        (is_empty, "is empty"),
        (values.is_null(), "is not a number"),
        (values.is_nan(), "is NaN"),
        (values <= 0, "is not above 0"),
        (values > PRICE_MAX, f"is above {PRICE_MAX:,}"),
        ((scaled - whole).abs() > ROUNDING_MAX, f"has more than {DECIMALS_MAX} decimals"),
    ):
        row = is_bad.fill_null(value=False).arg_max()
        if row is not None and is_bad[row]:
            cell = "the cell" if cells[row] is None else repr(cells[row])
            return AmountProblem(row=row, problem=f"{cell} {problem}")
    return array("q", whole.cast(pl.Int64).to_list())


def read_amounts(cells: pl.Series, *, is_decimal_comma: bool = False) -> pl.Series:
    """Return a column as floats, null where a cell is empty or no number. Nothing is refused.

    Separators of thousands and the suffixes K, M and B are understood; with
    `is_decimal_comma` the comma ends the whole part and points separate thousands.
    """
    if cells.dtype != pl.String:
        return cells.cast(pl.Float64, strict=False)
    text = cells.str.strip_chars().str.strip_chars_end("%")
    if is_decimal_comma:
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    elif text.str.contains(",", literal=True).any():
        grouped = text.str.contains(r"^-?\d{1,3}(,\d{3})+(\.\d+)?[KMBkmb]?$")
        text = pl.select(
            pl.when(grouped).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
        ).to_series()
    plain = text.cast(pl.Float64, strict=False)
    if plain.null_count() == cells.null_count():
        return plain
    suffix = text.str.slice(-1).str.to_uppercase()
    factor = suffix.replace_strict(SUFFIXES, default=None, return_dtype=pl.Float64)
    scaled = text.str.head(-1).cast(pl.Float64, strict=False) * factor
    return plain.fill_null(scaled)


def parse_volumes(cells: pl.Series) -> "array[int] | AmountProblem":
    """Return the column in whole numbers, fractions dropped; empty cells count as 0."""
    values = cells.cast(pl.Float64, strict=False)
    is_bad = (values.is_null() & cells.is_not_null()) | ~values.is_between(0, 1e15).fill_null(
        value=True
    )
    row = is_bad.arg_max()
    if row is not None and is_bad[row]:
        return AmountProblem(row=row, problem=f"{cells[row]!r} is not a volume")
    return array("q", values.fill_null(0).cast(pl.Int64).to_list())


def count_digits(columns: "tuple[array[int], ...]") -> int:
    """Return the fewest decimals, 0 to 5, that write every price of the columns exactly."""
    for digits in range(DECIMALS_MAX):
        step = 10 ** (DECIMALS_MAX - digits)
        if all(price % step == 0 for column in columns for price in column):
            return digits
    return DECIMALS_MAX
