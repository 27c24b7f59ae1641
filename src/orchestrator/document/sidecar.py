"""Reads `acceptance.toml`: checks, metric bindings, limits; says which key is wrong."""

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeAlias, TypeVar, get_type_hints

import msgspec

from orchestrator.domain.acceptance import Acceptance, BatchAcceptance, MetricBinding
from orchestrator.domain.checks import (
    ChangedCheck,
    Check,
    CheckKind,
    CommandCheck,
    CsvMetricCheck,
    FileCheck,
    JsonPathCheck,
    ManualCheck,
    MdSectionCheck,
    ParsesCheck,
    TlsProbeCheck,
)
from orchestrator.domain.errors import SidecarInvalid
from orchestrator.domain.paths import is_unsafe_path

Table: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

KINDS: Final[dict[str, type[CheckKind]]] = {
    "file": FileCheck,
    "changed": ChangedCheck,
    "parses": ParsesCheck,
    "command": CommandCheck,
    "csv_metric": CsvMetricCheck,
    "md_section": MdSectionCheck,
    "json_path": JsonPathCheck,
    "tls_probe": TlsProbeCheck,
    "manual": ManualCheck,
}
_ROOT_KEYS: Final = frozenset(
    {each.name for each in fields(Acceptance)} - {"path_map"} | {"paths", "checks"}
)
_SEPARATE: Final = frozenset({"batches", "metrics", "paths", "checks"})
_BATCH_KEYS: Final = frozenset({each.name for each in fields(BatchAcceptance)} - {"checks"})


_POSITIVE: Final = frozenset(
    {
        *("attempts_max", "parallel_max", "attempts_total_max", "deadline_min", "idle_min"),
        *("timeout_s", "tests_min", "rows_min", "words_min", "port", "budget_usd"),
    }
)
_NOT_NEGATIVE: Final = frozenset({"report_grace_s", "bytes_min"})
_PORT_MAX: Final = 65_535


def parse_acceptance(content: bytes) -> Acceptance:
    """Return what the sidecar says.

    Raises:
        SidecarInvalid: not TOML, an unknown key, or a value of the wrong kind.
    """
    try:
        root = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise SidecarInvalid(f"acceptance.toml cannot be read: {e}") from e
    _refuse_unknown(root, _ROOT_KEYS, "acceptance.toml")
    for key in ("central_file", "agents_dir"):
        if isinstance(root.get(key), str) and is_unsafe_path(root[key]):
            raise SidecarInvalid(f"acceptance.toml.{key}: stays inside the project")
    checks: dict[str, list[Check]] = {}
    for position, table in enumerate(_tables(root, "checks"), start=1):
        place = f"checks[{position}]"
        batch_id = table.get("batch")
        if not isinstance(batch_id, str):
            raise SidecarInvalid(f'{place}: say which batch it belongs to: batch = "ID"')
        task = table.get("task")
        if task is not None and (not isinstance(task, int) or isinstance(task, bool)):
            raise SidecarInvalid(f"{place}: task is the number of a task, was {task!r}")
        listed = checks.setdefault(batch_id, [])
        listed.append(
            _read_check(table, place, f"{batch_id}/{task or 'all'}/{len(listed) + 1}", task)
        )
    batches = root.get("batches", {})
    if not isinstance(batches, dict):
        raise SidecarInvalid('batches is a table of tables: [batches."ID"]')
    said: list[tuple[str, BatchAcceptance]] = []
    for name in dict.fromkeys((*batches, *checks)):
        table = batches.get(name, {})
        _refuse_unknown(table, _BATCH_KEYS, f"batches.{name}")
        values = _convert_some(table, BatchAcceptance, f"batches.{name}")
        said.append((name, BatchAcceptance(**values, checks=tuple(checks.get(name, ())))))
    rest = {key: value for key, value in root.items() if key not in _SEPARATE}
    return Acceptance(
        **_convert_some(rest, Acceptance, "acceptance.toml"),
        batches=tuple(said),
        metrics=tuple(
            _read_metric(table, f"metrics[{position}]")
            for position, table in enumerate(_tables(root, "metrics"), start=1)
        ),
        path_map=_read_paths(root.get("paths", {})),
    )


