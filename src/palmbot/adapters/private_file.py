"""Replaces a small file that is its owner's alone, whole or not at all."""

import os
from pathlib import Path


def replace_private_file(path: Path, content: bytes) -> None:
    """Write beside the file, to disk, and put it in its place.

    Raises:
        OSError: it could not be written; the file before stands as it was.
    """
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
