"""Reads the orchestrator's settings into validated, frozen values."""

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.agents.process_runner import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a person chooses on the command line; everything else is in the sidecar."""

    root: Path
    """The project: a git repository."""
    document: Path
    sidecar: Path | None = None
    """None: `acceptance.toml` beside the document, then in the project."""
    agents_dir: Path | None = None
    adapter: str = "command"
    trust_claims: bool = False
    is_fresh: bool = False
    """Start anew though the last run has something left to do."""
    time_scale: float = 1.0
    patience: Patience = field(default_factory=Patience)
    report_grace_ms: int | None = None
    """None: the sidecar's."""
    quota_wait_ms: int = 900_000
    agent_environment: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where everything of ours stands."""
        return self.root / ".orchestrator"
