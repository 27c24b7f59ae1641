"""At most one bot on one machine for one account of one environment."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId


def find_holder(directory: Path) -> str | None:
    """Return the process of the bot that runs on this data directory; None if none does."""
    for path in (path for each in Environment for path in directory.glob(f"{each}-*.lock")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone meanwhile, or of another user whose bot cannot be ours
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        finally:
            os.close(descriptor)
    return None


class InstanceLock:
    """Holds the lock from construction until `release`, or until the process dies.

    The lock is per machine and directory: a second bot on another machine is not noticed here.
    """

    def __init__(self, directory: Path, environment: Environment, account_id: AccountId) -> None:
        """Take the lock.

        Raises:
            ConfigInvalid: another process holds it, or the directory cannot be used.
        """
        self.path = directory / f"{environment}-{account_id}.lock"
        try:
            # Python opens files non-inheritable, so no child process keeps the lock alive.
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as e:
            raise ConfigInvalid(
                f"cannot create {self.path}: {e.strerror}; choose a data directory you may write to"
            ) from e
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise ConfigInvalid(
                f"a bot for account {account_id} ({environment}) already runs here, as process "
                f"{holder}: stop it first, or use another data directory for another account"
            ) from e
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back; harmless when repeated. The file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
