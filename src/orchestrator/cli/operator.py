"""`orchestrate approve | pause | resume | cancel | cleanup`: words of a person, into the log.

The running loop follows the log, so they work from any terminal, and after a restart alike.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orchestrator.bootstrap.logs import opened
from orchestrator.bootstrap.tidying import clean_up
from orchestrator.cli.output import EXIT_DONE, Json, print_json, say
from orchestrator.cli.places import find_project
from orchestrator.core.state import BatchRecord, RunState
from orchestrator.domain.batches import BatchId
from orchestrator.domain.errors import InputInvalid, UsageInvalid
from orchestrator.domain.events import (
    Event,
    OperatorApproved,
    OperatorCancelled,
    OperatorPaused,
    OperatorResumed,
)
from orchestrator.domain.verdicts import BEFORE_WORK, TERMINAL, BatchState


def approve(batch: str, /, *, root: Path | None = None, json_: Json = False) -> int:
    """Approve a batch: to start, or to count although nothing could be checked.

    Example: `orchestrate approve TODO-BATCH-001`

    Args:
        batch: Id of the batch.
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """

    def refuse(state: RunState) -> None:
        record = _find(state, batch)
        is_early = record.state in BEFORE_WORK and record.plan.needs_approval
        if record.state is not BatchState.AWAITING_APPROVAL and not is_early:
            raise InputInvalid(f"{batch} is {record.state.value}: it waits for no approval")

    return _tell(root, OperatorApproved(batch_id=BatchId(batch)), refuse, is_json=json_)


def pause(*, root: Path | None = None, json_: Json = False) -> int:
    """Hand out nothing more; what runs goes on.

    Example: `orchestrate pause`, later `orchestrate resume`

    Args:
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """

    def refuse(state: RunState) -> None:
        if state.is_paused:
            raise InputInvalid("the run is paused already: orchestrate resume")
        _refuse_finished(state)

    return _tell(root, OperatorPaused(), refuse, is_json=json_)


def resume(*, root: Path | None = None, json_: Json = False) -> int:
    """Hand out again after a pause.

    Example: `orchestrate resume`

    Args:
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """

    def refuse(state: RunState) -> None:
        if not state.is_paused:
            raise InputInvalid("the run is not paused")

    return _tell(root, OperatorResumed(), refuse, is_json=json_)


def cancel(
    batch: str | None = None,
    /,
    *,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
    root: Path | None = None,
    json_: Json = False,
) -> int:
    """Cancel one batch, or with --all every batch that is not finished.

    An agent at work on it is ended, its worktree is kept until `orchestrate cleanup`.

    Example: `orchestrate cancel TODO-BATCH-002`

    Args:
        batch: Id of the batch.
        everything: Cancel all of them.
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """
    if (batch is None) != everything:
        raise UsageInvalid("name one batch to cancel, or say --all")

    def refuse(state: RunState) -> None:
        if batch is None:
            if all(each.state in TERMINAL for each in state.batches):
                raise InputInvalid("every batch has ended: there is nothing to cancel")
        elif (record := _find(state, batch)).state in TERMINAL:
            raise InputInvalid(f"{batch} is {record.state.value}: there is nothing to cancel")

    event = OperatorCancelled(batch_id=BatchId(batch) if batch else None)
    return _tell(root, event, refuse, is_json=json_)


def cleanup(*, root: Path | None = None, json_: Json = False) -> int:
    """Remove the worktrees of finished batches; what was not merged is kept as a patch.

    Example: `orchestrate cleanup`

    Args:
        root: The project; the git repository around this folder by default.
        json_: One JSON document on stdout.
    """
    removed = clean_up(find_project(root))
    if json_:
        print_json({"removed": removed})
        return EXIT_DONE
    for path in removed:
        say(f"removed {path}")
    say(f"{len(removed)} worktrees removed")
    return EXIT_DONE


def _find(state: RunState, batch: str) -> BatchRecord:
    """Return a batch of the run.

    Raises:
        InputInvalid: there is none of that name.
    """
    record = state.of(batch)
    if record is None:
        known = ", ".join(each.plan.id for each in state.batches)
        raise InputInvalid(f"no batch is called {batch}; there are {known}")
    return record


def _refuse_finished(state: RunState) -> None:
    if state.finished:
        raise InputInvalid(f"the run has ended: {state.finished}")


def _tell(
    root: Path | None, event: Event, refuse: Callable[[RunState], None], *, is_json: bool
) -> int:
    """Store what a person says, unless it has no meaning as the run stands."""
    with opened(find_project(root)) as (log, state, _):
        refuse(state)
        (recorded,) = log.append(event)
        is_over = bool(state.finished)
    if is_json:
        print_json({"sequence": recorded.sequence, "event": type(event).__name__})
        return EXIT_DONE
    say(f"noted as event {recorded.sequence}")
    if is_over:
        say("the run has ended meanwhile: `orchestrate run` goes on with what this allows")
    return EXIT_DONE
