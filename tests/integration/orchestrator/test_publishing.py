"""Documents that people edit while a run goes on: taken up, warned about, never lost."""

import pytest

from harness.orchestrator_papers import (
    FRENCH,
    accepted,
    baseline,
    ended,
    fold_all,
    planned,
    running,
    started,
    verified,
)
from orchestrator.bootstrap.logs import prepare_folder
from orchestrator.core.state import RunState
from orchestrator.document.sessions import parse_session
from orchestrator.document.sources import decode_document
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.claims import Mark
from orchestrator.domain.events import PlanChanged, ReportRestored, TroubleNoted
from orchestrator.loop.planning import plan_batches
from orchestrator.loop.publishing import LOOK_MS, Publisher
from orchestrator.store.project_files import ProjectFiles

ONE, TWO = "LOT-A-001", "LOT-A-002"
WORK = (baseline(ONE), planned(ONE), running(ONE))


def replan(content):
    session = parse_session(decode_document(content))
    return plan_batches(
        session, Acceptance(), blocked={}, default_adapter="command", time_scale=1.0
    )


class Desk:
    """A project with the French session, and the one who keeps its files true."""

    def __init__(self, root):
        self.document, self.central = root / "session.md", root / "CLAUDE.md"
        self.document.write_text(FRENCH, encoding="utf-8")
        prepare_folder(root)
        project = ProjectFiles(root, self.document, "CLAUDE.md")
        session = parse_session(decode_document(FRENCH.encode()))
        self.publisher = Publisher(project=project, session=session, replan=replan)
        self.now_ms = 0

    def publish(self, *events):
        """Look again, later, with the state behind these events."""
        self.now_ms += LOOK_MS
        state = fold_all(started(*replan(FRENCH.encode())), *events)
        return self.publisher.publish(state, self.now_ms)

    def edit(self, old, new):
        text = self.document.read_text(encoding="utf-8")
        assert old in text
        self.document.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_what_we_write_ourselves_is_no_edit(desk):
    assert [desk.publish(*WORK[:n]) for n in range(4)] == [()] * 4
    assert "🔄 EN COURS" in desk.document.read_text(encoding="utf-8")


def test_a_batch_that_has_not_begun_follows_the_edited_document(desk):
    desk.publish(*WORK)
    desk.edit("3. Rapport", "3. Rapport\n4. Relecture")
    (event,) = desk.publish(*WORK)
    assert isinstance(event, PlanChanged)
    assert [task.title for task in event.batch.tasks] == ["Mesures", "Rapport", "Relecture"]
    assert desk.publish(*WORK) == ()


def test_an_edit_of_a_batch_at_work_is_a_warning_once(desk):
    desk.publish(*WORK)
    desk.edit("2. Guide d'installation", "2. Guide d'installation complet")
    (event,) = desk.publish(*WORK)
    assert "LOT-A-001 was edited while at work" in event.message
    assert desk.publish(*WORK) == ()


def test_a_batch_that_was_taken_out_of_the_document_is_named(desk):
    desk.publish(*WORK)
    text = desk.document.read_text(encoding="utf-8")
    first, end = text.index("### LOT-A-002 (SUITE)"), text.index("## 📋")
    desk.document.write_text(text[:first] + text[end:], encoding="utf-8")
    (event,) = desk.publish(*WORK)
    assert "orchestrate cancel LOT-A-002" in event.message


def test_an_edit_made_while_no_orchestrator_ran_is_taken_up_at_its_start(desk):
    desk.edit("3. Rapport", "3. Rapport final")
    (event,) = desk.publish(*WORK)
    assert isinstance(event, PlanChanged)


def test_a_document_that_is_gone_is_said_once_and_an_edit_is_seen_when_it_is_back(desk):
    desk.publish(*WORK)
    text = desk.document.read_text(encoding="utf-8")
    desk.document.unlink()
    (event,) = desk.publish(*WORK)
    assert isinstance(event, TroubleNoted)
    assert "the last good version counts" in event.message
    assert desk.publish(*WORK) == ()
    desk.document.write_text(text.replace("3. Rapport", "3. Bilan"), encoding="utf-8")
    (event,) = desk.publish(*WORK)
    assert [task.title for task in event.batch.tasks] == ["Mesures", "Bilan"]


def test_a_line_of_ours_that_vanished_is_written_again_and_said(desk):
    events = (*WORK, accepted(ONE, 1, Mark.OK, Mark.OK), ended(ONE), verified(ONE))
    assert desk.publish(*events) == ()
    line = "- `LOT-A-001` · 🔍 EN INTÉGRATION · 1 rapport"
    assert line in desk.central.read_text(encoding="utf-8")
    desk.central.write_text("# Somebody began anew\n", encoding="utf-8")
    (event,) = desk.publish(*events)
    assert isinstance(event, ReportRestored)
    assert line in desk.central.read_text(encoding="utf-8")


def test_without_a_run_nothing_is_written(desk):
    desk.publisher.publish(RunState(), LOOK_MS)
    assert not desk.central.exists()
