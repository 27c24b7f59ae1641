"""The order of steps in the one loop is the safety argument; these tests watch it being kept."""

import asyncio

from harness.engine_world import EASY, PERIOD, PRICE, START, World, falling_bars, make_tick
from harness.manual_clock import ManualClock
from palmbot.core.state import initial_state
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.errors import ConnectionLost, JournalWriteFailed
from palmbot.domain.events import (
    BarsLoaded,
    BooksReported,
    IntentStored,
    LinkLost,
    LinkReady,
    OperatorHalted,
    Started,
)
from palmbot.domain.orders import IntentState
from palmbot.live.inbox import Inbox
from palmbot.live.trader import Trader


class Watched:
    """Broker and journal in one, writing down who was called when."""

    def __init__(self, clock):
        self.calls = []
        self.clock = clock
        self.is_link_down = False
        self.is_disk_full = False
        self.on_store = lambda: None
        self.queries = []

    async def append(self, event, decision):
        for command in decision.commands:
            if isinstance(command, StoreIntent):
                await asyncio.sleep(0)  # a commit takes time, and the world goes on
                self.on_store()
        if self.is_disk_full:
            raise JournalWriteFailed("disk full")
        self.calls.append(("recorded", type(event).__name__))

    async def flush(self):
        self.calls.append(("flushed", len(self.calls)))

    def write(self, command):
        assert isinstance(command, Send)
        self.calls.append(("written", command.intent.intent_id))
        if self.is_link_down:
            raise ConnectionLost("cut while writing")

    def query(self, command):
        self.queries.append(command)

    def reconnect(self, command):
        raise AssertionError("nobody asked for that")

    def order_budget(self):
        return 40


def play(change=lambda watched, inbox: None, events_after=()):
    """Bring a trader to the point of an entry; return what was called, and its last state."""
    world = World()  # supplies events; its own state is not used
    clock, inbox = ManualClock(), Inbox()
    watched = Watched(clock)
    change(watched, inbox)
    trader = Trader(
        params=EASY,
        state=initial_state(EASY),
        inbox=inbox,
        broker=watched,
        journal=watched,
        clock=clock,
        raise_alarm=lambda alarm: None,
    )
    for event in (
        Started(time=START, run_id="r1", nonce=5),
        LinkReady(generation=1, account=world.account, symbol=world.symbol, conversion=()),
        BooksReported(generation=1, books=world.broker.books()),
        BarsLoaded(generation=1, bars=falling_bars(4)),
        make_tick(START),
        make_tick(START + 1, PRICE - 100_000),
        make_tick(START + PERIOD, PRICE - 100_000),
        *events_after,
    ):
        inbox.put(event)

    async def run():
        task = asyncio.create_task(trader.run())
        for _ in range(200):
            await asyncio.sleep(0)
            if trader.is_idle or task.done():
                break
        if task.done():
            return task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None

    error = asyncio.run(run())
    return watched, trader, error


def entry_states(trader):
    return [intent.state for intent in trader.state.books.intents.values()]


def test_an_order_is_stored_before_its_bytes_and_its_bytes_come_before_the_step_that_says_sent():
    watched, trader, _ = play()
    kinds = [kind for kind, _ in watched.calls]
    written = kinds.index("written")
    assert kinds.count("written") == 1
    assert watched.calls[written - 1] == ("recorded", "Tick")  # the step with StoreIntent
    assert watched.calls[written + 1] == ("recorded", IntentStored.__name__)
    assert entry_states(trader) == [IntentState.SENT]


def test_what_was_decided_during_the_commit_is_on_disk_before_the_bytes_as_well():
    def change(watched, inbox):
        watched.on_store = lambda: inbox.put(make_tick(START + PERIOD + 5, PRICE - 100_000))

    watched, _, _ = play(change)
    kinds = [kind for kind, _ in watched.calls]
    written = kinds.index("written")
    assert kinds[written - 2 : written] == ["recorded", "flushed"]


def test_a_link_lost_during_the_commit_stops_the_order():
    def change(watched, inbox):
        watched.on_store = lambda: inbox.put(LinkLost(generation=1, reason="cut"))

    watched, trader, _ = play(change)
    assert "written" not in [kind for kind, _ in watched.calls]
    assert entry_states(trader) == [IntentState.CANCELLED_LOCALLY]


def test_a_halt_during_the_commit_stops_the_order():
    def change(watched, inbox):
        watched.on_store = lambda: inbox.put(OperatorHalted(actor="me", reason="no"))

    watched, trader, _ = play(change)
    assert "written" not in [kind for kind, _ in watched.calls]
    assert entry_states(trader) == [IntentState.CANCELLED_LOCALLY]


def test_a_commit_that_took_too_long_stops_the_order():
    def change(watched, inbox):
        del inbox
        watched.on_store = lambda: watched.clock.advance(2.0)

    watched, trader, _ = play(change)
    assert "written" not in [kind for kind, _ in watched.calls]
    assert entry_states(trader) == [IntentState.CANCELLED_LOCALLY]


def test_a_write_that_breaks_leaves_the_order_unknown_and_is_not_repeated():
    def change(watched, inbox):
        del inbox
        watched.is_link_down = True

    watched, trader, _ = play(change)
    assert [kind for kind, _ in watched.calls].count("written") == 1
    assert entry_states(trader) == [IntentState.UNKNOWN]


def test_a_journal_that_fails_ends_the_trader_before_anything_is_written():
    def change(watched, inbox):
        del inbox
        watched.on_store = lambda: setattr(watched, "is_disk_full", True)

    watched, _, error = play(change)
    assert isinstance(error, JournalWriteFailed)
    assert "written" not in [kind for kind, _ in watched.calls]


def test_whoever_asks_is_answered_with_the_recorded_decision():
    async def run():
        clock, inbox = ManualClock(), Inbox()
        watched = Watched(clock)
        trader = Trader(
            params=EASY,
            state=initial_state(EASY),
            inbox=inbox,
            broker=watched,
            journal=watched,
            clock=clock,
            raise_alarm=lambda alarm: None,
        )
        task = asyncio.create_task(trader.run())
        decision = await trader.ask(OperatorHalted(actor="me", reason="lunch"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return watched.calls, decision

    calls, decision = asyncio.run(run())
    assert calls == [("recorded", "OperatorHalted")]
    assert "halted by me: lunch" in decision.reason
