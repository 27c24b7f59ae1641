"""A client and a scripted broker, wired back to back without socket and without clock."""

from collections.abc import Callable

from google.protobuf.message import Message

from palmbot.ctrader.connection import ClientConnection, Credentials, Limits, Target
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetListReq,
    ProtoOAAssetListRes,
    ProtoOACashFlowHistoryListReq,
    ProtoOACashFlowHistoryListRes,
    ProtoOAGetDynamicLeverageByIDReq,
    ProtoOAGetDynamicLeverageByIDRes,
    ProtoOASymbolByIdReq,
    ProtoOASymbolByIdRes,
    ProtoOASymbolsForConversionReq,
    ProtoOASymbolsForConversionRes,
    ProtoOASymbolsListReq,
    ProtoOASymbolsListRes,
    ProtoOATraderReq,
    ProtoOATraderRes,
)
from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAAsset,
    ProtoOACtidTraderAccount,
    ProtoOADeal,
    ProtoOADynamicLeverage,
    ProtoOADynamicLeverageTier,
    ProtoOAInterval,
    ProtoOALightSymbol,
    ProtoOAOrder,
    ProtoOAPosition,
    ProtoOASymbol,
    ProtoOATradeData,
    ProtoOATrader,
)
from palmbot.ctrader.generated.enums_pb2 import (
    BUY,
    FILLED,
    MARKET,
    ORDER_ACCEPTED,
    ORDER_FILLED,
    ORDER_STATUS_ACCEPTED,
    ORDER_STATUS_FILLED,
    POSITION_STATUS_OPEN,
    SCOPE_TRADE,
    SELL,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOADealListReq,
    ProtoOADealListRes,
    ProtoOAExecutionEvent,
    ProtoOAOrderListReq,
    ProtoOAOrderListRes,
    ProtoOAReconcileReq,
    ProtoOAReconcileRes,
)
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOAGetTrendbarsReq,
    ProtoOAGetTrendbarsRes,
    ProtoOASpotEvent,
    ProtoOASubscribeSpotsReq,
    ProtoOASubscribeSpotsRes,
)
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAAccountAuthRes,
    ProtoOAApplicationAuthReq,
    ProtoOAApplicationAuthRes,
    ProtoOAErrorRes,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetAccountListByAccessTokenRes,
)
from palmbot.ctrader.server_connection import Request, ServerConnection
from palmbot.domain.events import Event
from palmbot.domain.market import Side
from palmbot.domain.orders import Environment, Intent, IntentKind, IntentState, OrderStyle
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId, IntentId, Price, SymbolId, TimestampMs, Volume

ACCOUNT = AccountId(41)
SYMBOL = SymbolId(1154)
CONVERSION_SYMBOL = SymbolId(9)
USD, MYR, PALM = 1, 2, 3
NOON = TimestampMs(1_775_000_000_000)
WALL = TimestampMs(1_900_000_000_000)
INTENT = IntentId("01JZZZZZZZZZZZZZZZZZZZZZZA")

Answer = Message | Callable[[Message], Message | None] | None


def make_symbol(**changes: object) -> ProtoOASymbol:
    """Return the contract of the simulated palm-oil CFD, with changes."""
    fields: dict[str, object] = {
        "symbolId": SYMBOL,
        "digits": 2,
        "pipPosition": 1,
        "enableShortSelling": True,
        "lotSize": 1000,
        "minVolume": 100,
        "stepVolume": 100,
        "maxVolume": 100_000,
        "slDistance": 20,
        "tpDistance": 20,
        "scheduleTimeZone": "Asia/Kuala_Lumpur",
        "schedule": [ProtoOAInterval(startSecond=124_200, endSecond=131_400)],
    }
    return ProtoOASymbol(**{**fields, **changes})


def make_trader(**changes: object) -> ProtoOATrader:
    """Return a hedged account of 10,000.00 USD, with changes."""
    fields: dict[str, object] = {
        "ctidTraderAccountId": ACCOUNT,
        "balance": 1_000_000,
        "balanceVersion": 7,
        "depositAssetId": USD,
        "leverageInCents": 1000,
        "moneyDigits": 2,
        "traderLogin": 555,
        "brokerName": "Test",
    }
    return ProtoOATrader(**{**fields, **changes})


def make_spot(**fields: object) -> ProtoOASpotEvent:
    """Return a quote of our symbol."""
    return ProtoOASpotEvent(**{"ctidTraderAccountId": ACCOUNT, "symbolId": SYMBOL, **fields})


def make_bars_reply(*trendbars: object, **fields: object) -> ProtoOAGetTrendbarsRes:
    """Return a page of history."""
    return ProtoOAGetTrendbarsRes(
        **{"ctidTraderAccountId": ACCOUNT, "period": 5, "trendbar": trendbars, **fields}
    )


def make_trade_data(side: Side = Side.BUY, **changes: object) -> ProtoOATradeData:
    """Return what order and position share: one tonne of our symbol."""
    fields: dict[str, object] = {
        "symbolId": SYMBOL,
        "volume": 100,
        "tradeSide": BUY if side is Side.BUY else SELL,
        "openTimestamp": NOON,
        "label": f"pob1|demo|{INTENT}",
    }
    return ProtoOATradeData(**{**fields, **changes})


