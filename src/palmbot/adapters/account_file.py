"""The account a person chose at the login; not secret, but never written by hand either."""

from pathlib import Path
from typing import Final

import msgspec

from palmbot.adapters.private_file import replace_private_file
from palmbot.domain.errors import ConfigInvalid

FILE_NAME: Final = "account.json"


class ChosenAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account of the token."""

    account_id: int
    """ctidTraderAccountId, the number for CTRADER_ACCOUNT_ID."""
    login: int
    """The number that cTrader shows."""
    broker: str
    is_live: bool


def write_choice(directory: Path, account: ChosenAccount) -> Path:
    """Store the choice in the data directory of its environment, and return where.

    Raises:
        ConfigInvalid: it cannot be written.
    """
    path = directory / FILE_NAME
    try:
        replace_private_file(path, msgspec.json.encode(account))
    except OSError as e:
        raise ConfigInvalid(f"cannot write the chosen account to {path}: {e.strerror}") from e
    return path


def read_choice(directory: Path) -> ChosenAccount | None:
    """Return the account chosen for this data directory, None if none was.

    Raises:
        ConfigInvalid: the file is damaged.
    """
    path = directory / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=ChosenAccount)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise ConfigInvalid(
            f"the chosen account in {path} cannot be read ({e}): run `palmbot login` again"
        ) from e
