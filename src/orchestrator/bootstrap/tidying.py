"""Removes what finished batches leave behind, and keeps what was not merged."""

from pathlib import Path

from orchestrator.bootstrap.logs import FOLDER, opened
from orchestrator.bootstrap.running import BRANCH
from orchestrator.domain.verdicts import TERMINAL
from orchestrator.worktrees.git_worktrees import GitWorktrees


def clean_up(root: Path) -> tuple[str, ...]:
    """Remove the worktrees of batches that are finished; keep what was not merged as a patch.

    Worktrees with processes in them that could not be ended stay, for a person to look at.

    Returns:
        The worktrees that were removed.

    Raises:
        InputInvalid: nothing was ever run there.
    """
    with opened(root) as (_, state, _):
        records = state.batches
    worktrees = GitWorktrees(root, root / FOLDER / "worktrees", BRANCH)
    removed: list[str] = []
    for record in records:
        attempt = record.attempt
        if attempt is None or record.state not in TERMINAL:
            continue
        place = attempt.planned.worktree
        is_orphaned = attempt.ended is not None and attempt.ended.orphans_left
        if Path(place).exists() and not is_orphaned:
            worktrees.archive(place, f"{attempt.planned.attempt_dir}/left-behind.patch")
            removed.append(place)
    return tuple(removed)
