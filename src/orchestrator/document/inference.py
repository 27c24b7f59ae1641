"""Checks that follow from the document itself, where the sidecar says nothing.

They are weak: that a file exists, is not empty, changed and parses says little of what it does.
"""

import re
from collections.abc import Mapping
from typing import Final

from orchestrator.document.vocabulary import fold_text
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Batch
from orchestrator.domain.checks import ChangedCheck, Check, CheckKind, FileCheck, ParsesCheck
from orchestrator.domain.paths import is_unsafe_path

_TASK_HEADING: Final = re.compile(r"^\s*(?:T[ÂA]CHE|TASK)\s+(\d{1,3})\b", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<![\w/@.-])((?:[\w.-]+/)+[\w.-]+\.\w{1,8}|\.env\.example)(?![\w/])")


def checks_for(batch: Batch, acceptance: Acceptance) -> tuple[Check, ...]:
    """Return the checks of a batch: those of the sidecar, inferred ones for tasks without any."""
    stated = acceptance.of_batch(batch.id).checks
    covered = {check.task for check in stated}
    inferred = (
        check
        for check in infer_checks(batch, dict(acceptance.path_map))
        if check.task not in covered and (check.task is not None or not stated)
    )
    return (*stated, *inferred)


def infer_checks(batch: Batch, path_map: Mapping[str, str]) -> tuple[Check, ...]:
    """Return what deliverables and prompt let one expect of the files.

    A full path is taken from the prompt; a bare name is kept, for the worktree to find the one
    changed file of that name.
    """
    places = _paths_in_prompt(batch.prompt)
    checks: list[Check] = []
    for deliverable in batch.deliverables:
        for name in deliverable.names:
            path, task = _place(name, places, batch)
            path = path_map.get(path, path_map.get(name, path))
            if is_unsafe_path(path):
                continue
            kinds: tuple[CheckKind, ...] = (
                FileCheck(path=path),
                ChangedCheck(path=path),
                ParsesCheck(path=path),
            )
            checks += [
                Check(
                    id=f"{batch.id}/{task or 'all'}/{label}:{path}",
                    kind=kind,
                    task=task,
                    is_inferred=True,
                )
                for label, kind in zip(("file", "changed", "parses"), kinds, strict=True)
            ]
    return tuple(checks)


def _paths_in_prompt(prompt: str) -> dict[str, int | None]:
    """Return the paths a prompt names, with the task under whose heading they stand first."""
    found: dict[str, int | None] = {}
    task: int | None = None
    for line in prompt.splitlines():
        if heading := _TASK_HEADING.match(line):
            task = int(heading[1])
        for path in _PATH.findall(line):
            if not path.startswith("agents_library/"):
                found.setdefault(path, task)
    return found


def _place(name: str, places: Mapping[str, int | None], batch: Batch) -> tuple[str, int | None]:
    """Return the path of a deliverable and the task it belongs to."""
    fitting = [path for path in places if path == name or path.endswith(f"/{name}")]
    if len(fitting) == 1:
        return fitting[0], places[fitting[0]]
    stem = set(fold_text(name.rsplit(".", 1)[0].replace("_", " ")).split())
    for task in batch.tasks:
        words = set(fold_text(task.title.replace("_", " ")).split())
        if name in task.title or (stem and stem <= words):
            return name, task.ordinal
    return name, None
