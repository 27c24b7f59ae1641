"""The exact engine: every bar of a file through `core.engine.decide`, as in live trading.

The bot hears what it would hear live: a bar closed, and with it the first price of the next one;
its intents are stored and sent; `paper_broker` fills them at that price and tests the levels on
every bar after it. Nothing of the strategy, the sizing, the gate or the breakers is written a
second time here. The sweep kernel is held to this engine, trade for trade.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from typing import Final

import numpy as np

from palmbot.core.breakers.book import BreakerChange
from palmbot.core.breakers.rules import BreakerRules, Unknown
from palmbot.core.engine import decide
from palmbot.core.fills import ExitFill, ExitKind
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.core.state import EngineState, initial_state
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Command, QueryBooks, Send, StoreIntent
from palmbot.domain.errors import FatalError
from palmbot.domain.events import (
    BarClosed,
    BooksReported,
    Event,
    IntentStored,
    LinkReady,
    OperatorReset,
    OrderFilled,
    SentimentUpdated,
    Started,
    TimePassed,
)
from palmbot.domain.market import Bar, Side, Tick
from palmbot.domain.orders import Environment, Intent, IntentKind
from palmbot.domain.units import (
    BASIS_POINTS,
    MONEY_SCALE,
    MS_PER_DAY,
    PRICE_SCALE,
    Money,
    Price,
    TimestampMs,
)
from palmbot.pricefiles.series import BarSeries, Floats
from palmbot.research.paper_broker import (
    ACCOUNT_ID,
    SYMBOL_ID,
    Holding,
    PaperBroker,
    PaperTrade,
    make_symbol,
)
from palmbot.research.recorded_only import require_recorded
from palmbot.research.rules import (
    OWNER_DEFAULTS,
    REASON_CLOSED,
    REASON_END,
    REASON_STOP,
    REASON_TARGET,
    RSI_PERIOD,
    CostModel,
    StrategyPoint,
    TradeList,
    find_return,
)

GENERATION: Final = 1
ORDER_BUDGET: Final = 45
NEVER: Final = 10**9
"""A threshold that no market reaches."""
DISTANCE_STEP: Final = 0.01
"""Per cent: distances are whole basis points in the bot."""
RESET_ACTOR: Final = "backtest"
ENTRIES_PER_DAY: Final = 30
SPREAD_BP_MAX: Final = 60
"""Limits of the gate as the bot has them by default; without breakers they are off."""

MoodSource = Callable[[TimestampMs], SentimentUpdated | None]
"""The mood as it was known at a moment of market time; None for unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSetup:
    """Everything a person may choose about one backtest."""

    point: StrategyPoint = OWNER_DEFAULTS
    rsi_period: int = RSI_PERIOD
    costs: CostModel = field(default_factory=CostModel)
    has_breakers: bool = True
    mood: MoodSource | None = None
    """None: sentiment is off. Scores are never invented."""
    mood_mode: SentimentMode = SentimentMode.VETO
    balance: float = 100_000.0
    """Of the account, in the currency the prices are quoted in."""
    risk_percent: float = 1.0
    """Share of equity lost at the stop: scales the account, never the trades."""

    def __post_init__(self) -> None:
        if self.mood is not None:
            require_recorded(self.mood)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRun:
    """What happened."""

    trades: TradeList
    """In order of entry; prices in wire units, returns on a stake of one, after costs."""
    paper: tuple[PaperTrade, ...]
    """The same trades in money of the account."""
    refusals: tuple[tuple[str, int], ...]
    """Signals that did not become an entry, by the gate's code."""
    refused_bars: tuple[int, ...]
    """Bars at whose close such a signal stood, ascending."""
    breaker_changes: tuple[BreakerChange, ...]
    resets: tuple[BreakerName, ...]
    """Latched breakers that a person would have had to reset: taken as done the next day."""
    signals: int
    bars: int
    code_digest: str
    """SHA-256 of the sources of the core and of this engine."""


