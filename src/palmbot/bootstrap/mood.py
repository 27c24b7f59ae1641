"""Opens what asks for the market's mood beside a bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from palmbot.adapters.tls import make_context
from palmbot.bootstrap.opening import Bot
from palmbot.bootstrap.wiring import Wiring
from palmbot.core.params import SentimentMode
from palmbot.core.state import EngineState
from palmbot.domain.units import TimestampMs
from palmbot.live.mood_feed import MoodWitness
from palmbot.ports import Clock
from palmbot.sentiment.desk import Desk, open_desk, tell_missing
from palmbot.sentiment.refresher import OPENING_MS


@asynccontextmanager
async def open_mood(wiring: Wiring, bot: Bot) -> AsyncIterator[Desk | None]:
    """Open what asks for the market's mood, and let a witness record what it would decide.

    Yields None, and says once what is missing, if no source is set up.

    Raises:
        ConfigInvalid: a file of it cannot be opened.
    """
    plan = wiring.sentiment
    if plan is None:
        yield None
        return
    mode = wiring.params.sentiment.mode
    if not (plan.perplexity_key or plan.x_token or plan.feeds):
        if mode is not SentimentMode.OFF:
            tell_missing(plan, needs_score=mode is SentimentMode.CONFIRM)
        yield None
        return
    async with open_desk(
        plan,
        directory=wiring.directory,
        clock=wiring.clock,
        # The broker's own authority, if there is one, says nothing about the web.
        tls=make_context(),
        is_open=lambda: _is_market_near(bot.trader.state, wiring.clock),
        draw_jitter=wiring.draw_jitter,
    ) as desk:
        witness = MoodWitness(wiring.params, clock=wiring.clock, note=desk.recorder.note_service)
        bot.trader.observe(witness.observe)
        yield desk


def _is_market_near(state: EngineState, clock: Clock) -> bool:
    """Tell whether the market is open, or opens soon."""
    if state.symbol is None:
        return False
    now = clock.wall_ms()
    soon = TimestampMs(now + OPENING_MS)
    return state.symbol.hours.are_open(now) or state.symbol.hours.are_open(soon)
