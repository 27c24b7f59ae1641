"""What was known about the mood, and when: the format of a recording, and its reader.

A recording is one SQLite file that only grows:

- `fetch`: one row per answer or failure of a provider. `status` is `stored` (from
  `stored_at_ms` on the bot used it), `quarantined` (it came, and was not believed) or `failed`
  (`unknown_reason` says by what kind). `received_at_ms` is the moment the answer was complete:
  before it, nobody knew. A row without a score tells that the mood was asked for in vain.
- `served`: one row per signal of the strategy: the mood it met, and what each mode would have
  decided, whichever mode was in force.

A third table, `counters`, has one row: how the cache fares, as of about a minute ago.

All times are milliseconds since 1970 UTC by the bot's own clock; `market_ms` is market time.
Texts of headlines and posts are never in it: address or post id, hash of the title, date.

`read_recording(path)` returns plain values. A backtest asks `Recording.known_at(bar_close)` and
gets what the bot would have been told then, under the rules of the cache and no others.
"""

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from palmbot.domain.errors import InputInvalid
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.mood import Driver, Evidence, MoodMet
from palmbot.domain.units import TimestampMs

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x504D4F44  # "PMOD", so that no other database is taken for a recording

TTL_MS: Final = 300_000
"""Life of a score, exclusive. Source: the requirement."""
STALE_MS: Final = 2_100_000
"""From its storing on; until then an expired score may be served if nothing newer is to be had."""
LATENCY_PAD_MS: Final = 1_000
"""Between reception and use in a replay: the live loop is told once a second."""

SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE fetch (
    id INTEGER PRIMARY KEY,
    asked_at_ms INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    stored_at_ms INTEGER,
    key TEXT NOT NULL,
    provider TEXT NOT NULL,
    mode TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    schema_ver INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('stored', 'quarantined', 'failed')),
    unknown_reason TEXT,
    score INTEGER CHECK (score BETWEEN -100 AND 100),
    confidence REAL,
    drivers TEXT NOT NULL,
    evidence TEXT NOT NULL,
    evidence_at_max_ms INTEGER,
    raw_sha256 TEXT NOT NULL,
    cost_usd REAL NOT NULL,
    latency_ms INTEGER NOT NULL,
    CHECK ((status = 'failed') = (score IS NULL)),
    CHECK ((status = 'stored') = (stored_at_ms IS NOT NULL))
) STRICT;
CREATE TABLE served (
    id INTEGER PRIMARY KEY,
    served_at_ms INTEGER NOT NULL,
    market_ms INTEGER NOT NULL,
    signal INTEGER NOT NULL CHECK (signal IN (-1, 1)),
    mode TEXT NOT NULL,
    cache_state TEXT NOT NULL,
    source TEXT NOT NULL,
    score INTEGER CHECK (score BETWEEN -100 AND 100),
    confidence REAL,
    age_ms INTEGER,
    veto_allows INTEGER NOT NULL,
    veto_percent INTEGER NOT NULL,
    confirm_allows INTEGER NOT NULL
) STRICT;
CREATE TABLE counters (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    noted_at_ms INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TRIGGER fetch_only_grows BEFORE UPDATE ON fetch
    BEGIN SELECT RAISE(ABORT, 'a recording only grows'); END;
CREATE TRIGGER fetch_keeps BEFORE DELETE ON fetch
    BEGIN SELECT RAISE(ABORT, 'a recording only grows'); END;
CREATE TRIGGER served_only_grows BEFORE UPDATE ON served
    BEGIN SELECT RAISE(ABORT, 'a recording only grows'); END;
CREATE TRIGGER served_keeps BEFORE DELETE ON served
    BEGIN SELECT RAISE(ABORT, 'a recording only grows'); END;
"""


class FetchStatus(StrEnum):
    """What became of an answer."""

    STORED = "stored"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFetch:
    """One row of `fetch`, plain."""

    asked_at: TimestampMs
    received_at: TimestampMs
    stored_at: TimestampMs | None
    """None unless the bot used it."""
    key: str
    provider: str
    mode: str
    model: str
    prompt_hash: str
    status: FetchStatus
    unknown_reason: str | None
    """Of a failure."""
    score: int | None
    confidence: float
    """0 of a failure."""
    drivers: frozenset[Driver]
    evidence: tuple[Evidence, ...]
    evidence_at: TimestampMs | None
    raw_sha256: str
    """Of the last body received, hexadecimal; empty if none was."""
    cost_usd: float
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything in a recording; both tuples ascend in time."""

    fetches: tuple[RecordedFetch, ...]
    """By `received_at`."""
    services: tuple[MoodMet, ...]
    _received: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_received", tuple(each.received_at for each in self.fetches))

    def known_at(
        self, time: TimestampMs, latency_pad_ms: int = LATENCY_PAD_MS
    ) -> SentimentUpdated | None:
        """Return the mood as the bot knew it at `time`, None for unknown; never anything newer.

        Fresh for `TTL_MS` from its storing. After that, until `STALE_MS`, only if a later
        fetch failed, as the cache does; the strategy lets such a score decay by its age.
        """
        has_failed = False
        for index in range(bisect_right(self._received, time - latency_pad_ms) - 1, -1, -1):
            fetch = self.fetches[index]
            if fetch.stored_at is None or fetch.score is None:
                has_failed = True
                continue
            age_ms = time - fetch.stored_at
            if age_ms >= TTL_MS and not (has_failed and age_ms <= STALE_MS):
                return None
            return SentimentUpdated(
                score=fetch.score,
                confidence=fetch.confidence,
                domains=len({each.domain for each in fetch.evidence}),
                has_driver=bool(fetch.drivers - {Driver.PRICE_ACTION}),
                as_of=fetch.stored_at,
                source=fetch.provider,
            )
        return None


def read_recording(path: Path) -> Recording:
    """Return everything in the recording; it may be in use by a bot.

    Raises:
        InputInvalid: there is no such file, or it is no recording of this version.
    """
    if not path.is_file():
        raise InputInvalid(
            f"there is no recording {path}: a bot with a source of sentiment writes one into its "
            "data directory"
        )
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            _check(connection, path)
            fetches = connection.execute(
                "SELECT asked_at_ms, received_at_ms, stored_at_ms, key, provider, mode, model, "
                "prompt_hash, status, unknown_reason, score, confidence, drivers, evidence, "
                "evidence_at_max_ms, raw_sha256, cost_usd, latency_ms FROM fetch "
                "ORDER BY received_at_ms, id"
            ).fetchall()
            services = connection.execute(
                "SELECT served_at_ms, market_ms, signal, mode, cache_state, source, score, "
                "confidence, age_ms, veto_allows, veto_percent, confirm_allows FROM served "
                "ORDER BY market_ms, id"
            ).fetchall()
        return Recording(tuple(map(_to_fetch, fetches)), tuple(map(_to_service, services)))
    except (sqlite3.Error, ValueError, KeyError, TypeError) as e:
        raise InputInvalid(f"{path} cannot be read as a recording: {e}") from e


def read_counters(path: Path) -> tuple[TimestampMs, dict[str, Any]] | None:
    """Return the counters of the last run and when they were noted, None if there are none.

    Raises:
        InputInvalid: see `read_recording`.
    """
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            _check(connection, path)
            row = connection.execute("SELECT noted_at_ms, document FROM counters").fetchone()
        return None if row is None else (TimestampMs(row[0]), json.loads(row[1]))
    except (sqlite3.Error, ValueError) as e:
        raise InputInvalid(f"{path} cannot be read as a recording: {e}") from e


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise InputInvalid(f"{path} is a database, but no recording of sentiment")
    if version != SCHEMA_VERSION:
        raise InputInvalid(
            f"{path} is a recording of version {version}, this program reads {SCHEMA_VERSION}"
        )


def _to_fetch(row: Sequence[object]) -> RecordedFetch:
    return RecordedFetch(
        asked_at=TimestampMs(_whole(row[0])),
        received_at=TimestampMs(_whole(row[1])),
        stored_at=None if row[2] is None else TimestampMs(_whole(row[2])),
        key=str(row[3]),
        provider=str(row[4]),
        mode=str(row[5]),
        model=str(row[6]),
        prompt_hash=str(row[7]),
        status=FetchStatus(str(row[8])),
        unknown_reason=None if row[9] is None else str(row[9]),
        score=None if row[10] is None else _whole(row[10]),
        confidence=_number(row[11]) if row[11] is not None else 0.0,
        drivers=frozenset(map(Driver, json.loads(str(row[12])))),
        evidence=tuple(
            Evidence(
                domain=each["domain"],
                reference=each["reference"],
                title_hash=each["title_hash"],
                dated_at=each["dated_at"],
            )
            for each in json.loads(str(row[13]))
        ),
        evidence_at=None if row[14] is None else TimestampMs(_whole(row[14])),
        raw_sha256=str(row[15]),
        cost_usd=_number(row[16]),
        latency_ms=_whole(row[17]),
    )


def _to_service(row: Sequence[object]) -> MoodMet:
    return MoodMet(
        served_at=TimestampMs(_whole(row[0])),
        market_time=TimestampMs(_whole(row[1])),
        signal=_whole(row[2]),
        mode=str(row[3]),
        cache_state=str(row[4]),
        source=str(row[5]),
        score=None if row[6] is None else _whole(row[6]),
        confidence=None if row[7] is None else _number(row[7]),
        age_ms=None if row[8] is None else _whole(row[8]),
        veto_allows=bool(row[9]),
        veto_percent=_whole(row[10]),
        confirm_allows=bool(row[11]),
    )


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a whole number was expected, not {value!r:.40}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"a number was expected, not {value!r:.40}")
    return float(value)
