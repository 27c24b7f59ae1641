"""`palmbot simulate`: the built-in broker, for a bot in another terminal."""

import asyncio
from pathlib import Path
from typing import Literal

from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.output import EXIT_DONE, stderr
from palmbot.simulator.server import serve
from palmbot.workbench.simulated_broker import BrokerOptions, start_broker


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
) -> int:
    """Serve a simulated cTrader broker over TLS on this machine, until the market ends.

    Connect a bot to it with `palmbot run --simulator DIRECTORY`.

    Example: `palmbot simulate --speed 300`

    Args:
        directory: Where certificates and `endpoint.json` go.
        symbol: PALMOIL or FCPO; with a price file the name of its contract.
        days: Simulated calendar days.
        seed: Chooses prices and faults.
        faults: How often the link fails, and how badly.
        speed: Market seconds per second; closed hours are skipped.
        port: 0 takes any free one.
        data: Price file to play instead of the model.
    """
    options = BrokerOptions(
        directory=directory,
        symbol=symbol,
        days=days,
        seed=seed,
        faults=faults,
        port=port,
        data=data,
    )
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
    try:
        await serve(server, clock, speed)
    finally:
        await server.close()
