"""What the broker executed, applied to our books: once each, in whatever order it arrives.

Events and the broker's books speak through the same three functions, so that a fill missed
during a link loss is booked exactly as if it had been heard.
"""

from msgspec.structs import replace

from palmbot.core.intents import advance
from palmbot.core.sizing import read_distance, round_level
from palmbot.core.state import NO_VOLUME, ClosedPosition, OpenPosition
from palmbot.core.step import Step
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import OrderEnd
from palmbot.domain.market import Side
from palmbot.domain.orders import (
    PERHAPS_AT_BROKER,
    BrokerOrder,
    Fill,
    Intent,
    IntentKind,
    IntentState,
    Position,
    Trade,
    parse_label,
)
from palmbot.domain.units import (
    MONEY_SCALE,
    PRICE_SCALE,
    IntentId,
    Money,
    PositionId,
    Price,
    Volume,
)

APPLIED_DEALS_MAX = 256
"""Fills remembered. One position at a time has a handful, so the open one's are all in here."""

STOP_LOSS = "stop loss"
TAKE_PROFIT = "take profit"
MANUAL = "manual"
CLOSED_BY_BOT = "closed by the bot"
GONE = "the position is gone"

END_STATES = {
    OrderEnd.REJECTED: IntentState.REJECTED,
    OrderEnd.EXPIRED: IntentState.EXPIRED,
    OrderEnd.CANCELLED: IntentState.CANCELLED,
}


def find_intent(step: Step, order: BrokerOrder) -> Intent | None:
    """Return the intent behind an order: an entry by its id, a close by its position."""
    if order.is_protection:
        return None
    if order.is_closing:
        return _find_close(step, order)
    intents = step.books.intents
    found = intents.get(IntentId(order.client_order_id))
    if found is None:
        intent_id = parse_label(order.label, step.params.environment)
        found = intents.get(intent_id) if intent_id is not None else None
    return found if found is not None and found.kind is IntentKind.ENTRY else None


def apply_accepted(step: Step, order: BrokerOrder) -> bool:
    """Take in that the broker holds an order; True if that told us something."""
    intent = find_intent(step, order)
    if intent is None:
        return False
    bound = bind(intent, order)
    if bound != intent:
        step.put_intent(bound)
    return advance(step, bound, IntentState.ACCEPTED) != intent


def apply_fill(
    step: Step, order: BrokerOrder | None, fill: Fill, position: Position | None
) -> bool:
    """Take in one execution; True if it changed our books.

    `order` is None where a reading of the books no longer shows it. `position` is the
    position as reported with the fill, used for its levels and its exact average price.
    A fill that does not fit our books yet changes nothing and is not remembered: the
    comparison with the broker's books brings it again, in order.
    """
    if fill.deal_id in step.books.applied_deals:
        return False
    is_closing = fill.closing is not None or (order is not None and order.is_closing)
    if is_closing:
        is_applied = _close_part(step, order, fill, position)
    else:
        is_applied = _open_part(step, order, fill, position)
    if is_applied:
        deals = (*step.books.applied_deals, fill.deal_id)[-APPLIED_DEALS_MAX:]
        step.set_books(replace(step.books, applied_deals=deals))
    return is_applied


def apply_ended(step: Step, order: BrokerOrder, end: OrderEnd, reason: str) -> bool:
    """Take in the end of an order without a (further) fill; True if that told us something."""
    for cancel in tuple(step.books.intents.values()):
        if cancel.kind is IntentKind.CANCEL and cancel.order_id == order.order_id:
            advance(step, cancel, IntentState.FILLED, f"order {end}")
    intent = find_intent(step, order)
    if intent is None:
        return False
    bound = bind(intent, order)
    if bound != intent:
        step.put_intent(bound)
    moved = advance(step, bound, END_STATES[end], reason or str(end))
    if moved != bound:
        step.conclude(f"{intent.kind} {end}: {reason or 'no reason given'}")
    return moved != intent


