"""The journal against real files: nothing acknowledged is lost, nothing changed goes unseen."""
# ruff: noqa: S608 - statements are put together from names that stand in this file

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from harness import journal_story as story
from palmbot.adapters import journal_reader, sqlite_journal
from palmbot.adapters.sqlite_journal import SqliteJournal, open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.state import Decision, EngineState, initial_state
from palmbot.domain.errors import InputInvalid, JournalDamaged, JournalWriteFailed
from palmbot.domain.events import OperatorHalted
from palmbot.domain.orders import Environment, Intent, IntentState, Trade

TESTS = Path(__file__).parents[2]


def open_story(path: Path, **changes) -> tuple[SqliteJournal, EngineState | None]:
    arguments = {
        "environment": Environment.SIMULATOR,
        "account_id": story.ACCOUNT_ID,
        "symbol": story.SYMBOL,
        "clock": SystemClock(),
        "decide": story.decide,
        "initial_state": initial_state,
    }
    return open_journal(path, **(arguments | changes))


async def record(
    path: Path, *, rounds: int = 3, first_round: int = 0, run_id: str = "r1", **changes
) -> EngineState:
    """Open, live through a story, close; return the last state."""
    journal, state = open_story(path, **changes)
    params = changes.get("params", story.PARAMS)
    await journal.begin_run(run_id, story.PARAMS, code_version="test")
    last = state or initial_state(params)
    for event, decision in story.steps(story.story(rounds, first_round=first_round), last):
        await journal.append(event, decision)
        last = decision.state
    await journal.close()
    return last


def query(path: Path, statement: str, *values) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement, values).fetchall()


