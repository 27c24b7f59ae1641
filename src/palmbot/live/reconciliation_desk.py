"""Compares the books when a person asks: for good, or only to show what would come of it."""

import asyncio
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from palmbot.core.engine import decide
from palmbot.core.link import read_window_start
from palmbot.core.operator import REFUSED
from palmbot.core.state import NO_TIME, Decision, Discrepancy, LinkPhase
from palmbot.domain.errors import TransientError
from palmbot.domain.events import (
    BooksReported,
    BooksUnavailable,
    Event,
    LinkLost,
    ReconciliationRequested,
)
from palmbot.live.stop_watch import StopWatch
from palmbot.live.trader import Trader

# As on the wire of the operator's socket: whatever JSON holds.
Message: TypeAlias = dict[str, Any]

ACTOR = "operator"
OUTCOMES = (BooksReported, BooksUnavailable, LinkLost)


class ReconciliationDesk:
    """Answers `palmbot reconcile`."""

    def __init__(self, trader: Trader, watch: StopWatch | None) -> None:
        self._trader = trader
        self._watch = watch
        self._found: list[Discrepancy] = []
        self._waiting: list[asyncio.Future[str]] = []
        self._is_under_way = False
        trader.observe(self._observe)

    async def answer(self, *, is_dry_run: bool) -> Message:
        """Return the differences found and what is done about each, or an error."""
        return await (self._rehearse() if is_dry_run else self._carry_out())

    async def _rehearse(self) -> Message:
        """Decide about a fresh reading of the second connection, and forget the decision."""
        if self._watch is None:
            return {"error": f"{REFUSED}: this bot has no second connection to look with"}
        if self._trader.state.link.phase is LinkPhase.DISCONNECTED:
            return {"error": f"{REFUSED}: the bot is not connected, its books are those of before"}
        try:
            books = await self._watch.read_books(read_window_start(self._trader.state))
        except TransientError as e:
            return {"error": f"{REFUSED}: {e}"}
        state = self._trader.state
        # Whatever overtook a reading of the trading connection did not overtake this one.
        state = replace(state, link=replace(state.link, executed_at=NO_TIME))
        event = BooksReported(generation=state.link.generation, books=books)
        decision = decide(state, event, self._trader.params)
        outcome = f"{decision.state.link.phase}: {decision.state.link.reason}; nothing was changed"
        return _reply(outcome, decision.discrepancies)

    async def _carry_out(self) -> Message:
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Before asking: the answer may come in the same turn of the event loop.
        self._waiting.append(outcome)
        asked = await self._trader.ask(ReconciliationRequested(actor=ACTOR))
        if asked.reason.startswith(REFUSED):
            outcome.cancel()
            return {"error": asked.reason}
        return _reply(await outcome, tuple(self._found))

    def _observe(self, event: Event, decision: Decision) -> None:
        if isinstance(event, ReconciliationRequested):
            self._found = []
            self._is_under_way = True
        if not self._is_under_way:
            return
        self._found += decision.discrepancies
        link = decision.state.link
        if not isinstance(event, OUTCOMES) or link.phase is LinkPhase.SYNCING:
            return  # a difference is being worked on, and the books are read again
        self._is_under_way = False
        for outcome in self._waiting:
            if not outcome.done():
                outcome.set_result(f"{link.phase}: {link.reason}")
        self._waiting.clear()


def _reply(outcome: str, found: tuple[Discrepancy, ...]) -> Message:
    return {"done": outcome, "differences": [msgspec.to_builtins(each) for each in found]}
