"""Numbers in CSV and JSON files against their targets; infinity is no number here."""

import csv
import json
import math
import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from orchestrator.domain.checks import Aggregate, Comparison, CsvMetricCheck, JsonPathCheck
from orchestrator.proof.observations import Observation, failed, passed

_COMPARE: Final[dict[Comparison, Callable[[float, float], bool]]] = {
    Comparison.GREATER: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.EQUAL: operator.eq,
    Comparison.DIFFERENT: operator.ne,
}
_AGGREGATE: Final[dict[Aggregate, Callable[[Sequence[float]], float]]] = {
    Aggregate.MAX: max,
    Aggregate.MIN: min,
    Aggregate.MEAN: lambda values: math.fsum(values) / len(values),
    Aggregate.SUM: math.fsum,
    Aggregate.FIRST: lambda values: values[0],
    Aggregate.LAST: lambda values: values[-1],
    Aggregate.COUNT: lambda values: float(len(values)),
}


def check_csv_metric(  # noqa: PLR0911 - each refusal has its own reason
    check: CsvMetricCheck, path: Path
) -> Observation:
    """Check a number computed from one column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if check.column not in (rows.fieldnames or ()):
                named = ", ".join(rows.fieldnames or ())[:200]
                return failed(f"{check.path} has no column {check.column}; it has {named}")
            values = [float(row[check.column] or "nan") for row in rows]
    except (ValueError, csv.Error) as e:
        return failed(f"{check.path}: {e}")
    if len(values) < check.rows_min:
        return failed(
            f"{check.path} has {len(values)} rows, at least {check.rows_min} are needed",
            value=f"n={len(values)}",
        )
    strange = [value for value in values if not math.isfinite(value)]
    if check.is_finite_required and strange:
        return failed(
            f"{check.column} is {strange[0]} in {len(strange)} of {len(values)} rows: a sample "
            "without a loss proves nothing",
            value=f"{strange[0]} (n={len(values)})",
        )
    if not values:
        return failed(f"{check.path} has no rows")
    number = _AGGREGATE[check.aggregate](values)
    shown = f"{number:.4g} (n={len(values)})"
    if _COMPARE[check.comparison](number, check.target):
        return passed(shown)
    return failed(
        f"{check.aggregate.value} of {check.column} is {number:.4g}, expected "
        f"{check.comparison.value} {check.target:g}",
        value=shown,
    )


def check_json_path(check: JsonPathCheck, path: Path) -> Observation:
    """Check a value in a JSON file."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as e:
        return failed(f"{check.path}: {e}")
    return judge_value(document, check.pointer, comparison=check.comparison, target=check.target)


def judge_value(
    document: object, pointer: str, *, comparison: Comparison, target: str | float | bool
) -> Observation:
    """Check a value in a document of plain values; numbers have to be finite."""
    try:
        value = find_value(document, pointer)
    except LookupError:
        return failed(f"there is nothing at {pointer}")
    shown = str(value)[:80]
    if isinstance(value, bool) or isinstance(target, bool | str):
        is_equal = value == target and isinstance(value, bool) == isinstance(target, bool)
        wanted = {Comparison.EQUAL: is_equal, Comparison.DIFFERENT: not is_equal}
        if wanted.get(comparison, False):
            return passed(shown)
    elif isinstance(value, int | float):
        shown = show_value(document, pointer) or shown
        if not math.isfinite(value):
            return failed(f"{pointer} is {value}, which proves nothing", value=shown)
        if _COMPARE[comparison](value, target):
            return passed(shown)
    return failed(f"{pointer} is {shown}, expected {comparison.value} {target}", value=shown)


def show_value(document: object, pointer: str) -> str | None:
    """Return a value as a table cell shows it; None if there is none."""
    try:
        value = find_value(document, pointer)
    except LookupError:
        return None
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:80]


def find_value(document: object, pointer: str) -> object:
    """Return the value at a pointer: keys and indices joined by dots.

    Raises:
        LookupError: there is none.
    """
    value = document
    for part in pointer.split("."):
        if isinstance(value, list) and part.isdecimal():
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(pointer)
    return value
