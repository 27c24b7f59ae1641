"""Folding and deciding: the state machine, one sentence for each of its promises."""

import pytest

from harness.orchestrator_papers import (
    accepted,
    baseline,
    ended,
    fold_all,
    plan,
    planned,
    report,
    running,
    started,
    verified,
)
from orchestrator.core.attribution import attribute
from orchestrator.core.decision import decide
from orchestrator.core.judgement import prove_task
from orchestrator.domain.batches import BatchId, Priority
from orchestrator.domain.claims import Mark
from orchestrator.domain.commands import (
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
from orchestrator.domain.events import (
    AttemptQuiet,
    BatchIntegrated,
    IntegrationFailed,
    MetricsMeasured,
    OperatorApproved,
    OperatorCancelled,
    OperatorPaused,
    OperatorResumed,
    PlanChanged,
    ReportAccepted,
    ReportQuarantined,
)
from orchestrator.domain.plans import OnFailure
from orchestrator.domain.proofs import CheckOutcome, CheckResult, Proof, TamperFinding
from orchestrator.domain.verdicts import BatchState, Execution

ONE, TWO = "LOT-A-001", "LOT-A-002"
WORK = (baseline(), planned(), running())
DONE = (
    *WORK,
    accepted(ONE, 1, Mark.OK, Mark.OK),
    ended(),
    verified(),
    BatchIntegrated(batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", commit="m1"),
)


def kinds(state, now_ms=0):
    return [type(each) for each in decide(state, now_ms)]


def state_of(state, name=ONE):
    return state.of(name).state


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), TakeBaseline),
        (WORK[:1], PlanAttempt),
        (WORK[:2], LaunchAttempt),
        (WORK, WatchAttempt),
        ((*WORK, ended()), VerifyAttempt),
        ((*WORK, ended(), verified()), IntegrateAttempt),
        (DONE, MeasureMetrics),
        ((*DONE, MetricsMeasured(results=())), FinishRun),
    ],
)
def test_each_state_asks_for_its_next_step(events, expected):
    assert kinds(fold_all(started(plan()), *events)) == [expected]


def test_a_batch_is_done_by_proofs_and_not_by_claims():
    liar = (*WORK, accepted(ONE, 1, Mark.OK, Mark.OK), ended())
    refuted = fold_all(started(plan(attempts_max=1)), *liar, verified(proofs=(Proof.FAIL,) * 2))
    assert state_of(refuted) is BatchState.FAILED
    assert refuted.of(ONE).reason.startswith("REFUTED: task 1")
    silent = fold_all(started(plan()), *DONE[:3], *DONE[4:])
    assert state_of(silent) is BatchState.DONE
    assert "NO_REPORT" in silent.of(ONE).reason


def test_honesty_counts_claims_that_held():
    events = (*WORK, accepted(ONE, 1, Mark.OK, Mark.OK), ended())
    state = fold_all(started(plan()), *events, verified(proofs=(Proof.PASS, Proof.FAIL)))
    (record,) = state.ledger()
    assert (record.claimed, record.verified, record.honesty) == (2, 1, 0.5)


def test_failed_checks_give_rework_with_the_evidence_and_then_the_last_state():
    events = (*WORK, ended(), verified(proofs=(Proof.PASS, Proof.FAIL)))
    state = fold_all(started(plan()), *events)
    (command,) = decide(state, 0)
    assert isinstance(command, PlanAttempt)
    assert command.attempt == 2
    assert "reason 2" in command.evidence
    again = (planned(attempt=2), running(attempt=2), ended(attempt=2))
    last = verified(attempt=2, proofs=(Proof.PASS, Proof.FAIL))
    assert state_of(fold_all(started(plan()), *events, *again, last)) is BatchState.PARTIAL


def test_a_dependent_waits_and_is_blocked_by_a_failure():
    plans = (plan(attempts_max=1), plan(TWO, 1, depends_on=(BatchId(ONE),)))
    assert state_of(fold_all(started(*plans), *WORK), TWO) is BatchState.PENDING
    assert state_of(fold_all(started(*plans), *DONE), TWO) is BatchState.READY
    failed = (*WORK, ended(), verified(proofs=(Proof.FAIL,) * 2))
    assert state_of(fold_all(started(*plans), *failed), TWO) is BatchState.BLOCKED
    skipping = started(*plans, on_failure=OnFailure.SKIP)
    assert state_of(fold_all(skipping, *failed), TWO) is BatchState.CANCELLED
    going_on = started(*plans, on_failure=OnFailure.CONTINUE)
    assert state_of(fold_all(going_on, *failed), TWO) is BatchState.READY


