"""A client of the simulated server with a framing of its own.

Frames and envelopes are those of `harness.wire`; only the messages inside are read and written
by the generated classes.
"""

import asyncio
import contextlib
import functools
import ssl
from dataclasses import dataclass

from harness import wire
from harness.manual_clock import ManualClock
from harness.small_market import MONDAY, OIL, price
from palmbot.ctrader.generated.account_messages_pb2 import ProtoOATraderReq
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOANewOrderReq
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASubscribeSpotsReq
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAApplicationAuthReq,
)
from palmbot.ctrader.messages import MESSAGE_CLASSES
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.market import Quote
from palmbot.simulator.scenarios import FaultPlan, Scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import SimulatorSettings

WAIT_S = 5.0


def in_loop(test):
    """Run an asynchronous test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args, **fixtures):
        asyncio.run(test(*args, **fixtures))

    return run


async def until(is_so):
    """Let both ends run until something is so."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 - neither end announces what it has read
            await asyncio.sleep(0)


@dataclass
class Received:
    payload_type: int
    message: object
    """Of the generated class, or the raw payload if the type is unknown."""
    client_msg_id: str | None


def read_envelope(body):
    fields = dict(wire.read_fields(body))
    payload_type, payload = fields[1], fields.get(2, b"")
    known = MESSAGE_CLASSES.get(payload_type)
    message = payload if known is None else known.FromString(payload)
    client_msg_id = fields[3].decode() if 3 in fields else None
    return Received(payload_type, message, client_msg_id)


class TinyClient:
    """Sends one request at a time; whatever comes is kept in order."""

    def __init__(self, reader, writer, endpoint):
        self.reader = reader
        self.writer = writer
        self.endpoint = endpoint
        self.account_id = endpoint.account_id
        self.last_id = 0

    @classmethod
    async def connect(cls, endpoint):
        context = ssl.create_default_context(cafile=endpoint.ca_file)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", endpoint.port, ssl=context, server_hostname="localhost"
        )
        return cls(reader, writer, endpoint)

    def send(self, message, client_msg_id=None):
        if client_msg_id is None:
            self.last_id += 1
            client_msg_id = f"id{self.last_id}"
        number = message.DESCRIPTOR.fields_by_name["payloadType"].default_value
        self.writer.write(wire.envelope(number, message.SerializeToString(), client_msg_id))
        return client_msg_id

    async def receive(self):
        async with asyncio.timeout(WAIT_S):
            head = await self.reader.readexactly(4)
            return read_envelope(await self.reader.readexactly(int.from_bytes(head, "big")))

    async def receive_many(self, count):
        return [await self.receive() for _ in range(count)]

    async def ask(self, message):
        """Return the first thing that comes back."""
        self.send(message)
        return await self.receive()

    async def silence(self, seconds=0.05):
        """Return what came although nothing should."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.readexactly(1)
        except TimeoutError:
            return None

    async def is_cut(self):
        """Return whether the connection ends within a moment."""
        try:
            async with asyncio.timeout(WAIT_S):
                while await self.reader.read(65_536):
                    pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    async def authorise(self):
        await self.ask(
            ProtoOAApplicationAuthReq(
                clientId=self.endpoint.client_id,
                clientSecret=self.endpoint.client_secret.reveal(),
            )
        )
        return await self.ask(
            ProtoOAAccountAuthReq(
                ctidTraderAccountId=self.account_id,
                accessToken=self.endpoint.access_token.reveal(),
            )
        )

    async def subscribe(self, symbol_id=OIL.symbol_id):
        """Subscribe to quotes; return the reply and the snapshot."""
        self.send(
            ProtoOASubscribeSpotsReq(
                ctidTraderAccountId=self.account_id,
                symbolId=[symbol_id],
                subscribeToSpotTimestamp=True,
            )
        )
        return await self.receive_many(2)

    async def trader(self):
        return (await self.ask(ProtoOATraderReq(ctidTraderAccountId=self.account_id))).message

    def order(self, **fields):
        wanted = {
            "ctidTraderAccountId": self.account_id,
            "symbolId": OIL.symbol_id,
            "orderType": "MARKET",
            "tradeSide": "BUY",
            "volume": 100,
            "label": "mine",
            "clientOrderId": "mine",
            "relativeStopLoss": price(15),
            "relativeTakeProfit": price(20),
        }
        return ProtoOANewOrderReq(**{**wanted, **fields})

    async def close(self):
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class WrittenMarket:
    """Implements `MarketSource` with bid prices written by a test, a second apart."""

    def __init__(self, bids, contract=OIL, past=(1_000.0,)):
        self.contract = contract
        self.others = ()
        self._past = [self._quote(MONDAY + (i - len(past)) * 1_000, b) for i, b in enumerate(past)]
        self._future = [self._quote(MONDAY + i * 1_000, bid) for i, bid in enumerate(bids)]

    def _quote(self, time, bid):
        return Quote(self.contract.symbol_id, time, price(bid), price(bid + 1))

    def past_quotes(self):
        return iter(self._past)

    def quotes(self):
        return iter(self._future)


@contextlib.asynccontextmanager
async def running_server(directory, *, bids=(), plan=None, market=None, **settings):
    """Yield a listening server, its endpoint and its clock."""
    chosen = SimulatorSettings(**settings)
    source = market or WrittenMarket(bids)
    exchange = Exchange(contracts=(source.contract, *source.others), settings=chosen)
    clock = ManualClock(epoch_ms=1_795_000_000_000)
    server = SimulatorServer(
        exchange=exchange,
        market=source,
        scenario=Scenario(plan or FaultPlan(), seed=1),
        settings=chosen,
        clock=clock,
    )
    endpoint = await server.start(directory)
    try:
        yield server, endpoint, clock
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def connected(directory, **settings):
    """Yield server, authorised client and clock."""
    async with running_server(directory, **settings) as (server, endpoint, clock):
        client = await TinyClient.connect(endpoint)
        try:
            await client.authorise()
            yield server, client, clock
        finally:
            await client.close()
