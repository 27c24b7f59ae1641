"""The files of one project: session document, central file, inbox, reports, attempts."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestrator.domain.errors import InputInvalid
from orchestrator.store.central_file import CentralFile
from orchestrator.store.files import read_bounded, real_file, write_atomically

FILES_LOOKED_AT_MAX: Final = 20_000
INBOX_BYTES_MAX: Final = 200_000
"""Of one spooled report; a long one has some thousand."""


class ProjectFiles:
    """Implements `ports.Project`."""

    def __init__(self, root: Path, document: Path, central_name: str) -> None:
        """Use a project by its root folder; our own files stand in `.orchestrator`.

        Raises:
            InputInvalid: the central file is a link that leads out of the project.
        """
        self.root = root
        self.document = document
        self.folder = root / ".orchestrator"
        self._central_name = central_name
        self.central = CentralFile(real_file(root, central_name), self.folder / "inbox")
        self._seen: dict[Path, tuple[int, int, int] | None] = {}

    def read_document(self) -> bytes:
        """Return the session document."""
        if not self.document.exists():
            raise InputInvalid(f"{self.document} does not exist")
        return read_bounded(self.document)

    def write_document(self, content: bytes, expected: bytes) -> bool:
        """Replace the session document unless it has changed; return whether it was replaced."""
        if read_bounded(self.document) != expected:
            return False
        write_atomically(self.document, content)
        return True

    def read_central(self, worktree: str | None) -> bytes | None:
        """Return the central file of the project, or of a worktree; None if it is as last read.

        Looked at by its path each time: an editor that replaces the file is seen like one that
        writes into it.
        """
        path = real_file(Path(worktree or self.root), self._central_name)
        try:
            facts = path.stat()
        except OSError:
            self._seen[path] = None
            return None
        key = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if self._seen.get(path) == key:
            return None
        self._seen[path] = key
        return read_bounded(path)

    def read_inbox(self) -> tuple[tuple[str, bytes | None], ...]:
        """Return the spooled reports with their names; each is complete, or None if too large."""
        found: list[tuple[str, bytes | None]] = []
        for path in sorted(self.central.inbox.glob("*.md")):
            if path.is_symlink() or not path.is_file():
                continue
            try:
                with path.open("rb") as file:
                    content = file.read(INBOX_BYTES_MAX + 1)
            except OSError:  # gone again, or not ours to read: whoever wrote it may take it back
                continue
            found.append((path.name, content if len(content) <= INBOX_BYTES_MAX else None))
        return tuple(found)

    def release(self, name: str) -> None:
        """Drop a spooled report whose event is stored."""
        (self.central.inbox / Path(name).name).unlink(missing_ok=True)

    def write_digests(self, section: str, digests: Mapping[str, str]) -> bool:
        """Bring our lines in the central file up to date; return whether one had to change."""
        return self.central.write_digests(section, digests)

    def keep_report(self, batch_id: str, text: str) -> None:
        """Write the full report of a batch for people to read."""
        path = self.folder / "reports" / f"{Path(batch_id).name}.md"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text.encode(errors="replace"))

    def attempt_dir(self, batch_id: str, attempt: int, attempt_id: str) -> str:
        """Make the folder of an attempt and return its absolute path."""
        path = self.folder / "attempts" / f"{Path(batch_id).name}-{attempt}-{attempt_id}"
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def write_prompt(self, attempt_dir: str, prompt: str) -> str:
        """Write the prompt of an attempt and return its absolute path."""
        path = Path(attempt_dir) / "prompt.md"
        write_atomically(path, prompt.encode(errors="replace"))
        return str(path)

    def last_change_ms(self, worktree: str) -> int:
        """Return when the newest file of a worktree was written, wall clock."""
        newest, looked = 0, 0
        for folder, names, files in os.walk(worktree):
            names[:] = [name for name in names if name != ".git"]
            for name in files:
                looked += 1
                if looked > FILES_LOOKED_AT_MAX:
                    return newest
                try:
                    newest = max(newest, os.lstat(Path(folder) / name).st_mtime_ns)
                except OSError:
                    continue
        return newest // 1_000_000