def tamper(path: Path, *statements: str) -> None:
    """Change a journal the way somebody would who means it: without its triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def recorded(path) -> Path:
    asyncio.run(record(path))
    return path


def test_a_new_journal_recovers_no_state(path):
    journal, state = open_story(path)
    asyncio.run(journal.close())
    assert state is None


def test_a_state_comes_back_equal_from_the_snapshot_left_at_the_end(path):
    last = asyncio.run(record(path))
    journal, recovered = open_story(path)
    asyncio.run(journal.close())
    assert recovered == last


def test_a_state_comes_back_equal_by_replay_when_the_process_died(path):
    async def die() -> EngineState:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        for event, decision in story.steps(story.story()):
            await journal.append(event, decision)
        await journal.flush()
        return decision.state

    last = asyncio.run(die())
    assert query(path, "SELECT count(*) FROM snapshot") == [(0,)]
    journal, recovered = open_story(path)
    asyncio.run(journal.close())
    assert recovered == last


def test_a_snapshot_and_the_steps_after_it_give_the_same_state_as_all_steps(path, monkeypatch):
    monkeypatch.setattr(sqlite_journal, "SNAPSHOT_STEPS", 7)
    last = asyncio.run(record(path))
    assert query(path, "SELECT count(*) > 2 FROM snapshot") == [(1,)]
    tamper(path, f"DELETE FROM snapshot WHERE sequence > {last.sequence - 4}")
    decided: list[int] = []

    def count_and_decide(state, event, params):
        decided.append(state.sequence)
        return story.decide(state, event, params)

    journal, recovered = open_story(path, decide=count_and_decide)
    asyncio.run(journal.close())
    assert recovered == last
    assert 0 < len(decided) < last.sequence
    tamper(path, "DELETE FROM snapshot")
    journal, replayed = open_story(path)
    asyncio.run(journal.close())
    assert replayed == last


def test_a_second_run_goes_on_where_the_first_one_ended(path):
    first = asyncio.run(record(path))
    second = asyncio.run(record(path, first_round=3, run_id="r2"))
    assert second.sequence > first.sequence
    report = journal_reader.verify(path)
    assert (report.rows, report.problem) == (second.sequence, "")
    replayed = journal_reader.replay(path, decide=story.decide, initial_state=initial_state)
    assert (replayed.is_identical, replayed.first_difference) == (True, "")
    assert replayed.steps == second.sequence
    assert replayed.commands == 2 * (3 + 1)


def test_each_run_is_replayed_with_the_parameters_it_had(path):
    async def live(run_id: str, strategy: str, first_round: int) -> None:
        params = replace(story.PARAMS, strategy=strategy)
        journal, state = open_story(path)
        await journal.begin_run(run_id, params, code_version="test")
        events = story.story(1, first_round=first_round)
        for event, decision in story.steps(events, state or story.START, params):
            await journal.append(event, decision)
        await journal.close()

    asyncio.run(live("r1", "rsi", 0))
    asyncio.run(live("r2", "other", 1))
    assert query(path, "SELECT strategy FROM intent ORDER BY bar_time") == [("rsi",), ("other",)]
    report = journal_reader.replay(path, decide=story.decide, initial_state=initial_state)
    assert report.is_identical, report.first_difference


def test_the_tables_of_intents_and_trades_have_a_column_for_each_field(recorded):
    for table, kind in (("intent", Intent), ("trade", Trade)):
        columns = [row[1] for row in query(recorded, f"PRAGMA table_info({table})")]
        assert columns == [*(field.name for field in structs.fields(kind)), "sequence"]


def test_the_tables_say_how_things_stand_after_the_last_step(recorded):
    assert query(recorded, "SELECT state, filled_volume FROM intent") == [("filled", 1_000)] * 3
    assert query(recorded, "SELECT position_id, volume, close_reason FROM position") == [
        (1, 0, "take profit"),
        (2, 0, "take profit"),
        (3, 0, "take profit"),
    ]
    assert query(recorded, "SELECT count(*), sum(profit) FROM trade") == [(3, -3 * 10**12)]
    assert query(recorded, "SELECT kind, item FROM discrepancy LIMIT 1") == [("R4", "position:1")]


def test_every_table_refuses_to_lose_or_change_a_row(recorded):
    with closing(sqlite3.connect(recorded)) as connection:
        for table in ("meta", "run", "step", "snapshot", "trade", "discrepancy"):
            column = connection.execute(f"PRAGMA table_info({table})").fetchone()[1]
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(statement)
        for table in ("intent", "position"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"DELETE FROM {table}")


def test_a_step_that_orders_is_on_disk_before_append_returns(path):
    async def order_and_look() -> tuple[int, bool]:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        for event, decision in story.steps(story.story(1)):
            await journal.append(event, decision)
            if decision.commands:
                break
        on_disk = query(path, "SELECT max(sequence) FROM step")[0][0]
        is_head = journal.head[0] == on_disk and journal.is_idle
        await journal.close()
        assert on_disk == decision.state.sequence
        return on_disk, is_head

    sequence, is_head = asyncio.run(order_and_look())
    assert sequence > 1
    assert is_head


def test_ticks_wait_for_company_and_leave_the_journal_idle(path):
    async def tick_and_look() -> list[tuple]:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        for event, decision in story.steps(iter([story.tick(0), story.tick(1)])):
            await journal.append(event, decision)
        assert journal.is_idle
        waiting = query(path, "SELECT count(*) FROM step")
        await journal.flush()
        assert query(path, "SELECT count(*) FROM step") == [(2,)]
        await journal.close()
        return waiting

    assert asyncio.run(tick_and_look()) == [(0,)]


def test_many_ticks_are_committed_without_being_asked(path):
    async def feed() -> tuple[int, str]:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        ticks = (story.tick(index) for index in range(3 * sqlite_journal.GROUP_STEPS_MAX))
        for event, decision in story.steps(ticks):
            await journal.append(event, decision)
        while not journal.is_idle:  # noqa: ASYNC110 - what is tested is that nobody is told
            await asyncio.sleep(0)
        head = journal.head
        await journal.close()
        return head

    assert asyncio.run(feed())[0] == 3 * sqlite_journal.GROUP_STEPS_MAX


def test_cancelling_the_caller_does_not_stop_a_commit(path):
    async def cancel_while_writing() -> None:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        (pair,) = story.steps(iter([story.bar(0)]))
        task = asyncio.create_task(journal.append(*pair))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await journal.flush()
        assert journal.head[0] == 1
        await journal.close()

    asyncio.run(cancel_while_writing())
    assert journal_reader.verify(path).rows == 1


def second_entry(sequence_state: EngineState, intent: Intent) -> Decision:
    state = structs.replace(sequence_state, sequence=sequence_state.sequence + 1)
    return Decision(state=state, changed_intents=(intent,))


@pytest.mark.parametrize(
    "second",
    [
        story.intent(1),
        structs.replace(story.intent(0, IntentState.REJECTED), intent_id=story.intent_id(9)),
    ],
    ids=["while one is in flight", "for the same bar"],
)
def test_the_database_itself_refuses_a_second_entry(path, second):
    async def enter_twice() -> None:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        (pair,) = story.steps(iter([story.bar(0)]))
        await journal.append(*pair)
        state = pair[1].state
        with pytest.raises(JournalWriteFailed, match="breaks a rule of the books"):
            await journal.append(story.tick(0), second_entry(state, second))
        with pytest.raises(JournalWriteFailed, match="breaks a rule of the books"):
            await journal.append(story.tick(1), second_entry(state, story.intent(0)))
        with pytest.raises(JournalWriteFailed):
            await journal.begin_run("r2", story.PARAMS, code_version="test")
        await journal.close()

    asyncio.run(enter_twice())
    assert query(path, "SELECT count(*) FROM intent") == [(1,)]
    assert journal_reader.verify(path).rows == 1


def test_a_step_out_of_order_is_refused(path):
    async def skip_one() -> None:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        gap = Decision(state=structs.replace(story.START, sequence=2))
        with pytest.raises(JournalWriteFailed, match="step 2 does not follow step 0"):
            await journal.append(story.tick(0), gap)
        await journal.close()

    asyncio.run(skip_one())


def test_a_number_that_no_column_holds_stops_the_journal_instead_of_hanging_it(path):
    async def overflow() -> None:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        huge = structs.replace(story.intent(0), volume=2**70)
        with pytest.raises(JournalWriteFailed, match="trading stops"):
            await journal.append(story.bar(0), second_entry(story.START, huge))
        await journal.close()

    asyncio.run(overflow())


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from harness import journal_story as story
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.state import initial_state
from palmbot.domain.errors import JournalWriteFailed
from palmbot.domain.orders import Environment

async def main():
    journal, _ = open_journal(
        Path(sys.argv[1]), environment=Environment.SIMULATOR, account_id=story.ACCOUNT_ID,
        symbol=story.SYMBOL, clock=SystemClock(), decide=story.decide,
        initial_state=initial_state)
    await journal.begin_run("r1", story.PARAMS, code_version="test")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    stored = 0
    try:
        for event, decision in story.steps(story.story(1000)):
            await journal.append(event, decision)
            stored = journal.head[0]
    except JournalWriteFailed as e:
        print(stored, e)
    await journal.close()

asyncio.run(main())
"""


