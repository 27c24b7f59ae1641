"""The data directory of one account in one environment, and what lies in it."""

from pathlib import Path

from palmbot.domain.errors import ConfigInvalid

JOURNAL_NAME = "journal.sqlite"
SOCKET_NAME = "operator.sock"


def make_directory(directory: Path) -> None:
    """Make a data directory for its owner alone.

    Raises:
        ConfigInvalid: it cannot be made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise ConfigInvalid(
            f"cannot make the data directory {directory}: {e.strerror}; "
            "choose one you may write to with --directory"
        ) from e
