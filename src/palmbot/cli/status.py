"""`palmbot status`: how the bot stands, or stood when it last wrote."""

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
from palmbot.cli.directory import find_journal
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_SECOND
from palmbot.live.status import Status, describe_status


def status(
    *,
    directory: Path | None = None,
    running: bool = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Show price, RSI, position, equity, link and the last decision of the bot.

    Of a bot that is not running the journal tells how it stood at its last step; what the
    broker did since is not in there.

    Example: `palmbot status --directory palmbot-data/demo`

    Args:
        directory: Data directory of the bot; needed if several run here.
        running: Exit code 1 unless a bot runs and answers, for a process supervisor.
        as_json: Print one JSON document.
    """
    journal = find_journal(directory)
    since_ms: int | None = None
    try:
        reply = asyncio.run(ask(journal.with_name(SOCKET_NAME), {"command": "status"}))
    except NobodyListens:
        found, since_ms = _read_last_status(journal)
    else:
        found = msgspec.convert(reply["status"], type=Status)
    code = EXIT_REFUSED if running and since_ms is not None else EXIT_DONE
    if as_json:
        print_json({"is_running": since_ms is None, **msgspec.to_builtins(found)})
        return code
    if since_ms is not None:
        stderr.print(f"[bold]not running[/]; its journal ends at {_moment(since_ms)}")
    stdout.print(render_status(found))
    return code


def _read_last_status(journal: Path) -> tuple[Status, int]:
    """Return how the bot stood at its last step, and the wall clock of that."""
    last = read_last_state(journal, decide=decide, initial_state=initial_state)
    if last is None:
        raise InputInvalid(f"the journal {journal} holds no step: the bot never ran")
    return describe_status(last.state, last.params), last.recorded_at


def render_status(status: Status) -> Table:
    """Return the status as a table for people."""
    table = Table(title=f"{status.symbol} ({status.environment})", show_header=False, expand=True)
    table.add_column(style="dim", width=12)
    table.add_column(ratio=1)
    for name, text in (
        ("time", _moment(status.market_time)),
        ("price", _price(status)),
        ("RSI", "warming up" if status.rsi is None else f"{status.rsi:.1f}"),
        ("position", _position(status)),
        ("equity", _equity(status)),
        ("link", f"{status.link}: {status.link_reason}"),
        ("orders", f"{status.orders_sent} sent, {len(status.unknown_orders)} unknown"),
        ("trades", f"{status.trades}, {status.wins} won"),
        ("halted", f"by {status.halted_by}: {status.halt_reason}" if status.halted_by else "no"),
        ("breakers", "; ".join(status.breakers) or "all closed"),
        ("to settle", ", ".join(status.open_items) or "nothing"),
        ("last", status.last_decision),
    ):
        table.add_row(name, text)
    return table


def _moment(time_ms: int) -> str:
    if time_ms == 0:
        return "no price yet"
    return f"{datetime.fromtimestamp(time_ms / MS_PER_SECOND, UTC):%a %Y-%m-%d %H:%M:%S} UTC"


def _price(status: Status) -> str:
    if status.bid is None or status.ask is None:
        return "no price yet"
    return f"{status.bid:.{status.digits}f} / {status.ask:.{status.digits}f}"


def _position(status: Status) -> str:
    held = status.position
    if held is None:
        return "flat"
    stop = "NO STOP" if held.stop_loss is None else f"{held.stop_loss:.{status.digits}f}"
    target = "none" if held.take_profit is None else f"{held.take_profit:.{status.digits}f}"
    return (
        f"{held.side} {held.units:g} at {held.entry_price:.{status.digits}f}, "
        f"stop {stop}, target {target}"
    )


def _equity(status: Status) -> str:
    if status.equity is None:
        return f"balance {status.balance:,.2f} {status.currency}"
    return f"{status.equity:,.2f} {status.currency} (balance {status.balance:,.2f})"
