"""Reading a journal, also that of a running bot: verify, export, replay, restore.

All of it works on a read-only connection inside one read transaction, so that a bot that
writes meanwhile neither waits nor shows half of something.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import TypeAlias

import msgspec

from palmbot.adapters.journal_codec import (
    GENESIS_HASH,
    StepRow,
    chain_hash,
    decode_event,
    decode_params,
    decode_state,
    encode_commands,
    encode_state,
    run_hash,
    snapshot_hash,
)
from palmbot.adapters.journal_schema import open_for_reading
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.domain.errors import JournalDamaged
from palmbot.domain.events import Event
from palmbot.domain.orders import Intent
from palmbot.domain.units import IntentId

Decide: TypeAlias = Callable[[EngineState, Event, EngineParams], Decision]
InitialState: TypeAlias = Callable[[EngineParams], EngineState]

QUOTE_LENGTH_MAX = 400  # of a command in a sentence; the export shows all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What the hash chain says about a journal."""

    rows: int
    """Steps that are as they were written, counted from the first."""
    head_sequence: int
    head_hash: str
    """64 hex digits, of the last of those steps."""
    broken_at: int | None
    """Sequence of the first step that is not as it was written; None if all are."""
    problem: str
    """What is wrong, in one sentence; empty if nothing is."""

    @property
    def is_verified(self) -> bool:
        """True if every step is as it was written."""
        return not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Whether the recorded events give the recorded commands again."""

    steps: int
    """Steps compared, the different one included."""
    commands: int
    """Commands among them, as they came out now."""
    is_identical: bool
    first_difference: str
    """Sequence, what was recorded and what came out now; empty if identical."""


def verify(path: Path, *, known_head: tuple[int, str] | None = None) -> VerifyReport:
    """Follow the hash chain from the first step to the last.

    The chain finds every changed, missing or exchanged step, run or snapshot. Steps cut off
    at the end leave a shorter chain that is whole in itself: only a head noted earlier,
    outside of the file, tells.

    Args:
        known_head: Sequence and hash (hex) noted earlier.

    Raises:
        InputInvalid: there is no journal at `path`.
    """
    with _reading(path) as connection:
        return verify_connection(connection, known_head=known_head)


def export(path: Path) -> Iterator[str]:
    """Yield one JSON document a step, oldest first.

    Raises:
        InputInvalid: there is no journal at `path`.
        JournalDamaged: a step is not readable as JSON.
    """
    with _reading(path) as connection:
        for row in _read_steps(connection):
            try:
                yield _render_step(row)
            except (msgspec.MsgspecError, UnicodeDecodeError) as e:
                raise JournalDamaged(f"step {row.sequence} of {path} cannot be read") from e


def replay(path: Path, *, decide: Decide, initial_state: InitialState) -> ReplayReport:
    """Feed the recorded events to `decide` and compare commands, reasons, states and intents.

    Every run is replayed with the parameters recorded for it.

    Raises:
        InputInvalid: there is no journal at `path`.
        JournalDamaged: a step cannot be read.
    """
    with _reading(path) as connection:
        replayer = _Replayer(connection, decide, initial_state)
        snapshots = {row[0] for row in connection.execute("SELECT sequence FROM snapshot")}
        difference = ""
        for row in _read_steps(connection):
            difference = replayer.repeat(row, is_reason_compared=True)
            if not difference and row.sequence in snapshots:
                difference = replayer.compare_snapshot(row.sequence)
            if difference:
                break
        difference = difference or replayer.compare_intents()
        return ReplayReport(
            steps=replayer.steps,
            commands=replayer.commands,
            is_identical=not difference,
            first_difference=difference,
        )


def verify_connection(
    connection: sqlite3.Connection, *, known_head: tuple[int, str] | None = None
) -> VerifyReport:
    """Do the work of `verify` on a connection whose texts come as bytes."""
    chain = _Chain()
    try:
        check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        for row in _read_steps(connection):
            chain.add(row)
            if chain.problem:
                break
        if not chain.problem:
            chain.problem = _check_runs(connection) or _check_snapshots(connection)
    except sqlite3.DatabaseError as e:
        chain.break_off(f"step {chain.sequence + 1} cannot be read: {e}")
    else:
        if not chain.problem and check != b"ok":
            chain.problem = f"the file is damaged: {check.decode(errors='replace')}"
    if not chain.problem and known_head is not None:
        chain.problem = _check_known_head(connection, known_head)
    return VerifyReport(
        rows=chain.sequence,
        head_sequence=chain.sequence,
        head_hash=chain.hash.hex(),
        broken_at=chain.broken_at,
        problem=chain.problem,
    )


def restore(
    connection: sqlite3.Connection, *, decide: Decide, initial_state: InitialState
) -> EngineState | None:
    """Return the state after the last step, None if there is no step.

    Starts from the newest snapshot that this version reads as it was written, and replays
    what follows.

    Raises:
        JournalDamaged: the steps after the snapshot give other commands than they gave.
    """
    replayer = _Replayer(connection, decide, initial_state)
    for sequence, text in connection.execute(
        "SELECT sequence, state FROM snapshot ORDER BY sequence DESC"
    ):
        replayer.state = decode_state(text)
        if replayer.state is not None:
            after = sequence
            break
    else:
        after = 0
    for row in _read_steps(connection, after=after):
        # Words may be put better from version to version; what was done may not differ.
        difference = replayer.repeat(row, is_reason_compared=False)
        if difference:
            raise JournalDamaged(
                f"this version decides otherwise than the one that wrote the journal: "
                f"{difference}. Start and stop the version of that run once, which leaves a "
                "snapshot to start from"
            )
    return replayer.state


class _Chain:
    """Follows the steps from the first on and stops at the first that does not fit."""

    def __init__(self) -> None:
        self.sequence = 0
        self.hash = GENESIS_HASH
        self.broken_at: int | None = None
        self.problem = ""

    def add(self, row: StepRow) -> None:
        """Take the next step, or say why it does not belong here."""
        expected = self.sequence + 1
        if row.sequence != expected:
            self.break_off(f"step {expected} is missing")
        elif row.previous_hash != self.hash:
            self.break_off(f"step {expected} does not follow the step that stands before it")
        elif not _has_own_hash(row):
            self.break_off(f"step {expected} is not as it was written")
        else:
            self.sequence = expected
            self.hash = row.hash

    def break_off(self, problem: str) -> None:
        """Note the first thing that is wrong, at the next step."""
        self.broken_at = self.sequence + 1
        self.problem = problem


class _Replayer:
    """Repeats recorded steps under the parameters that were in force."""

    def __init__(
        self, connection: sqlite3.Connection, decide: Decide, initial_state: InitialState
    ) -> None:
        self.state: EngineState | None = None
        self.steps = 0
        self.commands = 0
        self._intents: dict[IntentId, Intent] = {}
        self._connection = connection
        self._decide = decide
        self._initial_state = initial_state
        self._params: dict[bytes, EngineParams] = {
            run_id: decode_params(text)
            for run_id, text in connection.execute("SELECT run_id, params FROM run")
        }

    def repeat(self, row: StepRow, *, is_reason_compared: bool) -> str:
        """Decide once more; return the difference to what was recorded, empty if there is none."""
        params = self._params.get(row.run_id)
        if params is None:
            raise JournalDamaged(
                f"step {row.sequence} belongs to run {row.run_id.decode(errors='replace')}, "
                "whose parameters are not recorded"
            )
        state = self._initial_state(params) if self.state is None else self.state
        event = decode_event(row.event_type, row.event)
        decision = self._decide(state, event, params)
        self.state = decision.state
        self.steps += 1
        self.commands += len(decision.commands)
        self._intents.update((each.intent_id, each) for each in decision.changed_intents)
        commands = encode_commands(decision)
        if decision.state.sequence != row.sequence:
            return f"step {row.sequence} is now number {decision.state.sequence}"
        if commands != row.commands:
            return _tell(row, "commands", row.commands, commands)
        reason = decision.reason.encode()
        if is_reason_compared and reason != row.reason:
            return _tell(row, "reason", row.reason, reason)
        return ""

    def compare_snapshot(self, sequence: int) -> str:
        """Return the difference between the state reached and the snapshot stored."""
        (stored,) = self._connection.execute(
            "SELECT state FROM snapshot WHERE sequence = ?", (sequence,)
        ).fetchone()
        if self.state is None or encode_state(self.state) == stored:
            return ""
        return f"the state after step {sequence} is not the one in the snapshot"

    def compare_intents(self) -> str:
        """Return the difference between the intents as replayed and their table."""
        stored = {
            row[0].decode(): (row[1].decode(), row[2])
            for row in self._connection.execute(
                "SELECT intent_id, state, filled_volume FROM intent"
            )
        }
        replayed = {
            str(each.intent_id): (str(each.state), int(each.filled_volume))
            for each in self._intents.values()
        }
        for intent_id in sorted(stored.keys() | replayed.keys()):
            if stored.get(intent_id) != replayed.get(intent_id):
                return (
                    f"intent {intent_id} is stored as {stored.get(intent_id)}, "
                    f"the replay gives {replayed.get(intent_id)}"
                )
        return ""


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open for one consistent look."""
    with closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        yield connection


