"""The one queue in front of the core: bounded, in order, never short of an execution."""

import asyncio
from collections import deque

from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import Event
from palmbot.domain.market import Tick

EVENTS_MAX = 10_000
"""About five seconds of the fastest feed foreseen; a loop that falls further behind is stuck."""


class Inbox:
    """Implements `ports.EventSink`.

    Under pressure a tick gives way to a younger tick of the same symbol: only the latest
    price matters for a decision, while every execution event matters for the books.
    """

    def __init__(self, events_max: int = EVENTS_MAX) -> None:
        self._events: deque[Event] = deque()
        self._events_max = events_max
        self._arrival: asyncio.Future[None] | None = None
        """What the one taker waits for."""
        self.ticks_dropped = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        """Queue one event; see `ports.EventSink.put`.

        Raises:
            BooksDoNotBalance: the queue is full of events that may not be dropped.
        """
        if len(self._events) >= self._events_max:
            self._drop_superseded_tick()
        self._events.append(event)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def take(self) -> Event:
        """Wait for the next event and remove it; one task at a time may wait."""
        while not self._events:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self._events.popleft()

    def _drop_superseded_tick(self) -> None:
        youngest = {each.symbol_id: each for each in self._events if isinstance(each, Tick)}
        for index, event in enumerate(self._events):
            if isinstance(event, Tick) and youngest[event.symbol_id] is not event:
                del self._events[index]
                self.ticks_dropped += 1
                return
        raise BooksDoNotBalance(
            f"{self._events_max} events wait and none may be dropped: the loop is stuck; restart it"
        )
