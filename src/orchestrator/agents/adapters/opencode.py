"""opencode: `opencode run`, prompt by standard input, one JSON event for each line of output."""

from collections.abc import Mapping, Sequence
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
    adapter="opencode",
    command="opencode",
    tested=("1.18.33",),
    help_arguments=("run", "--help"),
    options=("--format", "--dir", "--session"),
    environment=(
        "OPENCODE_CONFIG",
        "OPENCODE_CONFIG_CONTENT",
        "OPENCODE_DISABLE_AUTOUPDATE",
        "OPENCODE_DISABLE_MODELS_FETCH",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    ),
    login_names=(
        "OPENCODE_CONFIG",
        "OPENCODE_CONFIG_CONTENT",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    ),
    login_files=(
        ".local/share/opencode/auth.json",
        ".config/opencode/opencode.json",
        ".config/opencode/opencode.jsonc",
    ),
    login_hint="run opencode auth login, or set the key of a provider",
    capabilities=Capabilities(has_cost_usd=True, has_tokens=True, can_resume=True),
    tier=Tier.SCRIPTED_MODEL,
)


class OpencodeAdapter:
    """Implements `ports.Adapter` for opencode."""

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

        Without `--auto`, which its own help calls dangerous: what its settings do not allow is
        refused, because nobody is there to ask.

        Raises:
            AgentUnusable: not installed, or a conversation no agent named.
        """
        resumed = conversations.resumed(brief)
        argv = (
            programs.find(PROGRAM, self._environment),
            "run",
            "--format",
            "json",
            "--dir",
            brief.worktree,
            *(("--session", resumed) if resumed is not None else ()),
        )
        return Launch(
            argv=argv,
            stdin_file=brief.prompt_file,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        said = json_lines.read_fields(line)
        part = json_lines.inner(said or {}, "part")
        conversation = conversations.safe_conversation((said or {}).get("sessionID"))
        match said.get("type") if said is not None else None:
            case "step_start":
                return AgentEvent(kind=AgentEventKind.SESSION, conversation=conversation)
            case "text":
                return AgentEvent(kind=AgentEventKind.TEXT, text=json_lines.text(part, "text"))
            case "tool_use":
                return _tool(part)
            case "step_finish":
                return _step_finish(part, conversation)
            case "error":
                return _error(json_lines.inner(said or {}, "error"), conversation)
            case _:
                return None

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work."""
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms())


def _tool(part: Fields) -> AgentEvent:
    """Understand a finished tool call."""
    name = json_lines.text(part, "tool")[:200]
    state = json_lines.inner(part, "state")
    error = json_lines.text(state, "error")
    if state.get("status") == "error" and "permission" in error.lower():
        return AgentEvent(kind=AgentEventKind.DENIED, text=error, denied=(name or "tool",))
    return AgentEvent(kind=AgentEventKind.TOOL, text=name)


def _step_finish(part: Fields, conversation: str | None) -> AgentEvent:
    """Understand the end of one answer of the model; another follows unless it stopped."""
    is_last = part.get("reason") == "stop"
    return AgentEvent(
        kind=AgentEventKind.FINAL if is_last else AgentEventKind.USAGE,
        conversation=conversation,
        cost_usd=json_lines.number(part, "cost"),
        tokens=json_lines.total(json_lines.inner(part, "tokens"), "input", "output"),
    )


def _error(error: Fields, conversation: str | None) -> AgentEvent:
    """Understand an error event; the program ends with code 1 behind it, as measured."""
    data = json_lines.inner(error, "data")
    status = json_lines.number(data, "statusCode")
    words = (
        json_lines.text(error, "name"),
        f"status {status:.0f}" if status is not None else "",
        json_lines.text(data, "message"),
    )
    return AgentEvent(
        kind=AgentEventKind.ERROR,
        text=": ".join(each for each in words if each),
        conversation=conversation,
        is_error=True,
    )
