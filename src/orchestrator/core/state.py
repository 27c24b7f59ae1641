"""All that is known of a run, folded from its events."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.domain.batches import BatchId
from orchestrator.domain.claims import Mark, Report
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptVerified,
    BaselineTaken,
    ReportQuarantined,
    RunStarted,
)
from orchestrator.domain.plans import BatchPlan
from orchestrator.domain.proofs import MetricResult, Proof
from orchestrator.domain.verdicts import (
    AgentRecord,
    BatchState,
    Claim,
    Execution,
    TaskFacts,
)

PROVEN = frozenset({Proof.PASS, Proof.WEAK})
_FREE_ENDS = frozenset({Execution.QUOTA, Execution.AUTH, Execution.USAGE})
"""Ends of attempts whose model was never asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one batch. A wait for quota ends an attempt without counting it."""

    planned: AttemptPlanned
    planned_at_ms: int
    started_at_ms: int | None = None
    pid: int | None = None
    is_deadline_near: bool = False
    quiet_ms: int = 0
    """Above 0: silent for longer than allowed."""
    reports: tuple[Report, ...] = ()
    """Accepted ones, the latest last; it alone counts as the claim."""
    reported_at_ms: int | None = None
    near_misses: tuple[ReportQuarantined, ...] = ()
    """What looked like a report of it and was none."""
    ended: AttemptEnded | None = None
    verified: AttemptVerified | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """One batch: its plan, where it stands and why."""

    plan: BatchPlan
    state: BatchState
    facts: tuple[TaskFacts, ...]
    reason: str = ""
    is_start_approved: bool = False
    """A person let it begin. Says nothing of its result."""
    is_result_approved: bool = False
    """A person takes the latest attempt though not all of it was proven."""
    is_cancelling: bool = False
    baseline: BaselineTaken | None = None
    attempts: tuple[Attempt, ...] = ()
    retry_at_ms: int = 0
    quota_waits: int = 0
    commit: str = ""
    """Tip of the merged work once the batch is part of it."""

    @property
    def attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def attempts_counted(self) -> int:
        """Attempts that used one up; those that met a quota did not."""
        return sum(
            1
            for each in self.attempts
            if each.ended is None or each.ended.execution is not Execution.QUOTA
        )

    @property
    def proven(self) -> int:
        """Tasks whose checks hold."""
        return sum(1 for each in self.facts if each.proof in PROVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A whole run. `sequence` is that of the last event folded."""

    sequence: int = 0
    started: RunStarted | None = None
    batches: tuple[BatchRecord, ...] = ()
    """In document order."""
    is_paused: bool = False
    finished: str = ""
    """Why the run ended; empty while it goes on."""
    metrics: tuple[MetricResult, ...] = ()
    metrics_at_ms: int = 0
    is_metrics_due: bool = True
    """Something was merged since the table was measured, or it never was."""
    seen_digests: frozenset[str] = frozenset()
    """Of reports that were accepted or quarantined."""

    def of(self, batch_id: str) -> BatchRecord | None:
        """Return one batch; None if the run does not know it."""
        return next((each for each in self.batches if each.plan.id == batch_id), None)

    def scheduled(self) -> tuple[BatchRecord, ...]:
        """Return the batches in the order in which they are handed out."""
        return tuple(sorted(self.batches, key=lambda each: (each.plan.priority, each.plan.order)))

    def find_attempt(self, batch_id: BatchId, attempt_id: str) -> Attempt | None:
        """Return one attempt; None if it is unknown."""
        record = self.of(batch_id)
        attempts = record.attempts if record else ()
        return next((each for each in attempts if each.planned.attempt_id == attempt_id), None)

    @property
    def cost_usd(self) -> float:
        """What the agents said they cost."""
        return sum(each.ended.cost_usd or 0.0 for each in self._attempts() if each.ended)

    @property
    def unpriced_attempt(self) -> str:
        """Name of an attempt that worked and did not say what it cost; empty if all did."""
        return next(
            (
                f"{each.ended.batch_id}, attempt {each.planned.attempt},"
                for each in self._attempts()
                if each.ended
                and each.ended.cost_usd is None
                and each.ended.execution not in _FREE_ENDS
            ),
            "",
        )

    @property
    def attempts_total(self) -> int:
        """Attempts of all batches that used one up."""
        return sum(each.attempts_counted for each in self.batches)

    def _attempts(self) -> Iterator[Attempt]:
        for record in self.batches:
            yield from record.attempts

    def ledger(self) -> tuple[AgentRecord, ...]:
        """Return claimed against verified for each agent, by name.

        A claim belongs to the agents of its batch as written; it counts once for each attempt.
        """
        counted: dict[str, tuple[int, int]] = {}
        for record in self.batches:
            name = " + ".join(record.plan.agents) or record.plan.adapter
            for attempt in record.attempts:
                if not attempt.reports:
                    continue
                proven = (
                    {each.ordinal for each in attempt.verified.proofs if each.proof in PROVEN}
                    if attempt.verified
                    else set()
                )
                claimed = {
                    each.ordinal for each in attempt.reports[-1].claims if each.mark is Mark.OK
                }
                before = counted.get(name, (0, 0))
                counted[name] = (before[0] + len(claimed), before[1] + len(claimed & proven))
        return tuple(
            AgentRecord(agent=name, claimed=claimed, verified=verified)
            for name, (claimed, verified) in sorted(counted.items())
        )


def fresh_facts(plan: BatchPlan, execution: Execution = Execution.NONE) -> tuple[TaskFacts, ...]:
    """Return facts of tasks about which nothing is claimed or proven."""
    return tuple(
        TaskFacts(ordinal=task.ordinal, title=task.title, execution=execution)
        for task in plan.tasks
    )


def claim_of(mark: Mark) -> Claim:
    """Return what a sign claims; a warning or an open task claims nothing."""
    return {Mark.OK: Claim.OK, Mark.FAIL: Claim.FAIL}.get(mark, Claim.NONE)
