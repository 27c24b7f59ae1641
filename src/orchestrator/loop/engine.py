"""The loop: read the log, listen, decide, have it done, show it. One thread writes the log.

The order of the steps is the safety argument. What happened is in the log before anything is
done on its account; `decide` sees the log alone; and each command is harmless when it is done a
second time. So it does not matter at which point the process is killed.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, assert_never

from orchestrator.core.decision import decide
from orchestrator.core.fold import fold
from orchestrator.core.state import BatchRecord, RunState
from orchestrator.document.briefs import render_brief
from orchestrator.domain.agents import AttemptSighting, Brief
from orchestrator.domain.commands import (
    Command,
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
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptQuiet,
    AttemptStarted,
    DeadlineNear,
    Event,
    Recorded,
    RunFinished,
)
from orchestrator.domain.verdicts import BatchState, Execution
from orchestrator.loop.listening import ReportListener
from orchestrator.loop.metrics import measure_metrics
from orchestrator.loop.publishing import Publisher
from orchestrator.loop.work import (
    Workshop,
    end_attempt,
    evidence_for,
    integrate_attempt,
    skills_for,
    take_baseline,
    verify_attempt,
)
from orchestrator.ports import Adapter, Clock, EventLog, Project

PAUSE_S: Final = 0.05
"""Between two looks: a report is seen at the first and judged at the second, well under 1 s."""
WORKERS_MAX: Final = 4
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_attempt_id(now_ms: int) -> str:
    """Return a ULID: 48 bits of time, 80 of chance, 26 characters."""
    number = (now_ms << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


@dataclass(slots=True, kw_only=True)
class Engine:
    """Drives one run until nothing is left that could happen by itself."""

    log: EventLog
    project: Project
    shop: Workshop
    adapters: Mapping[str, Adapter]
    skills: Mapping[str, str]
    clock: Clock
    publisher: Publisher
    central_file: str
    on_event: Callable[[Recorded, RunState], None] = lambda _event, _state: None
    state: RunState = field(default_factory=RunState)
    """Folded from the log up to where this process took over; nobody is told of that part again."""
    _jobs: dict[Command, Future[Event]] = field(default_factory=dict)
    _final_seen_ms: dict[str, int] = field(default_factory=dict)

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> RunState:
        """Run until the run is finished, or until somebody wants to stop; return the state.

        Stopping leaves agents at work: the next start takes them up again.
        """
        listener = ReportListener(project=self.project)
        with ThreadPoolExecutor(WORKERS_MAX, thread_name_prefix="work") as pool:
            self._catch_up()
            while not self.state.finished and not should_stop():
                self._listen(listener)
                self._collect(listener)
                for command in decide(self.state, self.clock.now_ms()):
                    self._perform(command, pool, listener)
                for event in self.publisher.publish(self.state, self.clock.now_ms()):
                    self._append(event)
                time.sleep(PAUSE_S)
                self._catch_up()
        self.publisher.publish(self.state, self.clock.now_ms())
        return self.state

    def _catch_up(self) -> None:
        """Fold what is new in the log: our own events and those of other terminals."""
        for recorded in self.log.read(self.state.sequence):
            self.state = fold(self.state, recorded)
            self.on_event(recorded, self.state)

    def _append(self, event: Event) -> None:
        self.log.append(event)
        self._catch_up()

    def _listen(self, listener: ReportListener, *, is_final: bool = False) -> None:
        for event in listener.listen(self.state, is_final=is_final):
            self._append(event)

    def _collect(self, listener: ReportListener) -> None:
        """Store the events of jobs that are done."""
        for command, job in list(self._jobs.items()):
            if job.done():
                event = job.result()
                if isinstance(event, AttemptEnded):
                    self._listen(listener, is_final=True)
                self._append(event)
                del self._jobs[command]

    def _perform(  # noqa: C901 - one case for each command
        self, command: Command, pool: ThreadPoolExecutor, listener: ReportListener
    ) -> None:
        """Have one command done, or go on with it."""
        if command in self._jobs or (isinstance(command, IntegrateAttempt) and self._is_merging()):
            return
        match command:
            case TakeBaseline():
                record = self._record(command.batch_id)
                self._jobs[command] = pool.submit(take_baseline, self.shop, record)
            case PlanAttempt():
                self._plan(command, listener)
            case LaunchAttempt():
                self._launch(self._record(command.batch_id))
            case WatchAttempt():
                self._watch(command, pool, listener)
            case WarnDeadline():
                self._append(DeadlineNear(batch_id=command.batch_id, attempt_id=command.attempt_id))
            case StopAttempt():
                record = self._record(command.batch_id)
                self._jobs[command] = pool.submit(
                    end_attempt,
                    self.shop,
                    self._adapter(record),
                    record,
                    command.execution,
                    command.detail,
                )
            case VerifyAttempt():
                record = self._record(command.batch_id)
                self._jobs[command] = pool.submit(verify_attempt, self.shop, record)
            case IntegrateAttempt():
                record = self._record(command.batch_id)
                self._jobs[command] = pool.submit(integrate_attempt, self.shop, record)
            case MeasureMetrics():
                self._jobs[command] = pool.submit(measure_metrics, self.shop, self.state)
            case FinishRun():
                self._append(RunFinished(reason=command.reason))
            case _:
                assert_never(command)

    def _is_merging(self) -> bool:
        """Tell whether a merge is under way: each is judged on top of the last.

        A batch that comes to the front of the schedule meanwhile waits for it all the same.
        """
        return any(isinstance(each, IntegrateAttempt) for each in self._jobs)

    def _plan(self, command: PlanAttempt, listener: ReportListener) -> None:
        """Prepare an attempt and store it; from then on it may run."""
        record = self._record(command.batch_id)
        batch = self.shop.batches[command.batch_id]
        before = record.attempt
        base = before.planned.base_commit if before else ""
        if not base or record.reason.startswith("CONFLICT"):
            base = self.shop.worktrees.head()
        if before is not None and base != before.planned.base_commit:
            target = f"{before.planned.attempt_dir}/left-behind.patch"
            self.shop.worktrees.archive(before.planned.worktree, target)
        attempt_id = new_attempt_id(self.clock.now_ms())
        worktree = self.shop.worktrees.prepare(command.batch_id, base)
        for event in listener.look_before(self.state, worktree):
            self._append(event)
        folder = self.project.attempt_dir(command.batch_id, command.attempt, attempt_id)
        prompt = render_brief(
            batch,
            attempt_id=attempt_id,
            central_file=self.central_file,
            skills=skills_for(batch, self.skills),
            path_map=self.shop.acceptance.path_map,
            protected=self.shop.acceptance.protected,
            evidence=evidence_for(self.shop, record, command.evidence),
        )
        self.project.write_prompt(folder, prompt)
        self._append(
            AttemptPlanned(
                batch_id=command.batch_id,
                attempt=command.attempt,
                attempt_id=attempt_id,
                worktree=worktree,
                attempt_dir=folder,
                base_commit=base,
            )
        )

    def _launch(self, record: BatchRecord) -> None:
        """Start the process of a planned attempt, unless it runs already."""
        attempt = record.attempt
        assert attempt is not None
        planned, adapter = attempt.planned, self._adapter(record)
        sighting = self.shop.runner.look(adapter, planned.attempt_id, planned.attempt_dir)
        if not sighting.is_started:
            previous = record.attempts[-2].ended if len(record.attempts) > 1 else None
            brief = Brief(
                attempt_id=planned.attempt_id,
                batch_id=record.plan.id,
                attempt=planned.attempt,
                prompt_file=f"{planned.attempt_dir}/prompt.md",
                worktree=planned.worktree,
                attempt_dir=planned.attempt_dir,
                agents=record.plan.agents,
                conversation=previous.conversation if previous else None,
                budget_usd=self._budget_left(),
            )
            try:
                self.shop.runner.launch(
                    adapter.build(brief), brief, deadline_ms=record.plan.deadline_ms
                )
            except AgentUnusable as e:
                self._append(_never_started(record, str(e)))
                return
            sighting = self.shop.runner.look(adapter, planned.attempt_id, planned.attempt_dir)
        if sighting.is_started:
            self._append(
                AttemptStarted(
                    batch_id=record.plan.id,
                    attempt_id=planned.attempt_id,
                    pid=sighting.pid or 0,
                )
            )

    def _budget_left(self) -> float | None:
        """Return what an attempt may cost; None without a budget."""
        assert self.state.started is not None
        budget = self.state.started.policy.budget_usd
        return None if budget is None else max(0.0, budget - self.state.cost_usd)

    def _watch(
        self, command: WatchAttempt, pool: ThreadPoolExecutor, listener: ReportListener
    ) -> None:
        """Look for the end of an attempt, or for a silence that is too long."""
        record = self._record(command.batch_id)
        attempt = record.attempt
        if attempt is None or record.state not in {BatchState.RUNNING, BatchState.REPORTED}:
            return
        planned, adapter = attempt.planned, self._adapter(record)
        sighting = self.shop.runner.look(adapter, planned.attempt_id, planned.attempt_dir)
        if sighting.ending is not None:
            self._listen(listener, is_final=True)
            self._jobs[command] = pool.submit(end_attempt, self.shop, adapter, record)
        elif self._has_lingered(sighting, planned.attempt_id):
            self._jobs[command] = pool.submit(
                end_attempt,
                self.shop,
                adapter,
                record,
                Execution.LINGERED,
                "the process did not end after it said it was done",
            )
        else:
            self._watch_silence(command, record, sighting)

    def _has_lingered(self, sighting: AttemptSighting, attempt_id: str) -> bool:
        """Tell whether an agent that has said its last word lives on for too long."""
        if not sighting.has_final_event or self.state.started is None:
            return False
        now_ms = self.clock.now_ms()
        since_ms = self._final_seen_ms.setdefault(attempt_id, now_ms)
        return now_ms - since_ms >= self.state.started.policy.final_grace_ms

    def _watch_silence(
        self, command: WatchAttempt, record: BatchRecord, sighting: AttemptSighting
    ) -> None:
        attempt = record.attempt
        assert attempt is not None
        now_ms = self.clock.now_ms()
        heard_ms = max(sighting.last_activity_ms, attempt.started_at_ms or attempt.planned_at_ms)
        if now_ms - heard_ms < command.idle_ms:
            return
        heard_ms = max(heard_ms, self.project.last_change_ms(attempt.planned.worktree))
        if now_ms - heard_ms >= command.idle_ms:
            self._append(
                AttemptQuiet(
                    batch_id=record.plan.id,
                    attempt_id=attempt.planned.attempt_id,
                    quiet_ms=now_ms - heard_ms,
                )
            )

    def _record(self, batch_id: str) -> BatchRecord:
        record = self.state.of(batch_id)
        assert record is not None
        return record

    def _adapter(self, record: BatchRecord) -> Adapter:
        adapter = self.adapters.get(record.plan.adapter)
        if adapter is None:
            known = ", ".join(self.adapters)
            raise AgentUnusable(f"no adapter is called {record.plan.adapter}; known: {known}")
        return adapter


def _never_started(record: BatchRecord, detail: str) -> AttemptEnded:
    """Return the end of an attempt whose program could not be started."""
    assert record.attempt is not None
    return AttemptEnded(
        batch_id=record.plan.id,
        attempt_id=record.attempt.planned.attempt_id,
        execution=Execution.USAGE,
        detail=detail,
        exit_code=None,
        orphans_killed=0,
        orphans_left=0,
    )
