"""The agent command lines we know: their templates, their output, their ways to fail.

Versions and options as recorded from the programs' own help; none is started with an option
that switches its safety off.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec

from orchestrator.agents.command_adapter import judge_exit
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
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.verdicts import Execution
from orchestrator.ports import Adapter

PROBE_TIMEOUT_S: Final = 10.0
CLAUDE_TOOLS: Final = ("Read", "Edit", "Write", "Glob", "Grep", "Bash(orchestrate report *)")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_TEXT_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class CliAdapter:
    """What the known command lines have in common. Subclasses build and parse."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the allow-list of every launch: our PATH and the inbox."""

    name = ""
    program = ""
    tested_version = ""
    capabilities = Capabilities()
    login_variables: ClassVar[tuple[str, ...]] = ()
    """Environment variables of its login, handed on if they are set."""

    def probe(self) -> Probe:
        """Look for the program and its version; nothing is spent."""
        path = shutil.which(self.program)
        version = read_version(path) if path else None
        return Probe(
            adapter=self.name,
            path=path,
            version=version,
            is_version_tested=version == self.tested_version,
            capabilities=self.capabilities,
            tier=Tier.CONTRACT,
            problem="" if path else f"{self.program} is not on PATH",
        )

    def _launch(self, brief: Brief, *arguments: str, is_fed: bool = True) -> Launch:
        path = shutil.which(self.program)
        if path is None:
            raise AgentUnusable(f"{self.program} is not on PATH")
        return Launch(
            argv=(path, *arguments),
            stdin_file=brief.prompt_file if is_fed else None,
            environment=tuple(self.environment.items()),
        )

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended; a result that says error is one, whatever the code."""
        execution, detail = judge_exit(exit_code, stderr_tail)
        final = next((e for e in reversed(events) if e.kind is AgentEventKind.FINAL), None)
        if final is not None and final.is_error:
            execution, detail = judge_exit(exit_code or 1, final.text.encode() + b"\n")
        costs = [each.cost_usd for each in events if each.cost_usd is not None]
        tokens = [each.tokens for each in events if each.tokens is not None]
        conversation = next((e.conversation for e in events if e.conversation), None)
        return Ending(
            execution=execution,
            detail=detail,
            exit_code=exit_code,
            cost_usd=costs[-1] if costs else None,
            tokens=sum(tokens) if tokens else None,
            denied=tuple(name for each in events for name in each.denied),
            conversation=conversation,
        )


class ClaudeAdapter(CliAdapter):
    """Claude Code in print mode, prompt on standard input."""

    name = "claude"
    program = "claude"
    tested_version = "2.1.197"
    login_variables = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK")
    capabilities = Capabilities(
        has_cost_usd=True,
        has_tokens=True,
        can_resume=True,
        can_preassign_session=True,
        has_tool_allowlist=True,
    )

    def build(self, brief: Brief) -> Launch:
        """Return the process to start."""
        conversation = ("--resume", brief.conversation) if brief.conversation else ()
        budget = ("--max-budget-usd", f"{brief.budget_usd:.2f}") if brief.budget_usd else ()
        return self._launch(
            brief,
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--permission-mode",
            "dontAsk",
            "--strict-mcp-config",
            *conversation,
            *budget,
            "--allowedTools",  # variadic, so it stands last
            *CLAUDE_TOOLS,
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of stream-json."""
        said = _decode(line)
        match said.get("type"):
            case "system" if said.get("subtype") == "init":
                return AgentEvent(
                    kind=AgentEventKind.SESSION, conversation=_text(said.get("session_id"))
                )
            case "result":
                usage = said.get("usage")
                return AgentEvent(
                    kind=AgentEventKind.FINAL,
                    text=_text(said.get("result")) or "",
                    conversation=_text(said.get("session_id")),
                    cost_usd=_number(said.get("total_cost_usd")),
                    tokens=_count(usage, "input_tokens", "output_tokens"),
                    is_error=said.get("is_error") is True,
                    denied=tuple(
                        str(each.get("tool_name"))[:200]
                        for each in said.get("permission_denials") or ()
                        if isinstance(each, dict)
                    ),
                )
            case "assistant":
                return AgentEvent(kind=AgentEventKind.TEXT)
            case _:
                return None


class CodexAdapter(CliAdapter):
    """Codex exec, prompt on standard input."""

    name = "codex"
    program = "codex"
    tested_version = "0.169.0"
    login_variables = ("OPENAI_API_KEY", "CODEX_HOME")
    capabilities = Capabilities(has_tokens=True, can_resume=True, has_sandbox=True)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start; a resumed one knows its directory and its sandbox."""
        last = str(Path(brief.attempt_dir) / "last-message.txt")
        if brief.conversation:
            return self._launch(brief, "exec", "resume", brief.conversation, "--json", "-")
        return self._launch(
            brief,
            "exec",
            "--json",
            "-C",
            brief.worktree,
            "-s",
            "workspace-write",
            "--skip-git-repo-check",
            "-o",
            last,
            "-",
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one JSON line; an error is not an end, it reconnects."""
        said = _decode(line)
        match said.get("type"):
            case "thread.started":
                return AgentEvent(
                    kind=AgentEventKind.SESSION, conversation=_text(said.get("thread_id"))
                )
            case "turn.completed":
                return AgentEvent(
                    kind=AgentEventKind.FINAL,
                    tokens=_count(said.get("usage"), "input_tokens", "output_tokens"),
                )
            case "turn.failed":
                error = said.get("error")
                text = error.get("message") if isinstance(error, dict) else ""
                return AgentEvent(kind=AgentEventKind.FINAL, text=_text(text) or "", is_error=True)
            case "error":
                return AgentEvent(kind=AgentEventKind.ERROR, text=_text(said.get("message")) or "")
            case "item.completed":
                return AgentEvent(kind=AgentEventKind.TOOL)
            case _:
                return None