def make_order(**changes: object) -> ProtoOAOrder:
    """Return a filled market order of ours, with changes."""
    fields: dict[str, object] = {
        "orderId": 71,
        "tradeData": make_trade_data(),
        "orderType": MARKET,
        "orderStatus": ORDER_STATUS_FILLED,
        "executedVolume": 100,
        "clientOrderId": INTENT,
        "positionId": 81,
        "utcLastUpdateTimestamp": NOON + 5,
    }
    return ProtoOAOrder(**{**fields, **changes})


def make_position(**changes: object) -> ProtoOAPosition:
    """Return the position behind `make_order`, with changes."""
    fields: dict[str, object] = {
        "positionId": 81,
        "tradeData": make_trade_data(),
        "positionStatus": POSITION_STATUS_OPEN,
        "swap": 0,
        "price": 1000.25,
        "stopLoss": 985.25,
        "takeProfit": 1020.25,
        "commission": -3,
        "moneyDigits": 2,
    }
    return ProtoOAPosition(**{**fields, **changes})


def make_deal(**changes: object) -> ProtoOADeal:
    """Return the deal of `make_order`, with changes."""
    fields: dict[str, object] = {
        "dealId": 91,
        "orderId": 71,
        "positionId": 81,
        "volume": 100,
        "filledVolume": 100,
        "symbolId": SYMBOL,
        "createTimestamp": NOON,
        "executionTimestamp": NOON + 5,
        "executionPrice": 1000.25,
        "tradeSide": BUY,
        "dealStatus": FILLED,
        "commission": -3,
        "moneyDigits": 2,
    }
    return ProtoOADeal(**{**fields, **changes})


def make_accepted(**fields: object) -> ProtoOAExecutionEvent:
    """Return the acceptance of our market order."""
    order = make_order(orderStatus=ORDER_STATUS_ACCEPTED, executedVolume=0)
    return ProtoOAExecutionEvent(
        **{
            "ctidTraderAccountId": ACCOUNT,
            "executionType": ORDER_ACCEPTED,
            "order": order,
            **fields,
        }
    )


def make_filled(**fields: object) -> ProtoOAExecutionEvent:
    """Return the fill of our market order."""
    return ProtoOAExecutionEvent(
        **{
            "ctidTraderAccountId": ACCOUNT,
            "executionType": ORDER_FILLED,
            "order": make_order(),
            "deal": make_deal(),
            "position": make_position(),
            **fields,
        }
    )


def make_intent(**changes: object) -> Intent:
    """Return a market entry of one tonne with stop and target, with changes."""
    fields: dict[str, object] = {
        "intent_id": INTENT,
        "kind": IntentKind.ENTRY,
        "style": OrderStyle.MARKET,
        "state": IntentState.STORED,
        "symbol_id": SYMBOL,
        "side": Side.BUY,
        "volume": Volume(100),
        "strategy": "rsi",
        "bar_time": NOON,
        "reason": "test",
        "created_at": NOON,
        "generation": 1,
        "epoch": 0,
        "decision_price": Price(100_025_000),
        "stop_distance": Price(1_500_000),
        "target_distance": Price(2_000_000),
    }
    return Intent(**{**fields, **changes})  # type: ignore[arg-type]


def _default_answers() -> dict[type[Message], Answer]:
    ids = {"ctidTraderAccountId": ACCOUNT}
    return {
        ProtoOAApplicationAuthReq: ProtoOAApplicationAuthRes(),
        ProtoOAGetAccountListByAccessTokenReq: ProtoOAGetAccountListByAccessTokenRes(
            accessToken="token",
            permissionScope=SCOPE_TRADE,
            ctidTraderAccount=[
                ProtoOACtidTraderAccount(ctidTraderAccountId=ACCOUNT, traderLogin=555)
            ],
        ),
        ProtoOAAccountAuthReq: ProtoOAAccountAuthRes(**ids),
        ProtoOATraderReq: ProtoOATraderRes(**ids, trader=make_trader()),
        ProtoOAAssetListReq: ProtoOAAssetListRes(
            **ids,
            asset=[
                ProtoOAAsset(assetId=USD, name="USD"),
                ProtoOAAsset(assetId=MYR, name="MYR"),
                ProtoOAAsset(assetId=PALM, name="PALM"),
            ],
        ),
        ProtoOASymbolsListReq: ProtoOASymbolsListRes(
            **ids,
            symbol=[
                ProtoOALightSymbol(
                    symbolId=SYMBOL, symbolName="PALMOIL", baseAssetId=PALM, quoteAssetId=USD
                ),
                ProtoOALightSymbol(
                    symbolId=154, symbolName="SUGARRAW", baseAssetId=4, quoteAssetId=USD
                ),
            ],
        ),
        ProtoOASymbolByIdReq: ProtoOASymbolByIdRes(**ids, symbol=[make_symbol()]),
        ProtoOAGetDynamicLeverageByIDReq: ProtoOAGetDynamicLeverageByIDRes(
            **ids,
            leverage=ProtoOADynamicLeverage(
                leverageId=5,
                tiers=[
                    ProtoOADynamicLeverageTier(volume=10, leverage=900),
                    ProtoOADynamicLeverageTier(volume=20, leverage=500),
                ],
            ),
        ),
        ProtoOASymbolsForConversionReq: ProtoOASymbolsForConversionRes(
            **ids,
            symbol=[
                ProtoOALightSymbol(
                    symbolId=CONVERSION_SYMBOL,
                    symbolName="USDMYR",
                    baseAssetId=USD,
                    quoteAssetId=MYR,
                )
            ],
        ),
        ProtoOASubscribeSpotsReq: ProtoOASubscribeSpotsRes(**ids),
        ProtoOAReconcileReq: ProtoOAReconcileRes(**ids),
        ProtoOADealListReq: ProtoOADealListRes(**ids, hasMore=False),
        ProtoOAOrderListReq: ProtoOAOrderListRes(**ids, hasMore=False),
        ProtoOACashFlowHistoryListReq: ProtoOACashFlowHistoryListRes(**ids),
        ProtoOAGetTrendbarsReq: make_bars_reply(),
    }


