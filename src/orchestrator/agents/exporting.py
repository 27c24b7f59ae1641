"""Writes agents in the layouts of other programs."""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from orchestrator.agents.library import AgentFile
from orchestrator.domain.batches import Severity
from orchestrator.domain.errors import InputInvalid


class Layout(StrEnum):
    """For whom agents are written."""

    CLAUDE = "claude"
    OPENCODE = "opencode"
    GEMINI = "gemini"
    CODEX = "codex"
    SKILLS = "skills"
    """`SKILL.md` folders, read by Codex, Amp, Gemini and others."""


GEMINI_TOOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Bash": "run_shell_command",
        "Edit": "replace",
        "Glob": "glob",
        "Grep": "grep_search",
        "Read": "read_file",
        "WebFetch": "web_fetch",
        "WebSearch": "google_web_search",
        "Write": "write_file",
    }
)
_SKILL_DESCRIPTION_CHARACTERS_MAX: Final = 1_024


def render_agent(agent: AgentFile, layout: Layout) -> tuple[str, str]:
    """Return path, relative to a project, and text of one agent in a layout.

    A read-only agent stays read-only wherever the layout can say so; skills and Codex files
    cannot, and there the sandbox of the program decides.

    Raises:
        InputInvalid: the agent's own file has errors, or cannot be read again.
    """
    wrong = next((each for each in agent.findings if each.severity is Severity.ERROR), None)
    if wrong is not None:
        raise InputInvalid(f"{wrong.message}: {wrong.remedy}")
    return _RENDERERS[layout](agent)


def export_library(agents: Iterable[AgentFile], layout: Layout, folder: Path) -> tuple[Path, ...]:
    """Write agents below a folder; return the files in order, those that were there included.

    Raises:
        InputInvalid: an agent has errors, or a file with other content is in the way; then nothing
            was written.
    """
    rendered = [render_agent(agent, layout) for agent in agents]
    texts = {folder / path: text for path, text in rendered}
    for path, text in texts.items():
        if path.is_symlink() or (path.exists() and path.read_bytes() != text.encode()):
            raise InputInvalid(f"{path} exists with other content: move it away, then export again")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as e:
            raise InputInvalid(f"{path} cannot be written: {e}") from e
    return tuple(texts)


def _claude(agent: AgentFile) -> tuple[str, str]:
    """Return the file as it is: it was written for Claude Code in the first place."""
    try:
        return f".claude/agents/{agent.name}.md", agent.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputInvalid(f"{agent.path} cannot be read: {e}") from e


def _opencode(agent: AgentFile) -> tuple[str, str]:
    permission = {
        "edit": _allowed(agent, "Edit", "Write"),
        "bash": _allowed(agent, "Bash"),
        "webfetch": _allowed(agent, "WebFetch"),
    }
    head = {"description": agent.description, "mode": "subagent", "permission": permission}
    return f".opencode/agents/{agent.name}.md", _with_head(head, agent.body)


def _gemini(agent: AgentFile) -> tuple[str, str]:
    head: dict[str, object] = {
        "name": agent.name,
        "description": agent.description,
        "kind": "local",
    }
    if agent.tools:
        head["tools"] = [GEMINI_TOOLS[each] for each in agent.tools if each in GEMINI_TOOLS]
    return f".gemini/agents/{agent.name}.md", _with_head(head, agent.body)


def _codex(agent: AgentFile) -> tuple[str, str]:
    values = {
        "name": agent.name,
        "description": agent.description,
        "developer_instructions": agent.body,
    }
    lines = [f"{key} = {_toml_text(value)}\n" for key, value in values.items()]
    return f".codex/agents/{agent.name}.toml", "".join(lines)


def _skills(agent: AgentFile) -> tuple[str, str]:
    head = {
        "name": agent.name,
        "description": agent.description[:_SKILL_DESCRIPTION_CHARACTERS_MAX],
    }
    return f".agents/skills/{agent.name}/SKILL.md", _with_head(head, agent.body)


def _allowed(agent: AgentFile, *tools: str) -> str:
    """Return the permission word for tools of ours; no list of tools allows all."""
    return "allow" if not agent.tools or set(tools) & set(agent.tools) else "deny"


def _with_head(head: Mapping[str, object], body: str) -> str:
    shown = yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{shown}---\n{body}"


def _toml_text(value: str) -> str:
    """Return a TOML basic string: JSON's escapes, and the one character that JSON lets pass."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_RENDERERS: Final[Mapping[Layout, Callable[[AgentFile], tuple[str, str]]]] = MappingProxyType(
    {
        Layout.CLAUDE: _claude,
        Layout.OPENCODE: _opencode,
        Layout.GEMINI: _gemini,
        Layout.CODEX: _codex,
        Layout.SKILLS: _skills,
    }
)
