"""Worktrees by the git command, under the project's folder of state.

The user's own checkout, index and branches are never touched; merged work stands on a branch
of its own.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.domain.errors import MergeConflict, WorktreeFailed

GIT_TIMEOUT_S: Final = 120.0
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "orchestrate",
    "GIT_AUTHOR_EMAIL": "orchestrate@localhost",
    "GIT_COMMITTER_NAME": "orchestrate",
    "GIT_COMMITTER_EMAIL": "orchestrate@localhost",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}
# A repository that an agent wrote into could name programs in hooks or filters of its own.
_HARMLESS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


class GitWorktrees:
    """Implements `ports.Worktrees` for one repository."""

    def __init__(self, repository: Path, folder: Path, branch: str) -> None:
        """Use a repository, a folder for worktrees and the branch that merged work goes to.

        Raises:
            WorktreeFailed: this is no git repository, or it has no commit yet.
        """
        self._repository = repository
        self._folder = folder
        self._branch = branch
        folder.mkdir(parents=True, exist_ok=True)
        self._git(repository, "rev-parse", "--verify", "HEAD^{commit}")
        self._git(repository, "worktree", "prune")

    def head(self) -> str:
        """Return the tip of the merged work; the user's HEAD before there is any."""
        found = self._try(self._repository, "rev-parse", "--verify", f"refs/heads/{self._branch}")
        return found or self._git(self._repository, "rev-parse", "--verify", "HEAD")

    def prepare(self, batch_id: str, base_commit: str) -> str:
        """Make the batch's worktree, or return it if it exists; return its absolute path."""
        # Named by its base too: what an earlier run left on another base is not taken for ours.
        path = self._folder / f"batch-{_fit_for_path(batch_id)}-{base_commit[:12]}"
        if not (path / ".git").exists():
            shutil.rmtree(path, ignore_errors=True)
            self._git(self._repository, "worktree", "prune")
            self._git(self._repository, "worktree", "add", "--detach", str(path), base_commit)
        return str(path)

    def commit(self, worktree: str, base_commit: str, message: str, keep_out: Sequence[str]) -> str:
        """Commit all that differs from the base, except the paths to keep out."""
        path = Path(worktree)
        self._git(
            path, "add", "--all", "--force", "--", ".", *(f":(exclude,glob){p}" for p in _JUNK)
        )
        for kept in keep_out:
            if self._try(path, "cat-file", "-e", f"{base_commit}:{kept}") is None:
                self._git(path, "rm", "--cached", "--quiet", "--ignore-unmatch", "--", kept)
            else:
                self._git(path, "reset", "--quiet", base_commit, "--", kept)
        tree = self._git(path, "write-tree")
        if tree == self._git(path, "rev-parse", f"{base_commit}^{{tree}}"):
            return base_commit
        return self._git(path, "commit-tree", tree, "-p", base_commit, "-m", message)

    def changed_paths(self, base_commit: str, commit: str) -> tuple[str, ...]:
        """Return the paths that differ between two commits, sorted."""
        out = self._git(
            self._repository, "diff", "--name-only", "--no-renames", "-z", base_commit, commit
        )
        return tuple(sorted(each for each in out.split("\0") if each))

    def escaping_links(self, commit: str) -> tuple[str, ...]:
        """Return the symbolic links of a commit that lead out of the tree."""
        out = self._git(self._repository, "ls-tree", "-r", "-z", commit)
        escaping: list[str] = []
        for entry in out.split("\0"):
            facts, _, path = entry.partition("\t")
            if facts.startswith("120000 "):
                target = self._git(self._repository, "cat-file", "blob", facts.split(" ")[2])
                if _leaves(PurePosixPath(path).parent / target) or target.startswith("/"):
                    escaping.append(path)
        return tuple(escaping)

    def checkout(self, commit: str, purpose: str) -> str:
        """Make a clean detached checkout and return its absolute path; `discard` it after use."""
        path = self._folder / f"{_fit_for_path(purpose)}-{commit[:12]}"
        self.discard(str(path))
        self._git(self._repository, "worktree", "add", "--detach", str(path), commit)
        return str(path)

    def restore(self, checkout: str, base_commit: str, paths: Sequence[str]) -> None:
        """Put the base commit's version of paths into a checkout; paths new since are removed."""
        root = Path(checkout)
        for path in paths:
            if self._try(root, "cat-file", "-e", f"{base_commit}:{path}") is None:
                (root / path).unlink(missing_ok=True)
            else:
                self._git(root, "checkout", "--quiet", base_commit, "--", path)

    def discard(self, checkout: str) -> None:
        """Remove a checkout made by `checkout`."""
        shutil.rmtree(checkout, ignore_errors=True)
        self._git(self._repository, "worktree", "prune")

    def integrate(self, commit: str, message: str, judge: Callable[[str], str]) -> str:
        """Merge into the integration branch if the judge has no objection.

        Raises:
            MergeConflict: the merge failed; the branch stands where it stood.
            WorktreeFailed: the judge refused, or git did; likewise.
        """
        tip = self.head()
        if self._try(self._repository, "merge-base", "--is-ancestor", commit, tip) is not None:
            self._move_branch(tip)
            return tip
        place = self.checkout(tip, "merge")
        try:
            outcome = self._run(Path(place), "merge", "--no-ff", "--no-edit", "-m", message, commit)
            if outcome.returncode:
                unmerged = self._try(Path(place), "diff", "--name-only", "--diff-filter=U") or ""
                said = ", ".join(unmerged.splitlines()) or outcome.stderr.strip()
                raise MergeConflict(f"the work cannot be merged: {said[:300]}")
            if objection := judge(place):
                raise WorktreeFailed(f"after the merge: {objection}")
            merged = self._git(Path(place), "rev-parse", "HEAD")
        finally:
            self.discard(place)
        self._move_branch(merged)
        return merged

    def archive(self, worktree: str, target: str) -> None:
        """Keep what a worktree holds beyond the merged work as a patch file, then remove it."""
        path = Path(worktree)
        if (path / ".git").exists():
            self._git(path, "add", "--all")
            patch = self._git(path, "diff", "--cached", "--binary", self.head(), strip=False)
            if patch:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                Path(target).write_text(patch, encoding="utf-8", errors="surrogateescape")
        self.discard(worktree)

    def _move_branch(self, commit: str) -> None:
        self._git(self._repository, "update-ref", f"refs/heads/{self._branch}", commit)

    def _git(self, folder: Path, *arguments: str, strip: bool = True) -> str:
        outcome = self._run(folder, *arguments)
        if outcome.returncode:
            said = outcome.stderr.strip().splitlines()[-1:] or [f"code {outcome.returncode}"]
            raise WorktreeFailed(f"git {arguments[0]} in {folder}: {said[0]}")
        return outcome.stdout.strip() if strip else outcome.stdout

    def _try(self, folder: Path, *arguments: str) -> str | None:
        outcome = self._run(folder, *arguments)
        return None if outcome.returncode else outcome.stdout.strip()

    def _run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        try:
            return subprocess.run(  # noqa: S603 - fixed program, no shell
                ["git", *_HARMLESS, *arguments],  # noqa: S607 - the user's git
                cwd=folder,
                env=kept | _IDENTITY,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=GIT_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            raise WorktreeFailed(f"git {arguments[0]} in {folder}: {e}") from e


_JUNK: Final = (
    *("**/__pycache__/**", "**/*.pyc", "**/.pytest_cache/**", ".orchestrator/**"),
    *(".aider*", "**/.aider*/**"),  # what aider leaves beside its work
)


def _fit_for_path(name: str) -> str:
    """Return a name that is one harmless path component."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]


def _leaves(path: PurePosixPath) -> bool:
    """Tell whether a relative path climbs above its root."""
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 0 if part == "." else 1
        if depth < 0:
            return True
    return False
