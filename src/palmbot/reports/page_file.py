"""Writing a page to disk: whole or not at all."""

import tempfile
from pathlib import Path

from palmbot.domain.errors import InputInvalid

FILE_MODE = 0o644


def check_place(path: Path) -> None:
    """Refuse a place where `write_page` would fail, before the work for the page is done.

    Raises:
        InputInvalid: see `write_page`; what stands there is as it was.
    """
    if path.is_dir():
        raise InputInvalid(f"{path}: a folder is in the way of the report; name a file in it.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as e:
        raise InputInvalid(_explain(path, e)) from e


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
        raise InputInvalid(_explain(path, e)) from e


def _explain(path: Path, error: OSError) -> str:
    return (
        f"{path}: the report cannot be written there ({error.strerror or error}); "
        "name a file in a folder that exists and can be written."
    )
