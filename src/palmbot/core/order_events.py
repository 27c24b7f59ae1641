"""What the transport and the broker say about our requests and positions.

Whatever does not fit our books is not guessed at: entries stop and the broker's books are read.
"""

from msgspec.structs import replace

from palmbot.core.executions import (
    apply_accepted,
    apply_balance,
    apply_ended,
    apply_fill,
    find_intent,
)
from palmbot.core.intents import advance, turn_unknown
from palmbot.core.link import ask_books, note_execution
from palmbot.core.reconcile import LATE_STATES, is_stop_loose
from palmbot.core.repair import close_unprotected, count_failed_repair
from palmbot.core.step import Step
from palmbot.domain.commands import Severity
from palmbot.domain.events import (
    BalanceChanged,
    ExecutionUnreadable,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    OrderUnanswered,
    PositionChanged,
    SendInterrupted,
)
from palmbot.domain.orders import BrokerOrder, IntentKind, IntentState, parse_label
from palmbot.domain.units import SymbolId

UNANSWERED = frozenset({IntentState.SENT, IntentState.UNKNOWN})


def on_unanswered(step: Step, event: OrderUnanswered | SendInterrupted) -> None:
    """Freeze the slot and look the request up; it is never sent again."""
    intent = step.books.intents.get(event.intent_id)
    if intent is None:
        step.say(f"no answer for {event.intent_id}, which our books do not know")
        return
    if intent.state is IntentState.SENT:
        turn_unknown(step, intent, event.reason)
    else:
        step.say(f"{intent.kind} {intent.intent_id} is {intent.state}: {event.reason}")
    if intent.kind is IntentKind.AMEND and isinstance(event, OrderUnanswered):
        # The deadline of an answer is as long as a position may be without its stop.
        close_unprotected(step, intent.position_id, "the request to restore its stop got no answer")
    ask_books(step, f"{intent.kind} without an answer", attempt=max(1, step.link.attempt))


def on_refused(step: Step, event: OrderRefused) -> None:
    """Take the broker's no: proven, nothing was placed."""
    intent = step.books.intents.get(event.intent_id)
    text = f"{event.code}: {event.reason}" if event.reason else event.code
    if intent is None or intent.state not in UNANSWERED:
        step.say(f"refusal of {event.intent_id} does not fit our books: {text}")
        ask_books(step, "a refusal that does not fit our books")
        return
    was_unknown = intent.state is IntentState.UNKNOWN
    advance(step, intent, IntentState.REJECTED, text)
    step.conclude(f"{intent.kind} refused by the broker, {text}")
    if intent.kind is IntentKind.ENTRY:
        step.alarm(Severity.WARNING, f"the broker refused an entry, {text}")
    if intent.kind is IntentKind.AMEND:
        count_failed_repair(step, intent)
    if was_unknown or intent.kind is not IntentKind.ENTRY:
        ask_books(step, f"{intent.kind} refused", attempt=max(1, step.link.attempt))


def on_accepted(step: Step, event: OrderAccepted) -> None:
    """Note that the broker works on an order."""
    note_execution(step, event.order.updated_at)
    if apply_accepted(step, event.order):
        step.say(f"order {event.order.order_id} accepted")
    _distrust_stranger(step, event.order)


def on_filled(step: Step, event: OrderFilled) -> None:
    """Book an execution, and check that position and order now look as we think."""
    fill = event.fill
    if fill.deal_id in step.books.applied_deals:
        step.say(f"fill {fill.deal_id} was booked before")
        return
    note_execution(step, fill.time)
    if not apply_fill(step, event.order, fill, event.position):
        if _is_here(step, fill.symbol_id):
            step.say(f"fill {fill.deal_id} does not fit our books")
            ask_books(step, "a fill that does not fit our books", attempt=0)
        return
    doubt = _find_doubt(step, event)
    if doubt:
        _look_up(step, doubt)


