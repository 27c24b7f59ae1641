"""Invented headlines for the twins of the news services: seeded, undated, about nobody.

They follow no price. A score made of them can show that the machinery works, never that it pays.
"""

import random
from dataclasses import dataclass
from typing import Final

from palmbot.domain.units import MS_PER_MINUTE, TimestampMs

SPELL_MS: Final = 180 * MS_PER_MINUTE
"""So long the invented mood stays the same."""
SITES: Final = (
    "www.reuters.com",
    "www.thestar.com.my",
    "www.theedgemalaysia.com",
    "www.nst.com.my",
    "www.bernama.com",
    "www.hellenicshippingnews.com",
)
BULLISH: Final = (
    "Malaysian palm oil stocks fall {n}% from a month ago",
    "Palm oil exports rise {n}%, surveyor says",
    "Palm oil output drops {n}% after floods",
    "Indonesia raises biodiesel mandate, palm oil demand to grow",
    "India cuts palm oil import duty",
    "Weaker ringgit makes palm oil cheaper for buyers abroad",
)
BEARISH: Final = (
    "Malaysian palm oil stocks rise {n}% from a month ago",
    "Palm oil exports fall {n}%, surveyor says",
    "Palm oil output climbs {n}% as harvest peaks",
    "Indonesia delays biodiesel mandate",
    "India raises palm oil import duty",
    "Stronger ringgit makes palm oil costlier for buyers abroad",
)
QUIET: Final = (
    "Palm oil little changed as traders await export data",
    "Palm oil trades sideways in thin session",
    "Palm oil flat ahead of holiday",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One invented piece of news."""

    title: str
    site: str
    age_ms: int


class InventedNews:
    """News of a seed: the same at the same time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def read_mood(self, now: TimestampMs) -> float:
        """Return the mood of the spell, -1 to 1; three spells in ten are extreme."""
        draw = random.Random(f"mood {self._seed} {now // SPELL_MS}")  # noqa: S311 - no secret
        if draw.random() < 0.3:  # noqa: PLR2004 - see the docstring
            return draw.choice((-0.95, 0.95))
        return draw.uniform(-0.7, 0.7)

    def write(self, now: TimestampMs, count: int) -> list[Item]:
        """Return news of the last hours, newest first, one title each."""
        mood = self.read_mood(now)
        draw = random.Random(f"news {self._seed} {now // SPELL_MS}")  # noqa: S311
        age_ms = now % SPELL_MS
        items: dict[str, Item] = {}
        while len(items) < count:
            loud = BULLISH if draw.random() < (1 + mood) / 2 else BEARISH
            source = loud if draw.random() < max(0.3, abs(mood)) else QUIET
            title = draw.choice(source).format(n=draw.randint(2, 24))
            words = draw.choice(("", " - update", " in early trade", " for third month"))
            age_ms += draw.randint(1, 40) * MS_PER_MINUTE
            items[title + words] = Item(title + words, draw.choice(SITES), age_ms)
        return list(items.values())