def test_independent_batches_go_on_after_a_failure():
    failed = (*WORK, ended(), verified(proofs=(Proof.FAIL,) * 2))
    state = fold_all(started(plan(attempts_max=1), plan(TWO, 1)), *failed)
    assert kinds(state) == [TakeBaseline]


def test_priority_then_order_decides_and_the_cap_holds():
    plans = (
        plan("A-1", 0, priority=Priority.LOW),
        plan("A-2", 1, priority=Priority.CRITICAL),
        plan("A-3", 2, priority=Priority.CRITICAL),
    )
    commands = decide(fold_all(started(*plans, parallel_max=2)), 0)
    assert [each.batch_id for each in commands] == ["A-2", "A-3"]


def test_batches_that_share_a_path_do_not_run_together():
    plans = (plan("A-1", 0, paths=("src",)), plan("A-2", 1, paths=("src",)))
    assert len(decide(fold_all(started(*plans)), 0)) == 1


def test_deadline_warns_at_80_percent_and_stops_at_100():
    state = fold_all(started(plan()), *WORK)  # the process started at 4 s
    assert kinds(state, 4_000 + 47_000) == [WatchAttempt]
    assert kinds(state, 4_000 + 48_000) == [WatchAttempt, WarnDeadline]
    (stop,) = decide(state, 4_000 + 60_000)
    assert isinstance(stop, StopAttempt)
    assert stop.execution is Execution.TIMED_OUT


def test_work_that_is_good_counts_though_it_was_late():
    late = (*WORK, ended(execution=Execution.TIMED_OUT), verified(), DONE[-1])
    state = fold_all(started(plan()), *late)
    assert state_of(state) is BatchState.DONE
    assert "late" in state.of(ONE).reason


