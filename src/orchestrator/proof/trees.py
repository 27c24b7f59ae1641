"""Files of a tree under judgement: found by path or by a unique name, never outside of it."""

import ast
import json
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from orchestrator.domain.checks import ChangedCheck, FileCheck, ParsesCheck
from orchestrator.proof.observations import Observation, failed, passed

FILE_BYTES_MAX: Final = 50_000_000


def with_file(
    root: Path, path: str, changed: Sequence[str] | None, look: Callable[[Path], Observation]
) -> Observation:
    """Look at a file of the tree, or say why that is not possible."""
    place = find(root, path, changed)
    if isinstance(place, Observation):
        return place
    size = place.stat().st_size
    if size > FILE_BYTES_MAX:
        return failed(f"{path} has {size:,} bytes, the limit is {FILE_BYTES_MAX:,}")
    return look(place)


def find(root: Path, path: str, changed: Sequence[str] | None) -> Path | Observation:
    """Return a regular file of the tree.

    A bare name that is not at the root stands for the one changed file of that name.
    """
    place = root / path
    if not place.exists() and "/" not in path and changed is not None:
        fitting = [each for each in changed if each.rsplit("/", 1)[-1] == path]
        if len(fitting) > 1:
            return failed(f"{path} could be {' or '.join(fitting)}: name the path in the sidecar")
        if fitting:
            place = root / fitting[0]
    if not place.resolve().is_relative_to(root.resolve()):
        return failed(f"{path} leads out of the tree")
    if not place.exists():
        return failed(f"{path} does not exist")
    if not place.is_file():
        return failed(f"{path} is not a regular file")
    return place


def check_file(check: FileCheck, root: Path, changed: Sequence[str] | None) -> Observation:
    """Check that a file exists and holds enough."""

    def look(place: Path) -> Observation:
        size = place.stat().st_size
        if size < check.bytes_min:
            return failed(f"{check.path} has {size} bytes, expected {check.bytes_min}")
        return passed(f"{check.path}: {size:,} bytes")

    return with_file(root, check.path, changed, look)


def check_changed(check: ChangedCheck, changed: Sequence[str] | None) -> Observation:
    """Check that a file differs from the base commit."""
    if changed is None:
        return failed(f"{check.path} is unchanged, nothing was done yet")
    if any(
        each == check.path or ("/" not in check.path and each.endswith(f"/{check.path}"))
        for each in changed
    ):
        return passed(f"{check.path} changed")
    return failed(f"{check.path} is unchanged since the work was handed out")


def check_parses(check: ParsesCheck, root: Path, changed: Sequence[str] | None) -> Observation:
    """Check that a file is what its suffix says."""

    def look(place: Path) -> Observation:
        content = place.read_bytes()
        try:
            match place.suffix:
                case ".py":
                    ast.parse(content)
                case ".json":
                    json.loads(content)
                case ".toml":
                    tomllib.loads(content.decode())
                case _:
                    return passed(f"{check.path} read") if content else failed("it is empty")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
            return failed(f"{check.path} does not parse as {place.suffix}: {e}")
        return passed(f"{check.path} parses")

    return with_file(root, check.path, changed, look)
