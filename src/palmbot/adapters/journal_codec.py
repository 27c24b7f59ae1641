"""Rows of the journal as bytes: events, commands and states in JSON, chained by SHA-256.

JSON and not a binary form, because a person has to be able to read what the bot did with
nothing but the sqlite3 program.
"""

import hashlib
from typing import Final, NamedTuple, get_args

import msgspec

from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.domain.commands import Command
from palmbot.domain.errors import JournalDamaged
from palmbot.domain.events import Event

GENESIS_HASH: Final = bytes(32)
"""Stands before the first step."""


class StepRow(NamedTuple):
    """One step as it is stored. Texts as bytes in UTF-8: what is hashed is what is on disk."""

    sequence: int
    recorded_at: int
    """Wall clock, milliseconds since 1970; for people, no decision reads it."""
    run_id: bytes
    event_type: bytes
    event: bytes
    commands: bytes
    """JSON list of [class name, fields]; empty if there are none."""
    reason: bytes
    previous_hash: bytes
    hash: bytes


_encode = msgspec.json.Encoder().encode
_EVENT_DECODERS: Final = {
    kind.__name__.encode(): msgspec.json.Decoder(kind) for kind in get_args(Event)
}
_EVENT_TYPES: Final = {kind: kind.__name__.encode() for kind in get_args(Event)}
_COMMAND_TYPES: Final = {kind: kind.__name__ for kind in get_args(Command)}
_state_decoder = msgspec.json.Decoder(EngineState)
_params_decoder = msgspec.json.Decoder(EngineParams)


def encode_step(
    event: Event, decision: Decision, *, recorded_at: int, run_id: bytes, previous_hash: bytes
) -> StepRow:
    """Return the row of one step, with its place in the chain."""
    commands = encode_commands(decision)
    event_type = _EVENT_TYPES[type(event)]
    event_text = _encode(event)
    reason = decision.reason.encode()
    sequence = decision.state.sequence
    digest = chain_hash(
        previous_hash, sequence, recorded_at, run_id, event_type, event_text, commands, reason
    )
    return StepRow(
        sequence,
        recorded_at,
        run_id,
        event_type,
        event_text,
        commands,
        reason,
        previous_hash,
        digest,
    )


def chain_hash(  # noqa: PLR0913, PLR0917 - the columns of a row, and called for each tick
    previous_hash: bytes,
    sequence: int,
    recorded_at: int,
    run_id: bytes,
    event_type: bytes,
    event: bytes,
    commands: bytes,
    reason: bytes,
) -> bytes:
    """Return SHA-256 over the previous hash and every column.

    The lengths stand in front: without them a border between two texts could be moved.
    """
    lengths = b"%d %d %d %d %d %d %d\n" % (
        sequence,
        recorded_at,
        len(run_id),
        len(event_type),
        len(event),
        len(commands),
        len(reason),
    )
    row = b"".join((previous_hash, lengths, run_id, event_type, event, commands, reason))
    return hashlib.sha256(row).digest()


def encode_commands(decision: Decision) -> bytes:
    """Return the commands as JSON, empty if there are none."""
    if not decision.commands:
        return b""
    return _encode([(_COMMAND_TYPES[type(each)], each) for each in decision.commands])


def decode_event(event_type: bytes, text: bytes) -> Event:
    """Return the event of a row.

    Raises:
        JournalDamaged: no event of this version has that name or these fields.
    """
    decoder = _EVENT_DECODERS.get(event_type)
    if decoder is None:
        raise JournalDamaged(f"no event is called {event_type.decode(errors='replace')}")
    try:
        event: Event = decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise JournalDamaged(f"{event_type.decode()} cannot be read: {e}") from e
    return event


def encode_state(state: EngineState) -> bytes:
    """Return the whole state as JSON."""
    return _encode(state)


def decode_state(text: bytes) -> EngineState | None:
    """Return the state of a snapshot, None if this version would read it differently.

    A field that was added, dropped or renamed since shows when the state is written again.
    """
    try:
        state = _state_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return state if _encode(state) == text else None


def encode_params(params: EngineParams) -> bytes:
    """Return the parameters of a run as JSON."""
    return _encode(params)


def decode_params(text: bytes) -> EngineParams:
    """Return the parameters of a run; fields that are newer than the run have their defaults.

    Raises:
        JournalDamaged: they cannot be read.
    """
    try:
        return _params_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise JournalDamaged(f"the parameters of a run cannot be read: {e}") from e


def snapshot_hash(sequence: int, step_hash: bytes, state: bytes) -> bytes:
    """Return SHA-256 over a snapshot and its place in the chain."""
    return hashlib.sha256(b"%d\n" % sequence + step_hash + state).digest()


def run_hash(
    step_hash: bytes, run_id: bytes, started_at: int, code_version: bytes, params: bytes
) -> bytes:
    """Return SHA-256 over the facts of a run and the step after which it began."""
    lengths = b"%d %d %d %d\n" % (started_at, len(run_id), len(code_version), len(params))
    return hashlib.sha256(b"".join((step_hash, lengths, run_id, code_version, params))).digest()
