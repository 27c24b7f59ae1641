"""Worktrees by the git command, under the project's folder of state.

The user's own checkout, index and branches are never touched; merged work stands on a branch
of its own.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
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
# A repository that an agent wrote into could name programs in hooks or filters of its own; and a
# signature asks a person for a passphrase, who is not there.
_HARMLESS: Final = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "commit.gpgSign=false", "-c", "gc.auto=0"),
)
_JUNK: Final = (
    *("**/__pycache__/**", "**/*.pyc", "**/.pytest_cache/**", ".orchestrator/**"),
    *(".aider*", "**/.aider*/**"),  # what aider leaves beside its work
)
_NO_COMMIT: Final = "0" * 40


class GitWorktrees:
    """Implements `ports.Worktrees` for one repository.

    Which repository a worktree belongs to is never read from its own `.git` file, which an agent
    can remove or point elsewhere: git would then find the user's repository around it.
    """

    def __init__(self, repository: Path, folder: Path, branch: str) -> None:
        """Use a repository, a folder for worktrees and the branch that merged work goes to.

        Raises:
            WorktreeFailed: this is no git repository, or it has no commit yet.
        """
        self._repository = repository
        self._folder = folder.resolve()  # git notes resolved paths, and they are compared
        self._branch = branch
        self._git_dirs: dict[Path, Path] = {}
        self._books = threading.RLock()
        """Held while git notes which worktrees there are; several jobs make and remove some."""
        if self._try(repository, "rev-parse", "--git-dir") is None:
            raise WorktreeFailed(f"{repository} is no git repository: run `git init` there")
        if self._try(repository, "rev-parse", "--verify", "HEAD^{commit}") is None:
            raise WorktreeFailed(f"{repository} has no commit yet: commit what agents start from")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._git(repository, "worktree", "prune")
        common = Path(self._git(repository, "rev-parse", "--git-common-dir"))
        self._common = common if common.is_absolute() else repository / common

    def refuse_checked_out(self) -> None:
        """Refuse to move the branch of merged work under somebody who has it checked out.

        Raises:
            WorktreeFailed: it is checked out; says where.
        """
        listed = self._git(self._repository, "worktree", "list", "--porcelain")
        for entry in listed.split("\n\n"):
            if f"branch refs/heads/{self._branch}" in entry.splitlines():
                place = entry.splitlines()[0].removeprefix("worktree ")
                raise WorktreeFailed(
                    f"{self._branch} is checked out in {place}: switch to another branch there, "
                    "because merged work goes to it"
                )

    def head(self) -> str:
        """Return the tip of the merged work; the user's HEAD before there is any."""
        found = self._try(self._repository, "rev-parse", "--verify", f"refs/heads/{self._branch}")
        return found or self._git(self._repository, "rev-parse", "--verify", "HEAD")

    def prepare(self, batch_id: str, base_commit: str) -> str:
        """Make the batch's worktree, or return it if it exists; return its absolute path."""
        # Named by its base too: what an earlier run left on another base is not taken for ours.
        path = self._folder / f"batch-{_fit_for_path(batch_id)}-{base_commit[:12]}"
        git_dir = self._git_dir_of(path)
        if git_dir is None or not path.is_dir():
            self._add(path, base_commit)
        else:  # whatever the agent made of it
            _remove(path / ".git")
            (path / ".git").write_text(f"gitdir: {git_dir}\n", encoding="utf-8")
        return str(path)

    def commit(
        self,
        worktree: str,
        base_commit: str,
        message: str,
        *,
        keep_out: Sequence[str],
        wanted: Sequence[str] = (),
    ) -> str:
        """Commit all that differs from the base, except the paths to keep out."""
        path = Path(worktree)
        index = self._fill_index(path, base_commit, keep_out, wanted)
        try:
            tree = self._git(path, "write-tree", index=index)
        finally:
            index.unlink(missing_ok=True)
        if tree == self._git(self._repository, "rev-parse", f"{base_commit}^{{tree}}"):
            return base_commit
        return self._git(self._repository, "commit-tree", tree, "-p", base_commit, "-m", message)

    def _fill_index(
        self, path: Path, base_commit: str, keep_out: Sequence[str], wanted: Sequence[str] = ()
    ) -> Path:
        """Return an index of our own with the content of a worktree.

        The worktree's own one belongs to the agent, which may have left a lock or a lie in it.
        """
        index = self._folder / f".index-{path.name}"
        index.unlink(missing_ok=True)
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
        kept = (
            *(f":(exclude,glob){each}" for each in _JUNK),
            *(f":(exclude,literal){each}" for each in keep_out),
        )
        self._git(path, "read-tree", base_commit, index=index)
        self._git(path, "add", "--all", "--", ".", *kept, index=index)
        # A deliverable may be a file that git ignores, such as a table of results.
        ignored = [each for each in wanted if each not in keep_out and (path / each).is_file()]
        if ignored:
            self._git(
                path,
                "add",
                "--force",
                "--",
                *(f":(literal){each}" for each in ignored),
                index=index,
            )
        return index

    def changed_paths(self, base_commit: str, commit: str) -> tuple[str, ...]:
        """Return the paths that differ between two commits, sorted."""
        out = self._git(
            self._repository, "diff", "--name-only", "--no-renames", "-z", base_commit, commit
        )
        return tuple(sorted(each for each in out.split("\0") if each))

    def escaping_links(self, checkout: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return those of the paths that are symbolic links out of the tree, as links resolve."""
        root = Path(checkout).resolve()
        return tuple(
            path
            for path in paths
            if (root / path).is_symlink()
            and not Path(os.path.realpath(root / path)).is_relative_to(root)
        )

    def checkout(self, commit: str, purpose: str) -> str:
        """Make a clean detached checkout and return its absolute path; `discard` it after use."""
        path = self._folder / f"{_fit_for_path(purpose)}-{commit[:12]}"
        self._add(path, commit)
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
        with self._books:
            _remove(Path(checkout))
            self._git_dirs.pop(Path(checkout), None)
            self._git(self._repository, "worktree", "prune")

    def is_merged(self, commit: str) -> bool:
        """Tell whether a commit is part of the merged work."""
        ancestor = self._try(self._repository, "merge-base", "--is-ancestor", commit, self.head())
        return ancestor is not None

    def integrate(self, commit: str, message: str, judge: Callable[[str], str]) -> str:
        """Merge into the integration branch if the judge has no objection.

        Raises:
            MergeConflict: the merge failed; the branch stands where it stood.
            WorktreeFailed: the judge refused, or git did; likewise.
        """
        tip = self.head()
        if self.is_merged(commit):
            self._move_branch(tip, tip)
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
        self._move_branch(merged, tip)
        return merged

    def archive(self, worktree: str, target: str) -> None:
        """Keep what a worktree holds beyond the merged work as a patch file, then remove it."""
        path = Path(worktree)
        if path.is_dir() and self._git_dir_of(path) is not None:
            index = self._fill_index(path, self.head(), ())
            try:
                patch = self._git(
                    path, "diff", "--cached", "--binary", self.head(), index=index, strip=False
                )
            finally:
                index.unlink(missing_ok=True)
            if patch:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                Path(target).write_text(patch, encoding="utf-8", errors="surrogateescape")
        self.discard(worktree)

    def _add(self, path: Path, commit: str) -> None:
        """Make a worktree in the place of whatever is there."""
        with self._books:
            self.discard(str(path))
            self._git(self._repository, "worktree", "add", "--quiet", "--detach", str(path), commit)

    def _git_dir_of(self, worktree: Path) -> Path | None:
        """Return what our repository keeps of a worktree; None if it is none of ours."""
        if worktree not in self._git_dirs:
            for noted in (self._common / "worktrees").glob("*/gitdir"):
                place = Path(noted.read_text(encoding="utf-8").strip())
                if place == worktree / ".git":
                    self._git_dirs[worktree] = noted.parent.resolve()
        return self._git_dirs.get(worktree)

    def _move_branch(self, commit: str, tip: str) -> None:
        """Move the branch of merged work, unless somebody else has moved it meanwhile."""
        name = f"refs/heads/{self._branch}"
        before = self._try(self._repository, "rev-parse", "--verify", name)
        expected = _NO_COMMIT if before is None else tip
        self._git(self._repository, "update-ref", name, commit, expected)

    def _git(
        self, folder: Path, *arguments: str, index: Path | None = None, strip: bool = True
    ) -> str:
        outcome = self._run(folder, *arguments, index=index)
        if outcome.returncode:
            said = outcome.stderr.strip().splitlines()[-1:] or [f"code {outcome.returncode}"]
            raise WorktreeFailed(f"git {arguments[0]} in {folder}: {said[0]}")
        return outcome.stdout.strip() if strip else outcome.stdout

    def _try(self, folder: Path, *arguments: str) -> str | None:
        outcome = self._run(folder, *arguments)
        return None if outcome.returncode else outcome.stdout.strip()

    def _run(
        self, folder: Path, *arguments: str, index: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= _IDENTITY
        if folder != self._repository:
            git_dir = self._git_dir_of(folder)
            if git_dir is None:
                raise WorktreeFailed(f"{folder} is no worktree of {self._repository} any more")
            environment |= {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        try:
            return subprocess.run(  # noqa: S603 - fixed program, no shell
                ["git", *_HARMLESS, *arguments],  # noqa: S607 - the user's git
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=GIT_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            raise WorktreeFailed(f"git {arguments[0]} in {folder}: {e}") from e


def _fit_for_path(name: str) -> str:
    """Return a name that is one harmless path component."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]


def _remove(path: Path) -> None:
    """Remove a file or a whole tree, folders that forbid it included."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    for folder, names, _ in os.walk(path):
        for place in (Path(folder) / name for name in names):
            if not place.is_symlink():
                place.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
