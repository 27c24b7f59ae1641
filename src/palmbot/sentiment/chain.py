"""One question, asked of one provider after the other until one has an answer to believe."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from palmbot.domain.errors import PalmbotError
from palmbot.domain.mood import Reading
from palmbot.domain.units import MS_PER_SECOND, TimestampMs
from palmbot.ports import Clock
from palmbot.sentiment.acceptance import DISAGREEMENT, Acceptance
from palmbot.sentiment.counters import Counters
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.providers import Fetched, FetchTrace, SentimentProvider
from palmbot.sentiment.questions import Question
from palmbot.sentiment.recording import FetchStatus, RecordedFetch
from palmbot.sentiment.standing import Standing, StandingView
from palmbot.sentiment.waiting import limit

DEADLINE_S: Final = 12.0
"""For all providers together."""
INTERVAL_S: Final = 60.0
"""Least time between two questions to one provider."""
NOBODY: Final = "none"
QUARANTINE: Final = "quarantined"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a question came to."""

    reading: Reading | None
    """None: no provider had one that could be believed."""
    record: RecordedFetch | None = None
    """Of the reading, for whoever stores it."""
    is_quarantined: bool = False
    """One came, and was not believed."""


@dataclass(frozen=True, slots=True)
class _Link:
    provider: SentimentProvider
    standing: Standing


