"""Session documents: batches, blockers, metrics, library; and where the owned spans stand.

Tolerant: any text gives a session, perhaps an empty one with findings. Strictness is lint's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from orchestrator.document.outlines import Block, BlockKind, Field, Outline, outline
from orchestrator.document.sources import SourceText
from orchestrator.document.vocabulary import (
    BULLET,
    FRENCH_LABELS,
    ID,
    ID_PATTERN,
    ITEM,
    MENTION,
    clean_line,
    expand_ids,
    fold_text,
    read_dependencies,
    read_duration_s,
    read_priority,
    read_status,
    split_mark,
    split_names,
)
from orchestrator.domain.batches import (
    Batch,
    BatchId,
    Deliverable,
    Finding,
    LibraryEntry,
    Metric,
    Priority,
    Session,
    Severity,
    StatedStatus,
    StateItem,
    Task,
)
from orchestrator.domain.paths import is_unsafe_path

CENTRAL_FILE: Final = "CLAUDE.md"
HEADING_LEVELS: Final = (2, 3, 4)
_BATCH_HEADING: Final = re.compile(rf"^({ID_PATTERN})\s*(?:\((.*)\))?\s*$")
_NAME: Final = re.compile(r"[\w./-]*\w\.\w{1,8}(?![\w/])|\.env\.example")
_PATH_IN_TICKS: Final = re.compile(r"`([^`\n]*/[^`\n]*)`")
_LIBRARY_ITEM: Final = re.compile(r"^\s*[-*+]\s+\*\*([a-z][a-z0-9-]*)\*\*\s*:?\s*(.*)$")
_STATE_TITLE: Final = re.compile(r"^\*\*(.+?)\*\*\s*(?:[-\u2013\u2014:]\s*)?(.*)$")
_SECTION: Final = re.compile(r"section\s+[\"“«]?\s*([^\"”»)]+)", re.IGNORECASE)
_CURRENT_STATE: Final = frozenset({"etat actuel", "current state"})
_CELL: Final = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A session and the spans of its text that are ours to rewrite."""

    session: Session
    statuses: tuple[tuple[str, int, int], ...]
    """Batch id, start and end of the value of its live status."""
    metrics: tuple[tuple[str, int, int], ...]
    """Criterion, start and end of its status cell without the padding."""
    next_action: tuple[int, int] | None


@dataclass(slots=True)
class _Draft:
    """Collects what the sections of a document say, in any order."""

    batches: list[Batch] = field(default_factory=list)
    live: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    live_lines: dict[str, int] = field(default_factory=dict)
    statuses: list[tuple[str, int, int]] = field(default_factory=list)
    items: list[StateItem] = field(default_factory=list)
    completed: tuple[str, ...] = ()
    metrics: list[Metric] = field(default_factory=list)
    metric_spans: list[tuple[str, int, int]] = field(default_factory=list)
    library: list[LibraryEntry] = field(default_factory=list)
    library_path: str | None = None
    findings: list[Finding] = field(default_factory=list)


def parse_session(source: SourceText) -> Session:
    """Return what a document asks for. Never raises on text."""
    return read_layout(source).session


def read_layout(source: SourceText) -> Layout:
    """Return what a document asks for and where its owned spans stand."""
    shape = outline(source.text)
    draft = _Draft()
    section = ""
    for index, block in enumerate(shape.blocks):
        if block.kind is not BlockKind.HEADING:
            continue
        if block.level == HEADING_LEVELS[0]:
            section = fold_text(block.title)
        _read_section(draft, shape, index, block, section)
    _note_unclosed_fences(draft, shape)
    if source.is_mojibake:
        draft.findings.append(
            Finding(
                code="ENCODING_MOJIBAKE",
                severity=Severity.WARNING,
                line=1,
                message="the file is UTF-8 that was read as Mac Roman and saved again; it is read "
                "repaired, and written back as it is",
                remedy="orchestrate lint --repair OUT writes a clean copy",
            )
        )
    return _finish(draft, shape)


