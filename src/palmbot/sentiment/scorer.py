"""Scores headlines by the tables of `sentiment.rules`: deterministic, offline, no model.

Start with `score_headline`; `score_batch` weighs many into one whole number.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from palmbot.domain.mood import SCORE_MAX, Driver
from palmbot.sentiment import rules
from palmbot.sentiment.rules import ClauseRule, Effect

HEADLINE_CHARACTERS_MAX = 300
"""The longest headlines have half of it; patterns take longer on longer texts."""

HEADLINES_KEPT = 2_048
"""The same headlines come back at every question, for a day or so."""

SIGNAL_MIN = 0.05
"""Below it a headline counts as neutral. Source: the threshold of the measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineScore:
    """What one headline says about the price of palm oil over the next day."""

    score: float
    """-1 to 1; 0 is neutral or about something else."""
    is_relevant: bool
    drivers: frozenset[Driver]
    """Of the rules that gave the score."""
    rules: tuple[str, ...]
    """Their names, in the order of the clauses."""

    @property
    def sign(self) -> int:
        """Return 1 bullish, -1 bearish, 0 neutral."""
        return 0 if abs(self.score) < SIGNAL_MIN else int(math.copysign(1, self.score))

    @property
    def is_past_price(self) -> bool:
        """Tell whether it does no more than report a move of the price."""
        return self.drivers == frozenset({Driver.PRICE_ACTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchScore:
    """What many headlines say together."""

    score: int
    """-100 to 100."""
    relevant: int
    """How many headlines it rests on."""
    agreement: float
    """0 to 1: share of the weight that speaks for the sign of the score."""
    drivers: frozenset[Driver]


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    is_lead: bool


@dataclass(frozen=True, slots=True)
class _Judgement:
    score: float
    rule: ClauseRule | None


@lru_cache(maxsize=HEADLINES_KEPT)
def score_headline(headline: str) -> HeadlineScore:
    """Score one headline, of which only the first 300 characters count; takes about 0.1 ms."""
    text = rules.UNIT_OF_MONEY.sub("", headline[:HEADLINE_CHARACTERS_MAX].lower())
    if rules.IRRELEVANT.search(text) and not rules.RELEVANT_ALL_THE_SAME.search(text):
        return _NEUTRAL
    total = 0.0
    fired: list[ClauseRule] = []
    for clause, weight in _weigh(text):
        judgement = _judge(clause)
        total += weight * judgement.score
        if judgement.rule is not None and judgement.score and weight:
            fired.append(judgement.rule)
    if rules.FLAT.search(text):
        total *= 0.0 if _has_flat_lead(text) else rules.FLAT_WEIGHT
    return HeadlineScore(
        score=max(-1.0, min(1.0, total)),
        is_relevant=bool(fired) or bool(rules.FLAT.search(text)),
        drivers=frozenset(rule.driver for rule in fired),
        rules=tuple(rule.name for rule in fired),
    )


_NEUTRAL = HeadlineScore(score=0.0, is_relevant=False, drivers=frozenset(), rules=())


def score_batch(headlines: Sequence[str], weights: Sequence[float] | None = None) -> BatchScore:
    """Weigh the relevant headlines into one score, a past move of the price less than a driver.

    Args:
        headlines: Texts.
        weights: One for each, 0 or more; None weighs all the same.
    """
    return combine([score_headline(each) for each in headlines], weights)


def combine(scores: Sequence[HeadlineScore], weights: Sequence[float] | None = None) -> BatchScore:
    """Weigh scored headlines as `score_batch` does."""
    total = mass = agreeing = 0.0
    drivers: set[Driver] = set()
    relevant = 0
    weighed: list[tuple[float, float]] = []
    for each, weight in zip(scores, weights or [1.0] * len(scores), strict=True):
        if not each.is_relevant:
            continue
        relevant += 1
        drivers |= each.drivers
        own = weight * (rules.PAST_PRICE_WEIGHT if each.is_past_price else 1.0)
        weighed.append((own, each.score))
        total += own * each.score
        mass += own
    if not mass:
        return BatchScore(score=0, relevant=relevant, agreement=0.0, drivers=frozenset(drivers))
    agreeing = sum(own for own, score in weighed if score * total > 0)
    return BatchScore(
        score=round(SCORE_MAX * total / mass),
        relevant=relevant,
        agreement=agreeing / mass,
        drivers=frozenset(drivers),
    )


def _weigh(text: str) -> list[tuple[_Clause, float]]:
    """Return the clauses with their weights; the lead ends with the first one of substance."""
    weighed: list[tuple[_Clause, float]] = []
    is_lead = True
    for part in rules.CLAUSE_BREAK.split(text):
        if not part:
            continue
        clause = _Clause(part, is_lead)
        if rules.CONCESSION.match(part):
            weight = 0.0
        else:
            weight = rules.LEAD_WEIGHT if is_lead else rules.LATER_WEIGHT
        weighed.append((clause, weight))
        if is_lead and (len(part.split()) >= rules.LEAD_WORDS or _judge(clause).score):
            is_lead = False
    return weighed


def _has_flat_lead(text: str) -> bool:
    return any(
        clause.is_lead and rules.FLAT.search(clause.text) is not None for clause, _ in _weigh(text)
    )


def _judge(clause: _Clause) -> _Judgement:
    direction = read_direction(clause.text)
    for rule in rules.CLAUSE_RULES:
        if rule.is_for_lead and not clause.is_lead:
            continue
        found = rule.says.search(clause.text)
        if found is None:
            continue
        if rule.unless is not None and rule.unless.search(clause.text) is not None:
            continue
        if rule.is_nearest:
            direction = _read_direction_near(clause.text, found)
        return _Judgement(rule.weight * _apply(rule.effect, direction), rule)
    return _Judgement(rules.SILENT_WEIGHT * direction, None)


def _apply(effect: Effect, direction: int) -> int:
    match effect:
        case Effect.BULLISH:
            return 1
        case Effect.BEARISH:
            return -1
        case Effect.NONE:
            return 0
        case Effect.WITH:
            return direction
        case Effect.AGAINST:
            return -direction


def read_direction(clause: str) -> int:
    """Return 1 if the clause says that something goes up, -1 if down, 0 if neither."""
    for idiom in rules.IDIOMS:
        if idiom.says.search(clause) is not None:
            return idiom.direction
    up, down = rules.UP.search(clause), rules.DOWN.search(clause)
    if up is None or down is None:
        return int(up is not None) - int(down is not None)
    return 1 if up.start() < down.start() else -1


def _read_direction_near(clause: str, found: re.Match[str]) -> int:
    """Return the direction of the word with the fewest characters between it and the match."""
    words = [(each, 1) for each in rules.UP.finditer(clause)]
    words += [(each, -1) for each in rules.DOWN.finditer(clause)]
    if not words:
        return 0

    def distance(word: tuple[re.Match[str], int]) -> tuple[int, int]:
        place = word[0]
        # Of two equally near, the one before it: "weakening ringgit supports palm oil".
        return max(place.start() - found.end(), found.start() - place.end()), place.start()

    return min(words, key=distance)[1]
