"""`palmbot accounts`: which accounts the access token opens, and which of them fit."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.table import Table

from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.ctrader_inquirer import BrokerAccess, open_inquiry
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.cli.broker import find_broker, find_login
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.config.loading import load_config
from palmbot.ctrader.catalogue import AccountList, list_accounts
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId


def accounts(
    *,
    simulator: Path | None = None,
    settings: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """List the accounts that the access token opens, DEMO and LIVE alike.

    Asks the broker's DEMO host, where a token shows all of its accounts; no account is
    authorised for that. Needs no CTRADER_ACCOUNT_ID: this shows what to write there.

    Example: `palmbot accounts`

    Args:
        simulator: Directory of a running `palmbot simulate`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    access = _find_access(simulator, settings)
    found = asyncio.run(_ask(access))
    if as_json:
        print_json(
            {
                "can_trade": found.can_trade,
                "accounts": [
                    {**msgspec.to_builtins(each), "is_chosen": each.account_id == access.account_id}
                    for each in found.accounts
                ],
            }
        )
    elif found.accounts:
        stdout.print(_render(found, access.account_id))
    _warn(found)
    return EXIT_DONE if found.accounts else EXIT_REFUSED


def _find_access(simulator: Path | None, settings: Path | None) -> BrokerAccess:
    if simulator is not None:
        return find_broker(simulator, settings)
    config = load_config(settings)
    login = find_login(config)
    return BrokerAccess(
        endpoint=endpoint_for(Environment.DEMO),
        tls=make_context(config.tls.cafile, config.tls.crlfile),
        credentials=login.credentials,
        environment=Environment.DEMO,
        account_id=login.account_id or AccountId(0),
    )


async def _ask(access: BrokerAccess) -> AccountList:
    async with open_inquiry(access, SystemClock()) as inquirer:
        return await inquirer.ask(list_accounts(access.credentials))


def _render(found: AccountList, chosen: AccountId) -> Table:
    table = Table()
    for name in ("CTRADER_ACCOUNT_ID", "kind", "login in cTrader", "broker", "chosen"):
        table.add_column(name)
    for each in found.accounts:
        table.add_row(
            str(each.account_id),
            "[bold red]LIVE[/]" if each.is_live else "demo",
            str(each.login),
            each.broker,
            "yes" if each.account_id == chosen else "",
        )
    return table


def _warn(found: AccountList) -> None:
    """Say what stands in the way of trading."""
    if not found.accounts:
        stderr.print(
            "the broker lists no account for this token: allow at least one account when you log "
            "in; during faults of the broker the list is empty for a while, then try again later",
            highlight=False,
            soft_wrap=True,
        )
    elif not found.can_trade:
        stderr.print(
            "the token has the scope `accounts`, which may look and not trade: log in again with "
            "the scope `trading`",
            highlight=False,
            soft_wrap=True,
        )
