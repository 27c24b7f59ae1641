"""Measures the success table on a project as it lies there; hands out nothing."""

from dataclasses import replace

from orchestrator.bootstrap.inputs import Reading
from orchestrator.bootstrap.logs import load_state, open_log
from orchestrator.domain.errors import InputInvalid
from orchestrator.domain.proofs import MetricResult
from orchestrator.loop.metrics import count_batch, run_metrics
from orchestrator.loop.publishing import render_metrics_only
from orchestrator.proof.check_runner import CheckRunner
from orchestrator.store.artifact_files import ArtifactFiles
from orchestrator.store.project_files import ProjectFiles
from orchestrator.store.wall_clock import WallClock


def audit(reading: Reading, *, is_written: bool) -> tuple[MetricResult, ...]:
    """Measure each row of the table and, if wanted, write it into the document.

    Rows of batches come from the last run, if the log holds one.

    Raises:
        InputInvalid: somebody edited the document meanwhile; nothing was written.
    """
    settings = reading.settings
    log = open_log(settings.root)
    try:
        state, _ = load_state(log)
    finally:
        log.close()
    prover = CheckRunner(ArtifactFiles(settings.folder / "artifacts"), reading.sidecar_folder)
    measured = run_metrics(reading.session, reading.acceptance, prover, str(settings.root))
    counted = {each.plan.id: count_batch(each) for each in state.batches}
    results = tuple(
        replace(counted[each.batch_id], criterion=each.criterion, target=each.target)
        if each.batch_id is not None and each.batch_id in counted
        else each
        for each in measured
    )
    if is_written:
        content = render_metrics_only(reading.content, results, WallClock().now_ms())
        project = ProjectFiles(settings.root, settings.document, reading.central_name)
        if not project.write_document(content, reading.content):
            raise InputInvalid(f"{settings.document} was edited meanwhile: run the audit again")
    return results
