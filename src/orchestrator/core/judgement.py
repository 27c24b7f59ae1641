"""What follows from what was proven: the proof of a task, then the verdict on an attempt.

Only proofs decide. A claim matters where it contradicts them, and to tell a lie from a failure.
"""

from dataclasses import replace

from orchestrator.core.state import PROVEN, BatchRecord
from orchestrator.domain.events import AttemptVerified
from orchestrator.domain.proofs import CheckOutcome, CheckResult, Proof, TaskProof
from orchestrator.domain.verdicts import BatchState, Claim


def prove_task(
    ordinal: int, results: tuple[CheckResult, ...], baseline: tuple[CheckResult, ...]
) -> TaskProof:
    """Return what the checks of one task say together.

    A check that was green before the work proves nothing of the work, unless it is declared
    idempotent; a check that could not run proves nothing either way.

    Args:
        ordinal: The task.
        results: Of all checks of the batch, after the work.
        baseline: Of the same checks, before it.
    """
    own = [each for each in results if each.task == ordinal]
    failed = [each for each in own if each.outcome is CheckOutcome.FAIL]
    if failed:
        return TaskProof(ordinal=ordinal, proof=Proof.FAIL, reason=failed[0].reason)
    open_checks = [each for each in own if each.outcome is CheckOutcome.NOT_MEASURED]
    if open_checks:
        reason = f"not measured: {open_checks[0].reason}"
        return TaskProof(ordinal=ordinal, proof=Proof.NONE, reason=reason)
    if not own:
        return TaskProof(ordinal=ordinal, proof=Proof.NONE, reason="no check is bound to it")
    green_before = {each.check_id for each in baseline if each.outcome is CheckOutcome.PASS}
    telling = [each for each in own if each.is_idempotent or each.check_id not in green_before]
    if not telling:
        reason = f"{own[0].check_id} was green before the work"
        return TaskProof(ordinal=ordinal, proof=Proof.VACUOUS, reason=reason)
    values = ", ".join(each.value for each in telling if each.value)
    is_weak = all(each.is_inferred for each in own)
    return TaskProof(ordinal=ordinal, proof=Proof.WEAK if is_weak else Proof.PASS, reason=values)


def judge(record: BatchRecord, event: AttemptVerified) -> BatchRecord:
    """Decide what follows from the proofs of an attempt."""
    if (foul := _find_foul(record, event)) is not None:
        return foul
    failed = [each for each in record.facts if each.proof is Proof.FAIL]
    batch_wide = [
        each for each in event.results if each.task is None and each.outcome is CheckOutcome.FAIL
    ]
    if failed or batch_wide:
        reason = (
            f"REFUTED: task {failed[0].ordinal}: {failed[0].reason}"
            if failed and failed[0].claim is Claim.OK
            else f"task {failed[0].ordinal}: {failed[0].reason}"
            if failed
            else batch_wide[0].reason
        )
        return again_or(record, BatchState.PARTIAL if record.proven else BatchState.FAILED, reason)
    open_tasks = [each for each in record.facts if each.proof not in PROVEN]
    if open_tasks:
        word = "VACUOUS" if open_tasks[0].proof is Proof.VACUOUS else "UNVERIFIED"
        return replace(
            record,
            state=BatchState.AWAITING_APPROVAL,
            reason=f"{word}: task {open_tasks[0].ordinal}: {open_tasks[0].reason}",
        )
    unasked = [
        each
        for each in event.results
        if each.task is None and not each.is_inferred and each.outcome is CheckOutcome.NOT_MEASURED
    ]
    if unasked:
        return replace(
            record,
            state=BatchState.AWAITING_APPROVAL,
            reason=f"UNVERIFIED: {unasked[0].check_id}: {unasked[0].reason}",
        )
    return replace(
        record, state=BatchState.INTEGRATING, reason=f"{record.proven}/{len(record.facts)} proven"
    )


def _find_foul(record: BatchRecord, event: AttemptVerified) -> BatchRecord | None:
    """Return the verdict on an attempt whose proofs do not matter; None for a fair one."""
    attempt = record.attempt
    if attempt is not None and attempt.ended is not None and attempt.ended.orphans_left:
        return replace(
            record,
            state=BatchState.FAILED,
            reason=f"ORPHAN: {attempt.ended.orphans_left} processes cannot be ended; look at them "
            "before the worktree is used again",
        )
    if event.tampering:
        first = next((each for each in event.tampering if each.is_security), event.tampering[0])
        reason = f"TAMPERED: {first.path}: {first.message}"
        if first.is_security:  # no second try for work that reached outside of its tree
            return replace(record, state=BatchState.FAILED, reason=f"SECURITY: {reason}")
        return again_or(record, BatchState.FAILED, reason)
    contradicted = [
        each.ordinal for each in record.facts if each.claim is Claim.FAIL and each.proof in PROVEN
    ]
    if contradicted:
        return again_or(
            record,
            BatchState.PARTIAL,
            f"CONTRADICTION: the agent reports task {contradicted[0]} as failed, its checks hold",
        )
    return None


def again_or(record: BatchRecord, last: BatchState, reason: str) -> BatchRecord:
    """Rework while attempts are left, else the last state."""
    has_more = record.attempts_counted < record.plan.attempts_max and not record.is_cancelling
    return replace(record, state=BatchState.REWORK if has_more else last, reason=reason)
