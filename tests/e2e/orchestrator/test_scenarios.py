"""The normal engine with a scripted agent as a real process: every scenario, every kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.agents import processes
from orchestrator.bootstrap.logs import load_state, open_log
from orchestrator.bootstrap.rebuilding import find_differences, rebuild
from orchestrator.demo.play import perform, run_stage, scenario_names
from orchestrator.demo.stage import set_stage
from orchestrator.demo.tls_server import TlsServer, write_certificates
from orchestrator.domain.events import AttemptPlanned, OperatorApproved, ReportAccepted
from orchestrator.domain.verdicts import BatchState

pytestmark = pytest.mark.timeout(180)  # real processes; one run is killed some thirty times
ROOT = Path(__file__).parents[3]


@pytest.fixture
def stage(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    ca_file, chain = write_certificates(tmp_path / "tls")
    with TlsServer(chain) as server:
        yield set_stage(root, port=server.port, ca_file=ca_file)


def launches(stage):
    folder = stage.root / ".orchestrator" / "launches"
    return [line for path in folder.iterdir() for line in path.read_text().splitlines()]


def attempts_of(events):
    return [each.event.attempt_id for each in events if isinstance(each.event, AttemptPlanned)]


@pytest.mark.parametrize("scenario", scenario_names())
def test_a_scenario_ends_as_it_promises_and_leaves_no_process(stage, scenario):
    shown = perform(stage, scenario)
    assert shown.surprises == ()
    assert sorted(launches(stage)) == sorted(attempts_of(shown.events))
    for attempt_id in launches(stage):
        assert processes.carriers(attempt_id) == ()
    assert find_differences(stage.root, shown.state) == ()


def test_the_log_alone_gives_both_documents_byte_for_byte(stage):
    shown = perform(stage, "tour")
    rebuilt = rebuild(stage.root, shown.state)
    assert {path: path.read_bytes() for path in rebuilt} == rebuilt
    stage.document.write_bytes(stage.document.read_bytes().replace("TERMINÉ".encode(), b"LIE"))
    assert find_differences(stage.root, shown.state) == (stage.document,)


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
    assert run_stage(stage, "happy").finished == "2 of 2 batches done"
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


def test_the_reference_document_goes_through_both_batches_unchanged(tmp_path):
    reference = ROOT.parent / "shared" / "session" / "ORCHESTRATOR_SESSION_ACTIVE.md"
    if not reference.exists():
        pytest.skip("no reference session here")
    root = tmp_path / "project"
    root.mkdir()
    ca_file, chain = write_certificates(tmp_path / "tls")
    with TlsServer(chain) as server:
        stage = set_stage(root, port=server.port, ca_file=ca_file, document=reference)
        state = run_stage(stage, "happy")
    assert [each.state for each in state.batches] == [BatchState.DONE, BatchState.DONE]
    assert {each.outcome.value for each in state.metrics} == {"pass"}


def test_a_report_is_taken_up_within_a_second_of_being_written(stage):
    shown = perform(stage, "happy")
    (seen,) = [
        each
        for each in shown.events
        if isinstance(each.event, ReportAccepted) and each.event.batch_id == "TODO-BATCH-002"
    ]
    worktree = Path(shown.state.of("TODO-BATCH-002").attempt.planned.worktree)
    written_ms = (worktree / "CLAUDE.md").stat().st_mtime_ns // 1_000_000
    assert 0 <= seen.at_ms - written_ms < 1_000
