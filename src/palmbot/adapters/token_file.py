"""The access and refresh token, in a file that only its owner can read."""

import os
import stat
from pathlib import Path

import msgspec

from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.ports import Tokens

FILE_BYTES_MAX = 16 * 1024  # two tokens are some hundred bytes


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    access_token: str
    refresh_token: str
    expires_at_ms: int


class TokenFile:
    """Implements `ports.TokenStore`.

    A refresh token is single use: once the broker has rotated the pair, only the new one works.
    It is therefore on disk, under its final name, before `save` returns; the pair before it
    stays beside it as `<name>.prev`.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read before `load`."""
        self._path = path

    def load(self) -> Tokens | None:
        """See `ports.TokenStore.load`."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise ConfigInvalid(f"cannot read the token file {self._path}: {e.strerror}") from e
        with os.fdopen(descriptor, "rb") as file:
            self._check_privacy(os.fstat(descriptor))
            text = file.read(FILE_BYTES_MAX)
        try:
            stored = msgspec.json.decode(text, type=_Stored)
        except msgspec.MsgspecError:
            # The parser's own words could quote the file, so they are not passed on.
            raise ConfigInvalid(
                f"the token file {self._path} is not readable as tokens: authorise again"
            ) from None
        return Tokens(
            access_token=Secret(stored.access_token),
            refresh_token=Secret(stored.refresh_token),
            expires_at=TimestampMs(stored.expires_at_ms),
        )

    def save(self, tokens: Tokens) -> None:
        """See `ports.TokenStore.save`."""
        stored = _Stored(
            access_token=tokens.access_token.reveal(),
            refresh_token=tokens.refresh_token.reveal(),
            expires_at_ms=tokens.expires_at,
        )
        try:
            self._replace(msgspec.json.encode(stored))
        except OSError as e:
            raise ConfigInvalid(f"cannot write the token file {self._path}: {e.strerror}") from e

    def _replace(self, text: bytes) -> None:
        """Put `text` in place of the file so that a crash leaves the old or the new one."""
        fresh = self._path.with_name(self._path.name + ".new")
        previous = self._path.with_name(self._path.name + ".prev")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if self._path.exists():
            # A second name for the old pair: at no moment is there no file under the first.
            previous.unlink(missing_ok=True)
            os.link(self._path, previous)
        fresh.rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _check_privacy(self, status: os.stat_result) -> None:
        """Refuse a file that others could have read or written."""
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ConfigInvalid(f"the token file {self._path} is not a plain file of this user")
        if status.st_mode & 0o077:
            raise ConfigInvalid(
                f"the token file {self._path} can be read by others: "
                f"run `chmod 600 {self._path}`, and authorise again if others use this machine"
            )
