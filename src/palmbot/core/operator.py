"""What a person orders: halt, resume, and settling what reconciliation cannot explain."""

from msgspec.structs import replace

from palmbot.core.flatten import order_flatten
from palmbot.core.intents import ask_close
from palmbot.core.link import ask_books, halt, release
from palmbot.core.reconcile import BALANCE_ITEM, JOURNAL_ITEM, LATE_STATES, name_position
from palmbot.core.state import (
    ClosedPosition,
    DiscrepancyClass,
    LinkPhase,
    OpenPosition,
    QuarantineItem,
)
from palmbot.core.step import Step
from palmbot.domain.commands import Severity
from palmbot.domain.events import (
    Acknowledgement,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorResumed,
    ReconciliationRequested,
    StopRequested,
)
from palmbot.domain.orders import Intent, IntentState
from palmbot.domain.units import IntentId

REFUSED = "refused"
"""First word of the reason of every order that was not carried out."""

DIFFERS_FROM_BROKER = frozenset(
    {
        DiscrepancyClass.VOLUME_SMALLER,
        DiscrepancyClass.VOLUME_LARGER,
        DiscrepancyClass.SIDE_DIFFERS,
    }
)


def on_halted(step: Step, event: OperatorHalted) -> None:
    """Stop entries until a person resumes, and close what is open if that is asked for."""
    if event.flatten:
        order_flatten(step, f"{event.actor}: {event.reason}")
    if step.state.switch.halted_by is not None:
        step.say(f"already halted by {step.state.switch.halted_by}")
        return
    halt(step, event.actor, event.reason)
    # A step with a command is durable before anybody is answered: a halt outlives a crash.
    step.alarm(Severity.WARNING, f"entries are halted by {event.actor}: {event.reason}")


def on_resumed(step: Step, event: OperatorResumed) -> None:
    """Allow entries again, if the books agree with the broker's."""
    switch = step.state.switch
    if switch.halted_by is None:
        step.say(f"{REFUSED}: nothing is halted")
        return
    if step.state.flatten is not None:
        step.say(f"{REFUSED}: positions are still being closed ({step.state.flatten.reason})")
        return
    if step.link.phase is not LinkPhase.CONSISTENT:
        step.say(
            f"{REFUSED}: the books have to agree with the broker's first "
            f"({step.link.phase}: {step.link.reason})"
        )
        return
    step.set_switch(replace(switch, epoch=switch.epoch + 1, halted_by=None, reason=""))
    step.conclude(f"{event.actor} resumed after '{switch.reason}': {event.reason}")


def on_reconciliation_requested(step: Step, event: ReconciliationRequested) -> None:
    """Read the broker's books now; no entry until they agree with ours."""
    if step.link.phase is LinkPhase.DISCONNECTED:
        step.say(f"{REFUSED}: there is no connection to read the books on ({step.link.reason})")
        return
    ask_books(step, f"asked for by {event.actor}", attempt=0)
    step.say(f"{event.actor} wants the books compared")


def on_stop_requested(step: Step, event: StopRequested) -> None:
    """Stop entries for the rest of this process; a permission to trade is not touched."""
    switch = step.state.switch
    if not switch.is_stopping:
        step.set_switch(replace(switch, epoch=switch.epoch + 1, is_stopping=True))
        step.conclude(f"no more entries, the program ends: {event.reason}")


def on_acknowledged(step: Step, event: OperatorAcknowledged) -> None:
    """Settle one item as a person decided, if the decision fits it."""
    intent = step.books.intents.get(IntentId(event.item))
    held = next(
        (
            each
            for each in step.books.positions.values()
            if name_position(each.position_id) == event.item
        ),
        None,
    )
    item = step.books.quarantine.get(event.item)
    if intent is not None:
        _settle_intent(step, intent, event)
    elif item is None:
        step.say(f"{REFUSED}: {event.item} is not an open item")
    elif held is not None:
        _settle_position(step, held, item, event)
    elif event.item == BALANCE_ITEM and event.action is Acknowledgement.ADOPT:
        _adopt_balance(step, event)
    elif event.item == JOURNAL_ITEM and event.action is Acknowledgement.IGNORE:
        release(step, JOURNAL_ITEM)
        step.conclude(f"orders that the journal lacks ignored by {event.actor}: {event.reason}")
        ask_books(step, "an item was settled", attempt=0)
    else:
        step.say(f"{REFUSED}: {event.item} ({item.detail}) cannot be settled by {event.action}")


