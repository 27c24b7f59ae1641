"""The words of session documents in French and English, and how they are compared."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from orchestrator.domain.batches import Priority, StatedStatus
from orchestrator.domain.claims import Mark, ReportVerdict

ID_PATTERN: Final = r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d{1,4}[a-z]?"
TEMPLATE_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-(?:XXX|\(XXX\+1\))")
ID: Final = re.compile(rf"(?<![A-Za-z0-9-]){ID_PATTERN}(?![A-Za-z0-9-])")
LABEL: Final = re.compile(r"^\s*\*\*([^*\n]{1,60}?)\s*:?\*\*\s*:?\s*(.*)$")
ITEM: Final = re.compile(r"^\s*(\d{1,3})[.)]\s+(\S.*)$")
BULLET: Final = re.compile(r"^\s*[-*+]\s+(\S.*)$")
MENTION: Final = re.compile(r"(?<![\w@])@(?:agents_library/)?([a-z][a-z0-9-]{1,63})(?:\.md)?\b")

_FIELDS: Final = {
    "tasks": ("taches", "tasks"),
    "priority": ("priorite", "priority"),
    "duration": ("duree", "duration"),
    "agents": ("agent", "agents", "agent assigne", "agents assignes", "assigned agent"),
    "deliverables": (
        "livrable attendu",
        "livrables attendus",
        "livrables",
        "deliverable",
        "deliverables",
        "expected deliverables",
    ),
    "files_created": ("files created", "fichiers crees"),
    "files_modified": ("files modified", "fichiers modifies"),
    "status": ("statut", "status"),
    "deadline": ("deadline", "echeance"),
    "prompt": ("prompt engineering", "prompt"),
    "central_file": ("fichier central", "central file"),
    "depends_on": ("depend de", "dependances", "depends on", "dependencies"),
    "date": ("date",),
    "id": ("id",),
    "mode": ("mode",),
    "orchestrator": ("orchestrator", "orchestrateur"),
    "next_action": ("next action", "prochaine action"),
}
FIELD_OF_LABEL: Final = {label: field for field, labels in _FIELDS.items() for label in labels}
FRENCH_LABELS: Final = frozenset(
    {
        "taches",
        "priorite",
        "duree",
        "agent assigne",
        "livrable attendu",
        "livrables attendus",
        "statut",
        "echeance",
        "fichier central",
        "depend de",
        "prochaine action",
        "fichiers crees",
    }
)

_PRIORITIES: Final = {
    "critique": Priority.CRITICAL,
    "critical": Priority.CRITICAL,
    "urgent": Priority.CRITICAL,
    "urgente": Priority.CRITICAL,
    "haute": Priority.HIGH,
    "high": Priority.HIGH,
    "moyenne": Priority.MEDIUM,
    "medium": Priority.MEDIUM,
    "basse": Priority.LOW,
    "low": Priority.LOW,
}
_STATUSES: Final = (
    (("a demarrer", "to start", "ready", "pret"), StatedStatus.READY),
    (("en attente", "pending", "waiting"), StatedStatus.PENDING),
    (("en cours", "running", "in progress"), StatedStatus.RUNNING),
    (("termine", "done", "completed", "complete"), StatedStatus.DONE),
)
_VERDICTS: Final = {
    "completed": ReportVerdict.COMPLETED,
    "done": ReportVerdict.COMPLETED,
    "termine": ReportVerdict.COMPLETED,
    "terminee": ReportVerdict.COMPLETED,
    "partial": ReportVerdict.PARTIAL,
    "partiel": ReportVerdict.PARTIAL,
    "failed": ReportVerdict.FAILED,
    "echec": ReportVerdict.FAILED,
    "blocked": ReportVerdict.BLOCKED,
    "bloque": ReportVerdict.BLOCKED,
    "bloquee": ReportVerdict.BLOCKED,
}
_MARKS: Final = (
    ("✅", Mark.OK),
    ("☑", Mark.OK),
    ("✔", Mark.OK),
    ("[x]", Mark.OK),
    ("[X]", Mark.OK),
    ("❌", Mark.FAIL),
    ("✗", Mark.FAIL),
    ("✖", Mark.FAIL),
    ("⚠", Mark.WARN),
    ("⏳", Mark.PENDING),
    ("🔄", Mark.RUNNING),
    ("[ ]", Mark.PENDING),
)
_DEPENDENCY: Final = re.compile(
    r"(?:apr[eè]s|after|d[ée]pend\s+de|depends\s+on|blocked\s+by|bloqu[ée]e?\s+par)\s+([^).;\n]+)",
    re.IGNORECASE,
)
_HOURS: Final = re.compile(r"(\d{1,4})\s*(?:h|heures?|hours?)\s*(\d{1,2})?(?![a-z])", re.IGNORECASE)
_MINUTES: Final = re.compile(r"(\d{1,6})\s*(?:m|min|mins|minutes?)\b", re.IGNORECASE)
_DAYS: Final = re.compile(r"(\d{1,3})\s*(?:j|jours?|d|days?)\b", re.IGNORECASE)
_RANGE: Final = re.compile(rf"({ID_PATTERN})\s*(?:à|a|to|-|\u2013|\.\.\.?)\s*({ID_PATTERN})")
RANGE_LENGTH_MAX: Final = 1_000  # a document lists tens; more is a slip in a number


@lru_cache(maxsize=4_096)  # labels and headings come again and again
def fold_text(text: str) -> str:
    """Return text without case, accents, emoji and punctuation, single-spaced."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (
        character if character.isascii() and character.isalnum() else " "
        for character in decomposed
        if not unicodedata.combining(character)
    )
    return " ".join("".join(kept).lower().split())


