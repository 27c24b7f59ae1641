"""Reads the settings of a working directory. Start with `load_config`."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from palmbot.config.access import (
    read_broker_variables,
    read_messengers,
    read_mood_keys,
    to_access,
)
from palmbot.config.names import ENV_NAME, ENV_PREFIX, SETTINGS_NAME, lower_first, suggest
from palmbot.config.sections import (
    AlertSettings,
    BreakerSettings,
    BrokerSettings,
    LiveSettings,
    LoginSettings,
    ReconcileSettings,
    RiskSettings,
    SentimentSettings,
    StrategySettings,
    TlsSettings,
)
from palmbot.config.settings import Config
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId

FILE_ONLY_SECTIONS: Final = frozenset({"risk", "reconcile", "breakers", "live"})
"""Sections that the environment cannot change: what a limit is has to stand in one place."""


class _Sections(BaseSettings):
    """The sections of the file, each overridden key by key from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid"
    )

    broker: BrokerSettings = BrokerSettings()
    strategy: StrategySettings = StrategySettings()
    sentiment: SentimentSettings = SentimentSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    risk: RiskSettings = RiskSettings()
    breakers: BreakerSettings = BreakerSettings()
    tls: TlsSettings = TlsSettings()
    login: LoginSettings = LoginSettings()
    live: LiveSettings = LiveSettings()
    alerts: AlertSettings = AlertSettings()

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
    variables = read_broker_variables(env_path)
    config = Config(
        environment=variables.environment,
        access=to_access(variables),
        broker=sections.broker,
        strategy=sections.strategy,
        sentiment=sections.sentiment,
        reconcile=sections.reconcile,
        risk=sections.risk,
        breakers=sections.breakers,
        tls=sections.tls,
        login=sections.login,
        live=sections.live,
        alerts=sections.alerts,
        messengers=read_messengers(env_path),
        mood_keys=read_mood_keys(env_path),
    )
    # Ranges are judged now, not when the bot has half started.
    for environment in (Environment.SIMULATOR, Environment.LIVE):
        if environment is Environment.SIMULATOR or config.environment is environment:
            config.make_params(environment=environment, account_id=AccountId(1))
    config.make_sentiment_plan()
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
            hint = suggest(name, _Sections.model_fields)
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
                f"the environment variable {name} names no setting{suggest(upper, known)}"
            )


def _explain(error: ValidationError, where: str) -> str:
    """Return one sentence for the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    section, key = str(first["loc"][0]), ".".join(map(str, first["loc"]))
    variable = f"{ENV_PREFIX}{'__'.join(map(str, first['loc'][:2]))}".upper()
    place = variable if variable in {name.upper() for name in os.environ} else where
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        unknown = str(first["loc"][-1])
        return f"{place}: unknown key {key}{suggest(unknown, _keys(section))}"
    return f"{place}: {key} = {first['input']!r}: {lower_first(first['msg'])}"


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
