"""What an agent changed that decides over its own work, rather than being it."""

import fnmatch
import sys
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import Final

from orchestrator.domain.checks import Check, CommandCheck
from orchestrator.domain.proofs import TamperFinding

PLANTS: Final = (
    *("conftest.py", "sitecustomize.py", "usercustomize.py", "*.pth"),
    *("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg"),
)
"""Files that change how a judge runs without being named by it."""
_JUDGES: Final = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "coverage"})
_MODULES: Final = sys.stdlib_module_names | _JUDGES
"""What a test runner imports; Python looks into the working directory first."""


def find_tampering(
    changed: Sequence[str],
    protected: Sequence[str],
    deliverables: Collection[str],
    checks: Sequence[Check],
) -> tuple[TamperFinding, ...]:
    """Return the changes to what judges the work.

    Args:
        changed: Paths that the attempt changed.
        protected: Patterns of the sidecar; `*` goes over folders too.
        deliverables: File names that the batch asks for, which may be what else is a plant.
        checks: Of the batch; without a command among them nothing of the tree is run.
    """
    is_run = any(isinstance(each.kind, CommandCheck) for each in checks)
    found: list[TamperFinding] = []
    for path in changed:
        name = path.rsplit("/", 1)[-1]
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in protected):
            found.append(TamperFinding(path=path, message="a protected path was changed"))
        elif not is_run or name in deliverables:
            continue
        elif any(fnmatch.fnmatchcase(name, pattern) for pattern in PLANTS):
            found.append(TamperFinding(path=path, message="it would change how the checks run"))
        elif (module := _shadowed_module(path)) is not None:
            message = f"it would take the place of the module {module} while the checks run"
            found.append(TamperFinding(path=path, message=message))
    return tuple(found)


def _shadowed_module(path: str) -> str | None:
    """Return the module that a file at the top of the tree would be imported instead of."""
    match PurePosixPath(path).parts:
        case (file,) if file.endswith(".py"):
            module = file.removesuffix(".py")
        case (folder, "__init__.py"):
            module = folder
        case _:
            return None
    return module if module in _MODULES else None