def make_params(series: BarSeries, setup: BacktestSetup) -> EngineParams:
    """Return the bot's parameters for a file.

    Limits that protect against a broken live feed are put out of the way: bars are as old as
    they are, and a file says nothing of requests. The bar period is the shortest step, since a
    change of the clock makes one bar of a file shorter than the others.
    """
    step = int(min(np.diff(series.time_ms).min(), series.period_ms))
    return EngineParams(
        environment=Environment.SIMULATOR,
        account_id=ACCOUNT_ID,
        symbol_name=series.source or "file",
        rsi_period=setup.rsi_period,
        rsi_buy=setup.point.rsi_buy,
        rsi_sell=setup.point.rsi_sell,
        take_profit_bp=round(setup.point.take_profit * 100),
        stop_loss_bp=round(setup.point.stop_loss * 100),
        risk_bp=round(setup.risk_percent * 100),
        bar_period_ms=step,
        warm_up_bars=setup.rsi_period + 1,
        history_bars=1,
        price_age_max_ms=3 * series.period_ms,
        orders_per_minute_max=NEVER,
        orders_per_day_max=ENTRIES_PER_DAY if setup.has_breakers else NEVER,
        spread_bp_max=SPREAD_BP_MAX if setup.has_breakers else BASIS_POINTS,
        sentiment=SentimentRules(mode=SentimentMode.OFF if setup.mood is None else setup.mood_mode),
        breakers=FILE_BREAKERS if setup.has_breakers else NO_BREAKERS,
    )


FILE_BREAKERS: Final = BreakerRules(unknown=Unknown.ALLOW, fresh_ticks=1, limit_move_bp=0)
"""The bot's own, as far as a file can feed them: it has one price a bar, may be short, and knows no
sessions from whose close an exchange's price limit counts."""
NO_BREAKERS: Final = BreakerRules(
    unknown=Unknown.ALLOW,
    daily_loss_bp=BASIS_POINTS - 1,
    daily_flatten=False,
    caution_percent=100,
    losses_max=NEVER,
    volatility_percent=NEVER,
    burst_trip_factor=NEVER,
    burst_deny_factor=NEVER,
    spread_trip_factor=NEVER,
    spread_deny_factor=NEVER,
    limit_move_bp=0,
    gap_percent=NEVER,
)
"""The bot with every breaker out of reach; it still sizes, and keeps one position at a time."""


def run_backtest(
    series: BarSeries,
    setup: BacktestSetup,
    progress: Callable[[int], None] | None = None,
) -> BacktestRun:
    """Replay a file of bars; `progress` hears the number of bars done from time to time.

    Raises:
        ValueError: a setting is out of range.
    """
    engine = _Replay(series, setup)
    engine.start()
    engine.run(progress)
    return engine.finish()