class Chain:
    """Asks providers in the order of their tiers.

    Never raises on account of a provider: what is wrong with one is counted, recorded, held
    against it, and a reason to ask the next.
    """

    def __init__(
        self,
        providers: Iterable[SentimentProvider],
        *,
        clock: Clock,
        counters: Counters,
        note: Callable[[RecordedFetch], None],
        fallback_on: frozenset[FailureKind] = frozenset(FailureKind),
    ) -> None:
        """Put the providers in order.

        Args:
            providers: In any order.
            clock: Both clocks.
            counters: Shared with the cache.
            note: Takes a row for the recording.
            fallback_on: Kinds of failure after which the next provider is asked.
        """
        self._clock = clock
        self._counters = counters
        self._note = note
        self._fallback_on = fallback_on
        self._acceptance = Acceptance(clock)
        self._links = [
            _Link(each, Standing(each.name, clock, interval_s=INTERVAL_S))
            for each in sorted(providers, key=lambda each: each.tier)
        ]

    def describe(self) -> tuple[StandingView, ...]:
        """Return how the providers stand, best first."""
        return tuple(each.standing.describe() for each in self._links)

    async def fetch(
        self, question: Question, *, tier_max: int | None = None, deadline_s: float | None = None
    ) -> Outcome:
        """Return the first reading that is believed.

        Args:
            question: What to ask.
            tier_max: The worst tier worth asking; None asks all.
            deadline_s: Another one than usual.
        """
        began_s = self._clock.link_s()
        until_s = began_s + (DEADLINE_S if deadline_s is None else deadline_s)
        links = [each for each in self._links if tier_max is None or each.provider.tier <= tier_max]
        is_quarantined = was_asked = False
        reason = FailureKind.DISABLED.value
        for index, link in enumerate(links):
            trace = FetchTrace()
            asked_at = self._clock.wall_ms()
            try:
                fetched = await self._ask(link, question, until_s, trace)
            except _Skipped as e:
                reason = e.failure.kind.value
            except ProviderFailed as e:
                was_asked, reason = True, e.kind.value
                self._note_failure(link, question, trace, asked_at, reason)
            else:
                was_asked = True
                record = self._record(link, question, trace, asked_at, fetched.reading)
                doubt = self._acceptance.doubt(question.key, fetched)
                if doubt is None:
                    self._count_answer(link, fetched, began_s)
                    return Outcome(
                        reading=fetched.reading, record=record, is_quarantined=is_quarantined
                    )
                is_quarantined, reason = True, QUARANTINE
                self._quarantine(link, record, doubt)
            self._count_fallback(links, index, reason)
            if reason != QUARANTINE and FailureKind(reason) not in self._fallback_on:
                break
        if not was_asked:
            self._note(_empty_record(question, NOBODY, self._clock.wall_ms(), reason))
        return Outcome(reading=None, is_quarantined=is_quarantined)

    async def _ask(
        self, link: _Link, question: Question, until_s: float, trace: FetchTrace
    ) -> Fetched:
        provider, standing = link.provider, link.standing
        now_s = self._clock.link_s()
        refusal = standing.refuse()
        if refusal is None and until_s <= now_s:
            refusal = ProviderFailed(FailureKind.TIMEOUT, "no time left")
        if refusal is not None:
            raise _Skipped(refusal)
        until_s = min(until_s, now_s + provider.cap_s)
        self._counters.calls[provider.name] += 1
        standing.begin()
        try:
            async with limit(self._clock, until_s - now_s):
                fetched = await provider.fetch(question, until_s, trace)
        except ProviderFailed as e:
            self._hold_against(link, e)
            raise
        except TimeoutError:
            failure = ProviderFailed(FailureKind.TIMEOUT, "no answer in time")
            self._hold_against(link, failure)
            raise failure from None
        except Exception as e:
            # A defect in our reading of a stranger's text must not end the trading.
            log.error("provider.misread", provider=provider.name, kind=type(e).__name__)  # noqa: TRY400
            failure = ProviderFailed(FailureKind.MALFORMED, f"misread: {type(e).__name__}")
            self._hold_against(link, failure)
            raise failure from e
        except BaseException:
            standing.abandon()
            raise
        standing.succeed()
        return fetched

    def _hold_against(self, link: _Link, failure: ProviderFailed) -> None:
        name = link.provider.name
        self._counters.errors[name, failure.kind.value] += 1
        link.standing.fail(failure)
        log.info("provider.failed", provider=name, kind=failure.kind.value, detail=failure.detail)

    def _count_answer(self, link: _Link, fetched: Fetched, began_s: float) -> None:
        self._counters.answers[link.provider.name] += 1
        self._counters.latencies_ms.append(round((self._clock.link_s() - began_s) * MS_PER_SECOND))
        evidence_at = fetched.reading.evidence_at
        if evidence_at is not None:
            age_ms = self._clock.wall_ms() - evidence_at
            self._counters.evidence_age_s = age_ms / MS_PER_SECOND

    def _count_fallback(self, links: Sequence[_Link], index: int, reason: str) -> None:
        after = links[index + 1].provider.name if index + 1 < len(links) else NOBODY
        self._counters.fallbacks[links[index].provider.name, after, reason] += 1
        log.info("provider.passed_over", provider=links[index].provider.name, to=after, kind=reason)

    def _quarantine(self, link: _Link, record: RecordedFetch, doubt: str) -> None:
        self._counters.quarantined += 1
        self._counters.disagreements += doubt == DISAGREEMENT
        log.warning(
            "reading.quarantined", provider=link.provider.name, why=doubt, score=record.score
        )
        self._note(record)

    def _record(
        self,
        link: _Link,
        question: Question,
        trace: FetchTrace,
        asked_at: TimestampMs,
        reading: Reading,
    ) -> RecordedFetch:
        return replace(
            _empty_record(question, link.provider.name, reading.received_at, ""),
            asked_at=asked_at,
            mode=trace.mode,
            model=trace.model,
            prompt_hash=trace.prompt_hash,
            status=FetchStatus.QUARANTINED,  # until somebody stores it
            unknown_reason=None,
            score=reading.score,
            confidence=reading.confidence,
            drivers=reading.drivers,
            evidence=reading.evidence,
            evidence_at=reading.evidence_at,
            raw_sha256=trace.raw_sha256,
            cost_usd=trace.cost_usd,
            latency_ms=reading.received_at - asked_at,
        )

    def _note_failure(
        self,
        link: _Link,
        question: Question,
        trace: FetchTrace,
        asked_at: TimestampMs,
        reason: str,
    ) -> None:
        now = self._clock.wall_ms()
        self._note(
            replace(
                _empty_record(question, link.provider.name, now, reason),
                asked_at=asked_at,
                mode=trace.mode,
                model=trace.model,
                prompt_hash=trace.prompt_hash,
                raw_sha256=trace.raw_sha256,
                cost_usd=trace.cost_usd,
                latency_ms=now - asked_at,
            )
        )


class _Skipped(PalmbotError):
    """The provider was not asked at all."""

    def __init__(self, failure: ProviderFailed) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _empty_record(
    question: Question, provider: str, now: TimestampMs, reason: str
) -> RecordedFetch:
    return RecordedFetch(
        asked_at=now,
        received_at=now,
        stored_at=None,
        key=str(question.key),
        provider=provider,
        mode="",
        model="",
        prompt_hash="",
        status=FetchStatus.FAILED,
        unknown_reason=reason,
        score=None,
        confidence=0.0,
        drivers=frozenset(),
        evidence=(),
        evidence_at=None,
        raw_sha256="",
        cost_usd=0.0,
        latency_ms=0,
    )
