"""`orchestrate status`, `why` and `replay`: what the log says, read beside a running loop."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.live import Live

from orchestrator.bootstrap.logs import opened
from orchestrator.bootstrap.rebuilding import find_differences, rebuild
from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    Flag,
    Json,
    print_json,
    report_error,
    say,
    stderr,
    stdout,
    write_file,
)
from orchestrator.cli.places import find_project
from orchestrator.core.fold import fold
from orchestrator.domain.errors import InputInvalid
from orchestrator.store.wall_clock import WallClock
from orchestrator.views.live import LiveView
from orchestrator.views.page import render_page
from orchestrator.views.summaries import render_event, summarize
from orchestrator.views.terminal import render_reasons, render_run

FOLLOW_PAUSE_S: Final = 0.25


def status(
    *,
    follow: Flag = False,
    root: Path | None = None,
    html: Path | None = None,
    json_: Json = False,
) -> int:
    """Show how the run stands: batches, tasks with claim and proof, metrics, honesty.

    Example: `orchestrate status --follow`, or `orchestrate status --html status.html`

    Args:
        follow: Keep the picture up to date until the run ends or Ctrl-C.
        root: The project; the git repository around this folder by default.
        html: Write a page with the same content here.
        json_: One JSON document on stdout.
    """
    project = find_project(root)
    if follow:
        _follow(project)
    with opened(project) as (_, state, events):
        if html is not None:
            write_file(html, render_page(state, events).encode())
        if json_:
            print_json(summarize(state, events))
        else:
            stdout.print(render_run(state))
    return EXIT_DONE


def _follow(project: Path) -> None:
    """Show a run that another process drives, until it ends or a person has seen enough."""
    with opened(project) as (log, state, _):
        view = LiveView(WallClock(), state)
        with (
            suppress(KeyboardInterrupt),  # a person has seen enough; nothing else ends
            Live(view, console=stderr, refresh_per_second=4, transient=True),
        ):
            while not view.state.finished:
                for recorded in log.read(view.state.sequence):
                    view.state = fold(view.state, recorded)
                time.sleep(FOLLOW_PAUSE_S)


def why(batch: str, /, *, root: Path | None = None, json_: Json = False) -> int:
    """Explain a batch: each transition, each check and its evidence.

    Example: `orchestrate why TODO-BATCH-001`

    Args:
        batch: Id of the batch.
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """
    with opened(find_project(root)) as (_, state, events):
        record = state.of(batch)
        if record is None:
            known = ", ".join(each.plan.id for each in state.batches)
            raise InputInvalid(f"no batch is called {batch}; there are {known}")
        if json_:
            own = [e for e in events if getattr(e.event, "batch_id", None) == batch]
            print_json(
                {
                    "id": batch,
                    "state": record.state.value,
                    "reason": record.reason,
                    "events": [render_event(each) for each in own],
                }
            )
        else:
            stdout.print(render_reasons(batch, events))
            say(f"{batch} is {record.state.value}: {record.reason}")
    return EXIT_DONE


def replay(*, root: Path | None = None, out: Path | None = None, json_: Json = False) -> int:
    """Rebuild the state and both documents from the log alone, and compare with the disk.

    Example: `orchestrate replay --out rebuilt`

    Args:
        root: The project; the git repository around this folder by default.
        out: Write the rebuilt documents into this folder, made if it is missing.
        json_: One JSON document on stdout.
    """
    project = find_project(root)
    with opened(project) as (log, state, events):
        rebuilt = rebuild(project, state)
        sequence, head = log.head()
        differences = [str(path) for path in find_differences(project, state)]
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise InputInvalid(f"{out} cannot be made: {e.strerror}") from e
        for path, content in rebuilt.items():
            write_file(out / path.name, content)
    if json_:
        print_json(
            {
                "events": len(events),
                "head": {"sequence": sequence, "hash": head},
                "documents": [str(path) for path in rebuilt],
                "differences": differences,
                "state": summarize(state),
            }
        )
    else:
        say(f"{sequence} events verify, head {head[:16]}; {len(rebuilt)} documents rebuilt")
        for name in differences:
            report_error(f"{name} is not what the log gives: somebody changed it since")
    return EXIT_REFUSED if differences else EXIT_DONE
