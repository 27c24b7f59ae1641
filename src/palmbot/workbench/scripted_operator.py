"""The person at the desk of a demo: settles by hand what no evidence will ever settle."""

import asyncio
import sys
from pathlib import Path

from palmbot.core.state import EngineState, LinkPhase
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import Acknowledgement
from palmbot.domain.orders import Environment, IntentState, render_label
from palmbot.domain.units import MS_PER_MINUTE, IntentId, TimestampMs
from palmbot.simulator.books import Books
from palmbot.simulator.records import Fate

PATIENCE_MS = 30 * MS_PER_MINUTE
"""Market time an item stays open before the operator acts: time for the bot's own search."""

FAULT_BREAKERS = (BreakerName.ERROR_RATE, BreakerName.REJECT_RATE, BreakerName.ORDER_RATE)

POSITION_ITEM = "position:"


class ScriptedOperator:
    """Looks at the bot's open items, then into the broker's own app, then types the command."""

    def __init__(self, *, books: Books, directory: Path) -> None:
        self._books = books
        self._directory = directory
        self._seen: dict[str, TimestampMs] = {}
        self._reset_tried: dict[BreakerName, TimestampMs] = {}
        self.acknowledged = 0

    async def act(self, state: EngineState) -> None:
        """Settle every item that has been open for too long.

        Raises:
            BooksDoNotBalance: the bot refused the command.
        """
        await self._reset_breakers(state)
        if state.link.phase not in (LinkPhase.CONSISTENT, LinkPhase.QUARANTINED):
            return
        open_items = _find_open_items(state)
        now = state.market.time
        self._seen = {item: self._seen.get(item, now) for item in open_items}
        for item, since in self._seen.items():
            if now - since < PATIENCE_MS:
                continue
            self._seen[item] = now
            if (judgement := self._judge(item)) is not None:
                await self._acknowledge(item, *judgement)

    async def _reset_breakers(self, state: EngineState) -> None:
        """Reset what faults of the line have latched; a loss latches for good in a demo."""
        now = state.market.time
        for name in FAULT_BREAKERS:
            record = state.breakers.read(name)
            tried_at = self._reset_tried.get(name, record.tripped_at)
            if record.phase is BreakerPhase.LATCHED and now - tried_at >= PATIENCE_MS:
                self._reset_tried[name] = now
                # Refused if it was reset today already: tried again later.
                await self._type("breakers", "reset", name, "--reason", "the line was at fault")

    def _judge(self, item: str) -> tuple[Acknowledgement, str] | None:
        """Return what to do about an item; None leaves it to the bot's own search."""
        if item.startswith(POSITION_ITEM):
            return Acknowledgement.ADOPT, "it is ours, as the broker's app shows by its label"
        label = render_label(Environment.SIMULATOR, IntentId(item))
        if self._books.fate_of(label) is Fate.PLACED:
            return None
        return Acknowledgement.IGNORE, "the broker's app shows no such order"

    async def _acknowledge(self, item: str, action: Acknowledgement, reason: str) -> None:
        code, output = await self._type(
            "reconcile", "ack", item, "--action", action, "--reason", reason
        )
        if code != 0:
            raise BooksDoNotBalance(f"the operator could not settle {item} by {action}: {output}")
        self.acknowledged += 1

    async def _type(self, *words: str) -> tuple[int | None, str]:
        """Run a command of palmbot in a process of its own; return exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "palmbot", *words, "--directory", str(self._directory)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode().strip()


def _find_open_items(state: EngineState) -> list[str]:
    unknown = [
        str(intent.intent_id)
        for intent in state.books.intents.values()
        if intent.state is IntentState.UNKNOWN
    ]
    return list(dict.fromkeys([*state.books.quarantine, *unknown]))