def read_priority(text: str) -> Priority | None:
    """Return the first priority named in a text."""
    return next(
        (_PRIORITIES[word] for word in fold_text(text).split() if word in _PRIORITIES), None
    )


def read_status(text: str) -> StatedStatus:
    """Return the status a text states; UNKNOWN if it states none."""
    folded = f" {fold_text(text)} "
    for words, status in _STATUSES:
        if any(f" {word} " in folded for word in words):
            return status
    return StatedStatus.UNKNOWN


def read_verdict(word: str) -> ReportVerdict | None:
    """Return the verdict a word stands for."""
    return _VERDICTS.get(fold_text(word))


def read_duration_s(text: str) -> int | None:
    """Return a duration in seconds: `60 minutes`, `25m`, `1h30`, `2 heures`, `1 jour`."""
    if days := _DAYS.search(text):
        return int(days[1]) * 86_400
    if hours := _HOURS.search(text):
        return int(hours[1]) * 3_600 + int(hours[2] or 0) * 60
    if minutes := _MINUTES.search(text):
        return int(minutes[1]) * 60
    return None


def split_mark(text: str) -> tuple[Mark, str]:
    """Take the sign off the front of an item; NONE if there is none."""
    stripped = text.lstrip()
    for sign, mark in _MARKS:
        if stripped.startswith(sign):
            return mark, stripped[len(sign) :].lstrip("\ufe0f ").strip()
    return Mark.NONE, stripped.strip()


def read_dependencies(text: str) -> tuple[str, ...]:
    """Return the ids, perhaps shortened, that a status says it waits for."""
    return tuple(name for said in _DEPENDENCY.finditer(text) for name in ID.findall(said[1]))


def expand_ids(text: str) -> tuple[str, ...]:
    """Return the ids in a text, `TASK-PO-001 à TASK-PO-008` written out."""
    found: list[str] = []
    for first, last in _RANGE.findall(text):
        head, _, low = first.rpartition("-")
        last_head, _, high = last.rpartition("-")
        if head == last_head and low.isdecimal() and high.isdecimal():
            span = range(int(low), min(int(high), int(low) + RANGE_LENGTH_MAX) + 1)
            found += [f"{head}-{number:0{len(low)}d}" for number in span]
    found += ID.findall(text)
    return tuple(dict.fromkeys(found))


def split_names(text: str) -> tuple[str, ...]:
    """Return the agents named in a field: `backend-architect + apex-workflow`."""
    parts = re.split(r"\s*(?:\+|,|&|/|\bet\b|\band\b)\s*", re.sub(r"\([^)]*\)", "", text))
    return tuple(dict.fromkeys(name for part in parts if (name := part.strip(" `@*_."))))


def clean_line(text: str, length_max: int = 200) -> str:
    """Return one line fit to be shown: no control or invisible characters, cut to a length."""
    shown = text
    if not text.isprintable():  # the usual text is, and needs no look at each character
        shown = "".join(
            character
            for character in text.replace("\t", " ")
            if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        )
    return shown if len(shown) <= length_max else shown[: length_max - 1] + "…"
