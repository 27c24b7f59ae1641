"""The commands a person types, from the project's folder; one of them as a process."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from harness.orchestrator_papers import FRENCH
from orchestrator.cli.main import run_command

pytestmark = pytest.mark.timeout(120)  # runs start some ten processes


@dataclass(frozen=True)
class Outcome:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def orchestrate(tmp_path, monkeypatch, capfd):
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
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    capfd.readouterr()

    def call(*arguments):
        code = run_command(arguments)
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

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
    assert orchestrate("approve", waiting, "--json").returncode == 0
    other = {"LOT-A-001", "LOT-A-002"} - {waiting}
    assert "it waits for no approval" in orchestrate("approve", *other).stderr
    assert "the run is not paused" in orchestrate("resume").stderr
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


SECOND = FRENCH[FRENCH.index("### LOT-A-002") : FRENCH.index("## 📋")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("## 📋", SECOND.replace("Mesures", "Autre") + "\n## 📋", "stands in lines 39 and 49"),
        ("À DÉMARRER", "EN ATTENTE (après A-002)", "DEPENDENCY_CYCLE"),
        ("(après A-001)", "(après B-009)", "waits for B-009, which no section defines"),
        ("2. Mesures\n3.", "2. Mesures\n2.", "gives two tasks the same number"),
        ("CLAUDE.md (section", "../CLAUDE.md (section", "CENTRAL_FILE_OUTSIDE"),
    ],
)
def test_a_document_that_cannot_be_run_is_refused_before_anything_starts(
    orchestrate, old, new, words
):
    place = orchestrate.root / "ORCHESTRATOR_SESSION_A.md"
    text = FRENCH.replace(old, new)
    place.write_text(text, encoding="utf-8")
    outcome = orchestrate("run", "--json")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert words in outcome.stderr
    assert f"{place}:" in outcome.stderr, "the line is named"
    assert place.read_text(encoding="utf-8") == text
    assert not (orchestrate.root / ".orchestrator" / "log.db").exists()


def test_errors_are_one_sentence_and_a_code(orchestrate):
    for arguments, words, code in (
        (("status",), "nothing was run", 1),
        (("lint", "nowhere.md"), "does not exist", 1),
        (("demo", "--scenario", "nothing"), "no scenario is called", 2),
        (("report", "--batch", "x"), "is no batch id", 1),
        (("cancel",), "name one batch", 2),
        (("run", "--no-such-option"), "", 2),
        (("run", "--acceptance", "typo.toml"), "typo.toml does not exist", 1),
        (("lint", "--repair", "/nowhere/x.md"), "/nowhere/x.md cannot be written", 1),
        (("status", "--root", "nowhere"), "nowhere is no folder", 1),
        (("agents", "lint", "nowhere"), "nowhere is no folder", 1),
    ):
        outcome = orchestrate(*arguments)
        assert outcome.returncode == code, (arguments, outcome)
        assert any(word in outcome.stderr for word in words.split("|")), outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_report_outside_of_a_run_goes_into_the_central_file(orchestrate):
    told = orchestrate("report", "--batch", "LOT-A-001", "--task", "1=ok:Cache", "--file", "a.py")
    assert told.returncode == 0
    assert "### LOT-A-001: COMPLETED" in (orchestrate.root / "CLAUDE.md").read_text()


def test_the_installed_command_prints_one_document_and_nothing_beside_it(orchestrate):
    argv = [sys.executable, "-m", "orchestrator.cli.main", "lint", "--json"]
    told = subprocess.run(argv, check=False, capture_output=True, text=True)  # noqa: S603
    assert (told.returncode, told.stderr) == (0, "")
    assert [each["id"] for each in json.loads(told.stdout)["batches"]] == ["LOT-A-001", "LOT-A-002"]


def test_adapters_and_agents_can_be_listed(orchestrate):
    listed = json.loads(orchestrate("adapters", "--json").stdout)["adapters"]
    assert {"claude", "codex", "gemini", "opencode", "amp", "aider", "command"} == {
        each["adapter"] for each in listed
    }
    assert orchestrate("agents", "lint").returncode == 0
    assert orchestrate("agents", "export", "out", "--to", "codex").returncode == 0
    assert (orchestrate.root / "out" / ".codex" / "agents" / "debugger.toml").exists()
