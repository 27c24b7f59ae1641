"""Runs checks in a clean tree, one after the other, and keeps what they printed as evidence."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from orchestrator.domain.checks import (
    ChangedCheck,
    Check,
    CheckKind,
    CommandCheck,
    CsvMetricCheck,
    FileCheck,
    JsonPathCheck,
    ManualCheck,
    MdSectionCheck,
    ParsesCheck,
    TlsProbeCheck,
)
from orchestrator.domain.proofs import CheckResult
from orchestrator.ports import ArtifactStore, Judgement
from orchestrator.proof.commands import check_command
from orchestrator.proof.figures import check_csv_metric, check_json_path
from orchestrator.proof.observations import Observation, not_measured
from orchestrator.proof.sections import check_md_section
from orchestrator.proof.tls_probe import check_tls
from orchestrator.proof.trees import check_changed, check_file, check_parses, with_file


class CheckRunner:
    """Implements `ports.Prover`."""

    def __init__(self, evidence: ArtifactStore, sidecar_folder: Path) -> None:
        """Keep evidence in a store; relative certificate files stand beside the sidecar."""
        self._evidence = evidence
        self._sidecar_folder = sidecar_folder.resolve()

    def run(self, checks: Sequence[Check], root: str, changed: Sequence[str] | None) -> Judgement:
        """Run checks in order; a check that cannot run is NOT_MEASURED with the reason."""
        return Judgement(
            results=tuple(self._run_one(check, Path(root), changed) for check in checks)
        )

    def _run_one(self, check: Check, root: Path, changed: Sequence[str] | None) -> CheckResult:
        try:
            found = self._look(check.kind, root, changed)
        except (OSError, ssl.SSLError) as e:
            found = not_measured(f"the check could not run: {e}")
        return CheckResult(
            check_id=check.id,
            task=check.task,
            outcome=found.outcome,
            value=found.value,
            reason=found.reason,
            evidence=self._evidence.put(found.output) if found.output else "",
            is_inferred=check.is_inferred,
            is_idempotent=check.is_idempotent,
        )

    def _look(  # noqa: PLR0911 - one line for each kind
        self, kind: CheckKind, root: Path, changed: Sequence[str] | None
    ) -> Observation:
        match kind:
            case FileCheck():
                return check_file(kind, root, changed)
            case ChangedCheck():
                return check_changed(kind, changed)
            case ParsesCheck():
                return check_parses(kind, root, changed)
            case CommandCheck():
                return check_command(kind, root, self._sidecar_folder)
            case CsvMetricCheck():
                return with_file(root, kind.path, changed, lambda p: check_csv_metric(kind, p))
            case MdSectionCheck():
                return with_file(root, kind.path, changed, lambda p: check_md_section(kind, p))
            case JsonPathCheck():
                return with_file(root, kind.path, changed, lambda p: check_json_path(kind, p))
            case TlsProbeCheck():
                return check_tls(kind, self._sidecar_folder)
            case ManualCheck():
                return not_measured(f"a person answers: {kind.question}")
            case _:
                assert_never(kind)
