"""Which broker a command asks, and with what."""

from pathlib import Path

from palmbot.adapters.ctrader_inquirer import BrokerAccess
from palmbot.bootstrap import Wiring
from palmbot.cli.run import wire
from palmbot.config.access import missing_names, read_broker_variables
from palmbot.config.loading import load_config
from palmbot.config.names import BROKER_PREFIX, ENV_NAME
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret


def find_broker(simulator: Path | None, settings: Path | None) -> BrokerAccess:
    """Return what it takes to ask the broker of `.env`, or a simulator.

    The locks of LIVE are those of `palmbot run`: where the bot may not connect, nor may this.

    Raises:
        ConfigInvalid: a setting is missing or wrong.
        InputInvalid: no simulator ever ran in that directory.
    """
    return to_access(wire(load_config(settings), simulator, None, is_shadow=True))


def to_access(wiring: Wiring) -> BrokerAccess:
    """Return the part of a bot's wiring that it takes to ask something."""
    return BrokerAccess(
        endpoint=wiring.endpoint,
        tls=wiring.tls,
        credentials=wiring.credentials,
        environment=wiring.params.environment,
        account_id=wiring.params.account_id,
    )


def find_credentials() -> Credentials:
    """Return what makes application and token known, for questions about no certain account.

    Raises:
        ConfigInvalid: some of it is not set in `.env`.
    """
    path = Path(ENV_NAME)
    variables = read_broker_variables(path if path.is_file() else None)
    client_id, secret, token = (
        variables.client_id,
        variables.client_secret,
        variables.access_token,
    )
    if client_id is None or secret is None or token is None:
        missing = [
            name for name in missing_names(variables) if name != f"{BROKER_PREFIX}ACCOUNT_ID"
        ]
        raise ConfigInvalid(
            f"{', '.join(missing)} not set: copy .env.example to {ENV_NAME} and fill it in"
        )
    return Credentials(
        client_id=client_id,
        client_secret=Secret(secret.get_secret_value()),
        access_token=Secret(token.get_secret_value()),
    )
