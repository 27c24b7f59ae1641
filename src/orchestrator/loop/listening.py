"""Listens for reports: in the central file, its copies in worktrees, and the inbox."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.attribution import attribute, quarantine
from orchestrator.core.state import RunState
from orchestrator.document.reports import ReportsFound, is_complete, parse_reports
from orchestrator.document.sources import decode_document
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.events import ReportAccepted, ReportQuarantined, TroubleNoted
from orchestrator.domain.verdicts import BatchState
from orchestrator.ports import Project

_LISTENING: Final = (BatchState.DISPATCHED, BatchState.RUNNING, BatchState.REPORTED)


@dataclass(slots=True)
class ReportListener:
    """Remembers what it has read, so that a file is judged when it has come to rest."""

    project: Project
    _waiting: dict[str | None, bytes] = field(default_factory=dict)
    """Contents that changed at the last look: judged at the next one if they still stand."""
    _complaints: set[str] = field(default_factory=set)

    def listen(
        self, state: RunState, *, is_final: bool = False
    ) -> Iterator[ReportAccepted | ReportQuarantined | TroubleNoted]:
        """Yield what is new in all places.

        Args:
            state: Says which worktrees are at work and what was seen before.
            is_final: A process has ended: what it wrote is complete, nothing else will come.
        """
        for name, spooled in self.project.read_inbox():
            if spooled is None:
                yield from self._complain(f"inbox/{name} is too large for a report: dropped")
                self.project.release(name)
                continue
            found = list(self._judge(state, spooled, f"inbox/{name}"))
            yield from found
            if not found:  # every report in it is in the log
                self.project.release(name)
        worktrees = [
            each.attempt.planned.worktree
            for each in state.batches
            if each.state in _LISTENING and each.attempt is not None
        ]
        for place in (None, *worktrees):
            try:
                content = self.project.read_central(place)
            except InputInvalid as e:
                yield from self._complain(str(e))
                continue
            if content is not None and not is_final:
                self._waiting[place] = content
                continue
            rested = content if content is not None else self._waiting.pop(place, None)
            if content is not None:
                self._waiting.pop(place, None)
            if rested is not None:
                yield from self._judge(state, rested, place or "central file")

    def look_before(
        self, state: RunState, worktree: str
    ) -> Iterator[ReportAccepted | ReportQuarantined | TroubleNoted]:
        """Yield what a worktree's central file holds before an attempt begins in it.

        Reports that came with the checkout or are left of an earlier run would otherwise pass for
        the attempt's own, and its process would be ended soon after, as one that has reported.
        """
        try:
            content = self.project.read_central(worktree)
        except InputInvalid as e:
            yield from self._complain(str(e))
            return
        if content is not None:
            yield from self._judge(state, content, worktree)

    def _judge(
        self, state: RunState, content: bytes, source: str
    ) -> Iterator[ReportAccepted | ReportQuarantined | TroubleNoted]:
        try:
            text = decode_document(content, source).text
        except InputInvalid as e:
            yield from self._complain(str(e))
            return
        yield from judge_reports(state, parse_reports(text), text, source)

    def _complain(self, message: str) -> Iterator[TroubleNoted]:
        """Say once what is wrong with a file."""
        if message not in self._complaints:
            self._complaints.add(message)
            yield TroubleNoted(message=message)


def judge_reports(
    state: RunState, found: ReportsFound, text: str, source: str
) -> Iterator[ReportAccepted | ReportQuarantined]:
    """Yield an event for each report and near miss that was not seen before."""
    seen: set[str] = set()
    for report in found.reports:
        event = attribute(state, report, source)
        if event is not None and report.digest not in seen and is_complete(text, report):
            seen.add(report.digest)
            yield event
    for diagnosis in found.diagnoses:
        near_miss = quarantine(state, diagnosis, source)
        if near_miss is not None and diagnosis.digest not in seen:
            seen.add(diagnosis.digest)
            yield near_miss
