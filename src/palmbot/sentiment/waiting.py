"""Waiting by the Clock port, so that a test or a demo decides how fast time passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from palmbot.ports import Clock


@asynccontextmanager
async def limit(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """Cancel what runs inside once so many link seconds have passed.

    Raises:
        TimeoutError: they have.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as scope:
        timer = clock.call_at(clock.link_s() + max(0.0, seconds), lambda: _expire(scope, loop))
        try:
            yield
        finally:
            timer.cancel()


def _expire(scope: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    if not scope.expired():
        scope.reschedule(loop.time())


async def pause(clock: Clock, seconds: float) -> None:
    """Wait until so many link seconds have passed."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    timer = clock.call_at(clock.link_s() + seconds, wake)
    try:
        await done
    finally:
        timer.cancel()
