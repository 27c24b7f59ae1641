"""The central file that agents, editors and we all write, and the spool that loses nothing.

A report is first a file of its own in the inbox, then a block in the central file. Whoever
replaces the central file without our lock may drop the block, never the file in the inbox.
"""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from orchestrator.document.reports import hash_report, parse_reports
from orchestrator.document.sources import decode_document
from orchestrator.document.writing import append_block, write_digests
from orchestrator.domain.errors import InputInvalid
from orchestrator.store.files import read_bounded, write_atomically

LOCK_TIMEOUT_S: Final = 30.0
SWAP_TRIES_MAX: Final = 50
"""Of compare and swap against an editor; each try takes about a millisecond."""


class CentralFile:
    """The central file of a project and the inbox beside its log."""

    def __init__(self, path: Path, inbox: Path) -> None:
        """Use a central file, which need not exist, and an inbox, made if it is missing."""
        self.path = path
        self.inbox = inbox
        inbox.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(inbox / ".lock", timeout=LOCK_TIMEOUT_S)

    def spool(self, block: str) -> Path:
        """Put a report into the inbox, durably, under a name of its own."""
        path = self.inbox / f"{uuid.uuid4().hex}.md"
        write_atomically(path, block.encode())
        return path

    def restore(self) -> int:
        """Append every spooled report that the central file does not hold; return how many."""
        blocks = [path.read_text(encoding="utf-8") for path in sorted(self.inbox.glob("*.md"))]
        restored = 0

        def add_missing(text: str) -> str:
            nonlocal restored
            present = {each.digest for each in parse_reports(text).reports}
            missing = [block for block in blocks if hash_report(block) not in present]
            restored = len(missing)
            for block in missing:
                text = append_block(text, block)
            return text

        if blocks:
            self._swap(add_missing)
        return restored

    def write_digests(self, section: str, digests: Mapping[str, str]) -> bool:
        """Bring our lines in the central file up to date; return whether one had to change."""
        return self._swap(lambda text: write_digests(text, section, digests))

    def _swap(self, change: Callable[[str], str]) -> bool:
        """Rewrite the file under the lock, anew if somebody replaced it meanwhile."""
        try:
            with self._lock:
                return self._swap_locked(change)
        except Timeout as e:
            raise InputInvalid(
                f"{self.path} was locked by another program for {LOCK_TIMEOUT_S:.0f} s: try again"
            ) from e

    def _swap_locked(self, change: Callable[[str], str]) -> bool:
        for _ in range(SWAP_TRIES_MAX):
            before = read_bounded(self.path)
            source = decode_document(before, self.path.name)
            text = change(source.text)
            if text == source.text:
                return False
            if read_bounded(self.path) == before:
                write_atomically(self.path, source.encode(text))
                return True
        raise InputInvalid(f"{self.path} changes all the time: another program writes it")
