"""One real call to each source that is set up, to see whether the world is as documented."""

from collections.abc import Sequence
from dataclasses import dataclass

from palmbot.ports import Clock
from palmbot.sentiment.failures import ProviderFailed
from palmbot.sentiment.perplexity import WARM_UP_S
from palmbot.sentiment.providers import FetchTrace, SentimentProvider
from palmbot.sentiment.questions import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one source answered."""

    provider: str
    mode: str
    model: str
    status: int | None
    """Of the last HTTP answer; None if none came."""
    shape: str
    """Names of the fields of its body."""
    headers: tuple[str, ...]
    """Names of its headers."""
    cost_usd: float
    """Billed, or booked as the worst case where the answer does not say."""
    seconds: float
    score: int | None
    confidence: float | None
    domains: int
    failure: str | None
    """Kind and detail; None if there is a score."""


async def probe(
    providers: Sequence[SentimentProvider], question: Question, clock: Clock
) -> tuple[ProbeResult, ...]:
    """Ask each provider once, one after the other; keep nothing."""
    return tuple([await _probe(each, question, clock) for each in providers])


async def _probe(provider: SentimentProvider, question: Question, clock: Clock) -> ProbeResult:
    trace = FetchTrace()
    began_s = clock.link_s()
    reading, failure = None, None
    try:
        fetched = await provider.fetch(question, began_s + WARM_UP_S, trace)
        reading = fetched.reading
    except ProviderFailed as e:
        failure = str(e)
    return ProbeResult(
        provider=provider.name,
        mode=trace.mode,
        model=trace.model,
        status=trace.status,
        shape=trace.shape,
        headers=trace.headers,
        cost_usd=trace.cost_usd,
        seconds=round(clock.link_s() - began_s, 3),
        score=None if reading is None else reading.score,
        confidence=None if reading is None else reading.confidence,
        domains=0 if reading is None else reading.domains,
        failure=failure,
    )
