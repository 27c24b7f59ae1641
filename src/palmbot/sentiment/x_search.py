"""X by its recent search: what many people write, scored by the rules, trusted little."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from palmbot.domain.mood import Driver, Evidence, Reading
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.ports import WebRequest
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.headlines import (
    clean_title,
    hash_text,
    is_instruction,
    normalise,
    read_date,
)
from palmbot.sentiment.prices import Prices
from palmbot.sentiment.providers import (
    Call,
    Caller,
    Fetched,
    FetchTrace,
    read_list,
    read_object,
)
from palmbot.sentiment.questions import Question
from palmbot.sentiment.scorer import HeadlineScore, combine, score_headline

NAME: Final = "x"
TIER: Final = 2
CAP_S: Final = 3.0
DOMAIN: Final = "x.com"
RULES_NAME: Final = "rules"

AUTHORS_MIN: Final = 8
SCORE_CAP: Final = 50
CONFIDENCE_CAP: Final = 0.4
"""Anyone can write on X: below the least confidence of a veto, so that X alone never vetoes."""
RING_MS: Final = MS_PER_DAY
POSTS_MAX: Final = 2_000
"""In the ring; a day of posts about palm oil has some hundreds."""
MAX_RESULTS_RANGE: Final = range(10, 101)

QUERY: Final = (
    '("palm oil" OR #palmoil OR #CPO OR FCPO OR "crude palm oil" OR "minyak sawit") '
    "(price OR futures OR ringgit OR MPOB OR export OR exports OR stocks OR inventory OR output "
    "OR biodiesel OR B40 OR B50 OR soyoil OR levy) -is:retweet -is:reply -is:nullcast lang:en "
    '-recipe -cooking -"chief people officer"'
)
"""Bare `CPO` is also the chief product officer and the certified pre-owned car."""


@dataclass(frozen=True, slots=True)
class _Post:
    """What is kept of one post: no text, as X's terms ask."""

    author: str
    words_hash: str
    weight: float
    score: HeadlineScore
    seen_at: TimestampMs
    dated_at: TimestampMs | None


