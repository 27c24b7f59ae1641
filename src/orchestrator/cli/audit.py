"""`orchestrate audit`: the success table, measured; nothing is handed out."""

from pathlib import Path

from orchestrator.bootstrap import auditing
from orchestrator.bootstrap.inputs import read_all
from orchestrator.cli.output import EXIT_DONE, EXIT_REFUSED, Json, print_json, stdout
from orchestrator.cli.places import find_document
from orchestrator.config import RunSettings
from orchestrator.domain.proofs import CheckOutcome
from orchestrator.views.summaries import summarize_metrics
from orchestrator.views.terminal import render_metrics


def audit(
    document: Path | None = None,
    /,
    *,
    root: Path | None = None,
    acceptance: Path | None = None,
    write: bool = True,
    json_: Json = False,
) -> int:
    """Run the acceptance checks and write each row as measured, or why it is not.

    Example: `orchestrate audit ORCHESTRATOR_SESSION_ACTIVE.md --no-write`

    Args:
        document: The session document; found in the project if there is only one.
        root: The project that is measured.
        acceptance: The sidecar; acceptance.toml beside the document by default.
        write: Write the values into the document's table.
        json_: One JSON document on stdout.
    """
    project, place = find_document(document, root)
    reading = read_all(RunSettings(root=project, document=place, sidecar=acceptance))
    results = auditing.audit(reading, is_written=write)
    if json_:
        print_json({"metrics": summarize_metrics(results)})
    else:
        stdout.print(render_metrics(results))
    is_red = any(each.outcome is CheckOutcome.FAIL for each in results)
    return EXIT_REFUSED if is_red else EXIT_DONE
