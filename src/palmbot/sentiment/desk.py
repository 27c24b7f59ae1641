"""Everything of this room put together. Start with `open_desk`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from palmbot.domain.mood import Known, Unknown, UnknownReason
from palmbot.domain.units import MS_PER_SECOND
from palmbot.ports import Clock
from palmbot.sentiment import news_feed, perplexity, x_search
from palmbot.sentiment.agent_mode import AgentMode
from palmbot.sentiment.cache import MoodCache
from palmbot.sentiment.chain import Chain
from palmbot.sentiment.counters import Counters
from palmbot.sentiment.failures import ProviderFailed
from palmbot.sentiment.httpx_web import HttpxWeb
from palmbot.sentiment.ledger import Ledger
from palmbot.sentiment.news_feed import NewsFeed
from palmbot.sentiment.perplexity import Mode, Perplexity
from palmbot.sentiment.plan import SentimentPlan
from palmbot.sentiment.providers import Caller, SentimentProvider
from palmbot.sentiment.questions import Question
from palmbot.sentiment.recorder import Recorder
from palmbot.sentiment.refresher import Refresher
from palmbot.sentiment.search_decide import SearchDecide
from palmbot.sentiment.waiting import pause
from palmbot.sentiment.x_search import XSearch

RECORDING_NAME: Final = "sentiment-recording.sqlite"
LEDGER_NAME: Final = "sentiment-ledger.sqlite"
SUMMARY_S: Final = 900.0
"""Hits are no lines of the log; so often their number is."""
LOOK_S: Final = 1.0
"""Link seconds between two looks of the trading loop."""
COUNTERS_S: Final = 60.0
"""So often `note_counters` should be called."""
RETIREMENT_S: Final = 8.0
"""For the question whether the models still exist."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MoodSource:
    """Implements `ports.SentimentSource` for one question."""

    cache: MoodCache
    question: Question

    def peek(self) -> Known | Unknown:
        """See `ports.SentimentSource.peek`."""
        return self.cache.peek(self.question)


