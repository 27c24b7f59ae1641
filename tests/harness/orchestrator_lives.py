"""An orchestrator that kills itself with SIGKILL after so many events of its own.

Run as `python -m harness.orchestrator_lives ROOT DOCUMENT SCENARIO EVENTS`.
"""

import os
import signal
import sys
from pathlib import Path

from orchestrator.demo.play import run_stage
from orchestrator.demo.stage import Stage
from orchestrator.store.sqlite_log import SqliteLog


class MortalLog(SqliteLog):
    """A log whose writer dies right after an event is on disk."""

    lives = 0

    def append(self, *events):
        """Store, then perhaps die."""
        stored = super().append(*events)
        MortalLog.lives -= len(stored)
        if MortalLog.lives <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return stored


def make_mortal(log: SqliteLog) -> SqliteLog:
    """Turn an open log into a mortal one."""
    log.__class__ = MortalLog
    return log


if __name__ == "__main__":
    root, document, scenario, events = sys.argv[1:]
    MortalLog.lives = int(events)
    run_stage(Stage(root=Path(root), document=Path(document)), scenario, wrap_log=make_mortal)
