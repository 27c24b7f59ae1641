"""Where a command works: the project it was called in, the document it names or finds."""

from pathlib import Path
from typing import Final

from orchestrator.domain.errors import InputInvalid

PATTERN: Final = "ORCHESTRATOR_SESSION*.md"


def find_document(document: Path | None, root: Path | None) -> tuple[Path, Path]:
    """Return the project's root and the session document.

    Raises:
        InputInvalid: no document was named, and none or several lie in the project; or the project
            is no folder.
    """
    if document is not None:
        place = document.resolve()
        return (find_project(root) if root else find_root(place.parent)), place
    project = find_project(root)
    found = sorted(project.glob(PATTERN))
    if len(found) != 1:
        said = f"{len(found)} files are" if found else "no file is"
        raise InputInvalid(f"{said} called {PATTERN} in {project}: name the session document")
    return project, found[0]


def find_project(root: Path | None) -> Path:
    """Return the project a person named, or the one around the working directory.

    Raises:
        InputInvalid: what was named is no folder.
    """
    if root is None:
        return find_root(Path.cwd())
    if not root.is_dir():
        raise InputInvalid(f"{root} is no folder: name the project with --root")
    return root.resolve()


def find_root(folder: Path) -> Path:
    """Return the folder of the git repository around a folder; the folder itself without one."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return folder
