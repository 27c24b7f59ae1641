"""Cells of a time column to moments, without guessing a zone or the order of day and month."""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

US_PER_MS: Final = 1_000
US_PER_SECOND: Final = 1_000_000
US_PER_MINUTE: Final = 60 * US_PER_SECOND
MONTHS_MAX: Final = 12

UNIX_UNITS: Final = ((15, 1), (12, US_PER_MS), (9, US_PER_SECOND))
"""Least digits of a Unix time in microseconds, milliseconds and seconds from 1973 on, and the
microseconds in the unit."""

CLOCK = r"(?:[ T]+(?<h>\d{1,2}):(?<mi>\d{2})(?::(?<s>\d{2})(?:[.,](?<f>\d{1,9}))?)?)?"
COMPACT_CLOCK = r"(?:[ T]+(?<h>\d{2}):?(?<mi>\d{2})(?::?(?<s>\d{2})(?<f>\d{3})?)?)?"
ZONE = r"\s*(?<z>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2}(?::\d{2})?)?$"
LAYOUTS: Final = (
    rf"^(?<y>\d{{4}})[-./](?<mo>\d{{1,2}})[-./](?<d>\d{{1,2}}){CLOCK}{ZONE}",
    rf"^(?<y>\d{{4}})(?<mo>\d{{2}})(?<d>\d{{2}}){COMPACT_CLOCK}{ZONE}",
    rf"^(?<d>\d{{1,2}})\.(?<mo>\d{{1,2}})\.(?<y>\d{{4}}){CLOCK}{ZONE}",
    rf"^(?<mo>[A-Za-z]{{3}})[a-z]* (?<d>\d{{1,2}}),? (?<y>\d{{4}}){CLOCK}{ZONE}",
    rf"^(?<d>\d{{1,2}})[- ](?<mo>[A-Za-z]{{3}})[a-z]*[- ](?<y>\d{{4}}){CLOCK}{ZONE}",
)
"""What tells year, month and day by itself: ISO with dashes, points or slashes, digits alone,
days before points, months by name."""

EITHER_LAYOUT: Final = rf"^(?<a>\d{{1,2}})[-/](?<b>\d{{1,2}})[-/](?<y>\d{{4}}){CLOCK}{ZONE}"
"""Day first or month first: the cells, or a person, have to say."""

MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"
)  # fmt: skip


class DateOrder(StrEnum):
    """Which comes first in dates such as 03/04/2024."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class StampKind(Enum):
    """What a stamp says of its zone; the value is the assumption to print."""

    DATE = "Dates without a time of day are trade dates: stamped 00:00 UTC of that date."
    NAIVE = "Times without a zone are read as UTC, each the opening of its bar or the quote's time."
    LOCAL = "Times without a zone are read as local times of the zone named, and turned into UTC."
    ZONED = "Times carry their zone and are converted to UTC."
    UNIX = "Times are Unix time, which is UTC."


@dataclass(frozen=True, slots=True, kw_only=True)
class StampProblem:
    """The first cell that is not a moment."""

    row: int
    text: str
    reason: str = ""
    """Why not and what to do, if there is more to say than that it is no time like the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Moments in file order."""

    times_us: list[int]
    """Microseconds since 1970 UTC."""
    kind: StampKind
    """Of every row."""
    order: DateOrder | None = None
    """Set where the cells alone would not have said it of every layout, such as 03/14/2024."""


def check_zone(name: str) -> str | None:
    """Return what is wrong with the name of a zone, or None."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"there is no time zone {name!r}; give an IANA name such as Europe/Athens or EST"
    return None


def parse_stamps(
    cells: pl.Series, *, zone: str = "UTC", order: DateOrder | None = None
) -> Stamps | StampProblem:
    """Return the moment of every cell, at least one, or the first cell that is none.

    A cell of another kind than the first, such as a date without a time among times, is a
    problem too: half of the stamps would then rest on an assumption the others do not need.

    Args:
        cells: Text, whole numbers (Unix time), dates or datetimes.
        zone: IANA name of the zone of times that carry none; dates are never shifted.
        order: What a person says of dates that may be read either way.
    """
    if cells.is_empty():
        raise ValueError("no cells to parse")
    if isinstance(cells.dtype, pl.Date):
        return _finish(cells, cells.cast(pl.Datetime("us")), StampKind.DATE)
    if isinstance(cells.dtype, pl.Datetime):
        moments = cells.dt.cast_time_unit("us")
        if cells.dtype.time_zone is None:
            return _place(cells, moments, zone)
        moments = moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return _finish(cells, moments, StampKind.ZONED)
    text = cells.cast(pl.String).str.strip_chars()
    first = text[0] or ""
    if _is_unix(first):
        return _parse_unix(cells, text)
    return _parse_dates(cells, text, zone, order)


def _parse_dates(
    cells: pl.Series, text: pl.Series, zone: str, order: DateOrder | None
) -> Stamps | StampProblem:
    first = text[0] or ""
    layout, read_order = next((each for each in LAYOUTS if _fits(each, first)), None), None
    if layout is None:
        if not _fits(EITHER_LAYOUT, first):
            return StampProblem(row=0, text=first)
        settled = _settle_order(text, order)
        if isinstance(settled, StampProblem):
            return settled
        read_order = settled
        day, month = ("a", "b") if settled is DateOrder.DAY_FIRST else ("b", "a")
        layout = EITHER_LAYOUT.replace(f"?<{day}>", "?<d>").replace(f"?<{month}>", "?<mo>")
    return _parse_text(cells, text, layout, zone, read_order)


