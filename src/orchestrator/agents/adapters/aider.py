"""aider: `aider --message-file`, plain text on output.

Its exit code is no contract: it is 0 after a refused login too, as measured. What it printed
last of the model's provider decides.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from orchestrator.agents.adapters import programs
from orchestrator.agents.adapters.endings import Habits, judge_stream
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
    adapter="aider",
    command="aider",
    tested=("0.86.2",),
    help_arguments=("--help",),
    options=(
        "--message-file",
        "--yes-always",
        "--no-pretty",
        "--no-stream",
        "--no-auto-commits",
        "--no-dirty-commits",
        "--no-gitignore",
        "--no-check-update",
        "--no-show-release-notes",
        "--no-analytics",
        "--no-suggest-shell-commands",
        "--no-detect-urls",
        "--chat-history-file",
        "--input-history-file",
    ),
    environment=(
        "AIDER_MODEL",
        "AIDER_API_KEY",
        "ANTHROPIC_API_KEY",
        "DEEPSEEK_API_KEY",
        "GEMINI_API_KEY",
        "OLLAMA_API_BASE",
        "OPENAI_API_BASE",
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    ),
    login_names=(
        "AIDER_API_KEY",
        "ANTHROPIC_API_KEY",
        "DEEPSEEK_API_KEY",
        "GEMINI_API_KEY",
        "OLLAMA_API_BASE",
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    ),
    login_files=(".aider.conf.yml", ".env"),
    login_hint="set the key of a provider, for example OPENAI_API_KEY",
    capabilities=Capabilities(has_cost_usd=True, has_tokens=True),
    tier=Tier.SCRIPTED_MODEL,
)
_HABITS: Final = Habits(needs_final=False)
_ERROR: Final = re.compile(r"litellm\.\w*(?:Error|Exception)\b")
_TOKENS: Final = re.compile(r"Tokens: ([\d.]+)(k|M)? sent,.*?([\d.]+)(k|M)? received\.")
_COST: Final = re.compile(r"Cost: \$([\d.]+) message")
_THOUSANDS: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_LINE_CHARACTERS_MAX: Final = 2_000


class AiderAdapter:
    """Implements `ports.Adapter` for aider."""

    name = PROGRAM.adapter

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Use our environment to choose from and a clock for quotas."""
        self._environment = environment
        self._clock = clock

    def probe(self) -> Probe:
        """Look for the program, its version, its options and a login, without spending anything."""
        return programs.probe_program(PROGRAM, self._environment)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start; it commits nothing by itself, we do.

        Raises:
            AgentUnusable: not installed. A conversation is not taken up
                again, because aider has none; the prompt of a second attempt says what failed.
        """
        folder = Path(brief.attempt_dir)
        argv = (
            programs.find(PROGRAM, self._environment),
            "--message-file",
            brief.prompt_file,
            "--yes-always",
            "--no-pretty",
            "--no-stream",
            "--no-auto-commits",
            "--no-dirty-commits",
            "--no-gitignore",
            "--no-check-update",
            "--no-show-release-notes",
            "--no-analytics",
            "--no-suggest-shell-commands",
            "--no-detect-urls",
            "--chat-history-file",
            str(folder / "aider_chat.md"),
            "--input-history-file",
            str(folder / "aider_input"),
        )
        return Launch(
            argv=argv,
            stdin_file=None,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        said = line[:_LINE_CHARACTERS_MAX].decode(errors="replace").rstrip()
        if _ERROR.match(said):
            return AgentEvent(kind=AgentEventKind.ERROR, text=said, is_error=True)
        if counted := _TOKENS.match(said):
            cost = _COST.search(said)
            return AgentEvent(
                kind=AgentEventKind.USAGE,
                cost_usd=_float(cost[1]) if cost else None,
                tokens=_count(counted[1], counted[2]) + _count(counted[3], counted[4]),
            )
        return AgentEvent(kind=AgentEventKind.TEXT, text=said) if said else None

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work.

        An error of the provider that no answer followed is the end, whatever the exit code.
        """
        telling = (AgentEventKind.ERROR, AgentEventKind.USAGE)
        last = next((each for each in reversed(events) if each.kind in telling), None)
        if exit_code == 0 and last is not None and last.is_error:
            refused = AgentEvent(kind=AgentEventKind.FINAL, text=last.text, is_error=True)
            events = (*events, refused)
        elif last is not None and not last.is_error:
            # Errors before the last answer were overcome; they must not colour the judgement.
            events = tuple(each for each in events if each.kind is not AgentEventKind.ERROR)
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms(), _HABITS)


def _count(amount: str, unit: str | None) -> int:
    return int(_float(amount) * _THOUSANDS[unit or ""])


def _float(amount: str) -> float:
    """Return a number; 0 for one that only looks like one, such as `1.2.3`."""
    try:
        return float(amount)
    except ValueError:
        return 0.0
