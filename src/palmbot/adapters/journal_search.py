"""Finding things in a journal: what became of a request, what was decided when, the last state."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import fields

from palmbot.adapters.journal_codec import decode_params
from palmbot.adapters.journal_reader import Decide, InitialState, restore
from palmbot.adapters.journal_schema import open_for_reading
from palmbot.core.params import EngineParams
from palmbot.core.state import EngineState
from palmbot.domain.orders import Intent, IntentKind, Trade
from palmbot.domain.units import PositionId, TimestampMs

_DECISIONS: Final = (
    "event_type IN ('Tick', 'BarClosed', 'IntentStored', 'OperatorHalted', 'OperatorResumed', "
    "'OperatorAcknowledged', 'StopRequested') AND reason <> ''"
)
_SIGNALS: Final = (
    "event_type IN ('Tick', 'BarClosed', 'IntentStored') AND (reason LIKE '% refused, %' "
    "OR reason LIKE '% not sent, %' OR instr(commands, 'StoreIntent') OR instr(commands, 'Send'))"
)
_MARKET_EVENTS: Final = "('Tick', 'TimePassed')"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStep:
    """One step that has something to say."""

    sequence: int
    market_time: TimestampMs
    """Of the newest price or beat up to it; 0 before the first."""
    event_type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastState:
    """How a bot stood when it wrote its last step."""

    state: EngineState
    params: EngineParams
    recorded_at: TimestampMs
    """Wall clock of the last step."""


class JournalSearch:
    """One consistent look at a journal, also that of a running bot. See `open_search`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def read_params(self) -> EngineParams | None:
        """Return the parameters of the newest run, None if the bot never ran."""
        return _read_params(self._connection)

    def find_intents(self, prefix: str) -> tuple[Intent, ...]:
        """Return the requests whose id begins with `prefix`, oldest first."""
        names = [each.name for each in fields(Intent)]
        rows = self._connection.execute(
            f"SELECT {', '.join(names)} FROM intent "  # noqa: S608 - names of our own fields
            "WHERE substr(intent_id, 1, length(?1)) = ?1 ORDER BY intent_id",
            (prefix,),
        )
        return tuple(
            msgspec.convert(dict(zip(names, row, strict=True)), type=Intent) for row in rows
        )

    def find_trade(self, position_id: PositionId) -> Trade | None:
        """Return what a closed position earned, None if it is open or was never ours."""
        names = [each.name for each in fields(Trade)]
        row = self._connection.execute(
            f"SELECT {', '.join(names)} FROM trade WHERE position_id = ?",  # noqa: S608 - likewise
            (position_id,),
        ).fetchone()
        if row is None:
            return None
        return msgspec.convert(dict(zip(names, row, strict=True)), type=Trade)

    def list_decisions(self, count: int) -> tuple[FoundStep, ...]:
        """Return the last decisions about bars, requests and orders of a person, newest last."""
        return self._list_last(_DECISIONS, count)

    def list_signals(self, count: int) -> tuple[FoundStep, ...]:
        """Return the last decisions to enter or not in spite of a signal, newest last."""
        return self._list_last(_SIGNALS, count)

    def find_bar_decision(self, end: TimestampMs) -> FoundStep | None:
        """Return the first decision about a bar at or after the end of one."""
        row = self._connection.execute(
            "SELECT sequence, event_type, reason FROM step WHERE event_type IN ('Tick', "
            "'BarClosed') AND reason <> '' AND "
            "coalesce(json_extract(event, '$.time'), json_extract(event, '$.bar.open_time')) >= ? "
            "ORDER BY sequence LIMIT 1",
            (end,),
        ).fetchone()
        return None if row is None else self._complete(*row)

    def count_prices(self, start: TimestampMs, end: TimestampMs) -> int:
        """Count the prices whose stamp lies in [start, end)."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM step WHERE event_type = 'Tick' "
            "AND json_extract(event, '$.time') >= ? AND json_extract(event, '$.time') < ?",
            (start, end),
        ).fetchone()
        return int(count)

    def list_story(self, intent: Intent) -> tuple[FoundStep, ...]:
        """Return every step that tells of a request, and of the position an entry opened."""
        names = [re.escape(intent.intent_id)]
        if intent.kind is IntentKind.ENTRY and intent.position_id is not None:
            names.append(rf'"position_id":{intent.position_id}[,}}]')
            names.append(rf"position[: ]{intent.position_id}\b")
        is_about = re.compile("|".join(names))
        compared = {
            row[0]
            for row in self._connection.execute(
                "SELECT sequence FROM discrepancy WHERE item IN (?, ?)",
                (intent.intent_id, f"position:{intent.position_id}"),
            )
        }
        story = []
        for sequence, event_type, event, commands, reason in self._connection.execute(
            "SELECT sequence, event_type, event, commands, reason FROM step "
            "WHERE event_type NOT IN ('Tick', 'TimePassed') OR commands <> ''"
        ):
            # A reading repeats everything there is; only what it changed belongs here.
            text = reason + commands + ("" if event_type == "BooksReported" else event)
            if reason and (sequence in compared or is_about.search(text)):
                story.append(self._complete(sequence, event_type, reason))
        return tuple(story)

    def _list_last(self, condition: str, count: int) -> tuple[FoundStep, ...]:
        rows = self._connection.execute(
            f"SELECT sequence, event_type, reason FROM step WHERE {condition} "  # noqa: S608 - ours
            "ORDER BY sequence DESC LIMIT ?",
            (count,),
        ).fetchall()
        return tuple(self._complete(*row) for row in reversed(rows))

    def _complete(self, sequence: int, event_type: str, reason: str) -> FoundStep:
        row = self._connection.execute(
            "SELECT json_extract(event, '$.time') FROM step WHERE sequence <= ? "  # noqa: S608
            f"AND event_type IN {_MARKET_EVENTS} ORDER BY sequence DESC LIMIT 1",
            (sequence,),
        ).fetchone()
        return FoundStep(
            sequence=sequence,
            market_time=TimestampMs(0 if row is None else row[0]),
            event_type=event_type,
            reason=reason,
        )


@contextmanager
def open_search(path: Path) -> Iterator[JournalSearch]:
    """Open a journal for one consistent look.

    Raises:
        InputInvalid: there is no journal at `path`.
    """
    with closing(open_for_reading(path)) as connection:
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute("BEGIN")
        yield JournalSearch(connection)


def read_last_state(path: Path, *, decide: Decide, initial_state: InitialState) -> LastState | None:
    """Return how a bot stood when it wrote its last step, None if it wrote none.

    Raises:
        InputInvalid: there is no journal at `path`.
        JournalDamaged: this version decides otherwise than the one that wrote the steps.
    """
    with closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        params = _read_params(connection)
        row = connection.execute(
            "SELECT recorded_at FROM step ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        state = restore(connection, decide=decide, initial_state=initial_state)
    if params is None or row is None or state is None:
        return None
    return LastState(state=state, params=params, recorded_at=TimestampMs(row[0]))


def _read_params(connection: sqlite3.Connection) -> EngineParams | None:
    row = connection.execute(
        "SELECT CAST(params AS BLOB) FROM run ORDER BY after_sequence DESC, rowid DESC LIMIT 1"
    ).fetchone()
    return None if row is None else decode_params(row[0])
