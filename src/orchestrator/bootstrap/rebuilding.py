"""Rebuilds the documents of a run from its log alone, and compares them with the disk."""

from pathlib import Path

from orchestrator.bootstrap.logs import FOLDER
from orchestrator.core.state import RunState
from orchestrator.document.sessions import parse_session
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.document.sources import decode_document
from orchestrator.document.writing import write_digests
from orchestrator.domain.batches import Session
from orchestrator.domain.errors import InputInvalid
from orchestrator.loop.publishing import SECTION, render_digests, render_document
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.store.files import read_bounded


def rebuild(root: Path, state: RunState) -> dict[Path, bytes]:
    """Return the documents of the last run as the log alone gives them.

    Raises:
        InputInvalid: the log holds no run, or an artifact is gone.
    """
    if state.started is None:
        raise InputInvalid(f"the log of {root} holds no run: start with `orchestrate run`")
    artifacts = ArtifactFiles(root / FOLDER / "artifacts")
    original = artifacts.get(state.started.document_sha256)
    session = parse_session(decode_document(original))
    acceptance = parse_acceptance(artifacts.get(state.started.acceptance_sha256))
    central = artifacts.get(state.started.central_sha256)
    return {
        Path(state.started.document_path): render_document(original, state),
        root / (acceptance.central_file or session.central_file): _render_central(
            central, session, state
        ),
    }


def find_differences(root: Path, state: RunState) -> tuple[Path, ...]:
    """Return the documents in which what is ours is not what the log gives.

    What others wrote around it since is theirs, and no difference.

    Raises:
        InputInvalid: the log holds no run, or an artifact is gone.
    """
    document, central = rebuild(root, state)
    contents = {path: read_bounded(path) for path in (document, central)}
    session = parse_session(decode_document(contents[document]))
    expected = {
        document: render_document(contents[document], state),
        central: _render_central(contents[central], session, state),
    }
    return tuple(path for path, content in contents.items() if expected[path] != content)


def _render_central(content: bytes, session: Session, state: RunState) -> bytes:
    """Return a central file with our lines brought up to date."""
    source = decode_document(content)
    section = session.central_section or SECTION
    return source.encode(
        write_digests(source.text, section, render_digests(state, session.language))
    )
