"""The normal engine with a scripted agent as a real process: every scenario, every kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.agents import processes
from orchestrator.bootstrap.logs import load_state, open_log
from orchestrator.bootstrap.rebuilding import find_differences, rebuild
from orchestrator.demo.play import perform, run_stage, scenario_names
from orchestrator.demo.stage import ASSETS, DOCUMENT, set_stage
from orchestrator.demo.tls_server import TlsServer, write_certificates
from orchestrator.domain.events import AttemptPlanned, OperatorApproved, ReportAccepted
from orchestrator.domain.verdicts import BatchState
from orchestrator.views.page import render_page

pytestmark = pytest.mark.timeout(180)  # real processes; one run is killed some thirty times
ROOT = Path(__file__).parents[3]
BOTH = ("inf-metric", "liar", "restart")
"""What these are about needs both batches. `happy` and `tour` have tests of their own below."""
ONE = tuple(sorted(set(scenario_names()) - {*BOTH, "happy", "tour"}))


@pytest.fixture
def make_stage(tmp_path):
    ca_file, chain = write_certificates(tmp_path / "tls")
    with TlsServer(chain) as server:
        yield lambda document=None: set_stage(
            tmp_path / "project", port=server.port, ca_file=ca_file, document=document
        )


@pytest.fixture
def stage(make_stage):
    return make_stage()


@pytest.fixture
def short_document(tmp_path):
    """The demonstration's document without its second batch and what else it measures.

    Half the time, the same trouble.
    """
    text = (ASSETS / "project" / f"{DOCUMENT}.txt").read_text(encoding="utf-8")
    first, end = text.index("### TODO-BATCH-002"), text.index("## 📋")
    live, rest = text.rindex("### TODO-BATCH-002"), text.rindex("---")
    assert first < end < live < rest
    path = tmp_path / DOCUMENT
    kept = (text[:first] + text[end:live] + text[rest:]).splitlines(keepends=True)
    rows = ("| TODO-BATCH-002", "| TLS", "| OAuth", "| Circ", "| Posi", "| Back", "| Sent")
    path.write_text("".join(line for line in kept if not line.startswith(rows)), encoding="utf-8")
    return path


def launches(stage):
    folder = stage.root / ".orchestrator" / "launches"
    return [line for path in folder.iterdir() for line in path.read_text().splitlines()]


def attempts_of(events):
    return [each.event.attempt_id for each in events if isinstance(each.event, AttemptPlanned)]


def holds(stage, scenario):
    """Play a scenario, and hold what has to be true whatever it is about."""
    shown = perform(stage, scenario)
    assert shown.surprises == ()
    assert sorted(launches(stage)) == sorted(attempts_of(shown.events))
    for attempt_id in launches(stage):
        assert processes.carriers(attempt_id) == ()
    assert find_differences(stage.root, shown.state) == ()
    return shown


@pytest.mark.parametrize("scenario", ONE)
def test_a_scenario_ends_as_it_promises_and_leaves_no_process(make_stage, short_document, scenario):
    shown = holds(make_stage(short_document), scenario)
    assert [each.plan.id for each in shown.state.batches] == ["TODO-BATCH-001"]


@pytest.mark.parametrize("scenario", BOTH)
def test_a_scenario_of_two_batches_ends_as_it_promises(stage, scenario):
    assert len(holds(stage, scenario).state.batches) == 2


def test_the_log_alone_gives_both_documents_byte_for_byte(stage):
    shown = holds(stage, "tour")
    rebuilt = rebuild(stage.root, shown.state)
    assert {path: path.read_bytes() for path in rebuilt} == rebuilt
    stage.document.write_bytes(stage.document.read_bytes().replace("TERMINÉ".encode(), b"LIE"))
    assert find_differences(stage.root, shown.state) == (stage.document,)
    page = render_page(shown.state, shown.events)
    assert page.count('<rect class="refuted"') == 1, "the lie is in the picture"
    assert "8 of 9" in page


def test_killed_after_each_event_the_run_ends_the_same_and_starts_nothing_twice(stage):
    script = [sys.executable, "-m", "harness.orchestrator_lives"]
    environment = {
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(stage.root.parent),
    }
    # Each life stores two events: that it goes on, and the next one of the run.
    arguments = [str(stage.root), str(stage.document), "happy", "2"]
    for _ in range(40):
        life = subprocess.run([*script, *arguments], env=environment, check=False)  # noqa: S603
        log = open_log(stage.root)
        state, events = load_state(log)
        log.close()
        if state.finished:
            break
        assert life.returncode == -9
    assert state.finished == "2 of 2 batches done"
    assert [each.state for each in state.batches] == [BatchState.DONE, BatchState.DONE]
    assert [len(each.attempts) for each in state.batches] == [1, 1]
    assert sorted(launches(stage)) == sorted(attempts_of(events))


def test_a_second_run_on_finished_work_proves_nothing_and_asks_a_person(stage):
    shown = holds(stage, "happy")
    assert shown.state.finished == "2 of 2 batches done"
    assert_reports_were_seen_within_a_second(shown)
    again = run_stage(stage, "happy")
    first, second = again.batches
    assert first.state is BatchState.AWAITING_APPROVAL
    assert first.reason.startswith("VACUOUS")
    assert second.state is BatchState.PENDING
    assert again.finished == "waits for a person: orchestrate approve TODO-BATCH-001"
    log = open_log(stage.root)
    log.append(OperatorApproved(batch_id=first.plan.id))
    log.close()
    assert run_stage(stage, "happy").batches[0].state is BatchState.DONE_WEAK


def assert_reports_were_seen_within_a_second(shown):
    """From the time of the file to the time of the event that changed the state."""
    seen = [each for each in shown.events if isinstance(each.event, ReportAccepted)]
    in_files = [each for each in seen if not each.event.source.startswith("inbox/")]
    assert (len(seen), len(in_files)) == (2, 1)
    worktree = Path(shown.state.of(in_files[0].event.batch_id).attempt.planned.worktree)
    written_ms = (worktree / "CLAUDE.md").stat().st_mtime_ns // 1_000_000
    assert 0 <= in_files[0].at_ms - written_ms < 1_000


def test_the_reference_document_goes_through_both_batches_unchanged(make_stage):
    reference = ROOT.parent / "shared" / "session" / "ORCHESTRATOR_SESSION_ACTIVE.md"
    if not reference.exists():
        pytest.skip("no reference session here")
    state = run_stage(make_stage(reference), "happy")
    assert [each.state for each in state.batches] == [BatchState.DONE, BatchState.DONE]
    assert {each.outcome.value for each in state.metrics} == {"pass"}
