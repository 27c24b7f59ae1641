"""Composes a report for an agent and puts it where it cannot be lost."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestrator.document.vocabulary import ID
from orchestrator.document.writing import render_report
from orchestrator.domain.claims import Mark, TaskClaim
from orchestrator.domain.errors import InputInvalid
from orchestrator.store.central_file import CentralFile
from orchestrator.store.wall_clock import WallClock

_MARKS: Final = {"ok": Mark.OK, "fail": Mark.FAIL, "pending": Mark.PENDING}


def compose_report(  # noqa: PLR0913 - the fields of the form
    *,
    batch: str,
    task: Sequence[str],
    file: Sequence[str],
    agent: str,
    minutes: int,
    central: Path,
) -> str:
    """Write a report with all mandatory fields, and return it.

    Run by an agent it goes to the orchestrator's inbox (`ORCH_INBOX`) with the id of the attempt
    (`ORCH_RUN`); otherwise to the inbox beside the central file and into that file.

    Raises:
        InputInvalid: an id or a task is not of the right form.
    """
    if not ID.fullmatch(batch):
        raise InputInvalid(f"{batch!r} is no batch id; one looks like TODO-BATCH-001")
    claims = tuple(_read_task(each) for each in task)
    if not claims:
        raise InputInvalid('a report names its tasks: --task 1=ok:"what was done"')
    now = datetime.fromtimestamp(WallClock().now_ms() / 1000, UTC)
    block = render_report(
        batch,
        date=now.strftime("%Y-%m-%d %H:%M"),
        agent=agent,
        minutes=minutes,
        claims=claims,
        files=file,
        nonce=os.environ.get("ORCH_RUN"),
    )
    inbox = os.environ.get("ORCH_INBOX")
    place = CentralFile(
        central, Path(inbox) if inbox else central.parent / ".orchestrator" / "inbox"
    )
    place.spool(block)
    if not inbox:
        with suppress(InputInvalid):  # the inbox holds it: whoever comes next writes it
            place.restore()
    return block


def _read_task(text: str) -> TaskClaim:
    """Read `1=ok:title: result`."""
    ordinal, _, rest = text.partition("=")
    word, _, said = rest.partition(":")
    mark = _MARKS.get(word.strip().lower())
    if not ordinal.strip().isdecimal() or mark is None:
        raise InputInvalid(f'{text!r} is no task; one looks like 1=ok:"what was done", or 2=fail')
    title, _, result = said.partition(":")
    return TaskClaim(
        ordinal=int(ordinal),
        mark=mark,
        title=title.strip() or f"Task {int(ordinal)}",
        result=result.strip(),
    )
