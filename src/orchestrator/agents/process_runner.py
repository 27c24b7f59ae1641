"""Starts, watches and stops agent processes; everything it knows of one stands in its folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from orchestrator.agents import processes
from orchestrator.agents.keeper import Claimed, Ended, Job, Started
from orchestrator.domain.agents import (
    AgentEvent,
    AgentEventKind,
    AttemptSighting,
    Brief,
    Ending,
    Launch,
)
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Adapter, StopOutcome

ALLOWED_ENVIRONMENT: Final = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "TZ",
    "SHELL",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
)
"""What an agent sees of our environment; an adapter adds the variables of its own login."""
LINE_BYTES_MAX: Final = 1_000_000
EVENTS_MAX: Final = 20_000
STDERR_TAIL_BYTES: Final = 20_000
BACKSTOP_FACTOR: Final = 1.5
"""The keeper ends an agent that outlives its deadline by half, in case we never come back."""
_PROSE: Final = frozenset({AgentEventKind.TEXT, AgentEventKind.TOOL})
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each rung of the kill ladder waits, seconds."""

    interrupt_s: float = 10.0
    terminate_s: float = 5.0
    kill_s: float = 5.0


@dataclass(slots=True)
class _Reading:
    """How far the output of an attempt has been read."""

    offset: int = 0
    rest: bytes = b""
    is_skipping: bool = False
    """Inside a line that is too long: what is left of it means nothing."""
    events: list[AgentEvent] = field(default_factory=list)


