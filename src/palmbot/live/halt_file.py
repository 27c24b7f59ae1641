"""The file that stops entries when nothing else can be reached: `touch DIRECTORY/HALT`."""

import os
from collections.abc import Callable
from pathlib import Path

from palmbot.core.state import EngineState
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.events import OperatorHalted
from palmbot.ports import EventSink

FILE_NAME = "HALT"
"""In the data directory, in capitals or not; what stands in it is taken for the reason."""

CHECK_S = 0.5
REASON_BYTES_MAX = 200


def read_halt(directory: Path) -> str | None:
    """Return why entries must stop, None if the directory can be read and holds no such file.

    What cannot be read counts as a halt: the file may be there and not be seen.
    """
    try:
        found = [path for path in directory.iterdir() if path.name.upper() == FILE_NAME]
    except OSError as e:
        return f"the data directory {directory} cannot be read: {e.strerror}"
    if not found:
        return None
    text = _read_first_line(found[0])
    return f"the file {found[0]} is there{': ' + text if text else ''}"


def write_halt(directory: Path, reason: str) -> None:
    """Put the file into the directory, unless there is one already.

    Raises:
        ConfigInvalid: it cannot be written.
    """
    if read_halt(directory) is not None:
        return
    try:
        (directory / FILE_NAME).write_text(f"{reason}\n", encoding="utf-8")
    except OSError as e:
        raise ConfigInvalid(
            f"cannot write {directory / FILE_NAME}: {e.strerror}; halt the bot by another way"
        ) from e


class HaltFile:
    """Turns the file into an order to halt. Taking it away does not resume; a person does."""

    def __init__(
        self, directory: Path, *, sink: EventSink, read_state: Callable[[], EngineState]
    ) -> None:
        self._directory = directory
        self._sink = sink
        self._read_state = read_state

    def check(self) -> None:
        """Look once; a bot that is halted already is not told again."""
        if self._read_state().switch.halted_by is not None:
            return
        reason = read_halt(self._directory)
        if reason is not None:
            self._sink.put(halt_by_file(reason))


def halt_by_file(reason: str) -> OperatorHalted:
    """Return the order that the file stands for."""
    return OperatorHalted(actor="HALT file", reason=reason)


def _read_first_line(path: Path) -> str:
    """Return the first line, empty if there is none to read: the name alone says enough."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        head = os.read(descriptor, REASON_BYTES_MAX)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return (head.decode(errors="replace").splitlines() or [""])[0].strip()
