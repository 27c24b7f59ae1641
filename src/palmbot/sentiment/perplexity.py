"""Perplexity: two ways of asking, the other one when the first is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.mood import Driver, Reading
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.ports import WebRequest
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.headlines import (
    Headline,
    clean_title,
    drop_repeats,
    is_allowed,
    is_instruction,
    news_age_max_ms,
    read_date,
    read_domain,
)
from palmbot.sentiment.providers import (
    Call,
    Caller,
    Fetched,
    FetchTrace,
    read_list,
    read_object,
)
from palmbot.sentiment.questions import Question

NAME: Final = "perplexity"
TIER: Final = 1
CAP_S: Final = 8.0
WARM_UP_S: Final = 30.0
"""The first answer with a new schema can take so long. Source: a report quoting the vendor."""
DOMAINS_MIN: Final = 2
DOMAINS_LISTED_MAX: Final = 20
"""Of `search_domain_filter`."""

DOMAINS: Final = (
    "reuters.com",
    "thestar.com.my",
    "theedgemalaysia.com",
    "nst.com.my",
    "bernama.com",
    "mpob.gov.my",
    "mpoc.org.my",
    "hellenicshippingnews.com",
    "businesstimes.com.sg",
    "agriculture.com",
)
"""Where news of palm oil is believed to come from."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one way of asking brought back, before anybody believed it."""

    score: int
    confidence: float
    drivers: frozenset[Driver]
    headlines: tuple[Headline, ...]


class Mode(Protocol):
    """One way of asking."""

    name: str
    model: str
    is_warm: bool
    """False while the first answer may take `WARM_UP_S`."""

    async def ask(
        self, question: Question, until_s: float, trace: FetchTrace, *, is_lean: bool
    ) -> Opinion:
        """Return an opinion; lean leaves out every field that a server need not know.

        Raises:
            ProviderFailed: there is none.
        """


class Perplexity:
    """Implements `SentimentProvider`. The first mode is preferred."""

    name = NAME
    tier = TIER

    def __init__(self, caller: Caller, modes: Sequence[Mode]) -> None:
        """Keep the modes in the order of preference.

        Raises:
            ConfigInvalid: there is none.
        """
        if not modes:
            raise ConfigInvalid("Perplexity needs a mode: search_decide or agent")
        self._caller = caller
        self._modes = list(modes)
        self._lean: set[str] = set()

    @property
    def cap_s(self) -> float:
        """Longer for the first answer of a mode with a schema; the chain's deadline rules both."""
        return CAP_S if not self._modes or self._modes[0].is_warm else WARM_UP_S

    async def fetch(self, question: Question, until_s: float, trace: FetchTrace) -> Fetched:
        """See `SentimentProvider.fetch`."""
        if not self._modes:
            raise ProviderFailed(FailureKind.DISABLED, "no mode of asking is left")
        mode = self._modes[0]
        trace.mode, trace.model = mode.name, mode.model
        opinion = await self._ask(mode, question, until_s, trace)
        now = self._caller.clock.wall_ms()
        check_evidence(opinion.headlines, now)
        dates = [each.dated_at for each in opinion.headlines if each.dated_at is not None]
        reading = Reading(
            score=opinion.score,
            confidence=opinion.confidence,
            evidence=tuple(each.to_evidence() for each in opinion.headlines),
            evidence_at=max(dates, default=None),
            drivers=opinion.drivers,
            provider=self.name,
            tier=self.tier,
            mode=mode.name,
            model=mode.model,
            cost_usd=trace.cost_usd,
            received_at=now,
        )
        return Fetched(reading=reading, titles=tuple(each.title for each in opinion.headlines))

    async def check_models(self, until_s: float, base_url: str, key: Secret) -> None:
        """Drop every mode whose model the server does not list; an unreadable list drops none.

        Raises:
            ProviderFailed: the list cannot be had.
        """
        request = WebRequest(method="GET", url=f"{base_url}/v1/models", bearer=key)
        document = await self._caller.call(Call(request=request), until_s, FetchTrace())
        rows = document.get("data", []) if isinstance(document, dict) else document
        known = {
            each["id"]
            for each in (rows if isinstance(rows, list) else [])
            if isinstance(each, dict) and isinstance(each.get("id"), str)
        }
        if not known:
            return
        for mode in list(self._modes):
            if mode.model not in known:
                self._modes.remove(mode)
                log.error("mode.disabled", provider=NAME, mode=mode.name, model=mode.model)

    async def _ask(
        self, mode: Mode, question: Question, until_s: float, trace: FetchTrace
    ) -> Opinion:
        is_lean = mode.name in self._lean
        try:
            return await mode.ask(question, until_s, trace, is_lean=is_lean)
        except ProviderFailed as e:
            if e.kind is not FailureKind.BAD_REQUEST:
                raise
            if is_lean:
                self._drop(mode)
                raise
        try:
            opinion = await mode.ask(question, until_s, trace, is_lean=True)
        except ProviderFailed as e:
            if e.kind is FailureKind.BAD_REQUEST:
                self._drop(mode)
            raise
        self._lean.add(mode.name)
        return opinion

    def _drop(self, mode: Mode) -> None:
        self._modes.remove(mode)
        left = self._modes[0].name if self._modes else "none"
        log.error("mode.disabled", provider=NAME, mode=mode.name, next_mode=left)


def read_results(
    document: object, domains: Sequence[str], now: TimestampMs
) -> tuple[Headline, ...]:
    """Return the search results that count: from known sources, no orders to a machine, once.

    Raises:
        ProviderFailed: MALFORMED, it is no list of results.
    """
    headlines = []
    for each in read_list(document, "the list of results"):
        row = read_object(each, "a result")
        title, url = row.get("title"), row.get("url")
        if not isinstance(title, str) or not isinstance(url, str):
            continue
        cleaned, domain = clean_title(title), read_domain(url)
        if not cleaned or not is_allowed(domain, domains) or is_instruction(cleaned):
            continue
        dated_at = read_date(row.get("date"), now) or read_date(row.get("last_updated"), now)
        headlines.append(
            Headline(title=cleaned, domain=domain, reference=url[:300], dated_at=dated_at)
        )
    return tuple(drop_repeats(headlines))


def check_evidence(headlines: Sequence[Headline], now: TimestampMs) -> None:
    """Refuse what rests on one source alone, or on old news only.

    Raises:
        ProviderFailed: NO_EVIDENCE.
    """
    if len({each.domain for each in headlines}) < DOMAINS_MIN:
        raise ProviderFailed(FailureKind.NO_EVIDENCE, "fewer than 2 known sources")
    age_max_ms = news_age_max_ms(now)
    if not any(
        each.dated_at is not None and now - each.dated_at <= age_max_ms for each in headlines
    ):
        raise ProviderFailed(FailureKind.NO_EVIDENCE, "no news of the last day")
