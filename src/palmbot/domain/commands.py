"""What the core asks the shell to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from palmbot.domain.orders import Intent
from palmbot.domain.units import TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIntent:
    """Put the intent on disk; the answer is `IntentStored`. Nothing is sent yet."""

    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Hand the request to the transport now, in the same step as the decision."""

    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBooks:
    """Read the broker's books; the answer is `BooksReported` or `BooksUnavailable`.

    A newer query replaces one that still waits for its delay.
    """

    generation: int
    since: TimestampMs
    """Start of the window of fills and past orders."""
    delay_s: float
    """Link seconds to wait first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBars:
    """Read closed bars from the broker's history; the answer is `BarsLoaded`."""

    generation: int
    period_ms: int
    count: int
    """At least so many if the broker has them."""
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Drop this connection and open a new one: what it tells cannot be trusted."""

    generation: int
    reason: str


class Severity(StrEnum):
    """How loud an alarm is."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """Tell a person."""

    severity: Severity
    text: str


Command: TypeAlias = StoreIntent | Send | QueryBooks | LoadBars | Reconnect | RaiseAlarm
