"""Time to an answer when Perplexity says 429: real HTTP and TLS against the twins on loopback."""

import asyncio
import logging
import random
import ssl
import sys
import tempfile
import time
from pathlib import Path

import structlog

from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.domain.mood import Known
from palmbot.domain.secret import Secret
from palmbot.sentiment.desk import open_desk
from palmbot.sentiment.plan import SentimentPlan
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.loopback_web import LoopbackWeb
from palmbot.simulator.newsroom import PERPLEXITY_KEY, RSS_PATH, X_TOKEN, Cue, Newsroom, Service

ROUNDS = 200
P99_S_MAX = 4.0


async def ask_once(directory: Path, newsroom: Newsroom, port: int, ca: Path) -> float:
    """Return the seconds from a cold question to the answer of the next source."""
    clock = SystemClock()
    base = f"https://localhost:{port}"
    plan = SentimentPlan(
        symbol="PALMOIL",
        perplexity_key=Secret(PERPLEXITY_KEY),
        x_token=Secret(X_TOKEN),
        feeds=(base + RSS_PATH,),
        perplexity_url=base,
        x_url=base,
        x_usd_per_day=1_000.0,
        perplexity_usd_per_day=1_000.0,
    )
    newsroom.always(Service.PERPLEXITY, Cue.RATE_LIMITED)
    async with open_desk(
        plan,
        directory=directory,
        clock=clock,
        tls=make_context(ca),
        is_open=lambda: True,
        draw_jitter=random.random,
    ) as desk:
        began_s = time.perf_counter()
        found = await desk.cache.get(plan.symbol, plan.query)
        took_s = time.perf_counter() - began_s
        if not isinstance(found, Known) or found.reading.tier == 1:
            raise RuntimeError("the next source did not answer")
        return took_s


async def main() -> int:
    """Print the figures; 1 if the p99 is above its limit."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        files = ensure_certificates(directory / "tls", clock.wall_ms())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(files.server, files.key)
        newsroom = Newsroom(1, clock.wall_ms)
        web = LoopbackWeb(newsroom.reply_to)
        port = await web.start(tls)
        took = sorted([await ask_once(directory, newsroom, port, files.ca) for _ in range(ROUNDS)])
        await web.close()
    p50, p99 = took[ROUNDS // 2], took[int(ROUNDS * 0.99)]
    print(f"429 to an answer of the next source, {ROUNDS} times: p50 {p50:.3f} s, p99 {p99:.3f} s")
    return int(p99 > P99_S_MAX)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
