"""`palmbot halt`, `resume` and `reconcile`: what a person tells the running bot."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from palmbot.adapters.operator_socket import ask
from palmbot.bootstrap.directory import SOCKET_NAME
from palmbot.cli.directory import find_running
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, report_error, stdout
from palmbot.domain.events import Acknowledgement

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def halt(
    *, reason: str, flatten: bool = False, directory: Path | None = None, as_json: AsJson = False
) -> int:
    """Stop entries until `palmbot resume`. Open positions keep their stops at the broker.

    Example: `palmbot halt --reason "news at noon"`

    Args:
        reason: Why, for the journal.
        flatten: Also close every position of ours, at the market.
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    request = {"command": "halt", "reason": reason, "flatten": flatten}
    return _tell(directory, request, as_json=as_json)


def resume(*, reason: str, directory: Path | None = None, as_json: AsJson = False) -> int:
    """Allow entries again.

    Example: `palmbot resume --reason "news are out"`

    Args:
        reason: Why, for the journal.
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    return _tell(directory, {"command": "resume", "reason": reason}, as_json=as_json)


def ack(
    item: str,
    *,
    action: Acknowledgement,
    reason: str,
    directory: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Settle one item that reconciliation cannot explain, after looking into the broker's app.

    `adopt`: it is ours, take it into the books. `close`: it is ours, close it. `ignore`: it
    does not exist; an unknown order is declared lost, and is never sent again.

    Example: `palmbot reconcile ack 01J... --action ignore --reason "not in the broker's app"`

    Args:
        item: Id of an intent, or `position:<id>`, as `palmbot status` lists it.
        action: What it is.
        reason: Why, for the journal.
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    request = {"command": "ack", "item": item, "action": action.value, "reason": reason}
    return _tell(directory, request, as_json=as_json)


def compare(
    *, dry_run: bool = False, directory: Path | None = None, as_json: AsJson = False
) -> int:
    """Compare the books with the broker's now, and act on every difference as at a reconnect.

    Example: `palmbot reconcile --dry-run`

    Args:
        dry_run: Show every difference with its class and action, change nothing.
        directory: Data directory of the bot; needed if several run here.
        as_json: Print one JSON document.
    """
    request = {"command": "reconcile", "dry_run": dry_run}
    reply = asyncio.run(ask(find_running(directory) / SOCKET_NAME, request))
    if as_json or "error" in reply:
        return _report(reply, as_json=as_json)
    for found in reply["differences"]:
        stdout.print(
            f"{found['kind']} {found['item']}: {found['detail']}\n    -> {found['action']}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if not reply["differences"]:
        stdout.print("no difference: the books agree with the broker's")
    return _report(reply, as_json=False)


def _tell(directory: Path | None, request: dict[str, Any], *, as_json: bool) -> int:
    reply = asyncio.run(ask(find_running(directory) / SOCKET_NAME, request))
    return _report(reply, as_json=as_json)


def _report(reply: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(reply)
    elif "error" in reply:
        report_error(reply["error"])
    else:
        stdout.print(reply["done"], markup=False, soft_wrap=True)
    return EXIT_REFUSED if "error" in reply else EXIT_DONE
