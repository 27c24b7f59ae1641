"""What is counted: lookups, fetches, failures, money. Plain numbers, kept by the hour as well."""

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

MINUTES_PER_HOUR: Final = 60
SECONDS_PER_MINUTE: Final = 60.0
LATENCIES_KEPT: Final = 1_000


@dataclass(slots=True)
class Counters:
    """Everything since the start of the run."""

    hits: int = 0
    cold_misses: int = 0
    expired_misses: int = 0
    coalesced: int = 0
    """Callers that joined a fetch under way."""
    negative_hits: int = 0
    stale_served: int = 0
    unknown_served: int = 0
    refreshes: int = 0
    """Fetches nobody waited for; no lookups, so that they do not flatter the hit rate."""
    quarantined: int = 0
    disagreements: int = 0
    evicted: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """Questions by provider."""
    answers: Counter[str] = field(default_factory=Counter)
    """Readings by provider."""
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By provider and kind, of providers that were asked."""
    fallbacks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """From one provider to the next, by kind; `none` after the last."""
    latencies_ms: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    """Of whole questions to the chain, the newest."""
    evidence_age_s: float | None = None
    """Of the newest reading, when it was stored."""
    _hour: deque[list[int]] = field(default_factory=lambda: deque(maxlen=MINUTES_PER_HOUR))
    """Minute of link time, hits and lookups in it."""

    @property
    def lookups(self) -> int:
        """Questions to the cache."""
        return (
            self.hits + self.cold_misses + self.expired_misses + self.coalesced + self.negative_hits
        )

    @property
    def hit_rate(self) -> float | None:
        """Hits / lookups, None before the first."""
        return self.hits / self.lookups if self.lookups else None

    def count_lookup(self, now_s: float, *, is_hit: bool) -> None:
        """Keep one lookup in the rolling hour."""
        minute = int(now_s / SECONDS_PER_MINUTE)
        if not self._hour or self._hour[-1][0] != minute:
            self._hour.append([minute, 0, 0])
        self._hour[-1][1] += is_hit
        self._hour[-1][2] += 1

    def read_hour_rate(self, now_s: float) -> float | None:
        """Return the hit rate of the last hour, None without a lookup in it."""
        first = int(now_s / SECONDS_PER_MINUTE) - MINUTES_PER_HOUR
        recent = [each for each in self._hour if each[0] > first]
        lookups = sum(each[2] for each in recent)
        return sum(each[1] for each in recent) / lookups if lookups else None

    def describe(self, now_s: float, *, period_s: float, ttl_s: float) -> dict[str, Any]:
        """Return everything as a JSON document.

        Args:
            now_s: Link time.
            period_s: Between two looks of the loop, for the prediction.
            ttl_s: Life of a score.
        """
        latencies = sorted(self.latencies_ms)
        return {
            "lookups": self.lookups,
            "hits": self.hits,
            "misses": {"cold": self.cold_misses, "expired": self.expired_misses},
            "coalesced": self.coalesced,
            "negative_hits": self.negative_hits,
            "stale_served": self.stale_served,
            "unknown_served": self.unknown_served,
            "refreshes": self.refreshes,
            "hit_rate": self.hit_rate,
            "hit_rate_last_hour": self.read_hour_rate(now_s),
            "hit_rate_predicted": predict_hit_rate(period_s, ttl_s),
            "quarantined": self.quarantined,
            "disagreements": self.disagreements,
            "evicted": self.evicted,
            "provider_calls": dict(self.calls),
            "provider_answers": dict(self.answers),
            "provider_errors": [
                {"provider": provider, "kind": kind, "count": count}
                for (provider, kind), count in sorted(self.errors.items())
            ],
            "fallbacks": [
                {"from": before, "to": after, "kind": kind, "count": count}
                for (before, after, kind), count in sorted(self.fallbacks.items())
            ],
            "latency_ms_median": latencies[len(latencies) // 2] if latencies else None,
            "latency_ms_max": latencies[-1] if latencies else None,
            "evidence_age_s": self.evidence_age_s,
        }


def predict_hit_rate(period_s: float, ttl_s: float) -> float:
    """Return the hit rate of somebody who asks every `period_s`: 1 - 1 / ceil(ttl / period).

    Source: the law of the fact sheet, which the tests hold the cache to. With a refresher the
    measured rate is higher, because its fetches are no lookups.
    """
    return 1 - 1 / math.ceil(ttl_s / period_s)
