"""A second, read-only connection that looks after the first: stops at the broker, equal books.

It shares no state with the trading connection but the books that it checks, and it cannot
send an order: all it has of its broker is the reading of books.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from palmbot.core.state import EngineState, LinkPhase
from palmbot.core.watch import find_differences, find_unprotected
from palmbot.domain.commands import QueryBooks, RaiseAlarm, Severity
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.events import (
    BooksReported,
    BooksUnavailable,
    Event,
    LinkLost,
    LinkReady,
    OperatorHalted,
)
from palmbot.domain.market import Tick
from palmbot.domain.orders import BrokerBooks, Environment
from palmbot.domain.units import TimestampMs
from palmbot.ports import Clock

ACTOR = "stop watch"

CONFIRM_S = 5.0
"""Link seconds until a difference is looked at again. An execution reaches both connections
within less, and an order's own deadline is as long."""

BLIND_S = 300.0
"""Link seconds without a complete reading after which a person is told."""

log = structlog.get_logger(__name__)


class BooksSource(Protocol):
    """The part of a broker that can only look."""

    async def run(self) -> None:
        """See `ports.Broker.run`."""

    def query(self, command: QueryBooks) -> None:
        """See `ports.Broker.query`."""


class StopWatch:
    """Implements `ports.EventSink` for its own connection.

    A position of ours without a stop halts at the first sight of it. A difference of the
    books halts when the next reading shows the same, and only while the bot itself takes its
    books for equal: otherwise it is trading nothing and already looking. Beside a bot in
    another process, whose state cannot be seen, only the stops are looked at.
    """

    def __init__(  # noqa: PLR0913 - what it looks at, and whom it tells
        self,
        *,
        environment: Environment,
        read_state: Callable[[], EngineState | None],
        halt: Callable[[str], None],
        clock: Clock,
        interval_s: float,
        raise_alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        """Take what to look at; nothing is read before `run`.

        Args:
            environment: Part of the labels that are ours.
            read_state: Returns the state of the bot whose books are checked, None if it cannot
                be seen.
            halt: Stops entries for a reason; not called while the bot is seen to be halted.
            interval_s: Link seconds between two readings while all is well.
        """
        self._environment = environment
        self._read_state = read_state
        self._order_halt = halt
        self._clock = clock
        self._interval_s = interval_s
        self._raise_alarm = raise_alarm
        self._source: BooksSource | None = None
        self._generation = 0
        self._is_ready = False
        self._market_ms: TimestampMs | None = None
        self._suspected: frozenset[str] = frozenset()
        self._told: set[str] = set()
        self._seen_s = clock.link_s()
        self._is_blind = False
        self._waiting: list[tuple[TimestampMs, asyncio.Future[BrokerBooks]]] = []
        self.readings = 0
        """Complete readings so far."""

    async def run(self, source: BooksSource) -> None:
        """Watch over this connection until cancelled.

        Raises:
            FatalError: the broker refuses us for good.
        """
        structlog.contextvars.bind_contextvars(connection=ACTOR)
        self._source = source
        await source.run()

    def put(self, event: Event) -> None:
        """Take what the second connection tells; see `ports.EventSink.put`."""
        match event:
            case Tick():
                self._market_ms = event.time
            case LinkReady():
                self._generation = event.generation
                self._is_ready = True
                self._ask(0.0)
            case LinkLost():
                self._is_ready = False
                self._suspected = frozenset()
                self._fail(event.reason)
            case BooksUnavailable():
                log.warning("watch.blind", reason=event.reason)
                self._fail(event.reason)
                self._ask(self._interval_s)
            case BooksReported():
                self.readings += 1
                self._seen_s = self._clock.link_s()
                self._is_blind = False
                self._judge(event.books)
            case OperatorHalted():  # the second connection met another key of the server
                self._stop_entries(event.reason)
            case _:
                pass  # executions are the business of the trading connection

    def check_sight(self) -> None:
        """Tell a person, once, if the watch has seen nothing for long; call it now and then."""
        blind_s = self._clock.link_s() - self._seen_s
        if blind_s < BLIND_S or self._is_blind:
            return
        self._is_blind = True
        text = f"the stop watch has not seen the broker's books for {blind_s:.0f} s"
        self._raise_alarm(RaiseAlarm(severity=Severity.WARNING, text=text))

    async def read_books(self, since: TimestampMs) -> BrokerBooks:
        """Read the broker's books once, at once.

        Args:
            since: Start of the window of fills and past orders.

        Raises:
            ConnectionLost: there is no second connection now, or the reading failed.
        """
        if not self._is_ready:
            raise ConnectionLost("the second connection to the broker is not up")
        answer: asyncio.Future[BrokerBooks] = asyncio.get_running_loop().create_future()
        self._waiting.append((since, answer))
        self._ask(0.0, since)
        return await answer

    def _ask(self, delay_s: float, since: TimestampMs | None = None) -> None:
        if self._source is None or not self._is_ready:
            return
        # No fill matters here, so the window may begin now; asked for a person it may not.
        start = since if since is not None else self._market_ms or self._clock.wall_ms()
        self._source.query(QueryBooks(generation=self._generation, since=start, delay_s=delay_s))

    def _judge(self, books: BrokerBooks) -> None:
        state = self._read_state()
        self._hand_out(books)
        for position_id in find_unprotected(books, self._environment):
            self._halt(f"position {position_id} has no stop at the broker")
        found: frozenset[str] = frozenset()
        if state is not None and state.link.phase is LinkPhase.CONSISTENT:
            found = frozenset(find_differences(books, state, self._environment))
        for difference in sorted(found & self._suspected):
            self._halt(difference)
        self._suspected = found
        if self._waiting:  # a reading with a shorter window was under way when a person asked
            self._ask(0.0, min(since for since, _ in self._waiting))
        else:
            self._ask(CONFIRM_S if found else self._interval_s)

    def _hand_out(self, books: BrokerBooks) -> None:
        left = []
        for since, answer in self._waiting:
            if books.since > since:
                left.append((since, answer))
            elif not answer.done():
                answer.set_result(books)
        self._waiting = left

    def _halt(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            self._raise_alarm(
                RaiseAlarm(
                    severity=Severity.CRITICAL,
                    text=f"{reason}, as a second connection shows. Look at it in the broker's "
                    "app; `palmbot resume` allows entries again",
                )
            )
        self._stop_entries(reason)

    def _stop_entries(self, reason: str) -> None:
        state = self._read_state()
        if state is None or state.switch.halted_by is None:
            self._order_halt(reason)

    def _fail(self, reason: str) -> None:
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_exception(ConnectionLost(f"the books could not be read: {reason}"))
        self._waiting.clear()
