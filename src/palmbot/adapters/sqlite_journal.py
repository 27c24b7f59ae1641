"""The journal in one SQLite file, written by one thread. Start with `open_journal`."""

import asyncio
import queue
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from palmbot.adapters import journal_projections
from palmbot.adapters.journal_codec import (
    StepRow,
    encode_params,
    encode_state,
    encode_step,
    run_hash,
    snapshot_hash,
)
from palmbot.adapters.journal_reader import Decide, InitialState, restore, verify_connection
from palmbot.adapters.journal_schema import JournalOwner, open_for_reading, open_for_writing
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.domain.errors import JournalDamaged, JournalWriteFailed
from palmbot.domain.events import Event
from palmbot.domain.orders import Environment
from palmbot.ports import Clock

GROUP_STEPS_MAX: Final = 512  # about 150 KiB of ticks in one commit
GROUP_AGE_S: Final = 1.0  # real seconds: the most a power cut takes of an uneventful feed
TRANSACTIONS_MAX: Final = 16  # on their way to the disk; more means that the disk does not follow
SNAPSHOT_STEPS: Final = 20_000  # replayed within a second or two at the next start

_INSERT_STEP: Final = (
    "INSERT INTO step VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), "
    "CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)"
)


Outcome: TypeAlias = asyncio.Future[Exception | None]
"""How a transaction went: None, or what failed."""


@dataclass(slots=True)
class _Transaction:
    """All that is committed at once, in this order."""

    steps: list[StepRow] = field(default_factory=list)
    changes: list[Decision] = field(default_factory=list)
    """Decisions that change a projection."""
    statements: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.statements


@dataclass(frozen=True, slots=True)
class _Job:
    """A transaction on its way to the thread."""

    transaction: _Transaction
    outcome: Outcome


class SqliteJournal:
    """Implements `ports.Journal`. One row per event, in the order decided.

    The event loop encodes and chains the rows; the thread alone touches the connection. A
    group of uneventful steps waits for company, at most `GROUP_AGE_S`; a step that must be
    durable takes the waiting ones along, in one transaction. The first failure is final: what
    is not on disk cannot be known, and a second try could write behind a gap.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        *,
        head: tuple[int, bytes],
        state: EngineState | None,
    ) -> None:
        """Take over the connection; `open_journal` makes one that is fit."""
        self._clock = clock
        self._sequence, self._hash = head
        self._durable = head
        self._state = state
        self._snapshot_sequence = self._sequence
        self._run_id: bytes | None = None
        self._waiting = _Transaction()
        self._in_flight: set[Outcome] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._failure: str | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # A daemon, so that a program which dies of an error is not kept alive by its journal.
        self._thread = threading.Thread(
            target=_write_until_told, args=(connection, self._jobs), name="journal", daemon=True
        )
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """True while no transaction is on its way; steps that wait for company do not count."""
        return not self._in_flight

    @property
    def head(self) -> tuple[int, str]:
        """Sequence and hash (hex) of the newest durable step; 0 and zeros in an empty journal."""
        return self._durable[0], self._durable[1].hex()

    async def begin_run(self, run_id: str, params: EngineParams, *, code_version: str) -> None:
        """Record durably the parameters that rule the steps from here on.

        Raises:
            JournalWriteFailed: see `append`.
        """
        self._refuse_after_failure()
        self._run_id = run_id.encode()
        started_at = self._clock.wall_ms()
        text = encode_params(params)
        digest = run_hash(self._hash, self._run_id, started_at, code_version.encode(), text)
        self._waiting.statements.append(
            (
                "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, self._sequence, started_at, code_version, text.decode(), digest),
            )
        )
        await self._commit()

    async def append(self, event: Event, decision: Decision) -> None:
        """See `ports.Journal.append`."""
        self._refuse_after_failure()
        sequence = decision.state.sequence
        if self._run_id is None or sequence != self._sequence + 1:
            raise JournalWriteFailed(
                f"step {sequence} does not follow step {self._sequence}, or no run was begun"
            )
        row = encode_step(
            event,
            decision,
            recorded_at=self._clock.wall_ms(),
            run_id=self._run_id,
            previous_hash=self._hash,
        )
        self._sequence, self._hash, self._state = sequence, row.hash, decision.state
        self._waiting.steps.append(row)
        if sequence - self._snapshot_sequence >= SNAPSHOT_STEPS:
            self._add_snapshot()
        has_changes = journal_projections.has_changes(decision)
        if has_changes:
            self._waiting.changes.append(decision)
        if has_changes or decision.commands:
            await self._commit()
        elif len(self._waiting.steps) >= GROUP_STEPS_MAX:
            self._submit()
            await self._wait_for_room()
        elif self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(GROUP_AGE_S, self._submit)

    async def flush(self) -> None:
        """Return once every appended step is durable.

        Raises:
            JournalWriteFailed: see `append`.
        """
        self._refuse_after_failure()
        if not self._waiting.is_empty:
            self._submit()
        if self._in_flight:
            await asyncio.wait(tuple(self._in_flight))
        self._refuse_after_failure()

    async def close(self) -> None:
        """Commit what waits, with a snapshot of the last state, and let go of the file.

        Harmless when repeated.

        Raises:
            JournalWriteFailed: the last steps are not on disk; the file is closed anyway.
        """
        if not self._thread.is_alive():
            return
        if self._failure is None and self._sequence > self._snapshot_sequence:
            self._add_snapshot()
        try:
            if self._failure is None:
                await self.flush()
        finally:
            if self._flush_timer is not None:
                self._flush_timer.cancel()
            self._jobs.put(None)
            self._thread.join()
            self._failure = self._failure or "the journal is closed"

    def _add_snapshot(self) -> None:
        assert self._state is not None
        text = encode_state(self._state)
        digest = snapshot_hash(self._sequence, self._hash, text)
        self._waiting.statements.append(
            ("INSERT INTO snapshot VALUES (?, ?, ?)", (self._sequence, text.decode(), digest))
        )
        self._snapshot_sequence = self._sequence

    async def _commit(self) -> None:
        """Return once everything that waits is durable.

        The future is shielded: cancelling the caller does not stop a commit, so it must not
        look as if it had.
        """
        error = await asyncio.shield(self._submit())
        if error is not None:
            self._refuse_after_failure()

    def _submit(self) -> Outcome:
        """Hand everything that waits to the thread, as one transaction."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        transaction, self._waiting = self._waiting, _Transaction()
        outcome: Outcome = asyncio.get_running_loop().create_future()
        self._in_flight.add(outcome)
        head = (self._sequence, self._hash)
        outcome.add_done_callback(lambda done: self._finish(done, head))
        self._jobs.put(_Job(transaction, outcome))
        return outcome

    def _finish(self, outcome: Outcome, head: tuple[int, bytes]) -> None:
        self._in_flight.discard(outcome)
        error = outcome.result()
        if error is None:
            self._durable = head
        elif self._failure is None:
            remedy = (
                "the step breaks a rule of the books, compare the account with the broker"
                if isinstance(error, sqlite3.IntegrityError)
                else "check the disk, then start again"
            )
            self._failure = (
                f"the journal cannot be written ({error}): what came after step "
                f"{self._durable[0]} is not on disk, trading stops; {remedy}"
            )

    async def _wait_for_room(self) -> None:
        while len(self._in_flight) >= TRANSACTIONS_MAX:
            await asyncio.wait(tuple(self._in_flight), return_when=asyncio.FIRST_COMPLETED)

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise JournalWriteFailed(self._failure)


