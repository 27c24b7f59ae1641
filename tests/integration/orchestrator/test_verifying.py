"""What an attempt left, judged: real git, real checks, and every way to look better than one is."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.orchestrator_papers import (
    accepted,
    baseline,
    ended,
    fold_all,
    plan,
    planned,
    read,
    running,
    started,
    verified,
)
from orchestrator.agents.process_runner import ProcessRunner
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.domain.claims import Mark
from orchestrator.domain.events import BatchIntegrated, IntegrationFailed, OperatorCancelled
from orchestrator.domain.proofs import CheckOutcome, Proof
from orchestrator.loop.work import Workshop, integrate_attempt, take_baseline, verify_attempt
from orchestrator.proof.check_runner import CheckRunner
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.worktrees.git_worktrees import GitWorktrees

ONE = "LOT-A-001"
DOCUMENT = """## TODO batches

### LOT-A-001
**Agents**: a
**Tasks**:
1. Cache
2. Guide

**Deliverables**:
- conftest.py
"""
SIDECAR = """
protected = ["gate/*"]

[[checks]]
batch = "LOT-A-001"
task = 1
kind = "command"
argv = ["{python}", "gate/judge.py"]

[[checks]]
batch = "LOT-A-001"
task = 2
kind = "file"
path = "guide.csv"
"""
JUDGE = "import sys, pathlib; sys.exit(0 if pathlib.Path('cache.py').exists() else 1)\n"


class Court:
    """A repository, a worktree of one batch, and the tools to judge it."""

    def __init__(self, folder):
        self.root = folder / "project"
        (self.root / "gate").mkdir(parents=True)
        (self.root / "gate" / "judge.py").write_text(JUDGE)
        (self.root / "CLAUDE.md").write_text("notes\n")
        (self.root / ".gitignore").write_text("*.csv\n")
        (self.root / "outside").symlink_to("/usr/share")
        for arguments in (
            ("init", "-q", "-b", "main"),
            ("add", "-A"),
            ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "base"),
        ):
            subprocess.run(["git", *arguments], cwd=self.root, check=True)  # noqa: S603, S607
        store = ArtifactFiles(folder / "artifacts")
        session = read(DOCUMENT)
        self.shop = Workshop(
            session=session,
            batches={each.id: each for each in session.batches},
            acceptance=parse_acceptance(SIDECAR.encode()),
            worktrees=GitWorktrees(self.root, folder / "worktrees", "orchestrate/merged"),
            prover=CheckRunner(store, folder),
            runner=ProcessRunner({}),
            artifacts=store,
            kept_out=("CLAUDE.md",),
        )
        self.base = self.shop.worktrees.head()
        self.tree = Path(self.shop.worktrees.prepare(ONE, self.base))

    def work(self, *names):
        for name in names:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / name).write_text("x = 1\n")

    def record(self, *files, events=()):
        """Return the batch after an attempt that reports these files."""
        said = accepted(ONE, 1, Mark.OK, Mark.OK)
        said = replace(said, report=replace(said.report, files=files))
        begun = planned(ONE, worktree=str(self.tree), base_commit=self.base)
        state = fold_all(
            started(plan()), baseline(ONE), begun, running(ONE), said, ended(ONE), *events
        )
        return state.of(ONE)

    def judge(self, *files):
        return verify_attempt(self.shop, self.record(*files))


@pytest.fixture
def court(tmp_path):
    return Court(tmp_path)


def proofs(event):
    return [each.proof for each in event.proofs]


def test_honest_work_is_proven_an_ignored_deliverable_included(court):
    before = take_baseline(court.shop, court.record())
    assert {each.outcome for each in before.results} == {CheckOutcome.FAIL}
    court.work("cache.py", "guide.csv", "CLAUDE.md")
    event = court.judge("cache.py", "guide.csv", f"{court.tree}/cache.py", "(none)")
    assert proofs(event) == [Proof.PASS, Proof.PASS]
    assert event.tampering == ()
    changed = court.shop.worktrees.changed_paths(court.base, event.commit)
    assert changed == ("cache.py", "guide.csv")


def test_a_claimed_file_that_is_not_there_refutes_the_claim(court):
    court.work("cache.py", "guide.csv")
    event = court.judge("cache.py", "never_written.py")
    (missing,) = [each for each in event.results if each.outcome is CheckOutcome.FAIL]
    assert missing.reason == "never_written.py does not exist"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../other/a.py", "~/a.py", ".git/config"])
def test_a_claimed_file_outside_of_the_worktree_is_tampering(court, path):
    court.work("cache.py", "guide.csv")
    (finding,) = court.judge(path).tampering
    assert (finding.path, finding.is_security) == (path, False)
    assert "outside of the worktree" in finding.message


def test_a_link_out_of_the_worktree_is_a_matter_of_security(court):
    court.work("cache.py", "guide.csv")
    (court.tree / "secrets").symlink_to("/etc")
    (finding,) = court.judge().tampering
    assert (finding.path, finding.is_security) == ("secrets", True)


def test_a_protected_file_is_judged_as_it_was_and_the_change_is_named(court):
    court.work("guide.csv", "gate/judge.py", "gate/new.py")
    event = court.judge()
    assert [each.path for each in event.tampering] == ["gate/judge.py", "gate/new.py"]
    assert proofs(event)[0] is Proof.FAIL, "the judge of the base commit ran"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sub/sitecustomize.py", "change how the checks run"),
        ("pytest.ini", "change how the checks run"),
        ("pytest.py", "take the place of the module pytest"),
        ("json/__init__.py", "take the place of the module json"),
        ("pathlib.py", "take the place of the module pathlib"),
    ],
)
def test_a_file_that_would_run_inside_the_judge_is_tampering(court, path, words):
    court.work("cache.py", "guide.csv", path)
    (finding,) = court.judge().tampering
    assert (finding.path, words in finding.message) == (path, True)


def test_names_of_modules_deeper_down_and_deliverables_are_no_tampering(court):
    court.work("cache.py", "guide.csv", "lib/json.py", "code/readme.txt", "conftest.py")
    assert court.judge().tampering == ()


def test_a_worktree_that_its_agent_destroyed_has_proven_nothing(court):
    subprocess.run(["rm", "-rf", str(court.tree)], check=True)  # noqa: S603, S607
    subprocess.run(["git", "worktree", "prune"], cwd=court.root, check=True)  # noqa: S607
    fresh = GitWorktrees(court.root, court.tree.parent, "orchestrate/merged")
    court.shop.worktrees = fresh
    event = court.judge()
    assert proofs(event) == [Proof.NONE, Proof.NONE]
    assert "is no worktree of" in event.tampering[0].message
    assert Path(fresh.prepare(ONE, court.base)).is_dir(), "the next attempt gets a new one"


def test_checks_run_again_after_the_merge_and_an_approval_does_not_silence_them(court):
    court.work("cache.py", "guide.csv")
    commit = court.judge().commit
    rival = Path(court.shop.worktrees.prepare("RIVAL", court.base))
    (rival / "gate" / "judge.py").write_text("raise SystemExit(1)\n")
    moved = court.shop.worktrees.commit(str(rival), court.base, "rival", keep_out=())
    court.shop.worktrees.integrate(moved, "rival", lambda _: "")
    unproven = verified(ONE, proofs=(Proof.PASS, Proof.NONE))
    record = court.record(events=(replace(unproven, commit=commit),))
    record = replace(record, is_result_approved=True)
    outcome = integrate_attempt(court.shop, record)
    assert isinstance(outcome, IntegrationFailed)
    assert "after the merge" in outcome.detail


def test_a_cancelled_batch_is_merged_only_if_it_already_is(court):
    court.work("cache.py", "guide.csv")
    judged = replace(verified(ONE), commit=court.judge().commit)
    record = court.record(events=(judged, OperatorCancelled(batch_id=None)))
    assert record.is_cancelling
    outcome = integrate_attempt(court.shop, record)
    assert isinstance(outcome, IntegrationFailed)
    assert court.shop.worktrees.head() == court.base
    assert isinstance(
        integrate_attempt(court.shop, replace(record, is_cancelling=False)), BatchIntegrated
    )
    assert isinstance(integrate_attempt(court.shop, record), BatchIntegrated)
