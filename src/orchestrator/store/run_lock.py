"""One orchestrator for a project: a lock that dies with its holder."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.domain.errors import AlreadyRunning


class RunLock:
    """Held while an orchestrator runs; the kernel releases it if the process is killed."""

    def __init__(self, folder: Path) -> None:
        """Use the project's folder of state."""
        self._lock = FileLock(folder / "run.lock", timeout=0)
        self._note = folder / "run.pid"

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: another process holds it.
        """
        try:
            self._lock.acquire()
        except Timeout as e:
            holder = self._note.read_text() if self._note.exists() else "unknown"
            raise AlreadyRunning(
                f"an orchestrator already works on this project (process {holder})"
            ) from e
        self._note.write_text(str(os.getpid()))

    def release(self) -> None:
        """Give the lock back."""
        self._note.unlink(missing_ok=True)
        self._lock.release()
