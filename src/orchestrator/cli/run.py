"""`orchestrate run`: the loop, with a line for everything that happens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from rich.live import Live
from rich.markup import escape

from orchestrator.bootstrap import running
from orchestrator.bootstrap.adapters import adapters_for
from orchestrator.bootstrap.inputs import read_all, refuse_errors
from orchestrator.bootstrap.logs import opened
from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    Flag,
    Json,
    print_json,
    say,
    stderr,
    stdout,
    write_file,
)
from orchestrator.cli.places import find_document
from orchestrator.config import RunSettings
from orchestrator.core.state import RunState
from orchestrator.domain.events import Recorded
from orchestrator.domain.verdicts import BatchState
from orchestrator.store.wall_clock import WallClock
from orchestrator.views.live import LiveView
from orchestrator.views.page import render_page
from orchestrator.views.summaries import summarize
from orchestrator.views.terminal import describe, render_run

Listener: TypeAlias = Callable[[Recorded, RunState], None]
T = TypeVar("T")
GOOD: Final = frozenset({BatchState.DONE, BatchState.DONE_WEAK})


def run(  # noqa: PLR0913 - the options of the loop
    document: Path | None = None,
    /,
    *,
    root: Path | None = None,
    acceptance: Path | None = None,
    agents_dir: Path | None = None,
    adapter: str = "command",
    dry_run: Flag = False,
    trust_claims: Flag = False,
    fresh: Flag = False,
    html: Path | None = None,
    json_: Json = False,
) -> int:
    """Hand out the batches, check every claim, and keep the document true.

    Example: `orchestrate run ORCHESTRATOR_SESSION_ACTIVE.md --adapter claude`

    Args:
        document: The session document; found in the project if there is only one.
        root: The project, a git repository.
        acceptance: The sidecar; acceptance.toml beside the document by default.
        agents_dir: Where agent files are looked for first.
        adapter: Agent command line for batches whose sidecar names none.
        dry_run: Only say what would be handed out, to whom, and what is blocked.
        trust_claims: Take a claim for a proof where nothing can be checked. Shown as such.
        fresh: Start anew though the last run is not finished.
        html: Write a page about the run here when it ends.
        json_: One JSON document on stdout.
    """
    project, place = find_document(document, root)
    settings = RunSettings(
        root=project,
        document=place,
        sidecar=acceptance,
        agents_dir=agents_dir,
        adapter=adapter,
        trust_claims=trust_claims,
        is_fresh=fresh,
    )
    if dry_run:
        return _show_plan(settings, is_json=json_)
    follow(lambda told: running.run(settings, on_event=told, should_stop=lambda: False))
    with opened(project) as (_, state, events):
        if html is not None:
            write_file(html, render_page(state, events).encode())
        if json_:
            print_json(summarize(state, events))
        else:
            stdout.print(render_run(state))
            for hint in _hints(state):
                say(hint)
    return EXIT_DONE if all(each.state in GOOD for each in state.batches) else EXIT_REFUSED


def _hints(state: RunState) -> Iterator[str]:
    """Yield what a person does next, and where the work is."""
    if any(each.commit for each in state.batches):
        yield f"merged work is on the branch {running.BRANCH}: git merge {running.BRANCH}"
    for record in state.scheduled():
        if record.state is BatchState.AWAITING_APPROVAL:
            yield f"{record.plan.id} waits for you: orchestrate approve {record.plan.id}"
        elif record.state not in GOOD and record.reason:
            yield f"{record.plan.id} is {record.state.value}: orchestrate why {record.plan.id}"


def follow(drive: Callable[[Listener], T]) -> T:
    """Show what happens, on stderr: under a live table on a terminal, as plain lines elsewhere."""
    if not stderr.is_terminal:
        return drive(tell)
    view = LiveView(WallClock())
    with Live(view, console=stderr, refresh_per_second=4, transient=True) as live:

        def show(recorded: Recorded, state: RunState) -> None:
            live.console.print(escape(describe(recorded.event)), highlight=False)
            view.state = state

        return drive(show)


def tell(recorded: Recorded, _state: RunState) -> None:
    """Print one event as one line."""
    stderr.print(
        f"{recorded.sequence:>4} {describe(recorded.event)}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _show_plan(settings: RunSettings, *, is_json: bool) -> int:
    """Print the plan; nothing is started, nothing is written."""
    reading = read_all(settings)
    refuse_errors(reading)
    plans = running.plan_run(reading, adapters_for(reading))
    ordered = sorted(plans, key=lambda each: (each.priority, each.order))
    if is_json:
        print_json({"plan": ordered})
    else:
        for each in ordered:
            state = f"BLOCKED: {each.blocked_reason}" if each.blocked_reason else "ready in turn"
            waits = f", after {', '.join(each.depends_on)}" if each.depends_on else ""
            say(
                f"{each.id} -> {' + '.join(each.agents)} by {each.adapter}, "
                f"{each.deadline_ms / 60_000:.0f} min{waits}: {state}"
            )
    return EXIT_REFUSED if any(each.blocked_reason for each in plans) else EXIT_DONE
