"""Acting on a reading of the broker's books, until one of them is clean."""

from collections.abc import Iterator

from msgspec.structs import replace

from palmbot.core.breakers.money import is_counted
from palmbot.core.executions import (
    adopt_position,
    apply_accepted,
    apply_balance,
    apply_ended,
    apply_fill,
    correct_position,
    find_intent,
)
from palmbot.core.intents import (
    advance,
    ask_cancel,
    ask_close,
    is_under_way,
    turn_unknown,
)
from palmbot.core.link import (
    RETRY_DELAYS_S,
    ask_books,
    halt,
    note_failed_reading,
    quarantine,
    release,
    remind_of_quarantine,
    schedule_check,
)
from palmbot.core.reconcile import (
    BALANCE_ITEM,
    CLOCK_ITEM,
    GHOST_ITEM,
    JOURNAL_ITEM,
    LATE_STATES,
    POSITION_ITEM,
    compare_books,
    find_foreign,
    find_forgotten,
    find_order,
    is_stop_loose,
    name_ghost,
    name_position,
)
from palmbot.core.repair import (
    count_failed_repair,
    count_unprotected,
    is_repairing,
    restore_levels,
)
from palmbot.core.state import (
    NO_TIME,
    Absence,
    Books,
    Discrepancy,
    DiscrepancyClass,
    LinkPhase,
    OpenPosition,
)
from palmbot.core.step import Step
from palmbot.domain.commands import Reconnect, Severity
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import BooksReported, BooksUnavailable, OrderEnd
from palmbot.domain.orders import (
    PERHAPS_AT_BROKER,
    BrokerBooks,
    Intent,
    IntentKind,
    IntentState,
    OrderStatus,
    Position,
    parse_label,
)
from palmbot.domain.units import IntentId, PositionId

OLD_READINGS_MAX = 3
"""Readings in a row put aside as older than the events: a wrong stamp must not keep us from
acting on what the broker says."""
FORGOTTEN_ORDERS_MAX = 512
"""So many orders of ours without a row are named once; a busy month has fewer."""
CLEAN_READINGS = 2
"""Clean readings in a row that end a quarantine which evidence has settled."""
READINGS_BEFORE_QUARANTINE = 2
"""Complete readings that have to miss a position before a person is asked."""
RECONCILIATION = "reconciliation"

WAITING = frozenset(
    {
        DiscrepancyClass.IN_FLIGHT_UNDECIDED,
        DiscrepancyClass.LOCAL_ONLY,
        DiscrepancyClass.BALANCE_GAP,
    }
)
"""Found in reading after reading until something settles them; told once."""

ENDS = {
    OrderStatus.REJECTED: OrderEnd.REJECTED,
    OrderStatus.EXPIRED: OrderEnd.EXPIRED,
    OrderStatus.CANCELLED: OrderEnd.CANCELLED,
}


def on_books(step: Step, event: BooksReported) -> None:
    """Apply what the reading proves, compare the rest, act on it, and read again until clean."""
    link = step.link
    if event.generation != link.generation or link.phase is LinkPhase.DISCONNECTED:
        step.say(f"books of connection {event.generation}, which is gone")
        return
    broker = event.books
    before = step.books
    _absorb(step, broker)
    is_news = _report_absorbed(step, before)
    differences = compare_books(step.state, broker, step.params)
    is_older = broker.taken_at < link.executed_at
    if differences and is_older and link.attempt < OLD_READINGS_MAX:
        step.say("the reading is older than the last execution, read again")
        ask_books(step, "an execution overtook the reading", attempt=link.attempt + 1)
        return
    _take_details(step, broker)
    _release_settled(step, broker)
    if not any(found.kind is DiscrepancyClass.BALANCE_GAP for found in differences):
        _explain_balance(step, broker)
    for found in differences:
        _act(step, found, broker)
    remind_of_quarantine(step)
    _conclude(step, broker, differences, is_news=is_news)


