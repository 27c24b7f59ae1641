"""The tables of a journal file, and how a connection to one is opened.

One file is one account in one environment and one symbol, so no table repeats those.
"""

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from palmbot.domain.errors import InputInvalid, JournalDamaged, JournalWriteFailed
from palmbot.domain.orders import IN_FLIGHT, Environment

APPLICATION_ID: Final = 0x706F_6231  # "pob1" in the file's header
BUSY_TIMEOUT_S: Final = 5.0
SYNCHRONOUS_FULL: Final = 2

_IN_FLIGHT_SQL: Final = ", ".join(f"'{state}'" for state in sorted(IN_FLIGHT))

_APPEND_ONLY: Final = "".join(
    f"""
    CREATE TRIGGER {table}_keeps_rows BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER {table}_keeps_values BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    """
    for table in ("meta", "run", "step", "snapshot", "trade", "discrepancy")
) + "".join(
    f"""
    CREATE TRIGGER {table}_keeps_rows BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    """
    for table in ("intent", "position")
)

_VERSION_1: Final = f"""
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    environment TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE run (
    run_id TEXT PRIMARY KEY,
    after_sequence INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    code_version TEXT NOT NULL,
    params TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE step (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event TEXT NOT NULL,
    commands TEXT NOT NULL,
    reason TEXT NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE snapshot (
    sequence INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE intent (
    intent_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    style TEXT NOT NULL,
    state TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    side INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    bar_time INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    decision_price INTEGER NOT NULL,
    stop_distance INTEGER,
    target_distance INTEGER,
    stop_loss INTEGER,
    take_profit INTEGER,
    limit_price INTEGER,
    expires_at INTEGER,
    position_id INTEGER,
    order_id INTEGER,
    filled_volume INTEGER NOT NULL,
    sent_at INTEGER,
    resolution TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
CREATE UNIQUE INDEX one_entry_for_a_bar
    ON intent (strategy, symbol_id, side, bar_time) WHERE kind = 'entry';
CREATE UNIQUE INDEX one_entry_in_flight
    ON intent (symbol_id) WHERE kind = 'entry' AND state IN ({_IN_FLIGHT_SQL});
CREATE UNIQUE INDEX one_request_in_flight_for_a_position
    ON intent (position_id, kind) WHERE kind <> 'entry' AND state IN ({_IN_FLIGHT_SQL});
CREATE TABLE position (
    position_id INTEGER PRIMARY KEY,
    intent_id TEXT NOT NULL,
    side INTEGER,
    volume INTEGER NOT NULL,
    entry_price INTEGER,
    stop_loss INTEGER,
    take_profit INTEGER,
    opened_at INTEGER,
    closed_at INTEGER,
    close_reason TEXT,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
CREATE TABLE trade (
    position_id INTEGER PRIMARY KEY,
    intent_id TEXT NOT NULL,
    side INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    entry_time INTEGER NOT NULL,
    entry_price INTEGER NOT NULL,
    exit_time INTEGER NOT NULL,
    exit_price INTEGER NOT NULL,
    profit INTEGER NOT NULL,
    entry_reason TEXT NOT NULL,
    exit_reason TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
CREATE TABLE discrepancy (
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    detail TEXT NOT NULL,
    action TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
{_APPEND_ONLY}
"""

