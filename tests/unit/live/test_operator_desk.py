"""What a person asks of the running bot, answered by a real loop around the real decisions."""

import asyncio

import pytest
from msgspec.structs import replace

from harness.engine_world import World
from harness.manual_clock import ManualClock
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import QueryBooks, Send
from palmbot.domain.events import BooksReported, BooksUnavailable, LinkLost, LinkReady
from palmbot.domain.units import TimestampMs
from palmbot.live.inbox import Inbox
from palmbot.live.operator_desk import OperatorDesk
from palmbot.live.stop_watch import StopWatch
from palmbot.live.trader import Trader


class Paper:
    """Broker and journal of a trader: the paper account of the world answers what is asked."""

    def __init__(self, world):
        self.world = world
        self.inbox = Inbox()
        self.steps = []
        self.answers_books = True

    async def append(self, event, _decision):
        self.steps.append(event)

    def write(self, command):
        assert isinstance(command, Send)
        for event in self.world.broker.execute(command.intent):
            self.inbox.put(event)

    def query(self, command):
        if not isinstance(command, QueryBooks) or command.delay_s > 1:
            return
        generation = self.world.generation
        if self.answers_books:
            books = self.world.broker.books()
            self.inbox.put(BooksReported(generation=generation, books=books))
        else:
            self.inbox.put(BooksUnavailable(generation=generation, reason="busy"))

    def order_budget(self):
        return 40


class Office:
    """A trading bot with an open position and its desk."""

    def __init__(self, **desk):
        self.world = World()
        self.world.make_ready()
        self.world.enter()
        self.paper = Paper(self.world)
        self.trader = Trader(
            params=self.world.params,
            state=self.world.state,
            inbox=self.paper.inbox,
            broker=self.paper,
            journal=self.paper,
            clock=ManualClock(),
            raise_alarm=lambda alarm: None,
        )
        self.desk = OperatorDesk(self.trader, **desk)

    def ask(self, *requests, before=()):
        """Answer requests one after the other; return the last reply."""

        async def talk():
            task = asyncio.create_task(self.trader.run())
            for event in before:
                self.paper.inbox.put(event)
            try:
                async with asyncio.timeout(5):
                    for request in requests:
                        reply = await self.desk.answer(request)
                    for _ in range(50):  # turns of the loop, for what the last request led to
                        await asyncio.sleep(0)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return reply

        return asyncio.run(talk())

    @property
    def state(self):
        return self.trader.state


HALT = {"command": "halt", "reason": "news"}
RESUME = {"command": "resume", "reason": "over"}


def test_halt_and_resume_change_the_switch_and_say_so():
    office = Office()
    assert "news" in office.ask(HALT)["done"]
    assert office.state.switch.halted_by == "operator"
    assert "done" in office.ask(RESUME)
    assert office.state.switch.halted_by is None


def test_a_plain_halt_leaves_the_position_to_its_stop():
    office = Office()
    office.ask(HALT)
    assert len(office.state.books.positions) == 1


def test_to_flatten_closes_every_position_of_ours_and_halts():
    office = Office()
    office.ask({**HALT, "flatten": True})
    assert office.world.broker.positions == {}
    assert office.state.books.positions == {}
    assert office.state.switch.halted_by == "operator"


def test_resume_is_refused_while_the_halt_file_is_there():
    office = Office(read_halt=lambda: "the file HALT is there")
    reply = office.ask(HALT, RESUME)
    assert reply == {"error": "refused: the file HALT is there; take it away first"}
    assert office.state.switch.halted_by == "operator"


def test_a_comparison_tells_what_differs_and_where_it_leads():
    office = Office()
    office.world.broker.add_foreign()
    reply = office.ask({"command": "reconcile"})
    assert [each["kind"] for each in reply["differences"]] == ["R7"]
    assert reply["done"].startswith("consistent")


def test_a_comparison_of_equal_books_finds_nothing():
    reply = Office().ask({"command": "reconcile"})
    assert reply["differences"] == []
    assert reply["done"].startswith("consistent")


def test_a_reading_that_fails_ends_the_wait_and_says_so():
    office = Office()
    office.paper.answers_books = False
    reply = office.ask({"command": "reconcile"})
    assert reply["done"].startswith("degraded")
    assert office.state.link.phase is LinkPhase.DEGRADED


def test_without_a_connection_there_is_nothing_to_compare():
    lost = LinkLost(generation=1, reason="cut")
    assert "no connection" in Office().ask({"command": "reconcile"}, before=(lost,))["error"]


def test_without_a_second_connection_a_dry_run_is_refused():
    reply = Office().ask({"command": "reconcile", "dry_run": True})
    assert "no second connection" in reply["error"]


@pytest.mark.parametrize(
    "request_",
    [{}, {"command": "sing"}, {"command": "halt"}, {**HALT, "flatten": "yes"}, {**HALT, "x": 1}],
)
def test_nonsense_is_answered_and_decides_nothing(request_):
    office = Office()
    assert "not understood" in office.ask(request_)["error"]
    assert office.paper.steps == []


class AtOnce:
    """The second connection of a watch: it reads when asked, and only then."""

    def __init__(self, world):
        self.world = world
        self.watch = None

    async def run(self):
        await asyncio.Event().wait()

    def query(self, command):
        if command.delay_s == 0 and command.since > 0:
            books = replace(self.world.broker.books(), since=command.since)
            asyncio.get_running_loop().call_soon(
                self.watch.put, BooksReported(generation=1, books=books)
            )


def test_a_dry_run_shows_a_difference_though_an_execution_was_heard_after_the_reading():
    office = Office()
    world, source = office.world, AtOnce(office.world)
    source.watch = StopWatch(
        environment=world.params.environment,
        read_state=lambda: office.state,
        halt=lambda reason: None,
        clock=ManualClock(),
        interval_s=30.0,
        raise_alarm=lambda alarm: None,
    )
    desk = OperatorDesk(office.trader, watch=source.watch)
    link = replace(office.state.link, executed_at=TimestampMs(world.broker.now + 1))
    office.trader.state = before = replace(office.state, link=link)
    world.broker.add_foreign()

    async def talk():
        task = asyncio.create_task(source.watch.run(source))
        await asyncio.sleep(0)
        source.watch.put(
            LinkReady(generation=1, account=world.account, symbol=world.symbol, conversion=())
        )
        reply = await desk.answer({"command": "reconcile", "dry_run": True})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return reply

    reply = asyncio.run(talk())
    assert [each["kind"] for each in reply["differences"]] == ["R7"]
    assert reply["done"].endswith("nothing was changed")
    assert office.state is before