def on_books_unavailable(step: Step, event: BooksUnavailable) -> None:
    """Try again later, and trade nothing until it worked.

    What is known to lack its stop is repaired meanwhile: that needs no reading.
    """
    link = step.link
    if event.generation != link.generation or link.phase is LinkPhase.DISCONNECTED:
        step.say(f"failed reading of connection {event.generation}, which is gone")
        return
    for held in tuple(step.books.positions.values()):
        if held.unprotected_s is not None:
            restore_levels(step, count_unprotected(step, held))
    if is_repairing(step):
        step.set_link(replace(step.link, attempt=0))
    remind_of_quarantine(step)
    note_failed_reading(step, event.reason)


def _absorb(step: Step, broker: BrokerBooks) -> None:
    """Apply orders and fills of the reading as if they had been heard, in the broker's order."""
    orders = {order.order_id: order for order in (*broker.past_orders, *broker.orders)}
    positions = {position.position_id: position for position in broker.positions}
    # A closing order carries no id of ours: only one that is bound already may be matched here.
    bound = {intent.order_id for intent in step.books.intents.values()}
    ours = [each for each in orders.values() if not each.is_closing or each.order_id in bound]
    for order in ours:
        if order.status in {OrderStatus.ACCEPTED, OrderStatus.FILLED}:
            apply_accepted(step, order)
    for payment in broker.payments:
        # Without a number it may be older than what has moved the balance since it was counted.
        if payment.balance_version or not is_counted(step.breakers, payment):
            apply_balance(step, payment.balance, payment.balance_version)
    for fill in sorted(broker.fills, key=lambda each: (each.time, each.deal_id)):
        apply_fill(step, orders.get(fill.order_id), fill, positions.get(fill.position_id))
    for order in ours:
        if order.status in ENDS:
            apply_ended(step, order, ENDS[order.status], "found in the broker's books")
        intent = find_intent(step, order) if order.status is OrderStatus.FILLED else None
        if intent is None or intent.state in LATE_STATES:
            continue
        is_booked = intent.filled_volume >= order.executed_volume > 0
        # Fills of a position that a person has settled are not booked any more.
        if is_booked or order.position_id in step.books.closed_positions:
            advance(step, intent, IntentState.FILLED)


def _report_absorbed(step: Step, before: Books) -> bool:
    """Record what the reading told us beyond the events; True if there was anything."""
    found = [*_find_bound(before, step.books), *_find_closed(before, step.books)]
    for each in found:
        step.report(each)
    return bool(found)


def _find_bound(before: Books, after: Books) -> Iterator[Discrepancy]:
    for intent_id, old in before.intents.items():
        new = after.intents.get(intent_id)
        if new is not None and new.state is not old.state and old.state in PERHAPS_AT_BROKER:
            yield Discrepancy(
                kind=DiscrepancyClass.IN_FLIGHT_FOUND,
                item=intent_id,
                detail=f"{old.kind} {old.state} is {new.state} in the broker's books",
                action="taken over",
                intent_id=intent_id,
            )


def _find_closed(before: Books, after: Books) -> Iterator[Discrepancy]:
    for position_id, old in before.positions.items():
        new = after.positions.get(position_id)
        if new is None or new.volume < old.volume:
            is_gone = new is None
            yield Discrepancy(
                kind=DiscrepancyClass.CLOSED_WHILE_AWAY
                if is_gone
                else DiscrepancyClass.VOLUME_SMALLER,
                item=name_position(position_id),
                detail=f"{'closed' if is_gone else 'partly closed'} by fills we did not hear of",
                action="booked at their prices",
                position_id=position_id,
            )


