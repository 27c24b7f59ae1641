"""Pays for the network while nobody waits: renews the entry shortly before it expires."""

from collections.abc import Awaitable, Callable
from typing import Final

from palmbot.domain.mood import Freshness, Known
from palmbot.domain.units import MS_PER_SECOND
from palmbot.ports import Clock
from palmbot.sentiment.cache import MoodCache
from palmbot.sentiment.chain import DEADLINE_S, INTERVAL_S
from palmbot.sentiment.perplexity import WARM_UP_S
from palmbot.sentiment.questions import Question
from palmbot.sentiment.recording import TTL_MS

EARLIEST: Final = 0.8
"""Share of its life after which an entry may be renewed."""
CLOSED_S: Final = 30.0
"""Between two looks at a closed market."""
OPENING_MS: Final = 30 * 60 * MS_PER_SECOND
"""So long before the market opens the first question is asked."""


class Refresher:
    """Keeps one question answered while the market is open, or about to be."""

    def __init__(  # noqa: PLR0913 - what it goes by
        self,
        cache: MoodCache,
        question: Question,
        *,
        clock: Clock,
        is_open: Callable[[], bool],
        wait: Callable[[float], Awaitable[None]],
        draw_jitter: Callable[[], float],
        ttl_ms: int = TTL_MS,
    ) -> None:
        """Begin with a refresh that is due at once.

        Args:
            cache: Keeps the answers.
            question: What to keep answered.
            clock: For the plan.
            is_open: Tells whether an answer could be of use soon.
            wait: Passes link seconds.
            draw_jitter: Uniform in [0, 1): bots started together do not ask together.
            ttl_ms: Life of an entry.
        """
        self._cache = cache
        self._question = question
        self._clock = clock
        self._is_open = is_open
        self._wait = wait
        self._draw_jitter = draw_jitter
        self._ttl_s = ttl_ms / MS_PER_SECOND
        self._due_s = clock.link_s()
        self._deadline_s: float | None = WARM_UP_S + DEADLINE_S

    @property
    def is_due(self) -> bool:
        """Tell whether it is time to ask, and of use."""
        return self._clock.link_s() >= self._due_s and self._is_open()

    async def refresh(self) -> None:
        """Ask, and plan the next time."""
        # Only the first question may take as long as a schema needs to be learned.
        found = await self._cache.refresh(self._question, deadline_s=self._deadline_s)
        self._deadline_s = None
        self._due_s = self._clock.link_s() + self._plan(found)

    async def run(self) -> None:
        """Refresh whenever it is due, until cancelled."""
        while True:
            if self.is_due:
                await self.refresh()
            else:
                left_s = self._due_s - self._clock.link_s()
                await self._wait(left_s if left_s > 0 else CLOSED_S)

    def _plan(self, found: object) -> float:
        """Return the seconds until the next question."""
        if isinstance(found, Known) and found.freshness is Freshness.MISS:
            # Done before the end of its life, even if the chain takes all its time.
            spread_s = max(0.0, (1 - EARLIEST) * self._ttl_s - DEADLINE_S)
            return EARLIEST * self._ttl_s + spread_s * self._draw_jitter()
        if isinstance(found, Known) and found.freshness is Freshness.HIT:
            # Nobody as good could answer; the others are asked once the score has expired.
            return max(1.0, self._ttl_s - found.age_ms / MS_PER_SECOND)
        return INTERVAL_S
