"""A copy of a journal as of one moment, taken while the bot writes, and judged before use."""

import sqlite3
from contextlib import closing
from pathlib import Path

from palmbot.adapters.journal_reader import VerifyReport, verify
from palmbot.adapters.journal_schema import open_for_reading
from palmbot.domain.errors import InputInvalid, JournalDamaged


def take_snapshot(journal: Path, copy: Path) -> VerifyReport:
    """Copy a journal, also that of a running bot, into one file that stands alone; verify it.

    The copy is made inside one read transaction: the bot goes on writing and none of that is in
    it, half or whole.

    Raises:
        InputInvalid: there is no journal, or no room for the copy.
        JournalDamaged: the copy does not verify; the journal itself is broken then.
    """
    with closing(open_for_reading(journal)) as source:
        try:
            with closing(sqlite3.connect(copy, isolation_level=None)) as target:
                source.backup(target)
                # One file instead of three: a log beside it would have to travel along.
                target.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as e:
            raise InputInvalid(
                f"{copy}: the journal cannot be copied there ({e}): free space, or choose another "
                "place"
            ) from e
    return check_snapshot(copy)


def check_snapshot(copy: Path) -> VerifyReport:
    """Return what the hash chain says, once file and chain have proved sound.

    Raises:
        JournalDamaged: they have not.
    """
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as e:
            raise JournalDamaged(f"{copy} is damaged or no journal at all ({e})") from e
    report = verify(copy)
    if said != "ok" or not report.is_verified:
        raise JournalDamaged(f"{copy} is broken: {report.problem or said}")
    return report
