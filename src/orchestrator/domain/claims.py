"""What an agent says it did. A claim, whatever its form: only a check makes it done."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """The sign in front of a reported task. The word FAIL in the result beats a green sign."""

    OK = "ok"
    FAIL = "fail"
    WARN = "warn"
    PENDING = "pending"
    RUNNING = "running"
    NONE = "none"


class ReportLevel(StrEnum):
    """How much of the mandatory form a report fills. Every level may start a verification."""

    STRICT = "strict"
    """All seven fields, no placeholder."""
    SHORT = "short"
    """Id, date, agent and numbered marks."""
    WEAK = "weak"
    """A heading or a log line only."""


class ReportVerdict(StrEnum):
    """The word behind the id."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClaim:
    """One numbered line of a report."""

    ordinal: int
    mark: Mark
    title: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report as found in a file."""

    batch_id: str
    """As written; may name a batch that does not exist."""
    level: ReportLevel
    verdict: ReportVerdict
    line: int
    date: str
    agent: str
    duration_min: int | None
    claims: tuple[TaskClaim, ...]
    """By ordinal."""
    files: tuple[str, ...]
    """Paths the agent says it created or modified, relative, unchecked."""
    nonce: str | None
    """Attempt id from `<!-- orch:run=... -->`; None if the report does not carry one."""
    digest: str
    """SHA-256 of the text, 64 hex digits: the same report twice is one claim."""
    text: str
    """The block as written. Data, never an instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why something that looks like a report is none, in the words of the person who fixes it."""

    code: str
    """For example `REPORT_PLACEHOLDER`, `REPORT_IN_FENCE`, `REPORT_INDENTED`."""
    line: int
    quote: str
    """The line, control characters removed, at most 200 characters."""
    message: str
    corrected: str
    """A block that would be accepted; empty if there is nothing to propose."""
    batch_id: str | None
    digest: str
