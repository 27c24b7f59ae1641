"""The access and refresh token, in a file that only its owner can read."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.ports import Tokens

FILE_NAME = "tokens.json"
"""In the data directory of the environment."""

RENEWING = b"the tokens are being renewed\n"
FILE_BYTES_MAX = 16 * 1024  # two tokens are some hundred bytes


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    access_token: str
    refresh_token: str
    expires_at_ms: int
    issued_at_ms: int = 0


class TokenFile:
    """Implements `ports.TokenStore`.

    A refresh token is single use: once the broker has rotated the pair, only the new one works.
    It is therefore on disk, under its final name, before `save` returns; the pair before it
    stays beside it as `<name>.prev`.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read before `load`."""
        self._path = path

    @property
    def path(self) -> Path:
        """Where the pair is."""
        return self._path

    def take_lock(self) -> int | None:
        """Return a descriptor that holds the lock of the refresher until it is closed.

        None if another process holds it. The lock dies with the process.

        Raises:
            ConfigInvalid: the lock cannot be made.
        """
        path = self._beside("lock")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Python opens files non-inheritable, so no child process keeps the lock alive.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as e:
            raise ConfigInvalid(f"cannot make the lock {path}: {e.strerror}") from e
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def note_renewal(self) -> None:
        """Leave a note that a renewal is under way, durably.

        Raises:
            ConfigInvalid: it cannot be written, so that no renewal must begin.
        """
        path = self._beside("renewing")
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(RENEWING)
                file.flush()
                os.fsync(file.fileno())
            self._sync_directory()
        except OSError as e:
            raise ConfigInvalid(f"cannot write {path}: {e.strerror}") from e

    def read_note(self) -> str:
        """Return in words that a renewal was begun and not ended; empty if none was."""
        try:
            noted = self._beside("renewing").stat().st_mtime_ns
            is_over = self._path.stat().st_mtime_ns > noted
        except OSError:
            return ""
        if is_over:  # the end came between storing the pair and taking the note away
            return ""
        return "a renewal was under way when the program ended, and the new pair was lost with it"

    def forget_renewal(self) -> None:
        """Take the note away: how the renewal ended is known."""
        self._beside("renewing").unlink(missing_ok=True)

    def recover(self) -> None:
        """Finish what a crash has interrupted: a new pair that is complete takes its place.

        The new file is written only after the broker has made the pair in it, so that it is the
        one that lives. Half a file does not parse, and the pair before it stays.

        Raises:
            ConfigInvalid: the files cannot be used.
        """
        if not self._beside("renewing").exists():
            return
        descriptor = self.take_lock()
        if descriptor is None:  # nothing has crashed: somebody renews at this moment
            return
        try:
            with suppress(ConfigInvalid):
                fresh = TokenFile(self._beside("new"))
                if fresh.load() is not None:
                    self._promote()
        except OSError as e:
            raise ConfigInvalid(f"cannot write the token file {self._path}: {e.strerror}") from e
        finally:
            os.close(descriptor)

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
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # The parser's own words could quote the file, so they are not passed on.
            raise ConfigInvalid(
                f"the token file {self._path} is not readable as tokens: authorise again"
            ) from None
        return Tokens(
            access_token=Secret(stored.access_token),
            refresh_token=Secret(stored.refresh_token),
            expires_at=TimestampMs(stored.expires_at_ms),
            issued_at=TimestampMs(stored.issued_at_ms),
        )

    def save(self, tokens: Tokens) -> None:
        """See `ports.TokenStore.save`."""
        stored = _Stored(
            access_token=tokens.access_token.reveal(),
            refresh_token=tokens.refresh_token.reveal(),
            expires_at_ms=tokens.expires_at,
            issued_at_ms=tokens.issued_at,
        )
        try:
            self._replace(msgspec.json.encode(stored))
        except OSError as e:
            raise ConfigInvalid(f"cannot write the token file {self._path}: {e.strerror}") from e

    def _replace(self, text: bytes) -> None:
        """Put `text` in place of the file so that a crash leaves the old or the new one."""
        fresh = self._beside("new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._promote()

    def _promote(self) -> None:
        """Give the new file the final name; it is complete and on the disk."""
        fresh, previous = self._beside("new"), self._beside("prev")
        if self._path.exists():
            # A second name for the old pair: at no moment is there no file under the first.
            previous.unlink(missing_ok=True)
            os.link(self._path, previous)
        fresh.rename(self._path)
        self._sync_directory()

    def _beside(self, end: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{end}")

    def _sync_directory(self) -> None:
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
