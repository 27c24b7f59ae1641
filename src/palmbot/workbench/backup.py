"""Journal and settings in one file, and back. Secrets are not among them.

A token pair is single use: an old one put back would lock the bot out. The other secrets of
`.env` belong into a person's own safe, not into a file that is copied around.
"""

import hashlib
import io
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.journal_schema import JournalOwner, read_owner
from palmbot.adapters.journal_snapshot import check_snapshot, take_snapshot
from palmbot.bootstrap.directory import JOURNAL_NAME
from palmbot.config.names import SETTINGS_NAME
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId, TimestampMs
from palmbot.live.halt_file import write_halt

FORMAT = 1
MANIFEST_NAME = "manifest.json"
MANIFEST_BYTES_MAX = 64 * 1024
SETTINGS_BYTES_MAX = 1 << 20
CHUNK_BYTES = 1 << 20
FILE_MODE = 0o600
DAMAGES = (
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    KeyError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
)
"""What the libraries say to a file that is no whole backup."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a backup says about itself."""

    format: int
    environment: str
    account_id: int
    symbol: str
    taken_at_ms: int
    """Wall clock."""
    code_version: str
    steps: int
    head_hash: str
    digests: dict[str, str]
    """SHA-256 of each file, hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back."""

    manifest: Manifest
    journal: Path
    set_aside: Path | None
    """Where the journal went that was there before; None if there was none."""
    settings: Path | None
    """Where the settings went; beside those that are there, if they differ. None without any."""


def back_up(
    directory: Path, settings: Path, output: Path, *, now: TimestampMs, code_version: str
) -> Manifest:
    """Write journal and settings into `output`, which appears whole or not at all.

    The bot may run meanwhile. What is in the file was read back and verified.

    Raises:
        InputInvalid: there is no journal, or the file is there already or cannot be written.
        JournalDamaged: the journal does not verify.
    """
    if output.exists():
        raise InputInvalid(f"{output}: it is there already; name another file")
    journal = directory / JOURNAL_NAME
    owner = read_owner(journal)
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as place:
            copy = Path(place) / JOURNAL_NAME
            report = take_snapshot(journal, copy)
            contents = {JOURNAL_NAME: copy}
            if settings.is_file():
                contents[SETTINGS_NAME] = settings
            manifest = Manifest(
                format=FORMAT,
                environment=owner.environment,
                account_id=owner.account_id,
                symbol=owner.symbol,
                taken_at_ms=now,
                code_version=code_version,
                steps=report.head_sequence,
                head_hash=report.head_hash,
                digests={name: _digest(path) for name, path in contents.items()},
            )
            draft = Path(place) / "draft"
            _pack(draft, manifest, contents, now)
            read_backup(draft, Path(place) / "check.sqlite")
            draft.rename(output)
            _sync(output.parent)
    except OSError as e:
        raise InputInvalid(
            f"{output}: it cannot be written ({e.strerror or e}); choose a folder that exists, "
            "with room for a copy of the journal"
        ) from e
    return manifest


def read_backup(file: Path, journal: Path) -> tuple[Manifest, bytes | None]:
    """Unpack the journal of a backup to `journal`; return the manifest and the settings.

    Raises:
        InputInvalid: it is no backup, damaged, or of a newer program.
        JournalDamaged: its journal does not verify.
    """
    try:
        with tarfile.open(file, "r:gz") as archive:
            manifest = msgspec.json.decode(
                _read_member(archive, MANIFEST_NAME, MANIFEST_BYTES_MAX), type=Manifest
            )
            if manifest.format != FORMAT:
                raise InputInvalid(
                    f"{file}: it has format {manifest.format}, this program reads {FORMAT}: use "
                    "the palmbot that made it"
                )
            settings = None
            if SETTINGS_NAME in manifest.digests:
                settings = _read_member(archive, SETTINGS_NAME, SETTINGS_BYTES_MAX)
            with journal.open("xb") as target:
                _copy_member(archive, JOURNAL_NAME, target.write)
    except FileNotFoundError as e:
        raise InputInvalid(f"{file}: there is no such file") from e
    except DAMAGES as e:
        raise InputInvalid(
            f"{file}: it is no backup of palmbot, or damaged ({type(e).__name__}); use another"
        ) from e
    found = {JOURNAL_NAME: _digest(journal)}
    if settings is not None:
        found[SETTINGS_NAME] = hashlib.sha256(settings).hexdigest()
    if found != manifest.digests:
        raise InputInvalid(f"{file}: its content is not what it says; use another backup")
    report = check_snapshot(journal)
    if (report.head_sequence, report.head_hash) != (manifest.steps, manifest.head_hash):
        raise InputInvalid(f"{file}: its journal ends elsewhere than it says; use another backup")
    return manifest, settings


