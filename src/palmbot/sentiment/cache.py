"""The cache: key -> (score, time stored), five minutes, and what happens around its edges.

`peek` is for the trading loop: no I/O, no waiting. `get` waits for one shared fetch at most.
`refresh` is for the task that pays for the network. None of them raises.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from palmbot.domain.mood import Freshness, Known, Reading, Unknown, UnknownReason
from palmbot.domain.units import MS_PER_SECOND, TimestampMs
from palmbot.ports import Clock
from palmbot.sentiment.chain import Outcome
from palmbot.sentiment.counters import Counters
from palmbot.sentiment.questions import Key, Question
from palmbot.sentiment.recording import STALE_MS, TTL_MS, FetchStatus, RecordedFetch

NEGATIVE_S: Final = 30.0
"""The failure of a whole chain is remembered so long."""
CAPACITY: Final = 64
STEP_BACK_MS: Final = 1_000
"""Clocks that differ by more were set."""

log = structlog.get_logger(__name__)


class Fetch(Protocol):
    """How the cache asks; `chain.Chain.fetch` is one."""

    async def __call__(
        self, question: Question, *, tier_max: int | None = None, deadline_s: float | None = None
    ) -> Outcome:
        """Return what the question came to; never raises."""


@dataclass(slots=True)
class _Entry:
    """The value: the score inside the reading, and when it was stored, by both clocks."""

    reading: Reading
    stored_at: TimestampMs
    stored_s: float
    has_failed: bool = False
    """A refresh failed since; only then an expired score may still be served."""


@dataclass(frozen=True, slots=True)
class _Failure:
    until_s: float
    reason: UnknownReason


class MoodCache:
    """Implements the lookups of `ports.SentimentSource`, for any number of questions."""

    def __init__(  # noqa: PLR0913 - limits with defaults
        self,
        fetch: Fetch,
        *,
        clock: Clock,
        counters: Counters,
        note: Callable[[RecordedFetch], None],
        ttl_ms: int = TTL_MS,
        stale_ms: int = STALE_MS,
        capacity: int = CAPACITY,
    ) -> None:
        """Begin empty.

        Args:
            fetch: Asks the outside.
            clock: Both clocks; the age of an entry is what the sterner one says.
            counters: Shared with the chain.
            note: Takes the row of a reading that was stored.
            ttl_ms: Life of a score, exclusive.
            stale_ms: Age up to which a failed refresh leaves it served.
            capacity: Entries; the least recently used goes first.
        """
        self._fetch = fetch
        self._clock = clock
        self._counters = counters
        self._note = note
        self._ttl_ms = ttl_ms
        self._stale_ms = stale_ms
        self._capacity = capacity
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._failures: dict[Key, _Failure] = {}
        self._running: dict[Key, asyncio.Task[Known | Unknown]] = {}
        self._told: dict[Key, str] = {}
        # Asked once: a line that nobody reads would be most of the price of a peek.
        self._tells_hits = log.bind().is_enabled_for(logging.DEBUG)

    def peek(self, question: Question) -> Known | Unknown:
        """Return what is known now, and ask nobody."""
        found, _ = self._look(question.key)
        return found

    async def get(self, symbol: str, query: str) -> Known | Unknown:
        """Return what is known, after one fetch shared by all who ask meanwhile if need be."""
        question = Question(symbol, query)
        key = question.key
        if (task := self._running.get(key)) is not None and not self._has_fresh(key):
            self._counters.coalesced += 1
            self._counters.count_lookup(self._clock.link_s(), is_hit=False)
            return await asyncio.shield(task)
        found, is_final = self._look(key)
        if is_final:
            return found
        return await asyncio.shield(self._start(question, None))

    async def refresh(
        self, question: Question, *, deadline_s: float | None = None
    ) -> Known | Unknown:
        """Ask the outside, joining a fetch under way; counts as no lookup.

        While a score is fresh no worse tier is asked than the one it came from: it would not
        be stored, and not be free.
        """
        task = self._running.get(question.key)
        if task is None:
            self._counters.refreshes += 1
            task = self._start(question, deadline_s)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self, key: Key) -> tuple[Known | Unknown, bool]:
        """Count one lookup; return its result, and False if a fetch could improve on it."""
        counters = self._counters
        now_s = self._clock.link_s()
        entry = self._entries.get(key)
        age_ms = None if entry is None else self._age(entry)
        if entry is not None and age_ms is not None and age_ms < self._ttl_ms:
            counters.hits += 1
            counters.count_lookup(now_s, is_hit=True)
            self._entries.move_to_end(key)
            self._told.pop(key, None)
            if self._tells_hits:
                age = f"{age_ms / MS_PER_SECOND:.0f}s"
                log.debug("sentiment cache hit", key=str(key), score=entry.reading.score, age=age)
            return Known(reading=entry.reading, age_ms=age_ms, freshness=Freshness.HIT), True
        counters.count_lookup(now_s, is_hit=False)
        failure = self._failures.get(key)
        if failure is not None and now_s < failure.until_s:
            counters.negative_hits += 1
            return self._serve_old(key, failure.reason), True
        if entry is None:
            counters.cold_misses += 1
            reason = UnknownReason.COLD
        else:
            counters.expired_misses += 1
            reason = UnknownReason.EXPIRED
        self._tell_miss(key, reason)
        return self._serve_old(key, reason), False

    def _serve_old(self, key: Key, reason: UnknownReason) -> Known | Unknown:
        """Return an expired score if a refresh failed and it is not too old, else Unknown."""
        entry = self._entries.get(key)
        age_ms = None if entry is None else self._age(entry)
        if entry is not None and age_ms is None:
            del self._entries[key]  # a clock was set back: how old it is nobody knows
        if entry is not None and age_ms is not None and age_ms < self._ttl_ms:
            return Known(reading=entry.reading, age_ms=age_ms, freshness=Freshness.HIT)
        is_usable = entry is not None and entry.has_failed and age_ms is not None
        if entry is not None and age_ms is not None and is_usable and age_ms <= self._stale_ms:
            self._counters.stale_served += 1
            return Known(reading=entry.reading, age_ms=age_ms, freshness=Freshness.STALE)
        self._counters.unknown_served += 1
        return Unknown(reason=reason)

    def _has_fresh(self, key: Key) -> bool:
        entry = self._entries.get(key)
        age_ms = None if entry is None else self._age(entry)
        return age_ms is not None and age_ms < self._ttl_ms

    def _age(self, entry: _Entry) -> int | None:
        wall_ms = self._clock.wall_ms() - entry.stored_at
        link_ms = round((self._clock.link_s() - entry.stored_s) * MS_PER_SECOND, 3)
        if link_ms - wall_ms > STEP_BACK_MS:
            return None
        return max(wall_ms, int(link_ms))

    def _start(self, question: Question, deadline_s: float | None) -> asyncio.Task[Known | Unknown]:
        key = question.key
        task = asyncio.create_task(self._ask(question, deadline_s), name=f"mood {key}")
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))
        return task

    async def _ask(self, question: Question, deadline_s: float | None) -> Known | Unknown:
        key = question.key
        tier_max = self._entries[key].reading.tier if self._has_fresh(key) else None
        outcome = await self._fetch(question, tier_max=tier_max, deadline_s=deadline_s)
        if outcome.reading is not None:
            return self._store(key, outcome.reading, outcome.record)
        reason = UnknownReason.QUARANTINED if outcome.is_quarantined else UnknownReason.FAILED
        self._failures[key] = _Failure(self._clock.link_s() + NEGATIVE_S, reason)
        entry = self._entries.get(key)
        if entry is not None:
            entry.has_failed = True
        return self._serve_old(key, reason)

    def _store(self, key: Key, reading: Reading, record: RecordedFetch | None) -> Known | Unknown:
        entry = self._entries.get(key)
        if entry is not None and self._has_fresh(key) and entry.reading.tier < reading.tier:
            return self._serve_old(key, UnknownReason.FAILED)  # a worse tier never replaces it
        now, now_s = self._clock.wall_ms(), self._clock.link_s()
        self._entries[key] = _Entry(reading, now, now_s)
        self._entries.move_to_end(key)
        self._failures.pop(key, None)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
            self._counters.evicted += 1
        if record is not None:
            self._note(replace(record, status=FetchStatus.STORED, stored_at=now))
        log.info(
            "sentiment stored",
            key=str(key),
            provider=reading.provider,
            score=reading.score,
            domains=reading.domains,
        )
        return Known(reading=reading, age_ms=0, freshness=Freshness.MISS)

    def _tell_miss(self, key: Key, reason: UnknownReason) -> None:
        """Log a miss; of a loop that looks once a second the first of a row only."""
        if self._told.get(key) != reason:
            self._told[key] = reason
            log.info("sentiment cache miss", key=str(key), reason=reason.value)
        else:
            log.debug("sentiment cache miss", key=str(key), reason=reason.value)
