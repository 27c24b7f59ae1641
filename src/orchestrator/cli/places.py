"""Where a command works: the project it was called in, the document it names or finds."""

from pathlib import Path
from typing import Final

from orchestrator.domain.errors import InputInvalid

PATTERN: Final = "ORCHESTRATOR_SESSION*.md"


def find_document(document: Path | None, root: Path | None) -> tuple[Path, Path]:
    """Return the project's root and the session document.

    Raises:
        InputInvalid: no document was named, and none or several lie in the project.
    """
    if document is not None:
        place = document.resolve()
        return (root.resolve() if root else find_root(place.parent)), place
    project = root.resolve() if root else find_root(Path.cwd())
    found = sorted(project.glob(PATTERN))
    if len(found) != 1:
        said = f"{len(found)} files" if found else "no file"
        raise InputInvalid(f"{said} called {PATTERN} in {project}: name the session document")
    return project, found[0]


def find_root(folder: Path) -> Path:
    """Return the folder of the git repository around a folder; the folder itself without one."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return folder
