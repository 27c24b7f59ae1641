"""How long the trading loop spends on a peek, and how few fetches a thousand callers make.

Times are of the processor and of single peeks; a peek that the machine interrupts is in the p99.
"""

import asyncio
import logging
import sys
import time
from dataclasses import replace

import structlog

from palmbot.adapters.system_clock import SystemClock
from palmbot.domain.mood import Driver, Evidence, Reading
from palmbot.sentiment.cache import MoodCache
from palmbot.sentiment.chain import Outcome
from palmbot.sentiment.counters import Counters
from palmbot.sentiment.desk import MoodSource
from palmbot.sentiment.questions import Question

PEEKS = 200_000
CALLERS = 1_000
P99_US_MAX = 20.0
QUESTION = Question("PALMOIL", "palm oil price")
READING = Reading(
    score=-40,
    confidence=0.7,
    evidence=(Evidence(domain="reuters.com", reference="u", title_hash="h", dated_at=None),),
    evidence_at=None,
    drivers=frozenset({Driver.STOCKS}),
    provider="perplexity",
    tier=1,
    mode="",
    model="",
    cost_usd=0.0,
    received_at=0,
)


def make_cache(fetches: list[int], *, has_answer: bool) -> MoodCache:
    """Return a cache over a source that answers after one turn of the loop."""

    async def fetch(_question: Question, **_limits: object) -> Outcome:
        fetches.append(1)
        await asyncio.sleep(0)
        return Outcome(reading=replace(READING) if has_answer else None)

    return MoodCache(fetch, clock=SystemClock(), counters=Counters(), note=lambda _row: None)


def measure(source: MoodSource) -> list[float]:
    """Return the microseconds of each peek, ascending."""
    took = []
    for _ in range(PEEKS):
        began = time.perf_counter_ns()
        source.peek()
        took.append((time.perf_counter_ns() - began) / 1_000)
    return sorted(took)


async def main() -> int:
    """Print the figures; 1 if the p99 is above its limit."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    code = 0
    for name, has_answer in (("hit", True), ("unknown", False)):
        fetches: list[int] = []
        cache = make_cache(fetches, has_answer=has_answer)
        callers = [cache.get(QUESTION.symbol, QUESTION.query) for _ in range(CALLERS)]
        await asyncio.gather(*callers)
        took = measure(MoodSource(cache, QUESTION))
        p50, p99, worst = (took[int(PEEKS * share)] for share in (0.5, 0.99, 0.99999))
        print(f"{CALLERS} callers of a cold key: {len(fetches)} fetch")
        print(f"peek, {name}: p50 {p50:.2f} us, p99 {p99:.2f} us, worst {worst:.0f} us")
        code = max(code, int(p99 > P99_US_MAX or len(fetches) != 1))
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
