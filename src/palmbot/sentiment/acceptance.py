"""Whether a reading is believed: held against the rules, and against the one before.

A reading that is not believed is no reading at all: nothing is averaged or clamped.
"""

from dataclasses import dataclass
from typing import Final

from palmbot.domain.mood import Reading
from palmbot.ports import Clock
from palmbot.sentiment.providers import Fetched
from palmbot.sentiment.questions import Key
from palmbot.sentiment.scorer import score_batch

CLASH_SCORE: Final = 40
"""Both scores this far out, on opposite sides, and one of them is wrong."""
JUMP_MAX: Final = 60
NEW_DOMAINS_MIN: Final = 2
"""So many sources that were silent before explain a jump."""
MEMORY_S: Final = 2_100.0
"""A score older than this, which nobody is served any more, holds nothing back."""

DISAGREEMENT: Final = "disagreement"
JUMP: Final = "jump"


@dataclass(frozen=True, slots=True)
class _Memory:
    score: int
    domains: frozenset[str]
    at_s: float


class Acceptance:
    """Remembers, for each question and provider, what was believed last and what was not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._believed: dict[tuple[Key, str], _Memory] = {}
        self._doubted: dict[tuple[Key, str], _Memory] = {}

    def doubt(self, key: Key, fetched: Fetched) -> str | None:
        """Return why a reading is not believed, None if it is; remembers either.

        A jump without new sources is believed once a second fetch says the same.
        """
        reading = fetched.reading
        place = (key, reading.provider)
        memory = _Memory(
            reading.score,
            frozenset(each.domain for each in reading.evidence),
            self._clock.link_s(),
        )
        if fetched.titles and _is_clash(reading, fetched.titles):
            return DISAGREEMENT
        if self._is_jump(place, memory) and not self._is_confirmed(place, memory):
            self._doubted[place] = memory
            return JUMP
        self._believed[place] = memory
        self._doubted.pop(place, None)
        return None

    def _is_jump(self, place: tuple[Key, str], now: _Memory) -> bool:
        last = self._believed.get(place)
        if last is None or now.at_s - last.at_s > MEMORY_S:
            return False
        is_far = abs(now.score - last.score) > JUMP_MAX
        return is_far and len(now.domains - last.domains) < NEW_DOMAINS_MIN

    def _is_confirmed(self, place: tuple[Key, str], now: _Memory) -> bool:
        doubted = self._doubted.get(place)
        return (
            doubted is not None
            and now.at_s - doubted.at_s <= MEMORY_S
            and abs(now.score - doubted.score) <= JUMP_MAX
        )


def _is_clash(reading: Reading, titles: tuple[str, ...]) -> bool:
    by_rules = score_batch(titles).score
    return (
        reading.score * by_rules < 0
        and abs(reading.score) >= CLASH_SCORE
        and abs(by_rules) >= CLASH_SCORE
    )
