"""`palmbot breakers` and `palmbot breakers reset`: what stops entries by itself."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.table import Table

from palmbot.adapters.journal_search import read_last_state
from palmbot.adapters.operator_socket import NobodyListens, ask
from palmbot.bootstrap.directory import SOCKET_NAME
from palmbot.cli.directory import find_journal, find_running
from palmbot.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    EXIT_USAGE,
    print_json,
    report_error,
    stderr,
    stdout,
)
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.breakers import BreakerName
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import BASIS_POINTS, MS_PER_SECOND
from palmbot.live.breaker_status import BreakersStatus, describe_breakers_status

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def show(*, directory: Path | None = None, as_json: AsJson = False) -> int:
    """Show every circuit breaker: phase, reason, and when it may release.

    Of a bot that is not running the journal tells how they stood at its last step.

    Example: `palmbot breakers --directory palmbot-data/demo`

    Args:
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    journal = find_journal(directory)
    try:
        reply = asyncio.run(ask(journal.with_name(SOCKET_NAME), {"command": "breakers"}))
    except NobodyListens:
        last = read_last_state(journal, decide=decide, initial_state=initial_state)
        if last is None:
            raise InputInvalid(f"the journal {journal} is empty") from None
        found = describe_breakers_status(last.state)
        stderr.print("[bold]not running[/]: as of the last step in its journal")
    else:
        found = msgspec.convert(reply["breakers"], type=BreakersStatus)
    if as_json:
        print_json(found)
    else:
        stdout.print(render_breakers(found))
    return EXIT_DONE


def reset(
    name: BreakerName,
    *,
    reason: str,
    budget: str | None = None,
    directory: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Reset one breaker of the running bot, by hand.

    Not before 15 minutes after its trip, and once a day. `daily_loss` and `loss_streak` let
    one probe of half size decide; while today's limit is used up, `daily_loss` needs a
    further budget.

    Example: `palmbot breakers reset daily_loss --reason "bad print" --budget 1%`

    Args:
        name: Which one.
        reason: Why, for the journal.
        budget: Further loss allowed today, in per cent of the day's first equity.
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    budget_bp = None
    if budget is not None:
        budget_bp = _read_percent(budget)
        if budget_bp is None:
            report_error(f"--budget is a percentage such as 1% or 0.5, was {budget!r}")
            return EXIT_USAGE
    request = {
        "command": "reset",
        "name": name.value,
        "reason": reason,
        "budget_bp": budget_bp,
    }
    reply = asyncio.run(ask(find_running(directory) / SOCKET_NAME, request))
    if as_json:
        print_json(reply)
    elif "error" in reply:
        report_error(reply["error"])
    else:
        stdout.print(reply["done"], markup=False, soft_wrap=True)
    return EXIT_REFUSED if "error" in reply else EXIT_DONE


def render_breakers(status: BreakersStatus) -> Table:
    """Return the breakers as a table for people."""
    table = Table(title="circuit breakers", caption=_day(status))
    for column in ("breaker", "phase", "trips", "tripped", "not before", "reason"):
        table.add_column(column, overflow="fold")
    for each in status.breakers:
        table.add_row(
            each.name,
            each.phase.replace("_", " "),
            str(each.trips),
            _moment(each.tripped_at),
            _moment(each.hold_until),
            each.reason,
        )
    return table


def _day(status: BreakersStatus) -> str:
    if status.baseline is None or status.loss is None or status.loss_allowed is None:
        day = "the day's first equity is not known yet"
    else:
        day = (
            f"today {-status.loss:+.2f} from {status.baseline:.2f}, "
            f"{status.loss_allowed:.2f} may be lost"
        )
    ratio = status.volatility_percent
    return f"{day}; volatility {'not known yet' if ratio is None else f'{ratio} % of the usual'}"


def _moment(time_ms: int | None) -> str:
    if time_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(time_ms / MS_PER_SECOND, UTC):%m-%d %H:%M}"


def _read_percent(text: str) -> int | None:
    """Return basis points, None if the text is no percentage above 0."""
    try:
        share = float(text.removesuffix("%").strip())
    except ValueError:
        return None
    bp = round(share * 100) if 0 < share <= 100 else 0  # noqa: PLR2004 - per cent
    return bp if 0 < bp <= BASIS_POINTS else None
