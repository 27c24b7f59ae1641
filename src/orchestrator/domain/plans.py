"""What a run sets out to do: fixed when the run starts, stored in its first event."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.batches import BatchId, Priority


class OnFailure(StrEnum):
    """What happens to the batches that depend on one that failed."""

    BLOCK = "block"
    SKIP = "skip"
    """The dependents are cancelled, the run ends without them."""
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task as the run knows it."""

    ordinal: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """One batch as the run knows it."""

    id: BatchId
    order: int
    """Position in the document, from 0."""
    priority: Priority
    tasks: tuple[TaskPlan, ...]
    agents: tuple[str, ...]
    depends_on: tuple[BatchId, ...]
    adapter: str
    deadline_ms: int
    """Wall-clock length of one attempt, already divided by the time scale."""
    idle_ms: int
    """Silence, no output and no file change, after which an attempt is stopped."""
    attempts_max: int
    needs_approval: bool = False
    blocked_reason: str = ""
    """Found before anything ran: a missing tool or agent. Empty: may run."""
    paths: tuple[str, ...] = ()
    """Paths the sidecar declares; batches that share one do not run at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPolicy:
    """Limits and permissions of a run."""

    parallel_max: int = 2
    on_failure: OnFailure = OnFailure.BLOCK
    trust_claims: bool = False
    """Take a claim for a proof where nothing can be checked. Logged, shown, off by default."""
    weak_releases: bool = True
    """Whether a batch that is green by inferred checks only releases its dependents."""
    budget_usd: float | None = None
    attempts_total_max: int | None = None
    quota_waits_max: int = 10
    quota_wait_ms: int = 900_000
    """When an agent reports a quota without saying until when."""
    report_grace_ms: int = 60_000
    """How long a process may live on after its report: agents sum up before they end."""
    final_grace_ms: int = 10_000
    """How long it may live on after its output has said that it is done."""
