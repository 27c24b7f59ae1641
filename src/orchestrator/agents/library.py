"""Agent files: one Markdown file for each agent, loadable by several command lines unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from orchestrator.domain.batches import Finding, Severity
from orchestrator.domain.errors import InputInvalid

PORTABLE_KEYS: Final = frozenset({"name", "description", "tools", "model", "metadata"})
_KNOWN_KEYS: Final = PORTABLE_KEYS | {
    "disallowedTools",
    "permissionMode",
    "maxTurns",
    "skills",
    "mcpServers",
    "hooks",
    "memory",
    "background",
    "isolation",
    "effort",
    "color",
}
FILE_BYTES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """One agent as its file describes it."""

    name: str
    path: Path
    description: str
    tools: tuple[str, ...]
    """Empty: the file does not restrict them."""
    body: str
    findings: tuple[Finding, ...]


def read_library(folders: Sequence[Path]) -> dict[str, AgentFile]:
    """Return the agents of several folders by file name; the first folder wins."""
    found: dict[str, AgentFile] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.md")) if folder.is_dir() else ():
            found.setdefault(path.stem, read_agent(path))
    return found


def read_agent(path: Path) -> AgentFile:  # noqa: C901 - one branch for each mistake
    """Read one agent file and say what is wrong with it.

    Raises:
        InputInvalid: not readable as UTF-8, or far too large.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InputInvalid(f"{path} has more than {FILE_BYTES_MAX:,} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputInvalid(f"{path} cannot be read: {e}") from e
    findings: list[Finding] = []

    def note(code: str, message: str, remedy: str, severity: Severity = Severity.ERROR) -> None:
        findings.append(
            Finding(
                code=code,
                severity=severity,
                line=1,
                message=f"{path.name}: {message}",
                remedy=remedy,
            )
        )

    head, body = _split(text)
    values: dict[str, object] = {}
    if head is None:
        note("AGENT_NO_FRONT_MATTER", "has no front matter", "begin with ---, name, description")
    else:
        try:
            loaded = yaml.safe_load(head)
            values = loaded if isinstance(loaded, dict) else {}
        except yaml.YAMLError as e:
            note("AGENT_FRONT_MATTER", f"front matter is not YAML: {e}", "correct it")
    if "allowed-tools" in values:
        note(
            "AGENT_ALLOWED_TOOLS",
            "allowed-tools restricts nothing in an agent file: it starts with all tools",
            "write tools: Read, Grep, Glob",
        )
    for key in values:
        if key not in _KNOWN_KEYS and key != "allowed-tools":
            note("AGENT_KEY_UNKNOWN", f"unknown key {key}", "remove it, or put it under metadata:")
    if head is not None and not values.get("description"):
        note("AGENT_NO_DESCRIPTION", "has no description", "say in one line when to use it")
    if head is not None and values.get("name") != path.stem:
        note(
            "AGENT_NAME",
            f"is named {values.get('name')} inside and {path.stem} outside",
            f"write name: {path.stem}",
        )
    tools = values.get("tools", "")
    names = tools if isinstance(tools, list) else str(tools).split(",")
    return AgentFile(
        name=path.stem,
        path=path,
        description=str(values.get("description", "")),
        tools=tuple(str(each).strip() for each in names if str(each).strip()),
        body=body,
        findings=tuple(findings),
    )


def _split(text: str) -> tuple[str | None, str]:
    """Return front matter and body."""
    if not text.startswith("---\n"):
        return None, text
    head, mark, body = text[4:].partition("\n---\n")
    return (head, body.lstrip("\n")) if mark else (None, text)