def open_journal(  # noqa: PLR0913 - whose journal it is, and the rules that replay it
    path: Path,
    *,
    environment: Environment,
    account_id: int,
    symbol: str,
    clock: Clock,
    decide: Decide,
    initial_state: InitialState,
) -> tuple[SqliteJournal, EngineState | None]:
    """Open or create a journal; return it with the state it recovers, None if it is empty.

    The whole chain is verified first: about eight seconds for a million steps.

    Raises:
        JournalDamaged: another owner's journal, a broken chain, or steps that this version
            decides otherwise.
        JournalWriteFailed: the file cannot be created or written.
    """
    owner = JournalOwner(environment=environment, account_id=account_id, symbol=symbol)
    connection = open_for_writing(path, owner, clock.wall_ms())
    try:
        with closing(open_for_reading(path)) as reading:
            head = _find_sound_head(reading, path)
            state = restore(reading, decide=decide, initial_state=initial_state)
    except BaseException:
        connection.close()
        raise
    return SqliteJournal(connection, clock, head=head, state=state), state


def _find_sound_head(reading: sqlite3.Connection, path: Path) -> tuple[int, bytes]:
    """Return sequence and hash of the last step, once every step has proved sound."""
    report = verify_connection(reading)
    if not report.is_verified:
        raise JournalDamaged(
            f"the journal {path} is broken: {report.problem}. Keep the file, compare the "
            "account with the broker, then start with another data directory"
        )
    return report.head_sequence, bytes.fromhex(report.head_hash)


def _write_until_told(
    connection: sqlite3.Connection, jobs: "queue.SimpleQueue[_Job | None]"
) -> None:
    """Commit one transaction after the other; after a failure refuse all that follow."""
    failure: Exception | None = None
    with closing(connection):
        while (job := jobs.get()) is not None:
            if failure is None:
                failure = _try_to_write(connection, job.transaction)
            _report(job.outcome, failure)


def _try_to_write(connection: sqlite3.Connection, transaction: _Transaction) -> Exception | None:
    """Commit, or return what failed; nothing is tried again and nothing half-done stays."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT_STEP, transaction.steps)
        for decision in transaction.changes:
            journal_projections.write_changes(connection, decision)
        for statement, values in transaction.statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    except Exception as e:  # noqa: BLE001 - whatever it was, the event loop waits for an answer
        return e
    return None


def _report(outcome: Outcome, error: Exception | None) -> None:
    """Tell the event loop; if that is closed, nobody waits for the answer."""
    with suppress(RuntimeError):
        outcome.get_loop().call_soon_threadsafe(outcome.set_result, error)
