"""What should be done now. Decided from the state alone, so that a restart decides the same.

A command stands until an event says that it is done; performing one twice must be harmless.
"""

from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.domain.batches import BatchId
from orchestrator.domain.verdicts import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBaseline:
    """Run the checks on the untouched tree. Done with `BaselineTaken`."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAttempt:
    """Prepare worktree, prompt and marker. Done with `AttemptPlanned`."""

    batch_id: BatchId
    attempt: int
    evidence: str = ""
    """For a rework: the failed checks and the tail of their output, as data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchAttempt:
    """Start the planned process unless it has started before. Done with `AttemptStarted`."""

    batch_id: BatchId
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAttempt:
    """Look for the end, the silence and the reports of an attempt."""

    batch_id: BatchId
    attempt_id: str
    idle_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnDeadline:
    """Say that 80 % of the time is used. Done with `DeadlineNear`."""

    batch_id: BatchId
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAttempt:
    """End the process and all it started, step by step. Done with `AttemptEnded`."""

    batch_id: BatchId
    attempt_id: str
    execution: Execution
    """TIMED_OUT, IDLE, LINGERED or CANCELLED."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAttempt:
    """Run the checks on a clean checkout of the work. Done with `AttemptVerified`."""

    batch_id: BatchId
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrateAttempt:
    """Merge and check again. Done with `BatchIntegrated` or `IntegrationFailed`."""

    batch_id: BatchId
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureMetrics:
    """Measure the success table. Done with `MetricsMeasured`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRun:
    """Nothing is left to do. Done with `RunFinished`."""

    reason: str


Command: TypeAlias = (
    TakeBaseline
    | PlanAttempt
    | LaunchAttempt
    | WatchAttempt
    | WarnDeadline
    | StopAttempt
    | VerifyAttempt
    | IntegrateAttempt
    | MeasureMetrics
    | FinishRun
)
