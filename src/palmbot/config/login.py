"""What a login has left behind, completed by `.env`: application, tokens, account.

The token file wins over a pair in `.env`: a pair is used up when it is renewed, so the one in
`.env` is only the first of its line. CTRADER_ACCOUNT_ID wins over the account chosen at the login.
"""

from dataclasses import dataclass
from pathlib import Path

from palmbot.adapters.account_file import read_choice
from palmbot.adapters.token_file import FILE_NAME, TokenFile
from palmbot.adapters.token_keeper import TokenSource
from palmbot.config.access import EnvAccess
from palmbot.config.names import ENV_NAME
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId
from palmbot.ports import UNKNOWN_TIME, Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What opens the broker's door."""

    credentials: Credentials
    """With the access token of this moment."""
    tokens: TokenSource | None
    """Where the pair is renewed; None for a bare access token from `.env`."""
    account_id: AccountId | None


def find_login(access: EnvAccess, environment: Environment, directory: Path) -> Login:
    """Return what opens the broker's door, from the data directory and from `.env`.

    Raises:
        ConfigInvalid: the application or the tokens are missing, or a file cannot be used.
    """
    client_id, client_secret = require_application(access)
    store = TokenFile(directory / FILE_NAME)
    store.recover()
    pair, tokens = store.load(), None
    if pair is not None:
        tokens = TokenSource(store=store, seed=None)
    elif access.access_token is None:
        raise ConfigInvalid(
            f"nobody is logged in for {environment.upper()}: run `palmbot login "
            f"--environment {environment}`"
        )
    elif access.refresh_token is not None:
        pair = Tokens(
            access_token=access.access_token,
            refresh_token=access.refresh_token,
            expires_at=UNKNOWN_TIME,
        )
        tokens = TokenSource(store=store, seed=pair)
    token = access.access_token if pair is None else pair.access_token
    assert token is not None
    choice = read_choice(directory)
    account_id = access.account_id
    if account_id is None and choice is not None:
        account_id = AccountId(choice.account_id)
    return Login(
        credentials=Credentials(
            client_id=client_id, client_secret=client_secret, access_token=token
        ),
        tokens=tokens,
        account_id=account_id,
    )


def require_application(access: EnvAccess) -> tuple[str, Secret]:
    """Return id and secret of the application.

    Raises:
        ConfigInvalid: one of them is not set.
    """
    if access.client_id is not None and access.client_secret is not None:
        return access.client_id, access.client_secret
    wanted = {
        "CTRADER_CLIENT_ID": access.client_id,
        "CTRADER_CLIENT_SECRET": access.client_secret,
    }
    missing = ", ".join(name for name, value in wanted.items() if value is None)
    raise ConfigInvalid(
        f"{missing} not set: copy .env.example to {ENV_NAME} and fill in what the application's "
        "page at openapi.ctrader.com shows, or trade against `palmbot simulate`, which needs none"
    )


def require_account(login: Login) -> AccountId:
    """Return the chosen account.

    Raises:
        ConfigInvalid: none was chosen.
    """
    if login.account_id is None:
        raise ConfigInvalid(
            "no account is chosen: run `palmbot login`, or set CTRADER_ACCOUNT_ID to a number that "
            "`palmbot accounts` shows"
        )
    return login.account_id
