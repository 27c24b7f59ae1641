"""What a session document asks for: batches of tasks, and what surrounds them.

Lines count from 1 and refer to the document as it stands on disk.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NewType

BatchId = NewType("BatchId", str)
"""As written in the document, for example `TODO-BATCH-001`."""


class Priority(IntEnum):
    """Lower goes first. CRITIQUE, HAUTE, MOYENNE, BASSE in French."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class StatedStatus(StrEnum):
    """What the document says of a batch. For people: the event log is the state."""

    READY = "ready"
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One numbered line of a batch; matched with reports by its ordinal, never by its title."""

    ordinal: int
    title: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    """One line under "Livrable attendu": the file names in it, without the prose around them."""

    names: tuple[str, ...]
    """File names or relative paths; empty if the line names none ("Section dans CLAUDE.md")."""
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A group of tasks handed to one agent at once; all sections of the same id merged."""

    id: BatchId
    label: str
    """What stands in parentheses behind the id."""
    line: int
    agents: tuple[str, ...]
    priority: Priority
    tasks: tuple[Task, ...]
    prompt: str
    mentions: tuple[str, ...]
    """Agents and skills named with `@` in the prompt, in order, without duplicates."""
    deliverables: tuple[Deliverable, ...]
    deadline_s: int | None
    depends_on: tuple[BatchId, ...]
    stated_status: StatedStatus
    extra: tuple[tuple[str, str], ...]
    """Labelled fields that no rule knows, kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateItem:
    """A numbered line of "current state": a blocker, a priority, an optimisation."""

    ordinal: int
    title: str
    detail: str
    section: str
    is_blocker: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A row of the success table. `status` is what the document claims, not what is measured."""

    criterion: str
    target: str
    status: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEntry:
    """An agent that the document says is available."""

    name: str
    description: str
    line: int


class Severity(StrEnum):
    """ERROR: `run` refuses or blocks. WARNING: it runs. NOTE: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something lint or a reader has to say about one line."""

    code: str
    """In capitals, stable, for example `BLOCKER_UNCOVERED`."""
    severity: Severity
    line: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything read from one session document."""

    batches: tuple[Batch, ...]
    """In document order."""
    completed: tuple[str, ...]
    """Ids that the document lists as done before, ranges expanded. Not believed, only known."""
    state_items: tuple[StateItem, ...]
    metrics: tuple[Metric, ...]
    library: tuple[LibraryEntry, ...]
    library_path: str | None
    central_file: str
    central_section: str | None
    mode: str
    next_action: str
    language: str
    """`fr` or `en`: the language in which statuses are written back."""
    findings: tuple[Finding, ...]
    """What was noticed while reading; lint adds more."""
