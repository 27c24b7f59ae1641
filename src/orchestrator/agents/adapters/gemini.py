"""Gemini CLI: `gemini -p`, prompt by standard input, one JSON event for each line of output."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from orchestrator.agents.adapters import conversations, json_lines, programs
from orchestrator.agents.adapters.endings import Habits, judge_stream
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
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Clock

STANDING_PROMPT: Final = "Follow the brief on standard input."
"""The whole of what goes by argument; the program puts standard input in front of it."""
HABITS: Final = Habits(
    codes=MappingProxyType(
        {
            41: Execution.AUTH,
            42: Execution.USAGE,  # invalid input
            44: Execution.USAGE,  # sandbox
            52: Execution.USAGE,  # settings
            53: Execution.CRASHED,  # turn limit
            54: Execution.CRASHED,  # a tool failed for good
            55: Execution.USAGE,  # untrusted folder
            130: Execution.CANCELLED,
        }
    )
)
PROGRAM: Final = programs.Program(
    adapter="gemini",
    command="gemini",
    tested=("0.61.0",),
    help_arguments=("--help",),
    options=(
        "--prompt",
        "--output-format",
        "--approval-mode",
        "--skip-trust",
        "--session-id",
        "--resume",
    ),
    environment=(
        "GEMINI_API_KEY",
        "GEMINI_MODEL",
        "GOOGLE_API_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_GEMINI_BASE_URL",
        "GOOGLE_GENAI_USE_VERTEXAI",
    ),
    login_names=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"),
    login_files=(".gemini/oauth_creds.json",),
    login_hint="run gemini once and log in, or set GEMINI_API_KEY",
    capabilities=Capabilities(has_tokens=True, can_resume=True, can_preassign_session=True),
    tier=Tier.SCRIPTED_MODEL,
)


class GeminiAdapter:
    """Implements `ports.Adapter` for the Gemini CLI."""

    name = PROGRAM.adapter

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Use our environment to choose from and a clock for quotas."""
        self._environment = environment
        self._clock = clock

    def probe(self) -> Probe:
        """Look for the program, its version, its options and a login, without spending anything."""
        return programs.probe_program(PROGRAM, self._environment)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start. Edits pass without a question, commands do not.

        Raises:
            AgentUnusable: not installed, a budget in USD, or a conversation no agent named.
        """
        programs.refuse_budget(PROGRAM, brief)
        resumed = conversations.resumed(brief)
        conversation = (
            ("--resume", resumed)
            if resumed is not None
            else ("--session-id", conversations.new_session(brief))
        )
        argv = (
            programs.find(PROGRAM, self._environment),
            "--prompt",
            STANDING_PROMPT,
            "--output-format",
            "stream-json",
            "--approval-mode",
            "auto_edit",
            "--skip-trust",
            *conversation,
        )
        return Launch(
            argv=argv,
            stdin_file=brief.prompt_file,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        said = json_lines.read_fields(line)
        read = _READERS.get(str(said.get("type"))) if said is not None else None
        return read(said) if said is not None and read is not None else None

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work.

        A fatal error may stand on standard error alone, with nothing on standard output.
        """
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms(), HABITS)


def _init(said: Fields) -> AgentEvent:
    conversation = conversations.safe_conversation(said.get("session_id"))
    return AgentEvent(kind=AgentEventKind.SESSION, conversation=conversation)


def _message(said: Fields) -> AgentEvent | None:
    """Understand prose; our own prompt comes back too."""
    if said.get("role") != "assistant":
        return None
    return AgentEvent(kind=AgentEventKind.TEXT, text=json_lines.text(said, "content"))


def _tool_use(said: Fields) -> AgentEvent:
    return AgentEvent(kind=AgentEventKind.TOOL, text=json_lines.text(said, "tool_name"))


def _error(said: Fields) -> AgentEvent:
    words = json_lines.text(said, "message")
    return AgentEvent(kind=AgentEventKind.ERROR, text=words, is_error=True)


def _tool_result(said: Fields) -> AgentEvent | None:
    """Understand what became of a tool call; failures other than denials are the agent's own."""
    error = json_lines.inner(said, "error")
    if json_lines.text(error, "type") != "policy_violation":
        return None
    return AgentEvent(
        kind=AgentEventKind.DENIED,
        text=json_lines.text(error, "message"),
        denied=(json_lines.text(said, "tool_id")[:200] or "tool",),
    )


def _result(said: Fields) -> AgentEvent:
    """Understand the last event."""
    error = json_lines.inner(said, "error")
    words = (json_lines.text(error, "type"), json_lines.text(error, "message"))
    stats = json_lines.inner(said, "stats")
    return AgentEvent(
        kind=AgentEventKind.FINAL,
        text=": ".join(each for each in words if each),
        tokens=json_lines.total(stats, "total_tokens"),
        is_error=said.get("status") != "success",
    )


_READERS: Final[Mapping[str, Callable[[Fields], AgentEvent | None]]] = MappingProxyType(
    {
        "init": _init,
        "message": _message,
        "tool_use": _tool_use,
        "tool_result": _tool_result,
        "error": _error,
        "result": _result,
    }
)