def apply_balance(step: Step, balance: Money, version: int) -> None:
    """Take in a balance unless a younger one is known; version 0 means that nobody says."""
    books = step.books
    if version == 0 or version >= books.balance_version:
        version = version or books.balance_version
        step.set_books(replace(books, balance=balance, balance_version=version))


def bind(intent: Intent, order: BrokerOrder) -> Intent:
    """Return the intent with the ids the broker gave it."""
    return replace(
        intent,
        order_id=intent.order_id or order.order_id or None,
        position_id=intent.position_id or order.position_id or None,
    )


def adopt_position(step: Step, position: Position, intent_id: IntentId) -> OpenPosition:
    """Take a position of ours into the books as the broker shows it, and with it its entry."""
    intent = step.books.intents.get(intent_id)
    heard = intent.filled_volume if intent is not None else NO_VOLUME
    stop, target = read_intended_levels(step, position.side, position.entry_price, intent)
    adopted = OpenPosition(
        position_id=position.position_id,
        intent_id=intent_id,
        symbol_id=position.symbol_id,
        side=position.side,
        volume=position.volume,
        entry_price=position.entry_price,
        entry_volume=position.volume,
        unexplained_volume=position.volume - heard,
        stop_loss=position.stop_loss,
        take_profit=position.take_profit,
        intended_stop=stop,
        intended_target=target,
        opened_at=position.opened_at,
        entry_reason=intent.reason if intent is not None else "found at the broker",
        swap=position.swap,
        commission=position.commission,
    )
    step.put_position(adopted)
    if intent is not None:
        filled = max(heard, position.volume)
        step.put_intent(replace(intent, position_id=position.position_id, filled_volume=filled))
    return adopted


def correct_position(step: Step, held: OpenPosition, position: Position) -> None:
    """Take over side and volume from the broker's record, whatever fills were heard."""
    intent = step.books.intents.get(held.intent_id)
    stop, target = read_intended_levels(step, position.side, position.entry_price, intent)
    added = max(NO_VOLUME, position.volume - held.volume)
    is_turned = position.side is not held.side
    more = 0 if is_turned else position.volume - held.volume
    step.put_position(
        replace(
            held,
            side=position.side,
            volume=position.volume,
            entry_price=position.entry_price,
            entry_volume=Volume(held.entry_volume + added),
            unexplained_volume=held.unexplained_volume + more,
            is_yielding=False,
            stop_loss=position.stop_loss,
            take_profit=position.take_profit,
            intended_stop=stop,
            intended_target=target,
        )
    )
    if intent is not None:
        step.put_intent(replace(intent, filled_volume=Volume(intent.filled_volume + added)))


def read_intended_levels(
    step: Step, side: Side, entry: Price, intent: Intent | None
) -> tuple[Price, Price]:
    """Return stop and target for an entry at this price, on the price step.

    From the distances of the intent; for a position without one, from the settings. An
    average price may lie between two steps: both levels are then rounded towards the entry.
    """
    if step.state.symbol is None:
        raise BooksDoNotBalance("a position without a contract")
    price_step = step.state.symbol.price_step
    stop = intent.stop_distance if intent is not None else None
    target = intent.target_distance if intent is not None else None
    if stop is None:
        stop = read_distance(entry, step.params.stop_loss_bp, price_step)
    if target is None:
        target = read_distance(entry, step.params.take_profit_bp, price_step)
    return (
        round_level(entry - side.sign * stop, entry, price_step),
        round_level(entry + side.sign * target, entry, price_step),
    )


