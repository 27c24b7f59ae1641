"""The longer jobs of the loop, each a function from what it needs to the event that ends it.

They run in threads and touch neither the log nor the state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.judgement import prove_task
from orchestrator.core.state import Attempt, BatchRecord
from orchestrator.document.inference import checks_for
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Batch, Session
from orchestrator.domain.checks import Check, FileCheck
from orchestrator.domain.errors import InputInvalid, MergeConflict, WorktreeFailed
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptVerified,
    BaselineTaken,
    BatchIntegrated,
    IntegrationFailed,
)
from orchestrator.domain.paths import within
from orchestrator.domain.proofs import CheckOutcome, Proof, TamperFinding, TaskProof
from orchestrator.domain.verdicts import Execution
from orchestrator.loop.tampering import find_tampering
from orchestrator.ports import Adapter, AgentRunner, ArtifactStore, Prover, Worktrees

EVIDENCE_TAIL_CHARACTERS: Final = 3_000


@dataclass(slots=True, kw_only=True)
class Workshop:
    """The tools of the jobs, and what they judge by."""

    session: Session
    """Exchanged by the loop's thread when the document was edited."""
    batches: dict[str, Batch]
    """Every batch that the document has ever defined in this run: one that was edited out is still
    known, for the attempt that works on it and for the record."""
    acceptance: Acceptance
    worktrees: Worktrees
    prover: Prover
    runner: AgentRunner
    artifacts: ArtifactStore
    kept_out: tuple[str, ...]
    """Paths that agents may write and that are never merged: the central file, the document."""

    def read_again(self, session: Session) -> None:
        """Take up an edited document."""
        self.session = session
        self.batches |= {each.id: each for each in session.batches}

    def checks(self, batch_id: str) -> tuple[Check, ...]:
        """Return the checks of a batch."""
        return checks_for(self.batches[batch_id], self.acceptance)


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
    """Commit what the agent left, and judge it in a clean checkout.

    An agent that broke its own worktree has proven nothing; the next attempt gets a new one.
    """
    attempt = record.attempt
    assert attempt is not None
    batch_id, planned = record.plan.id, attempt.planned
    checks = shop.checks(batch_id)
    claimed, outside = claimed_files(attempt, shop.kept_out)
    try:
        commit = shop.worktrees.commit(
            planned.worktree,
            planned.base_commit,
            f"{batch_id}, attempt {planned.attempt}",
            keep_out=shop.kept_out,
            wanted=sorted(set(_paths_of((*checks, *claimed)))),
        )
    except WorktreeFailed as e:
        return AttemptVerified(
            batch_id=batch_id,
            attempt_id=planned.attempt_id,
            commit=planned.base_commit,
            results=(),
            proofs=_nothing_proven(record, str(e)),
            tampering=(TamperFinding(path=planned.worktree, message=str(e)),),
        )
    changed = shop.worktrees.changed_paths(planned.base_commit, commit)
    place = shop.worktrees.checkout(commit, f"judge-{batch_id}")
    try:
        tampering = (
            *find_tampering(
                changed, shop.acceptance.protected, _deliverables(shop, batch_id), checks
            ),
            *outside,
            *(
                TamperFinding(
                    path=path, message="a symbolic link leads out of the worktree", is_security=True
                )
                for path in shop.worktrees.escaping_links(place, changed)
            ),
        )
        shop.worktrees.restore(
            place, planned.base_commit, [each.path for each in tampering if each.path in changed]
        )
        judged = shop.prover.run(checks, place, changed)
        present = shop.prover.run(claimed, place, changed)
    finally:
        shop.worktrees.discard(place)
    results = (*judged.results, *present.results)
    baseline = record.baseline.results if record.baseline else ()
    return AttemptVerified(
        batch_id=batch_id,
        attempt_id=planned.attempt_id,
        commit=commit,
        results=results,
        proofs=tuple(prove_task(task.ordinal, results, baseline) for task in record.plan.tasks),
        tampering=tampering,
    )


def _nothing_proven(record: BatchRecord, reason: str) -> tuple[TaskProof, ...]:
    return tuple(
        TaskProof(ordinal=task.ordinal, proof=Proof.NONE, reason=reason)
        for task in record.plan.tasks
    )


def _paths_of(checks: Sequence[Check]) -> Iterator[str]:
    """Yield the files that checks look at."""
    for each in checks:
        path = getattr(each.kind, "path", None)
        if isinstance(path, str):
            yield path


def _deliverables(shop: Workshop, batch_id: str) -> frozenset[str]:
    return frozenset(name for each in shop.batches[batch_id].deliverables for name in each.names)


def claimed_files(
    attempt: Attempt, kept_out: Sequence[str]
) -> tuple[tuple[Check, ...], tuple[TamperFinding, ...]]:
    """Return a check for each file the last report names, and the paths that lead outside."""
    named = attempt.reports[-1].files if attempt.reports else ()
    checks: list[Check] = []
    outside: list[TamperFinding] = []
    for written in named:
        if written == "(none)":
            continue
        path = within(attempt.planned.worktree, written)
        if path is None:
            message = "the report names a path outside of the worktree"
            outside.append(TamperFinding(path=written, message=message))
        elif path not in kept_out:
            kind = FileCheck(path=path, bytes_min=0)
            checks.append(Check(id=f"claimed:{path}", kind=kind, task=None, is_inferred=True))
    return tuple(checks), tuple(outside)


def integrate_attempt(shop: Workshop, record: BatchRecord) -> BatchIntegrated | IntegrationFailed:
    """Merge the verified commit if the checks hold on the merged tree too.

    A check that could not be measured, which a person may have approved, is no objection; one that
    fails is. A batch that was cancelled is merged only if it already is.
    """
    attempt = record.attempt
    assert attempt is not None
    assert attempt.verified is not None
    batch_id, attempt_id = record.plan.id, attempt.planned.attempt_id
    commit = attempt.verified.commit
    changed = shop.worktrees.changed_paths(attempt.planned.base_commit, commit)

    def judge(place: str) -> str:
        judged = shop.prover.run(shop.checks(batch_id), place, changed)
        failed = [each for each in judged.results if each.outcome is CheckOutcome.FAIL]
        return failed[0].reason if failed else ""

    try:
        if record.is_cancelling and not shop.worktrees.is_merged(commit):
            raise WorktreeFailed("cancelled by a person before the merge")  # noqa: TRY301
        merged = shop.worktrees.integrate(commit, f"Merge {batch_id}", judge)
    except WorktreeFailed as e:
        return IntegrationFailed(
            batch_id=batch_id,
            attempt_id=attempt_id,
            detail=str(e),
            is_conflict=isinstance(e, MergeConflict),
        )
    return BatchIntegrated(batch_id=batch_id, attempt_id=attempt_id, commit=merged)


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
