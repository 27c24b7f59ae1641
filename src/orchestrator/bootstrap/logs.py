"""Opens the event log of a project and folds the last run out of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from orchestrator.core.fold import fold
from orchestrator.core.state import RunState
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.events import Recorded, RunStarted
from orchestrator.store.sqlite_log import SqliteLog
from orchestrator.store.wall_clock import WallClock

FOLDER: Final = ".orchestrator"


def open_log(root: Path) -> SqliteLog:
    """Open the event log of a project, and make it if there is none; the caller closes it."""
    folder = prepare_folder(root)
    return SqliteLog(folder / "log.db", WallClock())


def prepare_folder(root: Path) -> Path:
    """Return the folder of our own files in a project, made so that git does not see it."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


@contextmanager
def opened(root: Path) -> Iterator[tuple[SqliteLog, RunState, tuple[Recorded, ...]]]:
    """Open the log of a project with the state of its last run, and close it again.

    Raises:
        InputInvalid: nothing was ever run there.
    """
    if not (root / FOLDER / "log.db").exists():
        raise InputInvalid(f"nothing was run in {root}: start with `orchestrate run`")
    log = open_log(root)
    try:
        state, events = load_state(log)
        if state.started is None:
            raise InputInvalid(f"the log of {root} holds no run: start with `orchestrate run`")
        yield log, state, events
    finally:
        log.close()


def load_state(log: SqliteLog) -> tuple[RunState, tuple[Recorded, ...]]:
    """Return the state of the last run and its events; the empty state if there was none.

    Raises:
        LogDamaged: a row does not verify or cannot be decoded.
    """
    events = log.read()
    state = RunState()
    first = 0
    for position, recorded in enumerate(events):
        state = fold(state, recorded)
        if isinstance(recorded.event, RunStarted):
            first = position
    return state, events[first:]
