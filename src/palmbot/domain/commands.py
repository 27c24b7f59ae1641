"""What the core asks the shell to do."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from palmbot.domain.orders import Intent
from palmbot.domain.units import TimestampMs


class StoreIntent(Struct, frozen=True, kw_only=True):
    """Put the intent on disk; the answer is `IntentStored`. Nothing is sent yet."""

    intent: Intent


class Send(Struct, frozen=True, kw_only=True):
    """Hand the request to the transport now, in the same step as the decision."""

    intent: Intent


class QueryBooks(Struct, frozen=True, kw_only=True):
    """Read the broker's books; the answer is `BooksReported` or `BooksUnavailable`.

    A newer query replaces one that still waits for its delay.
    """

    generation: int
    since: TimestampMs
    """Start of the window of fills and past orders."""
    delay_s: float
    """Link seconds to wait first."""


class LoadBars(Struct, frozen=True, kw_only=True):
    """Read closed bars from the broker's history; the answer is `BarsLoaded`."""

    generation: int
    period_ms: int
    count: int
    """At least so many if the broker has them."""
    delay_s: float


class Reconnect(Struct, frozen=True, kw_only=True):
    """Drop this connection and open a new one: what it tells cannot be trusted."""

    generation: int
    reason: str


class Severity(StrEnum):
    """How loud an alarm is."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class RaiseAlarm(Struct, frozen=True, kw_only=True):
    """Tell a person."""

    severity: Severity
    text: str


Command: TypeAlias = StoreIntent | Send | QueryBooks | LoadBars | Reconnect | RaiseAlarm
