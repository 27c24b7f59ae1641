"""The small process between us and an agent: it outlives us, and writes down how the agent ended.

Started as `python -m orchestrator.agents.keeper JOB`. It claims the attempt with a file that can
be made once only, so that an attempt never runs twice; it feeds the prompt, caps the output, and
ends everything if the orchestrator never comes back.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from orchestrator.agents import processes

OUTPUT_BYTES_MAX: Final = 50_000_000
"""Of each stream; the rest is read and thrown away, so that the agent does not block."""
QUIET_S: Final = 0.5
DRAIN_S: Final = 10.0
"""Output still in the pipe when the agent has ended is read until it is quiet, or for so long at
most: a grandchild may hold the pipe open forever."""
_CHUNK: Final = 65_536
_PAUSE_S: Final = 0.02


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the keeper is told, as JSON."""

    attempt_id: str
    argv: tuple[str, ...]
    worktree: str
    environment: dict[str, str]
    stdin_file: str | None
    life_s: float
    """Longest life of the agent, enforced here if nobody else does."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """Who keeps an attempt."""

    pid: int
    ticks: int


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's own process."""

    pid: int
    ticks: int
    at_ms: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended; a negative code is a signal."""

    exit_code: int | None
    problem: str = ""


def write_record(path: Path, record: msgspec.Struct) -> None:
    """Write a record so that a reader sees all of it or nothing."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(record))
    temporary.replace(path)


def keep(folder: Path) -> None:
    """Run the agent of one attempt to its end; return at once if the attempt is taken."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    job = msgspec.json.decode((folder / "job.json").read_bytes(), type=Job)
    ticks = processes.start_ticks(os.getpid()) or 0
    try:
        with (folder / "claimed.json").open("xb") as file:
            file.write(msgspec.json.encode(Claimed(pid=os.getpid(), ticks=ticks)))
    except FileExistsError:
        return
    stdin = Path(job.stdin_file or os.devnull).open("rb")  # noqa: SIM115 - closed below
    try:
        agent = subprocess.Popen(  # noqa: S603 - argv from a fixed template, no shell
            job.argv,
            cwd=job.worktree,
            env=job.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            restore_signals=True,
            preexec_fn=_restore_signals,  # noqa: PLW1509 - no thread runs here yet
        )
    except OSError as e:
        write_record(folder / "ended.json", Ended(exit_code=None, problem=str(e)))
        return
    finally:
        stdin.close()
    assert agent.stdout is not None
    assert agent.stderr is not None
    pumps = [Pump(agent.stdout, folder / "stdout"), Pump(agent.stderr, folder / "stderr")]
    for pump in pumps:
        pump.start()
    write_record(
        folder / "started.json",
        Started(
            pid=agent.pid,
            ticks=processes.start_ticks(agent.pid) or 0,
            at_ms=time.time_ns() // 1_000_000,
        ),
    )
    try:
        code = agent.wait(timeout=job.life_s)
    except subprocess.TimeoutExpired:
        processes.kill_carriers(job.attempt_id, 5.0)
        code = agent.wait()
    _drain(pumps)
    write_record(folder / "ended.json", Ended(exit_code=code))


def _restore_signals() -> None:
    """Give the agent the usual answers to signals, which we ignore."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


class Pump(threading.Thread):
    """Copies a stream to a file up to the cap, and reads on beyond it."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        """Use an open pipe and a file that does not exist yet."""
        super().__init__(name=path.name, daemon=True)
        self._stream = stream
        self._path = path
        self.heard_s = time.monotonic()
        """When something last came."""

    def run(self) -> None:
        """Copy until the other end is closed by everybody who holds it."""
        room = OUTPUT_BYTES_MAX
        with self._path.open("wb", buffering=0) as file:
            while chunk := os.read(self._stream.fileno(), _CHUNK):
                if room > 0:
                    file.write(chunk[:room])
                    room -= len(chunk)
                self.heard_s = time.monotonic()


def _drain(pumps: Sequence[Pump]) -> None:
    """Wait for what the agent wrote last."""
    ended_s = time.monotonic()
    while (now_s := time.monotonic()) - ended_s < DRAIN_S:
        working = [each for each in pumps if each.is_alive()]
        heard_s = max((each.heard_s for each in working), default=0.0)
        if not working or now_s - max(heard_s, ended_s) >= QUIET_S:
            return
        working[0].join(_PAUSE_S)


def main() -> None:
    """Leave the session of whoever started us, then keep the attempt."""
    if os.fork():
        os._exit(0)
    os.setsid()
    keep(Path(sys.argv[1]))
    os._exit(0)  # a pump may still hang on a pipe that a grandchild keeps open


if __name__ == "__main__":
    main()