def _read_section(draft: _Draft, shape: Outline, index: int, block: Block, section: str) -> None:
    """Read what lies under one heading, if it is of a kind we know."""
    first, end = block.end, shape.section_end(index)
    heading = _BATCH_HEADING.match(block.title.strip())
    if heading and block.level in HEADING_LEVELS:
        fields = shape.fields(first, end)
        if "status live" in section or "live status" in section:
            _read_live_status(draft, heading[1], block, fields)
        elif any(each.name in {"tasks", "agents", "prompt"} for each in fields):
            _add_batch(draft, _read_batch(heading, block, fields))
    elif "metriques de succes" in section or "success metrics" in section:
        if block.level == HEADING_LEVELS[0]:
            _read_metrics(draft, shape, first, end)
    elif "agents library" in section:
        _read_library(draft, shape, first, end)
    elif block.level > HEADING_LEVELS[0] and _CURRENT_STATE & {section}:
        _read_state(draft, shape, first, end, fold_text(block.title))


def _read_batch(heading: re.Match[str], block: Block, fields: tuple[Field, ...]) -> Batch:
    """Return the batch that one defining section describes."""
    named = _by_name(fields)
    prompt = next((each.fence for each in fields if each.name == "prompt" and each.fence), "")
    agents = named.get("agents")
    priority = named.get("priority")
    urgency = read_priority(priority.value) if priority else None
    deadline = named.get("deadline")
    status = named.get("status")
    depends = named.get("depends_on")
    waits = read_dependencies(status.value) if status else ()
    return Batch(
        id=BatchId(heading[1]),
        label=(heading[2] or "").strip(),
        line=block.first + 1,
        agents=split_names(agents.value) if agents else (),
        priority=Priority.MEDIUM if urgency is None else urgency,
        tasks=_read_tasks(named.get("tasks")),
        prompt=prompt,
        mentions=tuple(dict.fromkeys(MENTION.findall(prompt))),
        deliverables=_read_deliverables(named.get("deliverables")),
        deadline_s=read_duration_s(deadline.value) if deadline else None,
        depends_on=tuple(
            BatchId(each) for each in (*(ID.findall(depends.value) if depends else ()), *waits)
        ),
        stated_status=read_status(status.value) if status else StatedStatus.UNKNOWN,
        extra=tuple((each.label, each.value) for each in fields if not each.name),
    )


