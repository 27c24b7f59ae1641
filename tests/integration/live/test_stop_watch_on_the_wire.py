"""The whole bot and its second connection against the simulated broker, over real TLS."""

import asyncio
from contextlib import suppress

from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.operator_socket import NobodyListens, ask
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.system_ids import SystemIds
from palmbot.adapters.tls import make_context
from palmbot.bootstrap.directory import SOCKET_NAME
from palmbot.bootstrap.running import run_bot
from palmbot.bootstrap.watching import run_watch
from palmbot.bootstrap.wiring import Wiring
from palmbot.core.params import EngineParams
from palmbot.ctrader.session import Credentials
from palmbot.domain.market import Side
from palmbot.domain.orders import Environment, render_label
from palmbot.domain.units import AccountId, IntentId, Price, Volume
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.model import make_market
from palmbot.simulator.records import NewOrder, OrderKind
from palmbot.simulator.scenarios import make_scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import SimulatorSettings

MONDAY = 1_767_571_200_000
STRANGE = IntentId("01KE0000000000000000000000")
"""Of our own form, but of no request that this bot ever made."""


class Stage:
    """A simulated broker whose market stands still, and a bot or only a watch beside it."""

    def __init__(self, directory, run=run_bot):
        self.directory = directory
        self.run = run
        clock = SystemClock()
        market = make_market("PALMOIL", seed=1, start=MONDAY, days=1)
        settings = SimulatorSettings()
        self.symbol_id = market.contract.symbol_id
        self.exchange = Exchange(contracts=(market.contract,), settings=settings)
        self.server = SimulatorServer(
            exchange=self.exchange,
            market=market,
            scenario=make_scenario("none", 1),
            settings=settings,
            clock=clock,
        )

    async def __aenter__(self):
        endpoint = await self.server.start(self.directory / "sim")
        self.server.step()
        wiring = Wiring(
            params=EngineParams(
                account_id=AccountId(endpoint.account_id), symbol_name="PALMOIL", history_bars=5
            ),
            endpoint=endpoint_for(Environment.SIMULATOR, simulator_port=endpoint.port),
            tls=make_context(endpoint.ca_file),
            credentials=Credentials(
                client_id=endpoint.client_id,
                client_secret=endpoint.client_secret,
                access_token=endpoint.access_token,
            ),
            symbol_aliases=(),
            directory=self.directory / "bot",
            clock=SystemClock(),
            ids=SystemIds(),
            draw_jitter=lambda: 0.5,
            watch_interval_s=0.1,
        )
        self.bot = asyncio.create_task(self.run(wiring))
        if self.run is run_bot:
            await self.wait_for(lambda status: status["link"] == "consistent")
        return self

    async def __aexit__(self, *_):
        self.bot.cancel()
        await asyncio.gather(self.bot, return_exceptions=True)
        await self.server.close()

    async def tell(self, **request):
        return await ask(self.directory / "bot" / SOCKET_NAME, request)

    async def wait_for(self, is_so):
        """Look at the status until something is so."""
        async with asyncio.timeout(15):
            while True:
                try:
                    status = (await self.tell(command="status"))["status"]
                except NobodyListens:
                    status = None
                if status is not None and is_so(status):
                    return status
                await asyncio.sleep(0.02)

    async def wait_for_file(self, path):
        """Look until a file is there; return what stands in it."""
        async with asyncio.timeout(15):
            while True:
                with suppress(FileNotFoundError):
                    return path.read_text()
                await asyncio.sleep(0.02)

    def place_silently(self, **levels):
        """Open a position with a label of ours, of which the broker tells nobody."""
        label = render_label(Environment.SIMULATOR, STRANGE)
        self.exchange.place(
            NewOrder(
                symbol_id=self.symbol_id,
                kind=OrderKind.MARKET,
                side=Side.BUY,
                volume=Volume(1_000),
                label=label,
                **levels,
            )
        )


def test_a_position_without_a_stop_halts_though_the_trading_connection_hears_nothing(tmp_path):
    async def play():
        async with Stage(tmp_path) as stage:
            stage.place_silently()
            return await stage.wait_for(lambda status: status["halted_by"])

    status = asyncio.run(play())
    assert status["halted_by"] == "stop watch"
    assert "has no stop at the broker" in status["halt_reason"]


def test_a_watch_in_a_process_of_its_own_halts_by_the_file(tmp_path):
    async def play():
        async with Stage(tmp_path, run_watch) as stage:
            stage.place_silently()
            return await stage.wait_for_file(tmp_path / "bot" / "HALT")

    assert "stop watch: position" in asyncio.run(play())


def test_a_dry_run_names_class_and_action_and_changes_nothing(tmp_path):
    async def play():
        async with Stage(tmp_path) as stage:
            stage.place_silently(stop_distance=Price(2_000_000))
            before = await stage.tell(command="status")
            dry = await stage.tell(command="reconcile", dry_run=True)
            after = await stage.tell(command="status")
            real = await stage.tell(command="reconcile")
            return before["status"], dry, after["status"], real

    before, dry, after, real = asyncio.run(play())
    (found,) = dry["differences"]
    assert found["kind"] == "R6"
    assert "halt" in found["action"]
    assert (after["position"], after["open_items"]) == (before["position"], before["open_items"])
    assert real["differences"][0]["kind"] == "R6"
    assert real["done"].startswith("quarantined")
