"""Artifacts as files named by their own SHA-256."""

import hashlib
from pathlib import Path

from orchestrator.domain.errors import InputInvalid
from orchestrator.store.files import write_atomically


class ArtifactFiles:
    """Implements `ports.ArtifactStore` in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, made if it is missing."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Store and return the digest, 64 hex digits."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._folder / digest
        if not path.exists():
            write_atomically(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        """Return what was stored.

        Raises:
            InputInvalid: nothing is stored under that digest, or it does not match.
        """
        try:
            content = (self._folder / digest).read_bytes()
        except OSError as e:
            raise InputInvalid(f"no artifact {digest[:12]} in {self._folder}") from e
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputInvalid(f"artifact {digest[:12]} in {self._folder} was changed")
        return content
