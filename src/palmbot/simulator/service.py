"""One request in, its answer out: what the simulated broker says to whom."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import NamedTuple

from google.protobuf.message import Message

from palmbot.ctrader.generated.account_messages_pb2 import ProtoOASymbolChangedEvent
from palmbot.ctrader.generated.entities_pb2 import ProtoOACtidProfile, ProtoOACtidTraderAccount
from palmbot.ctrader.generated.enums_pb2 import SCOPE_TRADE, SCOPE_VIEW
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAAccountAuthRes,
    ProtoOAAccountLogoutReq,
    ProtoOAAccountLogoutRes,
    ProtoOAApplicationAuthReq,
    ProtoOAApplicationAuthRes,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetAccountListByAccessTokenRes,
    ProtoOAGetCtidProfileByTokenReq,
    ProtoOAGetCtidProfileByTokenRes,
    ProtoOARefreshTokenReq,
    ProtoOARefreshTokenRes,
    ProtoOAVersionReq,
    ProtoOAVersionRes,
)
from palmbot.domain.errors import RequestRefused
from palmbot.simulator.archive import Archive
from palmbot.simulator.catalogue import Catalogue, number_assets
from palmbot.simulator.desk import TRADING, Desk
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.feed import Feed
from palmbot.simulator.history import History
from palmbot.simulator.market import Quote
from palmbot.simulator.records import Execution
from palmbot.simulator.rendering import Renderer
from palmbot.simulator.sessions import Answer, ClientSession, Outgoing, reply
from palmbot.simulator.settings import SimulatorSettings

VERSION = "91"
"""Newest tagged version of the API."""

USER_ID = 1_154
TOKEN_BYTES = 24

WITHOUT_ACCOUNT = (
    ProtoOAVersionReq,
    ProtoOAApplicationAuthReq,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetCtidProfileByTokenReq,
    ProtoOAAccountAuthReq,
    ProtoOARefreshTokenReq,
)
"""Requests that need no session of the account."""


@dataclass(slots=True)
class Keys:
    """Secrets of the one application and the one trader of this server."""

    client_id: str
    client_secret: str
    access_token: str
    refresh_token: str


def make_keys(client_id: str) -> Keys:
    """Return fresh secrets, all of the same length."""
    return Keys(client_id, *(token_urlsafe(TOKEN_BYTES) for _ in range(3)))


class Answered(NamedTuple):
    """What one request led to."""

    to_asker: Answer
    executions: tuple[Execution, ...] = ()
    """What every other client of the account has to hear."""
    ends_sessions: bool = False
    """The token was renewed: sessions on the old one are over."""


class Service:
    """The simulated broker behind the wire. Pure but for the secrets it draws."""

    def __init__(self, exchange: Exchange, history: History, settings: SimulatorSettings) -> None:
        account = settings.account
        asset_ids = number_assets(account.currency, exchange.contracts)
        renderer = Renderer(account, exchange.contracts, asset_ids)
        self._exchange = exchange
        self._settings = settings
        self._desk = Desk(exchange, renderer, settings)
        self._archive = Archive(exchange, renderer, settings)
        self._catalogue = Catalogue(exchange, renderer, asset_ids, account.account_id)
        self._feed = Feed(exchange, history, settings)
        self.keys = make_keys(settings.client_id)

    @property
    def account_id(self) -> int:
        """The one account."""
        return self._settings.account.account_id

    @property
    def desk(self) -> Desk:
        """Where trading requests go."""
        return self._desk

    def answer(self, message: Message, session: ClientSession) -> Answered:
        """Answer one request; a refusal of a trading request is an answer too.

        Raises:
            RequestRefused: to be told by a ProtoOAErrorRes.
        """
        if not session.is_account_authorised and not isinstance(message, WITHOUT_ACCOUNT):
            self._desk.refuse_unseen(message, "INVALID_REQUEST")
            raise RequestRefused("INVALID_REQUEST", "Trading account is not authorized")
        if isinstance(message, TRADING):
            try:
                executions = self._desk.execute(message)
            except RequestRefused as refusal:
                return Answered(reply(self._desk.refuse(message, refusal)))
            return Answered(self._desk.answer(executions), executions)
        answer = self._answer_session(message, session)
        if answer is None:
            answer = self._feed.answer(message, session)
        if answer is None:
            answer = self._catalogue.answer(message)
        if answer is None:
            answer = self._archive.answer(message)
        if answer is None:
            raise RequestRefused("UNSUPPORTED_MESSAGE", message.DESCRIPTOR.name)
        return Answered(answer, ends_sessions=isinstance(message, ProtoOARefreshTokenReq))

    def render_spot(self, quote: Quote, session: ClientSession) -> ProtoOASpotEvent | None:
        """Return the event of a quote for one client; None if it did not subscribe."""
        if quote.symbol_id not in session.spots:
            return None
        return self._feed.render_spot(quote, session)

    def symbol_changed(self) -> Message:
        """Return the event that says a contract changed."""
        return ProtoOASymbolChangedEvent(
            ctidTraderAccountId=self.account_id,
            symbolId=[self._exchange.contracts[0].symbol_id],
        )

    def _answer_session(self, message: Message, session: ClientSession) -> Answer | None:
        account = self._settings.account
        answered: Message
        match message:
            case ProtoOAVersionReq():
                answered = ProtoOAVersionRes(version=VERSION)
            case ProtoOAApplicationAuthReq():
                answered = self._authorise_application(message, session)
            case ProtoOAGetAccountListByAccessTokenReq():
                answered = self._list_accounts(message.accessToken)
            case ProtoOAGetCtidProfileByTokenReq():
                self._check_token(message.accessToken)
                profile = ProtoOACtidProfile(userId=USER_ID)
                answered = ProtoOAGetCtidProfileByTokenRes(profile=profile)
            case ProtoOAAccountAuthReq():
                answered = self._authorise_account(message, session)
            case ProtoOAAccountLogoutReq():
                session.forget_account()
                answered = ProtoOAAccountLogoutRes(ctidTraderAccountId=account.account_id)
            case ProtoOARefreshTokenReq():
                answered = self._renew_token(message.refreshToken)
            case _:
                return None
        return reply(answered)

    def _authorise_application(
        self, message: ProtoOAApplicationAuthReq, session: ClientSession
    ) -> Message:
        if session.is_application_authorised:
            raise RequestRefused("CH_CLIENT_ALREADY_AUTHENTICATED", "")
        asked = (message.clientId, message.clientSecret)
        if asked != (self.keys.client_id, self.keys.client_secret):
            raise RequestRefused("CH_CLIENT_AUTH_FAILURE", "clientId or clientSecret is incorrect")
        session.is_application_authorised = True
        return ProtoOAApplicationAuthRes()

    def _check_token(self, access_token: str) -> None:
        if access_token != self.keys.access_token:
            raise RequestRefused("CH_ACCESS_TOKEN_INVALID", "Invalid access token")

    def _list_accounts(self, access_token: str) -> Message:
        self._check_token(access_token)
        account = self._settings.account
        listed = ProtoOACtidTraderAccount(
            ctidTraderAccountId=account.account_id,
            isLive=account.is_live,
            traderLogin=account.login,
            brokerTitleShort=account.broker,
        )
        return ProtoOAGetAccountListByAccessTokenRes(
            accessToken=access_token,
            permissionScope=SCOPE_TRADE if account.can_trade else SCOPE_VIEW,
            ctidTraderAccount=[] if self._settings.account_list_is_empty else [listed],
        )

    def _authorise_account(self, message: ProtoOAAccountAuthReq, session: ClientSession) -> Message:
        self._check_token(message.accessToken)
        account_id = self._settings.account.account_id
        if self._settings.is_wrong_host:
            raise RequestRefused("CANT_ROUTE_REQUEST", "Cannot route request")
        if message.ctidTraderAccountId != account_id:
            raise RequestRefused("CH_CTID_TRADER_ACCOUNT_NOT_FOUND", "No such account")
        if session.is_account_authorised:
            raise RequestRefused("ALREADY_LOGGED_IN", "Trading account is already authorized")
        session.is_account_authorised = True
        return ProtoOAAccountAuthRes(ctidTraderAccountId=account_id)

    def _renew_token(self, refresh_token: str) -> Message:
        """Replace both tokens; the old pair is dead at once."""
        if refresh_token != self.keys.refresh_token:
            raise RequestRefused("CH_ACCESS_TOKEN_INVALID", "Invalid refresh token")
        fresh = make_keys(self.keys.client_id)
        self.keys.access_token = fresh.access_token
        self.keys.refresh_token = fresh.refresh_token
        return ProtoOARefreshTokenRes(
            accessToken=fresh.access_token,
            tokenType="bearer",
            expiresIn=self._settings.token_lifetime_s,
            refreshToken=fresh.refresh_token,
        )

    def void_tokens(self, *, is_final: bool) -> None:
        """Let the access token die; with `is_final` the one that renews it as well."""
        fresh = make_keys(self.keys.client_id)
        self.keys.access_token = fresh.access_token
        if is_final:
            self.keys.refresh_token = fresh.refresh_token

    def push(self, executions: tuple[Execution, ...]) -> tuple[Outgoing, ...]:
        """Return what a client hears that did not ask."""
        return self._desk.push(executions)
