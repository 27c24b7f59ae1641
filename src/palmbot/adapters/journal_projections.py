"""Tables that say how things stand, written in the transaction of the steps that changed them.

They repeat what the steps say, for people and for the keys that SQLite itself enforces: one
entry for a bar, one entry in flight, one trade for a position. Decisions never read them.
"""

import sqlite3
from operator import attrgetter
from typing import Final

import msgspec
from msgspec.structs import fields

from palmbot.core.breakers.book import BreakerChange, BreakerRecord
from palmbot.core.state import ClosedPosition, Decision, OpenPosition
from palmbot.domain.orders import IN_FLIGHT, Intent, Trade


def _names(kind: type[Intent | Trade | BreakerChange]) -> tuple[str, ...]:
    """Return the fields of a record, which are its columns too."""
    return tuple(each.name for each in fields(kind))


def _insert(table: str, columns: tuple[str, ...]) -> str:
    """Return an INSERT of these columns and of the step's sequence."""
    marks = ", ".join("?" * (len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}, sequence) VALUES ({marks})"  # noqa: S608


def _update(columns: tuple[str, ...]) -> str:
    """Return what an upsert overwrites."""
    return ", ".join(f"{name} = excluded.{name}" for name in (*columns, "sequence"))


_INTENT: Final = _names(Intent)
_TRADE: Final = _names(Trade)
_BREAKER_CHANGE: Final = _names(BreakerChange)
_BREAKER: Final = (
    "name",
    "phase",
    "tripped_at",
    "hold_until",
    "trips",
    "reason",
    "probe",
    "reset_by",
    "reset_at",
    "epoch",
)
_DISCREPANCY: Final = ("kind", "item", "detail", "action")
_OPEN: Final = (
    "position_id",
    "intent_id",
    "side",
    "volume",
    "entry_price",
    "stop_loss",
    "take_profit",
    "opened_at",
)
_CLOSED: Final = ("position_id", "intent_id", "volume", "closed_at", "close_reason")

_read_intent: Final = attrgetter(*_INTENT)
_read_trade: Final = attrgetter(*_TRADE)
_read_discrepancy: Final = attrgetter(*_DISCREPANCY)
_read_change: Final = attrgetter(*_BREAKER_CHANGE)
_read_open: Final = attrgetter(*_OPEN)

_PUT_INTENT: Final = (
    f"{_insert('intent', _INTENT)} ON CONFLICT (intent_id) DO UPDATE SET {_update(_INTENT)}"
)
_PUT_OPEN: Final = (
    f"{_insert('position', _OPEN)} ON CONFLICT (position_id) DO UPDATE SET {_update(_OPEN)}"
)
_PUT_CLOSED: Final = (
    f"{_insert('position', _CLOSED)} ON CONFLICT (position_id) DO UPDATE SET {_update(_CLOSED)}"
)
_PUT_BREAKER: Final = (
    f"{_insert('breaker', _BREAKER)} ON CONFLICT (name) DO UPDATE SET {_update(_BREAKER)}"
)
_ADD_BREAKER_CHANGE: Final = _insert("breaker_event", _BREAKER_CHANGE)
_ADD_TRADE: Final = _insert("trade", _TRADE)
_ADD_DISCREPANCY: Final = _insert("discrepancy", _DISCREPANCY)


def has_changes(decision: Decision) -> bool:
    """Tell whether a decision touches any of these tables."""
    return bool(
        decision.changed_intents
        or decision.changed_positions
        or decision.closed_trades
        or decision.discrepancies
        or decision.changed_breakers
        or decision.breaker_changes
    )


def write_changes(connection: sqlite3.Connection, decision: Decision) -> None:
    """Write what one decision changed, inside the transaction that holds its step.

    Raises:
        sqlite3.IntegrityError: the decision breaks one of the keys.
    """
    sequence = decision.state.sequence
    # What ends goes first: it makes room for what begins in the same step.
    for intent in sorted(decision.changed_intents, key=lambda each: each.state in IN_FLIGHT):
        connection.execute(_PUT_INTENT, (*_read_intent(intent), sequence))
    for position in decision.changed_positions:
        match position:
            case OpenPosition():
                connection.execute(_PUT_OPEN, (*_read_open(position), sequence))
            case ClosedPosition():
                connection.execute(
                    _PUT_CLOSED,
                    (
                        position.position_id,
                        position.intent_id,
                        0,
                        position.closed_at,
                        position.reason,
                        sequence,
                    ),
                )
    for trade in decision.closed_trades:
        connection.execute(_ADD_TRADE, (*_read_trade(trade), sequence))
    for discrepancy in decision.discrepancies:
        connection.execute(_ADD_DISCREPANCY, (*_read_discrepancy(discrepancy), sequence))
    for record in decision.changed_breakers:
        epoch = decision.state.switch.epoch
        connection.execute(_PUT_BREAKER, (*_read_breaker(record), epoch, sequence))
    for change in decision.breaker_changes:
        connection.execute(_ADD_BREAKER_CHANGE, (*_read_change(change), sequence))


def _read_breaker(record: BreakerRecord) -> tuple[object, ...]:
    return (
        record.name,
        record.phase,
        record.tripped_at,
        record.hold_until,
        msgspec.json.encode(record.trips).decode(),
        record.reason,
        record.probe,
        record.reset_by,
        record.reset_at,
    )