def _fits(layout: str, text: str) -> bool:
    return re.match(layout.replace("?<", "?P<"), text, re.ASCII) is not None


def _is_unix(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and 9 <= len(digits) <= 16  # noqa: PLR2004 - as above


def _parse_unix(cells: pl.Series, text: pl.Series) -> Stamps | StampProblem:
    lengths = text.str.len_chars()
    longest = int(lengths.max() or 0)  # type: ignore[arg-type]
    unit = next(unit for digits, unit in UNIX_UNITS if longest >= digits)
    values = text.cast(pl.Int64, strict=False)
    is_whole = (lengths >= longest - 1) & text.str.contains(r"^-?\d+$")
    kept = pl.select(pl.when(is_whole).then(values)).to_series()
    return _list(cells, kept * unit, StampKind.UNIX)


def _settle_order(text: pl.Series, order: DateOrder | None) -> DateOrder | StampProblem:
    """Find out from values above 12 which number is the day; a person's word must not differ."""
    groups = text.str.extract_groups(EITHER_LAYOUT).struct.unnest()
    is_day_first = groups["a"].cast(pl.Int64) > MONTHS_MAX
    is_month_first = groups["b"].cast(pl.Int64) > MONTHS_MAX
    found = None
    if is_day_first.any():
        found = DateOrder.DAY_FIRST
    elif is_month_first.any():
        found = DateOrder.MONTH_FIRST
    if found is not None and order is not None and order is not found:
        row = int((is_day_first if found is DateOrder.DAY_FIRST else is_month_first).arg_max() or 0)
        return StampProblem(
            row=row, text=text[row], reason=f"it is no {order} date; give --dates {found}"
        )
    settled = found or order
    if settled is None:
        return StampProblem(
            row=0,
            text=text[0],
            reason="nothing in the file tells whether the day or the month comes first; "
            "say --dates day-first or --dates month-first",
        )
    return settled


def _parse_text(
    cells: pl.Series, text: pl.Series, layout: str, zone: str, order: DateOrder | None
) -> Stamps | StampProblem:
    parts = text.str.extract_groups(layout).struct.unnest()
    has_clock, has_zone = parts["h"][0] is not None, parts["z"][0] is not None
    month = parts["mo"]
    if layout in LAYOUTS[3:]:
        month = month.str.to_lowercase().replace_strict(
            MONTHS, [f"{number}" for number in range(1, MONTHS_MAX + 1)], default=None
        )
    canonical = pl.select(
        pl.when(parts["h"].is_not_null() == has_clock, parts["z"].is_not_null() == has_zone).then(
            pl.concat_str(
                parts["y"],
                month.str.zfill(2),
                parts["d"].str.zfill(2),
                parts["h"].fill_null("0").str.zfill(2),
                parts["mi"].fill_null("00"),
                parts["s"].fill_null("00"),
                parts["f"].fill_null("0").str.pad_end(6, "0").str.head(6),
            )
        )
    ).to_series()
    # chrono takes no microseconds without a separator.
    whole = canonical.str.head(14).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    moments = (whole.cast(pl.Int64) + canonical.str.slice(14).cast(pl.Int64)).cast(
        pl.Datetime("us")
    )
    if has_zone:
        shifted = moments.cast(pl.Int64) - _read_offsets(parts["z"])
        return _list(cells, shifted, StampKind.ZONED, order)
    if not has_clock:
        return _finish(cells, moments, StampKind.DATE, order)
    return _place(cells, moments, zone, order)


def _read_offsets(zones: pl.Series) -> pl.Series:
    """Return the microseconds ahead of UTC that texts such as `+08:00` or `GMT-0500` mean."""
    parts = zones.str.extract_groups(
        r"(?<sign>[+-])(?<hours>\d{2}):?(?<minutes>\d{2})(?::(?<seconds>\d{2}))?$"
    ).struct.unnest()
    sign = (parts["sign"] == "-").fill_null(value=False).cast(pl.Int64) * -2 + 1
    minutes = parts["hours"].cast(pl.Int64) * 60 + parts["minutes"].cast(pl.Int64)
    seconds = parts["seconds"].cast(pl.Int64).fill_null(0)
    return sign * (minutes * US_PER_MINUTE + seconds * US_PER_SECOND).fill_null(0)


def _place(
    cells: pl.Series, moments: pl.Series, zone: str, order: DateOrder | None = None
) -> Stamps | StampProblem:
    """Turn times without a zone into UTC; an hour that comes twice counts as its first coming."""
    if zone == "UTC":
        return _finish(cells, moments, StampKind.NAIVE, order)
    local = moments.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    skipped = (local.is_null() & moments.is_not_null()).arg_max()
    if skipped is not None and local[skipped] is None and moments[skipped] is not None:
        return StampProblem(
            row=skipped,
            text=str(cells[skipped]),
            reason=f"that hour does not exist in {zone}, where the clock was put forward; "
            "the file is in another zone",
        )
    utc = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return _finish(cells, utc, StampKind.LOCAL, order)


def _finish(
    cells: pl.Series, moments: pl.Series, kind: StampKind, order: DateOrder | None = None
) -> Stamps | StampProblem:
    return _list(cells, moments.cast(pl.Int64), kind, order)


def _list(
    cells: pl.Series, times_us: pl.Series, kind: StampKind, order: DateOrder | None = None
) -> Stamps | StampProblem:
    if times_us.null_count():
        row = int(times_us.is_null().arg_max() or 0)
        return StampProblem(row=row, text="" if cells[row] is None else str(cells[row]))
    return Stamps(times_us=times_us.to_list(), kind=kind, order=order)
