"""Files on disk: written so that a crash leaves them whole, read with a bound, never outside."""

import os
import tempfile
from pathlib import Path

from orchestrator.document.sources import SIZE_MAX
from orchestrator.domain.errors import InputInvalid


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file at once; a reader sees the old content or the new one, never a part.

    The new file keeps the permissions of the old one.
    """
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a regular file; nothing if there is none.

    Raises:
        InputInvalid: larger than a document may be, or no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as e:
        raise InputInvalid(f"{path} cannot be read: {e.strerror}") from e
    with os.fdopen(descriptor, "rb") as file:
        if not path.is_file():
            raise InputInvalid(f"{path} is not a regular file")
        content = file.read(SIZE_MAX + 1)
    if len(content) > SIZE_MAX:
        raise InputInvalid(f"{path} has more than {SIZE_MAX:,} bytes: move old reports away")
    return content


def real_file(root: Path, name: str) -> Path:
    """Return where a file of a tree really is: people link `CLAUDE.md` to another file of theirs.

    Raises:
        InputInvalid: a link leads out of the tree.
    """
    place = (root / name).resolve()
    if not place.is_relative_to(root.resolve()):
        raise InputInvalid(f"{root / name} is a symbolic link that leads out of {root}")
    return place
