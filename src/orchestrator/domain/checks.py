"""The kinds of check behind a task or a metric: what is looked at, never how.

Paths are relative to the root of the tree under judgement. A check comes from the sidecar or is
inferred from the document, never from an agent.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Comparison(StrEnum):
    """How a measured number or text relates to its target."""

    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    DIFFERENT = "!="


class Aggregate(StrEnum):
    """How a CSV column becomes one number."""

    MAX = "max"
    MIN = "min"
    MEAN = "mean"
    SUM = "sum"
    FIRST = "first"
    LAST = "last"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """A regular file exists inside the tree and is not empty."""

    path: str
    bytes_min: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedCheck:
    """A file differs from the base commit."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsesCheck:
    """A file parses as what its suffix says (.py, .json, .toml); other suffixes: not empty."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCheck:
    """A command, from the sidecar alone, ends as expected. Never run through a shell."""

    argv: tuple[str, ...]
    """`{python}` stands for the interpreter of the orchestrator, `{sidecar}` for the folder of the
    sidecar, `{scratch}` for an empty folder that is removed afterwards."""
    exit_code: int = 0
    timeout_s: float = 600.0
    stdout_regex: str | None = None
    """Searched in both streams, because test runners use either."""
    tests_min: int | None = None
    """Tests that passed, skipped ones not counted."""
    needs: tuple[str, ...] = ()
    """Files, as in `argv` or relative to the tree, without which nothing can be measured."""
    unmeasured_regex: str | None = None
    """A failure whose output matches was no measurement, for example a server out of reach; the
    first group, or what matched, is the reason."""
    json_pointer: str = ""
    """Where in the JSON document on standard output the measured value stands; as in
    `JsonPathCheck`. Empty: the output is no JSON."""
    comparison: Comparison = Comparison.EQUAL
    target: str | float | bool = True
    json_show: tuple[str, ...] = ()
    """Further values of that document that belong to the measured one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMetricCheck:
    """A number computed from a CSV column meets its target."""

    path: str
    column: str
    aggregate: Aggregate
    comparison: Comparison
    target: float
    is_finite_required: bool = True
    """Infinity and NaN anywhere in the column fail: a sample without a loss proves nothing."""
    rows_min: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MdSectionCheck:
    """A Markdown section of that heading holds at least so many words."""

    path: str
    heading: str
    words_min: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPathCheck:
    """A value in a JSON file meets its target."""

    path: str
    pointer: str
    """Keys and indices joined by dots: `verdict.profit_factor`, `runs.0.name`."""
    comparison: Comparison
    target: str | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbeCheck:
    """A server completes a TLS handshake with a valid chain and its own name."""

    host: str
    port: int
    ca_file: str | None = None
    """Relative to the sidecar; None means the system's authorities."""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualCheck:
    """A question that only a person can answer; unanswered it is not measured."""

    question: str


CheckKind: TypeAlias = (
    FileCheck
    | ChangedCheck
    | ParsesCheck
    | CommandCheck
    | CsvMetricCheck
    | MdSectionCheck
    | JsonPathCheck
    | TlsProbeCheck
    | ManualCheck
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check and what it is bound to."""

    id: str
    """Unique within the run, for example `TODO-BATCH-001/1/file:README.md`."""
    kind: CheckKind
    task: int | None
    """Ordinal of the task it proves; None: the batch as a whole, or a metric."""
    is_inferred: bool = False
    is_idempotent: bool = False
    """May be green before the work: asserts that something still holds."""