def _by_name(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Return the first field of each known name."""
    named: dict[str, Field] = {}
    for each in fields:
        if each.name:
            named.setdefault(each.name, each)
    return named


def _read_tasks(listed: Field | None) -> tuple[Task, ...]:
    """Return the numbered lines below a label, with the numbers as written."""
    if listed is None:
        return ()
    numbered = [
        Task(ordinal=int(match[1]), title=split_mark(match[2])[1], line=line + 1)
        for line, text in listed.body
        if (match := ITEM.match(text))
    ]
    if numbered:
        return tuple(numbered)
    bullets = [(line, match[1]) for line, text in listed.body if (match := BULLET.match(text))]
    return tuple(
        Task(ordinal=ordinal, title=split_mark(text)[1], line=line + 1)
        for ordinal, (line, text) in enumerate(bullets, start=1)
    )


def _read_deliverables(listed: Field | None) -> tuple[Deliverable, ...]:
    """Return the lines below a label with the file names in them, prose left out."""
    if listed is None:
        return ()
    found: list[Deliverable] = []
    for line, text in listed.body:
        match = BULLET.match(text) or ITEM.match(text)
        if not match:
            continue
        said = match[match.lastindex or 1]
        bare = re.sub(r"\([^)]*\)", "", said)
        names = tuple(
            name
            for part in bare.split(" + ")
            if not fold_text(part).startswith("section ")
            for name in _NAME.findall(part)
        )
        found.append(Deliverable(names=names, text=said.strip(), line=line + 1))
    return tuple(found)


def _add_batch(draft: _Draft, batch: Batch) -> None:
    """Add a batch, or merge it with an equal one of the same id."""
    twin = next((each for each in draft.batches if each.id == batch.id), None)
    if twin is None:
        draft.batches.append(batch)
        return
    if _content(twin) == _content(batch):
        draft.findings.append(
            Finding(
                code="BATCH_REPEATED",
                severity=Severity.WARNING,
                line=batch.line,
                message=f"{batch.id} stands twice with the same content, first in line {twin.line}",
                remedy="remove one of the two",
            )
        )
        return
    draft.findings.append(
        Finding(
            code="BATCH_DUPLICATE",
            severity=Severity.ERROR,
            line=batch.line,
            message=f"{batch.id} stands in lines {twin.line} and {batch.line} with different "
            "content",
            remedy="give one of the two another id",
        )
    )


def _content(batch: Batch) -> tuple[object, ...]:
    """Return what makes two sections of one id the same batch."""
    return (
        batch.agents,
        batch.priority,
        tuple((task.ordinal, task.title) for task in batch.tasks),
        batch.prompt,
        tuple(each.text for each in batch.deliverables),
    )


def _read_live_status(draft: _Draft, name: str, block: Block, fields: tuple[Field, ...]) -> None:
    """Remember the live status of a batch and where its value stands."""
    if name in draft.live:
        return
    draft.live[name] = fields
    draft.live_lines[name] = block.first + 1
    status = next((each for each in fields if each.name == "status"), None)
    if status is not None:
        draft.statuses.append((name, *status.value_span))


def _read_metrics(draft: _Draft, shape: Outline, first: int, end: int) -> None:
    """Read the rows of the first table with at least three columns."""
    table = next(
        (
            block
            for block in shape.blocks
            if block.kind is BlockKind.TABLE and first <= block.first < end
        ),
        None,
    )
    if table is None:
        return
    for line in range(table.first + 2, table.end):
        cells = _split_row(shape.lines[line])
        if len(cells) < 3:  # noqa: PLR2004 - criterion, target, status
            continue
        criterion, target, (start, stop, status) = cells[0][2], cells[1][2], cells[2]
        offset = shape.spans[line][0]
        draft.metrics.append(
            Metric(criterion=criterion, target=target, status=status, line=line + 1)
        )
        draft.metric_spans.append((criterion, offset + start, offset + stop))


def _split_row(line: str) -> tuple[tuple[int, int, str], ...]:
    """Return the cells of a table row: start, end and text without the padding."""
    edges = [match.start() for match in _CELL.finditer(line)]
    if not line.lstrip().startswith("|"):
        edges.insert(0, -1)
    if not line.rstrip().endswith("|") or len(edges) < 2:  # noqa: PLR2004
        edges.append(len(line))
    cells: list[tuple[int, int, str]] = []
    for left, right in pairwise(edges):
        raw = line[left + 1 : right]
        text = raw.strip()
        start = left + 1 + (len(raw) - len(raw.lstrip()) if text else min(1, len(raw)))
        cells.append((start, start + len(text), text))
    return tuple(cells)


def _read_library(draft: _Draft, shape: Outline, first: int, end: int) -> None:
    """Read the agents that the document says are available, and where."""
    for line in range(first, end):
        if line in shape.opaque:
            continue
        if match := _LIBRARY_ITEM.match(shape.lines[line]):
            draft.library.append(
                LibraryEntry(name=match[1], description=match[2].strip(), line=line + 1)
            )
        elif match := _PATH_IN_TICKS.search(shape.lines[line]):
            draft.library_path = match[1]


def _read_state(draft: _Draft, shape: Outline, first: int, end: int, title: str) -> None:
    """Read the numbered items of one part of the current state."""
    if any(word in title for word in ("deja complete", "already", "completed")):
        text = "\n".join(shape.lines[line] for line in range(first, end))
        draft.completed += tuple(each for each in expand_ids(text) if each not in draft.completed)
        return
    is_blocker = any(word in title for word in ("bloquant", "blocking", "blocker"))
    for line in range(first, end):
        match = None if line in shape.opaque else ITEM.match(shape.lines[line])
        if match is None:
            continue
        named = _STATE_TITLE.match(match[2])
        draft.items.append(
            StateItem(
                ordinal=int(match[1]),
                title=named[1] if named else match[2],
                detail=named[2].strip() if named else "",
                section=title,
                is_blocker=is_blocker,
                line=line + 1,
            )
        )


def _note_unclosed_fences(draft: _Draft, shape: Outline) -> None:
    """Say where a fence swallows the rest of the document."""
    for block in shape.blocks:
        if block.kind is BlockKind.FENCE and not block.is_closed:
            draft.findings.append(
                Finding(
                    code="FENCE_UNCLOSED",
                    severity=Severity.ERROR,
                    line=block.first + 1,
                    message=f"the fence opened in line {block.first + 1} is never closed, so "
                    "everything below it is quoted text",
                    remedy="add a line with the same three marks where the quotation ends",
                )
            )


def _finish(draft: _Draft, shape: Outline) -> Layout:
    """Merge definitions with live statuses and read what belongs to the whole document."""
    known = tuple(batch.id for batch in draft.batches)
    merged = tuple(_merge(draft, batch, known) for batch in draft.batches)
    for name, line in draft.live_lines.items():
        if name not in known:
            draft.findings.append(
                Finding(
                    code="STATUS_UNKNOWN_BATCH",
                    severity=Severity.WARNING,
                    line=line,
                    message=f"a status is kept for {name}, which no section defines",
                    remedy="remove it, or define the batch",
                )
            )
    everywhere = tuple(_loose_fields(shape))
    named = _by_name(everywhere)
    central = named.get("central_file")
    central_path = _read_central_path(draft, central)
    central_section = _SECTION.search(central.value) if central else None
    action = named.get("next_action")
    mode = named.get("mode")
    is_french = any(fold_text(each.label) in FRENCH_LABELS for each in everywhere)
    return Layout(
        session=Session(
            batches=merged,
            completed=draft.completed,
            state_items=tuple(draft.items),
            metrics=tuple(draft.metrics),
            library=tuple(draft.library),
            library_path=draft.library_path,
            central_file=central_path,
            central_section=central_section[1].strip() if central_section else None,
            mode=mode.value if mode else "",
            next_action=action.value if action else "",
            language="fr" if is_french else "en",
            findings=tuple(draft.findings),
        ),
        statuses=tuple(draft.statuses),
        metrics=tuple(draft.metric_spans),
        next_action=action.value_span if action else None,
    )


def _read_central_path(draft: _Draft, central: Field | None) -> str:
    """Return the central file that the protocol names, if it is one inside the project."""
    named = _NAME.search(central.value) if central else None
    if central is None or named is None:
        return CENTRAL_FILE
    # Ours is the file that is written into: a document that somebody sent must not choose another.
    value = clean_line(central.value, 80)
    if is_unsafe_path(named[0]) or f"/{named[0]}" in value or f"..{named[0]}" in value:
        draft.findings.append(
            Finding(
                code="CENTRAL_FILE_OUTSIDE",
                severity=Severity.ERROR,
                line=central.line + 1,
                message=f"the central file {value} is not inside the project",
                remedy=f"name a file in it, for example {CENTRAL_FILE}",
            )
        )
        return CENTRAL_FILE
    return named[0]


def _loose_fields(shape: Outline) -> Iterator[Field]:
    """Return every field of the document, wherever it stands."""
    yield from shape.fields(0, len(shape.lines))


def _merge(draft: _Draft, batch: Batch, known: tuple[BatchId, ...]) -> Batch:
    """Add to a definition what only its live status says: deadline, dependencies, agents."""
    live = _by_name(draft.live.get(batch.id, ()))
    status, deadline, agents = live.get("status"), live.get("deadline"), live.get("agents")
    names = (*batch.depends_on, *(read_dependencies(status.value) if status else ()))
    depends_on = tuple(dict.fromkeys(resolve_id(name, known) for name in names))
    return replace(
        batch,
        depends_on=depends_on,
        deadline_s=batch.deadline_s or (read_duration_s(deadline.value) if deadline else None),
        agents=batch.agents or (split_names(agents.value) if agents else ()),
        stated_status=read_status(status.value) if status else batch.stated_status,
    )


def resolve_id(name: str, known: tuple[BatchId, ...]) -> BatchId:
    """Return the only known id that ends in a shortened one; the name itself if none does."""
    if name in known:
        return BatchId(name)
    fitting = [each for each in known if each.endswith(f"-{name}")]
    return fitting[0] if len(fitting) == 1 else BatchId(name)
