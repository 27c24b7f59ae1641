"""What is wrong with a session document before anything is spent on it."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Final

from orchestrator.document.vocabulary import fold_text
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Batch, BatchId, Finding, Session, Severity

_COMMON_WORDS: Final = frozenset(
    ["production", "test", "tests", "system", "setup", "validation", "installation", "verification"]
)
_TOOL_OF_SUFFIX: Final = {"rs": "cargo", "ts": "node", "go": "go", "java": "java"}
_SUFFIX: Final = re.compile(r"[\w/-]+\.(rs|ts|go|java)\b")


def lint(
    session: Session,
    acceptance: Acceptance,
    *,
    agents: Collection[str],
    missing_tools: Mapping[BatchId, Collection[str]],
) -> tuple[Finding, ...]:
    """Return every finding, by line.

    Args:
        session: What was read.
        acceptance: The sidecar.
        agents: Names for which an agent file was found.
        missing_tools: Batch id to the required programs that are not on PATH.
    """
    findings = [
        *session.findings,
        *_lint_blockers(session),
        *_lint_agents(session, agents),
        *_lint_tools(session, acceptance, missing_tools),
        *_lint_order(session),
        *_lint_metrics(session, acceptance),
        *_lint_batches(session, acceptance),
    ]
    return tuple(sorted(findings, key=lambda each: (each.line, each.code)))


def _lint_blockers(session: Session) -> list[Finding]:
    """Find blockers that no task takes up."""
    titles = {
        word
        for batch in session.batches
        for task in batch.tasks
        for word in fold_text(task.title.replace("_", " ")).split()
    }
    return [
        Finding(
            code="BLOCKER_UNCOVERED",
            severity=Severity.WARNING,
            line=item.line,
            message=f'blocker {item.ordinal} "{item.title}" is in no batch',
            remedy="add a task for it, or require the tool in acceptance.toml (requires)",
        )
        for item in session.state_items
        if item.is_blocker and not (set(fold_text(item.title).split()) - _COMMON_WORDS) & titles
    ]


def _lint_agents(session: Session, agents: Collection[str]) -> list[Finding]:
    """Find agents and skills that are named and exist nowhere."""
    findings: list[Finding] = []
    for batch in session.batches:
        for name in dict.fromkeys((*batch.agents, *batch.mentions)):
            if name in agents:
                continue
            near = difflib.get_close_matches(name, agents, n=1)
            findings.append(
                Finding(
                    code="AGENT_UNKNOWN",
                    severity=Severity.ERROR,
                    line=batch.line,
                    message=f"{batch.id} names the agent {name}, and no {name}.md was found"
                    + (f" (did you mean {near[0]}?)" if near else ""),
                    remedy="put the file into agents_library, or name the folder: --agents-dir",
                )
            )
    if session.library_path and session.library_path.startswith("/"):
        findings.append(
            Finding(
                code="LIBRARY_PATH_FOREIGN",
                severity=Severity.NOTE,
                line=session.library[0].line if session.library else 1,
                message=f"the agents library {session.library_path} may exist on another machine "
                "only",
                remedy="agents are looked for in --agents-dir, agents_library and .claude/agents",
            )
        )
    return findings


def _lint_tools(
    session: Session, acceptance: Acceptance, missing: Mapping[BatchId, Collection[str]]
) -> list[Finding]:
    """Find batches that need a program which is not here, or seem to."""
    mapped = dict(acceptance.path_map)
    findings: list[Finding] = []
    for batch in session.batches:
        findings += [
            Finding(
                code="TOOL_MISSING",
                severity=Severity.ERROR,
                line=batch.line,
                message=f"{batch.id} requires {tool}, which is not on PATH",
                remedy=f"install {tool}; until then the batch is blocked",
            )
            for tool in sorted(missing.get(batch.id, ()))
        ]
        foreign = [match for match in _SUFFIX.finditer(batch.prompt) if match[0] not in mapped]
        for suffix in dict.fromkeys(match[1] for match in foreign):
            tool = _TOOL_OF_SUFFIX[suffix]
            if tool not in acceptance.of_batch(batch.id).requires:
                findings.append(
                    Finding(
                        code="TOOL_UNDECLARED",
                        severity=Severity.WARNING,
                        line=batch.line,
                        message=f"{batch.id} asks for .{suffix} files, which need {tool}, and "
                        "acceptance.toml does not say so",
                        remedy=f'requires = ["{tool}"], or map the paths under [paths]',
                    )
                )
    return findings


def _lint_order(session: Session) -> list[Finding]:
    """Find dependencies on nothing and in a circle."""
    known = {batch.id: batch for batch in session.batches}
    findings = [
        Finding(
            code="DEPENDENCY_UNKNOWN",
            severity=Severity.ERROR,
            line=batch.line,
            message=f"{batch.id} waits for {name}, which no section defines",
            remedy="correct the id, or define the batch",
        )
        for batch in session.batches
        for name in batch.depends_on
        if name not in known
    ]
    findings += [
        Finding(
            code="DEPENDENCY_CYCLE",
            severity=Severity.ERROR,
            line=batch.line,
            message=f"{batch.id} waits for itself: {' -> '.join(circle)}",
            remedy="take one of the dependencies out",
        )
        for batch in session.batches
        if (circle := find_cycle(batch.id, known))
    ]
    return findings


def find_cycle(start: BatchId, known: Mapping[BatchId, Batch]) -> tuple[BatchId, ...]:
    """Return the way from a batch back to itself; empty if there is none."""
    trail: list[tuple[BatchId, ...]] = [(start,)]
    seen: set[BatchId] = set()
    while trail:
        path = trail.pop()
        batch = known.get(path[-1])
        for name in batch.depends_on if batch else ():
            if name == start:
                return (*path, start)
            if name not in seen:
                seen.add(name)
                trail.append((*path, name))
    return ()


def _lint_metrics(session: Session, acceptance: Acceptance) -> list[Finding]:
    """Find rows of the success table that nothing measures, and bindings without a row."""
    bound = {fold_text(binding.criterion) for binding in acceptance.metrics}
    batches = {fold_text(batch.id) for batch in session.batches}
    rows = {fold_text(metric.criterion) for metric in session.metrics}
    findings = [
        Finding(
            code="METRIC_UNBOUND",
            severity=Severity.WARNING,
            line=metric.line,
            message=f'nothing measures the metric "{metric.criterion}" ({metric.target})',
            remedy="bind it in acceptance.toml: [[metrics]] criterion, kind",
        )
        for metric in session.metrics
        if fold_text(metric.criterion) not in bound | batches
    ]
    findings += [
        Finding(
            code="METRIC_WITHOUT_ROW",
            severity=Severity.WARNING,
            line=1,
            message=f'acceptance.toml measures "{binding.criterion}", which is no row of the table',
            remedy="correct the criterion",
        )
        for binding in acceptance.metrics
        if fold_text(binding.criterion) not in rows
    ]
    return findings


def _lint_batches(session: Session, acceptance: Acceptance) -> list[Finding]:
    """Find batches that cannot be worked on, and checks of batches that do not exist."""
    findings: list[Finding] = []
    for batch in session.batches:
        ordinals = [task.ordinal for task in batch.tasks]
        problems = (
            (not ordinals, "BATCH_WITHOUT_TASKS", "has no tasks", "number them under **Tasks**:"),
            (
                len(set(ordinals)) != len(ordinals),
                "TASK_DUPLICATE",
                "gives two tasks the same number",
                "number them anew",
            ),
            (not batch.agents, "BATCH_WITHOUT_AGENT", "names no agent", "add **Agents**: NAME"),
        )
        findings += [
            Finding(
                code=code,
                severity=Severity.WARNING if code == "BATCH_WITHOUT_AGENT" else Severity.ERROR,
                line=batch.line,
                message=f"{batch.id} {message}",
                remedy=remedy,
            )
            for is_wrong, code, message, remedy in problems
            if is_wrong
        ]
        findings += [
            Finding(
                code="CHECK_WITHOUT_TASK",
                severity=Severity.ERROR,
                line=batch.line,
                message=f"acceptance.toml checks task {check.task} of {batch.id}, which has none",
                remedy="correct the number",
            )
            for check in acceptance.of_batch(batch.id).checks
            if check.task is not None and check.task not in ordinals
        ]
    known = {batch.id for batch in session.batches}
    findings += [
        Finding(
            code="CHECK_WITHOUT_BATCH",
            severity=Severity.WARNING,
            line=1,
            message=f"acceptance.toml speaks of {name}, which the document does not define",
            remedy="correct the id",
        )
        for name, _ in acceptance.batches
        if name not in known
    ]
    if not session.batches:
        findings.append(
            Finding(
                code="NO_BATCHES",
                severity=Severity.ERROR,
                line=1,
                message="the document defines no batch",
                remedy="add a section: ### TODO-BATCH-001 with **Agents**, **Tasks**, **Prompt**",
            )
        )
    return findings
