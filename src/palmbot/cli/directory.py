"""Where a bot keeps its books, and how a command finds the running one."""

from pathlib import Path

from palmbot.bootstrap.directory import JOURNAL_NAME, SOCKET_NAME
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment

BASE = Path("palmbot-data")
PINS = BASE / "tls-pins.json"
"""Keys of servers, which belong to no environment."""


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


def find_journal(directory: Path | None) -> Path:
    """Return the journal of the bot that runs here, or that ran here if none does.

    Raises:
        InputInvalid: none was named, and there is not exactly one to choose.
    """
    if directory is not None:
        return directory / JOURNAL_NAME
    running = sorted(path.parent for path in BASE.glob(f"*/{SOCKET_NAME}"))
    kept = running or sorted(path.parent for path in BASE.glob(f"*/{JOURNAL_NAME}"))
    if len(kept) == 1:
        return kept[0] / JOURNAL_NAME
    found = f"there are several ({', '.join(map(str, kept))})" if kept else "there is none here"
    raise InputInvalid(f"which bot? {found}: name its data directory with --directory")