_VERSION_2: Final = """
CREATE TABLE breaker (
    name TEXT PRIMARY KEY,
    phase TEXT NOT NULL,
    tripped_at INTEGER NOT NULL,
    hold_until INTEGER NOT NULL,
    trips TEXT NOT NULL,
    reason TEXT NOT NULL,
    probe TEXT,
    reset_by TEXT NOT NULL,
    reset_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
CREATE TABLE breaker_event (
    name TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    measured INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    actor TEXT NOT NULL,
    trading_day INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL REFERENCES step
) STRICT;
CREATE TRIGGER breaker_keeps_rows BEFORE DELETE ON breaker
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER breaker_event_keeps_rows BEFORE DELETE ON breaker_event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER breaker_event_keeps_values BEFORE UPDATE ON breaker_event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""

# A later version appends its own statements and never edits an earlier one.
MIGRATIONS: Final = (_VERSION_1, _VERSION_2)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOwner:
    """Whose journal it is."""

    environment: Environment
    account_id: int
    symbol: str

    def __str__(self) -> str:
        return f"{self.symbol} on account {self.account_id} ({self.environment})"


def open_for_writing(path: Path, owner: JournalOwner, created_at: int) -> sqlite3.Connection:
    """Open or create the file of one owner; every commit reaches the disk before it returns.

    The connection may be handed to another thread, which then owns it.

    Raises:
        JournalWriteFailed: the file cannot be created or written.
        JournalDamaged: it is no journal, a newer program's, or another owner's.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as e:
        raise JournalWriteFailed(_explain_unwritable(path, e)) from e
    try:
        _check_kind(connection, path)
        _set_durability(connection)
        _migrate(connection)
        _check_owner(connection, path, owner, created_at)
    except sqlite3.DatabaseError as e:
        connection.close()
        if e.sqlite_errorcode in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise JournalDamaged(f"{path} is damaged or no journal at all ({e})") from e
        raise JournalWriteFailed(_explain_unwritable(path, e)) from e
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open read-only, beside a running bot too. Texts come as bytes.

    Raises:
        InputInvalid: there is no journal at `path`.
    """
    if not path.is_file():
        raise InputInvalid(f"there is no journal at {path}")
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.text_factory = bytes
    try:
        _check_readable(connection, path)
    except sqlite3.DatabaseError as e:
        connection.close()
        raise InputInvalid(f"{path} cannot be read as a journal ({e})") from e
    except InputInvalid:
        connection.close()
        raise
    return connection


def read_owner(path: Path) -> JournalOwner:
    """Return whose journal it is.

    Raises:
        InputInvalid: there is no journal at `path`, or it was never begun.
        JournalDamaged: it is no journal.
    """
    with closing(open_for_reading(path)) as connection:
        row = connection.execute("SELECT environment, account_id, symbol FROM meta").fetchone()
    if row is None:
        raise InputInvalid(f"the journal {path} is empty: the bot never ran")
    environment, account_id, symbol = row
    return JournalOwner(
        environment=Environment(environment.decode()),
        account_id=account_id,
        symbol=symbol.decode(),
    )


def _check_readable(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that this program does not understand."""
    if _read_number(connection, "application_id") != APPLICATION_ID:
        raise InputInvalid(f"{path} is not a journal of palmbot")
    version = _read_number(connection, "user_version")
    if version != len(MIGRATIONS):
        remedy = "use a newer palmbot" if version > len(MIGRATIONS) else "run the bot on it once"
        raise InputInvalid(
            f"{path} has journal format {version}, this program reads {len(MIGRATIONS)}: {remedy}"
        )


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that this program may not write into."""
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not is_empty and _read_number(connection, "application_id") != APPLICATION_ID:
        raise JournalDamaged(f"{path} is a database, but not a journal of palmbot")
    version = _read_number(connection, "user_version")
    if version > len(MIGRATIONS):
        raise JournalDamaged(
            f"{path} has journal format {version}, this program writes {len(MIGRATIONS)}: "
            "use the newer palmbot that made it"
        )


def _set_durability(connection: sqlite3.Connection) -> None:
    """Set what makes a commit durable, and read it back: SQLite ignores what it cannot do."""
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync = 1")
    if mode != "wal" or _read_number(connection, "synchronous") != SYNCHRONOUS_FULL:
        raise JournalWriteFailed(
            "this file system cannot keep a durable journal: use a local disk, no network share"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest format, each step whole or not at all."""
    for version in range(_read_number(connection, "user_version"), len(MIGRATIONS)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[version]}"
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _check_owner(
    connection: sqlite3.Connection, path: Path, owner: JournalOwner, created_at: int
) -> None:
    """Write the owner into a new journal; refuse that of another one."""
    row = connection.execute("SELECT environment, account_id, symbol FROM meta").fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO meta VALUES (1, ?, ?, ?, ?)",
            (owner.environment, owner.account_id, owner.symbol, created_at),
        )
        return
    if row != (owner.environment, owner.account_id, owner.symbol):
        raise JournalDamaged(
            f"{path} is the journal of {row[2]} on account {row[1]} ({row[0]}), not of {owner}: "
            "choose another data directory, or the settings that belong to this one"
        )


def _read_number(connection: sqlite3.Connection, pragma: str) -> int:
    """Return the value of a numeric pragma."""
    value: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


def _explain_unwritable(path: Path, error: sqlite3.Error) -> str:
    """Return the sentence for a file that cannot be opened or written."""
    if not path.parent.is_dir():
        return f"cannot keep a journal at {path}: the directory {path.parent} does not exist"
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return f"cannot keep a journal at {path}: another process is writing into it"
    return (
        f"cannot keep a journal at {path} ({error}): "
        "check the free space and the rights of its directory"
    )
