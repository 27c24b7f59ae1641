"""The library written in the layout of a command line."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from orchestrator.agents.library import AgentFile


def export_agents(agents: Iterable[AgentFile], folder: Path, to: str) -> tuple[Path, ...]:
    """Write each agent where a command line looks for it, and return the paths.

    Args:
        agents: What to write.
        folder: The project to write into.
        to: claude, opencode, gemini, codex or skills.
    """
    written: list[Path] = []
    for agent in agents:
        path, content = _render(agent, to)
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
        written.append(place)
    return tuple(written)


def _render(agent: AgentFile, to: str) -> tuple[str, str]:
    """Return relative path and content of one agent."""
    match to:
        case "opencode":
            head = {"description": agent.description, "mode": "subagent"}
            return f".opencode/agents/{agent.name}.md", _with_front_matter(head, agent.body)
        case "gemini":
            head = {"name": agent.name, "description": agent.description, "kind": "local"}
            return f".gemini/agents/{agent.name}.md", _with_front_matter(head, agent.body)
        case "codex":
            lines = (
                f"name = {_quote(agent.name)}",
                f"description = {_quote(agent.description)}",
                f"developer_instructions = {_quote(agent.body)}",
            )
            return f".codex/agents/{agent.name}.toml", "\n".join(lines) + "\n"
        case "skills":
            head = {"name": agent.name, "description": agent.description}
            return f".agents/skills/{agent.name}/SKILL.md", _with_front_matter(head, agent.body)
        case _:
            claude = {"name": agent.name, "description": agent.description}
            if agent.tools:
                claude["tools"] = ", ".join(agent.tools)
            claude["model"] = "inherit"
            return f".claude/agents/{agent.name}.md", _with_front_matter(claude, agent.body)


def _with_front_matter(head: dict[str, str], body: str) -> str:
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1_000)
    return f"---\n{text}---\n{body}"


def _quote(text: str) -> str:
    """Return a TOML basic string."""
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}.get(
            character, character if character.isprintable() else f"\\u{ord(character):04x}"
        )
        for character in text
    )
    return f'"{escaped}"'
