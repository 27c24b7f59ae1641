"""The queue in front of the core."""

import asyncio

import pytest

from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import LinkLost, TimePassed
from palmbot.domain.market import Tick
from palmbot.domain.units import Price, SymbolId, TimestampMs
from palmbot.live.inbox import Inbox


def tick(time, symbol=1):
    return Tick(symbol_id=SymbolId(symbol), time=TimestampMs(time), bid=Price(100), ask=Price(101))


def drain(inbox):
    async def take_all():
        return [await inbox.take() for _ in range(len(inbox))]

    return asyncio.run(take_all())


def test_events_come_out_in_the_order_they_arrived():
    inbox = Inbox()
    events = [tick(1), LinkLost(generation=1, reason="cut"), tick(2)]
    for event in events:
        inbox.put(event)
    assert drain(inbox) == events


def test_a_full_queue_drops_the_oldest_tick_that_a_younger_one_supersedes():
    inbox = Inbox(events_max=3)
    lost = LinkLost(generation=1, reason="cut")
    for event in (lost, tick(1), tick(2), tick(3)):
        inbox.put(event)
    assert drain(inbox) == [lost, tick(2), tick(3)]
    assert inbox.ticks_dropped == 1


def test_the_only_tick_of_a_symbol_is_never_dropped():
    inbox = Inbox(events_max=3)
    for event in (tick(1, symbol=2), tick(1), tick(2), tick(3)):
        inbox.put(event)
    assert drain(inbox) == [tick(1, symbol=2), tick(2), tick(3)]


def test_a_queue_full_of_events_that_matter_ends_the_bot_instead_of_losing_one():
    inbox = Inbox(events_max=2)
    inbox.put(LinkLost(generation=1, reason="cut"))
    inbox.put(TimePassed(time=TimestampMs(1)))
    with pytest.raises(BooksDoNotBalance):
        inbox.put(LinkLost(generation=2, reason="cut"))


def test_taking_waits_for_an_event():
    async def run():
        inbox = Inbox()
        taker = asyncio.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taker.done()
        inbox.put(tick(1))
        return await taker

    assert asyncio.run(run()) == tick(1)
