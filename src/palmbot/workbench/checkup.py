"""What `palmbot doctor` finds: one row for each thing that has to be right before the bot trades.

A check never raises: what cannot be looked at is a finding too.
"""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How serious a finding is."""

    OK = "OK"
    WARN = "WARN"
    """The bot runs, and a person should mend this."""
    FAIL = "FAIL"
    """The bot would not start, or should not."""
    SKIP = "SKIP"
    """Not looked at: the finding says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row."""

    name: str
    grade: Grade
    found: str
    mend: str = ""
    """What to do; empty if there is nothing to do."""


def ok(name: str, found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(name=name, grade=Grade.OK, found=found)


def warn(name: str, found: str, mend: str) -> Finding:
    """Return a finding that should be mended."""
    return Finding(name=name, grade=Grade.WARN, found=found, mend=mend)


def fail(name: str, found: str, mend: str) -> Finding:
    """Return a finding that has to be mended."""
    return Finding(name=name, grade=Grade.FAIL, found=found, mend=mend)


def fail_by(name: str, error: Exception) -> Finding:
    """Return the finding that an error is; its sentence ends with what to do."""
    found, _, mend = str(error).rpartition(": ") if ": " in str(error) else (str(error), "", "")
    return Finding(name=name, grade=Grade.FAIL, found=found, mend=mend)


def skip(name: str, found: str) -> Finding:
    """Return a finding that nobody looked at."""
    return Finding(name=name, grade=Grade.SKIP, found=found)
