"""The sections of `palmbot.toml`: every key, its unit and its default."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field

from palmbot.core.breakers.rules import Unknown
from palmbot.core.params import SentimentMode
from palmbot.domain.commands import Severity
from palmbot.domain.orders import OrderStyle
from palmbot.sentiment.failures import FailureKind
from palmbot.sentiment.perplexity import DOMAINS
from palmbot.sentiment.plan import (
    AGENT_MODEL,
    DECIDER_MODEL,
    PERPLEXITY_URL,
    QUERY,
    X_URL,
)
from palmbot.sentiment.prices import Prices
from palmbot.sentiment.x_search import QUERY as X_QUERY

_STRICT: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Section `[broker]`: what is traded, and how orders are sent."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    symbol: str = "PALMOIL"
    """Exact name at the broker; never substituted."""
    symbol_aliases: tuple[str, ...] = ()
    """Other exact names that are accepted, in order of preference."""
    order_style: OrderStyle = OrderStyle.MARKET
    limit_tolerance_percent: float = 0.1
    """Style `limit` only: how far through the market the limit lies."""
    limit_life_s: float = 8.0
    """Style `limit` only: end of life at the broker after the decision."""
    books_interval_s: float = 60.0
    """Between two comparisons with the broker while all is well."""
    undecided_s_max: float = 120.0
    """Looking for an order without an answer, before a person is asked."""
    watch_interval_s: Annotated[float, Field(ge=1, le=60)] = 30.0
    """Between two looks of the independent stop watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySettings:
    """Section `[strategy]`: when to enter, and where stop and target lie."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    rsi_period: int = 14
    rsi_buy: float = 30.0
    """Buy when flat and RSI below this."""
    rsi_sell: float = 70.0
    """Sell when flat and RSI above this."""
    bar_period_s: int = 300
    warm_up_bars: int = 150
    history_bars: int = 500
    take_profit_percent: float = 2.0
    """Distance of the target from the entry price."""
    stop_loss_percent: float = 1.5
    """Distance of the stop from the entry price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentSettings:
    """Section `[sentiment]`: what the market's mood may do to a signal, and who is asked for it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    mode: SentimentMode = SentimentMode.VETO
    fresh_s: float = 300.0
    """Below this age a score counts in full; it is asked for anew before."""
    expires_s: float = 2_100.0
    """Above this age a score is unknown."""
    half_life_s: float = 600.0
    veto_score: float = 60.0
    veto_confidence: float = 0.6
    veto_domains: int = 3
    confirm_score: float = 30.0
    against_percent: int = 100
    """Mode `veto`: per cent of the usual size when the score stands `veto_score` against an entry;
    50 to 100."""

    query: str = QUERY
    perplexity_modes: tuple[str, ...] = ("search_decide",)
    """Ways of asking Perplexity, best first: search_decide, agent."""
    perplexity_url: str = PERPLEXITY_URL
    decider_model: str = DECIDER_MODEL
    agent_model: str = AGENT_MODEL
    search_type: Literal["fast", "web"] = "fast"
    domains: tuple[str, ...] = DOMAINS
    """The only publishers that count, 2 to 20."""
    x_url: str = X_URL
    x_query: str = X_QUERY
    x_max_results: int = 10
    """Posts asked for at once, 10 to 100; each one returned is paid."""
    feeds: tuple[str, ...] = ()
    """Addresses of RSS feeds, best first; `google` stands for Google News."""
    perplexity_usd_per_day: float = 1.0
    """Most that may be spent in a UTC day."""
    x_usd_per_day: float = 0.5
    fallback_on: tuple[FailureKind, ...] = tuple(FailureKind)
    """Failures after which the next source is asked."""
    prices_usd: Prices = field(default_factory=Prices)
    """What the sources charge, in US dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """Section `[reconcile]`: what may be done about differences. Only the file can change it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    close_surplus: bool = True
    """Close positions of ours beyond the one that is allowed, without asking; `false` leaves them
    open with their stops, halts, and asks a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """Section `[risk]`: limits. Only the file can change them, never the environment."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    risk_percent: float = 1.0
    """Share of equity lost if the stop is hit at its price."""
    margin_percent_max: float = 50.0
    """Share of equity that the margin of one position may use."""
    spread_percent_max: float = 0.6
    """Widest spread, as a share of the bid, at which an entry is allowed."""
    price_age_s_max: float = 30.0
    """Oldest price an entry may rest on."""
    conversion_age_s_max: float = 3_600.0
    """Oldest conversion rate an entry may rest on."""
    orders_per_minute_max: int = 3
    orders_per_day_max: int = 30
    intent_age_ms_max: int = 1_000
    """Longest real time from the decision to the send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """Section `[breakers]`: when trading stops by itself. Only the file can change them.

    A limit that is lowered acts at the next start, one that is raised on the next trading day.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    unknown: Unknown = Unknown.DENY
    """Entries while a breaker lacks the data to judge; `allow` is for replayed files only."""
    day_zone: str = "UTC"
    """IANA name of the zone in which a trading day begins."""
    day_start: str = "00:00"
    """Local time of that; outside of trading hours, best."""
    daily_loss_percent: float = 5.0
    """Loss of equity within one day that stops entries and closes positions."""
    daily_flatten: bool = True
    losses_max: int = 3
    """Losing trades in a row that stop entries."""
    cool_down_minutes: tuple[int, ...] = (60, 120)
    """Open-market minutes after the first and second time; then the rest of the day."""
    volatility_ratio: float = 2.0
    """ATR against the usual that stops entries."""
    calm_ratio: float = 1.5
    """At or below it, for three closed bars, they may flow again."""
    volatility_hold_minutes: int = 15
    spread_trip_factor: int = 3
    spread_deny_factor: int = 2
    rejects_max: int = 3
    """Entries refused by the broker within ten minutes that stop them."""
    limit_move_percent: float = 10.0
    """Daily price limit of the exchange behind the contract."""
    unknowns_max: int = 2
    """Entries without an answer within an hour that stop entries until a person resets."""
    starts_max: int = 5
    """Starts within ten minutes that are still ordinary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Section `[alerts]`: what is worth waking a person; where to stands in `.env`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    level: Severity = Severity.WARNING
    """Quietest alarm that is sent: `notice`, `warning` or `critical`."""
    link_down_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    """Without a connection for so long an alarm is raised and the heartbeat ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Section `[tls]`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    cafile: Path | None = None
    """PEM with the authorities to trust instead of the system's."""
    crlfile: Path | None = None
    """PEM with the certificates that the broker's authority has revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSettings:
    """Section `[login]`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    redirect_port: Annotated[int, Field(ge=1024, le=65_535)] = 8_765
    """Of `http://127.0.0.1:PORT/callback`, which has to be among the application's addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """Section `[live]`: real money. Only the file can change it, and nothing in it has a default.

    The limits take the place of those under `[risk]` and `[breakers]` when the environment is LIVE.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    enabled: bool = False
    account_id: Annotated[int, Field(gt=0)] | None = None
    """The number that `palmbot accounts` shows, not the login of cTrader."""
    broker: str = ""
    """The broker's name as `palmbot accounts` shows it."""
    risk_percent: float | None = None
    """Share of equity lost if the stop is hit at its price."""
    daily_loss_percent: float | None = None
    """Loss of equity within one day that stops entries and closes positions."""
    orders_per_day_max: Annotated[int, Field(gt=0)] | None = None
