"""Breakers in the journal: their tables, their survival of a restart, and old files."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from harness.breaker_world import HOUR, MINUTE, BreakerWorld
from palmbot.adapters import journal_reader
from palmbot.adapters.journal_schema import MIGRATIONS
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import OperatorReset
from palmbot.domain.orders import Environment


def open_for(world, path):
    return open_journal(
        path,
        environment=Environment.SIMULATOR,
        account_id=world.params.account_id,
        symbol=world.params.symbol_name,
        clock=SystemClock(),
        decide=decide,
        initial_state=initial_state,
    )


async def record(world, path):
    journal, state = open_for(world, path)
    assert state is None
    await journal.begin_run("r1", world.params, code_version="test")
    for event, decision in world.history:
        await journal.append(event, decision)
    await journal.close()


def make_history():
    world = BreakerWorld()
    for _ in range(3):
        world.lose()
    world.wait(16 * MINUTE)
    world.give(OperatorReset(name=BreakerName.LOSS_STREAK, actor="eve", reason="looked"))
    world.lose()
    world.wait(HOUR)
    world.storm()
    return world


def query(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_every_change_is_in_the_journal_and_the_state_comes_back(tmp_path):
    world = make_history()
    path = tmp_path / "journal.sqlite"
    asyncio.run(record(world, path))
    changes = [change for _, decision in world.history for change in decision.breaker_changes]
    assert len(changes) >= 4
    rows = query(path, "SELECT name, before, after, actor, epoch FROM breaker_event ORDER BY rowid")
    assert rows == [
        (str(each.name), str(each.before), str(each.after), each.actor, each.epoch)
        for each in changes
    ]
    assert ("loss_streak", "open", "half_open", "eve") in [row[:4] for row in rows]
    standing = dict(query(path, "SELECT name, phase FROM breaker"))
    assert standing == {
        str(name): str(record.phase) for name, record in world.state.breakers.records.items()
    }
    journal, state = open_for(world, path)
    asyncio.run(journal.close())
    assert state == world.state
    assert state.breakers.read(BreakerName.VOLATILITY).phase is BreakerPhase.OPEN
    report = journal_reader.replay(path, decide=decide, initial_state=initial_state)
    assert report.is_identical, report.first_difference


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM breaker",
        "DELETE FROM breaker_event",
        "UPDATE breaker_event SET after = 'closed'",
    ],
)
def test_the_audit_of_breakers_cannot_be_edited_by_accident(tmp_path, statement):
    path = tmp_path / "journal.sqlite"
    asyncio.run(record(make_history(), path))
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_a_journal_of_the_first_format_gets_the_tables_when_the_bot_opens_it(tmp_path):
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            f"BEGIN; {MIGRATIONS[0]} PRAGMA application_id = {0x706F6231}; "
            "PRAGMA user_version = 1; COMMIT;"
        )
    world = make_history()
    asyncio.run(record(world, path))
    assert query(path, "SELECT count(*) FROM breaker_event") != [(0,)]