def test_a_full_disk_stops_the_journal_and_leaves_what_was_stored(path):
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", FULL_DISK, str(path), str(TESTS)],
        capture_output=True,
        text=True,
        check=True,
    )
    stored, _, sentence = result.stdout.partition(" ")
    assert "cannot be written" in sentence
    assert "trading stops" in sentence
    assert journal_reader.verify(path).rows == int(stored) > 0


WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from harness import journal_story as story
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.state import initial_state
from palmbot.domain.orders import Environment

async def main():
    journal, state = open_journal(
        Path(sys.argv[1]), environment=Environment.SIMULATOR, account_id=story.ACCOUNT_ID,
        symbol=story.SYMBOL, clock=SystemClock(), decide=story.decide,
        initial_state=initial_state)
    run = int(sys.argv[3])
    await journal.begin_run(f"r{run}", story.PARAMS, code_version="test")
    events = story.story(10**6, ticks=3, first_round=run * 10**6)
    for event, decision in story.steps(events, state or story.START):
        await journal.append(event, decision)
        print(*journal.head, flush=True)

asyncio.run(main())
"""


def test_killing_the_process_loses_no_acknowledged_step(path):
    for run in range(4):
        writer = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", WRITER, str(path), str(TESTS), str(run)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        # Reading a given number of lines places the kill; where exactly it hits is luck.
        lines = [writer.stdout.readline() for _ in range(40 + 37 * run)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
        whole = [line for line in lines if line.endswith("\n")]
        sequence, digest = whole[-1].split()
        report = journal_reader.verify(path, known_head=(int(sequence), digest))
        assert report.problem == ""
        replayed = journal_reader.replay(path, decide=story.decide, initial_state=initial_state)
        assert replayed.is_identical, replayed.first_difference


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE step SET reason = 'better' WHERE sequence = 4", 4),
        ("UPDATE step SET recorded_at = recorded_at + 1 WHERE sequence = 1", 1),
        ("UPDATE step SET commands = '' WHERE commands <> ''", 8),
        ("UPDATE step SET hash = zeroblob(32) WHERE sequence = 5", 5),
        ("UPDATE step SET previous_hash = zeroblob(32) WHERE sequence = 6", 6),
        ("UPDATE step SET run_id = 'r2' WHERE sequence = 2", 2),
        ("DELETE FROM step WHERE sequence = 1", 1),
        ("DELETE FROM step WHERE sequence = 9", 9),
        ("UPDATE step SET sequence = 1000 WHERE sequence = 12", 12),
    ],
)
def test_every_changed_or_missing_step_is_found(recorded, statement, broken_at):
    tamper(recorded, statement)
    report = journal_reader.verify(recorded)
    assert report.broken_at == broken_at
    assert not report.is_verified
    assert report.rows == broken_at - 1
    with pytest.raises(JournalDamaged, match=rf"is broken: step {broken_at}\b"):
        open_story(recorded)


@pytest.mark.parametrize("column", ["run_id", "event_type", "event", "commands", "reason"])
def test_a_flipped_byte_in_any_step_is_found(recorded, column):
    for sequence, length in query(recorded, f"SELECT sequence, length({column}) FROM step"):
        if not length:
            continue
        middle = length // 2
        original = query(recorded, f"SELECT {column} FROM step WHERE sequence = ?", sequence)[0][0]
        flipped = original[:middle] + chr(ord(original[middle]) ^ 1) + original[middle + 1 :]
        tamper(recorded)
        with closing(sqlite3.connect(recorded, isolation_level=None)) as connection:
            statement = f"UPDATE step SET {column} = ? WHERE sequence = ?"
            connection.execute(statement, (flipped, sequence))
            assert journal_reader.verify(recorded).broken_at == sequence
            connection.execute(statement, (original, sequence))
    assert journal_reader.verify(recorded).is_verified


def test_a_text_moved_from_one_column_to_the_next_is_found(recorded):
    tamper(
        recorded,
        "UPDATE step SET event_type = event_type || substr(event, 1, 1), event = substr(event, 2)"
        " WHERE sequence = 3",
    )
    assert journal_reader.verify(recorded).broken_at == 3


def test_steps_cut_off_at_the_end_are_found_by_the_head_noted_before(recorded):
    head = journal_reader.verify(recorded)
    noted = (head.head_sequence, head.head_hash)
    assert journal_reader.verify(recorded, known_head=noted).is_verified
    tamper(
        recorded,
        f"DELETE FROM step WHERE sequence > {head.head_sequence - 2}",
        "DELETE FROM snapshot",
    )
    assert journal_reader.verify(recorded).is_verified
    report = journal_reader.verify(recorded, known_head=noted)
    assert "missing at the end" in report.problem


def test_steps_cut_off_below_a_snapshot_are_found_without_a_noted_head(recorded):
    tamper(recorded, "DELETE FROM step WHERE sequence = (SELECT max(sequence) FROM step)")
    assert "of which there is a snapshot" in journal_reader.verify(recorded).problem


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE run SET params = replace(params, '30', '31')", "run r1 is not as it was written"),
        ("DELETE FROM run", "the run of step 1 is missing"),
        ("UPDATE snapshot SET state = replace(state, 'r1', 'r2')", "the snapshot of step"),
    ],
)
def test_a_changed_run_or_snapshot_is_found(recorded, statement, problem):
    tamper(recorded, "UPDATE snapshot SET state = state || 'r1'", statement)
    assert problem in journal_reader.verify(recorded).problem


def test_a_file_with_a_broken_page_is_found(recorded):
    with closing(sqlite3.connect(recorded)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(recorded.read_bytes())
    page = content.find(b"RSI 28.1 below 30") // 4096
    content[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    recorded.write_bytes(content)
    report = journal_reader.verify(recorded)
    assert not report.is_verified
    with pytest.raises((JournalDamaged, JournalWriteFailed), match=recorded.name):
        open_story(recorded)


def test_replay_names_the_first_command_that_differs(recorded):
    def decide(state, event, params):
        decision = story.decide(state, event, params)
        if state.sequence > 10 and isinstance(event, OperatorHalted):
            return structs.replace(decision, commands=())
        return decision

    report = journal_reader.replay(recorded, decide=decide, initial_state=initial_state)
    assert not report.is_identical
    assert "OperatorHalted" in report.first_difference
    assert "RaiseAlarm" in report.first_difference
    assert "now none" in report.first_difference


def test_replay_sees_another_state_behind_the_same_commands(recorded):
    def decide(state, event, params):
        decision = story.decide(state, event, params)
        return structs.replace(
            decision, state=structs.replace(decision.state, last_decision="other")
        )

    report = journal_reader.replay(recorded, decide=decide, initial_state=initial_state)
    assert "is not the one in the snapshot" in report.first_difference


def test_replay_sees_an_intent_that_stands_otherwise_in_the_table(recorded):
    tamper(recorded, "UPDATE intent SET state = 'lost' WHERE bar_time % 2 = 0")
    report = journal_reader.replay(recorded, decide=story.decide, initial_state=initial_state)
    assert "is stored as ('lost', 1000)" in report.first_difference
    assert not report.is_identical


def test_starting_refuses_when_the_rules_would_have_acted_otherwise(recorded):
    tamper(recorded, "DELETE FROM snapshot")

    def decide(state, event, params):
        return structs.replace(story.decide(state, event, params), commands=())

    with pytest.raises(JournalDamaged, match="decides otherwise"):
        open_story(recorded, decide=decide)


def test_a_snapshot_that_reads_differently_now_is_passed_over(recorded):
    (last,) = query(recorded, "SELECT state FROM snapshot")[0]
    assert '"nonce":0' in last
    journal, expected = open_story(recorded)
    asyncio.run(journal.close())
    text = last.replace('"nonce":0', '"retired_field":0')
    assert journal_reader.decode_state(text.encode()) is None
    assert journal_reader.decode_state(last.encode()) == expected


@pytest.mark.parametrize(
    "changes",
    [{"environment": Environment.DEMO}, {"account_id": 778}, {"symbol": "FCPO"}],
)
def test_the_journal_of_another_owner_is_refused(recorded, changes):
    with pytest.raises(JournalDamaged, match="is the journal of PALMOIL on account 777"):
        open_story(recorded, **changes)


def test_a_journal_of_a_newer_program_is_refused(recorded):
    tamper(recorded, "PRAGMA user_version = 99")
    with pytest.raises(JournalDamaged, match="journal format 99"):
        open_story(recorded)
    with pytest.raises(InputInvalid, match="use a newer palmbot"):
        journal_reader.verify(recorded)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(JournalWriteFailed, match=r"the directory .* does not exist"):
        open_story(tmp_path / "nowhere" / "journal.sqlite")


def test_a_file_of_another_kind_is_refused(path):
    path.write_bytes(b"time,open,high,low,close\n" * 500)
    with pytest.raises(JournalDamaged, match="no journal at all"):
        open_story(path)
    with pytest.raises(InputInvalid, match="cannot be read as a journal"):
        journal_reader.verify(path)


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (name TEXT)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match="not a journal of palmbot"):
        open_story(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "read", [journal_reader.verify, lambda path: list(journal_reader.export(path))]
)
def test_reading_a_journal_that_is_not_there_creates_nothing(path, read):
    with pytest.raises(InputInvalid, match="there is no journal at"):
        read(path)
    assert not path.exists()


def test_a_running_bots_journal_can_be_read(path):
    async def write_and_read() -> None:
        journal, _ = open_story(path)
        await journal.begin_run("r1", story.PARAMS, code_version="test")
        for event, decision in story.steps(story.story()):
            await journal.append(event, decision)
        assert journal_reader.verify(path, known_head=journal.head).is_verified
        lines = list(journal_reader.export(path))
        assert len(lines) == journal.head[0]
        await journal.close()

    asyncio.run(write_and_read())


def test_an_export_holds_every_step_as_one_document_a_line(recorded):
    documents = [json.loads(line) for line in journal_reader.export(recorded)]
    assert [each["sequence"] for each in documents] == list(range(1, len(documents) + 1))
    ordered = next(each for each in documents if each["event_type"] == "BarClosed")
    assert ordered["commands"][0][0] == "StoreIntent"
    assert ordered["commands"][0][1]["intent"]["stop_distance"] == 1_500_000
    assert ordered["reason"] == "RSI 28.1 below 30"


def test_every_kind_of_event_of_the_story_comes_back_equal(recorded):
    stored = query(recorded, "SELECT event_type, event FROM step ORDER BY sequence")
    decoded = [journal_reader.decode_event(kind.encode(), text.encode()) for kind, text in stored]
    assert decoded == list(story.story())
