"""Codex: `codex exec`, prompt by standard input, one JSON event for each line of output."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from orchestrator.agents.adapters import conversations, json_lines, programs
from orchestrator.agents.adapters.endings import judge_stream
from orchestrator.agents.adapters.json_lines import Fields
from orchestrator.domain.agents import (
    AgentEvent,
    AgentEventKind,
    Brief,
    Capabilities,
    Ending,
    Launch,
    Probe,
    Tier,
)
from orchestrator.ports import Clock

PROGRAM: Final = programs.Program(
    adapter="codex",
    command="codex",
    tested=("0.169.0",),
    help_arguments=("exec", "--help"),
    options=(
        "--json",
        "--cd",
        "--sandbox",
        "--skip-git-repo-check",
        "--output-last-message",
        "--config",
    ),
    environment=(
        "CODEX_API_KEY",
        "CODEX_HOME",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_ORGANIZATION",
        "OPENAI_PROJECT",
    ),
    login_names=("CODEX_API_KEY", "OPENAI_API_KEY", "CODEX_HOME"),
    login_files=(".codex/auth.json", ".codex/config.toml"),
    login_hint="run codex login, or set CODEX_API_KEY",
    capabilities=Capabilities(has_tokens=True, can_resume=True, has_sandbox=True),
    tier=Tier.SCRIPTED_MODEL,
)


class CodexAdapter:
    """Implements `ports.Adapter` for Codex."""

    name = PROGRAM.adapter

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Use our environment to choose from and a clock for quotas."""
        self._environment = environment
        self._clock = clock

    def probe(self) -> Probe:
        """Look for the program, its version, its options and a login, without spending anything."""
        return programs.probe_program(PROGRAM, self._environment)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start.

        `resume` knows neither `--cd` nor `--sandbox`: the working directory of the process and a
        setting take their place, so that a resumed attempt is held in the same sandbox.

        Raises:
            AgentUnusable: not installed, a budget in USD, or a conversation no agent named.
        """
        programs.refuse_budget(PROGRAM, brief)
        resumed = conversations.resumed(brief)
        place = (
            ("--cd", brief.worktree, "--sandbox", "workspace-write")
            if resumed is None
            else ("--config", 'sandbox_mode="workspace-write"')
        )
        argv = (
            programs.find(PROGRAM, self._environment),
            "exec",
            *(("resume",) if resumed is not None else ()),
            "--json",
            *place,
            "--skip-git-repo-check",
            "--output-last-message",
            str(Path(brief.attempt_dir) / "last_message"),
            *((resumed,) if resumed is not None else ()),
            "-",
        )
        return Launch(
            argv=argv,
            stdin_file=brief.prompt_file,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us.

        `error` is not the end: it reconnects and goes on. Only a turn that completed or failed is.
        """
        said = json_lines.read_fields(line)
        match said.get("type") if said is not None else None:
            case "thread.started":
                conversation = conversations.safe_conversation((said or {}).get("thread_id"))
                return AgentEvent(kind=AgentEventKind.SESSION, conversation=conversation)
            case "item.completed":
                return _item(json_lines.inner(said or {}, "item"))
            case "error":
                return AgentEvent(
                    kind=AgentEventKind.ERROR,
                    text=json_lines.text(said or {}, "message"),
                    is_error=True,
                )
            case "turn.completed":
                usage = json_lines.inner(said or {}, "usage")
                tokens = json_lines.total(usage, "input_tokens", "output_tokens")
                return AgentEvent(kind=AgentEventKind.FINAL, tokens=tokens)
            case "turn.failed":
                words = json_lines.text(json_lines.inner(said or {}, "error"), "message")
                return AgentEvent(kind=AgentEventKind.FINAL, text=words, is_error=True)
            case _:
                return None

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work."""
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms())


def _item(item: Fields) -> AgentEvent | None:
    """Understand one finished piece of work."""
    match item.get("type"):
        case "agent_message":
            return AgentEvent(kind=AgentEventKind.TEXT, text=json_lines.text(item, "text"))
        case "error":
            return AgentEvent(
                kind=AgentEventKind.ERROR, text=json_lines.text(item, "message"), is_error=True
            )
        case "command_execution":
            if item.get("status") == "declined":
                return AgentEvent(
                    kind=AgentEventKind.DENIED,
                    text=json_lines.text(item, "command"),
                    denied=("command_execution",),
                )
            return AgentEvent(kind=AgentEventKind.TOOL, text=json_lines.text(item, "command"))
        case "file_change" | "mcp_tool_call" | "web_search":
            return AgentEvent(kind=AgentEventKind.TOOL, text=json_lines.text(item, "type"))
        case _:
            return None
