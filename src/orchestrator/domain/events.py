"""What happened. Events in order are the whole state; documents are only views of it.

Texts that come from an agent or a document are data: they are shown quoted and never executed.
"""

from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.domain.batches import BatchId
from orchestrator.domain.claims import Report
from orchestrator.domain.plans import BatchPlan, RunPolicy
from orchestrator.domain.proofs import CheckResult, MetricResult, TamperFinding, TaskProof
from orchestrator.domain.verdicts import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run began; its inputs are pinned as artifacts by SHA-256."""

    run_id: str
    batches: tuple[BatchPlan, ...]
    policy: RunPolicy
    document_path: str
    document_sha256: str
    """Of the session document's bytes."""
    acceptance_sha256: str
    """Of the sidecar's bytes; of nothing if there is none."""
    central_sha256: str
    """Of the central file's bytes; of nothing if there was none."""
    base_commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """The orchestrator started again on an unfinished run."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Nothing is left that could happen by itself."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """The document was edited: the plan of a batch that has not started is replaced."""

    batch: BatchPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleNoted:
    """Something about the shared files that a person should know; nothing follows from it."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTaken:
    """The checks of a batch ran on the untouched tree, before the first attempt."""

    batch_id: BatchId
    base_commit: str
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPlanned:
    """An attempt is on disk. From here on it may have started, and is never planned twice."""

    batch_id: BatchId
    attempt: int
    """From 1; a wait for quota does not count."""
    attempt_id: str
    worktree: str
    attempt_dir: str
    base_commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """The process of an attempt was seen."""

    batch_id: BatchId
    attempt_id: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineNear:
    """An attempt has used 80 % of its time."""

    batch_id: BatchId
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptQuiet:
    """An attempt showed no output and no file change for longer than allowed."""

    batch_id: BatchId
    attempt_id: str
    quiet_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAccepted:
    """A report was attributed to the running attempt of its batch. Still a claim."""

    batch_id: BatchId
    attempt_id: str
    report: Report
    source: str
    """Path of the file it was found in, relative to the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuarantined:
    """Something like a report that changes nothing, and why."""

    code: str
    source: str
    line: int
    quote: str
    message: str
    corrected: str
    digest: str
    batch_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRestored:
    """An accepted report had vanished from the central file and was written again."""

    batch_id: BatchId
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """The process of an attempt is gone, and all that it had started."""

    batch_id: BatchId
    attempt_id: str
    execution: Execution
    detail: str
    exit_code: int | None
    orphans_killed: int
    """Processes that outlived the agent and were ended by the sweep."""
    orphans_left: int
    """Processes that could not be ended; the worktree is not used again."""
    cost_usd: float | None = None
    tokens: int | None = None
    denied: tuple[str, ...] = ()
    conversation: str | None = None
    retry_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptVerified:
    """The checks of a batch ran on what the attempt left."""

    batch_id: BatchId
    attempt_id: str
    commit: str
    """The agent's work as a commit; the base commit if it changed nothing."""
    results: tuple[CheckResult, ...]
    proofs: tuple[TaskProof, ...]
    """One for each task of the batch."""
    tampering: tuple[TamperFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchIntegrated:
    """The work was merged, and the checks ran again after the merge and held."""

    batch_id: BatchId
    attempt_id: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationFailed:
    """The merge met a conflict, or the checks did not hold after it; nothing was merged."""

    batch_id: BatchId
    attempt_id: str
    detail: str
    is_conflict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsMeasured:
    """The rows of the success table were measured."""

    results: tuple[MetricResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorApproved:
    """A person approved a batch: to start, or to count although nothing could be checked."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPaused:
    """A person stopped the handing out of batches; what runs goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorResumed:
    """A person lifted the pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCancelled:
    """A person cancelled one batch, or all that are not finished."""

    batch_id: BatchId | None


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | RunFinished
    | PlanChanged
    | TroubleNoted
    | BaselineTaken
    | AttemptPlanned
    | AttemptStarted
    | DeadlineNear
    | AttemptQuiet
    | ReportAccepted
    | ReportQuarantined
    | ReportRestored
    | AttemptEnded
    | AttemptVerified
    | BatchIntegrated
    | IntegrationFailed
    | MetricsMeasured
    | OperatorApproved
    | OperatorPaused
    | OperatorResumed
    | OperatorCancelled
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event in its place in the log."""

    sequence: int
    """From 1, without gaps."""
    at_ms: int
    """Wall clock, milliseconds since 1970."""
    event: Event