def _read_steps(connection: sqlite3.Connection, *, after: int = 0) -> Iterator[StepRow]:
    """Yield the steps in order."""
    return starmap(
        StepRow,
        connection.execute(
            "SELECT sequence, recorded_at, run_id, event_type, event, commands, reason, "
            "previous_hash, hash FROM step WHERE sequence > ? ORDER BY sequence",
            (after,),
        ),
    )


def _has_own_hash(row: StepRow) -> bool:
    """Tell whether the hash of a row is that of its columns."""
    try:
        return row.hash == chain_hash(
            row.previous_hash,
            row.sequence,
            row.recorded_at,
            row.run_id,
            row.event_type,
            row.event,
            row.commands,
            row.reason,
        )
    except TypeError:  # a flipped byte can turn a text into a number
        return False


def _check_runs(connection: sqlite3.Connection) -> str:
    """Return what is wrong with the runs."""
    for run_id, after, started_at, code_version, params, stored in connection.execute(
        "SELECT run_id, after_sequence, started_at, code_version, params, hash FROM run"
    ):
        before = _hash_of_step(connection, after)
        if before is None or stored != run_hash(before, run_id, started_at, code_version, params):
            return f"run {run_id.decode(errors='replace')} is not as it was written"
    lost = connection.execute(
        "SELECT run_id, min(sequence) FROM step WHERE run_id NOT IN (SELECT run_id FROM run)"
    ).fetchone()
    if lost[0] is not None:
        return f"the run of step {lost[1]} is missing"
    return ""