class NoSource:
    """Implements `ports.SentimentSource` where none is set up: the mood is unknown."""

    def peek(self) -> Known | Unknown:
        """See `ports.SentimentSource.peek`."""
        return Unknown(reason=UnknownReason.NO_SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts that somebody has to run or to look at."""

    source: MoodSource
    cache: MoodCache
    chain: Chain
    refresher: Refresher
    counters: Counters
    ledger: Ledger
    recorder: Recorder
    perplexity: Perplexity | None
    plan: SentimentPlan
    clock: Clock

    async def check_models(self) -> None:
        """Drop ways of asking whose model is gone; trouble on the way is for later to find."""
        key = self.plan.perplexity_key
        if self.perplexity is None or key is None:
            return
        until_s = self.clock.link_s() + RETIREMENT_S
        with suppress(ProviderFailed):
            await self.perplexity.check_models(until_s, self.plan.perplexity_url, key)

    async def run(self) -> None:
        """Check the models, then keep the answer fresh until cancelled."""
        await self.check_models()
        await self.refresher.run()

    def note_counters(self) -> None:
        """Leave how the cache fares where `palmbot sentiment stats` looks."""
        self.recorder.note_counters(self.clock.wall_ms(), self.describe())

    def describe(self) -> dict[str, Any]:
        """Return the counters, and how the providers stand, as a JSON document."""
        document = self.counters.describe(
            self.clock.link_s(), period_s=LOOK_S, ttl_s=self.plan.ttl_ms / MS_PER_SECOND
        )
        document["recorder_lost"] = self.recorder.lost
        document["providers"] = [
            {"provider": each.provider, "state": each.state, "wait_s": round(each.wait_s)}
            for each in self.chain.describe()
        ]
        return document

    def log_summary(self) -> None:
        """Write how the cache fared to the log."""
        counters = self.counters
        log.info(
            "sentiment summary",
            lookups=counters.lookups,
            hits=counters.hits,
            hit_rate=counters.hit_rate,
            stale=counters.stale_served,
            unknown=counters.unknown_served,
            refreshes=counters.refreshes,
            lost_rows=self.recorder.lost,
        )


@asynccontextmanager
async def open_desk(  # noqa: PLR0913 - what a desk is made of
    plan: SentimentPlan,
    *,
    directory: Path,
    clock: Clock,
    tls: ssl.SSLContext,
    is_open: Callable[[], bool],
    draw_jitter: Callable[[], float],
    wait: Callable[[float], Awaitable[None]] | None = None,
) -> AsyncIterator[Desk]:
    """Open the files and wire everything; ask nobody yet.

    Args:
        plan: Sources and money.
        directory: Holds recording and ledger.
        clock: Both clocks.
        tls: Verifies every server.
        is_open: Tells whether an answer could be of use soon.
        draw_jitter: Uniform in [0, 1).
        wait: Passes link seconds; by default with the clock.

    Raises:
        ConfigInvalid: a file cannot be opened.
    """
    limits_usd = {
        perplexity.NAME: plan.perplexity_usd_per_day,
        x_search.NAME: plan.x_usd_per_day,
    }
    passing = wait or (lambda seconds: pause(clock, seconds))
    recorder: Recorder | None = None
    ledger = Ledger(directory / LEDGER_NAME, limits_usd, clock)
    try:
        recorder = Recorder(directory / RECORDING_NAME)
        async with HttpxWeb(tls) as web:

            def make_caller(name: str) -> Caller:
                return Caller(
                    name, web=web, ledger=ledger, clock=clock, wait=passing, draw_jitter=draw_jitter
                )

            providers = make_providers(plan, make_caller)
            desk = _wire(
                plan,
                providers,
                clock=clock,
                ledger=ledger,
                recorder=recorder,
                is_open=is_open,
                wait=passing,
                draw_jitter=draw_jitter,
            )
            try:
                yield desk
            finally:
                await desk.cache.close()
                desk.note_counters()
    finally:
        await ledger.close()
        if recorder is not None:
            # Joins a thread that may be writing.
            await asyncio.get_running_loop().run_in_executor(None, recorder.close)


def _wire(  # noqa: PLR0913 - what a desk is made of
    plan: SentimentPlan,
    providers: Sequence[SentimentProvider],
    *,
    clock: Clock,
    ledger: Ledger,
    recorder: Recorder,
    is_open: Callable[[], bool],
    wait: Callable[[float], Awaitable[None]],
    draw_jitter: Callable[[], float],
) -> Desk:
    counters = Counters()
    chain = Chain(
        providers,
        clock=clock,
        counters=counters,
        note=recorder.note_fetch,
        fallback_on=plan.fallback_on,
    )
    cache = MoodCache(
        chain.fetch,
        clock=clock,
        counters=counters,
        note=recorder.note_fetch,
        ttl_ms=plan.ttl_ms,
        stale_ms=plan.stale_ms,
    )
    return Desk(
        source=MoodSource(cache, plan.question),
        cache=cache,
        chain=chain,
        refresher=Refresher(
            cache,
            plan.question,
            clock=clock,
            is_open=is_open,
            wait=wait,
            draw_jitter=draw_jitter,
            ttl_ms=plan.ttl_ms,
        ),
        counters=counters,
        ledger=ledger,
        recorder=recorder,
        perplexity=next((each for each in providers if isinstance(each, Perplexity)), None),
        plan=plan,
        clock=clock,
    )


def make_providers(
    plan: SentimentPlan, make_caller: Callable[[str], Caller]
) -> list[SentimentProvider]:
    """Return the providers that the plan has keys for."""
    providers: list[SentimentProvider] = []
    if plan.perplexity_key:
        caller = make_caller(perplexity.NAME)
        modes = [_make_mode(name, plan, caller) for name in plan.perplexity_modes]
        providers.append(Perplexity(caller, modes))
    if plan.x_token:
        providers.append(
            XSearch(
                make_caller(x_search.NAME),
                base_url=plan.x_url.rstrip("/"),
                token=plan.x_token,
                prices=plan.prices,
                query=plan.x_query,
                max_results=plan.x_max_results,
            )
        )
    if plan.feeds:
        caller = make_caller(news_feed.NAME)
        providers.append(NewsFeed(caller, urls=plan.feed_urls, domains=plan.domains))
    return providers


def _make_mode(name: str, plan: SentimentPlan, caller: Caller) -> Mode:
    assert plan.perplexity_key is not None
    base_url = plan.perplexity_url.rstrip("/")
    if name == SearchDecide.name:
        return SearchDecide(
            caller,
            base_url=base_url,
            key=plan.perplexity_key,
            model=plan.decider_model,
            domains=plan.domains,
            prices=plan.prices,
            is_fast=plan.is_search_fast,
        )
    return AgentMode(
        caller,
        base_url=base_url,
        key=plan.perplexity_key,
        model=plan.agent_model,
        domains=plan.domains,
        prices=plan.prices,
    )


def tell_missing(plan: SentimentPlan, *, needs_score: bool) -> None:
    """Say once that no source is set up, and what would add one."""
    log.warning(
        "sentiment.no_source",
        missing=", ".join(plan.missing),
        effect="no entry will be made" if needs_score else "the mood is unknown and vetoes nothing",
    )