def digest_code() -> str:
    """Return the SHA-256 over the sources that decide what a backtest says."""
    digest = hashlib.sha256()
    for package in ("palmbot.domain", "palmbot.core", "palmbot.core.breakers", "palmbot.research"):
        folder = resources.files(package)
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.name.endswith(".py"):
                digest.update(f"{package}/{file.name}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


class _Replay:
    """One run: the bot's state, the broker, and the bars as lists of integers."""

    def __init__(self, series: BarSeries, setup: BacktestSetup) -> None:
        self.series = series
        self.setup = setup
        self.params = make_params(series, setup)
        self.state: EngineState = initial_state(self.params)
        self.broker = PaperBroker(Money(round(setup.balance * MONEY_SCALE)), setup.costs)
        self.bid = [_to_wire(each) for each in (series.open, series.high, series.low, series.close)]
        asks = series.asks
        self.ask = (
            [_to_wire(each) for each in (asks.open, asks.high, asks.low, asks.close)]
            if series.has_spread
            else self.bid
        )
        self.times: list[TimestampMs] = series.time_ms.tolist()
        self.bar = 0
        self.latched: dict[BreakerName, int] = {}
        self.changes: list[BreakerChange] = []
        self.resets: list[BreakerName] = []
        self.mood: SentimentUpdated | None = None
        self.refused_bars: list[int] = []
        self.level_exit: Callable[[], OrderFilled] | None = None
        """The exit at a level within this bar, while the bot hears that its end is near."""

    def start(self) -> None:
        """Connect and compare the books, as a bot does before it trades."""
        now = self.times[0]
        symbol = make_symbol(self.params.symbol_name, self.series.digits)
        self.give(Started(time=now, run_id="backtest", nonce=0))
        self.give(
            LinkReady(
                generation=GENERATION, account=self.broker.account, symbol=symbol, conversion=()
            )
        )

    def run(self, progress: Callable[[int], None] | None) -> None:
        """Give the bot every bar but the last, and the broker every bar."""
        times, (opens, highs, lows, closes) = self.times, self.bid
        ask_opens = self.ask[0]
        last = len(times) - 1
        every = max(1, last // 200)
        mood = self.setup.mood
        refused = self.state.tally.refusals
        for bar, (time, bar_open, high, low, close) in enumerate(
            zip(times, opens, highs, lows, closes, strict=True)
        ):
            self.bar = bar
            held = self.broker.holding
            if held is not None:
                self.test_levels(held, bar)
            if bar == last:
                break
            opening = times[bar + 1]
            if self.latched:
                self.reset_latched(opening)
            if mood is not None:
                self.tell_mood(mood(opening), opening)
            self.give(
                BarClosed(
                    bar=Bar(
                        open_time=time,
                        open=bar_open,
                        high=high,
                        low=low,
                        close=close,
                        volume=0,
                    ),
                    opening=Tick(
                        symbol_id=SYMBOL_ID,
                        time=opening,
                        bid=opens[bar + 1],
                        ask=ask_opens[bar + 1],
                    ),
                )
            )
            refusals = self.state.tally.refusals
            if refusals is not refused:
                refused = refusals
                self.refused_bars.append(bar)
            if progress is not None and bar % every == 0:
                progress(bar)

    def finish(self) -> BacktestRun:
        """Close what is open at the last close, and sum up."""
        defect = self.state.breakers.defect
        if defect:
            raise FatalError(f"a breaker failed, so no result of this run counts: {defect}")
        held = self.broker.holding
        last = len(self.times) - 1
        if held is not None:
            side = self.bid if held.side is Side.BUY else self.ask
            self.broker.leave(
                held,
                bar=last,
                price=Price(side[3][last]),
                time=self.end_of(last),
                reason=REASON_END,
                fill=None,
                entry_reason=self.entry_reason(),
            )
        paper = tuple(self.broker.trades)
        tally = self.state.tally
        return BacktestRun(
            trades=list_trades(paper, self.setup.costs),
            paper=paper,
            refusals=tuple(sorted(Counter(dict(tally.refusals)).most_common())),
            refused_bars=tuple(self.refused_bars),
            breaker_changes=tuple(self.changes),
            resets=tuple(self.resets),
            signals=tally.signals,
            bars=len(self.times),
            code_digest=digest_code(),
        )

    def test_levels(self, held: Holding, bar: int) -> None:
        """Let the bar do to the position what it does."""
        opens, highs, lows, _ = self.bid if held.side is Side.BUY else self.ask
        if held.is_clear_of(highs[bar], lows[bar]):
            return
        fill = self.broker.find_exit(held, opens[bar], highs[bar], lows[bar])
        # Within a bar nobody knows when: its end, so that no pause after a loss is too short.
        time = TimestampMs(self.times[bar]) if fill.is_gap else self.end_of(bar)
        leave = partial(self.leave, held, bar, Price(int(fill.price)), time, fill)
        if not fill.is_gap:
            self.level_exit = leave
            self.give(TimePassed(time=time))
            self.level_exit = None
        if self.broker.holding is held:
            self.give(leave())

    def close(self, bar: int) -> OrderFilled:
        """Close the position at an open, as the bot asks; at a level the server was first."""
        held = self.broker.holding
        if held is None:
            raise FatalError("the bot closes a position that its broker does not hold")
        if self.level_exit is not None:
            return self.level_exit()
        price = (self.bid if held.side is Side.BUY else self.ask)[0][bar]
        fill = self.broker.find_exit(held, price, price, price)
        reached = fill if fill.kind is not ExitKind.NONE else None
        return self.leave(held, bar, Price(price), TimestampMs(self.times[bar]), reached)

    def leave(
        self, held: Holding, bar: int, price: Price, time: TimestampMs, fill: ExitFill | None
    ) -> OrderFilled:
        """Book an exit, by a level or by the bot, and return what the bot hears of it."""
        if fill is None:
            reason = REASON_CLOSED
        else:
            reason = REASON_STOP if fill.kind is ExitKind.STOP else REASON_TARGET
        return self.broker.leave(
            held,
            bar=bar,
            price=price,
            time=time,
            reason=reason,
            fill=fill,
            entry_reason=self.entry_reason(),
            is_protection=fill is not None,
        )

    def entry_reason(self) -> str:
        """Return why the open position was entered, in the bot's words."""
        position = self.state.position
        return position.entry_reason if position is not None else ""

    def end_of(self, bar: int) -> TimestampMs:
        """Return the last millisecond of a bar."""
        return TimestampMs(self.times[bar] + self.params.bar_period_ms - 1)

    def tell_mood(self, mood: SentimentUpdated | None, now: TimestampMs) -> None:
        """Tell the bot if the mood is another than it knows."""
        if mood == self.mood:
            return
        self.mood = mood
        self.give(
            mood
            if mood is not None
            else SentimentUpdated(
                score=None, confidence=0.0, domains=0, has_driver=False, as_of=now, source="file"
            )
        )

    def reset_latched(self, now: TimestampMs) -> None:
        """Do what a person would: reset on the next UTC day what only a person can."""
        for name, day in tuple(self.latched.items()):
            if now // MS_PER_DAY <= day:
                continue
            del self.latched[name]
            self.give(TimePassed(time=now))
            self.give(OperatorReset(name=name, actor=RESET_ACTOR, reason="the next day"))
            if self.state.breakers.read(name).phase is BreakerPhase.LATCHED:
                self.latched[name] = day
            else:
                self.resets.append(name)

    def give(self, event: Event) -> None:
        """Let the bot decide an event, and carry out what it commands."""
        decision = decide(self.state, event, self.params)
        self.state = decision.state
        if decision.breaker_changes:
            self.note_changes(decision.breaker_changes)
        for command in decision.commands:
            for answer in self.carry_out(command):
                self.give(answer)

    def note_changes(self, changes: tuple[BreakerChange, ...]) -> None:
        """Keep the audit, and remember what latched."""
        self.changes.extend(changes)
        for change in changes:
            if change.after is BreakerPhase.LATCHED:
                self.latched[change.name] = change.at // MS_PER_DAY
            else:
                self.latched.pop(change.name, None)

    def carry_out(self, command: Command) -> Iterator[Event]:
        """Answer one command as journal and broker would."""
        match command:
            case StoreIntent(intent=intent):
                yield IntentStored(intent_id=intent.intent_id, age_ms=0, order_budget=ORDER_BUDGET)
            case Send(intent=intent):
                yield from self.send(intent)
            case QueryBooks(delay_s=delay_s) if delay_s < self.params.books_interval_s:
                now = max(self.state.market.time, TimestampMs(self.times[0]))
                yield BooksReported(generation=GENERATION, books=self.broker.report_books(now))
            case _:
                pass

    def send(self, intent: Intent) -> Iterator[OrderFilled]:
        """Fill an order at the open of the next bar."""
        bar = self.bar + 1
        if intent.kind is IntentKind.ENTRY:
            yield self.broker.enter(intent, bar, Price(self.bid[0][bar]), Price(self.ask[0][bar]))
        elif intent.kind is IntentKind.CLOSE:
            yield self.close(bar)
        else:
            raise FatalError(f"the bot sent a {intent.kind} that no backtest should need")


def list_trades(paper: tuple[PaperTrade, ...], costs: CostModel) -> TradeList:
    """Return the trades on a stake of one, with the returns of `rules.find_return`."""
    share = (costs.cost_bp + costs.commission_bp) / BASIS_POINTS
    swap = costs.swap_bp_per_night / BASIS_POINTS
    returns = [
        find_return(each.side.sign, float(each.entry), float(each.exit), share) + swap * each.nights
        for each in paper
    ]
    return TradeList(
        entry_index=np.array([each.entry_bar for each in paper], dtype=np.int64),
        exit_index=np.array([each.exit_bar for each in paper], dtype=np.int64),
        side=np.array([each.side.sign for each in paper], dtype=np.int8),
        entry_price=np.array([each.entry for each in paper], dtype=np.float64),
        exit_price=np.array([each.exit for each in paper], dtype=np.float64),
        reason=np.array([each.reason for each in paper], dtype=np.int8),
        is_gap=np.array([each.is_gap for each in paper], dtype=np.bool_),
        is_ambiguous=np.array([each.is_ambiguous for each in paper], dtype=np.bool_),
        net_return=np.array(returns, dtype=np.float64),
    )


def with_spread(series: BarSeries, spread: float) -> BarSeries:
    """Return the series with one spread throughout, in price units; its prices are the bid.

    Raises:
        ValueError: the file has a spread of its own, or this one is negative.
    """
    if spread < 0:
        raise ValueError(f"the spread must not be negative, was {spread:g}")
    if series.has_spread:
        raise ValueError("the file has a spread of its own")
    return replace(series, spread=np.full(len(series), spread))


def _to_wire(prices: Floats) -> list[Price]:
    units: list[Price] = np.rint(prices * PRICE_SCALE).astype(np.int64).tolist()
    return units
