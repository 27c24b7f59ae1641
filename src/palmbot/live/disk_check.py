"""Looks how much room the disk has left for the journal."""

import shutil
from pathlib import Path

from palmbot.domain.events import DiskMeasured
from palmbot.ports import EventSink

CHECK_S = 10.0
"""Link seconds between two looks; the journal writes some kilobytes in that time."""


class DiskCheck:
    """Puts a `DiskMeasured` into the inbox at every look."""

    def __init__(self, directory: Path, *, sink: EventSink) -> None:
        self._directory = directory
        self._sink = sink

    def check(self) -> None:
        """Look once. A disk that cannot be asked is told as such, and counts as full."""
        try:
            free: int | None = shutil.disk_usage(self._directory).free
        except OSError:
            free = None
        self._sink.put(DiskMeasured(free_bytes=free))
