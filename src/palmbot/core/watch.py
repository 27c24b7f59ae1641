"""What a second pair of eyes looks for: a position without a stop, books that are not the broker's.

Apart from `core.reconcile` on purpose: a mistake there must not hide itself here.
"""

from palmbot.core.state import EngineState
from palmbot.domain.orders import (
    IN_FLIGHT,
    BrokerBooks,
    Environment,
    IntentKind,
    Position,
    parse_label,
)
from palmbot.domain.units import PositionId


def find_unprotected(broker: BrokerBooks, environment: Environment) -> tuple[PositionId, ...]:
    """Return the positions of ours that the broker holds without a stop."""
    return tuple(
        each.position_id
        for each in broker.positions
        if each.stop_loss is None and parse_label(each.label, environment) is not None
    )


def find_differences(
    broker: BrokerBooks, state: EngineState, environment: Environment
) -> tuple[str, ...]:
    """Return in words where positions of ours are not the same on both sides.

    Left out is what a request under way may be changing at this moment.
    """
    ours = {
        each.position_id: each
        for each in broker.positions
        if parse_label(each.label, environment) is not None
        or each.position_id in state.books.positions
    }
    moving = {
        intent.position_id
        for intent in state.books.intents.values()
        if intent.state in IN_FLIGHT and intent.kind is IntentKind.CLOSE
    }
    found: list[str] = []
    for position_id in sorted(ours.keys() | state.books.positions.keys()):
        remote, held = ours.get(position_id), state.books.positions.get(position_id)
        if position_id in moving:
            continue
        if held is None and remote is not None:
            if not _is_being_entered(remote, state, environment):
                found.append(f"position {position_id} is at the broker and not in our books")
        elif remote is None:
            found.append(f"position {position_id} is in our books and not at the broker")
        elif held is not None and (held.side, held.volume) != (remote.side, remote.volume):
            found.append(
                f"position {position_id} is {held.side.name} {held.volume} in our books and "
                f"{remote.side.name} {remote.volume} at the broker"
            )
    return tuple(found)


def _is_being_entered(remote: Position, state: EngineState, environment: Environment) -> bool:
    intent_id = parse_label(remote.label, environment)
    intent = state.books.intents.get(intent_id) if intent_id is not None else None
    return intent is not None and intent.state in IN_FLIGHT
