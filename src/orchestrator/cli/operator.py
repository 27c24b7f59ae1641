"""`orchestrate approve | pause | resume | cancel | cleanup`: words of a person, into the log.

The running loop follows the log, so they work from any terminal, and after a restart alike.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orchestrator import bootstrap
from orchestrator.cli.output import EXIT_DONE, stdout
from orchestrator.cli.places import find_root
from orchestrator.cli.status import opened
from orchestrator.domain.batches import BatchId
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.events import (
    Event,
    OperatorApproved,
    OperatorCancelled,
    OperatorPaused,
    OperatorResumed,
)


def approve(batch: str, /, *, root: Path | None = None) -> int:
    """Approve a batch: to start, or to count although nothing could be checked.

    Args:
        batch: Id of the batch.
        root: The project; the git repository around this folder by default.
    """
    return _tell(root, OperatorApproved(batch_id=BatchId(batch)), batch)


def pause(*, root: Path | None = None) -> int:
    """Hand out nothing more; what runs goes on.

    Args:
        root: The project; the git repository around this folder by default.
    """
    return _tell(root, OperatorPaused())


def resume(*, root: Path | None = None) -> int:
    """Hand out again after a pause.

    Args:
        root: The project; the git repository around this folder by default.
    """
    return _tell(root, OperatorResumed())


def cancel(
    batch: str | None = None,
    /,
    *,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
    root: Path | None = None,
) -> int:
    """Cancel one batch, or with --all every batch that is not finished.

    Args:
        batch: Id of the batch.
        everything: Cancel all of them.
        root: The project; the git repository around this folder by default.
    """
    if (batch is None) != everything:
        raise InputInvalid("name one batch to cancel, or say --all")
    return _tell(root, OperatorCancelled(batch_id=BatchId(batch) if batch else None), batch)


def cleanup(*, root: Path | None = None) -> int:
    """Remove the worktrees of finished batches; what was not merged is kept as a patch.

    Args:
        root: The project; the git repository around this folder by default.
    """
    project = (root or find_root(Path.cwd())).resolve()
    removed = bootstrap.clean_up(project)
    for path in removed:
        stdout.print(f"removed {path}", highlight=False, markup=False)
    stdout.print(f"{len(removed)} worktrees removed", highlight=False)
    return EXIT_DONE


def _tell(root: Path | None, event: Event, batch: str | None = None) -> int:
    """Store what a person says, if it is about something that exists."""
    with opened(root) as (log, state, _):
        if batch is not None and state.of(batch) is None:
            known = ", ".join(each.plan.id for each in state.batches)
            raise InputInvalid(f"no batch is called {batch}; there are {known}")
        (recorded,) = log.append(event)
    stdout.print(f"noted as event {recorded.sequence}", highlight=False)
    return EXIT_DONE
