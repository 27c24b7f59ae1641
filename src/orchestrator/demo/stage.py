"""Sets a stage: a small git repository with a session document, a sidecar and a TLS server."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "assets"
DOCUMENT: Final = "ORCHESTRATOR_SESSION_DEMO.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a scenario is played."""

    root: Path
    document: Path


def set_stage(root: Path, *, port: int, ca_file: Path, document: Path | None = None) -> Stage:
    """Make the project in an empty folder.

    Args:
        root: The folder, made if it is missing.
        port: Of the TLS server.
        ca_file: Its authority.
        document: A session document to run instead of the demo's own; copied, not changed.
    """
    source = ASSETS / "project"
    for path in sorted(source.rglob("*.txt")):
        target = root / path.relative_to(source).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    sidecar = (ASSETS / "acceptance.toml").read_text(encoding="utf-8")
    sidecar = sidecar.replace("@PORT@", str(port)).replace("@CA@", str(ca_file))
    (root / "acceptance.toml").write_text(sidecar, encoding="utf-8")
    place = root / DOCUMENT
    if document is not None:
        place.unlink()
        place = root / document.name
        place.write_bytes(document.read_bytes())
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "-qm", "Begin"),
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True)  # noqa: S603, S607
    return Stage(root=root, document=place)
