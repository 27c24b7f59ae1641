"""The judgement of a batch: its state, and three facts for each task that never mix."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.proofs import Proof


class BatchState(StrEnum):
    """Where a batch stands."""

    PENDING = "pending"
    """Waits for a predecessor."""
    BLOCKED = "blocked"
    """A tool, an agent or a predecessor is missing; the reason is in the state."""
    READY = "ready"
    AWAITING_APPROVAL = "awaiting_approval"
    BASELINE = "baseline"
    """The checks have run on the untouched tree."""
    DISPATCHED = "dispatched"
    """The attempt is on disk, its process not yet seen."""
    RUNNING = "running"
    REPORTED = "reported"
    """A report was accepted; the process may still run."""
    WAITING_QUOTA = "waiting_quota"
    VERIFYING = "verifying"
    REWORK = "rework"
    INTEGRATING = "integrating"
    CONFLICT = "conflict"
    DONE = "done"
    DONE_WEAK = "done_weak"
    """Green by inferred checks only."""
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset(
    {
        BatchState.DONE,
        BatchState.DONE_WEAK,
        BatchState.PARTIAL,
        BatchState.FAILED,
        BatchState.CANCELLED,
        BatchState.CONFLICT,
    }
)
"""Nothing more happens by itself. CONFLICT and BLOCKED wait for a person."""

BEFORE_WORK = frozenset(
    {
        BatchState.PENDING,
        BatchState.BLOCKED,
        BatchState.READY,
        BatchState.AWAITING_APPROVAL,
    }
)
"""Nothing was spent yet, unless attempts are there whose result a person is to judge."""

ACTIVE = frozenset(
    {
        BatchState.BASELINE,
        BatchState.DISPATCHED,
        BatchState.RUNNING,
        BatchState.REPORTED,
        BatchState.VERIFYING,
        BatchState.REWORK,
        BatchState.INTEGRATING,
    }
)
"""These take a place among the batches that work at the same time."""


class Execution(StrEnum):
    """How the process of the last attempt ended."""

    NONE = "none"
    RUNNING = "running"
    OK = "ok"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    IDLE = "idle"
    LINGERED = "lingered"
    """Stopped because it did not end after its report."""
    LOST = "lost"
    QUOTA = "quota"
    AUTH = "auth"
    USAGE = "usage"
    CANCELLED = "cancelled"


class Claim(StrEnum):
    """What the agent said of one task."""

    NONE = "none"
    OK = "ok"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """Execution, claim and proof of one task: three facts. Green needs `proof == PASS`."""

    ordinal: int
    title: str
    execution: Execution = Execution.NONE
    claim: Claim = Claim.NONE
    proof: Proof = Proof.NONE
    reason: str = ""
    """Why the proof is what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """Claimed against verified, for one agent over a run."""

    agent: str
    claimed: int = 0
    """Tasks reported as done in the last report of an attempt."""
    verified: int = 0
    """Of those, tasks that the checks confirmed."""

    @property
    def honesty(self) -> float | None:
        """Share of claims that held, 0 to 1; None without a claim."""
        return self.verified / self.claimed if self.claimed else None
