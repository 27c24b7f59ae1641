"""Runs the tasks of a bot side by side, and ends all of them when one ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from palmbot.domain.errors import FatalError, PalmbotError

log = structlog.get_logger(__name__)


async def supervise(
    players: dict[str, Coroutine[Any, Any, None]], *, stopped: asyncio.Event
) -> None:
    """Run all players until `stopped` is set; then cancel them and return.

    No player may end by itself: a task that dies silently would leave a bot that looks
    alive and does nothing.

    Raises:
        FatalError: a player failed, or ended although nobody asked; trading is over.
    """
    tasks = {asyncio.create_task(coroutine, name=name): name for name, coroutine in players.items()}
    waiter = asyncio.create_task(stopped.wait(), name="stop")
    try:
        await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
        for task, name in tasks.items():
            if task.done():
                _raise_end(name, task)
    finally:
        waiter.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(waiter, *tasks, return_exceptions=True)


def _raise_end(name: str, task: asyncio.Task[None]) -> None:
    error = task.exception()
    if error is None:
        raise FatalError(f"the {name} task ended by itself")
    log.error("task.failed", task=name, error=str(error), kind=type(error).__name__)
    if isinstance(error, FatalError):
        raise error
    if isinstance(error, PalmbotError):
        raise FatalError(f"the {name} task failed: {error}") from error
    raise FatalError(
        f"the {name} task failed with {type(error).__name__}: {error}; this is a defect"
    ) from error
