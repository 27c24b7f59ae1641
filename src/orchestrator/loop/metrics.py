"""The success table: every row measured by a check, or the reason why it is not."""

from dataclasses import replace

from orchestrator.core.state import BatchRecord, RunState
from orchestrator.document.vocabulary import fold_text
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Session
from orchestrator.domain.events import MetricsMeasured
from orchestrator.domain.proofs import CheckOutcome, MetricResult
from orchestrator.loop.work import Workshop
from orchestrator.ports import Prover


def measure_metrics(shop: Workshop, state: RunState) -> MetricsMeasured:
    """Measure every row of the success table on the merged work."""
    place = shop.worktrees.checkout(shop.worktrees.head(), "metrics")
    try:
        measured = run_metrics(shop.session, shop.acceptance, shop.prover, place)
    finally:
        shop.worktrees.discard(place)
    counted = {each.plan.id: count_batch(each) for each in state.batches}
    return MetricsMeasured(
        results=tuple(
            replace(counted[each.batch_id], criterion=each.criterion, target=each.target)
            if each.batch_id in counted
            else each
            for each in measured
        )
    )


def count_batch(record: BatchRecord) -> MetricResult:
    """Return the row of a batch: its proven tasks, counted; never what a report says."""
    total = len(record.facts)
    is_merged = bool(record.commit)
    outcome = (
        CheckOutcome.PASS
        if is_merged and record.proven == total
        else CheckOutcome.FAIL
        if record.attempts
        else CheckOutcome.NOT_MEASURED
    )
    return MetricResult(
        criterion=record.plan.id,
        target=f"{total}/{total}",
        outcome=outcome,
        value=f"{record.proven}/{total}" if record.attempts else "",
        reason="" if outcome is CheckOutcome.PASS else record.reason or record.state.value,
        evidence="",
        batch_id=record.plan.id,
    )


def run_metrics(
    session: Session, acceptance: Acceptance, prover: Prover, place: str
) -> tuple[MetricResult, ...]:
    """Measure the rows that a check is bound to; rows of batches are left to the caller."""
    bound = {fold_text(each.criterion): each for each in acceptance.metrics}
    batches = {fold_text(each.id): each.id for each in session.batches}
    results: list[MetricResult] = []
    for metric in session.metrics:
        name = fold_text(metric.criterion)
        binding = bound.get(name)
        outcome, value, evidence = CheckOutcome.NOT_MEASURED, "", ""
        reason = "no check is bound to it in acceptance.toml"
        if binding is not None and binding.check is not None:
            (found,) = prover.run((binding.check,), place, None).results
            outcome, value = found.outcome, found.value
            reason, evidence = found.reason, found.evidence
        elif binding is not None:
            reason = binding.not_measured
        elif name in batches:
            reason = "no batch was run"
        results.append(
            MetricResult(
                criterion=metric.criterion,
                target=metric.target,
                outcome=outcome,
                value=value,
                reason=reason,
                evidence=evidence,
                batch_id=batches.get(name) if binding is None else None,
            )
        )
    return tuple(results)
