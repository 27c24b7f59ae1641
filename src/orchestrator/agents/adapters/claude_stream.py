"""The stream of JSON lines that Claude Code writes and Amp imitates."""

from orchestrator.agents.adapters import json_lines
from orchestrator.agents.adapters.conversations import safe_conversation
from orchestrator.agents.adapters.json_lines import Fields
from orchestrator.domain.agents import AgentEvent, AgentEventKind


def parse_claude_line(line: bytes) -> AgentEvent | None:
    """Understand one line; None for what says nothing to us.

    The last line carries `subtype: "success"` even when nobody was logged in: `is_error` decides.
    """
    said = json_lines.read_fields(line)
    match said.get("type") if said is not None else None:
        case "system":
            return _system(said or {})
        case "assistant":
            return _assistant(said or {})
        case "result":
            return _result(said or {})
        case _:
            return None


def _system(said: Fields) -> AgentEvent | None:
    subtype = said.get("subtype")
    if subtype == "init":
        return AgentEvent(
            kind=AgentEventKind.SESSION,
            text=json_lines.text(said, "model"),
            conversation=safe_conversation(said.get("session_id")),
        )
    if subtype == "api_retry":
        status = json_lines.number(said, "error_status")
        shown = f"status {status:.0f}: " if status is not None else ""
        return AgentEvent(
            kind=AgentEventKind.ERROR, text=shown + json_lines.text(said, "error"), is_error=True
        )
    return None


def _assistant(said: Fields) -> AgentEvent | None:
    content = json_lines.items(json_lines.inner(said, "message"), "content")
    for item in content:
        if item.get("type") == "tool_use":
            return AgentEvent(kind=AgentEventKind.TOOL, text=json_lines.text(item, "name"))
    for item in content:
        if item.get("type") == "text":
            return AgentEvent(kind=AgentEventKind.TEXT, text=json_lines.text(item, "text"))
    return None


def _result(said: Fields) -> AgentEvent:
    is_error = said.get("is_error") is not False
    words = json_lines.text(said, "result") or json_lines.text(said, "error")
    if is_error:
        status = json_lines.number(said, "api_error_status")
        shown = [f"status {status:.0f}"] if status is not None else []
        words = ": ".join((json_lines.text(said, "subtype"), *shown, words or "no reason given"))
    return AgentEvent(
        kind=AgentEventKind.FINAL,
        text=words,
        conversation=safe_conversation(said.get("session_id")),
        cost_usd=json_lines.number(said, "total_cost_usd"),
        tokens=json_lines.total(
            json_lines.inner(said, "usage"),
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
        ),
        is_error=is_error,
        denied=tuple(
            name
            for each in json_lines.items(said, "permission_denials")
            if (name := json_lines.text(each, "tool_name")[:200])
        ),
    )