class ProcessRunner:
    """Implements `ports.AgentRunner` with one keeper process for each attempt."""

    def __init__(
        self,
        environment: Mapping[str, str],
        allowed: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        """Use an environment to choose from, further allowed names, and the ladder's patience."""
        names = (*ALLOWED_ENVIRONMENT, *allowed)
        self._environment = {name: environment[name] for name in names if name in environment}
        self._patience = patience or Patience()
        self._readings: dict[str, _Reading] = {}

    def launch(self, launch: Launch, brief: Brief, *, deadline_ms: int) -> None:
        """Start the process in its own session, unless this attempt has started before.

        Raises:
            AgentUnusable: the program cannot be started.
        """
        folder = Path(brief.attempt_dir)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "claimed.json").exists():
            return
        job = Job(
            attempt_id=brief.attempt_id,
            argv=launch.argv,
            worktree=brief.worktree,
            environment=self._environment
            | dict(launch.environment)
            | {processes.MARKER: brief.attempt_id, "ORCH_BATCH": brief.batch_id},
            stdin_file=launch.stdin_file,
            life_s=deadline_ms / 1000 * BACKSTOP_FACTOR + 30.0,
        )
        # The agent's environment holds its login: for the eyes of this user alone, from the start.
        private = os.open(folder / "job.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(private, "wb") as file:
            file.write(msgspec.json.encode(job))
        environment = {k: v for k, v in os.environ.items() if k != processes.MARKER}
        try:
            subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-m", "orchestrator.agents.keeper", str(folder)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                check=True,
                timeout=30,
            )
        except (OSError, subprocess.SubprocessError) as e:
            raise AgentUnusable(f"the agent of {brief.batch_id} cannot be started: {e}") from e

    def look(self, adapter: Adapter, attempt_id: str, attempt_dir: str) -> AttemptSighting:
        """Say how the attempt stands; cheap enough to ask ten times a second."""
        folder = Path(attempt_dir)
        claimed = _read(folder / "claimed.json", Claimed)
        started = _read(folder / "started.json", Started)
        ended = _read(folder / "ended.json", Ended)
        is_alive = started is not None and processes.is_same(started.pid, started.ticks)
        events = self._read_output(adapter, attempt_id, folder, is_final=ended is not None)
        ending: Ending | None = None
        if ended is not None:
            ending = self._judge(adapter, ended, events, folder)
        elif (
            claimed is not None
            and not is_alive
            and not processes.is_same(claimed.pid, claimed.ticks)
        ):
            ended = _read(folder / "ended.json", Ended)  # it may have ended between the two looks
            ending = (
                self._judge(adapter, ended, events, folder)
                if ended is not None
                else Ending(execution=Execution.LOST, detail="the process vanished without a trace")
            )
        return AttemptSighting(
            is_started=started is not None or ending is not None,
            is_alive=is_alive,
            pid=started.pid if started else None,
            last_activity_ms=_last_activity_ms(folder, started),
            has_final_event=any(each.kind is AgentEventKind.FINAL for each in events),
            ending=ending,
        )

    def stop(self, adapter: Adapter, attempt_id: str, attempt_dir: str) -> StopOutcome:
        """Interrupt, terminate, then kill all that carries the marker; return when gone."""
        folder = Path(attempt_dir)
        started = _read(folder / "started.json", Started)
        if started is not None:
            for number, wait_s in (
                (signal.SIGINT, self._patience.interrupt_s),
                (signal.SIGTERM, self._patience.terminate_s),
            ):
                if not processes.is_same(started.pid, started.ticks):
                    break
                processes.signal_group(started.pid, number)
                processes.wait_until_gone(started.pid, started.ticks, wait_s)
        killed, left = processes.kill_carriers(attempt_id, self._patience.kill_s)
        deadline = time.monotonic() + 3.0
        sighting = self.look(adapter, attempt_id, attempt_dir)
        while sighting.ending is None and time.monotonic() < deadline:
            time.sleep(0.02)
            sighting = self.look(adapter, attempt_id, attempt_dir)
        ending = sighting.ending or Ending(
            execution=Execution.LOST, detail="the process left no trace"
        )
        return StopOutcome(ending=ending, orphans_killed=killed, orphans_left=left)

    def _read_output(
        self, adapter: Adapter, attempt_id: str, folder: Path, *, is_final: bool
    ) -> list[AgentEvent]:
        """Read what is new in the output and return all it has said.

        A part of it while the agent lives, so that a look stays cheap; all of it once it has
        ended, and then the last line counts too if it has no end.
        """
        reading = self._readings.setdefault(attempt_id, _Reading())
        path = folder / "stdout"
        if not path.exists():
            return reading.events
        with path.open("rb") as file:
            file.seek(reading.offset)
            while new := file.read(4 * LINE_BYTES_MAX):
                reading.offset += len(new)
                *lines, reading.rest = (reading.rest + new).split(b"\n")
                for line in lines:
                    self._take(adapter, reading, line)
                if len(reading.rest) > LINE_BYTES_MAX:
                    reading.rest, reading.is_skipping = b"", True
                if not is_final:
                    break
        if is_final and reading.rest:
            self._take(adapter, reading, reading.rest)
            reading.rest = b""
        return reading.events

    @staticmethod
    def _take(adapter: Adapter, reading: _Reading, line: bytes) -> None:
        """Understand one line, unless it is the rest of one that was too long.

        Of an agent that talks without end its prose is forgotten, its costs and its end are not.
        """
        if reading.is_skipping:
            reading.is_skipping = False
            return
        event = adapter.parse(line)
        if event is None or (len(reading.events) >= EVENTS_MAX and event.kind in _PROSE):
            return
        reading.events.append(event)

    @staticmethod
    def _judge(
        adapter: Adapter, ended: Ended, events: Sequence[AgentEvent], folder: Path
    ) -> Ending:
        if ended.problem:
            return Ending(execution=Execution.USAGE, detail=ended.problem)
        return adapter.classify(ended.exit_code, events, _tail(folder / "stderr"))


def _read(path: Path, kind: type[T]) -> T | None:
    """Return a record; None if it is not there yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _tail(path: Path) -> bytes:
    """Return the end of a file."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - STDERR_TAIL_BYTES))
        return file.read()


def _last_activity_ms(folder: Path, started: Started | None) -> int:
    """Return when the agent was last heard of."""
    times = [started.at_ms] if started else []
    for name in ("stdout", "stderr"):
        path = folder / name
        if path.exists():
            times.append(path.stat().st_mtime_ns // 1_000_000)
    return max(times, default=0)
