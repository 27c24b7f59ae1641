"""Wires the orchestrator from its settings: agents, store, checks and views."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.agents.adapters.catalogue import known_adapters
from orchestrator.agents.command_adapter import CommandAdapter
from orchestrator.agents.library import AgentFile, read_library
from orchestrator.agents.process_runner import ProcessRunner
from orchestrator.agents.shipped import SHIPPED_LIBRARY
from orchestrator.config import RunSettings
from orchestrator.core.decision import decide
from orchestrator.core.fold import fold
from orchestrator.core.state import RunState
from orchestrator.document.linting import lint
from orchestrator.document.sessions import parse_session
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.document.sources import decode_document
from orchestrator.document.writing import write_digests
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import BatchId, Finding, Session, Severity
from orchestrator.domain.commands import FinishRun, MeasureMetrics
from orchestrator.domain.errors import DocumentInvalid, InputInvalid
from orchestrator.domain.events import Recorded, RunResumed, RunStarted
from orchestrator.domain.plans import BatchPlan
from orchestrator.domain.proofs import MetricResult
from orchestrator.domain.verdicts import TERMINAL
from orchestrator.loop.engine import Engine, new_attempt_id
from orchestrator.loop.planning import find_blocks, plan_batches, plan_policy
from orchestrator.loop.publishing import (
    SECTION,
    Publisher,
    render_digests,
    render_document,
    render_metrics_only,
)
from orchestrator.loop.work import Workshop, count_batch, run_metrics
from orchestrator.ports import Adapter
from orchestrator.proof.check_runner import CheckRunner
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.store.central_file import read_bounded
from orchestrator.store.project_files import ProjectFiles
from orchestrator.store.run_lock import RunLock
from orchestrator.store.sqlite_log import SqliteLog
from orchestrator.store.wall_clock import WallClock
from orchestrator.worktrees.git_worktrees import GitWorktrees

BRANCH = "orchestrate/merged"
BLOCKING = frozenset({"AGENT_UNKNOWN", "TOOL_MISSING"})
"""Errors that block a batch; the others refuse the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A document with everything that is read beside it."""

    settings: RunSettings
    content: bytes
    session: Session
    acceptance: Acceptance
    acceptance_content: bytes
    sidecar: Path | None
    agents: dict[str, AgentFile]
    findings: tuple[Finding, ...]

    @property
    def central_name(self) -> str:
        """Name of the central file, relative to the project."""
        return self.acceptance.central_file or self.session.central_file


def read_all(settings: RunSettings) -> Reading:
    """Read document, sidecar and library, and lint them.

    Raises:
        InputInvalid: a file is missing or cannot be read.
        SidecarInvalid: the sidecar has a mistake.
    """
    if not settings.document.exists():
        raise InputInvalid(f"{settings.document} does not exist")
    content = read_bounded(settings.document)
    session = parse_session(decode_document(content, settings.document.name))
    sidecar = settings.sidecar or next(
        (
            path
            for path in (
                settings.document.parent / "acceptance.toml",
                settings.root / "acceptance.toml",
            )
            if path.exists()
        ),
        None,
    )
    acceptance_content = read_bounded(sidecar) if sidecar else b""
    acceptance = parse_acceptance(acceptance_content)
    folders = [
        *([settings.agents_dir] if settings.agents_dir else []),
        *([settings.root / acceptance.agents_dir] if acceptance.agents_dir else []),
        settings.root / "agents_library",
        settings.root / ".claude" / "agents",
        SHIPPED_LIBRARY,
    ]
    agents = read_library(folders)
    findings = lint(
        session, acceptance, agents=agents, missing_tools=missing_tools(session, acceptance)
    )
    return Reading(
        settings=settings,
        content=content,
        session=session,
        acceptance=acceptance,
        acceptance_content=acceptance_content,
        sidecar=sidecar,
        agents=agents,
        findings=findings,
    )


def missing_tools(session: Session, acceptance: Acceptance) -> dict[BatchId, tuple[str, ...]]:
    """Return the programs that batches require and that are not on PATH."""
    return {
        batch.id: tuple(
            tool for tool in acceptance.of_batch(batch.id).requires if shutil.which(tool) is None
        )
        for batch in session.batches
    }


def refuse_errors(reading: Reading) -> None:
    """Refuse a document that cannot be run.

    Raises:
        DocumentInvalid: the first error that no single batch can be blocked for.
    """
    for each in reading.findings:
        if each.severity is Severity.ERROR and each.code not in BLOCKING:
            raise DocumentInvalid(
                f"{reading.settings.document}:{each.line}: {each.code}: {each.message}; "
                f"{each.remedy}"
            )


def open_log(settings: RunSettings) -> SqliteLog:
    """Open the project's event log."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    ignore = settings.folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return SqliteLog(settings.folder / "log.db", WallClock())


def load_state(log: SqliteLog) -> tuple[RunState, tuple[Recorded, ...]]:
    """Return the state of the last run and its events."""
    events = log.read()
    state = RunState()
    first = 0
    for position, recorded in enumerate(events):
        state = fold(state, recorded)
        if isinstance(recorded.event, RunStarted):
            first = position
    return state, events[first:]


