"""Where a bot keeps its books, and how a command finds the running one."""

from pathlib import Path

from palmbot.bootstrap import SOCKET_NAME
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment

BASE = Path("palmbot-data")


def choose_directory(environment: Environment, directory: Path | None) -> Path:
    """Return the data directory of a bot; one per environment unless a person names another."""
    return directory or BASE / environment


def find_running(directory: Path | None) -> Path:
    """Return the data directory of the bot that runs here.

    Raises:
        InputInvalid: none was named, and not exactly one runs below the working directory.
    """
    if directory is not None:
        return directory
    running = sorted(path.parent for path in BASE.glob(f"*/{SOCKET_NAME}"))
    if len(running) == 1:
        return running[0]
    found = f"several run ({', '.join(map(str, running))})" if running else "none runs here"
    raise InputInvalid(f"which bot? {found}: name its data directory with --directory")
