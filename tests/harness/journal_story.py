"""A small bot with one rule, and a day of its life, for tests of the journal.

The journal records whatever a `decide` says. This one is short enough to see at a glance what
each event must leave on disk: a tick leaves nothing but itself, a closed bar orders an intent,
a fill opens a position, the end of an order closes it as a trade.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from palmbot.core.params import EngineParams
from palmbot.core.state import (
    Books,
    ClosedPosition,
    Decision,
    Discrepancy,
    DiscrepancyClass,
    EngineState,
    MarketView,
    OpenPosition,
    initial_state,
)
from palmbot.domain.commands import RaiseAlarm, Severity, StoreIntent
from palmbot.domain.events import (
    BarClosed,
    Event,
    IntentStored,
    LinkLost,
    OperatorHalted,
    SentimentUpdated,
    Started,
    TimePassed,
)
from palmbot.domain.market import Bar, Side, Tick
from palmbot.domain.orders import Intent, IntentKind, IntentState, OrderStyle, Trade
from palmbot.domain.units import (
    IntentId,
    Money,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

ACCOUNT_ID = 777
SYMBOL = "PALMOIL"
PARAMS = EngineParams(account_id=ACCOUNT_ID, symbol_name=SYMBOL)
START = initial_state(PARAMS)


def decide(state: EngineState, event: Event, params: EngineParams) -> Decision:
    """Advance the small bot by one event."""
    sequence = state.sequence + 1
    state = replace(state, sequence=sequence)
    match event:
        case Tick():
            market = MarketView(time=event.time, tick=event)
            return Decision(state=replace(state, market=market))
        case BarClosed():
            return _order(state, event, params)
        case IntentStored():
            return _fill(state, event.intent_id)
        case LinkLost():
            return _close(state)
        case OperatorHalted():
            alarm = RaiseAlarm(severity=Severity.WARNING, text=event.reason)
            return Decision(state=state, commands=(alarm,), reason=f"halted by {event.actor}")
        case _:
            return Decision(state=state)


def tick(index: int) -> Tick:
    """Return the price of a moment."""
    bid = 100_000_000 + index * 1_000
    time = TimestampMs(1_700_000_000_000 + index * 200)
    return Tick(symbol_id=SymbolId(1154), time=time, bid=Price(bid), ask=Price(bid + 200_000))


def bar(index: int) -> BarClosed:
    """Return a closed bar."""
    price = Price(100_000_000 + index)
    return BarClosed(
        bar=Bar(
            open_time=TimestampMs(1_700_000_000_000 + index * 300_000),
            open=price,
            high=price,
            low=price,
            close=price,
            volume=3,
        )
    )


def story(rounds: int = 3, *, ticks: int = 5, first_round: int = 0) -> Iterator[Event]:
    """Yield a start, then rounds of ticks, a bar, an order, its fill and its end."""
    yield Started(time=TimestampMs(1_700_000_000_000), run_id="r1", nonce=2**80 - 1)
    for number in range(first_round, first_round + rounds):
        for index in range(ticks):
            yield tick(number * ticks + index)
        yield SentimentUpdated(
            score=-12,
            confidence=0.1 + number / 3,
            domains=4,
            has_driver=True,
            as_of=TimestampMs(1),
            source='quotes " and \\ and ünïcode',
        )
        yield bar(number)
        yield IntentStored(intent_id=intent_id(number), age_ms=3, order_budget=40)
        yield TimePassed(time=TimestampMs(1_700_000_000_000 + number))
        yield LinkLost(generation=number + 1, reason="cut")
    yield OperatorHalted(actor="test", reason="enough")


def steps(
    events: Iterator[Event], state: EngineState = START, params: EngineParams = PARAMS
) -> Iterator[tuple[Event, Decision]]:
    """Yield every event with what was decided about it."""
    for event in events:
        decision = decide(state, event, params)
        state = decision.state
        yield event, decision


def intent_id(number: int) -> IntentId:
    """Return the id of the only order of a round."""
    return IntentId(f"{number:026d}")


def intent(number: int, state: IntentState = IntentState.STORED) -> Intent:
    """Return the only order of a round."""
    return Intent(
        intent_id=intent_id(number),
        kind=IntentKind.ENTRY,
        style=OrderStyle.MARKET,
        state=state,
        symbol_id=SymbolId(1154),
        side=Side.BUY,
        volume=Volume(1_000),
        strategy="rsi",
        bar_time=TimestampMs(1_700_000_000_000 + number * 300_000),
        reason="RSI 28.1 below 30",
        created_at=TimestampMs(1_700_000_000_000),
        generation=1,
        epoch=0,
        decision_price=Price(100_000_000),
        stop_distance=Price(1_500_000),
        target_distance=Price(2_000_000),
    )


def _order(state: EngineState, event: BarClosed, params: EngineParams) -> Decision:
    number = int(event.bar.close) - 100_000_000
    order = replace(intent(number), strategy=params.strategy)
    books = Books(intents={order.intent_id: order}, positions=state.books.positions)
    return Decision(
        state=replace(state, books=books),
        commands=(StoreIntent(intent=order),),
        reason=order.reason,
        changed_intents=(order,),
    )


def _fill(state: EngineState, order_id: IntentId) -> Decision:
    order = replace(
        state.books.intents[order_id], state=IntentState.FILLED, filled_volume=Volume(1_000)
    )
    position = OpenPosition(
        position_id=PositionId(int(order_id) + 1),
        intent_id=order_id,
        symbol_id=order.symbol_id,
        side=order.side,
        volume=order.volume,
        entry_price=order.decision_price,
        entry_volume=order.volume,
        stop_loss=Price(98_500_000),
        take_profit=None,
        intended_stop=Price(98_500_000),
        intended_target=Price(102_000_000),
        opened_at=order.created_at,
        entry_reason=order.reason,
    )
    books = Books(intents={order_id: order}, positions={position.position_id: position})
    return Decision(
        state=replace(state, books=books),
        reason="filled",
        changed_intents=(order,),
        changed_positions=(position,),
    )


def _close(state: EngineState) -> Decision:
    position = state.position
    if position is None:
        return Decision(state=state, reason="link lost")
    closed = ClosedPosition(
        position_id=position.position_id,
        intent_id=position.intent_id,
        closed_at=state.market.time,
        reason="take profit",
    )
    trade = Trade(
        position_id=position.position_id,
        intent_id=position.intent_id,
        side=position.side,
        volume=position.volume,
        entry_time=position.opened_at,
        entry_price=position.entry_price,
        exit_time=state.market.time,
        exit_price=position.intended_target,
        profit=Money(-(10**12)),
        entry_reason=position.entry_reason,
        exit_reason="take profit",
    )
    found = Discrepancy(
        kind=DiscrepancyClass.CLOSED_WHILE_AWAY,
        item=f"position:{position.position_id}",
        detail="open here, closed there",
        action="booked",
    )
    return Decision(
        state=replace(state, books=Books(intents=state.books.intents)),
        reason="link lost",
        changed_positions=(closed,),
        closed_trades=(trade,),
        discrepancies=(found,),
    )