def adapters_for(reading: Reading, extra: dict[str, Adapter] | None = None) -> dict[str, Adapter]:
    """Return every adapter by name."""
    settings = reading.settings
    environment = {
        "ORCH_INBOX": str(settings.folder / "inbox"),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }
    return {
        "command": CommandAdapter(reading.acceptance.agent_command, environment),
        **known_adapters(os.environ | environment, WallClock()),
        **(extra or {}),
    }


def plan_of(
    reading: Reading, session: Session, adapters: dict[str, Adapter]
) -> tuple[BatchPlan, ...]:
    """Return the plan of a document, what blocks its batches included."""
    acceptance, settings = reading.acceptance, reading.settings
    chosen = {
        batch.id: acceptance.of_batch(batch.id).adapter or acceptance.adapter or settings.adapter
        for batch in session.batches
    }
    problems = {
        name: find_problem(adapters.get(name), name, acceptance)
        for name in dict.fromkeys(chosen.values())
    }
    blocked = find_blocks(
        session,
        agents=reading.agents,
        missing_tools=missing_tools(session, acceptance),
        unusable_adapter={batch_id: problems[name] for batch_id, name in chosen.items()},
    )
    return plan_batches(
        session,
        acceptance,
        blocked=blocked,
        default_adapter=settings.adapter,
        time_scale=settings.time_scale,
    )


def find_problem(adapter: Adapter | None, name: str, acceptance: Acceptance) -> str:
    """Say why an adapter cannot be used for this run; empty if it can."""
    if adapter is None:
        return f"no adapter is called {name}"
    probe = adapter.probe()
    if acceptance.budget_usd is not None and not probe.capabilities.has_cost_usd:
        return f"budget_usd is set, and {name} does not say what it costs"
    return probe.problem


def run(
    settings: RunSettings,
    *,
    on_event: Callable[[Recorded, RunState], None],
    should_stop: Callable[[], bool],
    wrap_log: Callable[[SqliteLog], SqliteLog] = lambda log: log,
    extra_adapters: dict[str, Adapter] | None = None,
) -> RunState:
    """Start a run or take up the last one, and drive it to its end.

    Raises:
        DocumentInvalid: the document cannot be run.
        AlreadyRunning: another orchestrator works on the project.
    """
    reading = read_all(settings)
    refuse_errors(reading)
    lock = RunLock(_folder(settings))
    lock.acquire()
    log = wrap_log(open_log(settings))
    try:
        engine = build_engine(reading, log, adapters_for(reading, extra_adapters))
        engine.on_event = on_event
        return engine.run(should_stop)
    finally:
        log.close()
        lock.release()


def _folder(settings: RunSettings) -> Path:
    settings.folder.mkdir(parents=True, exist_ok=True)
    return settings.folder


def build_engine(reading: Reading, log: SqliteLog, adapters: dict[str, Adapter]) -> Engine:
    """Wire the loop of one run, and store that it started or goes on."""
    settings, acceptance = reading.settings, reading.acceptance
    clock = WallClock()
    artifacts = ArtifactFiles(settings.folder / "artifacts")
    worktrees = GitWorktrees(settings.root, settings.folder / "worktrees", BRANCH)
    runner = ProcessRunner(
        os.environ,
        (*acceptance.environment, *settings.agent_environment),
        settings.patience,
    )
    shop = Workshop(
        session=reading.session,
        acceptance=acceptance,
        worktrees=worktrees,
        prover=CheckRunner(artifacts, reading.sidecar.parent if reading.sidecar else settings.root),
        runner=runner,
        artifacts=artifacts,
        kept_out=_kept_out(reading),
    )

    def replan(content: bytes) -> tuple[BatchPlan, ...]:
        session = parse_session(decode_document(content, settings.document.name))
        shop.session = session
        return plan_of(reading, session, adapters)

    project = ProjectFiles(settings.root, settings.document, reading.central_name)
    state, _ = load_state(log)
    if settings.is_fresh or not _goes_on(state, clock.now_ms()):
        plans = plan_of(reading, reading.session, adapters)
        central = settings.root / reading.central_name
        log.append(
            RunStarted(
                run_id=new_attempt_id(clock.now_ms()),
                batches=plans,
                policy=plan_policy(
                    acceptance,
                    trust_claims=settings.trust_claims,
                    report_grace_ms=settings.report_grace_ms,
                    quota_wait_ms=settings.quota_wait_ms,
                ),
                document_path=str(settings.document),
                document_sha256=artifacts.put(reading.content),
                acceptance_sha256=artifacts.put(reading.acceptance_content),
                central_sha256=artifacts.put(read_bounded(central)),
                base_commit=worktrees.head(),
            )
        )
    else:
        log.append(RunResumed(pid=os.getpid()))
    return Engine(
        log=log,
        project=project,
        shop=shop,
        adapters=adapters,
        skills={name: agent.body for name, agent in reading.agents.items()},
        clock=clock,
        publisher=Publisher(project=project, session=reading.session, replan=replan),
        central_file=reading.central_name,
    )


