"""The keys that servers were seen with, so that a change does not pass unnoticed."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from palmbot.adapters.private_file import replace_private_file
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import TimestampMs

PREVIOUS_MAX: Final = 10
"""Keys before the present one that are kept, for whoever looks into a change."""


class PinStatus(StrEnum):
    """What the key of a server is, compared with the one it was seen with before."""

    FIRST = "first"
    """Nothing to compare with: this one is stored."""
    SAME = "same"
    CHANGED = "changed"
    """The stored one stays until the new one is accepted."""


class KnownPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is stored of one server."""

    pin: str
    since_ms: int
    """Wall clock of the first sight, or of the acceptance, of this key."""
    previous: tuple[str, ...] = ()
    """Older ones, newest first."""


class PinFile:
    """Pins by server, `host:port`. Not secret: the certificates are public."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is read at every call, so that two processes agree."""
        self._path = path

    def find(self, server: str) -> KnownPin | None:
        """Return what is known of a server.

        Raises:
            InputInvalid: the file cannot be read; to say "first sight" instead would hide a change.
        """
        return self._read().get(server)

    def compare(self, server: str, pin: str, now: TimestampMs) -> PinStatus:
        """Compare with what is known; a first sight is stored, a change is not.

        Raises:
            InputInvalid: the file cannot be read or written.
        """
        known = self.find(server)
        if known is None:
            self.accept(server, pin, now)
            return PinStatus.FIRST
        return PinStatus.SAME if known.pin == pin else PinStatus.CHANGED

    def accept(self, server: str, pin: str, now: TimestampMs) -> None:
        """Store a key as the one of this server from now on.

        Raises:
            InputInvalid: the file cannot be read or written.
        """
        pins = self._read()
        before = pins.get(server)
        previous = () if before is None else (before.pin, *before.previous)[:PREVIOUS_MAX]
        pins[server] = KnownPin(pin=pin, since_ms=now, previous=previous)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private_file(self._path, msgspec.json.format(msgspec.json.encode(pins)))
        except OSError as e:
            raise InputInvalid(f"cannot write the pins to {self._path}: {e.strerror}") from e

    def _read(self) -> dict[str, KnownPin]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, KnownPin])
        except FileNotFoundError:
            return {}
        except OSError as e:
            raise InputInvalid(f"cannot read the pins in {self._path}: {e.strerror}") from e
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise InputInvalid(
                f"the pins in {self._path} are damaged ({e}): compare the pins with another "
                "machine's, then delete the file"
            ) from e
