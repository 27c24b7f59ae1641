"""The picture of a run while it goes on: how it stands, and how much time each agent has left."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from orchestrator.core.state import BatchRecord, RunState
from orchestrator.domain.verdicts import BatchState
from orchestrator.ports import Clock
from orchestrator.views.terminal import render_state

_AT_WORK = frozenset({BatchState.DISPATCHED, BatchState.RUNNING, BatchState.REPORTED})
_BAR_CHARACTERS = 30


class LiveView:
    """A picture that is drawn anew with the time of the moment; `state` is exchanged by others."""

    def __init__(self, clock: Clock, state: RunState | None = None) -> None:
        """Begin with a state; the empty one by default."""
        self.state = state or RunState()
        self._clock = clock

    def __rich__(self) -> RenderableType:
        """Return the picture as it is now."""
        now_ms = self._clock.now_ms()
        table = Table.grid(padding=(0, 2))
        for record in self.state.scheduled():
            if record.state in _AT_WORK and record.attempt is not None:
                table.add_row(*_clock_of(record, now_ms))
            elif record.state is BatchState.WAITING_QUOTA:
                left = _minutes(record.retry_at_ms - now_ms)
                table.add_row(escape(record.plan.id), "waits for quota", "", f"{left} left")
        parts: list[RenderableType] = [render_state(self.state), table]
        if self.state.is_paused:
            parts.append("[yellow]paused: `orchestrate resume` hands out again[/]")
        return Group(*parts)


def _clock_of(record: BatchRecord, now_ms: int) -> tuple[RenderableType, ...]:
    """Return name, attempt, bar and time left of a batch at work."""
    attempt = record.attempt
    assert attempt is not None
    used_ms = now_ms - (attempt.started_at_ms or attempt.planned_at_ms)
    left_ms = record.plan.deadline_ms - used_ms
    return (
        escape(record.plan.id),
        f"attempt {attempt.planned.attempt} of {record.plan.attempts_max}",
        ProgressBar(
            total=record.plan.deadline_ms,
            completed=max(0, min(used_ms, record.plan.deadline_ms)),
            width=_BAR_CHARACTERS,
            complete_style="yellow" if attempt.is_deadline_near else "green",
        ),
        f"{_minutes(left_ms)} to the deadline" if left_ms > 0 else "the deadline has passed",
    )


def _minutes(span_ms: int) -> str:
    """Return a span as minutes and seconds, hours in front if there are any."""
    minutes, seconds = divmod(max(0, span_ms) // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
