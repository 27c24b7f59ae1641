"""The sources of sentiment against the twins: real sockets, a clock moved by hand."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress

from harness.manual_clock import ManualClock
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.sentiment.desk import open_desk
from palmbot.sentiment.plan import SentimentPlan
from palmbot.simulator.loopback_web import LoopbackWeb
from palmbot.simulator.newsroom import PERPLEXITY_KEY, RSS_PATH, X_TOKEN, Newsroom

TUESDAY_MS = 1_780_387_200_000
"""2026-06-02 08:00 UTC."""
SYMBOL = "PALMOIL"
TURNS_MAX = 20_000
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; for addresses without TLS."""


class MoodClock(ManualClock):
    """A manual clock whose wall can be set apart from its link."""

    def __init__(self, epoch_ms=TUESDAY_MS):
        super().__init__(epoch_ms=epoch_ms)

    def step_wall(self, seconds):
        self.epoch_ms += round(seconds * 1000)

    def link_stands_still(self, seconds):
        """A suspended machine whose link clock does not count: only the wall goes on."""
        self.step_wall(seconds)


class World:
    """One desk, one newsroom, one clock."""

    def __init__(self, desk, newsroom, web, clock, waits):
        self.desk = desk
        self.newsroom = newsroom
        self.web = web
        self.clock = clock
        self.waits = waits

    async def get(self):
        """Ask through the cache; pass time whenever only time can help."""
        plan = self.desk.plan
        return await self.drive(self.desk.cache.get(plan.symbol, plan.query))

    async def refresh(self):
        return await self.drive(self.desk.refresher.refresh())

    def peek(self):
        return self.desk.source.peek()

    async def drive(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        try:
            silent_turns = 0
            for _ in range(TURNS_MAX):
                if task.done():
                    return await task
                # Both ends share this loop: that a client gave up arrives in fewer turns.
                silent_turns = silent_turns + 1 if self.web.held else 0
                if silent_turns > 30:
                    due = [each.due_s for each in self.clock.timers if each.callback is not None]
                    self.clock.advance(min(due) - self.clock.now_s)
                    silent_turns = 0
                # A thread keeps the ledger; it needs a moment as well.
                await asyncio.sleep(0.0002)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        raise AssertionError("the question came to no end")

    @property
    def counters(self):
        return self.desk.counters

    async def spent(self):
        return {name: each.booked_usd for name, each in (await self.desk.ledger.read_day()).items()}


def make_plan(port, scheme="http", **changes):
    base = f"{scheme}://127.0.0.1:{port}"
    return SentimentPlan(
        **{
            "symbol": SYMBOL,
            "perplexity_key": Secret(PERPLEXITY_KEY),
            "x_token": Secret(X_TOKEN),
            "feeds": (base + RSS_PATH,),
            "perplexity_url": base,
            "x_url": base,
            "perplexity_usd_per_day": 100.0,
            "x_usd_per_day": 100.0,
            **changes,
        }
    )


@asynccontextmanager
async def open_world(directory, *, seed=1, tls=None, **changes):
    """Open everything; keyword arguments change the plan.

    `tls` is a pair of contexts, the server's and the client's.
    """
    clock = MoodClock()
    newsroom = Newsroom(seed, lambda: TimestampMs(clock.wall_ms()))
    web = LoopbackWeb(newsroom.reply_to)
    server_tls, client_tls = tls or (None, PLAIN)
    port = await web.start(server_tls)
    waits = []

    async def wait(seconds):
        waits.append(seconds)
        clock.advance(seconds)

    async with open_desk(
        make_plan(port, "https" if tls else "http", **changes),
        directory=directory,
        clock=clock,
        tls=client_tls,
        is_open=lambda: True,
        draw_jitter=lambda: 0.5,
        wait=wait,
    ) as desk:
        try:
            yield World(desk, newsroom, web, clock, waits)
        finally:
            await web.close()
