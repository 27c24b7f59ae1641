"""Agent command lines: argv held against the recorded options, output in the recorded shapes."""

import json
import stat

import pytest

from orchestrator.agents.command_adapter import CommandAdapter
from orchestrator.agents.export import export_agents
from orchestrator.agents.known_adapters import known_adapters
from orchestrator.agents.library import read_agent, read_library
from orchestrator.bootstrap import SHIPPED_AGENTS
from orchestrator.domain.agents import Brief
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.verdicts import Execution

# Options as the programs' help texts of the tested versions list them.
OPTIONS = {
    "claude": {
        "-p",
        "--output-format",
        "--verbose",
        "--session-id",
        "--resume",
        "--permission-mode",
        "--allowedTools",
        "--max-budget-usd",
        "--strict-mcp-config",
        "--agent",
    },
    "codex": {"--json", "-C", "-s", "--skip-git-repo-check", "-o", "-"},
    "gemini": {"-p", "-o", "--approval-mode", "--skip-trust", "--session-id", "-r"},
    "opencode": {"--format", "--dir", "--agent", "-s", "-f", "--"},
    "amp": {"-x", "--stream-json", "--settings-file", "--no-ide", "--no-notifications"},
    "aider": {
        "--message-file",
        "--yes-always",
        "--no-auto-commits",
        "--no-dirty-commits",
        "--no-check-update",
        "--no-analytics",
        "--no-stream",
        "--no-pretty",
        "--no-detect-urls",
        "--no-suggest-shell-commands",
    },
}
RESUME_FORBIDS = {"-C", "-s"}  # `codex exec resume` knows neither


def brief(tmp_path, conversation=None):
    return Brief(
        attempt_id="A",
        batch_id="$(touch x); LOT-A-001",
        attempt=1,
        prompt_file=str(tmp_path / "prompt.md"),
        worktree=str(tmp_path),
        attempt_dir=str(tmp_path),
        agents=("x",),
        conversation=conversation,
    )


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    for name in OPTIONS:
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 1.2.3\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("conversation", [None, "0001"])
def test_argv_holds_known_options_only_and_nothing_of_the_document(name, conversation, tmp_path):
    launch = known_adapters({"X": "1"})[name].build(brief(tmp_path, conversation))
    options = {each for each in launch.argv[1:] if each.startswith("-")}
    assert options <= OPTIONS[name]
    assert not any("touch" in each for each in launch.argv)
    assert not any("danger" in each or "yolo" in each for each in launch.argv)
    if name == "codex" and conversation:
        assert not options & RESUME_FORBIDS
    assert ("X", "1") in launch.environment


@pytest.mark.usefixtures("on_path")
def test_a_version_that_was_not_tested_is_said_so():
    probe = known_adapters({})["codex"].probe()
    assert (probe.version, probe.is_version_tested, probe.problem) == ("1.2.3", False, "")


def test_a_program_that_is_not_there_is_said_and_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    adapter = known_adapters({})["claude"]
    assert adapter.probe().problem == "claude is not on PATH"
    with pytest.raises(AgentUnusable, match="not on PATH"):
        adapter.build(brief(tmp_path))
    with pytest.raises(AgentUnusable, match="no agent_command"):
        CommandAdapter(()).build(brief(tmp_path))


def judge(name, code, *lines, stderr=b""):
    adapter = known_adapters({})[name]
    events = [each for line in lines if (each := adapter.parse(line)) is not None]
    return adapter.classify(code, events, stderr)


def line(**said):
    return json.dumps(said).encode()


def result(**said):
    base = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "session_id": "s",
        "total_cost_usd": 0.02,
        "usage": {"input_tokens": 10, "output_tokens": 5},
        "permission_denials": [],
    }
    return line(**(base | said))


def test_claude_says_success_though_a_permission_was_denied():
    denial = [{"tool_name": "Bash", "tool_use_id": "t", "tool_input": {}}]
    ending = judge(
        "claude",
        0,
        line(type="system", subtype="init", session_id="s"),
        result(permission_denials=denial),
    )
    assert (ending.execution, ending.denied) == (Execution.OK, ("Bash",))
    assert (ending.cost_usd, ending.tokens, ending.conversation) == (0.02, 15, "s")


def test_claude_not_logged_in_is_an_error_whatever_the_subtype_says():
    said = result(is_error=True, result="Invalid API key: please run /login, not logged in")
    assert judge("claude", 1, said).execution is Execution.AUTH


def test_codex_errors_are_not_the_end_but_a_failed_turn_is():
    lost = line(type="error", message="reconnecting")
    done = line(type="turn.completed", usage={"input_tokens": 1, "output_tokens": 2})
    started = line(type="thread.started", thread_id="t1")
    good = judge("codex", 0, started, lost, done)
    assert (good.execution, good.conversation, good.tokens) == (Execution.OK, "t1", 3)
    failed = line(type="turn.failed", error={"message": "stream: 401 Unauthorized"})
    assert judge("codex", 1, started, failed).execution is Execution.AUTH


@pytest.mark.parametrize(
    ("code", "execution"),
    [(41, Execution.AUTH), (42, Execution.USAGE), (52, Execution.USAGE), (1, Execution.CRASHED)],
)
def test_gemini_is_judged_by_its_documented_codes(code, execution):
    assert judge("gemini", code, stderr=b'{"error": {"code": 1}}').execution is execution


@pytest.mark.parametrize("name", OPTIONS)
def test_broken_lines_are_no_trouble(name):
    lines = (b'{"type": "res', b"\xff\xfe", b"{" + b"x" * 100_000, b"", b"[1]", b'{"type": 3}')
    assert judge(name, 0, *lines).execution is Execution.OK


def test_quota_is_told_from_a_crash():
    quota = judge("claude", 1, stderr=b"Claude usage limit reached, resets at 5pm")
    assert quota.execution is Execution.QUOTA


def test_the_shipped_agents_are_clean_and_carry_the_names_of_the_document():
    agents = read_library([SHIPPED_AGENTS])
    assert sorted(agents) == [
        "apex-workflow",
        "backend-architect",
        "code-reviewer",
        "debugger",
        "explore-code",
        "test-engineer",
    ]
    assert [finding for agent in agents.values() for finding in agent.findings] == []


def test_mistakes_in_agent_files_that_fail_silently_are_named(tmp_path):
    path = tmp_path / "reader.md"
    path.write_text("---\nname: other\nallowed-tools: [Read]\ntool: Read\n---\nRead.\n")
    codes = {each.code for each in read_agent(path).findings}
    assert codes == {
        "AGENT_ALLOWED_TOOLS",
        "AGENT_KEY_UNKNOWN",
        "AGENT_NO_DESCRIPTION",
        "AGENT_NAME",
    }
    path.write_text("Read.\n")
    assert [each.code for each in read_agent(path).findings] == ["AGENT_NO_FRONT_MATTER"]


@pytest.mark.parametrize("layout", ["claude", "opencode", "gemini", "codex", "skills"])
def test_agents_are_written_in_every_layout(layout, tmp_path):
    written = export_agents(read_library([SHIPPED_AGENTS]).values(), tmp_path, layout)
    assert len(written) == 6
    assert all("You find causes" in p.read_text() for p in written if "debugger" in str(p))
