"""The file by which a person arms LIVE: bound to account, program and settings, for a week."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

import palmbot
from palmbot.adapters.private_file import replace_private_file
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.units import MS_PER_DAY

FILE_NAME: Final = "live-armed.json"
PROGRAM: Final = Path(palmbot.__file__).parent
LIFE_MS: Final = 7 * MS_PER_DAY
FIRST_DAY_MS: Final = MS_PER_DAY


class Arming(msgspec.Struct, frozen=True, kw_only=True):
    """What a person confirmed, and when."""

    account_id: int
    build: str
    settings: str
    armed_at_ms: int
    first_armed_at_ms: int
    """Of the first time for this account: the day after it trades the smallest volume."""
    doctor_at_ms: int
    """When `palmbot doctor` found nothing wrong; 0 if it did not."""


def write_arming(directory: Path, arming: Arming) -> None:
    """Store the confirmation in the data directory of LIVE.

    Raises:
        ConfigInvalid: it cannot be written.
    """
    path = directory / FILE_NAME
    try:
        replace_private_file(path, msgspec.json.encode(arming))
    except OSError as e:
        raise ConfigInvalid(f"cannot write {path}: {e.strerror}") from e


def read_arming(directory: Path) -> Arming | None:
    """Return the confirmation, None if there is none or it cannot be read: that arms nothing."""
    try:
        return msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=Arming)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remove_arming(directory: Path) -> bool:
    """Disarm; return whether it was armed.

    Raises:
        ConfigInvalid: the file cannot be removed.
    """
    try:
        (directory / FILE_NAME).unlink()
    except FileNotFoundError:
        return False
    except OSError as e:
        raise ConfigInvalid(f"cannot remove {directory / FILE_NAME}: {e.strerror}") from e
    return True


def read_build(program: Path) -> str:
    """Return a digest of the program: of every source file below, as it is on disk now."""
    digest = hashlib.sha256()
    for path in sorted(program.rglob("*.py")):
        digest.update(path.relative_to(program).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