def _take_details(step: Step, broker: BrokerBooks) -> None:
    """Take over what is no difference worth a word: running swap, positions of others."""
    for remote in broker.positions:
        held = step.books.positions.get(remote.position_id)
        if held is None:
            continue
        known = replace(held, swap=remote.swap, commission=remote.commission)
        if remote.stop_loss is not None:
            known = replace(known, unprotected_s=None)
        if (remote.side, remote.volume) == (held.side, held.volume):
            known = replace(known, is_yielding=False)
        if known != held:
            step.put_position(known)
    foreign = find_foreign(broker, step.state, step.params)
    if foreign != step.books.foreign_positions:
        step.set_books(replace(step.books, foreign_positions=foreign))


def _explain_balance(step: Step, broker: BrokerBooks) -> None:
    """Take the balance over: fills and payments explain it. An item with a person stays there."""
    apply_balance(step, broker.balance, broker.balance_version)
    if BALANCE_ITEM not in step.books.quarantine:
        release(step, BALANCE_ITEM)


def _release_settled(step: Step, broker: BrokerBooks) -> None:
    """Let go of items that evidence has settled."""
    remote = {name_position(position.position_id) for position in broker.positions}
    held = {name_position(position_id) for position_id in step.books.positions}
    ghosts = {
        name_ghost(position.position_id)
        for position in broker.positions
        if position.position_id not in step.books.positions
    }
    for item in (*step.books.quarantine, *step.books.absences):
        intent = step.books.intents.get(IntentId(item))
        if intent is not None:
            is_settled = intent.state is not IntentState.UNKNOWN
        elif item.startswith(POSITION_ITEM):
            kept = step.books.quarantine.get(item)
            was_missing = kept is None or kept.kind is DiscrepancyClass.LOCAL_ONLY
            is_settled = was_missing if item in remote else item not in held
        elif item.startswith(GHOST_ITEM):
            is_settled = item not in ghosts
        else:
            is_settled = item == CLOCK_ITEM and step.state.breakers.machine.is_clock_right
        if is_settled:
            _settle(step, item)


def _settle(step: Step, item: str) -> None:
    """Let go of an item by evidence; after a quarantine one clean reading is not enough."""
    if item in step.books.quarantine:
        step.set_link(replace(step.link, readings_due=CLEAN_READINGS))
    release(step, item)


def _act(step: Step, found: Discrepancy, broker: BrokerBooks) -> None:
    kept = step.books.quarantine.get(found.item)
    is_ghost = found.item.startswith(GHOST_ITEM)
    is_waiting = (is_ghost or found.kind in WAITING) and found.item in step.books.absences
    if not is_waiting and (kept is None or kept.kind is not found.kind):
        step.report(found)
        step.say(f"{found.kind} {found.item}: {found.detail}: {found.action}")
    if is_ghost:
        _note_ghost(step, found.item, broker)
    elif found.position_id is not None:
        _act_on_position(step, found, found.position_id, broker)
    elif found.intent_id is not None and found.order_id is None:
        _act_on_intent(step, found, found.intent_id, broker)
    elif found.order_id is not None:
        order = find_order(broker, found.order_id)
        if order is not None:
            ask_cancel(step, order, found.detail)
    elif found.item == JOURNAL_ITEM:
        _distrust_journal(step, found, broker)
    elif found.kind is DiscrepancyClass.BALANCE_GAP:
        # The broker's balance is the true one, and the day's loss is measured by it at once.
        apply_balance(step, broker.balance, broker.balance_version)
        if _note_absence(step, found.item, broker).readings >= READINGS_BEFORE_QUARANTINE:
            quarantine(step, found)


def _distrust_journal(step: Step, found: Discrepancy, broker: BrokerBooks) -> None:
    """Halt: trips and losses that the journal has forgotten may stand."""
    forgotten = find_forgotten(broker, step.state, step.params)
    known = (*step.books.forgotten_orders, *forgotten)[-FORGOTTEN_ORDERS_MAX:]
    step.set_books(replace(step.books, forgotten_orders=known))
    quarantine(step, found)
    halt(step, RECONCILIATION, found.detail)


