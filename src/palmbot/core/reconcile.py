"""Comparing our books with the broker's: what differs, and what is to be done about it.

Pure comparison; `core.settlement` acts on it. The broker wins: whatever it proves is taken over,
whatever it leaves open blocks entries, and what is not ours is never touched. `compare_books`
expects that the fills and orders of the reading have been applied already.
"""

from collections.abc import Iterator

from palmbot.core.params import EngineParams
from palmbot.core.state import (
    Absence,
    Books,
    Discrepancy,
    DiscrepancyClass,
    EngineState,
    OpenPosition,
)
from palmbot.domain.market import Side
from palmbot.domain.orders import (
    IN_FLIGHT,
    BrokerBooks,
    BrokerOrder,
    Intent,
    IntentKind,
    IntentState,
    Position,
    parse_label,
)
from palmbot.domain.units import MONEY_SCALE, PRICE_SCALE, OrderId, PositionId, Price

POSITION_ITEM = "position:"
GHOST_ITEM = "closed:"
CLOCK_ITEM = "clock"
BALANCE_ITEM = "balance"
JOURNAL_ITEM = "journal"
GHOST_S_MAX = 10.0
"""Link seconds of waiting after which a position that its fills closed is there after all, if the
readings still show it: before, they may be older than the fills."""
EXPIRY_GRACE_MS = 5_000
"""Broker time after an order's end of life before its absence counts."""
PROOF_GAP_MS = 10_000
"""Broker time between two readings that together prove an expired order dead."""
PRICE_TOLERANCE_SHARE = 10_000
"""An average price may differ by a step or by one part in so many before it is worth a word."""
STOP_TOLERANCE_SHARE = 20
"""A stop may lie one part in so many of its distance further out: slippage between fills."""
ASK = "ask a person"
YIELD = "take over the broker's, as a person decided"
LATE_STATES = frozenset({IntentState.LOST, IntentState.CANCELLED_LOCALLY})
"""Declared dead by us: what arrives for them now is an error of ours, and is closed."""


def compare_books(
    state: EngineState, broker: BrokerBooks, params: EngineParams
) -> tuple[Discrepancy, ...]:
    """Return every difference, worst first within its kind; empty if both books agree."""
    comparison = _Comparison(state, broker, params)
    return (
        *comparison.surplus(),
        *comparison.held_positions(),
        *comparison.other_positions(),
        *comparison.intents(),
        *comparison.orders(),
        *comparison.forgotten_orders(),
        *comparison.balance(),
    )


def name_position(position_id: PositionId) -> str:
    """Return the name by which a person settles a position."""
    return f"{POSITION_ITEM}{position_id}"


def name_ghost(position_id: PositionId) -> str:
    """Return the name by which a position is looked for that is closed and still shown."""
    return f"{GHOST_ITEM}{position_id}"


def is_stop_loose(held: OpenPosition, stop: Price) -> bool:
    """Tell whether a stop lets the position lose noticeably more than its entry intended."""
    slack = abs(held.entry_price - held.intended_stop) // STOP_TOLERANCE_SHARE
    if held.side is Side.BUY:
        return stop < held.intended_stop - slack
    return stop > held.intended_stop + slack


def find_foreign(
    broker: BrokerBooks, state: EngineState, params: EngineParams
) -> tuple[PositionId, ...]:
    """Return the positions in our symbol that carry no label of ours."""
    return tuple(
        position.position_id
        for position in broker.positions
        if state.symbol is not None
        and position.symbol_id == state.symbol.symbol_id
        and parse_label(position.label, params.environment) is None
        and position.position_id not in state.books.positions
    )


def find_forgotten(
    broker: BrokerBooks, state: EngineState, params: EngineParams
) -> tuple[OrderId, ...]:
    """Return the past orders of ours that our books lack, oldest first.

    Those of an open position are left out: the position itself is the difference then.
    """
    books = state.books
    open_now = {position.position_id for position in broker.positions}
    found = []
    for order in broker.past_orders:
        intent_id = parse_label(order.label, params.environment)
        is_ours = intent_id is not None and not order.is_closing and not order.is_protection
        is_known = intent_id in books.intents or order.position_id in books.closed_positions
        if is_ours and not is_known and order.position_id not in open_now:
            found.append(order.order_id)
    return tuple(each for each in found if each not in books.forgotten_orders)


