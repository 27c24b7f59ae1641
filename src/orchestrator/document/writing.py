"""Writes what we know into documents of others: owned spans only, every other byte as it was."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.document.outlines import BlockKind, outline
from orchestrator.document.sessions import Layout
from orchestrator.document.sources import SourceText
from orchestrator.document.vocabulary import clean_line, fold_text, read_dependencies
from orchestrator.domain.claims import Mark, TaskClaim

VALUE_LENGTH_MAX: Final = 240
_PARENTHESES: Final = re.compile(r"\([^()\n]*\)")
_SIGNS: Final = {Mark.OK: "✅", Mark.FAIL: "❌", Mark.WARN: "⚠️", Mark.PENDING: "⏳"}


def write_spans(
    source: SourceText,
    layout: Layout,
    *,
    statuses: Mapping[str, str],
    metrics: Mapping[str, str],
    next_action: str | None,
) -> bytes:
    """Return the document's bytes with new values in the owned spans.

    Args:
        source: The document that `layout` was read from.
        layout: Where the owned spans stand.
        statuses: Batch id to value; others stay as they are.
        metrics: Criterion to value; others stay as they are.
        next_action: New value; None leaves it.
    """
    edits: list[tuple[int, int, str]] = []
    for name, start, end in layout.statuses:
        if name in statuses:
            kept = _waiting_for(source.text[start:end])
            edits.append((start, end, clean_line(statuses[name], VALUE_LENGTH_MAX) + kept))
    for criterion, start, end in layout.metrics:
        if criterion in metrics:
            value = clean_line(metrics[criterion], VALUE_LENGTH_MAX).replace("|", "/")
            edits.append((start, end, value))
    if next_action is not None and layout.next_action is not None:
        edits.append((*layout.next_action, clean_line(next_action, VALUE_LENGTH_MAX)))
    text = source.text
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[end:]
    return source.encode(text)


def _waiting_for(old: str) -> str:
    """Return the part of a status that names dependencies: it is the only place that does."""
    kept = [part for part in _PARENTHESES.findall(old) if read_dependencies(part)]
    return "".join(f" {part}" for part in kept[:1])


def render_report(  # noqa: PLR0913 - the fields of the form
    batch_id: str,
    *,
    date: str,
    agent: str,
    minutes: int,
    claims: Sequence[TaskClaim],
    files: Sequence[str],
    nonce: str | None,
) -> str:
    """Return a report with all mandatory fields, as `parse_reports` reads it at level STRICT."""
    is_done = all(claim.mark is Mark.OK for claim in claims)
    verdict = "COMPLETED" if is_done else "PARTIAL"
    lines = [
        f"### {batch_id}: {verdict}",
        f"**Date**: {clean_line(date)}",
        f"**Agent**: {clean_line(agent)}",
        f"**ID**: {batch_id}",
        f"**Durée**: {minutes} minutes",
        "**Tâches**:",
        *(
            f"{claim.ordinal}. {_SIGNS.get(claim.mark, '⏳')} {clean_line(claim.title, 120)}"
            + (f": {clean_line(claim.result, 300)}" if claim.result else "")
            for claim in claims
        ),
        "",
        "**Files Created**:",
        *(f"- {clean_line(path, 400)}" for path in files or ("(none)",)),
        "",
        f"**Status**: {'DONE - Prêt pour nouvelle TODO' if is_done else 'PARTIAL'}",
    ]
    if nonce:
        lines.append(f"<!-- orch:run={nonce} -->")
    return "\n".join(lines) + "\n"


def append_block(text: str, block: str) -> str:
    """Return a text with a block of its own at the end."""
    gap = "" if not text else "\n" if text.endswith("\n\n") else "\n\n"
    if text.endswith("\n") and gap == "\n\n":
        gap = "\n"
    return f"{text}{gap}{block.rstrip()}\n"


def write_digests(text: str, section: str, digests: Mapping[str, str]) -> str:
    """Return a central file with one line for each batch under the section's heading.

    A line of ours is known by its batch id in backticks, a form that no report has. A missing
    section is added at the end.
    """
    if not digests:
        return text
    shape = outline(text)
    heading = next(
        (
            index
            for index, block in enumerate(shape.blocks)
            if block.kind is BlockKind.HEADING and fold_text(block.title) == fold_text(section)
        ),
        None,
    )
    if heading is None:
        rows = "".join(f"- `{name}` · {clean_line(said)}\n" for name, said in digests.items())
        return append_block(text, f"## {clean_line(section)}\n\n{rows}")
    first, end = shape.blocks[heading].end, shape.section_end(heading)
    missing = dict(digests)
    lines = list(shape.lines[first:end])
    for position, line in enumerate(lines):
        name = line[3 : line.find("`", 3)] if line.startswith("- `") else ""
        if name in missing:
            lines[position] = f"- `{name}` · {clean_line(missing.pop(name))}"
    if missing:
        last = max((at for at, line in enumerate(lines) if line.startswith("- `")), default=-1)
        if last < 0:
            lines[:0] = [""]
            last = 0
            if len(lines) > 1 and lines[1].strip():
                lines[1:1] = [""]
        lines[last + 1 : last + 1] = [
            f"- `{name}` · {clean_line(said)}" for name, said in missing.items()
        ]
    if tuple(lines) == shape.lines[first:end]:
        return text
    start = shape.spans[first][0] if first < len(shape.spans) else len(text)
    stop = shape.spans[end - 1][1] if end > first else start
    lead = "" if not text[:start] or text[:start].endswith("\n") else "\n"
    tail = text[stop:] or "\n"
    return text[:start] + lead + "\n".join(lines) + tail
