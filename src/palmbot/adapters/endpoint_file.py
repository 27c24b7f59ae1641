"""The file by which a simulated broker tells a bot on the same machine how to reach it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from palmbot.adapters.private_file import replace_private_file
from palmbot.domain.errors import InputInvalid

FILE_NAME = "endpoint.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorAccess:
    """Where the simulator listens, and the made-up secrets that open it."""

    port: int
    ca_file: str
    """Path of the PEM that signed its certificate."""
    client_id: str
    client_secret: str
    access_token: str
    account_id: int
    symbols: tuple[str, ...]
    """What it quotes, the product to trade by default first."""


def write_access(directory: Path, access: SimulatorAccess) -> Path:
    """Write the file into `directory` for its owner alone, and return its path.

    Raises:
        InputInvalid: the directory cannot be written.
    """
    path = directory / FILE_NAME
    try:
        replace_private_file(path, msgspec.json.encode(access))
    except OSError as e:
        raise InputInvalid(
            f"cannot write {path}: {e.strerror}; choose a directory you may write to"
        ) from e
    return path


def read_access(directory: Path) -> SimulatorAccess:
    """Read the file from `directory`.

    Raises:
        InputInvalid: no simulator ever ran there, or the file is damaged.
    """
    path = directory / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=SimulatorAccess)
    except FileNotFoundError as e:
        raise InputInvalid(f"no simulator in {directory}: start one with `palmbot simulate`") from e
    except OSError as e:
        raise InputInvalid(f"cannot read {path}: {e.strerror}") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise InputInvalid(f"{path} is damaged ({e}): start the simulator again") from e
