"""Sentiment in a demo: the real sources' clients against their twins, at the pace of the market.

A fetch is awaited between two quotes, and only its own clock passes time for it, so that a run
depends on nothing but its seed here as well.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.bootstrap.opening import Bot
from palmbot.domain.mood import MoodMet
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_SECOND, TimestampMs
from palmbot.live.mood_feed import MoodFeed, MoodWitness
from palmbot.reports.demo_run import MoodFallback, MoodSourceUse, MoodUse
from palmbot.sentiment.counters import predict_hit_rate
from palmbot.sentiment.desk import Desk, open_desk
from palmbot.sentiment.plan import SentimentPlan
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.loopback_web import LoopbackWeb
from palmbot.simulator.newsroom import (
    PERPLEXITY_KEY,
    RSS_PATH,
    X_TOKEN,
    Cue,
    Newsroom,
    Service,
)
from palmbot.workbench.lockstep_clock import LockstepClock

MISBEHAVIOUR: Final = {Service.PERPLEXITY: 0.15, Service.X: 0.2, Service.RSS: 0.1}
"""Share of the questions at which a twin misbehaves."""
CUES: Final = {
    Service.PERPLEXITY: (
        *(Cue.RATE_LIMITED, Cue.RATE_LIMITED, Cue.RATE_LIMITED, Cue.RATE_LIMITED_BARE),
        *(Cue.SERVER_ERROR, Cue.HANG, Cue.CUT, Cue.HTML, Cue.NAN, Cue.OUT_OF_RANGE),
        *(Cue.LIE, Cue.INJECTION, Cue.ONE_SOURCE, Cue.HUGE),
    ),
    Service.X: (Cue.RATE_LIMITED, Cue.SERVER_ERROR, Cue.NO_EVIDENCE, Cue.INJECTION, Cue.HANG),
    Service.RSS: (Cue.XML_BOMB, Cue.NO_EVIDENCE, Cue.INJECTION, Cue.SERVER_ERROR),
}
"""What a trader will meet; keys that stop to work for good would end the show."""

TURNS_MAX: Final = 200_000
EAGER_TURNS: Final = 50
SILENT_TURNS: Final = 30
"""Both ends share the event loop: that a client has given up reaches its twin in fewer turns."""
PAUSE_S: Final = 0.0003
"""Real seconds; leaves the processor to the ledger's thread."""


class DemoMood:
    """Asks the twins when it is time, and tells the bot what they say."""

    def __init__(  # noqa: PLR0913 - everybody in it
        self,
        *,
        desk: Desk,
        bot: Bot,
        clock: LockstepClock,
        newsroom: Newsroom,
        web: LoopbackWeb,
        seed: int,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._newsroom = newsroom
        self._web = web
        self._random = random.Random(f"newsroom cues {seed}")  # noqa: S311 - no secret
        self._feed = MoodFeed(desk.source, sink=bot.inbox, read_state=lambda: bot.trader.state)
        witness = MoodWitness(bot.trader.params, clock=clock, note=self._meet)
        bot.trader.observe(witness.observe)
        self._begin: TimestampMs | None = None
        self._met: Counter[str] = Counter()

    async def act(self, market_time: TimestampMs) -> None:
        """Ask if a refresh is due at this market time, then let the bot look."""
        if market_time == 0:
            return
        if self._begin is None:
            self._begin = market_time
        self._clock.advance_to((market_time - self._begin) / MS_PER_SECOND)
        if self._desk.refresher.is_due:
            self._misbehave()
            await self._finish(self._desk.refresher.refresh())
        self._feed.look()

    def read_use(self) -> MoodUse:
        """Return how it went, for the report."""
        counters = self._desk.counters
        met = self._met
        return MoodUse(
            lookups=counters.lookups,
            hits=counters.hits,
            cold_misses=counters.cold_misses,
            expired_misses=counters.expired_misses,
            negative_hits=counters.negative_hits,
            stale_served=counters.stale_served,
            unknown_served=counters.unknown_served,
            refreshes=counters.refreshes,
            quarantined=counters.quarantined,
            hit_rate=counters.hit_rate,
            hit_rate_predicted=predict_hit_rate(60.0, self._desk.plan.ttl_ms / MS_PER_SECOND),
            signals=met["signals"],
            known_signals=met["known"],
            veto_blocks=met["veto"],
            confirm_blocks=met["confirm"],
            sources=tuple(
                MoodSourceUse(
                    name=each.provider,
                    asked=counters.calls[each.provider],
                    answered=counters.answers[each.provider],
                    errors=tuple(
                        (kind, count)
                        for (name, kind), count in sorted(counters.errors.items())
                        if name == each.provider
                    ),
                )
                for each in self._desk.chain.describe()
            ),
            fallbacks=tuple(
                MoodFallback(source=before, next_source=after, kind=kind, count=count)
                for (before, after, kind), count in sorted(counters.fallbacks.items())
            ),
        )

    def _misbehave(self) -> None:
        for service, share in MISBEHAVIOUR.items():
            if self._random.random() < share:
                self._newsroom.replace_cue(service, self._random.choice(CUES[service]))

    def _meet(self, met: MoodMet) -> None:
        self._desk.recorder.note_service(met)
        self._met["signals"] += 1
        self._met["known"] += met.score is not None
        self._met["veto"] += not met.veto_allows
        self._met["confirm"] += not met.confirm_allows

    async def _finish(self, refresh: Coroutine[Any, Any, None]) -> None:
        """Await a refresh; where only time can end the silence of a twin, pass it."""
        task = asyncio.create_task(refresh)
        silent_turns = 0
        for turn in range(TURNS_MAX):
            if task.done():
                break
            silent_turns = silent_turns + 1 if self._web.held else 0
            deadline_s = self._clock.next_deadline_s
            if silent_turns > SILENT_TURNS and deadline_s is not None:
                self._clock.advance_to(deadline_s)
                silent_turns = 0
            await asyncio.sleep(0 if turn < EAGER_TURNS else PAUSE_S)
        await task


@asynccontextmanager
async def open_demo_mood(
    bot: Bot, *, directory: Path, begin: TimestampMs, seed: int
) -> AsyncIterator[DemoMood]:
    """Start the twins over TLS and the real clients against them.

    Args:
        bot: Whom to tell.
        directory: Holds certificates, recording and ledger.
        begin: Market time of the start.
        seed: Chooses news and misbehaviours.
    """
    clock = LockstepClock(begin)
    # By the real date: TLS does not believe in the clock of the demo.
    files = ensure_certificates(directory / "newsroom", SystemClock().wall_ms())
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(files.server, files.key)
    newsroom = Newsroom(seed, clock.wall_ms)
    web = LoopbackWeb(newsroom.reply_to)
    port = await web.start(server_tls)

    async def wait(seconds: float) -> None:
        clock.advance_to(clock.link_s() + seconds)

    base_url = f"https://localhost:{port}"
    plan = SentimentPlan(
        symbol=bot.trader.params.symbol_name,
        perplexity_key=Secret(PERPLEXITY_KEY),
        x_token=Secret(X_TOKEN),
        feeds=(base_url + RSS_PATH,),
        perplexity_url=base_url,
        x_url=base_url,
    )
    try:
        async with open_desk(
            plan,
            directory=directory,
            clock=clock,
            tls=make_context(files.ca),
            is_open=lambda: True,  # the demo quotes only while it is
            draw_jitter=random.Random(f"mood jitter {seed}").random,  # noqa: S311
            wait=wait,
        ) as desk:
            yield DemoMood(desk=desk, bot=bot, clock=clock, newsroom=newsroom, web=web, seed=seed)
    finally:
        await web.close()
