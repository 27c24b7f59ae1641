"""Puts the history of a scripted world into a real journal file."""

import asyncio

from harness.engine_world import EASY
from harness.manual_clock import ManualClock
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.core.engine import decide
from palmbot.core.state import initial_state


def write_journal(path, world, run_id="r1"):
    """Record every step that the world has decided so far, as one run."""

    async def append():
        journal, _ = open_journal(
            path,
            environment=EASY.environment,
            account_id=EASY.account_id,
            symbol=EASY.symbol_name,
            clock=ManualClock(),
            decide=decide,
            initial_state=initial_state,
        )
        await journal.begin_run(run_id, world.params, code_version="0")
        for event, decision in world.history:
            await journal.append(event, decision)
        await journal.close()

    asyncio.run(append())
