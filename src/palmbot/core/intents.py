"""Building and moving intents: a new id each, forward only, sent once."""

from msgspec.structs import replace

from palmbot.core.gate import Allowed, Answer, Denial, Denied, authorize
from palmbot.core.sizing import Sized, read_distance, round_level
from palmbot.core.state import OpenPosition
from palmbot.core.step import Step
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import IntentStored
from palmbot.domain.market import Side, Tick
from palmbot.domain.orders import (
    CROCKFORD,
    IN_FLIGHT,
    INTENT_ID_LENGTH,
    PERHAPS_AT_BROKER,
    BrokerOrder,
    Intent,
    IntentKind,
    IntentState,
    OrderStyle,
)
from palmbot.domain.units import (
    MS_PER_DAY,
    MS_PER_MINUTE,
    IntentId,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

NONCE_BITS = 80
BITS_PER_CHARACTER = 5
EVIDENCE_RANK = {
    IntentState.UNKNOWN: 0,
    IntentState.NEW: 0,
    IntentState.STORED: 0,
    IntentState.SENT: 0,
    IntentState.ACCEPTED: 1,
    IntentState.PARTIAL: 2,
    IntentState.CANCELLED_LOCALLY: 2,
    IntentState.LOST: 2,
    IntentState.REJECTED: 3,
    IntentState.EXPIRED: 3,
    IntentState.CANCELLED: 3,
    IntentState.FILLED: 3,
}
"""How much is proven. Evidence moves an intent up, never down or sideways: what was given up is
not revived by an acceptance, so that the comparison still recognises a late arrival."""


def make_intent_id(time: TimestampMs, nonce: int, counter: int) -> IntentId:
    """Return an id of 26 characters: 48 bits of market time, 80 bits of this run plus a counter.

    The same run makes the same ids again in replay, and no two runs the same.
    """
    number = ((time % (1 << 48)) << NONCE_BITS) | ((nonce + counter) % (1 << NONCE_BITS))
    characters = [
        CROCKFORD[(number >> (BITS_PER_CHARACTER * place)) & 31]
        for place in reversed(range(INTENT_ID_LENGTH))
    ]
    return IntentId("".join(characters))


def make_entry(  # noqa: PLR0913, PLR0917 - the facts of one entry
    step: Step, side: Side, bar_time: TimestampMs, tick: Tick, sized: Sized, reason: str
) -> Intent:
    """Return a new entry at the price of `tick` for the bar whose signal is decided."""
    state = step.state
    params = step.params
    if state.symbol is None:
        raise BooksDoNotBalance("an entry without a contract")
    price = tick.ask if side is Side.BUY else tick.bid
    limit_price = None
    expires_at = None
    if params.order_style is OrderStyle.LIMIT:
        slack = read_distance(price, params.limit_tolerance_bp, state.symbol.price_step)
        limit_price = round_level(price + side.sign * slack, price, state.symbol.price_step)
        expires_at = TimestampMs(state.market.time + params.limit_life_ms)
    return Intent(
        intent_id=_draw_id(step),
        kind=IntentKind.ENTRY,
        style=params.order_style,
        state=IntentState.NEW,
        symbol_id=state.symbol.symbol_id,
        side=side,
        volume=sized.volume,
        strategy=params.strategy,
        bar_time=bar_time,
        reason=reason,
        created_at=state.market.time,
        generation=state.link.generation,
        epoch=state.switch.epoch,
        decision_price=price,
        stop_distance=sized.stop_distance,
        target_distance=sized.target_distance,
        limit_price=limit_price,
        expires_at=expires_at,
    )


def ask_close(step: Step, position: OpenPosition, reason: str) -> None:
    """Close the rest of a position by its id, unless that is under way."""
    if is_under_way(step, IntentKind.CLOSE, position.position_id):
        return
    _ask(step, _make_protective(step, IntentKind.CLOSE, position, reason))


def ask_amend(step: Step, position: OpenPosition, stop: Price, target: Price, reason: str) -> None:
    """Set both levels of a position, unless that is under way."""
    if is_under_way(step, IntentKind.AMEND, position.position_id):
        return
    intent = _make_protective(step, IntentKind.AMEND, position, reason)
    _ask(step, replace(intent, stop_loss=stop, take_profit=target))


def ask_cancel(step: Step, order: BrokerOrder, reason: str) -> None:
    """Cancel a resting order of ours, unless that is under way."""
    _cancel(step, order.order_id, order.symbol_id, order.side, order.volume, reason)


def ask_cancel_entry(step: Step, entry: Intent, reason: str) -> None:
    """Cancel the order that rests for an entry, unless that is under way."""
    if entry.order_id is not None:
        _cancel(step, entry.order_id, entry.symbol_id, entry.side, entry.volume, reason)


def _cancel(  # noqa: PLR0913, PLR0917 - the facts of one order
    step: Step, order_id: OrderId, symbol_id: SymbolId, side: Side, volume: Volume, reason: str
) -> None:
    for intent in step.books.intents.values():
        is_same = intent.kind is IntentKind.CANCEL and intent.order_id == order_id
        if is_same and intent.state in IN_FLIGHT:
            return
    state = step.state
    _ask(
        step,
        Intent(
            intent_id=_draw_id(step),
            kind=IntentKind.CANCEL,
            style=OrderStyle.MARKET,
            state=IntentState.NEW,
            symbol_id=symbol_id,
            side=side,
            volume=volume,
            strategy=step.params.strategy,
            bar_time=state.market.closed_until,
            reason=reason,
            created_at=state.market.time,
            generation=state.link.generation,
            epoch=state.switch.epoch,
            decision_price=Price(0),
            order_id=order_id,
        ),
    )


def store_intent(step: Step, allowed: Allowed) -> None:
    """Hand an intent that passed the gate to the journal."""
    intent = allowed.intent
    if intent.intent_id in step.books.intents:
        raise BooksDoNotBalance(f"intent id {intent.intent_id} was made twice")
    step.put_intent(intent)
    if intent.kind is IntentKind.ENTRY:
        step.set_books(replace(step.books, last_entry_bar=intent.bar_time))
    step.command(StoreIntent(intent=intent))


def on_stored(step: Step, event: IntentStored) -> None:
    """Ask the gate again now that the intent is on disk, and send it or let it be.

    The state must still be NEW, so an intent is sent once at most, whatever is repeated.
    """
    intent = step.books.intents.get(event.intent_id)
    if intent is None or intent.state is not IntentState.NEW:
        step.say(f"intent {event.intent_id} is not waiting to be sent")
        return
    if intent.position_id is not None and intent.position_id not in step.books.positions:
        answer: Answer = Denied(code=Denial.EXPOSURE, text="the position is gone")
    else:
        answer = authorize(step.state, step.params, intent, event)
    if isinstance(answer, Denied):
        text = f"{answer.code}: {answer.text}"
        step.put_intent(replace(intent, state=IntentState.CANCELLED_LOCALLY, resolution=text))
        step.conclude(f"{intent.kind} not sent, {text}")
        _count_refusal(step, answer)
        return
    sent = replace(answer.intent, state=IntentState.SENT, sent_at=step.state.market.time)
    step.put_intent(sent)
    _count_send(step, sent)
    step.command(Send(intent=sent))
    step.conclude(f"sent {_describe(sent)}")


def refuse_signal(step: Step, wish: str, denied: Denied) -> None:
    """Note a signal that does not become an entry."""
    step.conclude(f"{wish} refused, {denied.code}: {denied.text}")
    _count_refusal(step, denied)


def turn_unknown(step: Step, intent: Intent, reason: str) -> None:
    """Note that nobody can say what became of an intent; its slot is frozen from here on."""
    step.put_intent(replace(intent, state=IntentState.UNKNOWN, resolution=reason))
    step.conclude(f"fate of {intent.kind} {intent.intent_id} unknown: {reason}")


def turn_all_unknown(step: Step, reason: str) -> None:
    """Do so for everything that the broker may hold."""
    for intent in tuple(step.books.intents.values()):
        if intent.state in PERHAPS_AT_BROKER and intent.state is not IntentState.UNKNOWN:
            turn_unknown(step, intent, reason)


def advance(step: Step, intent: Intent, state: IntentState, resolution: str = "") -> Intent:
    """Move an intent up on broker evidence, and return it; evidence of less changes nothing."""
    if EVIDENCE_RANK[state] <= EVIDENCE_RANK[intent.state]:
        return intent
    moved = replace(intent, state=state, resolution=resolution or intent.resolution)
    step.put_intent(moved)
    return moved


def is_under_way(step: Step, kind: IntentKind, position_id: PositionId) -> bool:
    """Tell whether a request of this kind for this position is in flight."""
    return any(
        intent.kind is kind and intent.position_id == position_id and intent.state in IN_FLIGHT
        for intent in step.books.intents.values()
    )


def _ask(step: Step, intent: Intent) -> None:
    answer = authorize(step.state, step.params, intent)
    if isinstance(answer, Denied):
        step.say(f"{intent.kind} ({intent.reason}) not possible, {answer.code}: {answer.text}")
        return
    store_intent(step, answer)
    step.conclude(f"{intent.kind}: {intent.reason}")


def _make_protective(step: Step, kind: IntentKind, position: OpenPosition, reason: str) -> Intent:
    state = step.state
    return Intent(
        intent_id=_draw_id(step),
        kind=kind,
        style=OrderStyle.MARKET,
        state=IntentState.NEW,
        symbol_id=position.symbol_id,
        side=position.side,
        volume=position.volume,
        strategy=step.params.strategy,
        bar_time=state.market.closed_until,
        reason=reason,
        created_at=state.market.time,
        generation=state.link.generation,
        epoch=state.switch.epoch,
        decision_price=Price(0),
        position_id=position.position_id,
    )


def _draw_id(step: Step) -> IntentId:
    state = step.state
    step.state = replace(state, intents_made=state.intents_made + 1)
    return make_intent_id(state.market.time, state.nonce, state.intents_made)


def _describe(intent: Intent) -> str:
    if intent.kind is IntentKind.ENTRY:
        verb = "buy" if intent.side is Side.BUY else "sell"
        return f"{verb} {_units(intent.volume)}: {intent.reason}"
    return f"{intent.kind}: {intent.reason}"


def _units(volume: Volume) -> str:
    return f"{volume / 100:g}"


def _count_refusal(step: Step, denied: Denied) -> None:
    tally = step.state.tally
    refusals = {**tally.refusals, denied.code.value: tally.refusals.get(denied.code.value, 0) + 1}
    step.set_tally(replace(tally, refusals=refusals))


def _count_send(step: Step, intent: Intent) -> None:
    tally = replace(step.state.tally, requests_sent=step.state.tally.requests_sent + 1)
    if intent.kind is IntentKind.ENTRY:
        now = step.state.market.time
        day = now // MS_PER_DAY
        recent = tuple(sent for sent in tally.entry_times if now - sent < MS_PER_MINUTE)
        tally = replace(
            tally,
            entries_sent=tally.entries_sent + 1,
            entry_times=(*recent, now),
            entry_day=day,
            entries_today=tally.entries_today + 1 if tally.entry_day == day else 1,
        )
    step.set_tally(tally)
