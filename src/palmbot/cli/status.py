"""`palmbot status`: how the running bot stands."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.table import Table

from palmbot.adapters.operator_socket import ask
from palmbot.bootstrap import SOCKET_NAME
from palmbot.cli.directory import find_running
from palmbot.cli.output import EXIT_DONE, print_json, stdout
from palmbot.domain.units import MS_PER_SECOND
from palmbot.live.status import Status


def status(
    *,
    directory: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Show price, RSI, position, equity, link and the last decision of the running bot.

    Example: `palmbot status --directory palmbot-data/demo`

    Args:
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    reply = asyncio.run(ask(find_running(directory) / SOCKET_NAME, {"command": "status"}))
    if as_json:
        print_json(reply["status"])
    else:
        stdout.print(render_status(msgspec.convert(reply["status"], type=Status)))
    return EXIT_DONE


def render_status(status: Status) -> Table:
    """Return the status as a table for people."""
    table = Table(title=f"{status.symbol} ({status.environment})", show_header=False, expand=True)
    table.add_column(style="dim", width=12)
    table.add_column()
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
