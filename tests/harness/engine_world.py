"""A scripted world around `decide`: a bot, a market and a broker whose books are the truth."""

from msgspec.structs import replace

from palmbot.core.breakers.rules import BreakerRules, Unknown
from palmbot.core.engine import decide
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.core.state import (
    Decision,
    EngineState,
    LinkPhase,
    OpenPosition,
    initial_state,
)
from palmbot.domain.commands import Command, RaiseAlarm, Send, StoreIntent
from palmbot.domain.events import (
    BarsLoaded,
    BooksReported,
    Event,
    IntentStored,
    LinkReady,
    OrderAccepted,
    OrderFilled,
    OrderRefused,
    PositionChanged,
    Started,
)
from palmbot.domain.market import (
    ALWAYS_OPEN,
    Account,
    AccountKind,
    Bar,
    ConversionLeg,
    Side,
    Symbol,
    Tick,
    TradingMode,
)
from palmbot.domain.orders import (
    BrokerBooks,
    BrokerOrder,
    Closing,
    Environment,
    Fill,
    Intent,
    IntentKind,
    IntentState,
    OrderStatus,
    Payment,
    Position,
    render_label,
)
from palmbot.domain.units import (
    AccountId,
    DealId,
    IntentId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

PALM = SymbolId(1154)
USDMYR = SymbolId(9)
ACCOUNT = AccountId(7001)
START = TimestampMs(1_767_578_400_000)
"""2026-01-05 02:00 UTC, a Monday, on a five-minute boundary."""
PERIOD = 300_000
BALANCE = Money(10_000 * 10**8)
PRICE = Price(100_000_000)
"""1000.00"""
SPREAD = 100_000
EASY = EngineParams(
    account_id=ACCOUNT,
    symbol_name="PALMOIL",
    rsi_period=2,
    warm_up_bars=3,
    history_bars=3,
    sentiment=SentimentRules(mode=SentimentMode.OFF),
    breakers=BreakerRules(unknown=Unknown.ALLOW, fresh_ticks=1),
)
"""An RSI that falling prices drive to 0 within three bars."""


def make_symbol(**changes) -> Symbol:
    symbol = Symbol(
        symbol_id=PALM,
        name="PALMOIL",
        digits=2,
        quote_asset="USD",
        lot_size=Volume(1000),
        volume_min=Volume(100),
        volume_step=Volume(100),
        volume_max=Volume(100_000),
        stop_distance_min=Price(20_000),
        target_distance_min=Price(20_000),
        trading_mode=TradingMode.ENABLED,
        is_short_selling_allowed=True,
        leverage=10.0,
        hours=ALWAYS_OPEN,
    )
    return replace(symbol, **changes)


def make_account(**changes) -> Account:
    account = Account(
        account_id=ACCOUNT,
        login=42,
        broker="paper",
        is_live=False,
        kind=AccountKind.HEDGED,
        is_limited_risk=False,
        can_trade=True,
        currency="USD",
        balance=BALANCE,
        balance_version=1,
    )
    return replace(account, **changes)


def make_tick(
    time: int, bid: int = PRICE, spread: int = SPREAD, symbol_id: SymbolId = PALM
) -> Tick:
    return Tick(
        symbol_id=symbol_id, time=TimestampMs(time), bid=Price(bid), ask=Price(bid + spread)
    )


def make_bar(open_time: int, close: int = PRICE) -> Bar:
    price = Price(close)
    return Bar(
        open_time=TimestampMs(open_time), open=price, high=price, low=price, close=price, volume=1
    )


def falling_bars(count: int, until: int = START, close: int = PRICE) -> tuple[Bar, ...]:
    """Bars that end at `until`, the last closing at `close`."""
    return tuple(
        make_bar(until - PERIOD * back, close + 100_000 * (back - 1))
        for back in range(count, 0, -1)
    )


class PaperBroker:
    """An account without faults: whoever passes its events on to the bot may add some."""

    def __init__(self, environment: Environment = Environment.SIMULATOR) -> None:
        self.environment = environment
        self.now: int = START
        self.bid: int = PRICE
        self.balance: int = BALANCE
        self.balance_version = 1
        self.positions: dict[PositionId, Position] = {}
        self.orders: list[BrokerOrder] = []
        self.fills: list[Fill] = []
        self.entries: list[IntentId] = []
        self.payments: list[Payment] = []
        self._last_id = 100

    def execute(self, intent: Intent) -> list[Event]:
        """Carry a request out in full; return what the broker would push."""
        if intent.kind is IntentKind.ENTRY:
            return self.enter(intent, [intent.volume])
        position_id = intent.position_id
        if position_id not in self.positions:
            refused = OrderRefused(
                intent_id=intent.intent_id, code="POSITION_NOT_FOUND", reason="already gone"
            )
            return [refused]
        if intent.kind is IntentKind.CLOSE:
            return self.close(position_id, is_protection=False)
        return self.amend(position_id, intent.stop_loss, intent.take_profit)

    def enter(self, intent: Intent, parts: list[Volume], *, with_stop: bool = True) -> list[Event]:
        """Fill an entry in parts; the stop comes with it as on the wire."""
        self.entries.append(intent.intent_id)
        label = render_label(self.environment, intent.intent_id)
        order = BrokerOrder(
            order_id=OrderId(self._draw()),
            symbol_id=intent.symbol_id,
            side=intent.side,
            volume=intent.volume,
            executed_volume=Volume(0),
            status=OrderStatus.ACCEPTED,
            is_closing=False,
            is_protection=False,
            position_id=PositionId(self._draw()),
            label=label,
            client_order_id=intent.intent_id,
            updated_at=TimestampMs(self.now),
        )
        price = Price(self.bid + (SPREAD if intent.side is Side.BUY else 0))
        sign = intent.side.sign
        stop = Price(price - sign * intent.stop_distance) if with_stop else None
        events: list[Event] = [OrderAccepted(order=order)]
        done = 0
        for part in parts:
            done += part
            is_partial = done < intent.volume
            order = replace(
                order,
                executed_volume=Volume(done),
                status=OrderStatus.ACCEPTED if is_partial else OrderStatus.FILLED,
            )
            position = Position(
                position_id=order.position_id,
                symbol_id=intent.symbol_id,
                side=intent.side,
                volume=Volume(done),
                entry_price=price,
                stop_loss=stop,
                take_profit=Price(price + sign * intent.target_distance),
                opened_at=TimestampMs(self.now),
                swap=Money(0),
                commission=Money(0),
                label=label,
            )
            fill = self._fill(order, intent.side, part, price, None)
            self.positions[position.position_id] = position
            events.append(
                OrderFilled(order=order, fill=fill, position=position, is_partial=is_partial)
            )
        self.orders.append(order)
        return events

    def close(
        self, position_id: PositionId, price: int | None = None, *, is_protection: bool = True
    ) -> list[Event]:
        """Close a whole position, by its stop or target unless said otherwise."""
        position = self.positions.pop(position_id)
        at = Price(price if price is not None else self.bid)
        sign = position.side.sign
        profit = Money(sign * (at - position.entry_price) * position.volume * 10)
        self.balance += profit
        self.balance_version += 1
        order = BrokerOrder(
            order_id=OrderId(self._draw()),
            symbol_id=position.symbol_id,
            side=position.side.opposite,
            volume=position.volume,
            executed_volume=position.volume,
            status=OrderStatus.FILLED,
            is_closing=True,
            is_protection=is_protection,
            position_id=position_id,
            label=position.label,
            client_order_id="",
            updated_at=TimestampMs(self.now),
        )
        closing = Closing(
            entry_price=position.entry_price,
            gross_profit=profit,
            swap=Money(0),
            commission=Money(0),
            balance=Money(self.balance),
            balance_version=self.balance_version,
        )
        fill = self._fill(order, position.side.opposite, position.volume, at, closing)
        self.orders.append(order)
        return [OrderFilled(order=order, fill=fill, position=None, is_partial=False)]

    def amend(
        self, position_id: PositionId, stop: Price | None, target: Price | None
    ) -> list[Event]:
        """Set both levels of a position."""
        position = replace(self.positions[position_id], stop_loss=stop, take_profit=target)
        self.positions[position_id] = position
        return [PositionChanged(position=position)]

    def add_foreign(self, symbol_id: SymbolId = PALM) -> PositionId:
        """Let somebody else open a position on the same account."""
        position_id = PositionId(self._draw())
        self.positions[position_id] = Position(
            position_id=position_id,
            symbol_id=symbol_id,
            side=Side.BUY,
            volume=Volume(500),
            entry_price=Price(self.bid),
            stop_loss=None,
            take_profit=None,
            opened_at=TimestampMs(self.now),
            swap=Money(0),
            commission=Money(0),
            label="",
        )
        return position_id

    def books(self) -> BrokerBooks:
        """Return a complete reading."""
        pending = tuple(order for order in self.orders if order.status is OrderStatus.ACCEPTED)
        return BrokerBooks(
            taken_at=TimestampMs(self.now),
            since=TimestampMs(0),
            positions=tuple(self.positions.values()),
            orders=pending,
            past_orders=tuple(self.orders),
            fills=tuple(self.fills),
            balance=Money(self.balance),
            balance_version=self.balance_version,
            payments=tuple(self.payments),
        )

    def _fill(
        self, order: BrokerOrder, side: Side, volume: Volume, price: Price, closing: Closing | None
    ) -> Fill:
        fill = Fill(
            deal_id=DealId(self._draw()),
            order_id=order.order_id,
            position_id=order.position_id,
            symbol_id=order.symbol_id,
            side=side,
            volume=volume,
            price=price,
            time=TimestampMs(self.now),
            commission=Money(0),
            closing=closing,
        )
        self.fills.append(fill)
        return fill

    def _draw(self) -> int:
        self._last_id += 1
        return self._last_id


class World:
    """One bot and one paper account; every call of `give` is one decision."""

    def __init__(self, params: EngineParams = EASY, nonce: int = 5) -> None:
        self.params = params
        self.state: EngineState = initial_state(params)
        self.broker = PaperBroker()
        self.history: list[tuple[Event, Decision]] = []
        self.legs: tuple[ConversionLeg, ...] = ()
        self.symbol = make_symbol()
        self.account = make_account()
        self.generation = 0
        self.give(Started(time=START, run_id="r1", nonce=nonce))

    def give(self, *events: Event) -> Decision:
        """Decide the events in order; return the last decision."""
        for event in events:
            decision = decide(self.state, event, self.params)
            self.state = decision.state
            self.history.append((event, decision))
        return decision

    @property
    def commands(self) -> list[Command]:
        """Everything the bot asked for so far."""
        return [command for _, decision in self.history for command in decision.commands]

    @property
    def sends(self) -> list[Intent]:
        """Every request that left so far."""
        return [command.intent for command in self.commands if isinstance(command, Send)]

    @property
    def alarms(self) -> list[str]:
        """Every alarm so far."""
        return [command.text for command in self.commands if isinstance(command, RaiseAlarm)]

    def connect(self) -> Decision:
        """Bring up the next connection."""
        self.generation += 1
        return self.give(
            LinkReady(
                generation=self.generation,
                account=self.account,
                symbol=self.symbol,
                conversion=self.legs,
            )
        )

    def read_books(self) -> Decision:
        """Answer the query for the books with the truth."""
        return self.give(BooksReported(generation=self.generation, books=self.broker.books()))

    def load_bars(self, bars: tuple[Bar, ...] | None = None) -> Decision:
        """Answer the query for history; by default with three falling bars."""
        loaded = falling_bars(4, self.broker.now) if bars is None else bars
        return self.give(BarsLoaded(generation=self.generation, bars=loaded))

    def settle(self, readings: int = 12) -> None:
        """Answer queries and requests until the books agree."""
        for _ in range(readings):
            self.carry_out()
            if self.state.link.phase is LinkPhase.CONSISTENT:
                return
            self.read_books()

    def make_ready(self) -> None:
        """Connect, compare, load history: entries are possible from here on."""
        self.connect()
        self.read_books()
        self.load_bars()
        self.tick()

    def tick(self, bid: int | None = None, time: int | None = None) -> Decision:
        """Show the bot a price; the time moves on only if said so."""
        self.broker.bid = bid if bid is not None else self.broker.bid
        self.broker.now = time if time is not None else self.broker.now
        return self.give(make_tick(self.broker.now, self.broker.bid))

    def fall(self, by: int = 100_000) -> Decision:
        """Let the price fall over a whole bar and into the next, which signals a buy."""
        self.tick(self.broker.bid - by)
        return self.tick(time=self.broker.now + PERIOD)

    def rise(self, by: int = 100_000) -> Decision:
        """The same upwards: a sell, once the falls before are outweighed."""
        self.tick(self.broker.bid + by)
        return self.tick(time=self.broker.now + PERIOD)

    def stored(self, decision: Decision, **changes) -> Decision:
        """Answer the wish to store an intent."""
        (command,) = (each for each in decision.commands if isinstance(each, StoreIntent))
        facts = {"intent_id": command.intent.intent_id, "age_ms": 1, "order_budget": 40, **changes}
        return self.give(IntentStored(**facts))

    def carry_out(self) -> None:
        """Store and execute every request that waits for it, and tell the bot."""
        for intent in tuple(self.state.books.intents.values()):
            if intent.state is IntentState.NEW:
                decision = self.give(
                    IntentStored(intent_id=intent.intent_id, age_ms=1, order_budget=40)
                )
                for command in decision.commands:
                    if isinstance(command, Send):
                        self.give(*self.broker.execute(command.intent))

    def enter(self) -> OpenPosition:
        """Get a long position the ordinary way."""
        self.stored(self.fall())
        self.give(*self.broker.execute(self.sends[-1]))
        position = self.state.position
        if position is None:
            raise AssertionError(self.state.last_decision)
        return position
