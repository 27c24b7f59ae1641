"""Names of settings: unknown ones are refused with the name that was probably meant."""

import difflib
from collections.abc import Iterable
from typing import Final

from palmbot.domain.errors import ConfigInvalid

SETTINGS_NAME: Final = "palmbot.toml"
ENV_NAME: Final = ".env"
ENV_PREFIX: Final = "PALMBOT_"
"""Of variables that override a key of `palmbot.toml`."""
BROKER_PREFIX: Final = "CTRADER_"


def check_names(names: Iterable[str], known: list[str], where: str) -> None:
    """Refuse a variable that is not known.

    Args:
        where: The file it stands in; empty for the environment of the process.

    Raises:
        ConfigInvalid: with the name that was probably meant.
    """
    for name in names:
        if name in known:
            continue
        if name.upper().startswith(ENV_PREFIX):
            hint = f"; {where} holds secrets only, this belongs into {SETTINGS_NAME}"
        else:
            hint = suggest(name, known)
        place = where or "the environment"
        raise ConfigInvalid(f"{place}: unknown variable {name}{hint}")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return words that name the closest known one, or all there are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"


def lower_first(message: str) -> str:
    """Return a message of pydantic as the end of a sentence."""
    return message[:1].lower() + message[1:]
