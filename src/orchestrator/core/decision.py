"""What should be done now: a function of the state and the time, of nothing else.

Commands follow from where things stand and not from what has just happened, so an orchestrator
that was killed at any point decides after its restart exactly what it would have decided.
"""

from collections.abc import Iterator

from orchestrator.core.state import Attempt, BatchRecord, RunState
from orchestrator.domain.commands import (
    Command,
    FinishRun,
    IntegrateAttempt,
    LaunchAttempt,
    MeasureMetrics,
    PlanAttempt,
    StopAttempt,
    TakeBaseline,
    VerifyAttempt,
    WarnDeadline,
    WatchAttempt,
)
from orchestrator.domain.proofs import CheckOutcome, Proof
from orchestrator.domain.verdicts import ACTIVE, TERMINAL, BatchState, Execution

DEADLINE_WARNING_PERCENT = 80


def decide(state: RunState, now_ms: int) -> tuple[Command, ...]:
    """Return what should be done now, in the order of the schedule.

    Args:
        state: Folded from the whole log.
        now_ms: Wall clock, milliseconds since 1970.
    """
    if state.started is None or state.finished:
        return ()
    commands: list[Command] = []
    scheduled = state.scheduled()
    active = [each for each in scheduled if each.state in ACTIVE]
    is_integrating = False
    for record in scheduled:
        if record.state is BatchState.INTEGRATING:
            if not is_integrating:
                commands.extend(_decide_batch(state, record, now_ms))
            is_integrating = True  # one after the other: each is judged on top of the last
        elif record.state is BatchState.READY:
            if _may_start(state, record, active):
                active.append(record)
                commands.append(TakeBaseline(batch_id=record.plan.id))
        else:
            commands.extend(_decide_batch(state, record, now_ms))
    is_waiting = any(each.state is BatchState.WAITING_QUOTA for each in scheduled)
    if commands or (is_waiting and not budget_reached(state)):
        return tuple(commands)
    if state.is_paused and any(not _is_settled(each) for each in scheduled):
        return ()
    if state.is_metrics_due:
        return (MeasureMetrics(),)
    return (FinishRun(reason=_conclude(state)),)


def _may_start(state: RunState, record: BatchRecord, active: list[BatchRecord]) -> bool:
    """Tell whether a ready batch may begin beside those at work."""
    assert state.started is not None
    if state.is_paused or len(active) >= state.started.policy.parallel_max:
        return False
    taken = {path for each in active for path in each.plan.paths}
    return not taken.intersection(record.plan.paths) and not budget_reached(state)


def budget_reached(state: RunState) -> str:
    """Return which limit forbids another attempt; empty if none does."""
    if state.started is None:
        return ""
    policy = state.started.policy
    if policy.budget_usd is not None and state.cost_usd >= policy.budget_usd:
        return f"budget of {policy.budget_usd:.2f} USD is used ({state.cost_usd:.2f})"
    if policy.budget_usd is not None and (name := state.unpriced_attempt):
        return f"{name} did not say what it cost, so budget_usd cannot be kept"
    if policy.attempts_total_max is not None and state.attempts_total >= policy.attempts_total_max:
        return f"limit of {policy.attempts_total_max} attempts is reached"
    return ""


def _decide_batch(state: RunState, record: BatchRecord, now_ms: int) -> Iterator[Command]:
    """Yield what one batch at work needs."""
    batch_id, attempt = record.plan.id, record.attempt
    match record.state:
        case BatchState.BASELINE | BatchState.REWORK:
            if not state.is_paused and not budget_reached(state):
                evidence = _failures(attempt) if attempt else ""
                yield PlanAttempt(
                    batch_id=batch_id,
                    attempt=record.attempts_counted + 1,
                    evidence=f"{record.reason}\n{evidence}" if attempt else "",
                )
        case BatchState.WAITING_QUOTA:
            if not state.is_paused and now_ms >= record.retry_at_ms and not budget_reached(state):
                yield PlanAttempt(batch_id=batch_id, attempt=record.attempts_counted + 1)
        case BatchState.DISPATCHED if attempt:
            if record.is_cancelling:
                yield _stop(record, Execution.CANCELLED, "cancelled by a person")
            else:
                yield LaunchAttempt(batch_id=batch_id, attempt_id=attempt.planned.attempt_id)
        case BatchState.RUNNING | BatchState.REPORTED if attempt:
            yield from _watch(state, record, now_ms)
        case BatchState.VERIFYING if attempt:
            yield VerifyAttempt(batch_id=batch_id, attempt_id=attempt.planned.attempt_id)
        case BatchState.INTEGRATING if attempt:
            yield IntegrateAttempt(batch_id=batch_id, attempt_id=attempt.planned.attempt_id)
        case _:
            return


