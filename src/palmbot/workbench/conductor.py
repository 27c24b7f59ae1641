"""Runs bot and simulator in lockstep, so that one seed gives one run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from palmbot.adapters.ctrader_broker import CtraderBroker
from palmbot.adapters.sqlite_journal import SqliteJournal
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import TimePassed
from palmbot.domain.market import period_start
from palmbot.domain.units import TimestampMs
from palmbot.live.inbox import Inbox
from palmbot.live.trader import Trader
from palmbot.simulator.server import SimulatorServer, StepResult
from palmbot.workbench.lockstep_clock import LockstepClock

LINK_S_PER_QUOTE = 0.2
"""Link time a quote takes: five a second, so that heartbeats and periodic readings happen too."""

EAGER_TURNS = 200
"""Turns of the event loop to wait for both ends before pausing; a round trip takes about ten."""

PAUSE_S = 0.0005
"""Real seconds; leaves the processor to the journal's thread."""

STALL_TURNS_MAX = 120_000
"""About a minute of pauses. Whatever takes longer on one machine will not happen at all."""


class Conductor:
    """Moves market and link time, one step at a time, when nobody has anything left to do.

    Quiescent means: every byte written was read at the other end, every event decided,
    every step recorded. Then, if the bot waits for an answer or for a connection, link
    time jumps to the next deadline; otherwise the market makes its next quote.
    """

    def __init__(  # noqa: PLR0913  (it conducts exactly these)
        self,
        *,
        server: SimulatorServer,
        broker: CtraderBroker,
        trader: Trader,
        inbox: Inbox,
        journal: SqliteJournal,
        clock: LockstepClock,
        players: Sequence[asyncio.Task[None]],
    ) -> None:
        self._server = server
        self._broker = broker
        self._trader = trader
        self._inbox = inbox
        self._journal = journal
        self._clock = clock
        self._players = players
        self._bar_end_told = TimestampMs(0)

    async def run(
        self,
        before_quote: Callable[[], Awaitable[None]],
        after_quote: Callable[[StepResult], None],
    ) -> None:
        """Play the market to its end.

        `before_quote` is awaited at every quiescent point before the market moves, and may
        make the bot busy again; `after_quote` is told every quote once the bot has seen it.

        Raises:
            FatalError: the bot stopped for good, or neither end makes progress.
        """
        quoted: StepResult | None = None
        self._bar_end_told = self._bar_end()  # what came before the first quote is history
        while True:
            await self.settle()
            if self._is_waiting():
                self._jump()
                continue
            if quoted is not None:
                after_quote(quoted)
                quoted = None
            if self._tell_bar_end():
                continue
            await before_quote()
            if not self._is_quiescent() or self._is_waiting():
                continue
            quoted = self._server.step()
            if quoted is None:
                return
            self._clock.advance_to(self._clock.link_s() + LINK_S_PER_QUOTE)

    async def settle(self) -> None:
        """Wait until both ends are quiescent."""
        turns = 0
        while not self._is_quiescent():
            for player in self._players:
                if player.done():
                    await player
            turns += 1
            if turns > STALL_TURNS_MAX:
                raise BooksDoNotBalance("bot and simulator wait for each other without end")
            await asyncio.sleep(0 if turns < EAGER_TURNS else PAUSE_S)

    def _is_quiescent(self) -> bool:
        if self._broker.is_connected != self._server.is_connected:
            return False
        if not self._broker.is_connected and self._broker.next_deadline_s is None:
            return False  # it is connecting, or about to
        if self._server.is_connected and (
            self._server.bytes_sent != self._broker.bytes_received
            or self._broker.bytes_sent != self._server.bytes_received
        ):
            return False
        is_failed = any(player.done() for player in self._players)
        return self._trader.is_idle and self._journal.is_idle and not is_failed

    def _is_waiting(self) -> bool:
        """Tell whether the bot waits for something that only link time can bring."""
        if not self._broker.is_ready:
            return self._server.accepts_connections
        return self._broker.open_requests > 0 or self._server.has_pending

    def _jump(self) -> None:
        deadline_s = self._clock.next_deadline_s
        if deadline_s is None:
            raise BooksDoNotBalance("the bot waits, and no deadline will ever end it")
        self._clock.advance_to(deadline_s)

    def _tell_bar_end(self) -> bool:
        """Close the bar on time if the next quote comes only after its end."""
        next_time = self._server.next_time
        bar_end = self._bar_end()
        if bar_end <= self._bar_end_told or (next_time is not None and next_time < bar_end):
            return False
        self._bar_end_told = bar_end
        self._inbox.put(TimePassed(time=bar_end))
        return True

    def _bar_end(self) -> TimestampMs:
        period_ms = self._trader.params.bar_period_ms
        return TimestampMs(period_start(self._server.now, period_ms) + period_ms)
