"""The log, the artifacts, the central file and the lock, on a real disk."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from harness.orchestrator_papers import plan, started
from orchestrator.document.reports import parse_reports
from orchestrator.document.writing import append_block
from orchestrator.domain.errors import AlreadyRunning, InputInvalid, LogDamaged
from orchestrator.domain.events import OperatorPaused, OperatorResumed
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.store.central_file import CentralFile
from orchestrator.store.files import read_bounded, write_atomically
from orchestrator.store.outgoing_report import compose_report
from orchestrator.store.project_files import ProjectFiles
from orchestrator.store.run_lock import RunLock
from orchestrator.store.sqlite_log import SqliteLog
from orchestrator.store.wall_clock import WallClock

SRC = str(Path(__file__).parents[3] / "src")


@pytest.fixture
def log(tmp_path):
    opened = SqliteLog(tmp_path / "log.db", WallClock())
    yield opened
    opened.close()


def test_events_come_back_as_they_were_stored(log):
    events = (started(plan()), OperatorPaused(), OperatorResumed())
    stored = log.append(*events)
    assert log.read() == stored
    assert [each.event for each in log.read(1)] == list(events[1:])
    assert [each.sequence for each in stored] == [1, 2, 3]


def test_two_writers_share_one_chain(log, tmp_path):
    other = SqliteLog(tmp_path / "log.db", WallClock())
    log.append(OperatorPaused())
    other.append(OperatorResumed())
    log.append(OperatorPaused())
    assert [each.sequence for each in other.read()] == [1, 2, 3]
    other.close()


def test_rows_can_be_neither_changed_nor_removed_and_a_forced_change_is_found(log, tmp_path):
    log.append(OperatorPaused(), OperatorResumed())
    raw = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    for statement in ("UPDATE event SET at_ms = 0", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    raw.execute("DROP TRIGGER event_keeps_values")
    raw.execute("UPDATE event SET at_ms = 0 WHERE sequence = 1")
    raw.close()
    with pytest.raises(LogDamaged, match="event 1 is not as it was"):
        log.read()


def test_a_file_of_another_program_is_refused(tmp_path):
    raw = sqlite3.connect(tmp_path / "other.db")
    raw.execute("CREATE TABLE a (b)")
    raw.close()
    with pytest.raises(LogDamaged, match="another program"):
        SqliteLog(tmp_path / "other.db", WallClock())


def test_an_artifact_that_was_changed_is_refused(tmp_path):
    store = ArtifactFiles(tmp_path)
    digest = store.put(b"proof")
    assert store.get(digest) == b"proof"
    (tmp_path / digest).write_bytes(b"other")
    with pytest.raises(InputInvalid, match="was changed"):
        store.get(digest)


def test_a_second_orchestrator_is_refused_by_name(tmp_path):
    first, second = RunLock(tmp_path), RunLock(tmp_path)
    first.acquire()
    with pytest.raises(AlreadyRunning, match=r"process [0-9]+"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


@pytest.mark.timeout(90)
def test_no_report_of_fifty_is_lost_while_an_editor_replaces_the_file(tmp_path):
    central = tmp_path / "CLAUDE.md"
    central.write_text("# Notes\n", encoding="utf-8")
    is_done = threading.Event()

    def edit():
        while not is_done.wait(0.02):
            text = central.read_text(encoding="utf-8")
            write_atomically(central, f"{text}x".encode() if len(text) < 20_000 else b"# New\n")

    def tell(first):
        script = (
            "from concurrent.futures import ThreadPoolExecutor;"
            "from pathlib import Path;"
            "from orchestrator.store.outgoing_report import compose_report;"
            "tell = lambda n: compose_report(batch=f'LOT-A-{n:03d}', task=['1=ok:done'], file=[],"
            f" agent='a', minutes=1, central=Path({str(central)!r}));"
            f"pool = ThreadPoolExecutor(10); list(pool.map(tell, range({first}, {first} + 10)))"
        )
        environment = {"PYTHONPATH": SRC, "PATH": "/usr/bin:/bin"}
        subprocess.run([sys.executable, "-c", script], check=True, env=environment)  # noqa: S603

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(tell, range(1, 51, 10)))
    finally:
        is_done.set()
        editor.join()
    CentralFile(central, tmp_path / ".orchestrator" / "inbox").restore()
    found = {each.batch_id for each in parse_reports(central.read_text(encoding="utf-8")).reports}
    assert found == {f"LOT-A-{number:03d}" for number in range(1, 51)}


def test_a_lock_that_nobody_gives_back_loses_no_report(tmp_path, monkeypatch):
    """On a busy machine the lock was not had in time, and the agent met a traceback."""
    monkeypatch.setattr("orchestrator.store.central_file.LOCK_TIMEOUT_S", 0.05)
    monkeypatch.delenv("ORCH_INBOX", raising=False)
    central, inbox = tmp_path / "CLAUDE.md", tmp_path / ".orchestrator" / "inbox"
    with FileLock(CentralFile(central, inbox).inbox / ".lock"):
        compose_report(
            batch="LOT-A-001", task=["1=ok:a"], file=[], agent="a", minutes=1, central=central
        )
        with pytest.raises(InputInvalid, match="was locked by another program"):
            CentralFile(central, inbox).restore()
    assert not central.exists()
    assert CentralFile(central, inbox).restore() == 1


def test_a_replaced_file_is_seen_like_a_written_one(tmp_path):
    document = tmp_path / "session.md"
    document.write_text("# A\n", encoding="utf-8")
    project = ProjectFiles(tmp_path, document, "CLAUDE.md")
    assert project.read_central(None) is None
    central = tmp_path / "CLAUDE.md"
    for content in (b"one", b"two", b"six"):
        write_atomically(central, content)
        assert project.read_central(None) == content
        assert project.read_central(None) is None
    central.write_bytes(append_block("six", "### LOT-A-001: COMPLETED").encode())
    assert b"COMPLETED" in project.read_central(None)


def test_links_and_strange_files_are_refused_and_not_followed(tmp_path):
    document = tmp_path / "session.md"
    document.write_text("# A\n", encoding="utf-8")
    project = ProjectFiles(tmp_path, document, "CLAUDE.md")
    (tmp_path / "CLAUDE.md").symlink_to("/etc/passwd")
    with pytest.raises(InputInvalid, match="symbolic link"):
        project.read_central(None)
    (project.central.inbox / "a.md").symlink_to("/etc/passwd")
    assert project.read_inbox() == ()
    with pytest.raises(InputInvalid, match="not a regular file"):
        read_bounded(Path("/dev/zero"))
    (tmp_path / "big").write_bytes(b"x" * 2_000_001)
    with pytest.raises(InputInvalid, match="more than 2,000,000 bytes"):
        read_bounded(tmp_path / "big")


def test_a_document_that_changed_meanwhile_is_not_overwritten(tmp_path):
    document = tmp_path / "session.md"
    document.write_bytes(b"edited")
    project = ProjectFiles(tmp_path, document, "CLAUDE.md")
    assert not project.write_document(b"ours", expected=b"as read")
    assert document.read_bytes() == b"edited"
