"""What a person asks of the breakers, answered by a real loop around the real decisions."""

import asyncio
from contextlib import suppress

from harness.breaker_world import MINUTE, BreakerWorld
from harness.manual_clock import ManualClock
from palmbot.live.inbox import Inbox
from palmbot.live.operator_desk import OperatorDesk
from palmbot.live.status import describe_status
from palmbot.live.trader import Trader


class PaperJournal:
    """Keeps steps in memory."""

    async def append(self, event, decision):
        self.last = (event, decision)


class NoBroker:
    """A broker that is asked nothing in these tests."""

    def query(self, command):
        del command


async def ask(world, *requests):
    """Put requests to the desk of a running loop; return the replies."""
    inbox = Inbox()
    trader = Trader(
        params=world.params,
        state=world.state,
        inbox=inbox,
        broker=NoBroker(),
        journal=PaperJournal(),
        clock=ManualClock(),
        raise_alarm=lambda _: None,
    )
    desk = OperatorDesk(trader)
    loop = asyncio.create_task(trader.run())
    try:
        return [await desk.answer(request) for request in requests]
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


def tripped():
    world = BreakerWorld()
    for _ in range(3):
        world.lose()
    return world


def test_the_breakers_are_shown_with_the_day():
    (reply,) = asyncio.run(ask(tripped(), {"command": "breakers"}))
    shown = {each["name"]: each for each in reply["breakers"]["breakers"]}
    assert shown["loss_streak"]["phase"] == "open"
    assert shown["loss_streak"]["trips"] == 1
    assert shown["daily_loss"]["phase"] == "closed"
    assert reply["breakers"]["baseline"] == 10_000
    assert reply["breakers"]["loss_allowed"] == 500


def test_a_reset_is_refused_with_the_reason_or_done():
    world = tripped()
    reset = {"command": "reset", "name": "loss_streak", "reason": "looked"}
    (reply,) = asyncio.run(ask(world, reset))
    assert "not before 15" in reply["error"]
    world.wait(16 * MINUTE)
    replies = asyncio.run(ask(world, reset, reset))
    assert "half_open" in replies[0]["done"]
    assert "nothing to reset" in replies[1]["error"]


def test_a_breaker_that_does_not_exist_is_not_understood():
    request = {"command": "reset", "name": "luck", "reason": "why not"}
    (reply,) = asyncio.run(ask(tripped(), request))
    assert "not understood" in reply["error"]


def test_the_status_names_every_breaker_that_is_not_closed():
    world = tripped()
    status = describe_status(world.state, world.params)
    assert status.breakers == ("loss_streak open: 3 losing trades in a row",)
