"""Whose report it is: accepted as a claim of a running attempt, or quarantined with the reason."""

import difflib

from orchestrator.core.state import BatchRecord, RunState
from orchestrator.domain.claims import Diagnosis, Report
from orchestrator.domain.events import ReportAccepted, ReportQuarantined
from orchestrator.domain.verdicts import BatchState

_LISTENING = frozenset({BatchState.DISPATCHED, BatchState.RUNNING, BatchState.REPORTED})


def attribute(
    state: RunState, report: Report, source: str
) -> ReportAccepted | ReportQuarantined | None:
    """Return what a report found in a file amounts to; None if it was seen before.

    A report with the id of its attempt belongs to that attempt alone. One without it is taken
    if its batch is at work right now; else nobody knows which attempt it speaks of.
    """
    if report.digest in state.seen_digests:
        return None
    record = state.of(report.batch_id)
    if record is None:
        known = [str(each.plan.id) for each in state.batches]
        near = difflib.get_close_matches(report.batch_id, known, n=1, cutoff=0.4)
        return _refuse(
            report,
            source,
            "REPORT_UNKNOWN_ID",
            f"no batch is called {report.batch_id}"
            + (f"; did you mean {near[0]}?" if near else ""),
            f"### {near[0]}: {report.verdict.value.upper()}" if near else "",
        )
    attempt = record.attempt
    if record.state not in _LISTENING or attempt is None:
        return _refuse(
            report,
            source,
            "STALE_REPORT",
            f"{report.batch_id} is {record.state.value}: no attempt is at work that could report",
        )
    if report.nonce is not None and report.nonce != attempt.planned.attempt_id:
        return _refuse(
            report,
            source,
            "STALE_REPORT",
            f"it speaks of attempt {report.nonce}, at work is {attempt.planned.attempt_id}",
            f"<!-- orch:run={attempt.planned.attempt_id} -->",
        )
    if wrong := _miscount(record, report):
        return _refuse(report, source, "REPORT_MALFORMED", wrong)
    return ReportAccepted(
        batch_id=record.plan.id,
        attempt_id=attempt.planned.attempt_id,
        report=report,
        source=source,
    )


def quarantine(state: RunState, diagnosis: Diagnosis, source: str) -> ReportQuarantined | None:
    """Return the record of a near miss; None if it was seen before."""
    if diagnosis.digest in state.seen_digests:
        return None
    return ReportQuarantined(
        code=diagnosis.code,
        source=source,
        line=diagnosis.line,
        quote=diagnosis.quote,
        message=diagnosis.message,
        corrected=diagnosis.corrected,
        digest=diagnosis.digest,
        batch_id=diagnosis.batch_id,
    )


def _miscount(record: BatchRecord, report: Report) -> str:
    """Say which task of a report does not exist; fewer tasks than asked are a partial report."""
    known = {task.ordinal for task in record.plan.tasks}
    foreign = [claim.ordinal for claim in report.claims if claim.ordinal not in known]
    if foreign:
        return (
            f"it reports task {foreign[0]}, {record.plan.id} has "
            f"{', '.join(str(each) for each in sorted(known))}"
        )
    return ""


def _refuse(
    report: Report, source: str, code: str, message: str, corrected: str = ""
) -> ReportQuarantined:
    return ReportQuarantined(
        code=code,
        source=source,
        line=report.line,
        quote=report.text.splitlines()[0][:200],
        message=message,
        corrected=corrected,
        digest=report.digest,
        batch_id=report.batch_id,
    )
