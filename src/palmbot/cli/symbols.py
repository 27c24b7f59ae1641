"""`palmbot symbols`: what the broker lets this account trade, by its exact names."""

import asyncio
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from palmbot.adapters.ctrader_inquirer import BrokerAccess, open_inquiry
from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.broker import find_broker
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.ctrader.catalogue import (
    DETAILS_MAX,
    Contract,
    ListedSymbol,
    describe_symbols,
    enter_account,
    list_symbols,
)
from palmbot.ctrader.session import suggest_symbols


def symbols(
    pattern: str | None = None,
    *,
    simulator: Path | None = None,
    settings: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """List the symbols of the broker, to find the exact name for `palmbot.toml`.

    Exit code 1 if none matches.

    Example: `palmbot symbols palm`

    Args:
        pattern: Part of a name or description, in any case of letters; `*` and `?` stand for
            anything.
        simulator: Directory of a running `palmbot simulate`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    listed, contracts = asyncio.run(_ask(find_broker(simulator, settings), pattern))
    found = _choose(listed, pattern)
    if as_json:
        print_json(
            [
                {
                    **asdict(symbol),
                    "contract": contracts.get(symbol.symbol_id),
                }
                for symbol in found
            ]
        )
    elif found:
        stdout.print(_render(found, contracts))
        if len(found) > DETAILS_MAX:
            stderr.print(
                f"sizes and hours are shown for the first {DETAILS_MAX}: narrow the pattern",
                highlight=False,
            )
    else:
        near = suggest_symbols(pattern or "", (each.name for each in listed))
        stderr.print(
            f"no symbol matches {pattern!r}{near}", highlight=False, markup=False, soft_wrap=True
        )
    return EXIT_DONE if found else EXIT_REFUSED


async def _ask(
    access: BrokerAccess, pattern: str | None
) -> tuple[tuple[ListedSymbol, ...], dict[int, Contract]]:
    async with open_inquiry(access, SystemClock()) as inquirer:
        await inquirer.ask(enter_account(access.credentials, access.target()))
        listed = await inquirer.ask(list_symbols(access.account_id))
        found = _choose(listed, pattern)
        return listed, await inquirer.ask(describe_symbols(access.account_id, found))


def _choose(listed: tuple[ListedSymbol, ...], pattern: str | None) -> tuple[ListedSymbol, ...]:
    if pattern is None:
        return listed
    folded = pattern.casefold()
    mask = folded if set("*?") & set(folded) else f"*{folded}*"
    return tuple(
        each
        for each in listed
        if fnmatchcase(each.name.casefold(), mask) or fnmatchcase(each.description.casefold(), mask)
    )


def _render(found: tuple[ListedSymbol, ...], contracts: dict[int, Contract]) -> Table:
    table = Table()
    for name in ("name", "description", "in", "decimals", "lot", "smallest, step", "trading"):
        table.add_column(name, overflow="fold")
    for symbol in found:
        contract = contracts.get(symbol.symbol_id)
        table.add_row(
            symbol.name,
            symbol.description,
            symbol.quote_asset,
            "" if contract is None else str(contract.digits),
            "" if contract is None else f"{contract.lot_units:g}",
            "" if contract is None else f"{contract.units_min:g}, {contract.units_step:g}",
            _describe_trading(symbol, contract),
        )
    return table


def _describe_trading(symbol: ListedSymbol, contract: Contract | None) -> str:
    if not symbol.is_enabled:
        return "switched off"
    if contract is None:
        return "on"
    hours = sum(each.end_s - each.start_s for each in contract.hours.intervals) / 3600
    return f"{contract.trading_mode.lower().replace('_', ' ')}, {hours:g} h a week"
