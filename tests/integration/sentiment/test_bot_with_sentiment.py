"""The bot's own wiring: one line says that no source is set up; with one the loop is told."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.engine_world import EASY, World
from harness.mood_world import MoodClock, make_plan
from palmbot.bootstrap.mood import open_mood
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.domain.units import TimestampMs
from palmbot.live.mood_feed import MoodFeed
from palmbot.sentiment.plan import SentimentPlan
from palmbot.simulator.loopback_web import LoopbackWeb
from palmbot.simulator.newsroom import Newsroom


def make_bot(plan, mode, directory):
    world = World(replace(EASY, sentiment=SentimentRules(mode=mode)))
    world.make_ready()
    observers = []
    wiring = SimpleNamespace(
        sentiment=plan,
        params=world.params,
        directory=directory,
        clock=MoodClock(),
        draw_jitter=lambda: 0.5,
    )
    trader = SimpleNamespace(state=world.state, observe=observers.append)
    return wiring, SimpleNamespace(trader=trader), observers


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # preset here and there, and refused
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (SentimentMode.VETO, "vetoes nothing"),
        (SentimentMode.CONFIRM, "no entry will be made"),
        (SentimentMode.OFF, None),
    ],
)
def test_without_a_source_the_bot_runs_and_says_once_what_is_missing(tmp_path, capsys, mode, words):
    async def play():
        wiring, bot, observers = make_bot(SentimentPlan(symbol="PALMOIL"), mode, tmp_path)
        async with open_mood(wiring, bot) as desk:
            assert desk is None
            assert observers == []

    asyncio.run(play())
    text = capsys.readouterr().out
    assert text.count("sentiment.no_source") == (words is not None)
    if words is not None:
        assert words in text
        assert "PERPLEXITY_API_KEY" in text
    assert list(tmp_path.iterdir()) == []


def test_with_a_source_the_loop_is_told_and_never_waits(tmp_path):
    async def play():
        newsroom = Newsroom(1, lambda: TimestampMs(wiring.clock.wall_ms()))
        web = LoopbackWeb(newsroom.reply_to)
        port = await web.start()
        wiring, bot, observers = make_bot(make_plan(port), SentimentMode.VETO, tmp_path)
        events = []
        async with open_mood(wiring, bot) as desk:
            assert len(observers) == 1
            feed = MoodFeed(
                desk.source,
                sink=SimpleNamespace(put=events.append),
                read_state=lambda: bot.trader.state,
            )
            feed.look()
            assert (events[0].score, newsroom.requests.total()) == (None, 0)
            assert desk.refresher.is_due  # the contract of the harness never closes
            await desk.refresher.refresh()
            feed.look()
            feed.look()
            assert len(events) == 2
            assert events[1].source == "perplexity"
        await web.close()

    asyncio.run(play())
