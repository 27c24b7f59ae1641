"""The sidecar of this repository fits the session document it was written for."""

from pathlib import Path

import pytest

from orchestrator.document.linting import lint
from orchestrator.document.sessions import parse_session
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.document.sources import decode_document

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT.parent / "shared" / "session" / "ORCHESTRATOR_SESSION_ACTIVE.md"


def test_the_sidecar_reads():
    acceptance = parse_acceptance((ROOT / "acceptance.toml").read_bytes())
    assert len(acceptance.metrics) == 6
    assert [len(said.checks) for _, said in acceptance.batches] == [3, 3]


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference session here")
def test_every_row_of_the_reference_document_is_bound():
    findings = lint(
        parse_session(decode_document(REFERENCE.read_bytes())),
        parse_acceptance((ROOT / "acceptance.toml").read_bytes()),
        agents={"backend-architect", "test-engineer", "apex-workflow", "explore-code"},
        missing_tools={},
    )
    assert {each.code for each in findings} == {"BLOCKER_UNCOVERED", "LIBRARY_PATH_FOREIGN"}
