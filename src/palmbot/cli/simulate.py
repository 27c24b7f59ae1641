"""`palmbot simulate`: the built-in broker, for a bot in another terminal."""

import asyncio
import signal
from math import inf
from pathlib import Path
from typing import Literal

from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.output import EXIT_DONE, stderr
from palmbot.domain.errors import InputInvalid
from palmbot.simulator.books_file import write_books
from palmbot.simulator.model import HISTORY_TRADING_DAYS
from palmbot.simulator.server import serve
from palmbot.workbench.simulated_broker import BrokerOptions, hold_directory, start_broker

BOOKS_S = 0.5
"""Seconds between two writings of the books."""


def simulate(  # noqa: PLR0913  (options of one command)
    *,
    directory: Path = Path("palmbot-simulator"),
    symbol: str | None = None,
    days: int = 30,
    seed: int = 7,
    faults: Literal["none", "flaky", "storm"] = "none",
    speed: float = 60.0,
    port: int = 0,
    data: Path | None = None,
    history_days: int = HISTORY_TRADING_DAYS,
) -> int:
    """Serve a simulated cTrader broker over TLS on this machine, until the market ends.

    Connect a bot to it with `palmbot run --simulator DIRECTORY`. What the broker has is written
    to `books.json` twice a second and at the end; SIGTERM ends it in order.

    Example: `palmbot simulate --speed 300`

    Args:
        directory: Where certificates, `endpoint.json` and `books.json` go.
        symbol: Only PALMOIL or only FCPO; with a price file the name of its contract.
        days: Simulated calendar days.
        seed: Chooses prices and faults.
        faults: How often the link fails, and how badly.
        speed: Market seconds per second; closed hours are skipped.
        port: 0 takes any free one.
        data: Price file to play instead of the model.
        history_days: Trade dates before the start that `palmbot history` can fetch, 260 for a
            year. Another number gives other prices.
    """
    if not 0 < speed < inf:
        raise InputInvalid(f"--speed must be above 0, was {speed:g}")
    options = BrokerOptions(
        directory=directory,
        symbol=symbol,
        days=days,
        seed=seed,
        faults=faults,
        port=port,
        data=data,
        history_trading_days=history_days,
    )
    with hold_directory(directory):
        asyncio.run(_serve(options, speed))
    return EXIT_DONE


async def _serve(options: BrokerOptions, speed: float) -> None:
    clock = SystemClock()
    server, access_file = await start_broker(options, clock)
    stderr.print(
        f"serving; connect with: palmbot run --simulator {options.directory}  ({access_file})",
        soft_wrap=True,
        highlight=False,
    )
    market = asyncio.create_task(serve(server, clock, speed))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, market.cancel)
    try:
        while not market.done():
            write_books(options.directory, server.books)
            await asyncio.wait({market}, timeout=BOOKS_S)
        if not market.cancelled():
            market.result()
    finally:
        market.cancel()
        await server.close()
        write_books(options.directory, server.books)
