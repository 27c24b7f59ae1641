"""Checks against real files, real commands and a real TLS server; worktrees by real git."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.demo.tls_server import TlsServer, write_certificates
from orchestrator.domain.checks import (
    Aggregate,
    ChangedCheck,
    Check,
    CommandCheck,
    Comparison,
    CsvMetricCheck,
    FileCheck,
    JsonPathCheck,
    ManualCheck,
    MdSectionCheck,
    ParsesCheck,
    TlsProbeCheck,
)
from orchestrator.domain.errors import MergeConflict, WorktreeFailed
from orchestrator.domain.proofs import CheckOutcome
from orchestrator.proof.check_runner import CheckRunner
from orchestrator.proof.commands import count_tests
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.worktrees.git_worktrees import GitWorktrees

PASS, FAIL, OPEN = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.NOT_MEASURED


@pytest.fixture
def look(tmp_path):
    store = ArtifactFiles(tmp_path / "artifacts")
    runner = CheckRunner(store, tmp_path)
    root = tmp_path / "tree"
    root.mkdir()

    def judge(kind, changed=None):
        check = Check(id="c", kind=kind, task=1)
        return runner.run((check,), str(root), changed).results[0]

    judge.root = root
    return judge


def pf_check(**changes):
    values = {
        "path": "r.csv",
        "column": "profit_factor",
        "aggregate": Aggregate.MAX,
        "comparison": Comparison.GREATER,
        "target": 1.5,
        "rows_min": 3,
    }
    return CsvMetricCheck(**(values | changes))


@pytest.mark.parametrize(
    ("values", "outcome", "words"),
    [
        (("1.2", "1.6", "1.1"), PASS, ""),
        (("1.2", "1.4", "1.1"), FAIL, "expected > 1.5"),
        (("1.2", "inf", "1.1"), FAIL, "proves nothing"),
        (("1.2", "nan", "9"), FAIL, "proves nothing"),
        (("1.2", "", "9"), FAIL, "proves nothing"),
        (("9",), FAIL, "at least 3 are needed"),
        (("a", "b", "c"), FAIL, "could not convert"),
    ],
)
def test_a_profit_factor_is_finite_and_has_a_sample(look, values, outcome, words):
    (look.root / "r.csv").write_text("profit_factor\n" + "".join(f'"{v}"\n' for v in values))
    result = look(pf_check())
    assert result.outcome is outcome
    assert words in result.reason


def test_files_sections_and_values_are_looked_at(look):
    (look.root / "a.md").write_text("# Guide\n\none two\n\n## Production Deployment\n\nx y z\n")
    (look.root / "a.json").write_text('{"runs": [{"pf": 1.7, "ok": true}]}')
    (look.root / "b.py").write_text("def f(:\n")
    section = MdSectionCheck(path="a.md", heading="📦 production deployment", words_min=3)
    assert look(section).value == "a.md L5, 3 words"
    assert look(MdSectionCheck(path="a.md", heading="Nothing")).outcome is FAIL
    pointer = {"path": "a.json", "comparison": Comparison.AT_LEAST}
    assert look(JsonPathCheck(pointer="runs.0.pf", target=1.7, **pointer)).outcome is PASS
    assert look(JsonPathCheck(pointer="runs.1.pf", target=1.7, **pointer)).outcome is FAIL
    equal = {"path": "a.json", "comparison": Comparison.EQUAL}
    assert look(JsonPathCheck(pointer="runs.0.ok", target=True, **equal)).outcome is PASS
    assert look(ParsesCheck(path="b.py")).outcome is FAIL
    assert look(ParsesCheck(path="a.json")).outcome is PASS
    assert look(FileCheck(path="missing")).reason == "missing does not exist"
    assert look(ManualCheck(question="Looks right?")).outcome is OPEN


def test_a_bare_name_stands_for_the_one_changed_file(look):
    for name in ("x/a.py", "y/a.py"):
        (look.root / name).parent.mkdir()
        (look.root / name).write_text("a = 1\n")
    assert look(FileCheck(path="a.py"), ["x/a.py"]).outcome is PASS
    assert "name the path" in look(FileCheck(path="a.py"), ["x/a.py", "y/a.py"]).reason
    assert look(ChangedCheck(path="a.py"), ["x/a.py"]).outcome is PASS
    assert look(ChangedCheck(path="x/a.py"), []).outcome is FAIL


def test_a_link_out_of_the_tree_is_not_followed(look):
    (look.root / "a").symlink_to("/etc/passwd")
    assert look(FileCheck(path="a")).reason == "a leads out of the tree"


def test_a_command_is_judged_by_code_output_and_tests(look, monkeypatch):
    monkeypatch.setenv("API_SECRET", "x")
    python = ("{python}", "-c")
    env = CommandCheck(argv=(*python, "import os; print(sorted(os.environ))"))
    assert look(env).outcome is PASS
    assert look(CommandCheck(argv=(*python, "import os; os.environ['API_SECRET']"))).outcome is FAIL
    slow = CommandCheck(argv=(*python, "import time; time.sleep(60)"), timeout_s=0.3)
    assert "did not end" in look(slow).reason
    few = CommandCheck(argv=(*python, "print('2 passed, 3 skipped in 0.1s')"), tests_min=3)
    assert "2 tests passed, expected at least 3" in look(few).reason
    assert look(CommandCheck(argv=("nowhere-at-all",))).outcome is OPEN


def printing(document, code=0, **rest):
    script = f"import sys; print({json.dumps(document)!r}); sys.exit({code})"
    return CommandCheck(argv=("{python}", "-c", script), **rest)


def test_a_value_that_a_command_prints_as_json_is_measured(look):
    run = {"verdict": "NOISE", "best": {"profit_factor": 1.6234, "trades": 41}, "list": [True]}
    wanted = {"json_pointer": "best.profit_factor", "target": 1.5}
    above = wanted | {"comparison": Comparison.GREATER}
    found = look(printing(run, json_show=("verdict", "best.trades", "nothing"), **above))
    assert (found.outcome, found.value) == (PASS, "1.623, verdict NOISE, best.trades 41")
    refused = look(printing(run, 1, json_show=("verdict",), **above))
    assert (refused.outcome, refused.value) == (FAIL, "1.623, verdict NOISE")
    assert "ended with 1, expected 0" in refused.reason
    assert look(printing(run, json_pointer="list.0")).outcome is PASS
    assert look(printing(run, json_pointer="verdict", target="ROBUST")).outcome is FAIL
    assert "nothing at best.x" in look(printing(run, json_pointer="best.x")).reason
    words = CommandCheck(argv=("{python}", "-c", "print('hello')"), json_pointer="a")
    assert "printed no JSON document" in look(words).reason
    for strange in (float("inf"), float("nan"), None, "1.9", True):
        broken = {"best": {"profit_factor": strange}}
        assert look(printing(broken, **above)).outcome is FAIL, strange


def test_what_cannot_be_measured_here_is_not_red(look):
    away = {"servers": [{"verdict": "INVALID", "reason": "name is unknown"}]}
    check = printing(away, 1, json_pointer="servers.0.verdict", target="VALID")
    assert look(check).outcome is FAIL
    told = look(replace(check, unmeasured_regex='"reason": "(.* is unknown)"'))
    assert (told.outcome, told.reason) == (OPEN, "name is unknown")
    assert look(replace(check, unmeasured_regex="is unknown")).reason == "is unknown"
    assert look(replace(check, unmeasured_regex="is down")).outcome is FAIL
    missing = look(printing(away, needs=("{sidecar}/prices.csv",)))
    assert (missing.outcome, missing.reason) == (OPEN, "prices.csv is not here")
    (look.root / "prices.csv").touch()
    assert look(printing(away, needs=("prices.csv",))).outcome is PASS


def test_a_command_may_write_where_nothing_stays(look):
    script = "import pathlib, sys; pathlib.Path(sys.argv[1], 'x').touch(); print(sys.argv[1])"
    found = look(CommandCheck(argv=("{python}", "-c", script, "{scratch}"), stdout_regex="^/"))
    assert found.outcome is PASS
    assert not any(look.root.iterdir())


def test_skipped_tests_are_not_passed_tests():
    assert count_tests("Ran 5 tests in 0.1s\n\nOK (skipped=2)") == 3
    assert count_tests("3 passed, 9 skipped in 1s") == 3
    assert count_tests("no tests ran") == 0
    assert count_tests("===== 1 failed, 7 passed, 2 warnings in 61.02s (0:01:01) =====") == 7
    assert count_tests("test result: ok. 4 passed; 0 failed\ntest result: ok. 5 passed;") == 9


def test_what_the_code_under_test_prints_cannot_add_to_the_tests_that_passed():
    assert count_tests("500 passed\nabout 600 passed in 1s\n2 passed in 0.01s") == 2
    assert count_tests("2 passed in 0.01s\n900 passed in 0.02s\n") == 2
    assert count_tests("Ran 9 tests in 0.1s\nRan 2 tests in 0.1s\n") == 2


def test_a_server_must_prove_its_name(look, tmp_path):
    ca_file, chain = write_certificates(tmp_path / "tls")
    with TlsServer(chain) as server:
        good = TlsProbeCheck(host="localhost", port=server.port, ca_file=str(ca_file))
        assert "TLSv1.3" in look(good).value
        assert look(TlsProbeCheck(host="localhost", port=server.port)).outcome is FAIL
        other = TlsProbeCheck(host="127.0.0.1", port=server.port, ca_file=str(ca_file))
        assert look(other).outcome is FAIL
        port = server.port
    closed = TlsProbeCheck(host="localhost", port=port, ca_file=str(ca_file))
    assert look(closed).outcome is OPEN


@pytest.fixture
def git(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    (root / "a.txt").write_text("base\n")
    (root / "CLAUDE.md").write_text("notes\n")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "base"),
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True)  # noqa: S603, S607
    return GitWorktrees(root, tmp_path / "worktrees", "orchestrate/merged")


def work(git, name, files):
    base = git.head()
    tree = git.prepare(name, base)
    for path, text in files.items():
        (Path(tree) / path).write_text(text)
    return base, git.commit(tree, base, name, keep_out=["CLAUDE.md"])


def test_work_is_committed_without_the_central_file_and_merged(git):
    base, commit = work(git, "A", {"b.txt": "b", "CLAUDE.md": "changed", "x.pyc": "junk"})
    assert git.changed_paths(base, commit) == ("b.txt",)
    merged = git.integrate(commit, "merge", lambda _: "")
    assert git.head() == merged
    assert git.integrate(commit, "again", lambda _: "never asked") == merged


def test_a_conflict_and_a_refusal_leave_the_branch_where_it_was(git):
    base = git.head()
    first = work(git, "A", {"a.txt": "first\n"})[1]
    second = work(git, "B", {"a.txt": "second\n"})[1]
    with pytest.raises(WorktreeFailed, match="after the merge: no"):
        git.integrate(first, "merge", lambda _: "no")
    assert git.head() == base
    tip = git.integrate(first, "merge", lambda _: "")
    with pytest.raises(MergeConflict, match=r"a\.txt"):
        git.integrate(second, "merge", lambda _: "")
    assert git.head() == tip


def test_links_that_leave_the_tree_are_named(git):
    base = git.head()
    tree = Path(git.prepare("A", base))
    (tree / "good").symlink_to("a.txt")
    (tree / "bad").symlink_to("../../../etc")
    (tree / "worse").symlink_to("/etc/passwd")
    (tree / "here").symlink_to(".")
    (tree / "round").symlink_to("here/..")
    commit = git.commit(str(tree), base, "links", keep_out=[])
    place = git.checkout(commit, "judge")
    changed = git.changed_paths(base, commit)
    assert git.escaping_links(place, changed) == ("bad", "round", "worse")
    assert git.escaping_links(place, ["a.txt"]) == (), "links of the user's own are the user's"


def test_a_worktree_whose_git_file_was_removed_leads_to_no_other_repository(git, tmp_path):
    base = git.head()
    tree = Path(git.prepare("A", base))
    (tree / "b.txt").write_text("b")
    (tree / ".git").unlink()
    commit = git.commit(str(tree), base, "work", keep_out=[])
    assert git.changed_paths(base, commit) == ("b.txt",)
    status = ["git", "status", "--porcelain"]
    shown = subprocess.run(  # noqa: S603
        status, cwd=tmp_path / "repo", check=True, capture_output=True, text=True
    )
    assert shown.stdout == ""
    assert git.prepare("A", base) == str(tree)
    assert (tree / "b.txt").exists(), "the next attempt goes on in the same tree"


def test_a_git_file_that_points_elsewhere_is_not_followed(git, tmp_path):
    evil = tmp_path / "evil"
    subprocess.run(["git", "init", "-q", str(evil)], check=True)  # noqa: S603, S607
    config = evil / ".git" / "config"
    config.write_text(f'{config.read_text()}[filter "x"]\n clean = touch {tmp_path}/ran\n')
    base = git.head()
    tree = Path(git.prepare("A", base))
    (tree / ".gitattributes").write_text("* filter=x\n")
    (tree / ".git").write_text(f"gitdir: {evil}/.git\n")
    commit = git.commit(str(tree), base, "work", keep_out=[])
    assert git.changed_paths(base, commit) == (".gitattributes",)
    assert not (tmp_path / "ran").exists()


def test_a_lock_that_an_agent_left_in_its_index_hinders_nobody(git):
    base = git.head()
    tree = Path(git.prepare("A", base))
    (tree / "b.txt").write_text("b")
    git_dir = Path((tree / ".git").read_text().removeprefix("gitdir: ").strip())
    (git_dir / "index.lock").touch()
    assert git.changed_paths(base, git.commit(str(tree), base, "work", keep_out=[])) == ("b.txt",)


def test_ignored_files_stay_out_unless_they_are_wanted(git):
    base = git.head()
    tree = Path(git.prepare("A", base))
    (tree / ".gitignore").write_text("*.csv\nnode_modules/\n")
    (tree / "node_modules").mkdir()
    for name in ("results.csv", "other.csv", "node_modules/big.js"):
        (tree / name).write_text("x")
    commit = git.commit(str(tree), base, "work", keep_out=[], wanted=["results.csv", "none.csv"])
    assert git.changed_paths(base, commit) == (".gitignore", "results.csv")


def test_a_worktree_that_is_gone_is_a_failure_with_a_sentence(git):
    base = git.head()
    tree = git.prepare("A", base)
    git.discard(tree)
    with pytest.raises(WorktreeFailed, match="no worktree of"):
        git.commit(tree, base, "work", keep_out=[])


def test_a_merge_asks_nobody_for_a_signature(git, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[commit]\n gpgSign = true\n[gpg]\n program = /bin/false\n")
    monkeypatch.setenv("HOME", str(home))
    commit = work(git, "A", {"b.txt": "b"})[1]
    assert git.integrate(commit, "merge", lambda _: "")


def test_a_branch_that_somebody_has_checked_out_is_not_moved(git, tmp_path):
    commit = work(git, "A", {"b.txt": "b"})[1]
    git.integrate(commit, "merge", lambda _: "")
    git.refuse_checked_out()
    command = ["git", "checkout", "-q", "orchestrate/merged"]
    subprocess.run(command, cwd=tmp_path / "repo", check=True)  # noqa: S603
    with pytest.raises(WorktreeFailed, match="is checked out in"):
        git.refuse_checked_out()


def test_a_checkout_that_forbids_its_own_removal_is_removed(git):
    place = Path(git.checkout(git.head(), "judge"))
    (place / "locked" / "deep").mkdir(parents=True)
    (place / "locked" / "deep").chmod(0o500)
    (place / "locked").chmod(0o500)
    git.discard(str(place))
    assert not place.exists()


def test_a_folder_without_a_repository_or_a_commit_is_refused_with_what_to_do(tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(WorktreeFailed, match="run `git init` there"):
        GitWorktrees(bare, tmp_path / "w", "merged")
    subprocess.run(["git", "init", "-q", str(bare)], check=True)  # noqa: S603, S607
    with pytest.raises(WorktreeFailed, match="has no commit yet"):
        GitWorktrees(bare, tmp_path / "w", "merged")


def test_what_was_not_merged_is_kept_as_a_patch(git, tmp_path):
    tree = git.prepare("A", git.head())
    (Path(tree) / "left.txt").write_text("precious\n")
    git.archive(tree, str(tmp_path / "left.patch"))
    assert "+precious" in (tmp_path / "left.patch").read_text()
    assert not Path(tree).exists()