def _act_on_intent(
    step: Step, found: Discrepancy, intent_id: IntentId, broker: BrokerBooks
) -> None:
    intent = step.books.intents[intent_id]
    if found.kind is DiscrepancyClass.IN_FLIGHT_UNDECIDED:
        _look_again_for_entry(step, found, intent, broker)
        return
    is_done = found.kind is DiscrepancyClass.IN_FLIGHT_FOUND
    state = IntentState.FILLED if is_done else IntentState.LOST
    step.put_intent(replace(intent, state=state, resolution=f"broker: {found.detail}"))
    _settle(step, found.item)
    if intent.kind is IntentKind.AMEND and not is_done:
        count_failed_repair(step, intent)
    if intent.kind is IntentKind.ENTRY:
        step.alarm(Severity.NOTICE, f"entry {intent_id} expired at the broker and was given up")


def _look_again_for_entry(
    step: Step, found: Discrepancy, intent: Intent, broker: BrokerBooks
) -> None:
    if intent.state is not IntentState.UNKNOWN:
        turn_unknown(step, intent, "accepted, but no longer in the broker's books")
    absence = _note_absence(step, found.item, broker)
    if absence.waited_s >= step.params.undecided_s_max:
        quarantine(step, found)
    is_expired = intent.expires_at is not None and broker.taken_at > intent.expires_at
    is_expired = is_expired and step.state.is_time_proven
    if is_expired and step.link.ready_at < (intent.expires_at or 0) and absence.readings > 1:
        # Only a connection made after its end of life proves that nothing of it still waits.
        step.command(
            Reconnect(
                generation=step.link.generation,
                reason=f"to prove that order {intent.intent_id} is dead",
            )
        )


def _act_on_position(
    step: Step, found: Discrepancy, position_id: PositionId, broker: BrokerBooks
) -> None:
    remote = next((each for each in broker.positions if each.position_id == position_id), None)
    held = step.books.positions.get(position_id)
    match found.kind:
        case DiscrepancyClass.LOCAL_ONLY:
            if _note_absence(step, found.item, broker).readings >= READINGS_BEFORE_QUARANTINE:
                quarantine(step, found)
        case DiscrepancyClass.REMOTE_ONLY_FOREIGN:
            step.alarm(Severity.WARNING, f"{found.item}: {found.detail}; no entries meanwhile")
        case DiscrepancyClass.DUPLICATE if held is not None:
            quarantine(step, found)
            halt(step, RECONCILIATION, found.detail)
            if step.params.close_surplus:
                ask_close(step, held, f"surplus: {found.detail}")
        case DiscrepancyClass.IN_FLIGHT_FOUND | DiscrepancyClass.REMOTE_ONLY_OURS if remote:
            _take_over(step, found, remote)
        case DiscrepancyClass.PRICE_DIFFERS if held is not None and remote is not None:
            step.put_position(replace(held, entry_price=remote.entry_price))
        case DiscrepancyClass.STOP_MISSING if held is not None and remote is not None:
            quarantine(step, found)
            halt(step, RECONCILIATION, f"{found.item} had no stop")
            restore_levels(step, count_unprotected(step, _take_levels(step, held, remote)))
        case DiscrepancyClass.LEVELS_MOVED if held is not None and remote is not None:
            _judge_moved_levels(step, found, held, remote)
        case _:
            _judge_other_size(step, found, held, remote)


def _judge_other_size(
    step: Step, found: Discrepancy, held: OpenPosition | None, remote: Position | None
) -> None:
    """Leave another volume or side to a person, or take it over if one has said so."""
    if held is not None and remote is not None and held.is_yielding:
        correct_position(step, held, remote)
    else:
        quarantine(step, found)


def _judge_moved_levels(
    step: Step, found: Discrepancy, held: OpenPosition, remote: Position
) -> None:
    moved = _take_levels(step, held, remote)
    if remote.stop_loss is not None and is_stop_loose(held, remote.stop_loss):
        if not is_under_way(step, IntentKind.AMEND, held.position_id):
            step.alarm(Severity.WARNING, f"{found.item}: {found.detail}; restored")
        restore_levels(step, moved)