class GeminiAdapter(CliAdapter):
    """Gemini CLI, brief on standard input."""

    name = "gemini"
    program = "gemini"
    tested_version = "0.61.0"
    login_variables = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT")
    capabilities = Capabilities(has_tokens=True, can_resume=True, has_sandbox=True)
    _LOGIN_CODE = 41
    _USAGE_CODES = (42, 52, 55)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start."""
        return self._launch(
            brief,
            "-p",
            "Follow the brief on stdin.",
            "-o",
            "stream-json",
            "--approval-mode",
            "auto_edit",
            "--skip-trust",
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one JSON line; a run can end well after errors of its inner routing."""
        said = _decode(line)
        match said.get("type"):
            case "init":
                return AgentEvent(
                    kind=AgentEventKind.SESSION, conversation=_text(said.get("session_id"))
                )
            case "result":
                return AgentEvent(kind=AgentEventKind.FINAL, is_error=said.get("status") == "error")
            case "error":
                return AgentEvent(kind=AgentEventKind.ERROR)
            case _:
                return None

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge by the documented exit codes first."""
        ending = CliAdapter.classify(self, exit_code, events, stderr_tail)
        if exit_code == self._LOGIN_CODE:
            return replace(ending, execution=Execution.AUTH)
        if exit_code in self._USAGE_CODES:
            return replace(ending, execution=Execution.USAGE)
        return ending


class OpencodeAdapter(CliAdapter):
    """opencode run, prompt as attached file."""

    name = "opencode"
    program = "opencode"
    tested_version = "1.18.33"
    capabilities = Capabilities(has_cost_usd=True, has_tokens=True, can_resume=True)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start; it has no way to read a prompt from standard input."""
        conversation = ("-s", brief.conversation) if brief.conversation else ()
        return self._launch(
            brief,
            "run",
            "--format",
            "json",
            "--dir",
            brief.worktree,
            *conversation,
            "-f",
            brief.prompt_file,
            "--",
            "Follow the attached brief.",
            is_fed=False,
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one JSON line."""
        said = _decode(line)
        if said.get("type") == "step_finish":
            part = said.get("part")
            cost = part.get("cost") if isinstance(part, dict) else None
            return AgentEvent(kind=AgentEventKind.USAGE, cost_usd=_number(cost))
        return AgentEvent(kind=AgentEventKind.TEXT) if said else None


class AmpAdapter(CliAdapter):
    """Amp in execute mode, prompt on standard input."""

    name = "amp"
    program = "amp"
    tested_version = "0.0.1790142911"
    login_variables = ("AMP_API_KEY", "AMP_URL")
    capabilities = Capabilities(can_resume=True)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start."""
        return self._launch(brief, "-x", "--stream-json", "--no-ide", "--no-notifications")

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line; the format is that of Claude Code."""
        return ClaudeAdapter().parse(line)


class AiderAdapter(CliAdapter):
    """aider with a message file; its own commits are switched off."""

    name = "aider"
    program = "aider"
    tested_version = "0.86.2"
    login_variables = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")
    capabilities = Capabilities()

    def build(self, brief: Brief) -> Launch:
        """Return the process to start."""
        return self._launch(
            brief,
            "--message-file",
            brief.prompt_file,
            "--yes-always",
            "--no-auto-commits",
            "--no-dirty-commits",
            "--no-check-update",
            "--no-analytics",
            "--no-stream",
            "--no-pretty",
            "--no-detect-urls",
            "--no-suggest-shell-commands",
            is_fed=False,
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Find nothing: its output has no form to rely on."""
        del line
        return None


def known_adapters(environment: Mapping[str, str]) -> dict[str, Adapter]:
    """Return every known command line by name."""
    return {
        "claude": ClaudeAdapter(environment),
        "codex": CodexAdapter(environment),
        "gemini": GeminiAdapter(environment),
        "opencode": OpencodeAdapter(environment),
        "amp": AmpAdapter(environment),
        "aider": AiderAdapter(environment),
    }


def login_variables() -> tuple[str, ...]:
    """Return the environment variables that agents need for their own login."""
    kinds = (ClaudeAdapter, CodexAdapter, GeminiAdapter, OpencodeAdapter, AmpAdapter, AiderAdapter)
    return tuple(dict.fromkeys(name for kind in kinds for name in kind.login_variables))


def read_version(path: str) -> str | None:
    """Return what a program says its version is; None if it does not say so in time."""
    try:
        outcome = subprocess.run(  # noqa: S603 - a program of a fixed list
            [path, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(outcome.stdout.decode(errors="replace"))
    return found[0] if found else None


def _decode(line: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else, truncated lines included."""
    if not line.startswith(b"{"):
        return {}
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _text(value: object) -> str | None:
    return value[:_TEXT_MAX] if isinstance(value, str) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _count(usage: object, *names: str) -> int | None:
    if not isinstance(usage, dict):
        return None
    return sum(value for name in names if isinstance(value := usage.get(name), int))
