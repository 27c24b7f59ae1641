"""The commands a person types, as a process, from the project's folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.orchestrator_papers import FRENCH

pytestmark = pytest.mark.timeout(120)  # each test starts some ten processes
SRC = str(Path(__file__).parents[3] / "src")


@pytest.fixture
def orchestrate(tmp_path):
    """Return a function that runs the command in a small repository."""
    (tmp_path / "ORCHESTRATOR_SESSION_A.md").write_text(FRENCH, encoding="utf-8")
    (tmp_path / "acceptance.toml").write_text(
        "idle_min = 1\nagent_command = ['{python}', '-c', '''\n"
        "import pathlib\n"
        "pathlib.Path('src').mkdir(exist_ok=True)\n"
        "pathlib.Path('src/cache.py').write_text('a = 1')\n"
        "pathlib.Path('README.md').write_text('guide')\n''']\n"
        "[[metrics]]\ncriterion = 'Cache'\nkind = 'file'\npath = 'src/cache.py'\n",
        encoding="utf-8",
    )
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "base"),
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S603, S607
    environment = {"PYTHONPATH": SRC, "PATH": "/usr/local/bin:/usr/bin:/bin", "COLUMNS": "200"}

    def call(*arguments):
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "orchestrator.cli.main", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    call.root = tmp_path
    return call


def test_a_run_without_a_sidecar_check_is_weak_and_what_is_unchecked_waits(orchestrate):
    dry = json.loads(orchestrate("run", "--dry-run", "--json").stdout)
    assert [each["id"] for each in dry["plan"]] == ["LOT-A-001", "LOT-A-002"]
    shown = json.loads(orchestrate("run", "--json").stdout)
    first, second = shown["batches"]
    assert {each["proof"] for each in first["tasks"]} >= {"weak"}
    assert {each["claim"] for each in first["tasks"]} == {"none"}
    assert second["state"] in {"pending", "awaiting_approval"}
    assert "orchestrate approve" in shown["finished"]
    waiting = shown["finished"].rsplit(" ", 1)[-1]
    assert orchestrate("approve", waiting).returncode == 0
    orchestrate("run")
    again = json.loads(orchestrate("status", "--json").stdout)
    assert {b["id"]: b["state"] for b in again["batches"]}[waiting] in {"done", "done_weak"}
    why = json.loads(orchestrate("why", waiting, "--json").stdout)
    assert {"BaselineTaken", "AttemptPlanned", "AttemptVerified"} <= {
        each["type"] for each in why["events"]
    }
    replayed = json.loads(orchestrate("replay", "--json").stdout)
    assert replayed["differences"] == []
    assert orchestrate("cleanup").returncode == 0


def test_lint_and_audit_hand_out_nothing(orchestrate):
    found = json.loads(orchestrate("lint", "--json").stdout)
    assert "BLOCKER_UNCOVERED" in {each["code"] for each in found["findings"]}
    audited = orchestrate("audit", "--json")
    rows = {each["criterion"]: each for each in json.loads(audited.stdout)["metrics"]}
    assert rows["Cache"]["status"] == "fail"
    assert rows["LOT-A-001"]["status"] == "not_measured"
    assert audited.returncode == 1
    text = (orchestrate.root / "ORCHESTRATOR_SESSION_A.md").read_text(encoding="utf-8")
    assert "| LOT-A-001 | 2/2 tasks done | ❔ non mesuré: no batch was run |" in text
    assert text.replace("❔", "").count("LOT-A-001") == FRENCH.count("LOT-A-001")


def test_errors_are_one_sentence_and_a_code(orchestrate):
    for arguments, words, code in (
        (("status",), "nothing was run", 1),
        (("lint", "nowhere.md"), "does not exist", 1),
        (("demo", "--scenario", "nothing"), "no scenario is called", 2),
        (("report", "--batch", "x"), "is no batch id", 1),
        (("cancel",), "name one batch", 2),
        (("run", "--no-such-option"), "", 2),
    ):
        outcome = orchestrate(*arguments)
        assert outcome.returncode == code, (arguments, outcome)
        assert any(word in outcome.stderr for word in words.split("|")), outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_report_outside_of_a_run_goes_into_the_central_file(orchestrate):
    told = orchestrate("report", "--batch", "LOT-A-001", "--task", "1=ok:Cache", "--file", "a.py")
    assert told.returncode == 0
    assert "### LOT-A-001: COMPLETED" in (orchestrate.root / "CLAUDE.md").read_text()


def test_adapters_and_agents_can_be_listed(orchestrate):
    listed = json.loads(orchestrate("adapters", "--json").stdout)["adapters"]
    assert {"claude", "codex", "gemini", "opencode", "amp", "aider", "command"} == {
        each["adapter"] for each in listed
    }
    assert orchestrate("agents", "lint").returncode == 0
    assert orchestrate("agents", "export", "out", "--to", "codex").returncode == 0
    assert (orchestrate.root / "out" / ".codex" / "agents" / "debugger.toml").exists()