def _take_over(step: Step, found: Discrepancy, remote: Position) -> None:
    """Take a position of ours into the books; close it if its entry was given up."""
    held = step.books.positions.get(remote.position_id)
    label = parse_label(remote.label, step.params.environment)
    intent_id = label if held is None else held.intent_id
    if intent_id is None:
        raise BooksDoNotBalance(f"{found.item} was to be taken over without a label of ours")
    if held is None:
        held = adopt_position(step, remote, intent_id)
    intent = step.books.intents.get(intent_id)
    if intent is None:
        quarantine(step, found)
        halt(step, RECONCILIATION, f"{found.item} is ours, but not in our books")
    elif intent.state in LATE_STATES:
        quarantine(step, found)
        halt(step, RECONCILIATION, f"{found.item} arrived after its entry was given up")
        ask_close(step, held, "its entry was given up")
    else:
        is_whole = remote.volume >= intent.volume
        step.put_intent(
            replace(
                intent,
                state=IntentState.FILLED if is_whole else IntentState.PARTIAL,
                resolution="broker: position found",
            )
        )
        _settle(step, intent_id)


def _take_levels(step: Step, held: OpenPosition, remote: Position) -> OpenPosition:
    moved = replace(held, stop_loss=remote.stop_loss, take_profit=remote.take_profit)
    step.put_position(moved)
    return moved


def _note_absence(step: Step, item: str, broker: BrokerBooks) -> Absence:
    old = step.books.absences.get(item)
    # By our own clock a reading can show that something is absent, but not when.
    at = broker.taken_at if step.state.is_time_proven else NO_TIME
    absence = Absence(
        readings=(old.readings if old is not None else 0) + 1,
        first_at=old.first_at if old is not None else at,
        last_at=at,
        waited_s=(old.waited_s if old is not None else 0.0) + step.link.delay_s,
    )
    step.set_books(replace(step.books, absences={**step.books.absences, item: absence}))
    return absence


def _note_ghost(step: Step, item: str, broker: BrokerBooks) -> None:
    """Count how long a closed position has been shown: nothing at the first time."""
    is_first = item not in step.books.absences
    seen = _note_absence(step, item, broker)
    if is_first:
        absences = {**step.books.absences, item: replace(seen, waited_s=0.0)}
        step.set_books(replace(step.books, absences=absences))


def _conclude(
    step: Step, broker: BrokerBooks, differences: tuple[Discrepancy, ...], *, is_news: bool
) -> None:
    link = step.link
    due = CLEAN_READINGS if link.readings_due else 0
    if differences or is_news:
        step.set_link(replace(link, readings_due=due))
        names = ", ".join(dict.fromkeys(f"{each.kind} {each.item}" for each in differences))
        reason = f"working on {names}" if names else "checking what the reading told us"
        ask_books(step, reason, attempt=1 if is_repairing(step) else link.attempt + 1)
    elif step.books.quarantine:
        items = ", ".join(step.books.quarantine)
        ask_books(step, f"a person has to settle {items}", attempt=len(RETRY_DELAYS_S))
    elif link.readings_due > 1:
        step.set_link(replace(link, readings_due=link.readings_due - 1))
        ask_books(step, "one clean reading after a quarantine, read again", attempt=1)
    else:
        if link.phase is not LinkPhase.CONSISTENT:
            step.say("our books equal the broker's")
        is_told = broker.taken_at > broker.since or link.confirmed_at is None
        step.set_link(
            replace(
                link,
                phase=LinkPhase.CONSISTENT,
                reason="our books equal the broker's",
                attempt=0,
                readings_due=0,
                confirmed_at=broker.taken_at if is_told else link.confirmed_at,
            )
        )
        step.set_books(
            replace(
                step.books,
                settled_balance=broker.balance,
                settled_version=broker.balance_version,
            )
        )
        schedule_check(step)