def on_ended(step: Step, event: OrderEnded) -> None:
    """Book the end of an order; volume we did not hear of makes us read the books."""
    order = event.order
    note_execution(step, order.updated_at)
    apply_ended(step, order, event.end, event.reason)
    intent = find_intent(step, order)
    if intent is None:
        _distrust_stranger(step, order)
    elif order.executed_volume > intent.filled_volume:
        ask_books(step, "an order ended with fills we did not hear of", attempt=0)
    elif intent.kind is IntentKind.CLOSE:
        ask_books(step, "a close ended without closing", attempt=max(1, step.link.attempt))


def on_position_changed(step: Step, event: PositionChanged) -> None:
    """Take over levels and swap; a stop that is gone or looser makes us read the books."""
    remote = event.position
    held = step.books.positions.get(remote.position_id)
    if held is None:
        is_foreign = parse_label(remote.label, step.params.environment) is None
        is_known = remote.position_id in (
            *step.books.foreign_positions,
            *step.books.closed_positions,
        )
        if _is_here(step, remote.symbol_id) and not is_known:
            whose = "of somebody else" if is_foreign else "of ours that we do not know"
            _look_up(step, f"a position {whose} changed")
        return
    step.put_position(
        replace(
            held,
            stop_loss=remote.stop_loss,
            take_profit=remote.take_profit,
            swap=remote.swap,
            commission=remote.commission,
            unprotected_s=(held.unprotected_s or 0.0) if remote.stop_loss is None else None,
        )
    )
    for intent in tuple(step.books.intents.values()):
        is_for_it = intent.kind is IntentKind.AMEND and intent.position_id == remote.position_id
        is_done = (intent.stop_loss, intent.take_profit) == (remote.stop_loss, remote.take_profit)
        if is_for_it and is_done and intent.state in UNANSWERED:
            advance(step, intent, IntentState.FILLED, "broker: levels are set")
    if remote.stop_loss is None:
        _look_up(step, "a position without a stop")
    elif is_stop_loose(held, remote.stop_loss):
        _look_up(step, "a stop looser than intended")
    elif remote.volume != held.volume:
        _look_up(step, "a volume that does not fit our books")


def on_balance_changed(step: Step, event: BalanceChanged) -> None:
    """Take over a deposit, a withdrawal or a charge."""
    apply_balance(step, event.balance, event.balance_version)
    step.say(f"balance changed by {event.kind}")


def on_unreadable(step: Step, event: ExecutionUnreadable) -> None:
    """Compare the books, because something happened that we could not read."""
    step.say(f"unreadable execution: {event.reason}")
    ask_books(step, f"an execution could not be read: {event.reason}", attempt=0)


def _look_up(step: Step, doubt: str) -> None:
    """Stop entries over what does not fit, say so, and read the broker's books at once."""
    step.say(doubt)
    ask_books(step, doubt, attempt=0)


def _find_doubt(step: Step, event: OrderFilled) -> str:  # noqa: PLR0911 - a list of questions
    """Return what about a booked fill does not look as it should, or nothing."""
    held = step.books.positions.get(event.fill.position_id)
    remote = event.position
    if (held is None) != (remote is None):
        return "a fill after which position and books differ"
    if held is None or remote is None:
        return ""
    intent = step.books.intents.get(held.intent_id)
    if held.volume != remote.volume:
        return "a fill after which position and books differ"
    if held.stop_loss is None:
        return "a position without a stop"
    if intent is not None and intent.state in LATE_STATES:
        return "an entry that was given up arrived"
    if intent is not None and not event.is_partial and intent.state is IntentState.PARTIAL:
        is_entry = event.fill.closing is None
        return "an order that ended with less than asked for" if is_entry else ""
    return ""


def _distrust_stranger(step: Step, order: BrokerOrder) -> None:
    """Read the books if an order is ours by its label, but not (or no longer) in our books."""
    intent_id = parse_label(order.label, step.params.environment)
    if intent_id is None or order.is_protection or order.is_closing:
        return
    intent = step.books.intents.get(intent_id)
    if intent is None or intent.state in LATE_STATES:
        step.say(f"order {order.order_id} is ours, but not expected")
        ask_books(step, "an order of ours that our books do not expect", attempt=0)


def _is_here(step: Step, symbol_id: SymbolId) -> bool:
    return step.state.symbol is not None and step.state.symbol.symbol_id == symbol_id
