"""Judges a whole library of agent files, beyond what each says wrong of itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.agents.library import AgentFile
from orchestrator.domain.batches import Finding, Severity

TOOLS: Final = frozenset(
    {
        "Bash",
        "Edit",
        "Glob",
        "Grep",
        "NotebookEdit",
        "Read",
        "Skill",
        "Task",
        "TodoWrite",
        "WebFetch",
        "WebSearch",
        "Write",
    }
)
"""Names of Claude Code; `mcp__...` names and patterns in brackets pass as well."""
DESCRIPTION_CHARACTERS_MAX: Final = 1_024
"""What the skill format allows; a longer one would be cut on export."""
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_CHARACTERS_MAX: Final = 64
_MENTION: Final = re.compile(r"@agents_library/([A-Za-z0-9_-]+)(?:\.md)?")


def lint_library(agents: Mapping[str, AgentFile]) -> tuple[Finding, ...]:
    """Return all findings, agent by agent in the order given."""
    return tuple(
        finding
        for agent in agents.values()
        for finding in (*agent.findings, *_judge(agent, agents))
    )


def _judge(agent: AgentFile, agents: Mapping[str, AgentFile]) -> Iterator[Finding]:
    """Return what one agent's file does not know to be wrong."""

    def note(code: str, severity: Severity, message: str, remedy: str) -> Finding:
        return Finding(
            code=code,
            severity=severity,
            line=1,
            message=f"{agent.path.name}: {message}",
            remedy=remedy,
        )

    if not _NAME.fullmatch(agent.name) or len(agent.name) > _NAME_CHARACTERS_MAX:
        yield note(
            "AGENT_NAME_FORM",
            Severity.ERROR,
            "the name is not made of small letters, digits and single hyphens",
            "rename the file, for example to code-reviewer.md",
        )
    if not agent.body.strip():
        yield note("AGENT_EMPTY", Severity.ERROR, "has no instructions", "write what it is to do")
    if len(agent.description) > DESCRIPTION_CHARACTERS_MAX:
        yield note(
            "AGENT_DESCRIPTION_LONG",
            Severity.WARNING,
            f"the description has {len(agent.description):,} characters",
            f"keep it below {DESCRIPTION_CHARACTERS_MAX:,}",
        )
    for tool in agent.tools:
        if tool.partition("(")[0] not in TOOLS and not tool.startswith("mcp__"):
            yield note(
                "AGENT_TOOL_UNKNOWN",
                Severity.WARNING,
                f"no tool is called {tool}",
                f"known are {', '.join(sorted(TOOLS))}",
            )
    for mentioned in dict.fromkeys(_MENTION.findall(agent.body)):
        if mentioned not in agents:
            yield note(
                "AGENT_MENTION",
                Severity.ERROR,
                f"mentions {mentioned}, which is not in the library",
                "add that file, or remove the mention",
            )
