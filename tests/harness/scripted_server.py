"""A broker of few words over real TLS: it opens every session, and does what a test says.

Not the simulator: no market, no account, no schedule. It shows how the link behaves when the
other end refuses, falls silent, cuts, or lies about who it is.
"""

import asyncio
import ssl
from collections.abc import Callable

import trustme
from google.protobuf.message import Message

from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetListRes,
    ProtoOASymbolByIdRes,
    ProtoOASymbolsListRes,
    ProtoOATraderRes,
)
from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAAsset,
    ProtoOACtidTraderAccount,
    ProtoOAInterval,
    ProtoOALightSymbol,
    ProtoOASymbol,
    ProtoOATrader,
)
from palmbot.ctrader.generated.enums_pb2 import SCOPE_TRADE
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent, ProtoOASubscribeSpotsRes
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthRes,
    ProtoOAApplicationAuthRes,
    ProtoOAGetAccountListByAccessTokenRes,
)
from palmbot.ctrader.server_connection import Request, ServerConnection
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret

ACCOUNT_ID = 42
SYMBOL_ID = 1154
SYMBOL = "PALMOIL"
CLIENT_SECRET = "client-secret-canary"  # noqa: S105 - opens nothing
ACCESS_TOKEN = "access-token-canary"  # noqa: S105 - opens nothing
ENVIRONMENT = Environment.SIMULATOR
SECRETS = (Secret(CLIENT_SECRET), Secret(ACCESS_TOKEN))


def opening_replies() -> dict[int, Message]:
    """Return the answer to each request of a session that opens."""
    account = ProtoOACtidTraderAccount(ctidTraderAccountId=ACCOUNT_ID, isLive=False, traderLogin=1)
    trader = ProtoOATrader(
        ctidTraderAccountId=ACCOUNT_ID,
        balance=1_000_000,
        moneyDigits=2,
        depositAssetId=1,
        leverageInCents=1_000,
        traderLogin=1,
        balanceVersion=1,
    )
    light = ProtoOALightSymbol(
        symbolId=SYMBOL_ID, symbolName=SYMBOL, enabled=True, baseAssetId=2, quoteAssetId=1
    )
    symbol = ProtoOASymbol(
        symbolId=SYMBOL_ID,
        digits=2,
        pipPosition=1,
        enableShortSelling=True,
        minVolume=100,
        stepVolume=100,
        maxVolume=100_000,
        lotSize=1_000,
        scheduleTimeZone="UTC",
        schedule=[ProtoOAInterval(startSecond=0, endSecond=604_800)],
    )
    me = {"ctidTraderAccountId": ACCOUNT_ID}
    return {
        2100: ProtoOAApplicationAuthRes(),
        2149: ProtoOAGetAccountListByAccessTokenRes(
            accessToken=ACCESS_TOKEN, permissionScope=SCOPE_TRADE, ctidTraderAccount=[account]
        ),
        2102: ProtoOAAccountAuthRes(**me),
        2121: ProtoOATraderRes(**me, trader=trader),
        2112: ProtoOAAssetListRes(**me, asset=[ProtoOAAsset(assetId=1, name="USD")]),
        2114: ProtoOASymbolsListRes(**me, symbol=[light]),
        2116: ProtoOASymbolByIdRes(**me, symbol=[symbol]),
        2127: ProtoOASubscribeSpotsRes(**me),
    }


def make_tls(*names: str) -> tuple[ssl.SSLContext, trustme.CA]:
    """Return a server context for these names, and the authority behind it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context, authority


class ScriptedServer:
    """Listens on loopback; `answer` may be replaced by a test at any time."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._server: asyncio.Server | None = None
        self.replies = opening_replies()
        self.port = 0
        self.talks: list[Talk] = []
        self.answer: Callable[[Talk, Request], None] = self.answer_opening

    async def start(self, host: str = "127.0.0.1") -> None:
        """Listen on a free port, or on the one set before."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Talk(self), host, self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and cut every connection."""
        assert self._server is not None
        self._server.close()
        for talk in self.talks:
            talk.cut()

    def answer_opening(self, talk: "Talk", request: Request) -> None:
        """Answer what opens a session, and nothing else."""
        reply = self.replies.get(request.payload_type)
        if request.payload_type == 2100:
            talk.wire.authorise_application()
        if request.payload_type == 2102:
            talk.wire.authorise_account(ACCOUNT_ID)
        if reply is not None:
            talk.wire.reply(reply, request.client_msg_id)


class Talk(asyncio.Protocol):
    """One connection as the server sees it."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.wire = ServerConnection(opened_s=0.0)
        self.received = bytearray()
        self.requests: list[Request] = []
        self.is_over = asyncio.Event()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.talks.append(self)

    def data_received(self, data: bytes) -> None:
        self.received += data
        for request in self.wire.receive(data, 0.0):
            self.requests.append(request)
            self._server.answer(self, request)
        self.flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.is_over.set()

    def push_spot(self, bid: int) -> None:
        """Send one price."""
        spot = ProtoOASpotEvent(
            ctidTraderAccountId=ACCOUNT_ID, symbolId=SYMBOL_ID, bid=bid, ask=bid + 100_000
        )
        self.wire.push(spot)
        self.flush()

    def flush(self) -> None:
        """Write what the wire has for the client."""
        assert self.transport is not None
        self.transport.write(self.wire.take_outgoing())

    def cut(self) -> None:
        """Drop the connection without a word."""
        assert self.transport is not None
        self.transport.abort()