def _read_metric(table: Table, place: str) -> MetricBinding:
    """Return the binding of one row of the success table."""
    criterion = table.get("criterion")
    if not isinstance(criterion, str):
        raise SidecarInvalid(f'{place}: say which row it measures: criterion = "..."')
    reason = table.get("not_measured", "")
    if reason:
        _refuse_unknown(table, {"criterion", "not_measured"}, place)
        return MetricBinding(criterion=criterion, check=None, not_measured=str(reason))
    rest = {key: value for key, value in table.items() if key != "criterion"}
    check = _read_check(rest, place, f"metric/{criterion}", None)
    return MetricBinding(criterion=criterion, check=check)


def _read_check(table: Table, place: str, name: str, task: int | None) -> Check:
    """Return one check; `kind` chooses which keys are known."""
    kind = table.get("kind")
    if kind not in KINDS:
        raise SidecarInvalid(f"{place}: kind is one of {', '.join(KINDS)}, was {kind!r}")
    wanted = KINDS[kind]
    known = {each.name for each in fields(wanted)}
    _refuse_unknown(table, known | {"batch", "task", "kind", "idempotent"}, place)
    _refuse_range(table, place)
    values = {key: value for key, value in table.items() if key in known}
    path = values.get("path")
    if isinstance(path, str) and is_unsafe_path(path):
        raise SidecarInvalid(f"{place}: path stays inside the project, was {path!r}")
    is_idempotent = table.get("idempotent", False)
    if not isinstance(is_idempotent, bool):
        raise SidecarInvalid(f"{place}: idempotent is true or false")
    return Check(
        id=f"{name}:{kind}",
        kind=_convert(values, wanted, place),
        task=task,
        is_idempotent=is_idempotent,
    )


def _refuse_range(table: Table, place: str) -> None:
    """Refuse numbers with which nothing could ever run, and patterns that are none."""
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not math.isfinite(value):
            raise SidecarInvalid(f"{place}.{key}: a finite number, was {value}")
        if (key in _POSITIVE and value <= 0) or (key in _NOT_NEGATIVE and value < 0):
            raise SidecarInvalid(f"{place}.{key}: above 0, was {value}")
    if isinstance(port := table.get("port"), int) and port > _PORT_MAX:
        raise SidecarInvalid(f"{place}.port: at most {_PORT_MAX}, was {port}")
    for key in ("stdout_regex", "unmeasured_regex"):
        try:
            re.compile(str(table.get(key, "")))
        except re.error as e:
            raise SidecarInvalid(f"{place}.{key}: no pattern: {e}") from e
    if table.get("kind") == "command" and not table.get("argv"):
        raise SidecarInvalid(f'{place}.argv: name a command: argv = ["{{python}}", "-m", "pytest"]')


def _read_paths(table: object) -> tuple[tuple[str, str], ...]:
    """Return the path map."""
    if not isinstance(table, dict):
        raise SidecarInvalid('paths is a table: [paths], then "in the document" = "in the project"')
    for old, new in table.items():
        if not isinstance(new, str) or is_unsafe_path(new):
            raise SidecarInvalid(f"paths.{old}: a path inside the project, was {new!r}")
    return tuple(table.items())


def _tables(root: Table, key: str) -> Iterable[Table]:
    """Return an array of tables."""
    value = root.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise SidecarInvalid(f"{key} is a list of tables: [[{key}]]")
    return value


def _refuse_unknown(table: object, known: Iterable[str], place: str) -> None:
    """Refuse a key nobody reads: it is a misspelt one, and would fail silently."""
    if not isinstance(table, dict):
        raise SidecarInvalid(f"{place} is a table")
    names = sorted(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f": did you mean {near[0]}?" if near else f"; known: {', '.join(names)}"
            raise SidecarInvalid(f"{place}: unknown key {key}{hint}")


def _convert_some(table: Table, kind: type, place: str) -> dict[str, Any]:
    """Return those values of a table that a dataclass has fields for, each of its type.

    Field by field, because msgspec does not read unions of dataclasses, which others of the
    fields hold.
    """
    _refuse_range(table, place)
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            values[key] = msgspec.convert(value, hints[key])
        except msgspec.ValidationError as e:
            raise SidecarInvalid(f"{place}.{key}: {e}") from e
    return values


def _convert(table: Table, kind: type[T], place: str) -> T:
    """Return a table as a value of our own."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as e:
        raise SidecarInvalid(f"{place}: {e}") from e
