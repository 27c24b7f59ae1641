"""The event log in one SQLite file, shared by processes and chained by SHA-256."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

import msgspec

from orchestrator.domain.errors import LogDamaged, LogWriteFailed
from orchestrator.domain.events import Event, Recorded
from orchestrator.ports import Clock

APPLICATION_ID: Final = 0x6F72_6331  # "orc1" in the file's header
BUSY_TIMEOUT_S: Final = 10.0
GENESIS_HASH: Final = bytes(32)
_SCHEMA: Final = """
CREATE TABLE event (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER event_keeps_rows BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER event_keeps_values BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""
_DECODERS: Final = {kind.__name__: msgspec.json.Decoder(kind) for kind in get_args(Event)}
_encode = msgspec.json.Encoder().encode


class SqliteLog:
    """Implements `ports.EventLog`. Every write is one immediate transaction, synced to disk."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the log, and make it if there is none.

        Raises:
            LogDamaged: the file is something else.
        """
        self._clock = clock
        self._path = path
        try:
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._create()
        except sqlite3.Error as e:
            raise LogDamaged(f"{path} cannot be opened as an event log: {e}") from e

    def _create(self) -> None:
        with self._transaction():
            (found,) = self._connection.execute("PRAGMA application_id").fetchone()
            if found == APPLICATION_ID:
                return
            (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if found or tables:
                raise LogDamaged(f"{self._path} belongs to another program")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in _SCHEMA.split(";\n"):
                text = statement.strip()
                if text:
                    self._connection.execute(text + (";" if text.endswith("END") else ""))

    def append(self, *events: Event) -> tuple[Recorded, ...]:
        """Store durably, all or none, before returning; other writers may have come between.

        Raises:
            LogWriteFailed: nothing was stored; nothing may be started on its account.
        """
        stored: list[Recorded] = []
        try:
            with self._transaction():
                row = self._connection.execute(
                    "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1"
                ).fetchone()
                sequence, previous = row or (0, GENESIS_HASH)
                for event in events:
                    sequence += 1
                    at_ms = self._clock.now_ms()
                    kind, body = type(event).__name__, _encode(event).decode()
                    digest = chain_hash(previous, sequence, at_ms, kind, body)
                    self._connection.execute(
                        "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                        (sequence, at_ms, kind, body, previous, digest),
                    )
                    stored.append(Recorded(sequence=sequence, at_ms=at_ms, event=event))
                    previous = digest
        except sqlite3.Error as e:
            raise LogWriteFailed(f"{self._path}: the event is not on disk: {e}") from e
        return tuple(stored)

    def read(self, after: int = 0) -> tuple[Recorded, ...]:
        """Return the events behind a sequence number, oldest first.

        Raises:
            LogDamaged: a row does not verify or cannot be decoded.
        """
        try:
            rows = self._connection.execute(
                "SELECT sequence, at_ms, type, body, previous_hash, hash FROM event "
                "WHERE sequence >= ? ORDER BY sequence",
                (after,),
            ).fetchall()
        except sqlite3.Error as e:
            raise LogDamaged(f"{self._path} cannot be read: {e}") from e
        previous: bytes | None = GENESIS_HASH if after == 0 else None
        expected = after or 1
        found: list[Recorded] = []
        for sequence, at_ms, kind, body, before, digest in rows:
            is_linked = previous is None or before == previous
            is_whole = chain_hash(before, sequence, at_ms, kind, body) == digest
            if sequence != expected or not is_linked or not is_whole:
                raise LogDamaged(f"{self._path}: event {sequence} is not as it was written")
            previous, expected = digest, sequence + 1
            if sequence > after:
                found.append(
                    Recorded(sequence=sequence, at_ms=at_ms, event=self._decode(kind, body))
                )
        return tuple(found)

    def head(self) -> tuple[int, str]:
        """Return sequence and hash (hex) of the last event; note it to detect a cut log later."""
        row = self._connection.execute(
            "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return (row[0], row[1].hex()) if row else (0, GENESIS_HASH.hex())

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _decode(self, kind: str, body: str) -> Event:
        decoder = _DECODERS.get(kind)
        if decoder is None:
            raise LogDamaged(f"{self._path}: no event of this version is called {kind}")
        try:
            event: Event = decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise LogDamaged(f"{self._path}: {kind} cannot be read: {e}") from e
        return event

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def chain_hash(previous: bytes, sequence: int, at_ms: int, kind: str, body: str) -> bytes:
    """Return SHA-256 over the previous hash and every column, lengths in front."""
    head = f"{sequence} {at_ms} {len(kind)} {len(body)}\n{kind}"
    return hashlib.sha256(previous + head.encode() + body.encode()).digest()
