"""News feeds in RSS 2.0, scored by the rules: no key, no cost, headlines only."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, ParseError  # only the type; see below who parses

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from palmbot.domain.mood import Reading
from palmbot.domain.units import TimestampMs
from palmbot.ports import WebRequest
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.headlines import (
    Headline,
    clean_title,
    drop_repeats,
    hash_text,
    is_allowed,
    is_instruction,
    news_age_max_ms,
    read_date,
    read_domain,
)
from palmbot.sentiment.providers import Call, Caller, Fetched, FetchTrace
from palmbot.sentiment.questions import Question
from palmbot.sentiment.scorer import combine, score_headline

NAME: Final = "rss"
TIER: Final = 3
CAP_S: Final = 3.0
RULES_NAME: Final = "rules"
HEADLINES_MIN: Final = 3
"""Relevant ones."""
HEADLINES_SURE: Final = 10
"""From so many on, agreement counts in full."""
CONFIDENCE_CAP: Final = 0.8
ITEMS_MAX: Final = 200

GOOGLE_NEWS: Final = (
    "https://news.google.com/rss/search?q=%22palm+oil%22+when:1d&hl=en-MY&gl=MY&ceid=MY:en"
)
"""For personal use, no faster than once a minute, headlines only. Source: a report."""


class NewsFeed:
    """Implements `SentimentProvider` over one or more feeds; the first that answers is used."""

    name = NAME
    tier = TIER
    cap_s = CAP_S

    def __init__(self, caller: Caller, *, urls: Sequence[str], domains: Sequence[str]) -> None:
        """Keep the settings.

        Args:
            caller: Makes the calls.
            urls: Of the feeds, best first.
            domains: Publishers that count; a feed's own host counts as well.
        """
        self._caller = caller
        self._urls = tuple(urls)
        self._domains = tuple(domains)

    async def fetch(self, question: Question, until_s: float, trace: FetchTrace) -> Fetched:
        """See `SentimentProvider.fetch`; the feeds are fixed, whatever the question."""
        del question
        failure = ProviderFailed(FailureKind.DISABLED, "no feed is set up")
        for url in self._urls:
            trace.mode, trace.model, trace.prompt_hash = "feed", RULES_NAME, hash_text(url)
            try:
                return Fetched(reading=await self._read_feed(url, until_s, trace))
            except ProviderFailed as e:
                failure = e
                if e.kind is FailureKind.TIMEOUT:
                    break
        raise failure

    async def _read_feed(self, url: str, until_s: float, trace: FetchTrace) -> Reading:
        call = Call(request=WebRequest(method="GET", url=url), decode=parse_feed)
        root = await self._caller.call(call, until_s, trace)
        now = self._caller.clock.wall_ms()
        headlines = read_items(root, (*self._domains, read_domain(url)), now)
        recent = [
            each
            for each in headlines
            if each.dated_at is not None and now - each.dated_at <= news_age_max_ms(now)
        ]
        scored = [(each, score_headline(each.title)) for each in recent]
        relevant = [(each, score) for each, score in scored if score.is_relevant]
        if len(relevant) < HEADLINES_MIN:
            raise ProviderFailed(FailureKind.NO_EVIDENCE, f"fewer than {HEADLINES_MIN} headlines")
        batch = combine([score for _, score in relevant])
        sureness = min(1.0, len(relevant) / HEADLINES_SURE)
        return Reading(
            score=batch.score,
            confidence=CONFIDENCE_CAP * batch.agreement * sureness,
            evidence=tuple(each.to_evidence() for each, _ in relevant),
            evidence_at=max(each.dated_at for each, _ in relevant if each.dated_at is not None),
            drivers=batch.drivers,
            provider=self.name,
            tier=self.tier,
            mode=trace.mode,
            model=trace.model,
            cost_usd=trace.cost_usd,
            received_at=now,
        )


def parse_feed(body: bytes) -> Element:
    """Return the root of a feed; entities of any kind are refused, not expanded.

    Raises:
        ProviderFailed: MALFORMED.
    """
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as e:
        raise ProviderFailed(FailureKind.MALFORMED, "the feed is no harmless XML") from e
    return root


def read_items(root: Element, domains: Sequence[str], now: TimestampMs) -> list[Headline]:
    """Return the items that count, in their order; one that lacks a field is passed over."""
    headlines = []
    for item in root.findall("./channel/item")[:ITEMS_MAX]:
        title = clean_title(item.findtext("title") or "")
        link = (item.findtext("link") or "").strip()
        source = item.find("source")
        publisher = source.get("url", "") if source is not None else ""
        domain = read_domain(publisher) or read_domain(link)
        name = clean_title(source.text or "") if source is not None else ""
        # Google appends the publisher's name, which is no part of the news.
        title = title.removesuffix(f" - {name}") if name else title
        if not title or not is_allowed(domain, domains) or is_instruction(title):
            continue
        headlines.append(
            Headline(
                title=title,
                domain=domain,
                reference=link[:300],
                dated_at=read_date(item.findtext("pubDate"), now),
            )
        )
    return drop_repeats(headlines)