def _check_snapshots(connection: sqlite3.Connection) -> str:
    """Return what is wrong with the snapshots. One beyond the last step proves a lost tail."""
    for sequence, state, stored in connection.execute(
        "SELECT sequence, state, hash FROM snapshot ORDER BY sequence"
    ):
        step_hash = _hash_of_step(connection, sequence)
        if step_hash is None:
            return f"step {sequence} is missing, of which there is a snapshot"
        if stored != snapshot_hash(sequence, step_hash, state):
            return f"the snapshot of step {sequence} is not as it was written"
    return ""


def _check_known_head(connection: sqlite3.Connection, known_head: tuple[int, str]) -> str:
    """Return what is wrong if the head noted earlier is not part of the chain."""
    sequence, digest = known_head
    stored = _hash_of_step(connection, sequence)
    if stored is None:
        return f"steps are missing at the end: step {sequence} was there once"
    if stored.hex() != digest.lower():
        return f"step {sequence} is another one than was noted"
    return ""


def _hash_of_step(connection: sqlite3.Connection, sequence: int) -> bytes | None:
    """Return the stored hash of a step, that of the beginning for 0, None if there is none."""
    if sequence == 0:
        return GENESIS_HASH
    row = connection.execute("SELECT hash FROM step WHERE sequence = ?", (sequence,)).fetchone()
    return None if row is None else row[0]


def _render_step(row: StepRow) -> str:
    """Return one step as JSON; event and commands are inserted as they are stored."""
    # Decoding proves that a damaged text does not break the document around it.
    msgspec.json.decode(row.event)
    msgspec.json.decode(row.commands or b"[]")
    return msgspec.json.encode(
        {
            "sequence": row.sequence,
            "recorded_at": row.recorded_at,
            "run_id": row.run_id.decode(),
            "event_type": row.event_type.decode(),
            "event": msgspec.Raw(row.event),
            "commands": msgspec.Raw(row.commands or b"[]"),
            "reason": row.reason.decode(),
            "hash": row.hash.hex(),
        }
    ).decode()


def _tell(row: StepRow, what: str, recorded: bytes, now: bytes) -> str:
    """Return one sentence with both versions."""

    def quote(text: bytes) -> str:
        return text.decode(errors="replace")[:QUOTE_LENGTH_MAX] or "none"

    return (
        f"step {row.sequence} ({row.event_type.decode()}) has other {what}: "
        f"recorded {quote(recorded)}, now {quote(now)}"
    )