class ScriptedBroker:
    """Both ends of a connection; requests get the scripted answer, orders none by themselves.

    `answers` maps a request class to its answer: a message, None for silence, or a function
    of the request. What the client said stands in `requests`, what it reported in `events`.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        environment: Environment = Environment.DEMO,
        symbol_name: str = "PALMOIL",
        symbol_aliases: tuple[str, ...] = (),
        account_id: AccountId = ACCOUNT,
    ) -> None:
        self.client = ClientConnection(
            generation=1,
            credentials=Credentials(
                client_id="app", client_secret=Secret("secret"), access_token=Secret("token")
            ),
            target=Target(
                environment=environment,
                account_id=account_id,
                symbol_name=symbol_name,
                symbol_aliases=symbol_aliases,
            ),
            limits=limits,
        )
        self.server = ServerConnection(opened_s=0.0)
        self.answers = _default_answers()
        self.requests: list[Request] = []
        self.events: list[Event] = []
        self.now_s = 0.0

    def open(self) -> "ScriptedBroker":
        """Open the session and let it run as far as the answers take it."""
        self.client.open(self.now_s)
        self.settle()
        return self

    def open_with_quote(self) -> "ScriptedBroker":
        """Open the session, send one quote, forget what happened so far."""
        self.open()
        self.push(make_spot(bid=100_000_000, ask=100_100_000, timestamp=NOON))
        self.events.clear()
        self.requests.clear()
        return self

    def settle(self) -> None:
        """Pass bytes to and fro until both ends are silent."""
        while outgoing := self.client.take_outgoing():
            for request in self.server.receive(outgoing, self.now_s):
                self.requests.append(request)
                self._answer(request)
            self._deliver()

    def _answer(self, request: Request) -> None:
        if isinstance(request.message, ProtoOAApplicationAuthReq):
            self.server.authorise_application()
        if isinstance(request.message, ProtoOAAccountAuthReq):
            self.server.authorise_account(request.message.ctidTraderAccountId)
        answer = self.answers.get(type(request.message))
        if callable(answer):
            answer = answer(request.message)
        if answer is not None:
            self.server.reply(answer, request.client_msg_id)

    def _deliver(self) -> None:
        if incoming := self.server.take_outgoing():
            self.events += self.client.receive(incoming, self.now_s, WALL)

    def push(self, *messages: Message, client_msg_id: str | None = None) -> None:
        """Send messages to the client in one chunk; with an id they are answers."""
        for message in messages:
            self.server.reply(message, client_msg_id)
        self._deliver()
        self.settle()

    def push_payload(
        self, payload_type: int, payload: bytes, client_msg_id: str | None = None
    ) -> None:
        """Send any payload under any number."""
        self.server.write_envelope(payload_type, payload, client_msg_id)
        self._deliver()
        self.settle()

    def refuse_with(self, code: str, description: str = "", **fields: int) -> ProtoOAErrorRes:
        """Return an error answer, for use in `answers`."""
        return ProtoOAErrorRes(errorCode=code, description=description, **fields)

    def advance(self, seconds: float) -> None:
        """Let link time pass, stopping at every deadline of the client as a shell would."""
        until_s = self.now_s + seconds
        while (due_s := self.client.deadline_s) <= until_s:
            self.now_s = max(self.now_s, due_s)
            self.events += self.client.advance(self.now_s)
            self.settle()
        self.now_s = until_s

    def order(self, **changes: object) -> str:
        """Send an intent; return the id its answers carry."""
        intent = make_intent(**changes)
        self.client.send(intent, self.now_s)
        self.settle()
        return f"{intent.intent_id}:{intent.generation}"

    def asked(self) -> list[str]:
        """Return the names of the requests so far."""
        return [each.message.DESCRIPTOR.name.removeprefix("ProtoOA") for each in self.requests]