class _Comparison:
    """One reading against one state."""

    def __init__(self, state: EngineState, broker: BrokerBooks, params: EngineParams) -> None:
        self._state = state
        self._broker = broker
        self._params = params
        self._books: Books = state.books
        self._remote = {position.position_id: position for position in broker.positions}
        self._pending = {order.order_id: order for order in broker.orders}

    def surplus(self) -> Iterator[Discrepancy]:
        """More positions of ours than the one that is allowed."""
        held = sorted(
            (each for each in self._books.positions.values() if each.position_id in self._remote),
            key=lambda each: (each.opened_at, each.position_id),
        )
        for position in held[1:]:
            yield _about_position(
                DiscrepancyClass.DUPLICATE,
                position.position_id,
                f"{len(held)} positions of ours are open, the oldest is {held[0].position_id}",
                "close it, halt" if self._params.close_surplus else "halt, ask a person",
            )

    def held_positions(self) -> Iterator[Discrepancy]:
        """Positions in our books against the broker's."""
        for held in self._books.positions.values():
            remote = self._remote.get(held.position_id)
            if remote is None:
                yield _about_position(
                    DiscrepancyClass.LOCAL_ONLY,
                    held.position_id,
                    f"{_describe(held)} is not at the broker, and no fill closed it",
                    "read again, then ask a person",
                )
                continue
            yield from self._size(held, remote)
            yield from self._levels(held, remote)
            intent = self._books.intents.get(held.intent_id)
            if intent is not None and intent.state in LATE_STATES:
                yield self._late(held.position_id, intent)

    def other_positions(self) -> Iterator[Discrepancy]:
        """Positions at the broker that our books lack."""
        for remote in self._broker.positions:
            if remote.position_id in self._books.positions:
                continue
            if self._is_perhaps_ghost(remote.position_id):
                yield Discrepancy(
                    kind=DiscrepancyClass.REMOTE_ONLY_OURS,
                    item=name_ghost(remote.position_id),
                    detail=f"position {remote.position_id} is closed, and the reading shows it",
                    action="read again, then take it over",
                )
                continue
            intent_id = parse_label(remote.label, self._params.environment)
            if intent_id is None:
                yield from self._foreign(remote)
                continue
            intent = self._books.intents.get(intent_id)
            if intent is None:
                yield _about_position(
                    DiscrepancyClass.REMOTE_ONLY_OURS,
                    remote.position_id,
                    f"it carries our label {intent_id}, of which our books know nothing",
                    "take it over, make sure of its stop, halt, ask a person",
                )
            elif intent.state in LATE_STATES:
                yield self._late(remote.position_id, intent)
            else:
                yield Discrepancy(
                    kind=DiscrepancyClass.IN_FLIGHT_FOUND,
                    item=intent_id,
                    detail=f"entry {intent.state} is open as position {remote.position_id}",
                    action="take it over",
                    intent_id=intent_id,
                    position_id=remote.position_id,
                )

    def _is_perhaps_ghost(self, position_id: PositionId) -> bool:
        seen = self._books.absences.get(name_ghost(position_id))
        waited_s = seen.waited_s + self._state.link.delay_s if seen is not None else 0.0
        return position_id in self._books.closed_positions and waited_s < GHOST_S_MAX

    def intents(self) -> Iterator[Discrepancy]:
        """Requests whose fate the reading had to show."""
        for intent in self._books.intents.values():
            if intent.kind is IntentKind.ENTRY:
                yield from self._entry(intent)
            elif intent.state is IntentState.UNKNOWN:
                is_done = self._is_done(intent)
                kind = (
                    DiscrepancyClass.IN_FLIGHT_FOUND if is_done else DiscrepancyClass.IN_FLIGHT_LOST
                )
                yield Discrepancy(
                    kind=kind,
                    item=intent.intent_id,
                    detail=f"{intent.kind} without an answer has "
                    f"{'taken' if is_done else 'not taken'} effect",
                    action="settled by the reading",
                    intent_id=intent.intent_id,
                )

    def orders(self) -> Iterator[Discrepancy]:
        """Resting orders of ours that should not rest."""
        for order in self._broker.orders:
            intent_id = parse_label(order.label, self._params.environment)
            if intent_id is None or order.is_protection or order.is_closing:
                continue
            intent = self._books.intents.get(intent_id)
            is_expected = intent is not None and intent.state in IN_FLIGHT
            expires_at = intent.expires_at if intent is not None else None
            is_over = (
                expires_at is not None and self._broker.taken_at > expires_at + EXPIRY_GRACE_MS
            )
            if is_expected and not is_over:
                continue
            yield Discrepancy(
                kind=DiscrepancyClass.ORPHAN_ORDER,
                item=f"order:{order.order_id}",
                detail="it rests after its end of life" if is_over else "no entry of ours needs it",
                action="cancel it",
                order_id=order.order_id,
                intent_id=intent_id,
            )

    def forgotten_orders(self) -> Iterator[Discrepancy]:
        """Orders of ours that are over and that our books know nothing of.

        So it looks with a journal that was taken back to an older copy, a data directory that was
        lost, and a second bot on the account: what the breakers remember is then not all.
        """
        found = find_forgotten(self._broker, self._state, self._params)
        if found:
            yield Discrepancy(
                kind=DiscrepancyClass.REMOTE_ONLY_OURS,
                item=JOURNAL_ITEM,
                detail=f"{len(found)} past orders carry our label and are not in the journal (the "
                f"newest is {found[-1]}): it is older than the account, or another bot trades here",
                action="halt, ask a person",
            )

    def balance(self) -> Iterator[Discrepancy]:
        """Money that moved since the last clean comparison without a fill or payment behind it."""
        ours, theirs = self._books, self._broker
        if ours.settled_balance is None or 0 < theirs.balance_version < ours.balance_version:
            return
        gap = theirs.balance - ours.settled_balance - self._read_explained()
        if gap != 0:
            yield Discrepancy(
                kind=DiscrepancyClass.BALANCE_GAP,
                item=BALANCE_ITEM,
                detail=f"{gap / MONEY_SCALE:+.2f} that no fill and no payment explains: "
                f"{ours.settled_balance / MONEY_SCALE:.2f} (version {ours.settled_version}) when "
                f"last compared, {theirs.balance / MONEY_SCALE:.2f} (version "
                f"{theirs.balance_version}) at the broker",
                action="take over the broker's, read again, then ask a person",
            )

    def _read_explained(self) -> int:
        """Return what fills and payments moved the balance since the last clean comparison."""
        ours, theirs = self._books, self._broker
        if theirs.balance_version == 0:
            # Without numbers nobody can say what the balance of the comparison held already:
            # what we heard of has been booked one by one.
            return ours.balance - (ours.settled_balance or 0)
        closings = [each.closing for each in theirs.fills if each.closing is not None]
        moves = [(each.balance_version, each.net_profit) for each in closings]
        moves += [(each.balance_version, each.delta) for each in theirs.payments]
        first, last = ours.settled_version, theirs.balance_version
        return sum(amount for version, amount in moves if first < version <= last)

    def _size(self, held: OpenPosition, remote: Position) -> Iterator[Discrepancy]:
        if remote.side is not held.side:
            yield _about_position(
                DiscrepancyClass.SIDE_DIFFERS,
                held.position_id,
                f"{held.side.name} here, {remote.side.name} at the broker",
                YIELD if held.is_yielding else ASK,
            )
        elif remote.volume != held.volume:
            is_smaller = remote.volume < held.volume
            yield _about_position(
                DiscrepancyClass.VOLUME_SMALLER if is_smaller else DiscrepancyClass.VOLUME_LARGER,
                held.position_id,
                f"volume {held.volume} here, {remote.volume} at the broker, no fill explains it",
                YIELD if held.is_yielding else ASK,
            )
        elif abs(remote.entry_price - held.entry_price) > self._price_tolerance(held):
            yield _about_position(
                DiscrepancyClass.PRICE_DIFFERS,
                held.position_id,
                f"entry {held.entry_price} here, {remote.entry_price} at the broker",
                "take over the broker's",
            )

    def _levels(self, held: OpenPosition, remote: Position) -> Iterator[Discrepancy]:
        if remote.stop_loss is None:
            yield _about_position(
                DiscrepancyClass.STOP_MISSING,
                held.position_id,
                f"{_describe(held)} has no stop",
                "restore it, halt, ask a person",
            )
        elif is_stop_loose(held, remote.stop_loss):
            yield _about_position(
                DiscrepancyClass.LEVELS_MOVED,
                held.position_id,
                f"stop {remote.stop_loss} is looser than intended, {held.intended_stop}",
                "restore it",
            )
        elif (remote.stop_loss, remote.take_profit) != (held.stop_loss, held.take_profit):
            yield _about_position(
                DiscrepancyClass.LEVELS_MOVED,
                held.position_id,
                f"stop and target are {remote.stop_loss} and {remote.take_profit}, were "
                f"{held.stop_loss} and {held.take_profit}",
                "take them over",
            )

    def _foreign(self, remote: Position) -> Iterator[Discrepancy]:
        symbol = self._state.symbol
        is_here = symbol is not None and remote.symbol_id == symbol.symbol_id
        if is_here and remote.position_id not in self._books.foreign_positions:
            yield _about_position(
                DiscrepancyClass.REMOTE_ONLY_FOREIGN,
                remote.position_id,
                f"somebody else holds {remote.volume} {remote.side.name} in this symbol",
                "no entry beside it; it is not touched",
            )

    def _entry(self, intent: Intent) -> Iterator[Discrepancy]:
        if intent.state not in {IntentState.UNKNOWN, IntentState.ACCEPTED, IntentState.PARTIAL}:
            return
        if intent.state is not IntentState.UNKNOWN and self._is_working(intent):
            return
        is_open = any(
            parse_label(position.label, self._params.environment) == intent.intent_id
            for position in self._broker.positions
            if position.position_id not in self._books.positions
        )
        if is_open:
            return
        is_dead = intent.filled_volume == 0 and self._is_proven_dead(intent)
        kind = DiscrepancyClass.IN_FLIGHT_LOST if is_dead else DiscrepancyClass.IN_FLIGHT_UNDECIDED
        yield Discrepancy(
            kind=kind,
            item=intent.intent_id,
            detail=f"entry {intent.side.name} {intent.volume} is not in the broker's books",
            action="expired at the broker: given up"
            if is_dead
            else "look again, then ask a person",
            intent_id=intent.intent_id,
        )

    def _is_working(self, intent: Intent) -> bool:
        """Tell whether the broker still works on an order it accepted."""
        if intent.order_id in self._pending:
            return True
        return any(
            order.order_id == intent.order_id and order.executed_volume <= intent.filled_volume
            for order in self._broker.past_orders
        )

    def _is_proven_dead(self, intent: Intent) -> bool:
        """Two readings well after a broker-enforced end of life, on a connection made after it.

        After it by the broker's time: a clock of ours that is a day ahead proves nothing.
        """
        absence: Absence | None = self._books.absences.get(intent.intent_id)
        if intent.expires_at is None or absence is None or not self._state.is_time_proven:
            return False
        return (
            absence.last_at >= intent.expires_at + EXPIRY_GRACE_MS
            and self._broker.taken_at >= absence.last_at + PROOF_GAP_MS
            and self._state.link.ready_at >= intent.expires_at
        )

    def _is_done(self, intent: Intent) -> bool:
        """Tell whether an unanswered request other than an entry took effect.

        A close or amend that did not can be asked anew under a new id: the first, should it
        still arrive, can only reduce.
        """
        if intent.kind is IntentKind.CANCEL:
            return intent.order_id not in self._pending
        remote = self._remote.get(intent.position_id) if intent.position_id is not None else None
        if remote is None:
            return True
        if intent.kind is IntentKind.AMEND:
            return (remote.stop_loss, remote.take_profit) == (intent.stop_loss, intent.take_profit)
        return remote.volume < intent.volume

    def _late(self, position_id: PositionId, intent: Intent) -> Discrepancy:
        return _about_position(
            DiscrepancyClass.REMOTE_ONLY_OURS,
            position_id,
            f"it belongs to entry {intent.intent_id}, which was given up as {intent.state}",
            "close it, halt",
        )

    def _price_tolerance(self, held: OpenPosition) -> int:
        step = self._state.symbol.price_step if self._state.symbol is not None else Price(1)
        return max(step, held.entry_price // PRICE_TOLERANCE_SHARE)


def find_order(broker: BrokerBooks, order_id: int) -> BrokerOrder | None:
    """Return the newest record of an order in a reading, pending ones first."""
    for order in (*broker.orders, *broker.past_orders):
        if order.order_id == order_id:
            return order
    return None


def _about_position(
    kind: DiscrepancyClass, position_id: PositionId, detail: str, action: str
) -> Discrepancy:
    return Discrepancy(
        kind=kind,
        item=name_position(position_id),
        detail=detail,
        action=action,
        position_id=position_id,
    )


def _describe(held: OpenPosition) -> str:
    side = "long" if held.side is Side.BUY else "short"
    return f"{side} {held.volume / 100:g} at {held.entry_price / PRICE_SCALE:g}"
