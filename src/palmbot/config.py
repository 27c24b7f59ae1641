"""Reads `.env` and `palmbot.toml` into validated, frozen settings; other rooms get objects.

Defaults stand in the code, `palmbot.toml` overrides them, and `PALMBOT_<SECTION>__<KEY>` in the
environment overrides the file, except where a limit would be loosened out of sight. Secrets
come from `.env` or the environment alone. Start with `load_config`.
"""

import difflib
import math
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from dotenv import dotenv_values
from pydantic import ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from palmbot.core.breakers.rules import PERCENT, BreakerRules, Unknown
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment, OrderStyle
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_SECOND, AccountId

SETTINGS_NAME: Final = "palmbot.toml"
ENV_NAME: Final = ".env"
ENV_PREFIX: Final = "PALMBOT_"
BROKER_PREFIX: Final = "CTRADER_"
FILE_ONLY_SECTIONS: Final = frozenset({"risk", "breakers", "live"})
"""Sections that the environment cannot change: what a limit is has to stand in one place."""

BP_PER_PERCENT: Final = 100
RISK_PERCENT_MAX: Final = 10.0
"""Three losses in a row, which stop entries, then cost less than a third of the account."""
PERIOD_MINUTES: Final = (1, 2, 3, 4, 5, 10, 15, 30, 60, 240, 720, 1440)
"""Bars that a cTrader broker keeps. Source: ProtoOATrendbarPeriod, up to one day."""
HOURS_PER_DAY: Final = 24
MINUTES_PER_HOUR: Final = 60

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
    """Section `[sentiment]`: what the market's mood may do to a signal."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    mode: SentimentMode = SentimentMode.VETO
    fresh_s: float = 300.0
    """Up to this age a score counts in full."""
    expires_s: float = 2_100.0
    """From this age on a score is unknown."""
    half_life_s: float = 600.0
    veto_score: float = 60.0
    veto_confidence: float = 0.6
    veto_domains: int = 3
    confirm_score: float = 30.0


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
class TlsSettings:
    """Section `[tls]`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    cafile: Path | None = None
    """PEM with the authorities to trust instead of the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAccess:
    """What opens the account at the broker. Source: `.env`."""

    account_id: AccountId
    client_id: str
    client_secret: Secret
    access_token: Secret
    refresh_token: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of the bot."""

    environment: Environment = Environment.DEMO
    """`demo` or `live`; the simulator is chosen on the command line and needs no `.env`."""
    access: AccountAccess | None = None
    """None if `.env` does not hold all of it; see `require_access`."""
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    strategy: StrategySettings = field(default_factory=StrategySettings)
    sentiment: SentimentSettings = field(default_factory=SentimentSettings)
    risk: RiskSettings = field(default_factory=RiskSettings)
    breakers: BreakerSettings = field(default_factory=BreakerSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    missing: tuple[str, ...] = ()
    """Names of the variables that `access` lacks."""

    def require_access(self) -> AccountAccess:
        """Return what opens the account.

        Raises:
            ConfigInvalid: some of it is not set.
        """
        if self.access is None:
            raise ConfigInvalid(
                f"{', '.join(self.missing)} not set: copy .env.example to {ENV_NAME} and fill it "
                "in, or trade against `palmbot simulate`, which needs none of them"
            )
        return self.access

    def make_params(
        self, *, environment: Environment, account_id: AccountId, is_shadow: bool = False
    ) -> EngineParams:
        """Return the parameters of the decisions.

        Raises:
            ConfigInvalid: a setting is out of range.
        """
        broker, strategy, risk = self.broker, self.strategy, self.risk
        try:
            return EngineParams(
                environment=environment,
                account_id=account_id,
                symbol_name=broker.symbol,
                is_shadow=is_shadow,
                rsi_period=strategy.rsi_period,
                rsi_buy=strategy.rsi_buy,
                rsi_sell=strategy.rsi_sell,
                bar_period_ms=_check_period(strategy.bar_period_s),
                warm_up_bars=strategy.warm_up_bars,
                history_bars=strategy.history_bars,
                sentiment=self._make_sentiment_rules(),
                take_profit_bp=_to_bp("strategy.take_profit_percent", strategy.take_profit_percent),
                stop_loss_bp=_to_bp("strategy.stop_loss_percent", strategy.stop_loss_percent),
                risk_bp=_to_bp("risk.risk_percent", _check_risk(risk.risk_percent)),
                margin_bp_max=_to_bp("risk.margin_percent_max", risk.margin_percent_max),
                order_style=broker.order_style,
                limit_tolerance_bp=_to_bp(
                    "broker.limit_tolerance_percent", broker.limit_tolerance_percent
                ),
                limit_life_ms=_to_ms("broker.limit_life_s", broker.limit_life_s),
                price_age_max_ms=_to_ms("risk.price_age_s_max", risk.price_age_s_max),
                conversion_age_max_ms=_to_ms(
                    "risk.conversion_age_s_max", risk.conversion_age_s_max
                ),
                spread_bp_max=_to_bp("risk.spread_percent_max", risk.spread_percent_max),
                orders_per_minute_max=risk.orders_per_minute_max,
                orders_per_day_max=risk.orders_per_day_max,
                intent_age_max_ms=risk.intent_age_ms_max,
                books_interval_s=broker.books_interval_s,
                undecided_s_max=broker.undecided_s_max,
                breakers=self._make_breaker_rules(),
            )
        except ValueError as e:
            raise ConfigInvalid(f"{SETTINGS_NAME}: {e}") from e

    def _make_breaker_rules(self) -> BreakerRules:
        chosen = self.breakers
        return BreakerRules(
            unknown=chosen.unknown,
            day_zone=chosen.day_zone,
            day_start_minute=_to_minute("breakers.day_start", chosen.day_start),
            daily_loss_bp=_to_bp("breakers.daily_loss_percent", chosen.daily_loss_percent),
            daily_flatten=chosen.daily_flatten,
            losses_max=chosen.losses_max,
            cool_down_minutes=chosen.cool_down_minutes,
            volatility_percent=_to_percent("breakers.volatility_ratio", chosen.volatility_ratio),
            calm_percent=_to_percent("breakers.calm_ratio", chosen.calm_ratio),
            volatility_hold_minutes=chosen.volatility_hold_minutes,
            spread_trip_factor=chosen.spread_trip_factor,
            spread_deny_factor=chosen.spread_deny_factor,
            rejects_max=chosen.rejects_max,
            limit_move_bp=_to_bp("breakers.limit_move_percent", chosen.limit_move_percent),
            unknowns_max=chosen.unknowns_max,
            starts_max=chosen.starts_max,
        )

    def _make_sentiment_rules(self) -> SentimentRules:
        mood = self.sentiment
        return SentimentRules(
            mode=mood.mode,
            fresh_ms=_to_ms("sentiment.fresh_s", mood.fresh_s),
            expires_ms=_to_ms("sentiment.expires_s", mood.expires_s),
            half_life_ms=_to_ms("sentiment.half_life_s", mood.half_life_s),
            veto_score=mood.veto_score,
            veto_confidence=mood.veto_confidence,
            veto_domains=mood.veto_domains,
            confirm_score=mood.confirm_score,
        )


class _Sections(BaseSettings):
    """The sections of the file, each overridden key by key from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid"
    )

    broker: BrokerSettings = BrokerSettings()
    strategy: StrategySettings = StrategySettings()
    sentiment: SentimentSettings = SentimentSettings()
    risk: RiskSettings = RiskSettings()
    breakers: BreakerSettings = BreakerSettings()
    tls: TlsSettings = TlsSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is given
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above the file, whose content is handed to the constructor."""
        return env_settings, init_settings


class _Access(BaseSettings):
    """The variables of `.env`; a message of pydantic never quotes them."""

    model_config = SettingsConfigDict(
        env_prefix=BROKER_PREFIX,
        env_ignore_empty=True,
        extra="ignore",  # other names are judged before, with a suggestion
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.DEMO
    client_id: str | None = None
    client_secret: SecretStr | None = None
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    account_id: int | None = None


def load_config(settings: Path | None = None, env_file: Path | None = None) -> Config:
    """Read the settings of the working directory, or of the files named.

    Args:
        settings: None reads `palmbot.toml` if there is one.
        env_file: None reads `.env` if there is one.

    Raises:
        ConfigInvalid: a named file is missing, or a key is unknown or out of range.
    """
    toml_path = _find(settings, SETTINGS_NAME)
    env_path = _find(env_file, ENV_NAME)
    sections = _read_sections(toml_path)
    access = _read_access(env_path)
    required = {
        "CLIENT_ID": access.client_id,
        "CLIENT_SECRET": access.client_secret,
        "ACCESS_TOKEN": access.access_token,
        "ACCOUNT_ID": access.account_id,
    }
    missing = tuple(BROKER_PREFIX + name for name, value in required.items() if value is None)
    config = Config(
        environment=access.environment,
        access=None if missing else _to_access(access),
        broker=sections.broker,
        strategy=sections.strategy,
        sentiment=sections.sentiment,
        risk=sections.risk,
        breakers=sections.breakers,
        tls=sections.tls,
        missing=missing,
    )
    # Ranges are judged now, not when the bot has half started.
    config.make_params(environment=Environment.SIMULATOR, account_id=AccountId(1))
    return config


def _read_sections(path: Path | None) -> _Sections:
    content = {} if path is None else _read_toml(path)
    where = SETTINGS_NAME if path is None else str(path)
    _check_tables(content, where)
    _check_overrides()
    try:
        return _Sections(**content)
    except ValidationError as e:
        raise ConfigInvalid(_explain(e, where)) from None


def _read_access(path: Path | None) -> _Access:
    known = [BROKER_PREFIX + name.upper() for name in _Access.model_fields]
    if path is not None:
        try:
            values = dotenv_values(path)
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigInvalid(f"{path} cannot be read ({e}): it is a text file in UTF-8") from e
        _check_names(values, known, str(path))
        _check_privacy(path, values)
    _check_names((name for name in os.environ if name.startswith(BROKER_PREFIX)), known, "")
    try:
        access = _Access(_env_file=path)  # type: ignore[call-arg]  # known to its metaclass only
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        name = BROKER_PREFIX + str(first["loc"][0]).upper().removeprefix(BROKER_PREFIX)
        raise ConfigInvalid(f"{path or ENV_NAME}: {name}: {_lower(first['msg'])}") from None
    if access.environment is Environment.SIMULATOR:
        raise ConfigInvalid(
            f"{path or ENV_NAME}: CTRADER_ENVIRONMENT is demo or live; "
            "the simulator is chosen with `palmbot run --simulator`"
        )
    return access


def _to_access(access: _Access) -> AccountAccess:
    assert access.client_id is not None
    assert access.client_secret is not None
    assert access.access_token is not None
    assert access.account_id is not None
    refresh = access.refresh_token
    return AccountAccess(
        account_id=AccountId(access.account_id),
        client_id=access.client_id,
        client_secret=Secret(access.client_secret.get_secret_value()),
        access_token=Secret(access.access_token.get_secret_value()),
        refresh_token=None if refresh is None else Secret(refresh.get_secret_value()),
    )


def _find(named: Path | None, usual: str) -> Path | None:
    """Return the file to read: one that was named has to exist, the usual one need not."""
    if named is not None:
        if not named.is_file():
            raise ConfigInvalid(f"there is no file {named}")
        return named
    return Path(usual) if Path(usual).is_file() else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigInvalid(f"cannot read {path}: {e.strerror}") from e
    except ValueError as e:  # TOMLDecodeError and UnicodeDecodeError are of its kind
        raise ConfigInvalid(f"{path} is not valid TOML: {e}") from e


def _check_tables(content: Mapping[str, Any], where: str) -> None:
    """Refuse sections that do not exist, and keys outside of one."""
    for name, table in content.items():
        if name not in _Sections.model_fields:
            hint = _suggest(name, _Sections.model_fields)
            if not isinstance(table, dict):
                section = _section_of(name)
                hint = f"; it belongs into the section [{section}]" if section else hint
            raise ConfigInvalid(f"{where}: unknown {_kind(table)} {name}{hint}")
        if not isinstance(table, dict):
            raise ConfigInvalid(
                f"{where}: {name} is a section: write [{name}] in a line of its own"
            )


def _check_overrides() -> None:
    """Refuse names in the environment that mean nothing, or that may not override."""
    known = {
        f"{ENV_PREFIX}{section}__{key}".upper(): section
        for section in _Sections.model_fields
        for key in _keys(section)
    }
    for name in os.environ:
        # pydantic reads these names in any case of letters.
        upper = name.upper()
        if not upper.startswith(ENV_PREFIX):
            continue
        section = upper.removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if section in FILE_ONLY_SECTIONS:
            raise ConfigInvalid(
                f"the environment variable {name} may not change a limit: "
                f"unset it and write it into [{section}] of {SETTINGS_NAME}"
            )
        if upper not in known:
            raise ConfigInvalid(
                f"the environment variable {name} names no setting{_suggest(upper, known)}"
            )


def _check_names(names: Iterable[str], known: list[str], where: str) -> None:
    for name in names:
        if name in known:
            continue
        if name.upper().startswith(ENV_PREFIX):
            hint = f"; {where} holds secrets only, this belongs into {SETTINGS_NAME}"
        else:
            hint = _suggest(name, known)
        place = where or "the environment"
        raise ConfigInvalid(f"{place}: unknown variable {name}{hint}")


def _check_period(seconds: int) -> int:
    """Return the period in ms; without history from the broker the bot would never trade."""
    if seconds not in {60 * minutes for minutes in PERIOD_MINUTES}:
        served = ", ".join(str(60 * minutes) for minutes in PERIOD_MINUTES)
        raise ValueError(f"strategy.bar_period_s = {seconds}: brokers keep bars of {served} s")
    return seconds * MS_PER_SECOND


def _check_risk(percent: float) -> float:
    if percent > RISK_PERCENT_MAX:
        raise ValueError(
            f"risk.risk_percent = {percent:g}: more than {RISK_PERCENT_MAX:g} % of equity on one "
            "trade is not served"
        )
    return percent


def _check_privacy(path: Path, values: Mapping[str, str | None]) -> None:
    """Refuse a file with secrets that others can read."""
    has_secrets = any(
        values.get(BROKER_PREFIX + name)
        for name in ("CLIENT_SECRET", "ACCESS_TOKEN", "REFRESH_TOKEN")
    )
    if has_secrets and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigInvalid(f"{path} holds secrets and others can read it: run `chmod 600 {path}`")


def _explain(error: ValidationError, where: str) -> str:
    """Return one sentence for the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    section, key = str(first["loc"][0]), ".".join(map(str, first["loc"]))
    variable = f"{ENV_PREFIX}{'__'.join(map(str, first['loc'][:2]))}".upper()
    place = variable if variable in {name.upper() for name in os.environ} else where
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        unknown = str(first["loc"][-1])
        return f"{place}: unknown key {key}{_suggest(unknown, _keys(section))}"
    return f"{place}: {key} = {first['input']!r}: {_lower(first['msg'])}"


def _suggest(name: str, known: Iterable[str]) -> str:
    """Return words that name the closest known one, or all there are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"


def _keys(section: str) -> list[str]:
    kind = _Sections.model_fields[section].annotation
    assert isinstance(kind, type)
    assert is_dataclass(kind)
    return [each.name for each in fields(kind)]


def _section_of(key: str) -> str | None:
    """Return the section that has such a key."""
    return next((name for name in _Sections.model_fields if key in _keys(name)), None)


def _kind(value: object) -> str:
    return "section" if isinstance(value, dict) else "key"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _to_bp(key: str, percent: float) -> int:
    """Return basis points, exactly."""
    if not (math.isfinite(percent) and 0 < percent <= 100):  # noqa: PLR2004 - percent
        raise ValueError(f"{key} must be above 0 and at most 100, was {percent}")
    bp = round(percent * BP_PER_PERCENT)
    if not math.isclose(bp, percent * BP_PER_PERCENT, abs_tol=1e-9):
        raise ValueError(f"{key} must have at most two decimals, was {percent}")
    return bp


def _to_percent(key: str, ratio: float) -> int:
    """Return a ratio in whole per cent."""
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"{key} must be positive, was {ratio}")
    return round(ratio * PERCENT)


def _to_minute(key: str, clock: str) -> int:
    """Return the minute of the day of a text such as 17:00."""
    hour, colon, minute = clock.partition(":")
    is_time = bool(colon) and hour.isdecimal() and minute.isdecimal()
    if not is_time or int(hour) >= HOURS_PER_DAY or int(minute) >= MINUTES_PER_HOUR:
        raise ValueError(f"{key} is a time of day such as 17:00, was {clock!r}")
    return int(hour) * MINUTES_PER_HOUR + int(minute)


def _to_ms(key: str, seconds: float) -> int:
    """Return milliseconds."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{key} must be positive, was {seconds}")
    return round(seconds * MS_PER_SECOND)