def _open_part(
    step: Step, order: BrokerOrder | None, fill: Fill, position: Position | None
) -> bool:
    intent = _find_entry(step, order, fill)
    if intent is None or fill.position_id in step.books.closed_positions:
        return False
    held = step.books.positions.get(fill.position_id)
    news = fill.volume if held is None else _read_news(held, fill)
    if intent.filled_volume + news > intent.volume:
        return False
    bound = replace(
        intent,
        order_id=fill.order_id,
        position_id=fill.position_id,
        filled_volume=Volume(intent.filled_volume + news),
    )
    step.put_intent(bound)
    # A late arrival keeps its state, by which the comparison recognises and closes it.
    if intent.state not in {IntentState.LOST, IntentState.CANCELLED_LOCALLY}:
        is_whole = bound.filled_volume >= intent.volume
        advance(step, bound, IntentState.FILLED if is_whole else IntentState.PARTIAL)
    opened = _begin(step, fill, bound) if held is None else _enlarge(step, held, fill, bound)
    if position is not None and position.volume == opened.volume:
        opened = replace(
            opened,
            entry_price=position.entry_price,
            stop_loss=position.stop_loss,
            take_profit=position.take_profit,
            swap=position.swap,
            commission=position.commission,
        )
        stop, target = read_intended_levels(step, opened.side, opened.entry_price, bound)
        opened = replace(opened, intended_stop=stop, intended_target=target)
    step.put_position(opened)
    verb = "bought" if fill.side is Side.BUY else "sold"
    step.conclude(f"{verb} {fill.volume / 100:g} at {fill.price / PRICE_SCALE:g}, {intent.reason}")
    return True


def _begin(step: Step, fill: Fill, intent: Intent) -> OpenPosition:
    stop, target = read_intended_levels(step, fill.side, fill.price, intent)
    return OpenPosition(
        position_id=fill.position_id,
        intent_id=intent.intent_id,
        symbol_id=fill.symbol_id,
        side=fill.side,
        volume=fill.volume,
        entry_price=fill.price,
        entry_volume=fill.volume,
        stop_loss=None,
        take_profit=None,
        intended_stop=stop,
        intended_target=target,
        opened_at=fill.time,
        entry_reason=intent.reason,
        commission=fill.commission,
    )


