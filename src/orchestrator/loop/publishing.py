"""Keeps what people read true: the owned spans of the document, our lines, the full reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.state import BatchRecord, RunState
from orchestrator.document.sessions import read_layout
from orchestrator.document.sources import decode_document
from orchestrator.document.vocabulary import clean_line, fold_text
from orchestrator.document.writing import write_spans
from orchestrator.domain.batches import Session
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.events import Event, PlanChanged, ReportRestored, TroubleNoted
from orchestrator.domain.plans import BatchPlan
from orchestrator.domain.proofs import MetricResult
from orchestrator.domain.verdicts import BEFORE_WORK, TERMINAL
from orchestrator.loop.wording import word_digest, word_metric, word_next_action, word_status
from orchestrator.ports import Project

SECTION: Final = "🎯 ORCHESTRATION V3"
LOOK_MS: Final = 500
"""Between two looks at the shared files while nothing happens."""


def render_document(content: bytes, state: RunState) -> bytes:
    """Return a session document with its owned spans brought up to date."""
    source = decode_document(content)
    layout = read_layout(source)
    language = layout.session.language
    rows = {fold_text(each.criterion): each for each in state.metrics}
    return write_spans(
        source,
        layout,
        statuses={each.plan.id: word_status(each, language) for each in state.batches},
        metrics={
            criterion: word_metric(rows[fold_text(criterion)], language, state.metrics_at_ms)
            for criterion, _, _ in layout.metrics
            if fold_text(criterion) in rows
        },
        next_action=word_next_action(state, language),
    )


def render_metrics_only(content: bytes, metrics: Sequence[MetricResult], at_ms: int) -> bytes:
    """Return a session document with its success table measured and nothing else changed."""
    source = decode_document(content)
    layout = read_layout(source)
    values = {each.criterion: word_metric(each, layout.session.language, at_ms) for each in metrics}
    return write_spans(source, layout, statuses={}, metrics=values, next_action=None)


def render_digests(state: RunState, language: str) -> dict[str, str]:
    """Return our lines in the central file."""
    return {each.plan.id: word_digest(each, language) for each in state.batches if each.attempts}


@dataclass(slots=True, kw_only=True)
class Publisher:
    """Writes after each change, and notices what others change meanwhile."""

    project: Project
    session: Session
    replan: Callable[[bytes], tuple[BatchPlan, ...]]
    """Reads an edited document anew; raises InputInvalid if it cannot be run any more."""
    _shown: int = -1
    _last: bytes = b""
    """The document as it was last written or looked at."""
    _trouble: str = ""
    """What is the matter with the document right now; said once."""
    _looked_at_ms: int = 0
    _digests: dict[str, str] = field(default_factory=dict)

    def publish(self, state: RunState, now_ms: int) -> tuple[Event, ...]:
        """Bring every file up to date; return what was noticed while doing it."""
        is_changed = state.sequence != self._shown
        if not is_changed and now_ms - self._looked_at_ms < LOOK_MS:
            return ()
        self._looked_at_ms = now_ms
        events = (
            *self._write_document(state, is_changed=is_changed),
            *self._write_digests(state),
        )
        if is_changed:
            for record in state.batches:
                if record.attempts:
                    self.project.keep_report(record.plan.id, render_dossier(record))
        self._shown = state.sequence
        return events

    def _write_document(self, state: RunState, *, is_changed: bool) -> list[Event]:
        """Bring the owned spans up to date, and take up what somebody changed around them."""
        try:
            content = self.project.read_document()
            if content == self._last and not is_changed and not self._trouble:
                return []
            edits = self._notice_edit(content, state)
            new = render_document(content, state)
        except InputInvalid as e:
            message = f"{e}; the last good version counts"
            events = [] if message == self._trouble else [TroubleNoted(message=message)]
            self._trouble = message
            return [*events]
        self._trouble = ""
        is_written = new == content or self.project.write_document(new, content)
        self._last = new if is_written else content
        return edits

    def _notice_edit(self, content: bytes, state: RunState) -> list[Event]:
        """Take up what somebody changed: at once where nothing has begun, else with a warning."""
        if content == self._last:
            return []
        events: list[Event] = []
        plans = {plan.id: plan for plan in self.replan(content)}
        for plan in plans.values():
            record = state.of(plan.id)
            if record is not None and record.plan == plan:
                continue
            if record is None or (record.state in BEFORE_WORK and not record.attempts):
                events.append(PlanChanged(batch=plan))
            elif record.state not in TERMINAL:
                message = (
                    f"{plan.id} was edited while at work: the edit counts from its next attempt on"
                )
                events.append(TroubleNoted(message=message))
        for record in state.batches:
            if record.plan.id not in plans and record.state not in TERMINAL:
                message = (
                    f"{record.plan.id} is gone from the document and still part of this run: "
                    f"orchestrate cancel {record.plan.id}"
                )
                events.append(TroubleNoted(message=message))
        return events

    def _write_digests(self, state: RunState) -> list[Event]:
        digests = render_digests(state, self.session.language)
        section = self.session.central_section or SECTION
        try:
            has_changed = self.project.write_digests(section, digests) if digests else False
        except InputInvalid:
            return []  # the listener says what is wrong with the file
        is_known = digests == self._digests
        self._digests = digests
        if not has_changed or not is_known:
            return []
        return [
            ReportRestored(batch_id=each.plan.id, digest=each.attempt.reports[-1].digest)
            for each in state.batches
            if each.attempt and each.attempt.reports
        ]


def render_dossier(record: BatchRecord) -> str:
    """Return everything about a batch as Markdown: the claims quoted, the proofs beside them."""
    lines = [f"# {record.plan.id}: {record.state.value}", "", record.reason, ""]
    lines += ["| task | execution | claim | proof | why |", "|---|---|---|---|---|"]
    lines += [
        f"| {each.ordinal}. {_cell(each.title)} | {each.execution.value} | {each.claim.value} | "
        f"{each.proof.value} | {_cell(each.reason)} |"
        for each in record.facts
    ]
    for attempt in record.attempts:
        lines += ["", f"## Attempt {attempt.planned.attempt} ({attempt.planned.attempt_id})"]
        if attempt.ended:
            lines += ["", f"Ended: {attempt.ended.execution.value}, {_cell(attempt.ended.detail)}"]
        for report in attempt.reports:
            lines += ["", f"Reported, level {report.level.value}:", ""]
            lines += [f"> {clean_line(line, 400)}" for line in report.text.splitlines()]
        if attempt.verified:
            lines += ["", "| check | outcome | value | why | evidence |", "|---|---|---|---|---|"]
            lines += [
                f"| {_cell(each.check_id)} | {each.outcome.value} | {_cell(each.value)} | "
                f"{_cell(each.reason)} | {each.evidence[:12]} |"
                for each in attempt.verified.results
            ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return clean_line(text.replace("\n", " "), 300).replace("|", "/")
