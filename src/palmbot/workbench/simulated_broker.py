"""A simulated broker that runs by itself, for a bot in another process."""

from dataclasses import dataclass
from pathlib import Path

from palmbot.adapters.endpoint_file import SimulatorAccess, write_access
from palmbot.ports import Clock
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.scenarios import make_scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import SimulatorSettings
from palmbot.workbench.demo_market import make_market


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """What a person may choose."""

    directory: Path
    """Holds certificates, secrets and `endpoint.json`."""
    symbol: str | None
    days: int
    seed: int
    faults: str
    port: int
    """0: any free one."""
    data: Path | None = None


async def start_broker(options: BrokerOptions, clock: Clock) -> tuple[SimulatorServer, Path]:
    """Start to listen; return the server and the file that tells a bot how to reach it.

    The market does not move until somebody steps the server, see `simulator.server.serve`.

    Raises:
        InputInvalid: the port is in use, or an option or the directory cannot be used.
    """
    market = make_market(
        data=options.data, symbol=options.symbol, days=options.days, seed=options.seed
    )
    settings = SimulatorSettings()
    exchange = Exchange(
        contracts=(market.source.contract, *market.source.conversions), settings=settings
    )
    server = SimulatorServer(
        exchange=exchange,
        market=market.source,
        scenario=make_scenario(options.faults, options.seed),
        settings=settings,
        clock=clock,
    )
    endpoint = await server.start(options.directory, port=options.port)
    access = SimulatorAccess(
        port=endpoint.port,
        ca_file=str(endpoint.ca_file),
        client_id=endpoint.client_id,
        client_secret=endpoint.client_secret.reveal(),
        access_token=endpoint.access_token.reveal(),
        account_id=endpoint.account_id,
        symbol=market.symbol,
    )
    return server, write_access(options.directory, access)
