"""Leaving in order: entries stop, requests get their answers, then the process may end."""

import asyncio

import pytest
from msgspec.structs import replace

from harness.engine_world import World
from harness.manual_clock import ManualClock
from palmbot.domain.events import StopRequested
from palmbot.domain.orders import IntentState
from palmbot.live.departure import ANSWER_S_MAX, Departure
from palmbot.live.inbox import Inbox


class Leaving:
    """A bot that was asked to leave; `decide` runs as its loop would run it."""

    def __init__(self):
        self.world = World()
        self.world.make_ready()
        self.clock = ManualClock()
        self.inbox = Inbox()
        self.stopped = asyncio.Event()
        self.departure = Departure(sink=self.inbox, clock=self.clock, stopped=self.stopped)

    def ask(self):
        self.departure.begin("SIGTERM")
        event = asyncio.run(self.inbox.take())
        assert event == StopRequested(reason="SIGTERM")
        self.give(event)

    def give(self, *events):
        for event in events:
            self.departure.observe(event, self.world.give(event))


@pytest.fixture
def leaving():
    return Leaving()


def test_a_bot_without_open_requests_leaves_at_once(leaving):
    leaving.ask()
    assert leaving.stopped.is_set()


def test_a_request_under_way_is_waited_for(leaving):
    leaving.world.stored(leaving.world.fall())
    leaving.ask()
    assert not leaving.stopped.is_set()
    leaving.give(*leaving.world.broker.execute(leaving.world.sends[-1]))
    assert leaving.stopped.is_set()


def test_an_answer_that_never_comes_is_waited_for_ten_seconds_and_no_longer(leaving):
    leaving.world.stored(leaving.world.fall())
    leaving.ask()
    leaving.clock.advance(ANSWER_S_MAX - 0.1)
    assert not leaving.stopped.is_set()
    leaving.clock.advance(0.1)
    assert leaving.stopped.is_set()


def test_asked_a_second_time_it_waits_no_longer(leaving):
    leaving.world.stored(leaving.world.fall())
    leaving.ask()
    leaving.departure.begin("SIGINT")
    assert leaving.stopped.is_set()


def test_what_is_unknown_is_not_waited_for_because_no_answer_comes_by_itself(leaving):
    world = leaving.world
    world.stored(world.fall())
    books = world.state.books
    unknown = {key: replace(each, state=IntentState.UNKNOWN) for key, each in books.intents.items()}
    world.state = replace(world.state, books=replace(books, intents=unknown))
    leaving.ask()
    assert leaving.stopped.is_set()


def test_nobody_leaves_who_was_not_asked(leaving):
    leaving.give(StopRequested(reason="never mind"))
    assert leaving.stopped.is_set()
    untouched = Leaving()
    untouched.departure.observe(None, untouched.world.tick())
    assert not untouched.stopped.is_set()
