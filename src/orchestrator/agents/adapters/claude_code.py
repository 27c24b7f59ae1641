"""Claude Code: `claude -p`, prompt by standard input, one JSON object for each line of output."""

from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.agents.adapters import conversations, programs
from orchestrator.agents.adapters.claude_stream import parse_claude_line
from orchestrator.agents.adapters.endings import judge_stream
from orchestrator.domain.agents import (
    AgentEvent,
    Brief,
    Capabilities,
    Ending,
    Launch,
    Probe,
    Tier,
)
from orchestrator.ports import Clock

TOOLS: Final = (
    "Read",
    "Edit",
    "Write",
    "Glob",
    "Grep",
    "Bash(pytest *)",
    "Bash(python -m pytest *)",
    "Bash(git status *)",
    "Bash(git diff *)",
    "Bash(orchestrate report *)",
)
"""What it may use without asking; anything else is denied, and the denial is recorded."""
PROGRAM: Final = programs.Program(
    adapter="claude",
    command="claude",
    tested=("2.1.197",),
    help_arguments=("--help",),
    options=(
        "--print",
        "--output-format",
        "--verbose",
        "--session-id",
        "--resume",
        "--permission-mode",
        "--allowedTools",
        "--max-budget-usd",
        "--strict-mcp-config",
    ),
    environment=(
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_MODEL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_GIT_BASH_PATH",
        "CLAUDE_CONFIG_DIR",
        "AWS_PROFILE",
        "AWS_REGION",
        "CLOUD_ML_REGION",
        "ANTHROPIC_VERTEX_PROJECT_ID",
    ),
    login_names=(
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CONFIG_DIR",
    ),
    login_files=(".claude/.credentials.json",),
    login_hint="run claude once and log in, or set ANTHROPIC_API_KEY",
    capabilities=Capabilities(
        has_cost_usd=True,
        has_tokens=True,
        can_resume=True,
        can_preassign_session=True,
        has_tool_allowlist=True,
    ),
    tier=Tier.SCRIPTED_MODEL,
)


class ClaudeCodeAdapter:
    """Implements `ports.Adapter` for Claude Code."""

    name = PROGRAM.adapter

    def __init__(
        self, environment: Mapping[str, str], clock: Clock, tools: Sequence[str] = TOOLS
    ) -> None:
        """Use our environment to choose from, a clock for quotas, and an allow-list of tools."""
        self._environment = environment
        self._clock = clock
        self._tools = tuple(tools)

    def probe(self) -> Probe:
        """Look for the program, its version, its options and a login, without spending anything."""
        return programs.probe_program(PROGRAM, self._environment)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start.

        A new conversation gets an id of ours, so that it can be resumed even if the first line
        of output is never seen. Nothing follows the list of tools, which takes every word up to
        the next option.

        Raises:
            AgentUnusable: not installed, or a conversation that no agent named.
        """
        resumed = conversations.resumed(brief)
        conversation = (
            ("--resume", resumed)
            if resumed is not None
            else ("--session-id", conversations.new_session(brief))
        )
        budget = (
            ("--max-budget-usd", f"{brief.budget_usd:.2f}") if brief.budget_usd is not None else ()
        )
        argv = (
            programs.find(PROGRAM, self._environment),
            "--print",
            "--output-format",
            "stream-json",
            "--verbose",
            *conversation,
            *budget,
            "--permission-mode",
            "dontAsk",
            "--strict-mcp-config",
            "--allowedTools",
            *self._tools,
        )
        return Launch(
            argv=argv,
            stdin_file=brief.prompt_file,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        return parse_claude_line(line)

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work."""
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms())
