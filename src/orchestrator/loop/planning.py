"""From a session document and its sidecar to the plan of a run."""

from collections.abc import Collection, Mapping

from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Batch, BatchId, Session
from orchestrator.domain.plans import BatchPlan, RunPolicy, TaskPlan

MS_PER_MINUTE = 60_000


def plan_batches(
    session: Session,
    acceptance: Acceptance,
    *,
    blocked: Mapping[BatchId, str],
    default_adapter: str,
    time_scale: float,
) -> tuple[BatchPlan, ...]:
    """Return the plan of every batch, in document order.

    Args:
        session: What was read.
        acceptance: The sidecar.
        blocked: Batch id to the reason why it cannot start.
        default_adapter: For batches whose sidecar names none.
        time_scale: Deadlines and patience are divided by it; 1 outside of demonstrations.
    """
    return tuple(
        _plan(batch, order, acceptance, blocked.get(batch.id, ""), default_adapter, time_scale)
        for order, batch in enumerate(session.batches)
    )


def _plan(  # noqa: PLR0913, PLR0917
    batch: Batch,
    order: int,
    acceptance: Acceptance,
    blocked_reason: str,
    default_adapter: str,
    time_scale: float,
) -> BatchPlan:
    said = acceptance.of_batch(batch.id)
    stated_min = batch.deadline_s / 60 if batch.deadline_s else acceptance.deadline_min
    deadline_min = said.deadline_min or stated_min
    approval = said.needs_approval
    return BatchPlan(
        id=batch.id,
        order=order,
        priority=batch.priority,
        tasks=tuple(TaskPlan(ordinal=task.ordinal, title=task.title) for task in batch.tasks),
        agents=batch.agents,
        depends_on=batch.depends_on,
        adapter=said.adapter or acceptance.adapter or default_adapter,
        deadline_ms=max(1, round(deadline_min * MS_PER_MINUTE / time_scale)),
        idle_ms=max(1, round(acceptance.idle_min * MS_PER_MINUTE / time_scale)),
        attempts_max=said.attempts_max or acceptance.attempts_max,
        needs_approval=acceptance.needs_approval if approval is None else approval,
        blocked_reason=blocked_reason,
        paths=said.paths,
    )


def plan_policy(
    acceptance: Acceptance, *, trust_claims: bool, report_grace_ms: int | None, quota_wait_ms: int
) -> RunPolicy:
    """Return the limits of a run; without a grace of the caller's the sidecar's counts."""
    if report_grace_ms is None:
        report_grace_ms = round(acceptance.report_grace_s * 1000)
    return RunPolicy(
        parallel_max=acceptance.parallel_max,
        on_failure=acceptance.on_failure,
        trust_claims=trust_claims,
        weak_releases=acceptance.weak_releases,
        budget_usd=acceptance.budget_usd,
        attempts_total_max=acceptance.attempts_total_max,
        report_grace_ms=report_grace_ms,
        quota_wait_ms=quota_wait_ms,
    )


def find_blocks(
    session: Session,
    *,
    agents: Collection[str],
    missing_tools: Mapping[BatchId, Collection[str]],
    unusable_adapter: Mapping[BatchId, str],
) -> dict[BatchId, str]:
    """Return why batches cannot start, found before anything is spent."""
    blocked: dict[BatchId, str] = {}
    for batch in session.batches:
        unknown = [name for name in (*batch.agents, *batch.mentions) if name not in agents]
        if unknown:
            blocked[batch.id] = f"no agent file {unknown[0]}.md"
        if tools := sorted(missing_tools.get(batch.id, ())):
            blocked[batch.id] = f"{tools[0]} is not on PATH"
        if problem := unusable_adapter.get(batch.id):
            blocked[batch.id] = problem
    return blocked