def _adopt_balance(step: Step, event: OperatorAcknowledged) -> None:
    """Let a balance that nothing explains be the one from which the next comparison counts."""
    books = step.books
    step.set_books(
        replace(books, settled_balance=books.balance, settled_version=books.balance_version)
    )
    release(step, BALANCE_ITEM)
    step.conclude(f"balance adopted by {event.actor}: {event.reason}")
    ask_books(step, "an item was settled", attempt=0)


def _settle_intent(step: Step, intent: Intent, event: OperatorAcknowledged) -> None:
    if intent.state is not IntentState.UNKNOWN:
        step.say(f"{REFUSED}: {intent.kind} {intent.intent_id} is {intent.state}, not unknown")
        return
    if event.action is not Acknowledgement.IGNORE:
        step.say(
            f"{REFUSED}: the broker shows nothing of {intent.intent_id} to {event.action}; if it "
            "is not there, ignore gives it up"
        )
        return
    resolution = f"operator {event.actor}: {event.reason}"
    step.put_intent(replace(intent, state=IntentState.LOST, resolution=resolution))
    release(step, event.item)
    step.conclude(f"{intent.kind} {intent.intent_id} given up by {event.actor}: {event.reason}")
    ask_books(step, "an item was settled", attempt=0)


def _settle_position(
    step: Step, held: OpenPosition, item: QuarantineItem, event: OperatorAcknowledged
) -> None:
    text = f"{event.item} settled by {event.actor} ({event.action}): {event.reason}"
    is_gone = item.kind is DiscrepancyClass.LOCAL_ONLY or event.item in step.books.absences
    match event.action:
        case Acknowledgement.IGNORE if is_gone:
            gone = ClosedPosition(
                position_id=held.position_id,
                intent_id=held.intent_id,
                closed_at=step.state.market.time,
                reason=text,
            )
            step.drop_position(gone, None)
        case Acknowledgement.CLOSE if not is_gone:
            ask_close(step, held, text)
            step.conclude(text)
            return
        case Acknowledgement.ADOPT if item.kind in DIFFERS_FROM_BROKER:
            step.put_position(replace(held, is_yielding=True))
        case Acknowledgement.ADOPT if item.kind is DiscrepancyClass.REMOTE_ONLY_OURS:
            _revive(step, held, text)
        case Acknowledgement.ADOPT if _is_surplus(step, item):
            step.say(
                f"{REFUSED}: {event.item} is one too many ({item.detail}); close it, or another"
            )
            return
        case Acknowledgement.ADOPT if held.stop_loss is not None and not is_gone:
            pass
        case _:
            step.say(f"{REFUSED}: {event.item} ({item.detail}) cannot be settled by {event.action}")
            return
    release(step, event.item)
    step.conclude(text)
    ask_books(step, "an item was settled", attempt=0)


def _is_surplus(step: Step, item: QuarantineItem) -> bool:
    """Tell whether a position is still beyond the one that is allowed."""
    return item.kind is DiscrepancyClass.DUPLICATE and len(step.books.positions) > 1


def _revive(step: Step, held: OpenPosition, text: str) -> None:
    """Let an entry that was given up count as filled, so that its position may stay."""
    intent = step.books.intents.get(held.intent_id)
    if intent is not None and intent.state in LATE_STATES:
        step.put_intent(replace(intent, state=IntentState.FILLED, resolution=text))
