"""Reports in real files: taken once they have come to rest, and whatever else may lie there."""

import pytest

from harness.orchestrator_papers import STRICT_REPORT, baseline, fold_all, plan, planned, running
from harness.orchestrator_papers import started as run_started
from orchestrator.core.fold import fold
from orchestrator.core.state import RunState
from orchestrator.domain.events import (
    Recorded,
    ReportAccepted,
    ReportQuarantined,
    TroubleNoted,
)
from orchestrator.loop.listening import ReportListener
from orchestrator.store.project_files import ProjectFiles

HEADING = "### LOT-A-001: COMPLETED"


class Place:
    """A project with one batch at work in a worktree."""

    def __init__(self, folder):
        self.root, self.worktree = folder / "project", folder / "worktree"
        self.root.mkdir()
        self.worktree.mkdir()
        (self.root / "session.md").write_text("# Session\n", encoding="utf-8")
        self.project = ProjectFiles(self.root, self.root / "session.md", "CLAUDE.md")
        self.inbox = self.root / ".orchestrator" / "inbox"
        self.listener = ReportListener(project=self.project)
        self.state = fold_all(run_started(plan()), baseline())

    def begin(self):
        """Let the attempt begin, as the loop does: first a look at what is there before it."""
        events = list(self.listener.look_before(self.state, str(self.worktree)))
        self.take(*events, planned(worktree=str(self.worktree)), running())
        return events

    def take(self, *events):
        for event in events:
            recorded = Recorded(sequence=self.state.sequence + 1, at_ms=9_000, event=event)
            self.state = fold(self.state, recorded)

    def listen(self, **options):
        found = list(self.listener.listen(self.state, **options))
        self.take(*found)
        return found


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def kinds(events):
    return [type(each) for each in events]


def test_a_report_is_taken_at_the_second_look_that_finds_it_unchanged(place):
    place.begin()
    central = place.worktree / "CLAUDE.md"
    central.write_text(STRICT_REPORT, encoding="utf-8")
    assert place.listen() == []
    assert kinds(place.listen()) == [ReportAccepted]
    assert place.listen() == []


def test_a_block_that_is_still_being_written_is_not_judged(place):
    place.begin()
    central = place.worktree / "CLAUDE.md"
    with central.open("w", encoding="utf-8") as file:
        for line in STRICT_REPORT.splitlines(keepends=True):
            file.write(line)
            file.flush()
            assert place.listen() == [], "a file that changes between two looks is not read"
    (event,) = place.listen()
    assert event.report.level.value == "strict"


def test_what_an_ended_process_wrote_is_complete_at_the_first_look(place):
    place.begin()
    (place.worktree / "CLAUDE.md").write_text(STRICT_REPORT, encoding="utf-8")
    assert kinds(place.listen(is_final=True)) == [ReportAccepted]


def test_a_report_that_was_there_before_the_attempt_is_none_of_it(place):
    (place.worktree / "CLAUDE.md").write_text(STRICT_REPORT, encoding="utf-8")
    (event,) = place.begin()
    assert (type(event), event.code) == (ReportQuarantined, "STALE_REPORT")
    assert place.listen() == place.listen() == []
    again = STRICT_REPORT + STRICT_REPORT.replace("25m", "26m")
    (place.worktree / "CLAUDE.md").write_text(again, encoding="utf-8")
    place.listen()
    (event,) = place.listen()
    assert event.report.duration_min == 26


def test_the_same_report_in_three_places_is_one_claim(place):
    place.begin()
    for path in (place.worktree / "CLAUDE.md", place.root / "CLAUDE.md", place.inbox / "a.md"):
        path.write_text(STRICT_REPORT, encoding="utf-8")
    events = [*place.listen(), *place.listen(), *place.listen()]
    assert kinds(events) == [ReportAccepted]
    assert list(place.inbox.glob("*.md")) == [], "what is in the log is dropped from the inbox"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (STRICT_REPORT.encode() * 30_000, "more than 2,000,000 bytes"),
        (b"# A\n\0\n" + STRICT_REPORT.encode(), "is binary: a zero byte in line 2"),
        (b"\xff" + STRICT_REPORT.encode(), "is not UTF-8"),
    ],
)
def test_a_file_that_nobody_can_read_is_complained_of_once(place, content, words):
    place.begin()
    (place.worktree / "CLAUDE.md").write_bytes(content)
    (event,) = [*place.listen(), *place.listen(), *place.listen()]
    assert isinstance(event, TroubleNoted)
    assert words in event.message
    (place.worktree / "CLAUDE.md").write_text(STRICT_REPORT, encoding="utf-8")
    place.listen()
    assert kinds(place.listen()) == [ReportAccepted]


def test_a_report_of_ten_megabytes_in_the_inbox_is_dropped_with_a_sentence(place):
    place.begin()
    (place.inbox / "big.md").write_text(STRICT_REPORT + "x" * 10_000_000, encoding="utf-8")
    (event,) = place.listen()
    assert event.message == "inbox/big.md is too large for a report: dropped"
    assert place.listen() == []
    assert list(place.inbox.glob("*.md")) == []


def test_a_central_file_that_links_out_of_the_worktree_is_not_followed(place, tmp_path):
    place.begin()
    (tmp_path / "elsewhere.md").write_text(STRICT_REPORT, encoding="utf-8")
    (place.worktree / "CLAUDE.md").symlink_to(tmp_path / "elsewhere.md")
    (event,) = [*place.listen(), *place.listen()]
    assert "leads out of" in event.message


def test_a_central_file_that_links_to_another_of_the_project_is_followed_and_stays_a_link(place):
    (place.root / "AGENTS.md").write_text("# Notes\n", encoding="utf-8")
    (place.root / "CLAUDE.md").symlink_to("AGENTS.md")
    project = ProjectFiles(place.root, place.root / "session.md", "CLAUDE.md")
    assert project.read_central(None) == b"# Notes\n"
    assert project.write_digests("State", {"LOT-A-001": "done"})
    assert (place.root / "CLAUDE.md").is_symlink()
    assert "LOT-A-001" in (place.root / "AGENTS.md").read_text(encoding="utf-8")


def test_control_characters_of_a_report_reach_nobody(place):
    place.begin()
    text = f"{HEADING}\n**Date**: \x1b[2J\u202ex\n**Agent**: a\n**Tasks**:\n1. ✅ a\x07: b\n"
    (place.worktree / "CLAUDE.md").write_text(text, encoding="utf-8")
    place.listen()
    (event,) = place.listen()
    assert event.report.date == "[2Jx"
    assert event.report.claims[0].title == "a"


def test_nothing_is_at_work_in_an_empty_state(place):
    assert list(place.listener.listen(RunState())) == []
