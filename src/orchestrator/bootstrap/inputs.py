"""What a run reads before it begins: session document, sidecar, agent files; and lint of them."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.agents.library import AgentFile, read_library
from orchestrator.agents.shipped import SHIPPED_LIBRARY
from orchestrator.config import RunSettings
from orchestrator.document.linting import lint
from orchestrator.document.sessions import parse_session
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.document.sources import decode_document
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import BatchId, Finding, Session, Severity
from orchestrator.domain.errors import DocumentInvalid, InputInvalid
from orchestrator.store.files import read_bounded

SIDECAR: Final = "acceptance.toml"
BLOCKING: Final = frozenset({"AGENT_UNKNOWN", "TOOL_MISSING"})
"""Errors that block a batch; the others refuse the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A document with everything that is read beside it."""

    settings: RunSettings
    content: bytes
    session: Session
    acceptance: Acceptance
    acceptance_content: bytes
    sidecar: Path | None
    agents: dict[str, AgentFile]
    findings: tuple[Finding, ...]

    @property
    def central_name(self) -> str:
        """Name of the central file, relative to the project."""
        return self.acceptance.central_file or self.session.central_file

    @property
    def sidecar_folder(self) -> Path:
        """What paths in the sidecar that lie outside of the project are relative to."""
        return self.sidecar.parent if self.sidecar else self.settings.root


def read_all(settings: RunSettings) -> Reading:
    """Read document, sidecar and library, and lint them.

    Raises:
        InputInvalid: a file is missing or cannot be read.
        SidecarInvalid: the sidecar has a mistake.
    """
    if not settings.document.exists():
        raise InputInvalid(f"{settings.document} does not exist: name the session document")
    content = read_bounded(settings.document)
    session = parse_session(decode_document(content, settings.document.name))
    sidecar = _find_sidecar(settings)
    acceptance_content = read_bounded(sidecar) if sidecar else b""
    acceptance = parse_acceptance(acceptance_content)
    folders = [
        *([settings.agents_dir] if settings.agents_dir else []),
        *([settings.root / acceptance.agents_dir] if acceptance.agents_dir else []),
        settings.root / "agents_library",
        settings.root / ".claude" / "agents",
        SHIPPED_LIBRARY,
    ]
    agents = read_library(folders)
    findings = lint(
        session, acceptance, agents=agents, missing_tools=missing_tools(session, acceptance)
    )
    return Reading(
        settings=settings,
        content=content,
        session=session,
        acceptance=acceptance,
        acceptance_content=acceptance_content,
        sidecar=sidecar,
        agents=agents,
        findings=findings,
    )


def _find_sidecar(settings: RunSettings) -> Path | None:
    """Return the sidecar: the one named, else beside the document, else in the project.

    Raises:
        InputInvalid: one was named that does not exist.
    """
    if settings.sidecar is not None:
        if not settings.sidecar.exists():
            raise InputInvalid(f"{settings.sidecar} does not exist: name the acceptance file")
        return settings.sidecar
    places = (settings.document.parent / SIDECAR, settings.root / SIDECAR)
    return next((path for path in places if path.exists()), None)


def missing_tools(session: Session, acceptance: Acceptance) -> dict[BatchId, tuple[str, ...]]:
    """Return the programs that batches require and that are not on PATH."""
    return {
        batch.id: tuple(
            tool for tool in acceptance.of_batch(batch.id).requires if shutil.which(tool) is None
        )
        for batch in session.batches
    }


def refuse_errors(reading: Reading) -> None:
    """Refuse a document that cannot be run.

    Raises:
        DocumentInvalid: the first error that no single batch can be blocked for.
    """
    for each in reading.findings:
        if each.severity is Severity.ERROR and each.code not in BLOCKING:
            raise DocumentInvalid(
                f"{reading.settings.document}:{each.line}: {each.code}: {each.message}; "
                f"{each.remedy}"
            )
