"""`orchestrate report`: used by agents; writes a report that has all it needs."""

import os
from pathlib import Path

from orchestrator.cli.output import EXIT_DONE, Json, print_json, say
from orchestrator.store.outgoing_report import compose_report


def report(  # noqa: PLR0913 - the fields of the form
    *,
    batch: str | None = None,
    task: tuple[str, ...] = (),
    file: tuple[str, ...] = (),
    agent: str = "agent",
    minutes: int = 0,
    central: Path = Path("CLAUDE.md"),
    json_: Json = False,
) -> int:
    """Report a batch: a claim in the form the orchestrator reads, written so that none is lost.

    Example: `orchestrate report --batch TODO-BATCH-001 --task 1=ok:"TLS: valid" --file a.py`

    Args:
        batch: Id of the batch; the one at work by default.
        task: Number, `=`, ok or fail or pending, and what was done; once for each task.
        file: Path that was made or changed; once for each.
        agent: Who reports.
        minutes: How long it took.
        central: The central file; only written outside of a run.
        json_: One JSON document on stdout.
    """
    block = compose_report(
        batch=batch or os.environ.get("ORCH_BATCH", ""),
        task=task,
        file=file,
        agent=agent,
        minutes=minutes,
        central=central,
    )
    if json_:
        print_json({"report": block})
    else:
        say(block.rstrip())
    return EXIT_DONE
