"""Wires the loop of one run from its settings, and drives it to its end."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from orchestrator.agents.process_runner import ProcessRunner
from orchestrator.bootstrap.adapters import adapters_for, find_problems
from orchestrator.bootstrap.inputs import Reading, missing_tools, read_all, refuse_errors
from orchestrator.bootstrap.logs import load_state, open_log, prepare_folder
from orchestrator.config import RunSettings
from orchestrator.core.decision import decide
from orchestrator.core.state import RunState
from orchestrator.document.linting import lint
from orchestrator.document.sessions import parse_session
from orchestrator.document.sources import decode_document
from orchestrator.domain.batches import Batch, Session
from orchestrator.domain.commands import FinishRun, MeasureMetrics
from orchestrator.domain.errors import DocumentInvalid, InputInvalid
from orchestrator.domain.events import Recorded, RunResumed, RunStarted
from orchestrator.domain.plans import BatchPlan
from orchestrator.loop.engine import Engine, new_attempt_id
from orchestrator.loop.planning import find_blocks, plan_batches, plan_policy
from orchestrator.loop.publishing import Publisher
from orchestrator.loop.work import Workshop
from orchestrator.ports import Adapter
from orchestrator.proof.check_runner import CheckRunner
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.store.files import read_bounded
from orchestrator.store.project_files import ProjectFiles
from orchestrator.store.run_lock import RunLock
from orchestrator.store.sqlite_log import SqliteLog
from orchestrator.store.wall_clock import WallClock
from orchestrator.worktrees.git_worktrees import GitWorktrees

BRANCH: Final = "orchestrate/merged"


def run(
    settings: RunSettings,
    *,
    on_event: Callable[[Recorded, RunState], None],
    should_stop: Callable[[], bool],
    wrap_log: Callable[[SqliteLog], SqliteLog] = lambda log: log,
    extra_adapters: Mapping[str, Adapter] | None = None,
) -> RunState:
    """Start a run or take up the last one, and drive it to its end.

    Args:
        settings: What a person chose.
        on_event: Told of each event with the state behind it.
        should_stop: Asked between two steps; agents at work go on, the next run takes them up.
        wrap_log: Lets a test stand between the engine and its log.
        extra_adapters: Agents beside the known ones.

    Raises:
        DocumentInvalid: the document cannot be run.
        AlreadyRunning: another orchestrator works on the project.
        WorktreeFailed: the project is no git repository that can be worked in.
    """
    reading = read_all(settings)
    refuse_errors(reading)
    lock = RunLock(prepare_folder(settings.root))
    lock.acquire()
    try:
        log = wrap_log(open_log(settings.root))
        try:
            engine = _build_engine(reading, log, adapters_for(reading, extra_adapters))
            engine.on_event = on_event
            return engine.run(should_stop)
        finally:
            log.close()
    finally:
        lock.release()


def plan_run(reading: Reading, adapters: Mapping[str, Adapter]) -> tuple[BatchPlan, ...]:
    """Return the plan of a document as it was read, what blocks its batches included."""
    return _plan(reading, reading.session, find_problems(reading, adapters))


def _plan(reading: Reading, session: Session, problems: Mapping[str, str]) -> tuple[BatchPlan, ...]:
    """Return the plan of a session; `problems` says which adapters cannot be used, and why."""
    acceptance, settings = reading.acceptance, reading.settings
    unusable = {
        batch.id: problems.get(
            acceptance.of_batch(batch.id).adapter or acceptance.adapter or settings.adapter, ""
        )
        for batch in session.batches
    }
    blocked = find_blocks(
        session,
        agents=reading.agents,
        missing_tools=missing_tools(session, acceptance),
        unusable_adapter=unusable,
    )
    return plan_batches(
        session,
        acceptance,
        blocked=blocked,
        default_adapter=settings.adapter,
        time_scale=settings.time_scale,
    )


def _build_engine(reading: Reading, log: SqliteLog, adapters: Mapping[str, Adapter]) -> Engine:
    """Wire the loop of one run, and store that it started or goes on."""
    settings, acceptance = reading.settings, reading.acceptance
    clock = WallClock()
    artifacts = ArtifactFiles(settings.folder / "artifacts")
    worktrees = GitWorktrees(settings.root, settings.folder / "worktrees", BRANCH)
    worktrees.refuse_checked_out()
    project = ProjectFiles(settings.root, settings.document, reading.central_name)
    problems = find_problems(reading, adapters)  # asked once: some programs take seconds to answer
    state, _ = load_state(log)
    if settings.is_fresh or not _goes_on(state, clock.now_ms()):
        log.append(
            RunStarted(
                run_id=new_attempt_id(clock.now_ms()),
                batches=_plan(reading, reading.session, problems),
                policy=plan_policy(
                    acceptance,
                    trust_claims=settings.trust_claims,
                    report_grace_ms=settings.report_grace_ms,
                    quota_wait_ms=settings.quota_wait_ms,
                ),
                document_path=str(settings.document),
                document_sha256=artifacts.put(reading.content),
                acceptance_sha256=artifacts.put(reading.acceptance_content),
                central_sha256=artifacts.put(read_bounded(settings.root / reading.central_name)),
                base_commit=worktrees.head(),
            )
        )
        known: tuple[Batch, ...] = ()
    else:
        log.append(RunResumed(pid=os.getpid()))
        assert state.started is not None
        known = parse_session(decode_document(artifacts.get(state.started.document_sha256))).batches
    shop = Workshop(
        session=reading.session,
        batches={each.id: each for each in (*known, *reading.session.batches)},
        acceptance=acceptance,
        worktrees=worktrees,
        prover=CheckRunner(artifacts, reading.sidecar_folder),
        runner=ProcessRunner(
            os.environ,
            (*acceptance.environment, *settings.agent_environment),
            settings.patience,
        ),
        artifacts=artifacts,
        kept_out=_kept_out(reading),
    )

    def replan(content: bytes) -> tuple[BatchPlan, ...]:
        session = parse_session(decode_document(content, settings.document.name))
        tools = missing_tools(session, acceptance)
        findings = lint(session, acceptance, agents=reading.agents, missing_tools=tools)
        try:
            refuse_errors(replace(reading, session=session, findings=findings))
        except DocumentInvalid as e:
            raise InputInvalid(str(e)) from e
        shop.read_again(session)
        return _plan(reading, session, problems)

    return Engine(
        log=log,
        project=project,
        shop=shop,
        adapters=adapters,
        skills={name: agent.body for name, agent in reading.agents.items()},
        clock=clock,
        publisher=Publisher(project=project, session=reading.session, replan=replan),
        central_file=reading.central_name,
        state=state,
    )


def _goes_on(state: RunState, now_ms: int) -> bool:
    """Tell whether the last run has something left to do."""
    if state.started is None:
        return False
    if not state.finished:
        return True
    left = decide(replace(state, finished="", is_metrics_due=False), now_ms)
    return any(not isinstance(each, FinishRun | MeasureMetrics) for each in left)


def _kept_out(reading: Reading) -> tuple[str, ...]:
    """Return the paths that agents may write and that are never merged."""
    root = reading.settings.root.resolve()
    paths = (reading.settings.document, reading.sidecar)
    placed = [path.resolve() for path in paths if path is not None]
    return (
        reading.central_name,
        *(str(path.relative_to(root)) for path in placed if path.is_relative_to(root)),
    )
