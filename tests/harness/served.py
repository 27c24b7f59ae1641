"""A simulated broker that listens, and what it takes to ask it something."""

import contextlib

from harness.brisk_clock import BriskClock
from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.ctrader_inquirer import BrokerAccess
from palmbot.adapters.tls import make_context
from palmbot.ctrader.session import Credentials
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.scenarios import FaultPlan, Scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import SimulatorSettings


@contextlib.asynccontextmanager
async def served(directory, market, *, plan=None, clock=None, **settings):
    """Yield what it takes to ask a server of this market, and the server."""
    chosen = SimulatorSettings(**settings)
    clock = clock or BriskClock()
    server = SimulatorServer(
        exchange=Exchange(contracts=(market.contract, *market.others), settings=chosen),
        market=market,
        scenario=Scenario(plan or FaultPlan(), seed=1),
        settings=chosen,
        clock=clock,
    )
    directory.mkdir(exist_ok=True)
    endpoint = await server.start(directory)
    access = BrokerAccess(
        endpoint=endpoint_for(Environment.SIMULATOR, simulator_port=endpoint.port),
        tls=make_context(endpoint.ca_file),
        credentials=Credentials(
            client_id=endpoint.client_id,
            client_secret=endpoint.client_secret,
            access_token=endpoint.access_token,
        ),
        environment=Environment.SIMULATOR,
        account_id=AccountId(endpoint.account_id),
    )
    try:
        yield access, clock, server
    finally:
        await server.close()