def test_silence_and_lingering_are_stopped():
    quiet = AttemptQuiet(batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", quiet_ms=11_000)
    (stop,) = decide(fold_all(started(plan()), *WORK, quiet), 5_000)
    assert stop.execution is Execution.IDLE
    patient = started(plan(), report_grace_ms=10_000)
    reported = fold_all(patient, *WORK, accepted(ONE, 1, Mark.OK, Mark.OK))
    assert kinds(reported, 14_999) == [WatchAttempt]
    (stop,) = decide(reported, 15_000)
    assert stop.execution is Execution.LINGERED


def test_a_quota_is_waited_for_and_uses_no_attempt():
    hit = ended(execution=Execution.QUOTA, retry_at_ms=90_000)
    state = fold_all(started(plan(attempts_max=1)), *WORK, hit)
    assert state_of(state) is BatchState.WAITING_QUOTA
    assert kinds(state, 89_999) == []
    assert decide(state, 90_000) == (PlanAttempt(batch_id=BatchId(ONE), attempt=1),)


@pytest.mark.parametrize("execution", [Execution.AUTH, Execution.USAGE])
def test_an_agent_that_cannot_work_is_not_tried_again(execution):
    assert state_of(fold_all(started(plan()), *WORK, ended(execution=execution))) is (
        BatchState.FAILED
    )


@pytest.mark.parametrize("execution", [Execution.CRASHED, Execution.LOST, Execution.IDLE])
def test_what_a_broken_attempt_left_is_verified(execution):
    assert state_of(fold_all(started(plan()), *WORK, ended(execution=execution))) is (
        BatchState.VERIFYING
    )


@pytest.mark.parametrize(
    ("proof", "word"), [(Proof.VACUOUS, "VACUOUS"), (Proof.NONE, "UNVERIFIED")]
)
def test_what_proves_nothing_waits_for_a_person(proof, word):
    events = (*WORK, accepted(ONE, 1, Mark.OK, Mark.OK), ended(), verified(proofs=(proof,) * 2))
    state = fold_all(started(plan()), *events)
    assert state_of(state) is BatchState.AWAITING_APPROVAL
    assert state.of(ONE).reason.startswith(word)
    approved = fold_all(started(plan()), *events, OperatorApproved(batch_id=BatchId(ONE)))
    assert kinds(approved) == [IntegrateAttempt]


def test_claims_are_trusted_only_on_request_and_only_where_nothing_checks():
    events = (*WORK, accepted(ONE, 1, Mark.OK, Mark.OK), ended())
    trusting = started(plan(), trust_claims=True)
    nothing = fold_all(trusting, *events, verified(proofs=(Proof.NONE,) * 2))
    assert state_of(nothing) is BatchState.INTEGRATING
    vacuous = fold_all(trusting, *events, verified(proofs=(Proof.VACUOUS,) * 2))
    assert state_of(vacuous) is BatchState.AWAITING_APPROVAL


def test_a_failure_mark_against_green_checks_is_a_contradiction():
    events = (*WORK, accepted(ONE, 1, Mark.OK, Mark.FAIL), ended(), verified())
    assert state_of(fold_all(started(plan()), *events)) is BatchState.REWORK
    last = fold_all(started(plan(attempts_max=1)), *events)
    assert last.of(ONE).reason.startswith("CONTRADICTION")


def test_what_reached_outside_of_its_tree_gets_no_second_try():
    found = (
        TamperFinding(path="b.txt", message="a protected path was changed"),
        TamperFinding(path="a", message="a link leads out", is_security=True),
    )
    state = fold_all(started(plan()), *WORK, ended(), verified(tampering=found))
    assert state_of(state) is BatchState.FAILED
    assert state.of(ONE).reason.startswith("SECURITY: TAMPERED: a:")


def test_a_check_of_the_whole_batch_that_only_a_person_can_answer_waits_for_one():
    question = CheckResult(
        check_id="c",
        task=None,
        outcome=CheckOutcome.NOT_MEASURED,
        value="",
        reason="a person answers: is it good?",
        evidence="",
    )
    events = (*WORK, ended(), verified(results=(question,)))
    state = fold_all(started(plan()), *events)
    assert state_of(state) is BatchState.AWAITING_APPROVAL
    assert "is it good?" in state.of(ONE).reason
    merged = BatchIntegrated(batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", commit="c2")
    taken = fold_all(started(plan()), *events, OperatorApproved(batch_id=BatchId(ONE)), merged)
    assert state_of(taken) is BatchState.DONE_WEAK
    assert "approved by a person" in taken.of(ONE).reason


def test_tampering_refutes_whatever_the_checks_say():
    found = (TamperFinding(path="tests/a.py", message="changed"),)
    events = (*WORK, ended(), verified(tampering=found))
    state = fold_all(started(plan(attempts_max=1)), *events)
    assert state_of(state) is BatchState.FAILED
    assert state.of(ONE).reason.startswith("TAMPERED: tests/a.py")


def test_an_orphan_that_cannot_be_ended_stops_the_batch():
    state = fold_all(started(plan()), *WORK, ended(orphans_left=1), verified())
    assert state_of(state) is BatchState.FAILED
    assert "ORPHAN" in state.of(ONE).reason


def test_a_merge_conflict_is_reworked_and_then_kept_for_a_person():
    conflict = IntegrationFailed(
        batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", detail="a.py", is_conflict=True
    )
    events = (*WORK, ended(), verified(), conflict)
    assert state_of(fold_all(started(plan()), *events)) is BatchState.REWORK
    assert state_of(fold_all(started(plan(attempts_max=1)), *events)) is BatchState.CONFLICT


def test_only_one_batch_is_merged_at_a_time():
    plans = (plan(), plan(TWO, 1))
    both = [
        event
        for name in (ONE, TWO)
        for event in (baseline(name), planned(name), running(name), ended(name), verified(name))
    ]
    (command,) = decide(fold_all(started(*plans), *both), 0)
    assert command == IntegrateAttempt(batch_id=BatchId(ONE), attempt_id=f"{ONE}/1")


def test_pause_holds_new_work_and_resume_releases_it():
    assert kinds(fold_all(started(plan()), OperatorPaused())) == []
    assert kinds(fold_all(started(plan()), OperatorPaused(), *WORK)) == [WatchAttempt]
    resumed = fold_all(started(plan()), OperatorPaused(), OperatorResumed())
    assert kinds(resumed) == [TakeBaseline]


def test_cancel_stops_a_process_and_frees_what_waits():
    cancel = OperatorCancelled(batch_id=None)
    (stop,) = decide(fold_all(started(plan()), *WORK, cancel), 0)
    assert stop.execution is Execution.CANCELLED
    gone = fold_all(started(plan()), *WORK, cancel, ended(execution=Execution.CANCELLED))
    assert state_of(gone) is BatchState.CANCELLED
    assert state_of(fold_all(started(plan()), cancel)) is BatchState.CANCELLED


def test_cancelling_during_a_merge_waits_for_what_the_merge_did():
    events = (*WORK, ended(), verified(), OperatorCancelled(batch_id=BatchId(ONE)))
    state = fold_all(started(plan()), *events)
    assert state_of(state) is BatchState.INTEGRATING
    assert kinds(state) == [IntegrateAttempt]
    merged = BatchIntegrated(batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", commit="c2")
    done = fold_all(started(plan()), *events, merged)
    assert (state_of(done), done.of(ONE).commit) == (BatchState.DONE, "c2")
    refused = IntegrationFailed(
        batch_id=BatchId(ONE), attempt_id=f"{ONE}/1", detail="cancelled", is_conflict=False
    )
    assert state_of(fold_all(started(plan()), *events, refused)) is BatchState.CANCELLED


def test_who_approved_the_start_of_a_batch_has_not_approved_its_result():
    approval = OperatorApproved(batch_id=BatchId(ONE))
    unproven = (ended(), verified(proofs=(Proof.NONE,) * 2))
    state = fold_all(started(plan(needs_approval=True)), approval, *WORK, *unproven)
    assert state_of(state) is BatchState.AWAITING_APPROVAL
    again = fold_all(started(plan(needs_approval=True)), approval, *WORK, *unproven, approval)
    assert state_of(again) is BatchState.INTEGRATING


def test_an_edit_does_not_forget_an_attempt_whose_result_waits_for_a_person():
    events = (*WORK, ended(), verified(proofs=(Proof.NONE,) * 2))
    edited = PlanChanged(batch=plan(agents=("debugger",)))
    state = fold_all(started(plan()), *events, edited)
    assert state_of(state) is BatchState.AWAITING_APPROVAL
    assert len(state.of(ONE).attempts) == 1


def test_a_start_that_needs_approval_waits_for_it():
    wanted = started(plan(needs_approval=True))
    assert state_of(fold_all(wanted)) is BatchState.AWAITING_APPROVAL
    assert kinds(fold_all(wanted, OperatorApproved(batch_id=BatchId(ONE)))) == [TakeBaseline]


def test_a_budget_that_is_used_stops_handing_out():
    spent = (*DONE[:4], ended(cost_usd=2.5), *DONE[5:])
    state = fold_all(started(plan(), plan(TWO, 1), budget_usd=2.0), *spent)
    assert kinds(state) == [MeasureMetrics]
    (finish,) = decide(
        fold_all(
            started(plan(), plan(TWO, 1), budget_usd=2.0), *spent, MetricsMeasured(results=())
        ),
        0,
    )
    assert "budget of 2.00 USD" in finish.reason


def test_a_quota_is_not_waited_for_with_a_budget_that_is_used():
    waits = (*WORK, ended(execution=Execution.QUOTA, cost_usd=3.0))
    state = fold_all(started(plan(), budget_usd=2.0), *waits)
    assert state_of(state) is BatchState.WAITING_QUOTA
    assert kinds(state) == [MeasureMetrics]
    measured = fold_all(started(plan(), budget_usd=2.0), *waits, MetricsMeasured(results=()))
    (finish,) = decide(measured, 0)
    assert "budget of 2.00 USD" in finish.reason


def test_a_budget_cannot_be_kept_with_an_agent_that_does_not_say_what_it_cost():
    plans = (plan(), plan(TWO, 1))
    silent = fold_all(started(*plans, budget_usd=2.0), *DONE, MetricsMeasured(results=()))
    (finish,) = decide(silent, 0)
    assert "LOT-A-001, attempt 1, did not say what it cost" in finish.reason
    assert kinds(fold_all(started(*plans), *DONE)) == [TakeBaseline]


def test_a_report_in_the_wrong_form_is_explained_in_the_next_prompt():
    near_miss = ReportQuarantined(
        code="REPORT_PLACEHOLDER",
        source="CLAUDE.md",
        line=7,
        quote="**Date**: HH:MM",
        message="the placeholder HH:MM was not filled in",
        corrected="**Date**: 14:45",
        digest="d9",
        batch_id=ONE,
    )
    state = fold_all(
        started(plan()), *WORK, near_miss, ended(), verified(proofs=(Proof.FAIL, Proof.PASS))
    )
    (command,) = decide(state, 0)
    assert "REPORT_PLACEHOLDER in line 7" in command.evidence
    assert "write: **Date**: 14:45" in command.evidence


def test_a_missing_tool_blocks_before_anything_is_spent():
    state = fold_all(started(plan(blocked_reason="cargo is not on PATH")))
    assert state_of(state) is BatchState.BLOCKED
    assert kinds(state) == [MeasureMetrics]


def test_events_that_came_too_late_change_nothing():
    state = fold_all(started(plan()), *DONE)
    later = fold_all(started(plan()), *DONE, ended(), verified(proofs=(Proof.FAIL,) * 2))
    assert later.batches == state.batches


@pytest.mark.parametrize(
    ("events", "found", "code"),
    [
        ((), report(ONE, Mark.OK), "STALE_REPORT"),
        (DONE, report(ONE, Mark.OK), "STALE_REPORT"),
        (WORK, report("LOT-A-0O1", Mark.OK), "REPORT_UNKNOWN_ID"),
        (WORK, report(ONE, Mark.OK, nonce="another"), "STALE_REPORT"),
        (WORK, report(ONE, Mark.OK, Mark.OK, Mark.OK), "REPORT_MALFORMED"),
    ],
)
def test_a_report_that_belongs_to_nobody_is_quarantined(events, found, code):
    event = attribute(fold_all(started(plan()), *events), found, "CLAUDE.md")
    assert isinstance(event, ReportQuarantined)
    assert event.code == code


def test_an_unknown_id_gets_the_nearest_one_proposed():
    event = attribute(fold_all(started(plan()), *WORK), report("LOT-A-0O1"), "CLAUDE.md")
    assert "did you mean LOT-A-001?" in event.message


def test_the_same_report_twice_is_one_claim_and_another_text_a_new_one():
    first = attribute(fold_all(started(plan()), *WORK), report(ONE, Mark.OK), "CLAUDE.md")
    assert isinstance(first, ReportAccepted)
    state = fold_all(started(plan()), *WORK, first)
    assert attribute(state, report(ONE, Mark.OK), "CLAUDE.md") is None
    second = attribute(state, report(ONE, Mark.FAIL, digest="d2"), "CLAUDE.md")
    assert len(fold_all(started(plan()), *WORK, first, second).of(ONE).attempt.reports) == 2


def result(outcome, *, name="c", is_inferred=False, is_idempotent=False):
    return CheckResult(
        check_id=name,
        task=1,
        outcome=outcome,
        value="v",
        reason="r",
        evidence="",
        is_inferred=is_inferred,
        is_idempotent=is_idempotent,
    )


GREEN, RED, OPEN = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("after", "before", "proof"),
    [
        ((result(GREEN),), (result(RED),), Proof.PASS),
        ((result(GREEN),), (result(GREEN),), Proof.VACUOUS),
        ((result(GREEN, is_idempotent=True),), (result(GREEN),), Proof.PASS),
        ((result(RED),), (result(RED),), Proof.FAIL),
        ((result(OPEN),), (result(OPEN),), Proof.NONE),
        ((result(GREEN, is_inferred=True),), (result(RED),), Proof.WEAK),
        ((result(GREEN), result(RED, name="d")), (), Proof.FAIL),
        ((), (), Proof.NONE),
    ],
)
def test_a_proof_is_red_before_and_green_after(after, before, proof):
    assert prove_task(1, after, before).proof is proof
