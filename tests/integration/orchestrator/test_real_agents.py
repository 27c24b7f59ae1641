"""Real agent programs with a scripted model on loopback: no account, no network, own home.

Each test is skipped where its program is not on PATH. Amp's model is called by Amp's own server, so
here it can only be refused.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.scripted_model import FINAL_TEXT, ScriptedModel, scripted_model
from orchestrator.agents import processes
from orchestrator.agents.adapters.catalogue import ADAPTERS, known_adapters
from orchestrator.agents.process_runner import Patience, ProcessRunner
from orchestrator.domain.agents import Brief, Ending
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Adapter

PROGRAMS = ("claude", "codex", "gemini", "opencode", "aider")
MARK = "BRIEF-MARK-77"
LIMIT_S = 100  # opencode and aider look for servers on the network first, as measured up to 45 s
pytestmark = pytest.mark.timeout(150)
Call = tuple[str, dict[str, Any]]


class StoppedClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        return 0


def write_call(program: str, names: Sequence[str], path: Path) -> Call | None:
    """Return the call that makes a file, in the words of each program."""
    said = {"content": "hi\n"}
    calls: Mapping[str, Call] = {
        "Write": ("Write", {"file_path": str(path), **said}),
        "write_file": ("write_file", {"file_path": str(path), **said}),
        "write": ("write", {"filePath": str(path), **said}),
        "exec_command": ("exec_command", {"cmd": f"echo hi > {path.name}"}),
        "shell_command": ("shell_command", {"command": f"echo hi > {path.name}"}),
    }
    if program == "denied":
        return ("Bash", {"command": f"echo hi > {path.name}", "description": "x"})
    return next((call for name, call in calls.items() if name in names), None)


def settle(program: str, home: Path, url: str) -> dict[str, str]:
    """Write what a person would have set up, pointing at the scripted model."""
    if program == "codex":
        provider = f'name = "scripted"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
        quick = "request_max_retries = 0\nstream_max_retries = 0\n"
        (home / ".codex").mkdir()
        (home / ".codex" / "config.toml").write_text(
            'model = "scripted"\nmodel_provider = "scripted"\n'
            f'[model_providers.scripted]\n{provider}env_key = "CODEX_API_KEY"\n{quick}',
            encoding="utf-8",
        )
        return {"CODEX_API_KEY": "dummy"}
    if program == "gemini":
        (home / ".gemini").mkdir()
        settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
        (home / ".gemini" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        return {
            "GEMINI_API_KEY": "dummy",
            "GEMINI_MODEL": "gemini-2.5-flash",
            "GOOGLE_GEMINI_BASE_URL": url,
        }
    if program == "opencode":
        provider_of = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{url}/v1", "apiKey": "dummy"},
            "models": {"scripted": {"tool_call": True}},
        }
        (home / ".config" / "opencode").mkdir(parents=True)
        (home / ".config" / "opencode" / "opencode.json").write_text(
            json.dumps(
                {
                    "provider": {"scripted": provider_of},
                    "model": "scripted/scripted",
                    "autoupdate": False,
                    "share": "disabled",
                }
            ),
            encoding="utf-8",
        )
        return {}
    if program == "aider":
        return {
            "OPENAI_API_BASE": f"{url}/v1",
            "OPENAI_API_KEY": "dummy",
            "AIDER_MODEL": "openai/scripted",
        }
    if program == "amp":
        return {"AMP_API_KEY": "dummy", "AMP_URL": url}
    return {"ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": url}


class Run:
    """One program, set up and started once or more."""

    def __init__(self, program: str, folder: Path, url: str) -> None:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on PATH")
        self.home, self.worktree = folder / "home", folder / "worktree"
        for each in (self.home, self.worktree, folder / "attempt"):
            each.mkdir()
        subprocess.run(["git", "init", "--quiet", str(self.worktree)], check=True)  # noqa: S603,S607
        (folder / "prompt.md").write_text(f"Do the batch. {MARK}\n", encoding="utf-8")
        self.basic = {"HOME": str(self.home), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        environment = self.basic | settle(program, self.home, url)
        self.adapter: Adapter = known_adapters(environment, StoppedClock())[program]
        self.brief = Brief(
            attempt_id="01JAB0000000000000000000AB",
            batch_id="TODO-BATCH-001",
            attempt=1,
            prompt_file=str(folder / "prompt.md"),
            worktree=str(self.worktree),
            attempt_dir=str(folder / "attempt"),
            agents=("backend-architect",),
        )

    def go(self) -> Ending:
        launch = self.adapter.build(self.brief)
        done = subprocess.run(  # noqa: S603 - the template under test
            launch.argv,
            cwd=self.worktree,
            env=self.basic | dict(launch.environment),
            input=Path(launch.stdin_file).read_bytes() if launch.stdin_file else b"",
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        events = [self.adapter.parse(line) for line in done.stdout.split(b"\n")]
        heard = [each for each in events if each is not None]
        return self.adapter.classify(done.returncode, heard, done.stderr)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_real_program_does_the_work_and_its_end_is_understood(program, tmp_path):
    made = tmp_path / "worktree" / "hello.txt"
    model = ScriptedModel(tool_call=lambda names: write_call(program, names, made))
    if program == "aider":
        model.text = f"hello.txt\n```\nhi\n```\n\n{FINAL_TEXT}\n"
    with scripted_model(model):
        run = Run(program, tmp_path, model.base_url)
        ending = run.go()
    assert ending.execution is Execution.OK, ending
    assert made.read_text(encoding="utf-8").strip() == "hi"
    assert any(MARK in json.dumps(body) for _, body in model.asked)
    assert ending.tokens


@pytest.mark.parametrize("program", ["claude", "codex", "gemini", "opencode"])
def test_a_real_conversation_is_taken_up_again(program, tmp_path):
    model = ScriptedModel(tool_call=lambda _: None)
    with scripted_model(model):
        run = Run(program, tmp_path, model.base_url)
        first = run.go()
        assert first.conversation, first
        run.brief = replace(run.brief, conversation=first.conversation)
        Path(run.brief.prompt_file).write_text("Once more. SECOND-MARK\n", encoding="utf-8")
        asked = len(model.asked)
        second = run.go()
    assert second.execution is Execution.OK, second
    later = [json.dumps(body) for _, body in model.asked[asked:]]
    assert any(MARK in body and "SECOND-MARK" in body for body in later)


@pytest.mark.parametrize("program", ["codex", "opencode", "aider", "amp"])
def test_a_real_program_that_is_refused_says_so(program, tmp_path):
    model = ScriptedModel(tool_call=lambda _: None, status=401)
    with scripted_model(model):
        ending = Run(program, tmp_path, model.base_url).go()
    assert ending.execution is Execution.AUTH, ending


def test_real_claude_reports_success_for_work_it_was_denied(tmp_path):
    made = tmp_path / "worktree" / "hello.txt"
    model = ScriptedModel(tool_call=lambda names: write_call("denied", names, made))
    with scripted_model(model):
        ending = Run("claude", tmp_path, model.base_url).go()
    assert (ending.execution, ending.denied) == (Execution.OK, ("Bash",))
    assert not made.exists()


@pytest.mark.parametrize("program", [*PROGRAMS, "amp"])
def test_a_real_program_knows_every_option_of_its_template(program, tmp_path):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on PATH")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    probe = known_adapters(environment, StoppedClock())[program].probe()
    assert "login" in probe.problem, probe
    assert probe.is_version_tested, probe
    assert program in ADAPTERS


@pytest.mark.skipif(sys.platform != "linux", reason="the marker sweep reads /proc")
@pytest.mark.parametrize("program", ["codex"])
def test_a_command_that_a_real_program_started_dies_with_it(program, tmp_path):
    sleeper = ("exec_command", {"cmd": "sleep 314", "yield_time_ms": 20_000})
    with scripted_model(ScriptedModel(tool_call=lambda _: sleeper)) as model:
        run = Run(program, tmp_path, model.base_url)
        brief = run.brief
        runner = ProcessRunner(run.basic, patience=Patience(interrupt_s=0.5, terminate_s=0.5))
        runner.launch(run.adapter.build(brief), brief, deadline_ms=60_000)
        pause, until = threading.Event(), time.monotonic() + 30
        while not is_sleeping(brief.attempt_id) and time.monotonic() < until:
            pause.wait(0.05)
        was_asleep = is_sleeping(brief.attempt_id)
        outcome = runner.stop(run.adapter, brief.attempt_id, brief.attempt_dir)
    assert was_asleep
    assert outcome.orphans_left == 0
    assert processes.carriers(brief.attempt_id) == ()


def is_sleeping(attempt_id: str) -> bool:
    """Tell whether a process of the attempt is the command that was asked for."""
    for pid in processes.carriers(attempt_id):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep\x00314"):
                return True
    return False