def restore(
    file: Path, directory: Path, settings: Path, *, can_replace: bool, now: TimestampMs
) -> Restored:
    """Put a backup back, verified before anything is touched; the bot then starts halted.

    A journal that is there is set aside under another name, never deleted.

    Raises:
        InputInvalid: no usable backup, a journal is in the way, or of another account.
        ConfigInvalid: a bot runs on this directory, or it cannot be used.
        JournalDamaged: the backup's journal does not verify.
    """
    target = directory / JOURNAL_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore.") as place:
            unpacked = Path(place) / JOURNAL_NAME
            manifest, content = read_backup(file, unpacked)
            owner = JournalOwner(
                environment=Environment(manifest.environment),
                account_id=manifest.account_id,
                symbol=manifest.symbol,
            )
            with InstanceLock(directory, owner.environment, AccountId(owner.account_id)):
                _check_target(target, owner, can_replace=can_replace)
                set_aside = _set_aside(target, now)
                reason = f"restored from {file.name}: compare the books before you resume"
                write_halt(directory, reason)
                unpacked.chmod(FILE_MODE)
                _sync(unpacked)
                unpacked.rename(target)
                _sync(directory)
                placed = None if content is None else _place_settings(settings, content)
    except OSError as e:
        raise InputInvalid(f"{directory}: it cannot be written ({e.strerror or e})") from e
    return Restored(manifest=manifest, journal=target, set_aside=set_aside, settings=placed)


def _check_target(target: Path, owner: JournalOwner, *, can_replace: bool) -> None:
    if not target.exists():
        return
    there = read_owner(target)
    if (there.environment, there.account_id) != (owner.environment, owner.account_id):
        raise InputInvalid(
            f"{target} is the journal of {there}, the backup is of {owner}: name another "
            "--directory"
        )
    if not can_replace:
        raise InputInvalid(
            f"{target}: a journal is there, and it is newer than any backup of it; if it is beyond "
            "use, repeat with --replace, which sets it aside"
        )


def _set_aside(target: Path, now: TimestampMs) -> Path | None:
    """Rename the journal that is there, with the files that SQLite keeps beside it."""
    if not target.exists():
        return None
    aside = target.with_name(f"{target.name}.before-restore-{now}")
    for suffix in ("-wal", "-shm"):
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    target.rename(aside)
    return aside


def _place_settings(path: Path, content: bytes) -> Path:
    """Write the settings, beside those that are there if they differ; the person decides."""
    if path.exists() and path.read_bytes() != content:
        path = path.with_name(path.name + ".restored")
    path.write_bytes(content)
    return path


def _pack(draft: Path, manifest: Manifest, contents: dict[str, Path], now: TimestampMs) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            text = msgspec.json.encode(manifest)
            _add(archive, MANIFEST_NAME, io.BytesIO(text), len(text), now)
            # The large one last: settings can be read without unpacking it.
            for name, path in sorted(contents.items(), reverse=True):
                with path.open("rb") as source:
                    _add(archive, name, source, path.stat().st_size, now)
        file.flush()
        os.fsync(file.fileno())


def _add(
    archive: tarfile.TarFile,
    name: str,
    source: io.IOBase | io.BufferedReader,
    size: int,
    now: TimestampMs,
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, FILE_MODE, now // 1000
    archive.addfile(entry, source)


def _read_member(archive: tarfile.TarFile, name: str, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    _copy_member(archive, name, chunks.append, bytes_max)
    return b"".join(chunks)


def _copy_member(
    archive: tarfile.TarFile,
    name: str,
    write: Callable[[bytes], object],
    bytes_max: int | None = None,
) -> None:
    """Copy one plain file by its fixed name; where the archive would put it is never asked."""
    source = archive.extractfile(name)
    if source is None:
        raise KeyError(name)
    copied = 0
    while chunk := source.read(CHUNK_BYTES):
        copied += len(chunk)
        if bytes_max is not None and copied > bytes_max:
            raise tarfile.ReadError(f"{name} is too large")
        write(chunk)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
