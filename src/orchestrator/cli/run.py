"""`orchestrate run`: the loop, with a line for everything that happens."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.live import Live
from rich.markup import escape

from orchestrator import bootstrap
from orchestrator.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from orchestrator.cli.places import find_document
from orchestrator.config import RunSettings
from orchestrator.core.state import RunState
from orchestrator.domain.events import Recorded
from orchestrator.domain.verdicts import BatchState
from orchestrator.store.files import write_atomically
from orchestrator.views.page import render_page
from orchestrator.views.summaries import summarize
from orchestrator.views.terminal import describe, render_run, render_state

GOOD = frozenset({BatchState.DONE, BatchState.DONE_WEAK})


def run(  # noqa: PLR0913 - the options of the loop
    document: Path | None = None,
    /,
    *,
    root: Path | None = None,
    acceptance: Path | None = None,
    agents_dir: Path | None = None,
    adapter: str = "command",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    trust_claims: Annotated[bool, Parameter(negative="")] = False,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
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
    state = follow(settings)
    log = bootstrap.open_log(settings)
    try:
        _, events = bootstrap.load_state(log)
    finally:
        log.close()
    if html is not None:
        write_atomically(html, render_page(state, events).encode())
    if json_:
        print_json(summarize(state, events))
    else:
        stdout.print(render_run(state))
    return EXIT_DONE if all(each.state in GOOD for each in state.batches) else EXIT_REFUSED


def follow(settings: RunSettings) -> RunState:
    """Run with a live table on a terminal, with plain lines elsewhere; both on stderr."""
    if not stderr.is_terminal:
        return bootstrap.run(settings, on_event=say, should_stop=lambda: False)
    with Live(console=stderr, refresh_per_second=4, transient=True) as live:

        def show(recorded: Recorded, state: RunState) -> None:
            live.console.print(escape(describe(recorded.event)), highlight=False)
            live.update(render_state(state))

        return bootstrap.run(settings, on_event=show, should_stop=lambda: False)


def say(recorded: Recorded, _state: RunState) -> None:
    """Print one event as one line."""
    stderr.print(
        f"{recorded.sequence:>4} {describe(recorded.event)}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _show_plan(settings: RunSettings, *, is_json: bool) -> int:
    """Print the plan; nothing is started, nothing is written."""
    reading = bootstrap.read_all(settings)
    bootstrap.refuse_errors(reading)
    plans = bootstrap.plan_of(reading, reading.session, bootstrap.adapters_for(reading))
    ordered = sorted(plans, key=lambda each: (each.priority, each.order))
    if is_json:
        print_json({"plan": ordered})
    else:
        for each in ordered:
            state = f"BLOCKED: {each.blocked_reason}" if each.blocked_reason else "ready in turn"
            waits = f", after {', '.join(each.depends_on)}" if each.depends_on else ""
            stdout.print(
                f"{each.id} -> {' + '.join(each.agents)} by {each.adapter}, "
                f"{each.deadline_ms / 60_000:.0f} min{waits}: {state}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    return EXIT_REFUSED if any(each.blocked_reason for each in plans) else EXIT_DONE