def _enlarge(step: Step, held: OpenPosition, fill: Fill, intent: Intent) -> OpenPosition:
    news = _read_news(held, fill)
    known = fill.volume - news
    volume = Volume(held.volume + news)
    value = held.entry_price * held.volume + fill.price * news
    entry = Price((2 * value + volume) // (2 * volume))
    stop, target = read_intended_levels(step, held.side, entry, intent)
    return replace(
        held,
        volume=volume,
        entry_price=entry,
        entry_volume=Volume(held.entry_volume + news),
        unexplained_volume=held.unexplained_volume - known,
        intended_stop=stop,
        intended_target=target,
        commission=held.commission if known else Money(held.commission + fill.commission),
    )


def _read_news(held: OpenPosition, fill: Fill) -> Volume:
    """Return by how much a fill changes the volume, beyond what was taken over unexplained."""
    unexplained = held.unexplained_volume if fill.closing is None else -held.unexplained_volume
    return Volume(fill.volume - min(max(unexplained, 0), fill.volume))


def _find_entry(step: Step, order: BrokerOrder | None, fill: Fill) -> Intent | None:
    if order is not None:
        return find_intent(step, order)
    for intent in step.books.intents.values():
        if intent.kind is IntentKind.ENTRY and intent.order_id == fill.order_id:
            return intent
    return None


def _close_part(
    step: Step, order: BrokerOrder | None, fill: Fill, position: Position | None
) -> bool:
    held = step.books.positions.get(fill.position_id)
    if fill.closing is not None:
        apply_balance(step, fill.closing.balance, fill.closing.balance_version)
    if held is None or fill.closing is None or fill.side is held.side:
        return False
    news = _read_news(held, fill)
    if news > held.volume:
        return False
    if news == held.volume and position is not None:
        return False  # part of its entry was not heard: what is still open must not be forgotten
    close = _find_close(step, order) if order is not None and not order.is_protection else None
    if close is not None and order is not None:
        bound = replace(bind(close, order), filled_volume=Volume(close.filled_volume + fill.volume))
        step.put_intent(bound)
        is_whole = bound.filled_volume >= bound.volume
        advance(step, bound, IntentState.FILLED if is_whole else IntentState.PARTIAL)
    part = replace(
        held,
        volume=Volume(held.volume - news),
        unexplained_volume=held.unexplained_volume + fill.volume - news,
        closed_volume=Volume(held.closed_volume + fill.volume),
        closed_value=held.closed_value + fill.price * fill.volume,
        closed_profit=Money(held.closed_profit + fill.closing.net_profit),
    )
    if part.volume > 0:
        step.put_position(part)
        step.conclude(f"closed {fill.volume / 100:g} of position {part.position_id}")
        return True
    _book_trade(step, part, fill, _read_exit_reason(held, order, close, fill))
    return True


def _book_trade(step: Step, position: OpenPosition, fill: Fill, exit_reason: str) -> None:
    trade = Trade(
        position_id=position.position_id,
        intent_id=position.intent_id,
        side=position.side,
        volume=position.closed_volume,
        entry_time=position.opened_at,
        entry_price=position.entry_price,
        exit_time=fill.time,
        exit_price=Price(round(position.closed_value / position.closed_volume)),
        profit=position.closed_profit,
        entry_reason=position.entry_reason,
        exit_reason=exit_reason,
    )
    step.drop_position(
        ClosedPosition(
            position_id=position.position_id,
            intent_id=position.intent_id,
            closed_at=fill.time,
            reason=exit_reason,
        ),
        trade,
    )
    settle_protective(step, position.position_id)
    tally = step.state.tally
    gain = max(0, trade.profit)
    step.set_tally(
        replace(
            tally,
            trades=tally.trades + 1,
            wins=tally.wins + (trade.profit > 0),
            gross_profit=Money(tally.gross_profit + gain),
            gross_loss=Money(tally.gross_loss + gain - trade.profit),
        )
    )
    step.conclude(
        f"position {position.position_id} closed by {exit_reason} at "
        f"{trade.exit_price / PRICE_SCALE:g}, profit {trade.profit / MONEY_SCALE:.2f}"
    )


def settle_protective(step: Step, position_id: PositionId) -> None:
    """End the requests for a position that is gone: they have nothing left to do."""
    for intent in tuple(step.books.intents.values()):
        is_for_it = intent.position_id == position_id and intent.kind is not IntentKind.ENTRY
        if is_for_it and intent.state in PERHAPS_AT_BROKER:
            advance(step, intent, IntentState.CANCELLED, GONE)
        elif is_for_it and intent.state is IntentState.NEW:
            step.put_intent(replace(intent, state=IntentState.CANCELLED_LOCALLY, resolution=GONE))


def _read_exit_reason(
    held: OpenPosition, order: BrokerOrder | None, close: Intent | None, fill: Fill
) -> str:
    """Return why a position ended. A stop or target is told apart by which level is nearer."""
    if close is not None:
        return CLOSED_BY_BOT
    if order is not None and not order.is_protection:
        return MANUAL
    stop = held.stop_loss or held.intended_stop
    target = held.take_profit or held.intended_target
    return STOP_LOSS if abs(fill.price - stop) <= abs(fill.price - target) else TAKE_PROFIT


def _find_close(step: Step, order: BrokerOrder) -> Intent | None:
    """Return our close behind a closing order, which carries no id of ours."""
    closes = [
        intent
        for intent in step.books.intents.values()
        if intent.kind is IntentKind.CLOSE and intent.position_id == order.position_id
    ]
    for intent in closes:
        if intent.order_id == order.order_id:
            return intent
    unbound = [
        intent for intent in closes if intent.state in PERHAPS_AT_BROKER and intent.order_id is None
    ]
    return unbound[0] if unbound else None
