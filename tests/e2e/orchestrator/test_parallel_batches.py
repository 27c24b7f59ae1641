"""Two agents at once on the same lines, with the report of an earlier session lying around."""

import subprocess
import sys

import pytest

from orchestrator.bootstrap.logs import opened
from orchestrator.bootstrap.running import run
from orchestrator.config import RunSettings
from orchestrator.domain.events import (
    AttemptEnded,
    IntegrationFailed,
    ReportAccepted,
    ReportQuarantined,
)
from orchestrator.domain.verdicts import BatchState, Execution

pytestmark = pytest.mark.timeout(90)  # some ten processes
BATCH = """### LOT-A-00{n}
**Agents**: backend-architect
**Tasks**:
1. Write the line

"""
OLD_REPORT = "### LOT-A-001: COMPLETED\n**Date**: 2020-01-01\n**Agent**: a\n**Tasks**:\n1. ✅ a\n"
AGENT = """
import os, pathlib, sys
name = os.environ["ORCH_BATCH"]
pathlib.Path(f"{name}.txt").write_text("done")
shared = pathlib.Path("shared.txt")
has_both = "LOT" in shared.read_text()  # the second attempt begins on the merged work
shared.write_text(shared.read_text() + name if has_both else name)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "session.md").write_text(
        "## TODO batches\n\n" + BATCH.format(n=1) + BATCH.format(n=2), encoding="utf-8"
    )
    (tmp_path / "CLAUDE.md").write_text(OLD_REPORT, encoding="utf-8")
    (tmp_path / "shared.txt").write_text("nobody", encoding="utf-8")
    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    return tmp_path


def play(project, attempts_max):
    checks = "".join(
        f'[[checks]]\nbatch = "LOT-A-00{n}"\ntask = 1\nkind = "file"\npath = "LOT-A-00{n}.txt"\n'
        for n in (1, 2)
    )
    (project / "acceptance.toml").write_text(
        f'agent_command = ["{sys.executable}", "agent.py"]\nparallel_max = 2\n'
        f"attempts_max = {attempts_max}\n{checks}",
        encoding="utf-8",
    )
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "base"),
    ):
        subprocess.run(["git", *arguments], cwd=project, check=True)  # noqa: S603, S607
    (project / "CLAUDE.md").write_text("# Tidied up since\n", encoding="utf-8")
    settings = RunSettings(root=project, document=project / "session.md")
    state = run(settings, on_event=lambda *_: None, should_stop=lambda: False)
    with opened(project) as (_, _, events):
        return state, [each.event for each in events]


def test_merges_come_one_after_the_other_whichever_batch_is_ready_first(project):
    """A batch further up in the schedule used to begin its merge in the middle of another one."""
    agent = project / "agent.py"
    agent.write_text(AGENT.replace('pathlib.Path("shared.txt")', "pathlib.Path(name)"))
    agent.write_text(agent.read_text().replace('"LOT" in shared.read_text()', "False"))
    state, events = play(project, attempts_max=1)
    assert [each.state for each in state.batches] == [BatchState.DONE, BatchState.DONE]
    assert not any(isinstance(each, IntegrationFailed) for each in events)


def test_a_merge_conflict_is_worked_on_again_on_top_of_what_was_merged(project):
    state, events = play(project, attempts_max=2)
    assert [each.state for each in state.batches] == [BatchState.DONE, BatchState.DONE]
    assert sum(isinstance(each, IntegrationFailed) and each.is_conflict for each in events) == 1
    show = ["git", "show", "orchestrate/merged:shared.txt"]
    merged = subprocess.run(show, cwd=project, check=True, capture_output=True, text=True)  # noqa: S603
    assert sorted([merged.stdout[:9], merged.stdout[9:]]) == ["LOT-A-001", "LOT-A-002"]
    codes = {each.code for each in events if isinstance(each, ReportQuarantined)}
    assert codes == {"STALE_REPORT"}, "the report of an earlier session came with the checkout"
    assert not any(isinstance(each, ReportAccepted) for each in events)
    ends = {each.execution for each in events if isinstance(each, AttemptEnded)}
    assert ends == {Execution.OK}


def test_without_another_attempt_the_conflict_and_the_work_are_kept_for_a_person(project):
    state, _ = play(project, attempts_max=1)
    states = sorted(each.state.value for each in state.batches)
    assert states == ["conflict", "done"]
    (loser,) = [each for each in state.batches if each.state is BatchState.CONFLICT]
    assert "shared.txt" in loser.reason
    kept = f"{loser.attempt.planned.worktree}/{loser.plan.id}.txt"
    assert subprocess.run(["test", "-f", kept], check=False).returncode == 0  # noqa: S603, S607
