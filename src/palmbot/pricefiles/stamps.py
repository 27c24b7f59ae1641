"""Cells of a time column to moments, without guessing a zone or the order of day and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Final

US_PER_MS: Final = 1_000
US_PER_SECOND: Final = 1_000_000
DATE_LENGTH: Final = len("2014-05-01")
UNIX_DIGITS: Final = {10: US_PER_SECOND, 13: US_PER_MS, 16: 1}
"""Digits of a Unix time from 2001 to 2286, and the microseconds in its unit."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class StampKind(Enum):
    """What a stamp says of its zone; the value is the assumption to print."""

    DATE = "Dates without a time of day are trade dates: stamped 00:00 UTC of that date."
    NAIVE = "Times without a zone are read as UTC, each the opening of its bar or the quote's time."
    ZONED = "Times carry their zone and are converted to UTC."
    UNIX = "Times are Unix time, which is UTC."


@dataclass(frozen=True, slots=True, kw_only=True)
class StampProblem:
    """The first cell that is not a moment."""

    row: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Moments in file order."""

    times_us: list[int]
    """Microseconds since 1970 UTC."""
    kind: StampKind
    """Of the first row; the others are of the same kind."""


Cell = str | int | date | datetime | None


def parse_stamps(cells: Sequence[Cell]) -> Stamps | StampProblem:
    """Return the moment of every cell, at least one, or the first cell that is none.

    A cell of another kind than the first, such as a date without a time among times, is a
    problem too: half of the stamps would then rest on an assumption the others do not need.
    """
    times: list[int] = []
    first_kind: StampKind | None = None
    for row, cell in enumerate(cells):
        parsed = _parse_stamp(cell)
        if parsed is None or (first_kind is not None and parsed[1] is not first_kind):
            return StampProblem(row=row, text="" if cell is None else str(cell))
        times.append(parsed[0])
        first_kind = parsed[1]
    if first_kind is None:
        raise ValueError("no cells to parse")
    return Stamps(times_us=times, kind=first_kind)


def _parse_stamp(cell: Cell) -> tuple[int, StampKind] | None:
    if isinstance(cell, datetime):
        return _from_datetime(cell)
    if isinstance(cell, date):
        return _from_datetime(datetime(cell.year, cell.month, cell.day, tzinfo=UTC))[0], (
            StampKind.DATE
        )
    if isinstance(cell, int):
        return _parse_text(str(cell))
    return None if cell is None else _parse_text(cell.strip())


def _parse_text(text: str) -> tuple[int, StampKind] | None:
    """Parse ISO 8601, the same with points in the date, or Unix time by its magnitude."""
    if text.isascii() and text.isdigit() and len(text) in UNIX_DIGITS:
        return int(text) * UNIX_DIGITS[len(text)], StampKind.UNIX
    try:
        moment = datetime.fromisoformat(text[:DATE_LENGTH].replace(".", "-") + text[DATE_LENGTH:])
    except ValueError:
        return None
    time_us, kind = _from_datetime(moment)
    return time_us, StampKind.DATE if len(text) <= DATE_LENGTH else kind


def _from_datetime(moment: datetime) -> tuple[int, StampKind]:
    if moment.tzinfo is None:
        return (moment.replace(tzinfo=UTC) - EPOCH) // MICROSECOND, StampKind.NAIVE
    return (moment - EPOCH) // MICROSECOND, StampKind.ZONED
