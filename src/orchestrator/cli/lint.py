"""`orchestrate lint`: what is wrong with a session document before anything is spent on it."""

from pathlib import Path

import msgspec

from orchestrator.bootstrap.inputs import Reading, read_all
from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    Json,
    print_json,
    say,
    stderr,
    stdout,
    write_file,
)
from orchestrator.cli.places import find_document
from orchestrator.config import RunSettings
from orchestrator.document.sources import decode_document
from orchestrator.domain.batches import Severity
from orchestrator.views.terminal import count, render_findings


def lint(  # noqa: PLR0913 - its options
    document: Path | None = None,
    /,
    *,
    root: Path | None = None,
    acceptance: Path | None = None,
    agents_dir: Path | None = None,
    repair: Path | None = None,
    json_: Json = False,
) -> int:
    """Say what is wrong with a session document, with line numbers; nothing is handed out.

    Example: `orchestrate lint ORCHESTRATOR_SESSION_ACTIVE.md --repair clean.md`

    Args:
        document: The session document; found in the project if there is only one.
        root: The project; the git repository around the document by default.
        acceptance: The sidecar; acceptance.toml beside the document by default.
        agents_dir: Where agent files are looked for first.
        repair: Write a clean UTF-8 copy of a wrongly decoded document here.
        json_: One JSON document on stdout.
    """
    project, place = find_document(document, root)
    reading = read_all(
        RunSettings(root=project, document=place, sidecar=acceptance, agents_dir=agents_dir)
    )
    if repair is not None:
        write_file(repair, decode_document(reading.content).text.encode())
        stderr.print(f"clean copy written to {repair}", highlight=False, markup=False)
    if json_:
        print_json(_summarize(reading))
    else:
        _show(reading)
    is_wrong = any(each.severity is Severity.ERROR for each in reading.findings)
    return EXIT_REFUSED if is_wrong else EXIT_DONE


def _summarize(reading: Reading) -> dict[str, object]:
    """Return what was read and what is wrong with it, as plain values."""
    return {
        "document": str(reading.settings.document),
        "batches": [
            {
                "id": each.id,
                "line": each.line,
                "priority": each.priority.name.lower(),
                "tasks": len(each.tasks),
                "agents": each.agents,
                "depends_on": each.depends_on,
                "deadline_s": each.deadline_s,
            }
            for each in reading.session.batches
        ],
        "findings": [msgspec.to_builtins(each) for each in reading.findings],
    }


def _show(reading: Reading) -> None:
    """Print the batches, one on a line, and the table of findings."""
    for each in reading.session.batches:
        waits = f", after {', '.join(each.depends_on)}" if each.depends_on else ""
        say(
            f"{each.id}: line {each.line}, {count(len(each.tasks), 'task')}, "
            f"{each.priority.name.lower()}, {' + '.join(each.agents) or 'no agent'}{waits}"
        )
    if reading.findings:
        stdout.print(render_findings(reading.findings))
    else:
        say("nothing to say against it")
