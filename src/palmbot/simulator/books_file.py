"""The exchange's books as a file, for whoever checks a bot in another process against them."""

import os
from pathlib import Path

import msgspec

from palmbot.domain.errors import InputInvalid
from palmbot.simulator.books import Books

FILE_NAME = "books.json"


def write_books(directory: Path, books: Books) -> Path:
    """Write the books as they stand into `directory`, at once or not at all; return the path.

    Raises:
        InputInvalid: the directory cannot be written.
    """
    path = directory / FILE_NAME
    part = path.with_suffix(".part")
    document = {
        "balance": books.balance,
        "duplicates": books.duplicates,
        "positions_without_stop": books.positions_without_stop,
        "requests": [
            {"label": each.label, "fate": each.fate, "time": each.time} for each in books.requests
        ],
        "positions": [
            {
                "position_id": each.position_id,
                "label": each.label,
                "side": each.side.name,
                "volume": each.volume,
                "stop_loss": each.stop_loss,
            }
            for each in books.positions
        ],
        "closed_positions": len(books.closed_positions),
    }
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(document))
        part.replace(path)
    except OSError as e:
        raise InputInvalid(
            f"cannot write {path}: {e.strerror}; choose a directory you may write to"
        ) from e
    return path