def _goes_on(state: RunState, now_ms: int) -> bool:
    """Tell whether the last run has something left to do."""
    if state.started is None:
        return False
    if not state.finished:
        return True
    left = decide(replace(state, finished="", is_metrics_due=False), now_ms)
    return any(not isinstance(each, FinishRun | MeasureMetrics) for each in left)


def open_project_log(root: Path) -> SqliteLog:
    """Open the log of a project by its root."""
    return SqliteLog(root / ".orchestrator" / "log.db", WallClock())


def audit(settings: RunSettings, *, is_written: bool) -> tuple[MetricResult, ...]:
    """Measure the success table on the project as it lies there; hand out nothing.

    Rows of batches come from the last run, if the log holds one.
    """
    reading = read_all(settings)
    log = open_log(settings)
    try:
        state, _ = load_state(log)
    finally:
        log.close()
    folder = reading.sidecar.parent if reading.sidecar else settings.root
    prover = CheckRunner(ArtifactFiles(settings.folder / "artifacts"), folder)
    measured = run_metrics(reading.session, reading.acceptance, prover, str(settings.root))
    counted = {each.plan.id: count_batch(each) for each in state.batches}
    results = tuple(
        replace(counted[each.batch_id], criterion=each.criterion, target=each.target)
        if each.batch_id is not None and each.batch_id in counted
        else each
        for each in measured
    )
    if is_written:
        now_ms = WallClock().now_ms()
        content = render_metrics_only(reading.content, results, now_ms)
        project = ProjectFiles(settings.root, settings.document, reading.central_name)
        if not project.write_document(content, reading.content):
            raise InputInvalid(f"{settings.document} was edited meanwhile: run the audit again")
    return results


def rebuild(root: Path, state: RunState) -> dict[Path, bytes]:
    """Return the documents of the last run as the log alone gives them.

    Raises:
        InputInvalid: the log holds no run, or an artifact is gone.
    """
    if state.started is None:
        raise InputInvalid(f"the log of {root} holds no run")
    artifacts = ArtifactFiles(root / ".orchestrator" / "artifacts")
    original = artifacts.get(state.started.document_sha256)
    session = parse_session(decode_document(original))
    acceptance = parse_acceptance(artifacts.get(state.started.acceptance_sha256))
    central = artifacts.get(state.started.central_sha256)
    return {
        Path(state.started.document_path): render_document(original, state),
        root / (acceptance.central_file or session.central_file): render_central(
            central, session, state
        ),
    }


def render_central(content: bytes, session: Session, state: RunState) -> bytes:
    """Return a central file with our lines brought up to date."""
    source = decode_document(content)
    section = session.central_section or SECTION
    return source.encode(
        write_digests(source.text, section, render_digests(state, session.language))
    )


def find_differences(root: Path, state: RunState) -> tuple[Path, ...]:
    """Return the documents in which what is ours is not what the log gives.

    What others wrote around it since is theirs, and no difference.

    Raises:
        InputInvalid: the log holds no run, or an artifact is gone.
    """
    document, central = rebuild(root, state)
    contents = {path: read_bounded(path) for path in (document, central)}
    session = parse_session(decode_document(contents[document]))
    expected = {
        document: render_document(contents[document], state),
        central: render_central(contents[central], session, state),
    }
    return tuple(path for path, content in contents.items() if expected[path] != content)


def clean_up(root: Path) -> tuple[str, ...]:
    """Remove the worktrees of batches that are finished; keep what was not merged as a patch."""
    log = open_project_log(root)
    try:
        state, _ = load_state(log)
    finally:
        log.close()
    worktrees = GitWorktrees(root, root / ".orchestrator" / "worktrees", BRANCH)
    removed: list[str] = []
    for record in state.batches:
        attempt = record.attempt
        if attempt is None or record.state not in TERMINAL:
            continue
        place = attempt.planned.worktree
        is_orphaned = attempt.ended is not None and attempt.ended.orphans_left
        if Path(place).exists() and not is_orphaned:
            worktrees.archive(place, f"{attempt.planned.attempt_dir}/left-behind.patch")
            removed.append(place)
    return tuple(removed)


def all_adapters(root: Path) -> dict[str, Adapter]:
    """Return every adapter, for people who ask what is there."""
    sidecar = root / "acceptance.toml"
    acceptance = parse_acceptance(read_bounded(sidecar))
    return {
        "command": CommandAdapter(acceptance.agent_command),
        **known_adapters(os.environ, WallClock()),
    }


def _kept_out(reading: Reading) -> tuple[str, ...]:
    """Return the paths that agents may write and that are never merged."""
    root = reading.settings.root.resolve()
    paths = (reading.settings.document, reading.sidecar)
    placed = [path.resolve() for path in paths if path is not None]
    return (
        reading.central_name,
        *(str(path.relative_to(root)) for path in placed if path.is_relative_to(root)),
    )
