"""A simulated broker that runs by itself, for a bot in another process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from palmbot.adapters.endpoint_file import SimulatorAccess, write_access
from palmbot.domain.errors import InputInvalid
from palmbot.ports import Clock
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.joined import JoinedMarket
from palmbot.simulator.market import MarketSource
from palmbot.simulator.model import HISTORY_TRADING_DAYS, MODELS
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
    """PALMOIL or FCPO; None serves both."""
    days: int
    seed: int
    faults: str
    port: int
    """0: any free one."""
    data: Path | None = None
    history_trading_days: int = HISTORY_TRADING_DAYS
    """Trade dates before the start that are served as history; for the model only."""


@contextmanager
def hold_directory(directory: Path) -> Iterator[None]:
    """Make the directory and keep it to ourselves: two simulators would mix their files.

    Raises:
        InputInvalid: another simulator serves from it, or it cannot be made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as e:
        raise InputInvalid(
            f"cannot use {directory} for the simulator: {e.strerror}; name another with --directory"
        ) from e
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise InputInvalid(
                f"a simulator already serves from {directory}: stop it, or name another with "
                "--directory"
            ) from e
        yield
    finally:
        os.close(descriptor)


async def start_broker(options: BrokerOptions, clock: Clock) -> tuple[SimulatorServer, Path]:
    """Start to listen; return the server and the file that tells a bot how to reach it.

    The market does not move until somebody steps the server, see `simulator.server.serve`.

    Raises:
        InputInvalid: the port is in use, or an option or the directory cannot be used.
    """
    market = _choose_market(options)
    settings = SimulatorSettings()
    exchange = Exchange(contracts=(market.contract, *market.others), settings=settings)
    server = SimulatorServer(
        exchange=exchange,
        market=market,
        scenario=make_scenario(options.faults, options.seed),
        settings=settings,
        clock=clock,
    )
    endpoint = await server.start(options.directory, port=options.port)
    access = SimulatorAccess(
        port=endpoint.port,
        ca_file=str(endpoint.ca_file.resolve()),  # a bot may run in another directory
        client_id=endpoint.client_id,
        client_secret=endpoint.client_secret.reveal(),
        access_token=endpoint.access_token.reveal(),
        account_id=endpoint.account_id,
        symbols=tuple(each.name for each in (market.contract, *market.others)),
    )
    return server, write_access(options.directory, access)


def _choose_market(options: BrokerOptions) -> MarketSource:
    """Return the one market a person named, or else both products of the model."""
    names = MODELS if options.data is None and options.symbol is None else (options.symbol,)
    sources = [
        make_market(
            data=options.data,
            symbol=name,
            days=options.days,
            seed=options.seed,
            history_trading_days=options.history_trading_days,
        ).source
        for name in names
    ]
    return JoinedMarket(*sources)
