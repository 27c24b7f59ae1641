"""The longer jobs of the loop, each a function from what it needs to the event that ends it.

They run in threads and touch neither the log nor the state.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.decision import prove_task
from orchestrator.core.state import PROVEN, Attempt, BatchRecord, RunState
from orchestrator.document.inference import checks_for
from orchestrator.document.sidecar import is_unsafe_path
from orchestrator.document.vocabulary import fold_text
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Batch, Session
from orchestrator.domain.checks import Check, CommandCheck, FileCheck
from orchestrator.domain.errors import InputInvalid, MergeConflict, WorktreeFailed
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptVerified,
    BaselineTaken,
    BatchIntegrated,
    IntegrationFailed,
    MetricsMeasured,
)
from orchestrator.domain.proofs import (
    CheckOutcome,
    MetricResult,
    TamperFinding,
)
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Adapter, AgentRunner, ArtifactStore, Prover, Worktrees

PLANTS: Final = ("conftest.py", "sitecustomize.py", "usercustomize.py", "*.pth", "pytest.ini")
"""Files that change how a judge runs without being named by it."""
EVIDENCE_TAIL_CHARACTERS: Final = 3_000


@dataclass(slots=True, kw_only=True)
class Workshop:
    """The tools of the jobs, and what they judge by."""

    session: Session
    """Exchanged by the loop's thread when the document was edited."""
    acceptance: Acceptance
    worktrees: Worktrees
    prover: Prover
    runner: AgentRunner
    artifacts: ArtifactStore
    kept_out: tuple[str, ...]
    """Paths that agents may write and that are never merged: the central file, the document."""

    def batch(self, batch_id: str) -> Batch:
        """Return what the document says of a batch."""
        return next(each for each in self.session.batches if each.id == batch_id)

    def checks(self, batch_id: str) -> tuple[Check, ...]:
        """Return the checks of a batch."""
        return checks_for(self.batch(batch_id), self.acceptance)


def take_baseline(shop: Workshop, record: BatchRecord) -> BaselineTaken:
    """Run the checks on the tree that the batch will start from."""
    base = shop.worktrees.head()
    place = shop.worktrees.checkout(base, f"baseline-{record.plan.id}")
    try:
        judged = shop.prover.run(shop.checks(record.plan.id), place, None)
    finally:
        shop.worktrees.discard(place)
    return BaselineTaken(batch_id=record.plan.id, base_commit=base, results=judged.results)


def end_attempt(
    shop: Workshop,
    adapter: Adapter,
    record: BatchRecord,
    execution: Execution | None = None,
    detail: str = "",
) -> AttemptEnded:
    """End a process and all it started; or sweep behind one that ended by itself.

    Args:
        shop: The tools.
        adapter: Judges an end that was its own.
        record: The batch; its latest attempt is meant.
        execution: Why it is stopped; None if it ended by itself.
        detail: The same in words.
    """
    attempt = record.attempt
    assert attempt is not None
    planned = attempt.planned
    outcome = shop.runner.stop(adapter, planned.attempt_id, planned.attempt_dir)
    ending = outcome.ending
    return AttemptEnded(
        batch_id=record.plan.id,
        attempt_id=planned.attempt_id,
        execution=execution or ending.execution,
        detail=detail or ending.detail,
        exit_code=ending.exit_code,
        orphans_killed=outcome.orphans_killed,
        orphans_left=outcome.orphans_left,
        cost_usd=ending.cost_usd,
        tokens=ending.tokens,
        denied=ending.denied,
        conversation=ending.conversation,
        retry_at_ms=ending.retry_at_ms,
    )


def verify_attempt(shop: Workshop, record: BatchRecord) -> AttemptVerified:
    """Commit what the agent left, and judge it in a clean checkout."""
    attempt = record.attempt
    assert attempt is not None
    batch_id, planned = record.plan.id, attempt.planned
    message = f"{batch_id}, attempt {planned.attempt}"
    commit = shop.worktrees.commit(planned.worktree, planned.base_commit, message, shop.kept_out)
    changed = shop.worktrees.changed_paths(planned.base_commit, commit)
    tampering = find_tampering(shop, batch_id, attempt, changed, commit)
    place = shop.worktrees.checkout(commit, f"judge-{batch_id}")
    try:
        shop.worktrees.restore(
            place, planned.base_commit, [each.path for each in tampering if each.path in changed]
        )
        judged = shop.prover.run(shop.checks(batch_id), place, changed)
        claimed = shop.prover.run(claimed_files(shop, attempt), place, changed)
    finally:
        shop.worktrees.discard(place)
    results = (*judged.results, *claimed.results)
    baseline = record.baseline.results if record.baseline else ()
    return AttemptVerified(
        batch_id=batch_id,
        attempt_id=planned.attempt_id,
        commit=commit,
        results=results,
        proofs=tuple(prove_task(task.ordinal, results, baseline) for task in record.plan.tasks),
        tampering=(*tampering, *judged.tampering),
    )


