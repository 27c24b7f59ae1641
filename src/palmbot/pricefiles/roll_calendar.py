"""Rolls that a person knows of: a CSV with a date and, if known, the ratio of the two contracts."""

import csv
import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_SECOND
from palmbot.pricefiles.series import BarSeries

OPTION: Final = "--roll-calendar"
RATIO_MIN, RATIO_MAX = 0.5, 2.0
"""Two contracts of one good never lie further apart; a per cent or a difference would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRoll:
    """One line of the calendar."""

    line: int
    text: str
    """The date as written."""
    moment: datetime
    """Start of the first bar in the new contract at the earliest; naive if it names no zone."""
    ratio: float | None
    """Price of the new contract / price of the old one, at the same moment; None if not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCalendar:
    """The whole file."""

    path: Path
    digest: str
    """SHA-256 of the file."""
    rolls: tuple[CalendarRoll, ...]


def read_roll_calendar(path: Path) -> RollCalendar:
    """Read `date[,ratio]`, one roll a line, with or without a header.

    Raises:
        InputInvalid: it cannot be read, or a line is no roll; names the line.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as e:
        raise InputInvalid(f"{OPTION}: cannot read {path}: {e.strerror}.") from e
    except UnicodeDecodeError as e:
        raise InputInvalid(f"{OPTION}: {path} is no text.") from e
    rolls: list[CalendarRoll] = []
    for line, cells in enumerate(csv.reader(text.splitlines()), start=1):
        stripped = [cell.strip() for cell in cells]
        is_header = not rolls and stripped[:1] == ["date"]
        if any(stripped) and not is_header:
            rolls.append(_read_line(path, line, stripped))
    if not rolls:
        raise InputInvalid(f"{OPTION}: {path} has no roll in it; write date,ratio lines.")
    return RollCalendar(path=path, digest=hashlib.sha256(content).hexdigest(), rolls=tuple(rolls))


def locate_rolls(
    calendar: RollCalendar, series: BarSeries, zone: str
) -> tuple[dict[int, float | None], int]:
    """Return the first bar at or after each date with its ratio, and how many dates fit no bar.

    A date before the second bar or after the last one fits none. Dates are local to `zone`, but
    not where the bars are days that stand at 00:00 UTC: those carry their trade date.

    Raises:
        InputInvalid: two dates fall on one bar.
    """
    is_dated = series.period_ms >= MS_PER_DAY and not (series.time_ms % MS_PER_DAY).any()
    home = UTC if is_dated else ZoneInfo(zone)
    found: dict[int, float | None] = {}
    unused = 0
    for roll in calendar.rolls:
        moment = roll.moment if roll.moment.tzinfo is not None else roll.moment.replace(tzinfo=home)
        time_ms = round(moment.timestamp() * MS_PER_SECOND)
        bar = int(np.searchsorted(series.time_ms, time_ms, side="left"))
        if bar in {0, len(series)}:
            unused += 1
        elif bar in found:
            raise InputInvalid(
                f"{OPTION}: {calendar.path}, line {roll.line}: {roll.text} falls on the same bar "
                "as a line before; leave one out."
            )
        else:
            found[bar] = roll.ratio
    return found, unused


def _read_line(path: Path, line: int, cells: list[str]) -> CalendarRoll:
    where = f"{OPTION}: {path}, line {line}"
    if len(cells) > 2:  # noqa: PLR2004 - date and ratio
        raise InputInvalid(f"{where}: has {len(cells)} cells; write date,ratio.")
    try:
        moment = datetime.fromisoformat(cells[0])
    except ValueError:
        raise InputInvalid(
            f"{where}: {cells[0]!r} is no date; write 2024-08-14 or 2024-08-14T21:00."
        ) from None
    ratio = None
    if len(cells) > 1 and cells[1]:
        try:
            ratio = float(cells[1])
        except ValueError:
            raise InputInvalid(
                f"{where}: {cells[1]!r} is no ratio; write one like 0.985, or nothing."
            ) from None
        if not (math.isfinite(ratio) and RATIO_MIN <= ratio <= RATIO_MAX):
            raise InputInvalid(
                f"{where}: a ratio is the new contract's price divided by the old one's, from "
                f"{RATIO_MIN:g} to {RATIO_MAX:g}, was {ratio:g}."
            )
    return CalendarRoll(line=line, text=cells[0], moment=moment, ratio=ratio)
