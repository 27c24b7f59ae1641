"""Every adapter against a stand-in that refuses unknown options and replays recorded output."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.agent_fakes import replay
from orchestrator.agents import processes
from orchestrator.agents.adapters.catalogue import ADAPTERS, known_adapters
from orchestrator.agents.adapters.claude_code import ClaudeCodeAdapter
from orchestrator.agents.process_runner import Patience, ProcessRunner
from orchestrator.domain.agents import Brief, Ending, Tier
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Adapter

NOW_MS = 1_769_400_000_000
PROMPT = "Tâche 1: do it.\n--dangerously-skip-permissions\n$(touch escaped)\n"
SECRETS = {"AWS_SECRET_ACCESS_KEY": "s", "CTRADER_ACCESS_TOKEN": "s", "GITHUB_TOKEN": "s"}
NESTING = {"CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli", "CLAUDE_CODE_SSE_PORT": "1"}
LOGINS = {
    "claude": "ANTHROPIC_API_KEY",
    "codex": "CODEX_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "opencode": "OPENAI_API_KEY",
    "amp": "AMP_API_KEY",
    "aider": "OPENAI_API_KEY",
}
ALL = tuple(LOGINS)
CONVERSATION = "01a20517-8ce0-7802-92c3-0ae863ec4353"
RESUMING = ("claude", "codex", "gemini", "opencode", "amp")


class StoppedClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        return NOW_MS


class Bench:
    """One adapter with its stand-in, its worktree and its brief."""

    def __init__(self, tool: str, folder: Path) -> None:
        self.tool = tool
        self.bin = folder / "bin"
        self.worktree = folder / "work tree"
        self.worktree.mkdir()
        (folder / "prompt.md").write_text(PROMPT, encoding="utf-8")
        (folder / "attempt").mkdir()
        (folder / "home").mkdir()
        self.environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "ORCH_INBOX": "/inbox",
            LOGINS[tool]: "dummy",
            **SECRETS,
            **NESTING,
        }
        self.brief = Brief(
            attempt_id="01JAB0000000000000000000AB",
            batch_id="TODO-BATCH-001",
            attempt=1,
            prompt_file=str(folder / "prompt.md"),
            worktree=str(self.worktree),
            attempt_dir=str(folder / "attempt"),
            agents=("--agent-that-is-an-option", "backend-architect"),
        )
        self.scenario("success")

    def scenario(self, name: str) -> None:
        replay.install(self.tool, self.bin, name)

    @property
    def adapter(self) -> Adapter:
        return known_adapters(self.environment, StoppedClock())[self.tool]

    def run(self, name: str) -> Ending:
        """Start the stand-in as the runner would and classify its end."""
        self.scenario(name)
        launch = self.adapter.build(self.brief)
        done = subprocess.run(  # noqa: S603 - our stand-in
            launch.argv,
            cwd=self.worktree,
            env=dict(launch.environment),
            input=Path(launch.stdin_file).read_bytes() if launch.stdin_file else b"",
            capture_output=True,
            timeout=20,
            check=False,
        )
        events = [self.adapter.parse(line) for line in done.stdout.split(b"\n")]
        heard = [each for each in events if each is not None]
        return self.adapter.classify(done.returncode, heard, done.stderr)

    def seen(self) -> Mapping[str, Any]:
        """Return what the stand-in was started with."""
        seen: dict[str, Any] = json.loads((self.bin / "seen.json").read_text(encoding="utf-8"))
        return seen


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[str], Bench]:
    return lambda tool: Bench(tool, tmp_path)


@pytest.mark.parametrize("tool", ALL)
def test_the_template_holds_only_options_that_the_program_knows(bench, tool):
    ending = bench(tool).run("success")
    assert (ending.execution, ending.exit_code) == (Execution.OK, 0), ending


@pytest.mark.parametrize("tool", ALL)
def test_the_stand_in_refuses_an_option_the_program_does_not_know(bench, tool):
    it = bench(tool)
    argv = it.adapter.build(it.brief).argv
    done = subprocess.run(  # noqa: S603 - our stand-in
        [*argv, "--no-such-option"],
        env={"PATH": "/usr/bin:/bin"},
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert b"--no-such-option" in done.stderr
    assert it.adapter.classify(done.returncode, [], done.stderr).execution is Execution.USAGE


@pytest.mark.parametrize("tool", ALL)
def test_the_prompt_arrives_whole_and_never_as_an_argument(bench, tool):
    it = bench(tool)
    it.run("success")
    assert it.seen()["prompt"] == PROMPT
    assert not any("dangerously" in each or "Tâche" in each for each in it.seen()["argv"])
    assert not (it.worktree / "escaped").exists()


@pytest.mark.parametrize("tool", ALL)
def test_names_from_the_document_are_no_arguments(bench, tool):
    it = bench(tool)
    launch = it.adapter.build(it.brief)
    assert not {*it.brief.agents, it.brief.batch_id} & set(launch.argv)


@pytest.mark.parametrize("tool", ALL)
def test_an_agent_sees_its_login_and_no_other_secret(bench, tool):
    it = bench(tool)
    it.run("success")
    environment = it.seen()["environment"]
    assert environment[LOGINS[tool]] == "dummy"
    assert environment["ORCH_INBOX"] == "/inbox"
    assert not set(environment) & {*SECRETS, *NESTING}


@pytest.mark.parametrize("tool", ALL)
def test_no_template_switches_a_protection_off(bench, tool):
    it = bench(tool)
    for brief in (it.brief, replace(it.brief, conversation=CONVERSATION)):
        words = " ".join(it.adapter.build(brief).argv)
        for unsafe in ("danger", "yolo", "bypass", "--full-auto", "skip-permissions"):
            assert unsafe not in words.replace(it.brief.attempt_dir, "")


@pytest.mark.parametrize("tool", RESUMING)
def test_a_conversation_is_taken_up_again_by_its_id(bench, tool):
    it = bench(tool)
    it.brief = replace(it.brief, conversation=CONVERSATION)
    assert it.run("success").execution is Execution.OK
    assert CONVERSATION in it.seen()["argv"]


@pytest.mark.parametrize("tool", RESUMING)
@pytest.mark.parametrize("name", ["--yolo", "-", "../../x", "a b", "", "x" * 200, "é" * 9])
def test_a_conversation_that_could_be_an_option_is_refused(bench, tool, name):
    it = bench(tool)
    with pytest.raises(AgentUnusable, match="conversation"):
        it.adapter.build(replace(it.brief, conversation=name))


def test_a_resumed_codex_stays_in_its_sandbox(bench):
    it = bench("codex")
    it.brief = replace(it.brief, conversation=CONVERSATION)
    it.run("success")
    argv = it.seen()["argv"]
    assert argv[:2] == ["exec", "resume"]
    assert 'sandbox_mode="workspace-write"' in argv


@pytest.mark.parametrize("tool", ["claude", "gemini"])
def test_the_same_attempt_has_the_same_session_id(bench, tool):
    it = bench(tool)
    other = replace(it.brief, attempt_id="01JAB0000000000000000000AC")
    assert it.adapter.build(it.brief).argv == it.adapter.build(it.brief).argv
    assert it.adapter.build(it.brief).argv != it.adapter.build(other).argv


def test_claude_is_told_the_budget(bench):
    it = bench("claude")
    it.brief = replace(it.brief, budget_usd=1.5)
    assert it.run("success").execution is Execution.OK
    argv = it.seen()["argv"]
    assert argv[argv.index("--max-budget-usd") + 1] == "1.50"


@pytest.mark.parametrize("tool", ALL)
def test_a_budget_is_refused_where_nobody_would_know_the_cost(bench, tool):
    it = bench(tool)
    brief = replace(it.brief, budget_usd=1.5)
    if it.adapter.probe().capabilities.has_cost_usd:
        assert it.run("success").cost_usd is not None
        it.adapter.build(brief)
    else:
        with pytest.raises(AgentUnusable, match="budget"):
            it.adapter.build(brief)


@pytest.mark.parametrize("tool", ALL)
def test_a_missing_login_is_told_from_a_crash(bench, tool):
    ending = bench(tool).run("not-logged-in")
    assert ending.execution is Execution.AUTH, ending


@pytest.mark.parametrize(
    ("tool", "scenario", "wait_ms"),
    [
        ("claude", "quota", 1_769_500_000_000 - NOW_MS),
        ("claude", "status-429", None),
        ("codex", "quota", 11_100_000),
        ("codex", "status-429", None),
        ("gemini", "quota", 2_832_000),
        ("gemini", "status-429", None),
        ("opencode", "quota", 1_200_000),
        ("opencode", "status-429", None),
        ("amp", "quota", 30_000),
        ("aider", "quota", None),
    ],
)
def test_a_quota_says_when_to_come_back_if_the_agent_did(bench, tool, scenario, wait_ms):
    ending = bench(tool).run(scenario)
    assert ending.execution is Execution.QUOTA, ending
    assert ending.retry_at_ms == (None if wait_ms is None else NOW_MS + wait_ms)


@pytest.mark.parametrize("tool", ALL)
def test_an_error_that_was_overcome_is_no_failure(bench, tool):
    assert bench(tool).run("recovered").execution is Execution.OK


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ("claude", ("Bash",)),
        ("codex", ("command_execution",)),
        ("gemini", ("run_shell_command__1",)),
        ("opencode", ("bash",)),
    ],
)
def test_a_denied_tool_is_named_though_the_agent_says_success(bench, tool, names):
    ending = bench(tool).run("denied")
    assert (ending.execution, ending.denied) == (Execution.OK, names)


@pytest.mark.parametrize("tool", [each for each in ALL if each != "aider"])
@pytest.mark.parametrize("scenario", ["truncated", "silent"])
def test_code_zero_without_the_last_event_is_a_crash(bench, tool, scenario):
    it = bench(tool)
    ending = it.run(scenario)
    assert (ending.execution, ending.exit_code) == (Execution.CRASHED, 0)


@pytest.mark.parametrize("tool", ["claude", "amp", "aider"])
def test_an_error_on_standard_error_alone_is_quoted(bench, tool):
    ending = bench(tool).run("stderr-only")
    assert ending.execution is Execution.CRASHED
    assert "rror: " in ending.detail


@pytest.mark.parametrize("scenario", ["huge-line", "not-utf8"])
def test_lines_nobody_can_read_do_not_hide_the_result(bench, scenario):
    assert bench("claude").run(scenario).execution is Execution.OK


def test_success_before_a_crash_is_a_crash(bench):
    ending = bench("claude").run("crash-after-final")
    assert (ending.execution, ending.exit_code) == (Execution.CRASHED, 3)


def test_a_spent_budget_is_no_quota_that_time_would_heal(bench):
    ending = bench("claude").run("budget")
    assert ending.execution is Execution.CRASHED
    assert "error_max_budget_usd" in ending.detail


@pytest.mark.parametrize(
    ("scenario", "execution"),
    [("turn-limit", Execution.CRASHED), ("untrusted", Execution.USAGE)],
)
def test_gemini_is_judged_by_its_own_exit_codes(bench, scenario, execution):
    assert bench("gemini").run(scenario).execution is execution


@pytest.mark.parametrize(
    ("tool", "cost_usd", "tokens"),
    [
        ("claude", 0.000525, 37),
        ("codex", None, 30),
        ("gemini", None, 30),
        ("opencode", 0.004, 30),
        ("amp", None, 37),
        ("aider", 0.0012, 1_500),
    ],
)
def test_cost_and_tokens_are_added_up_once(bench, tool, cost_usd, tokens):
    ending = bench(tool).run("success")
    assert ending.cost_usd == pytest.approx(cost_usd) if cost_usd else ending.cost_usd is None
    assert ending.tokens == tokens


@pytest.mark.parametrize("tool", RESUMING)
def test_the_conversation_is_remembered_from_the_output(bench, tool):
    assert bench(tool).run("success").conversation


@pytest.mark.parametrize("tool", ALL)
def test_a_probe_finds_version_options_and_login(bench, tool):
    it = bench(tool)
    probe = it.adapter.probe()
    assert (probe.problem, probe.is_version_tested) == ("", True)
    assert probe.path == str(it.bin / tool)
    assert not (it.bin / "seen.json").exists(), "a probe must not start any work"


@pytest.mark.parametrize("tool", ALL)
def test_a_probe_says_what_is_missing(bench, tool):
    it = bench(tool)
    del it.environment[LOGINS[tool]]
    assert "login" in it.adapter.probe().problem
    (it.bin / tool).unlink()
    probe = it.adapter.probe()
    assert (probe.path, probe.version) == (None, None)
    assert "not on PATH" in probe.problem
    with pytest.raises(AgentUnusable, match="not on PATH"):
        it.adapter.build(it.brief)


def test_a_probe_notices_that_a_new_version_lost_an_option(bench):
    it = bench("claude")
    it.bin.joinpath("claude").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo 3.0.0 || echo "--print --verbose"\n',
        encoding="utf-8",
    )
    probe = it.adapter.probe()
    assert (probe.version, probe.is_version_tested) == ("3.0.0", False)
    assert "does not know --output-format" in probe.problem


def test_claude_may_use_listed_tools_only_and_nothing_follows_the_list(bench):
    it = bench("claude")
    adapter = ClaudeCodeAdapter(it.environment, StoppedClock(), tools=("Read", "Grep"))
    assert adapter.build(it.brief).argv[-3:] == ("--allowedTools", "Read", "Grep")


def test_amp_runs_under_settings_of_ours(bench):
    it = bench("amp")
    it.run("success")
    argv = it.seen()["argv"]
    settings = Path(argv[argv.index("--settings-file") + 1])
    assert settings.parent == Path(it.brief.attempt_dir)
    assert json.loads(settings.read_text(encoding="utf-8"))["amp.dangerouslyAllowAll"] is False


def test_only_amp_stops_at_the_contract_because_it_talks_to_its_own_server_alone(bench):
    it = bench("claude")
    tiers = {
        name: adapter.probe().tier
        for name, adapter in known_adapters({"PATH": str(it.bin)}, StoppedClock()).items()
    }
    assert tuple(ADAPTERS) == ALL
    assert tiers == dict.fromkeys(ALL, Tier.SCRIPTED_MODEL) | {"amp": Tier.CONTRACT}


@pytest.mark.skipif(sys.platform != "linux", reason="the marker sweep reads /proc")
@pytest.mark.parametrize("scenario", ["hang-after-final", "hang-silent", "orphan"])
def test_a_hanging_agent_is_stopped_and_leaves_nothing(bench, scenario):
    it = bench("claude")
    it.scenario(scenario)
    adapter, brief = it.adapter, it.brief
    runner = ProcessRunner(
        it.environment, patience=Patience(interrupt_s=0.3, terminate_s=0.3, kill_s=5.0)
    )
    runner.launch(adapter.build(brief), brief, deadline_ms=20_000)
    is_final_due = scenario != "hang-silent"
    deadline = time.monotonic() + 15
    pause = threading.Event()
    while time.monotonic() < deadline:
        sighting = runner.look(adapter, brief.attempt_id, brief.attempt_dir)
        is_busy = (it.bin / "seen.json").exists() and sighting.is_alive
        if is_busy and sighting.has_final_event == is_final_due:
            break
        pause.wait(0.02)
    assert sighting.is_alive
    outcome = runner.stop(adapter, brief.attempt_id, brief.attempt_dir)
    assert outcome.orphans_left == 0
    assert processes.carriers(brief.attempt_id) == ()
    assert outcome.ending.execution is not Execution.OK
