"""Writing a page to disk: whole or not at all."""

import tempfile
from pathlib import Path

from palmbot.domain.errors import InputInvalid

FILE_MODE = 0o644


def write_page(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, replacing what was there in one step.

    Raises:
        InputInvalid: the place cannot be written; nothing is left behind.
    """
    draft: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            mode="w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            draft = Path(file.name)
            file.write(text)
        draft.chmod(FILE_MODE)
        draft.replace(path)
    except OSError as e:
        if draft is not None:
            draft.unlink(missing_ok=True)
        reason = e.strerror or str(e)
        raise InputInvalid(
            f"{path}: the report cannot be written there ({reason}); "
            "name a file in a folder that exists and can be written."
        ) from e
