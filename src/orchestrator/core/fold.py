"""How an event changes the state. Pure and total: the same events give the same state."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from orchestrator.core.judgement import again_or, judge
from orchestrator.core.state import Attempt, BatchRecord, RunState, claim_of, fresh_facts
from orchestrator.domain.batches import BatchId
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptQuiet,
    AttemptStarted,
    AttemptVerified,
    BaselineTaken,
    BatchIntegrated,
    DeadlineNear,
    IntegrationFailed,
    MetricsMeasured,
    OperatorApproved,
    OperatorCancelled,
    OperatorPaused,
    OperatorResumed,
    PlanChanged,
    Recorded,
    ReportAccepted,
    ReportQuarantined,
    ReportRestored,
    RunFinished,
    RunResumed,
    RunStarted,
    TroubleNoted,
)
from orchestrator.domain.plans import OnFailure
from orchestrator.domain.proofs import Proof
from orchestrator.domain.verdicts import (
    BEFORE_WORK,
    TERMINAL,
    BatchState,
    Claim,
    Execution,
)

NEAR_MISSES_MAX = 5
"""Of one attempt; the first ones say what is wrong."""
_WITH_PROCESS = frozenset({BatchState.DISPATCHED, BatchState.RUNNING, BatchState.REPORTED})


def fold(state: RunState, recorded: Recorded) -> RunState:
    """Return the state after one more event.

    An event about a batch or attempt that does not exist, or that came too late, changes
    nothing but the sequence.
    """
    state = replace(state, sequence=recorded.sequence)
    return _settle(_apply(state, recorded))


def _apply(state: RunState, recorded: Recorded) -> RunState:  # noqa: C901, PLR0911, PLR0912
    event, at_ms = recorded.event, recorded.at_ms
    match event:
        case RunStarted():
            batches = tuple(
                BatchRecord(plan=plan, state=BatchState.PENDING, facts=fresh_facts(plan))
                for plan in event.batches
            )
            return RunState(sequence=recorded.sequence, started=event, batches=batches)
        case RunResumed():
            return replace(state, finished="")
        case RunFinished():
            return replace(state, finished=event.reason)
        case PlanChanged():
            return _on_plan(state, event)
        case TroubleNoted() | ReportRestored():
            return state
        case BaselineTaken():
            return _update(state, event.batch_id, lambda each: _on_baseline(each, event))
        case AttemptPlanned():
            return _update(state, event.batch_id, lambda each: _on_planned(each, event, at_ms))
        case AttemptStarted():
            return _update(state, event.batch_id, lambda each: _on_started(each, event, at_ms))
        case DeadlineNear():
            return _update_attempt(
                state,
                event.batch_id,
                event.attempt_id,
                lambda each: replace(each, is_deadline_near=True),
            )
        case AttemptQuiet():
            return _update_attempt(
                state,
                event.batch_id,
                event.attempt_id,
                lambda each: replace(each, quiet_ms=event.quiet_ms),
            )
        case ReportAccepted():
            seen = state.seen_digests | {event.report.digest}
            state = _update(state, event.batch_id, lambda each: _on_report(each, event, at_ms))
            return replace(state, seen_digests=seen)
        case ReportQuarantined():
            seen = state.seen_digests | {event.digest}
            return replace(_on_near_miss(state, event), seen_digests=seen)
        case AttemptEnded():
            return _on_ended(state, event, at_ms)
        case AttemptVerified():
            return _on_verified(state, event)
        case BatchIntegrated():
            state = _update(state, event.batch_id, lambda each: _on_integrated(each, event))
            return replace(state, is_metrics_due=True)
        case IntegrationFailed():
            return _update(state, event.batch_id, lambda each: _on_not_integrated(each, event))
        case MetricsMeasured():
            return replace(state, metrics=event.results, metrics_at_ms=at_ms, is_metrics_due=False)
        case OperatorApproved():
            return _update(state, event.batch_id, _on_approved)
        case OperatorPaused():
            return replace(state, is_paused=True)
        case OperatorResumed():
            return replace(state, is_paused=False)
        case OperatorCancelled():
            return _on_cancelled(state, event)
        case _:
            assert_never(event)


def _update(
    state: RunState, batch_id: BatchId, change: Callable[[BatchRecord], BatchRecord]
) -> RunState:
    return replace(
        state,
        batches=tuple(change(each) if each.plan.id == batch_id else each for each in state.batches),
    )


def _update_attempt(
    state: RunState, batch_id: BatchId, attempt_id: str, change: Callable[[Attempt], Attempt]
) -> RunState:
    return _update(state, batch_id, lambda each: _change_attempt(each, attempt_id, change))


def _change_attempt(
    record: BatchRecord, attempt_id: str, change: Callable[[Attempt], Attempt]
) -> BatchRecord:
    return replace(
        record,
        attempts=tuple(
            change(each) if each.planned.attempt_id == attempt_id else each
            for each in record.attempts
        ),
    )


def _is_current(record: BatchRecord, attempt_id: str) -> bool:
    return record.attempt is not None and record.attempt.planned.attempt_id == attempt_id


def _on_plan(state: RunState, event: PlanChanged) -> RunState:
    """A batch that has not started follows the edited document; a new one joins."""
    record = state.of(event.batch.id)
    fresh = BatchRecord(plan=event.batch, state=BatchState.PENDING, facts=fresh_facts(event.batch))
    if record is None:
        return replace(state, batches=(*state.batches, fresh), finished="")
    if record.state not in BEFORE_WORK or record.attempts:
        return state
    return _update(
        state, event.batch.id, lambda each: replace(fresh, is_start_approved=each.is_start_approved)
    )


def _on_baseline(record: BatchRecord, event: BaselineTaken) -> BatchRecord:
    if record.state is not BatchState.READY:
        return record
    return replace(record, state=BatchState.BASELINE, baseline=event, reason="")


def _on_planned(record: BatchRecord, event: AttemptPlanned, at_ms: int) -> BatchRecord:
    if record.state in TERMINAL:
        return record
    return replace(
        record,
        state=BatchState.DISPATCHED,
        attempts=(*record.attempts, Attempt(planned=event, planned_at_ms=at_ms)),
        facts=fresh_facts(record.plan, Execution.RUNNING),
        is_result_approved=False,
        reason=f"attempt {event.attempt}",
    )


def _on_started(record: BatchRecord, event: AttemptStarted, at_ms: int) -> BatchRecord:
    if record.state is not BatchState.DISPATCHED or not _is_current(record, event.attempt_id):
        return record
    record = _change_attempt(
        record,
        event.attempt_id,
        lambda each: replace(each, started_at_ms=at_ms, pid=event.pid),
    )
    return replace(record, state=BatchState.RUNNING)


def _on_report(record: BatchRecord, event: ReportAccepted, at_ms: int) -> BatchRecord:
    if not _is_current(record, event.attempt_id):
        return record
    record = _change_attempt(
        record,
        event.attempt_id,
        lambda each: replace(each, reports=(*each.reports, event.report), reported_at_ms=at_ms),
    )
    claims = {each.ordinal: claim_of(each.mark) for each in event.report.claims}
    facts = tuple(
        replace(each, claim=claims.get(each.ordinal, Claim.NONE)) for each in record.facts
    )
    state = BatchState.REPORTED if record.state in _WITH_PROCESS else record.state
    return replace(
        record, facts=facts, state=state, reason=f"{event.report.level} report, to be checked"
    )


def _on_near_miss(state: RunState, event: ReportQuarantined) -> RunState:
    """Remember for the next prompt what the agent at work reported in the wrong form."""
    record = state.of(event.batch_id) if event.batch_id else None
    if record is None or record.attempt is None or record.state not in _WITH_PROCESS:
        return state
    return _update_attempt(
        state,
        record.plan.id,
        record.attempt.planned.attempt_id,
        lambda each: replace(each, near_misses=(*each.near_misses, event)[:NEAR_MISSES_MAX]),
    )


def _on_ended(state: RunState, event: AttemptEnded, at_ms: int) -> RunState:
    record = state.of(event.batch_id)
    if record is None or not _is_current(record, event.attempt_id):
        return state
    if record.state not in _WITH_PROCESS or state.started is None:
        return state
    policy = state.started.policy
    record = _change_attempt(record, event.attempt_id, lambda each: replace(each, ended=event))
    record = replace(
        record,
        facts=tuple(replace(each, execution=event.execution) for each in record.facts),
        reason=event.detail,
    )
    match event.execution:
        case Execution.CANCELLED:
            record = replace(record, state=BatchState.CANCELLED)
        case Execution.QUOTA if record.quota_waits < policy.quota_waits_max:
            record = replace(
                record,
                state=BatchState.WAITING_QUOTA,
                quota_waits=record.quota_waits + 1,
                retry_at_ms=event.retry_at_ms or at_ms + policy.quota_wait_ms,
            )
        case Execution.AUTH | Execution.USAGE | Execution.QUOTA:
            record = replace(record, state=BatchState.FAILED)
        case _:
            record = replace(record, state=BatchState.VERIFYING)
    return _update(state, event.batch_id, lambda _: record)


def _on_verified(state: RunState, event: AttemptVerified) -> RunState:
    record = state.of(event.batch_id)
    if record is None or record.state is not BatchState.VERIFYING or state.started is None:
        return state
    if not _is_current(record, event.attempt_id):
        return state
    record = _change_attempt(record, event.attempt_id, lambda each: replace(each, verified=event))
    proofs = {each.ordinal: each for each in event.proofs}
    facts = tuple(
        replace(each, proof=proofs[each.ordinal].proof, reason=proofs[each.ordinal].reason)
        if each.ordinal in proofs
        else each
        for each in record.facts
    )
    if state.started.policy.trust_claims:
        facts = tuple(
            replace(each, proof=Proof.WEAK, reason="claim trusted on request, nothing checked it")
            if each.proof is Proof.NONE and each.claim is Claim.OK
            else each
            for each in facts
        )
    record = judge(replace(record, facts=facts), event)
    return _update(state, event.batch_id, lambda _: record)


def _on_integrated(record: BatchRecord, event: BatchIntegrated) -> BatchRecord:
    if record.state is not BatchState.INTEGRATING:
        return record
    is_proven = all(each.proof is Proof.PASS for each in record.facts)
    is_strong = is_proven and not record.is_result_approved
    attempt = record.attempt
    remarks: list[str] = []
    if attempt is not None and not attempt.reports:
        remarks.append("NO_REPORT")
    if attempt is not None and attempt.ended is not None:
        if attempt.ended.execution is Execution.TIMED_OUT:
            remarks.append("late")
        if attempt.ended.denied:
            remarks.append(f"{len(attempt.ended.denied)} permissions denied")
    if record.is_result_approved:
        remarks.append("approved by a person")
    if record.is_cancelling:
        remarks.append("merged before it could be cancelled")
    said = f"{record.proven}/{len(record.facts)} proven"
    return replace(
        record,
        state=BatchState.DONE if is_strong else BatchState.DONE_WEAK,
        commit=event.commit,
        reason=", ".join([said, *remarks]),
    )


def _on_not_integrated(record: BatchRecord, event: IntegrationFailed) -> BatchRecord:
    if record.state is not BatchState.INTEGRATING:
        return record
    if record.is_cancelling:
        return replace(record, state=BatchState.CANCELLED, reason="cancelled by a person")
    if event.is_conflict:
        return again_or(record, BatchState.CONFLICT, f"CONFLICT: {event.detail}")
    return again_or(record, BatchState.FAILED, event.detail)


def _on_approved(record: BatchRecord) -> BatchRecord:
    """Take a person's word for one thing: the start of a batch, or what an attempt could not prove.

    The one is not the other: whoever approved a start has not seen a result yet.
    """
    if record.state in BEFORE_WORK and not record.attempts:
        is_waiting = record.state is BatchState.AWAITING_APPROVAL
        return replace(
            record,
            is_start_approved=True,
            state=BatchState.PENDING if is_waiting else record.state,
            reason="approved" if is_waiting else record.reason,
        )
    if record.state is BatchState.AWAITING_APPROVAL:
        return replace(
            record,
            state=BatchState.INTEGRATING,
            is_result_approved=True,
            reason="approved by a person, not proven",
        )
    return record


def _on_cancelled(state: RunState, event: OperatorCancelled) -> RunState:
    """Cancel what has not begun at once; what has a process or is being merged ends first."""

    def cancel(record: BatchRecord) -> BatchRecord:
        if event.batch_id not in {None, record.plan.id} or record.state in TERMINAL:
            return record
        if record.state in _WITH_PROCESS or record.state is BatchState.INTEGRATING:
            return replace(record, is_cancelling=True, reason="is being cancelled")
        return replace(record, state=BatchState.CANCELLED, reason="cancelled by a person")

    return replace(state, batches=tuple(cancel(each) for each in state.batches))


def _settle(state: RunState) -> RunState:
    """Move batches that wait for others, until nothing moves any more."""
    if state.started is None:
        return state
    for _ in state.batches:
        moved = replace(state, batches=tuple(_settle_batch(state, each) for each in state.batches))
        if moved == state:
            break
        state = moved
    return state


def _settle_batch(  # noqa: PLR0911 - one way out for each reason to wait
    state: RunState, record: BatchRecord
) -> BatchRecord:
    """Release, block or skip a batch whose work has not begun."""
    if record.state not in {BatchState.PENDING, BatchState.BLOCKED} or state.started is None:
        return record
    if record.plan.blocked_reason:
        return replace(record, state=BatchState.BLOCKED, reason=record.plan.blocked_reason)
    policy = state.started.policy
    releasing = {BatchState.DONE} | ({BatchState.DONE_WEAK} if policy.weak_releases else set())
    stuck = {*TERMINAL, BatchState.BLOCKED} - releasing
    waits: list[BatchId] = []
    for name in record.plan.depends_on:
        before = state.of(name)
        if before is None:
            return replace(record, state=BatchState.BLOCKED, reason=f"waits for unknown {name}")
        if before.state in stuck and policy.on_failure is not OnFailure.CONTINUE:
            reason = f"{name} is {before.state.value}"
            if policy.on_failure is OnFailure.SKIP:
                return replace(record, state=BatchState.CANCELLED, reason=f"skipped: {reason}")
            return replace(record, state=BatchState.BLOCKED, reason=reason)
        if before.state not in releasing and before.state not in stuck:
            waits.append(name)
    if waits:
        return replace(record, state=BatchState.PENDING, reason=f"waits for {', '.join(waits)}")
    if record.plan.needs_approval and not record.is_start_approved:
        return replace(
            record, state=BatchState.AWAITING_APPROVAL, reason="a person approves the start"
        )
    return replace(record, state=BatchState.READY, reason="")
