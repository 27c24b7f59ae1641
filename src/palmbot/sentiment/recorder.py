"""Writes a recording. A disk that is full costs new rows, never old ones, and never the trading."""

import json
import queue
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import structlog

from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.mood import MoodMet
from palmbot.domain.units import TimestampMs
from palmbot.sentiment.recording import (
    APPLICATION_ID,
    SCHEMA,
    SCHEMA_VERSION,
    RecordedFetch,
)

ROWS_WAITING_MAX: Final = 1_000
"""On their way to the disk; a disk that is so far behind is as good as full."""

PAGES_MAX_DEFAULT: Final = 1_073_741_823
"""SQLite's own default for the size of a file, in pages."""

_INSERT_FETCH: Final = (
    "INSERT INTO fetch (asked_at_ms, received_at_ms, stored_at_ms, key, provider, mode, model, "
    "prompt_hash, schema_ver, status, unknown_reason, score, confidence, drivers, evidence, "
    "evidence_at_max_ms, raw_sha256, cost_usd, latency_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_SERVED: Final = (
    "INSERT INTO served (served_at_ms, market_ms, signal, mode, cache_state, source, score, "
    "confidence, age_ms, veto_allows, veto_percent, confirm_allows) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPSERT_COUNTERS: Final = (
    "INSERT INTO counters (id, noted_at_ms, document) VALUES (1, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET noted_at_ms = excluded.noted_at_ms, "
    "document = excluded.document"
)

log = structlog.get_logger(__name__)

_Row = tuple[str, tuple[object, ...]]


class Recorder:
    """Appends rows to one recording; each is committed by itself, in a thread of its own.

    Nothing here raises once it is open: a row that cannot be written is counted in `lost`, and
    told once per spell of trouble. Every row is tried, so that a disk with room again is used.
    """

    def __init__(self, path: Path, *, pages_max: int = PAGES_MAX_DEFAULT) -> None:
        """Open or make the recording.

        Args:
            path: Of the file.
            pages_max: Most pages of 4,096 bytes the file may have.

        Raises:
            ConfigInvalid: it cannot be opened, or is something else.
        """
        self._path = path
        self.lost = 0
        self._is_failing = False
        self._connection = _open(path, pages_max)
        self._rows: queue.Queue[_Row | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()

    def note_fetch(self, fetch: RecordedFetch) -> None:
        """Record one answer or failure of a provider; returns at once."""
        evidence = [
            {
                "domain": each.domain,
                "reference": each.reference,
                "title_hash": each.title_hash,
                "dated_at": each.dated_at,
            }
            for each in fetch.evidence
        ]
        has_score = fetch.score is not None
        row = (
            *(fetch.asked_at, fetch.received_at, fetch.stored_at, fetch.key, fetch.provider),
            *(fetch.mode, fetch.model, fetch.prompt_hash, SCHEMA_VERSION, fetch.status.value),
            *(fetch.unknown_reason, fetch.score, fetch.confidence if has_score else None),
            *(json.dumps(sorted(fetch.drivers)), json.dumps(evidence), fetch.evidence_at),
            *(fetch.raw_sha256, fetch.cost_usd, fetch.latency_ms),
        )
        self._put((_INSERT_FETCH, row))

    def note_service(self, service: MoodMet) -> None:
        """Record the mood that a signal met; returns at once."""
        row = (
            *(service.served_at, service.market_time, service.signal, service.mode),
            *(service.cache_state, service.source, service.score, service.confidence),
            *(service.age_ms, service.veto_allows, service.veto_percent, service.confirm_allows),
        )
        self._put((_INSERT_SERVED, row))

    def note_counters(self, now: TimestampMs, document: Mapping[str, Any]) -> None:
        """Keep how the cache fares, in place of the last such note; returns at once."""
        self._put((_UPSERT_COUNTERS, (now, json.dumps(document))))

    def close(self) -> None:
        """Write what waits and close the file."""
        self._rows.put(None)
        self._thread.join()

    def _put(self, row: _Row) -> None:
        if self._rows.qsize() >= ROWS_WAITING_MAX:
            self.lost += 1
            return
        self._rows.put(row)

    def _write(self) -> None:
        with closing(self._connection):
            while (row := self._rows.get()) is not None:
                try:
                    self._connection.execute(*row)
                except sqlite3.Error as e:
                    self._fail(e)
                else:
                    self._is_failing = False

    def _fail(self, error: sqlite3.Error) -> None:
        self.lost += 1
        if not self._is_failing:
            log.error("recording.failed", path=str(self._path), error=str(error))
        self._is_failing = True
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.rollback()


def _open(path: Path, pages_max: int) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and tables:
            raise ConfigInvalid(
                f"{path} is a database, but no recording of sentiment: move it away"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the last rows; they are for study, and no order rests on them.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA max_page_count = {pages_max}")
        if not tables:
            connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    except sqlite3.Error as e:
        raise ConfigInvalid(
            f"cannot open the recording {path}: {e}; move it away or name another --directory"
        ) from e
    return connection
