"""The variables of `.env`: which environment, and the secrets that open the account there."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from palmbot.config.names import BROKER_PREFIX, ENV_NAME, check_names, lower_first
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvAccess:
    """What opens an account at the broker, as far as `.env` holds it; see `login`."""

    account_id: AccountId | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    access_token: Secret | None = None
    refresh_token: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodKeys:
    """What opens the sources of sentiment; none is needed. Source: `.env`."""

    perplexity: Secret | None = None
    x: Secret | None = None


class PerplexityVariables(BaseSettings):
    """`PERPLEXITY_API_KEY`."""

    model_config = SettingsConfigDict(
        env_prefix="PERPLEXITY_API_",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    key: SecretStr | None = None


class XVariables(BaseSettings):
    """`X_BEARER_TOKEN`."""

    model_config = SettingsConfigDict(
        env_prefix="X_BEARER_",  # other programs have names that begin with X_
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    token: SecretStr | None = None


class BrokerVariables(BaseSettings):
    """`CTRADER_...`: the environment, and what opens the account in it."""

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


class AlertVariables(BaseSettings):
    """`ALERT_...`: to whom alarms go."""

    model_config = SettingsConfigDict(
        env_prefix="ALERT_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    urls: SecretStr | None = None


class HeartbeatVariables(BaseSettings):
    """`HEARTBEAT_...`: who is told every minute that all is well."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTBEAT_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    url: SecretStr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Messengers:
    """Where alarms and heartbeats go; both are secrets, because who knows them can send. `.env`."""

    urls: Secret | None = None
    """Apprise addresses, separated by spaces or commas; None sends no alarm."""
    heartbeat: Secret | None = None
    """Fetched every minute while all is well; None fetches nothing."""


VARIABLES: Final[tuple[type[BaseSettings], ...]] = (
    BrokerVariables,
    PerplexityVariables,
    XVariables,
    AlertVariables,
    HeartbeatVariables,
)
"""Every group of variables that `.env` may hold. A field that is a `SecretStr` is a secret."""

_Variables = TypeVar("_Variables", bound=BaseSettings)


def read_broker_variables(path: Path | None) -> BrokerVariables:
    """Return the variables of the broker, from the environment and, below it, from a file.

    Raises:
        ConfigInvalid: a name is unknown, a value cannot be, or others can read the secrets.
    """
    variables = read_variables(BrokerVariables, path)
    if variables.environment is Environment.SIMULATOR:
        raise ConfigInvalid(
            f"{path or ENV_NAME}: CTRADER_ENVIRONMENT is demo or live; "
            "the simulator is chosen with `palmbot run --simulator`"
        )
    return variables


def read_variables(kind: type[_Variables], path: Path | None) -> _Variables:
    """Return one group of variables; names of every group are judged on the way.

    Raises:
        ConfigInvalid: see `read_broker_variables`. The sentence never quotes a value.
    """
    known = [name for each in VARIABLES for name in _names(each)]
    if path is not None:
        try:
            values = dotenv_values(path)
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigInvalid(f"{path} cannot be read ({e}): it is a text file in UTF-8") from e
        check_names(values, known, str(path))
        _check_privacy(path, values)
    prefixes = tuple(_prefix(each) for each in VARIABLES)
    check_names((name for name in os.environ if name.startswith(prefixes)), known, "")
    try:
        return kind(_env_file=path)
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        prefix = _prefix(kind)
        name = prefix + str(first["loc"][0]).upper().removeprefix(prefix)
        raise ConfigInvalid(f"{path or ENV_NAME}: {name}: {lower_first(first['msg'])}") from None


def read_mood_keys(path: Path | None) -> MoodKeys:
    """Return the keys of the sources of sentiment that are set.

    Raises:
        ConfigInvalid: see `read_broker_variables`.
    """
    return MoodKeys(
        perplexity=_to_secret(read_variables(PerplexityVariables, path).key),
        x=_to_secret(read_variables(XVariables, path).token),
    )


def read_messengers(path: Path | None) -> Messengers:
    """Return where alarms and heartbeats go.

    Raises:
        ConfigInvalid: see `read_broker_variables`.
    """
    return Messengers(
        urls=_to_secret(read_variables(AlertVariables, path).urls),
        heartbeat=_to_secret(read_variables(HeartbeatVariables, path).url),
    )


def _to_secret(text: SecretStr | None) -> Secret | None:
    """Return a secret without the blanks that copying adds; None if nothing else is left."""
    plain = "" if text is None else text.get_secret_value().strip()
    return Secret(plain) if plain else None


def to_access(variables: BrokerVariables) -> EnvAccess:
    """Return the variables in the types of the rest of the program."""
    account_id = variables.account_id
    return EnvAccess(
        account_id=None if account_id is None else AccountId(account_id),
        client_id=variables.client_id,
        client_secret=_to_secret(variables.client_secret),
        access_token=_to_secret(variables.access_token),
        refresh_token=_to_secret(variables.refresh_token),
    )


def _prefix(kind: type[BaseSettings]) -> str:
    return kind.model_config.get("env_prefix", "")


def _names(kind: type[BaseSettings]) -> list[str]:
    return [_prefix(kind) + name.upper() for name in kind.model_fields]


def _check_privacy(path: Path, values: Mapping[str, str | None]) -> None:
    """Refuse a file with secrets that others can read."""
    secrets = (
        _prefix(kind) + name.upper()
        for kind in VARIABLES
        for name, field in kind.model_fields.items()
        if field.annotation in (SecretStr, SecretStr | None)
    )
    has_secrets = any(values.get(name) for name in secrets)
    if has_secrets and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigInvalid(f"{path} holds secrets and others can read it: run `chmod 600 {path}`")
