"""How long one decision takes: uneventful ticks, ticks that close a bar, ticks that enter.

The bot is flat, connected and warmed up, as in live trading. Prints microseconds.
"""

import gc
import random
import sys
import time

from msgspec.structs import replace

from palmbot.core.engine import decide
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.core.state import EngineState, initial_state
from palmbot.domain.commands import StoreIntent
from palmbot.domain.events import BarsLoaded, BooksReported, LinkReady, Started
from palmbot.domain.market import (
    ALWAYS_OPEN,
    Account,
    AccountKind,
    Bar,
    Symbol,
    Tick,
    TradingMode,
)
from palmbot.domain.orders import BrokerBooks
from palmbot.domain.units import AccountId, Money, Price, SymbolId, TimestampMs, Volume

SYMBOL = SymbolId(1154)
START = TimestampMs(1_767_578_400_000)
PERIOD_MS = 300_000
TICK_MS = 5_000
PRICE = 100_000_000
PARAMS = EngineParams(
    account_id=AccountId(1),
    symbol_name="PALMOIL",
    sentiment=SentimentRules(mode=SentimentMode.OFF),
)


def main() -> None:
    """Time the decisions and print their distribution."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    state = make_ready()
    draw = random.Random(7)  # noqa: S311 - a price series, no secret
    plain: list[int] = []
    closing: list[int] = []
    entering: list[int] = []
    bid = PRICE
    gc.disable()
    for number in range(count):
        bid += draw.choice((-20_000, 0, 20_000))
        tick = Tick(
            symbol_id=SYMBOL,
            time=TimestampMs(START + number * TICK_MS),
            bid=Price(bid),
            ask=Price(bid + 20_000),
        )
        begin = time.perf_counter_ns()
        decision = decide(state, tick, PARAMS)
        taken = time.perf_counter_ns() - begin
        if any(isinstance(command, StoreIntent) for command in decision.commands):
            entering.append(taken)
            # Stay flat, so that the next signal is decided in full again.
            state = replace(decision.state, books=state.books)
            continue
        (closing if decision.reason else plain).append(taken)
        state = decision.state
    report("uneventful tick", plain)
    report("tick that closes a bar", closing)
    report("tick that makes an entry", entering)


def make_ready() -> EngineState:
    """Return the state of a bot that may trade."""
    state = initial_state(PARAMS)
    account = Account(
        account_id=1,
        login=1,
        broker="bench",
        is_live=False,
        kind=AccountKind.HEDGED,
        is_limited_risk=False,
        can_trade=True,
        currency="USD",
        balance=Money(10**12),
        balance_version=1,
    )
    symbol = Symbol(
        symbol_id=SYMBOL,
        name="PALMOIL",
        digits=2,
        quote_asset="USD",
        lot_size=Volume(1000),
        volume_min=Volume(100),
        volume_step=Volume(100),
        volume_max=Volume(100_000),
        stop_distance_min=Price(0),
        target_distance_min=Price(0),
        trading_mode=TradingMode.ENABLED,
        is_short_selling_allowed=True,
        leverage=10.0,
        hours=ALWAYS_OPEN,
    )
    books = BrokerBooks(
        taken_at=START,
        since=START,
        positions=(),
        orders=(),
        past_orders=(),
        fills=(),
        balance=account.balance,
        balance_version=1,
    )
    price = Price(PRICE)
    bars = tuple(
        Bar(
            open_time=TimestampMs(START - PERIOD_MS * back),
            open=price,
            high=price,
            low=price,
            close=price,
            volume=1,
        )
        for back in range(200, 0, -1)
    )
    for event in (
        Started(time=START, run_id="bench", nonce=1),
        LinkReady(generation=1, account=account, symbol=symbol, conversion=()),
        BooksReported(generation=1, books=books),
        BarsLoaded(generation=1, bars=bars),
    ):
        state = decide(state, event, PARAMS).state
    return state


def report(name: str, taken_ns: list[int]) -> None:
    """Print median, p99 and maximum."""
    if not taken_ns:
        print(f"{name:26} none")
        return
    ordered = sorted(taken_ns)
    median = ordered[len(ordered) // 2] / 1000
    p99 = ordered[len(ordered) * 99 // 100] / 1000
    print(
        f"{name:26} n={len(ordered):7}  p50 {median:7.1f} us  p99 {p99:7.1f} us  "
        f"max {ordered[-1] / 1000:8.1f} us"
    )


if __name__ == "__main__":
    main()
