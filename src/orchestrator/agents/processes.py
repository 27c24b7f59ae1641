"""What the kernel knows of processes: are they the same, do they live, whose marker they carry.

Linux only: other systems have no environment to read in `/proc`, and `carriers` finds nothing.
"""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

MARKER: Final = "ORCH_RUN"
"""Environment variable that every process of an attempt inherits."""
_STATE, _START_TICKS = 0, 19  # positions behind the name in /proc/PID/stat, see proc(5)
_PAUSE_S: Final = 0.02


def start_ticks(pid: int) -> int | None:
    """Return when a live process started, in clock ticks since boot; None if it is dead.

    Process ids come again; the pair of id and start does not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in {"Z", "X"} else int(fields[_START_TICKS])


def is_same(pid: int, ticks: int) -> bool:
    """Tell whether the process that was seen is still alive."""
    return start_ticks(pid) == ticks


def carriers(attempt_id: str) -> tuple[int, ...]:
    """Return every live process that carries the marker of an attempt, whatever its session."""
    wanted = f"{MARKER}={attempt_id}".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            environment = (entry / "environ").read_bytes()
            if wanted in environment.split(b"\0") and start_ticks(int(entry.name)) is not None:
                found.append(int(entry.name))
    return tuple(found)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group a process leads; nothing if it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def kill_carriers(attempt_id: str, limit_s: float) -> tuple[int, int]:
    """Kill every process with the marker until none is left.

    Returns:
        How many were killed, and how many are still there when the time is up.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + limit_s
    while left := carriers(attempt_id):
        _kill(left)
        killed.update(left)
        if time.monotonic() >= deadline:
            return len(killed), len(carriers(attempt_id))
        time.sleep(_PAUSE_S)
    return len(killed), 0


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(pid: int, ticks: int, limit_s: float) -> bool:
    """Return whether a process ended within a time."""
    deadline = time.monotonic() + limit_s
    while is_same(pid, ticks):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_S)
    return True
