"""What the orchestrator itself found out by running checks."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.batches import BatchId


class CheckOutcome(StrEnum):
    """NOT_MEASURED is not FAIL: the check could not be run here, and says why."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check, run once."""

    check_id: str
    task: int | None
    outcome: CheckOutcome
    value: str
    """What was measured, short enough for a table cell: `1.73 (n=256)`, `12 passed`."""
    reason: str
    """One sentence; for a failure what was expected and what was there."""
    evidence: str
    """SHA-256 of the artifact with the full output; empty if the value says it all."""
    is_inferred: bool = False
    is_idempotent: bool = False


class Proof(StrEnum):
    """What the checks of one task say together."""

    PASS = "pass"  # noqa: S105 - a verdict
    WEAK = "weak"
    """Only inferred checks, all green."""
    FAIL = "fail"
    VACUOUS = "vacuous"
    """All green, but they were green before the work too."""
    NONE = "none"
    """Nothing to check, or nothing that could be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProof:
    """The proof of one task, with the results it stands on."""

    ordinal: int
    proof: Proof
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TamperFinding:
    """An agent's change to what judges it, or a path that leaves the worktree."""

    path: str
    message: str
    is_security: bool = False
    """It reached outside of its tree: no further attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricResult:
    """A row of the success table, measured."""

    criterion: str
    target: str
    outcome: CheckOutcome
    value: str
    reason: str
    evidence: str
    batch_id: BatchId | None = None
    """Set for a row that counts the proven tasks of a batch."""