class XSearch:
    """Implements `SentimentProvider`. Remembers a day of posts, so that only new ones are paid."""

    name = NAME
    tier = TIER
    cap_s = CAP_S

    def __init__(  # noqa: PLR0913 - settings of one provider
        self,
        caller: Caller,
        *,
        base_url: str,
        token: Secret,
        prices: Prices,
        query: str = QUERY,
        max_results: int = MAX_RESULTS_RANGE.start,
    ) -> None:
        """Keep the settings.

        Args:
            caller: Makes the calls.
            base_url: Without a slash at its end.
            token: Of an application, for reading.
            prices: For the ledger.
            query: In X's own language of operators.
            max_results: Posts asked for at once, 10 to 100; each one returned is paid.

        Raises:
            ValueError: `max_results` is out of range.
        """
        if max_results not in MAX_RESULTS_RANGE:
            raise ValueError(f"X returns 10 to 100 posts, was {max_results}")
        self._caller = caller
        self._base_url = base_url
        self._token = token
        self._prices = prices
        self._query = query
        self._max_results = max_results
        self._posts: dict[str, _Post] = {}
        self._newest_id: str | None = None

    async def fetch(self, question: Question, until_s: float, trace: FetchTrace) -> Fetched:
        """See `SentimentProvider.fetch`; the query is X's own, whatever the question."""
        del question
        trace.mode, trace.model, trace.prompt_hash = "recent", RULES_NAME, hash_text(self._query)
        await self._read_new_posts(until_s, trace)
        now = self._caller.clock.wall_ms()
        self._forget(now)
        votes = self._count_votes()
        if len(votes) < AUTHORS_MIN:
            raise ProviderFailed(FailureKind.NO_EVIDENCE, f"fewer than {AUTHORS_MIN} authors")
        if not any(each.weight for _, each in votes):
            raise ProviderFailed(FailureKind.NO_EVIDENCE, "nobody reacted to any of the posts")
        batch = combine([each.score for _, each in votes], [each.weight for _, each in votes])
        dates = [each.dated_at for _, each in votes if each.dated_at is not None]
        reading = Reading(
            score=max(-SCORE_CAP, min(SCORE_CAP, batch.score)),
            confidence=CONFIDENCE_CAP * batch.agreement,
            evidence=tuple(
                Evidence(
                    domain=DOMAIN,
                    reference=post_id,
                    title_hash=each.words_hash,
                    dated_at=each.dated_at,
                )
                for post_id, each in votes
            ),
            evidence_at=max(dates, default=None),
            drivers=batch.drivers or frozenset({Driver.PRICE_ACTION}),
            provider=self.name,
            tier=self.tier,
            mode=trace.mode,
            model=trace.model,
            cost_usd=trace.cost_usd,
            received_at=now,
        )
        return Fetched(reading=reading)

    async def _read_new_posts(self, until_s: float, trace: FetchTrace) -> None:
        params = {
            "query": self._query,
            "max_results": str(self._max_results),
            # No expansions: every user returned would be billed.
            "tweet.fields": "created_at,lang,public_metrics,author_id",
        }
        if self._newest_id is not None:
            params["since_id"] = self._newest_id
        call = Call(
            request=WebRequest(
                method="GET",
                url=f"{self._base_url}/2/tweets/search/recent",
                params=params,
                bearer=self._token,
            ),
            worst_usd=self._max_results * self._prices.x_post_read,
            read_cost_usd=self._read_cost,
            is_error_free=True,
        )
        answer = read_object(await self._caller.call(call, until_s, trace), "the answer")
        now = self._caller.clock.wall_ms()
        for each in read_list(answer.get("data"), "data"):
            self._keep(read_object(each, "a post"), now)
        meta = answer.get("meta")
        newest = meta.get("newest_id") if isinstance(meta, dict) else None
        if isinstance(newest, str) and newest.isdecimal():
            self._newest_id = max(newest, self._newest_id or "0", key=int)

    def _read_cost(self, document: object) -> float | None:
        posts = document.get("data") if isinstance(document, dict) else None
        if posts is None:
            return 0.0
        return len(posts) * self._prices.x_post_read if isinstance(posts, list) else None

    def _keep(self, post: Mapping[str, Any], now: TimestampMs) -> None:
        post_id, text, author = post.get("id"), post.get("text"), post.get("author_id")
        if not isinstance(post_id, str) or not isinstance(text, str) or not isinstance(author, str):
            return
        cleaned = clean_title(text)
        score = score_headline(cleaned)
        if not post_id.isdecimal() or is_instruction(cleaned) or not score.is_relevant:
            return
        self._posts[post_id] = _Post(
            author=author,
            words_hash=hash_text(normalise(cleaned)),
            weight=_weigh(post.get("public_metrics")),
            score=score,
            seen_at=now,
            dated_at=read_date(post.get("created_at"), now),
        )

    def _forget(self, now: TimestampMs) -> None:
        kept = [
            (post_id, each)
            for post_id, each in self._posts.items()
            if 0 <= now - each.seen_at < RING_MS
        ]
        self._posts = dict(kept[-POSTS_MAX:])

    def _count_votes(self) -> Sequence[tuple[str, _Post]]:
        """Return one post of each author, the newest, without those that repeat another's words."""
        words: set[str] = set()
        authors: dict[str, tuple[str, _Post]] = {}
        for post_id, each in sorted(self._posts.items(), key=lambda item: int(item[0])):
            if each.words_hash in words:
                continue
            words.add(each.words_hash)
            authors[each.author] = (post_id, each)
        return list(authors.values())


def _weigh(metrics: object) -> float:
    """Return log(1 + likes + reposts); 0 for a post that nobody reacted to."""
    if not isinstance(metrics, dict):
        return 0.0
    counts = [metrics.get("like_count"), metrics.get("retweet_count")]
    return math.log1p(sum(each for each in counts if type(each) is int and each > 0))