def find_tampering(
    shop: Workshop, batch_id: str, attempt: Attempt, changed: Sequence[str], commit: str
) -> tuple[TamperFinding, ...]:
    """Return changes to what judges the work, and ways out of the worktree."""
    named = {name for each in shop.batch(batch_id).deliverables for name in each.names}
    has_commands = any(isinstance(each.kind, CommandCheck) for each in shop.checks(batch_id))
    found: list[TamperFinding] = []
    for path in changed:
        name = path.rsplit("/", 1)[-1]
        if any(fnmatch.fnmatch(path, pattern) for pattern in shop.acceptance.protected):
            found.append(TamperFinding(path=path, message="a protected path was changed"))
        elif (
            has_commands
            and name not in named
            and any(fnmatch.fnmatch(name, pattern) for pattern in PLANTS)
        ):
            found.append(TamperFinding(path=path, message="it would change how the checks run"))
    found += [
        TamperFinding(path=path, message="SECURITY: a symbolic link leads out of the worktree")
        for path in shop.worktrees.escaping_links(commit)
    ]
    claimed = attempt.reports[-1].files if attempt.reports else ()
    found += [
        TamperFinding(path=path, message="SECURITY: the report names a path outside the worktree")
        for path in claimed
        if path != "(none)"
        and is_unsafe_path(path.removeprefix(attempt.planned.worktree).lstrip("/") or "/")
    ]
    return tuple(found)


def claimed_files(shop: Workshop, attempt: Attempt) -> tuple[Check, ...]:
    """Return a check for each file that the report names: it has to be there."""
    named = attempt.reports[-1].files if attempt.reports else ()
    paths = (path.removeprefix(attempt.planned.worktree).lstrip("/") for path in named)
    return tuple(
        Check(
            id=f"claimed:{path}",
            kind=FileCheck(path=path, bytes_min=0),
            task=None,
            is_inferred=True,
        )
        for path in paths
        if path != "(none)" and path not in shop.kept_out and not is_unsafe_path(path)
    )


def integrate_attempt(shop: Workshop, record: BatchRecord) -> BatchIntegrated | IntegrationFailed:
    """Merge the verified commit if the checks hold on the merged tree too."""
    attempt = record.attempt
    assert attempt is not None
    assert attempt.verified is not None
    batch_id, planned = record.plan.id, attempt.planned
    changed = shop.worktrees.changed_paths(planned.base_commit, attempt.verified.commit)

    def judge(place: str) -> str:
        judged = shop.prover.run(shop.checks(batch_id), place, changed)
        failed = [each for each in judged.results if each.outcome is CheckOutcome.FAIL]
        return "" if record.is_approved or not failed else failed[0].reason

    try:
        commit = shop.worktrees.integrate(attempt.verified.commit, f"Merge {batch_id}", judge)
    except MergeConflict as e:
        return IntegrationFailed(
            batch_id=batch_id, attempt_id=planned.attempt_id, detail=str(e), is_conflict=True
        )
    except WorktreeFailed as e:
        return IntegrationFailed(
            batch_id=batch_id, attempt_id=planned.attempt_id, detail=str(e), is_conflict=False
        )
    return BatchIntegrated(batch_id=batch_id, attempt_id=planned.attempt_id, commit=commit)


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
            _with_row(each, counted[each.batch_id]) if each.batch_id in counted else each
            for each in measured
        )
    )


def _with_row(row: MetricResult, counted: MetricResult) -> MetricResult:
    return MetricResult(
        criterion=row.criterion,
        target=row.target,
        outcome=counted.outcome,
        value=counted.value,
        reason=counted.reason,
        evidence="",
        batch_id=row.batch_id,
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
    strong = sum(1 for each in record.facts if each.proof in PROVEN)
    return MetricResult(
        criterion=record.plan.id,
        target=f"{total}/{total}",
        outcome=outcome,
        value=f"{strong}/{total}" if record.attempts else "",
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


def evidence_for(shop: Workshop, record: BatchRecord, said: str) -> str:
    """Return what failed with the tail of the output, for the next prompt."""
    attempt = record.attempt
    parts = [said]
    for result in attempt.verified.results if attempt and attempt.verified else ():
        if result.outcome is CheckOutcome.FAIL and result.evidence:
            try:
                output = shop.artifacts.get(result.evidence).decode(errors="replace")
            except InputInvalid:
                continue
            parts.append(f"output of {result.check_id}:\n{output[-EVIDENCE_TAIL_CHARACTERS:]}")
    return "\n".join(parts) if said else ""


def skills_for(batch: Batch, bodies: Mapping[str, str]) -> dict[str, str]:
    """Return the bodies of the agents and skills a batch names, in order."""
    names = dict.fromkeys((*batch.agents, *batch.mentions))
    return {name: bodies[name] for name in names if name in bodies}