def _watch(state: RunState, record: BatchRecord, now_ms: int) -> Iterator[Command]:
    """Yield the watch over a process, or its end."""
    assert state.started is not None
    attempt = record.attempt
    assert attempt is not None
    plan = record.plan
    used_ms = now_ms - (attempt.started_at_ms or attempt.planned_at_ms)
    grace_ms = state.started.policy.report_grace_ms
    if record.is_cancelling:
        yield _stop(record, Execution.CANCELLED, "cancelled by a person")
    elif used_ms >= plan.deadline_ms:
        yield _stop(record, Execution.TIMED_OUT, "the deadline has passed")
    elif attempt.reported_at_ms is not None and now_ms - attempt.reported_at_ms >= grace_ms:
        yield _stop(record, Execution.LINGERED, "the process did not end after its report")
    elif attempt.quiet_ms:
        yield _stop(
            record, Execution.IDLE, f"nothing was seen of it for {attempt.quiet_ms / 1000:.0f} s"
        )
    else:
        yield WatchAttempt(
            batch_id=plan.id, attempt_id=attempt.planned.attempt_id, idle_ms=plan.idle_ms
        )
        is_near = used_ms * 100 >= plan.deadline_ms * DEADLINE_WARNING_PERCENT
        if is_near and not attempt.is_deadline_near:
            yield WarnDeadline(batch_id=plan.id, attempt_id=attempt.planned.attempt_id)


def _stop(record: BatchRecord, execution: Execution, detail: str) -> StopAttempt:
    assert record.attempt is not None
    return StopAttempt(
        batch_id=record.plan.id,
        attempt_id=record.attempt.planned.attempt_id,
        execution=execution,
        detail=detail,
    )


def _failures(attempt: Attempt) -> str:
    """Return what failed, as text for the next prompt: checks, tampering, reports not accepted."""
    lines = [
        f"your report was not accepted: {each.code} in line {each.line}: {each.message}"
        + (f"; write: {each.corrected}" if each.corrected else "")
        for each in attempt.near_misses
    ]
    if attempt.verified is None:
        return "\n".join(lines)
    lines += [
        f"check {each.check_id}: {each.reason}"
        for each in attempt.verified.results
        if each.outcome is not CheckOutcome.PASS
    ]
    lines += [f"{each.path}: {each.message}" for each in attempt.verified.tampering]
    lines += [
        f"task {each.ordinal}: {each.reason}"
        for each in attempt.verified.proofs
        if each.proof is not Proof.PASS
    ]
    return "\n".join(lines)


def _is_settled(record: BatchRecord) -> bool:
    return record.state in TERMINAL or record.state in {
        BatchState.BLOCKED,
        BatchState.PENDING,
        BatchState.AWAITING_APPROVAL,
    }


def _conclude(state: RunState) -> str:
    """Say why the run ends."""
    waiting = [each.plan.id for each in state.batches if each.state is BatchState.AWAITING_APPROVAL]
    if waiting:
        return f"waits for a person: orchestrate approve {waiting[0]}"
    if (limit := budget_reached(state)) and any(
        each.state in {BatchState.READY, BatchState.REWORK, BatchState.WAITING_QUOTA}
        for each in state.batches
    ):
        return limit
    done = sum(1 for e in state.batches if e.state in {BatchState.DONE, BatchState.DONE_WEAK})
    return f"{done} of {len(state.batches)} batches done"
