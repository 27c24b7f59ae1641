"""The second connection: what it makes of a reading of the broker's books."""

import asyncio

import pytest
from msgspec.structs import replace

from harness.engine_world import World
from harness.manual_clock import ManualClock
from palmbot.core.state import LinkPhase
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.events import (
    BooksReported,
    BooksUnavailable,
    LinkLost,
    LinkReady,
    OperatorHalted,
)
from palmbot.domain.units import TimestampMs
from palmbot.live.inbox import Inbox
from palmbot.live.stop_watch import BLIND_S, CONFIRM_S, StopWatch
from palmbot.live.trader import Trader

INTERVAL_S = 30.0


class Source:
    """A broker that notes what it is asked."""

    def __init__(self):
        self.queries = []

    async def run(self):
        await asyncio.Event().wait()

    def query(self, command):
        self.queries.append(command)


class Watched:
    """A trading bot with one open position, and the watch beside it."""

    def __init__(self):
        self.world = World()
        self.world.make_ready()
        self.world.enter()
        self.inbox = Inbox()
        self.alarms = []
        self.halts = []
        self.is_seen = True
        self.source = Source()
        self.clock = clock = ManualClock()
        self.trader = Trader(
            params=self.world.params,
            state=self.world.state,
            inbox=self.inbox,
            broker=self.source,
            journal=None,
            clock=clock,
            raise_alarm=self.alarms.append,
        )
        self.watch = StopWatch(
            environment=self.world.params.environment,
            read_state=lambda: self.trader.state if self.is_seen else None,
            halt=self.halts.append,
            clock=clock,
            interval_s=INTERVAL_S,
            raise_alarm=self.alarms.append,
        )

    async def start(self):
        self.task = asyncio.create_task(self.watch.run(self.source))
        await asyncio.sleep(0)
        world = self.world
        self.watch.put(
            LinkReady(generation=1, account=world.account, symbol=world.symbol, conversion=())
        )

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def report(self, since=0):
        """Let the second connection read the books once."""
        self.watch.put(
            BooksReported(
                generation=1, books=replace(self.world.broker.books(), since=TimestampMs(since))
            )
        )

    def change(self, **fields):
        (position,) = self.world.broker.positions.values()
        self.world.broker.positions[position.position_id] = replace(position, **fields)


@pytest.fixture
def watched():
    bot = Watched()
    asyncio.run(begin(bot))
    return bot


async def begin(bot):
    await bot.start()
    await bot.stop()


def test_it_reads_at_once_and_then_at_its_interval(watched):
    assert [each.delay_s for each in watched.source.queries] == [0.0]
    watched.report()
    assert [each.delay_s for each in watched.source.queries] == [0.0, INTERVAL_S]
    assert watched.watch.readings == 1
    assert watched.halts == []


def test_a_missing_stop_halts_at_the_first_sight(watched):
    watched.change(stop_loss=None)
    watched.report()
    (reason,) = watched.halts
    assert "has no stop at the broker" in reason


def test_a_person_is_told_of_a_missing_stop_once_not_at_every_look(watched):
    watched.change(stop_loss=None)
    for _ in range(3):
        watched.report()
    assert len(watched.alarms) == 1


def test_a_bot_that_is_halted_already_is_not_halted_again(watched):
    switch = replace(watched.trader.state.switch, halted_by="eve")
    watched.trader.state = replace(watched.trader.state, switch=switch)
    watched.change(stop_loss=None)
    watched.report()
    assert watched.halts == []
    assert len(watched.alarms) == 1


def test_what_stops_entries_on_the_second_connection_stops_the_bot(watched):
    watched.watch.put(OperatorHalted(actor="live locks", reason="the key of the server changed"))
    assert watched.halts == ["the key of the server changed"]


def test_a_difference_halts_only_when_a_second_look_shows_the_same(watched):
    watched.world.broker.positions.clear()
    watched.report()
    assert watched.halts == []
    assert watched.source.queries[-1].delay_s == CONFIRM_S
    watched.report()
    (reason,) = watched.halts
    assert "is in our books and not at the broker" in reason


def test_a_difference_that_is_gone_at_the_second_look_is_forgotten(watched):
    kept = dict(watched.world.broker.positions)
    watched.world.broker.positions.clear()
    watched.report()
    watched.world.broker.positions.update(kept)
    watched.report()
    watched.world.broker.positions.clear()
    watched.report()
    assert watched.halts == []


@pytest.mark.parametrize("phase", [each for each in LinkPhase if each is not LinkPhase.CONSISTENT])
def test_a_bot_that_is_comparing_its_own_books_is_not_accused_of_a_difference(watched, phase):
    state = watched.trader.state
    watched.trader.state = replace(state, link=replace(state.link, phase=phase))
    watched.world.broker.positions.clear()
    watched.report()
    watched.report()
    assert watched.halts == []


def test_beside_a_bot_that_cannot_be_seen_only_the_stops_are_looked_at(watched):
    watched.is_seen = False
    for _ in range(3):
        watched.report()
    assert watched.halts == []
    watched.change(stop_loss=None)
    watched.report()
    assert len(watched.halts) == 1


def test_a_reading_that_fails_says_nothing_and_is_tried_again(watched):
    watched.watch.put(BooksUnavailable(generation=1, reason="busy"))
    assert watched.halts == []
    assert watched.source.queries[-1].delay_s == INTERVAL_S


def test_after_a_lost_link_nothing_is_suspected_any_more(watched):
    watched.world.broker.positions.clear()
    watched.report()
    watched.watch.put(LinkLost(generation=1, reason="cut"))
    watched.report()
    assert watched.halts == []


def test_a_watch_that_sees_nothing_for_five_minutes_tells_a_person_once_each_time(watched):
    watched.report()
    watched.clock.advance(BLIND_S - 1)
    watched.watch.check_sight()
    assert watched.alarms == []
    for _ in range(2):
        watched.clock.advance(1)
        watched.watch.check_sight()
    assert len(watched.alarms) == 1
    watched.report()
    watched.clock.advance(BLIND_S)
    watched.watch.check_sight()
    assert len(watched.alarms) == 2


def test_a_person_gets_a_reading_whose_window_is_long_enough():
    async def ask():
        bot = Watched()
        await bot.start()
        answer = asyncio.create_task(bot.watch.read_books(TimestampMs(500)))
        await asyncio.sleep(0)
        bot.report(since=900)  # was under way before
        assert not answer.done()
        assert bot.source.queries[-1].since == 500
        assert bot.source.queries[-1].delay_s == 0
        bot.report(since=500)
        books = await answer
        await bot.stop()
        return books

    assert asyncio.run(ask()).since == 500


@pytest.mark.parametrize(
    "event",
    [LinkLost(generation=1, reason="cut"), BooksUnavailable(generation=1, reason="cut")],
    ids=lambda event: type(event).__name__,
)
def test_a_reading_for_a_person_that_fails_is_said_to_have_failed(event):
    async def ask():
        bot = Watched()
        await bot.start()
        answer = asyncio.create_task(bot.watch.read_books(TimestampMs(0)))
        await asyncio.sleep(0)
        bot.watch.put(event)
        with pytest.raises(ConnectionLost, match="cut"):
            await answer
        await bot.stop()

    asyncio.run(ask())
    with pytest.raises(ConnectionLost, match="not up"):
        asyncio.run(Watched().watch.read_books(TimestampMs(0)))
