"""Rows that are no bars, or not one bar each: all are found before any is left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palmbot.pricefiles.amounts import PRICE_MAX
from palmbot.pricefiles.series import Floats, Integers

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarRows:
    """The rows of a file as numbers, in file order."""

    time_ms: Integers
    bid: Floats
    """Shape (4, n_rows): open, high, low, close; NaN where a cell is no number."""
    ask: Floats | None
    volume: Floats | None
    spread: Floats | None
    """Price units, where the file has it in a column of its own."""
    ragged: int
    """Rows with a price of more than five decimals."""
    digits: int

    def __len__(self) -> int:
        return self.time_ms.size


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """One kind of fault and all its rows."""

    name: str
    rows: Integers
    """From 0, ascending, never empty."""
    problem: str
    """With the count."""
    is_bad: bool = True
    """The rows have to be corrected or left out; otherwise they were put right, see `done`."""
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faults:
    """All faults of a file, and the rows that are left, in order of time."""

    found: tuple[Fault, ...]
    kept: Integers


def find_faults(rows: BarRows) -> Faults:
    """Judge every row by itself, then the rows beside each other."""
    found: list[Fault] = []
    good = np.ones(len(rows), dtype=np.bool_)
    for name, is_bad, problem in _list_bad(rows):
        fresh = is_bad & good
        if fresh.any():
            found.append(
                Fault(name=name, rows=np.flatnonzero(fresh), problem=_tell(problem, fresh))
            )
            good &= ~is_bad
    order = np.argsort(rows.time_ms, kind="stable")
    backwards = np.flatnonzero(np.diff(rows.time_ms) < 0) + 1
    if backwards.size:
        is_newest_first = backwards.size == len(rows) - 1
        found.append(
            Fault(
                name="unsorted rows",
                rows=backwards,
                problem="the rows stand newest first"
                if is_newest_first
                else f"times before that of the row above, {backwards.size} times",
                is_bad=False,
                done="; sorted",
            )
        )
    kept = order[good[order]]
    kept, repeats = _settle_repeats(rows, kept)
    return Faults(found=(*found, *repeats), kept=kept)


def _list_bad(rows: BarRows) -> list[tuple[str, Flags, str]]:
    """Return name, flags and problem of each kind; a row counts under the first that it has."""
    sides = [rows.bid] if rows.ask is None else [rows.bid, rows.ask]
    every = np.concatenate(sides)
    is_number = np.isfinite(every).all(axis=0)
    with np.errstate(invalid="ignore"):
        bad = [
            ("no number", ~is_number, "a price that is empty or no number"),
            ("zero or negative", (every <= 0).any(axis=0), "a price that is not above 0"),
            (
                "too large",
                (every > PRICE_MAX).any(axis=0),
                f"a price above {PRICE_MAX:,}",
            ),
            (
                "impossible bars",
                np.any([_is_impossible(side) for side in sides], axis=0),
                "a high below, or a low above, the open or close",
            ),
        ]
        if rows.ask is not None:
            crossed = (rows.ask < rows.bid).any(axis=0)
            bad.append(("crossed quotes", crossed, "an ask below the bid"))
        if rows.spread is not None:
            bad.append(("negative spread", rows.spread < 0, "a negative spread"))
    return bad


def _is_impossible(side: Floats) -> Flags:
    opening, high, low, close = side
    impossible: Flags = (high < np.maximum(opening, close)) | (low > np.minimum(opening, close))
    return impossible


def _settle_repeats(rows: BarRows, kept: Integers) -> tuple[Integers, list[Fault]]:
    """Keep one of equal rows; of rows that contradict each other keep the first, as a fault."""
    time = rows.time_ms[kept]
    is_repeat = np.zeros(kept.size, dtype=np.bool_)
    is_repeat[1:] = time[1:] == time[:-1]
    if not is_repeat.any():
        return kept, []
    firsts = np.maximum.accumulate(np.where(is_repeat, 0, np.arange(kept.size)))
    sides = [rows.bid] if rows.ask is None else [rows.bid, rows.ask]
    differs = np.any(
        [(side[:, kept] != side[:, kept[firsts]]).any(axis=0) for side in sides], axis=0
    )
    found: list[Fault] = []
    same = kept[is_repeat & ~differs]
    if same.size:
        found.append(
            Fault(
                name="duplicates",
                rows=np.sort(same),
                problem=_tell("time and prices of another row", is_repeat & ~differs),
                is_bad=False,
                done="; one of each kept",
            )
        )
    conflicting = kept[is_repeat & differs]
    if conflicting.size:
        found.append(
            Fault(
                name="conflicting duplicates",
                rows=np.sort(conflicting),
                problem=_tell("the time of another row, but other prices", is_repeat & differs),
            )
        )
    return kept[~is_repeat], found


def _tell(problem: str, flags: Flags) -> str:
    count = int(flags.sum())
    return f"{problem} in {count:,} row{'' if count == 1 else 's'}"
