"""`orchestrate status`, `why` and `replay`: what the log says, read beside a running loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orchestrator import bootstrap
from orchestrator.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, report_error, stdout
from orchestrator.cli.places import find_root
from orchestrator.core.state import RunState
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.events import Recorded
from orchestrator.store.files import write_atomically
from orchestrator.store.sqlite_log import SqliteLog
from orchestrator.views.page import render_page
from orchestrator.views.summaries import render_event, summarize
from orchestrator.views.terminal import render_reasons, render_run


def status(
    *,
    root: Path | None = None,
    html: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Show how the run stands: batches, tasks with claim and proof, metrics, honesty.

    Args:
        root: The project; the git repository around this folder by default.
        html: Write a page with the same content here.
        json_: One JSON document on stdout.
    """
    with opened(root) as (_, state, events):
        if html is not None:
            write_atomically(html, render_page(state, events).encode())
        if json_:
            print_json(summarize(state, events))
        else:
            stdout.print(render_run(state))
    return EXIT_DONE


def why(
    batch: str,
    /,
    *,
    root: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Explain a batch: each transition, each check and its evidence.

    Example: `orchestrate why TODO-BATCH-001`

    Args:
        batch: Id of the batch.
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """
    with opened(root) as (_, state, events):
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
            stdout.print(f"{batch} is {record.state.value}: {record.reason}", markup=False)
    return EXIT_DONE


def replay(
    *,
    root: Path | None = None,
    out: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Rebuild the state and both documents from the log alone, and compare with the disk.

    Args:
        root: The project; the git repository around this folder by default.
        out: Write the rebuilt documents into this folder.
        json_: One JSON document on stdout.
    """
    with opened(root) as (log, state, events):
        project = (root or find_root(Path.cwd())).resolve()
        rebuilt = bootstrap.rebuild(project, state)
        sequence, head = log.head()
        differences = [str(path) for path in bootstrap.find_differences(project, state)]
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for path, content in rebuilt.items():
                write_atomically(out / path.name, content)
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
        stdout.print(
            f"{sequence} events verify, head {head[:16]}; {len(rebuilt)} documents rebuilt",
            highlight=False,
        )
        for name in differences:
            report_error(f"{name} is not what the log gives: somebody changed it since")
    return EXIT_REFUSED if differences else EXIT_DONE


@contextmanager
def opened(root: Path | None) -> Iterator[tuple[SqliteLog, RunState, tuple[Recorded, ...]]]:
    """Open the log of a project with the state of its last run.

    Raises:
        InputInvalid: nothing was ever run there.
    """
    project = (root or find_root(Path.cwd())).resolve()
    if not (project / ".orchestrator" / "log.db").exists():
        raise InputInvalid(f"nothing was run in {project}: there is no .orchestrator/log.db")
    log = bootstrap.open_project_log(project)
    try:
        state, events = bootstrap.load_state(log)
        yield log, state, events
    finally:
        log.close()
