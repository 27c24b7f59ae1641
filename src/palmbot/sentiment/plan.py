"""Everything a person may choose about the sources of sentiment, checked when it is built."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from palmbot.domain.secret import Secret
from palmbot.sentiment import news_feed, perplexity, x_search
from palmbot.sentiment.failures import FailureKind
from palmbot.sentiment.prices import Prices
from palmbot.sentiment.questions import Question
from palmbot.sentiment.recording import STALE_MS, TTL_MS

PERPLEXITY_URL: Final = "https://api.perplexity.ai"
X_URL: Final = "https://api.x.com"
DECIDER_MODEL: Final = "pplx-decider-v1.2"
AGENT_MODEL: Final = "perplexity/sonar"
MODES: Final = ("search_decide", "agent")
QUERY: Final = (
    "palm oil price news: MPOB stocks, output, exports, demand, biodiesel, levies, weather"
)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
GOOGLE: Final = "google"
"""Stands for Google News in a list of feeds."""

PERPLEXITY_KEY_NAME: Final = "PERPLEXITY_API_KEY"
X_TOKEN_NAME: Final = "X_BEARER_TOKEN"  # noqa: S105 - the name of a variable
FEEDS_NAME: Final = "sentiment.feeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentPlan:
    """Which sources are asked, how, and for how much money.

    Raises:
        ValueError: a setting is out of range.
    """

    symbol: str
    perplexity_key: Secret | None = None
    x_token: Secret | None = None
    feeds: tuple[str, ...] = ()
    """Addresses of RSS feeds, best first; `google` stands for Google News. Empty: none."""
    query: str = QUERY
    perplexity_modes: tuple[str, ...] = ("search_decide",)
    """In the order of preference; the second takes over if the first is refused."""
    perplexity_url: str = PERPLEXITY_URL
    decider_model: str = DECIDER_MODEL
    agent_model: str = AGENT_MODEL
    is_search_fast: bool = True
    domains: tuple[str, ...] = perplexity.DOMAINS
    """The only publishers that count, 2 to 20."""
    x_url: str = X_URL
    x_query: str = x_search.QUERY
    x_max_results: int = 10
    perplexity_usd_per_day: float = 1.0
    x_usd_per_day: float = 0.5
    prices: Prices = field(default_factory=Prices)
    fallback_on: frozenset[FailureKind] = frozenset(FailureKind)
    ttl_ms: int = TTL_MS
    stale_ms: int = STALE_MS

    def __post_init__(self) -> None:
        unknown = [each for each in self.perplexity_modes if each not in MODES]
        if unknown or not self.perplexity_modes:
            raise ValueError(f"perplexity_modes are {' and '.join(MODES)}, was {unknown or 'none'}")
        if not perplexity.DOMAINS_MIN <= len(self.domains) <= perplexity.DOMAINS_LISTED_MAX:
            raise ValueError(f"domains are 2 to 20, was {len(self.domains)}")
        if self.x_max_results not in x_search.MAX_RESULTS_RANGE:
            raise ValueError(f"x_max_results is 10 to 100, was {self.x_max_results}")
        for name in ("perplexity_usd_per_day", "x_usd_per_day"):
            if not 0 <= getattr(self, name) <= 1_000:  # noqa: PLR2004 - more is a slip of the pen
                raise ValueError(f"{name} is 0 to 1000, was {getattr(self, name)}")
        for url in (self.perplexity_url, self.x_url, *self.feed_urls):
            check_url(url)
        Question(self.symbol, self.query)

    @property
    def question(self) -> Question:
        """What is asked."""
        return Question(self.symbol, self.query)

    @property
    def feed_urls(self) -> tuple[str, ...]:
        """Addresses, with the names of known feeds replaced."""
        return tuple(news_feed.GOOGLE_NEWS if each == GOOGLE else each for each in self.feeds)

    @property
    def missing(self) -> tuple[str, ...]:
        """What would add a source."""
        return tuple(
            name
            for name, value in (
                (PERPLEXITY_KEY_NAME, self.perplexity_key),
                (X_TOKEN_NAME, self.x_token),
                (FEEDS_NAME, self.feeds),
            )
            if not value
        )


def check_url(url: str) -> None:
    """Refuse an address that would carry a key in the open.

    Raises:
        ValueError: it is not https, or http on this machine.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
        parts = urlsplit("")
    is_sound = bool(host) and parts.username is None and parts.password is None
    is_private = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not is_sound or not is_private:
        # Neither a password nor a query is quoted.
        raise ValueError(f"an address begins with https://, the one of host {host!r:.60} does not")
