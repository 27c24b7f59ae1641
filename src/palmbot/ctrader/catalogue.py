"""Questions a person asks before trading: which accounts, which symbols, what contract."""

from collections.abc import Iterable
from dataclasses import dataclass

from palmbot.ctrader.conversation import Procedure, ask
from palmbot.ctrader.errors import ErrorClass, classify
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetListReq,
    ProtoOAAssetListRes,
    ProtoOAExpectedMarginReq,
    ProtoOAExpectedMarginRes,
    ProtoOASymbolByIdReq,
    ProtoOASymbolByIdRes,
    ProtoOASymbolsListReq,
    ProtoOASymbolsListRes,
)
from palmbot.ctrader.generated.entities_pb2 import ProtoOASymbol
from palmbot.ctrader.generated.enums_pb2 import SCOPE_TRADE
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOASubscribeSpotsReq,
    ProtoOASubscribeSpotsRes,
)
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetAccountListByAccessTokenRes,
    ProtoOAVersionReq,
    ProtoOAVersionRes,
)
from palmbot.ctrader.session import (
    Credentials,
    Target,
    authorise_application,
    explain,
    open_account,
    suggest_symbols,
)
from palmbot.ctrader.translate import to_hours
from palmbot.domain.errors import InputInvalid, RequestRefused
from palmbot.domain.market import Account, TradingHours, TradingMode
from palmbot.domain.units import VOLUME_SCALE, AccountId, SymbolId

MONEY_DIGITS_USUAL = 2
DETAILS_MAX = 50
"""Contracts described in one request: a frame of a whole broker's list could be megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """One account that the access token opens. Source: ProtoOACtidTraderAccount."""

    account_id: int
    """The number for CTRADER_ACCOUNT_ID."""
    login: int
    """The number that cTrader shows."""
    broker: str
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountList:
    """What the access token opens."""

    accounts: tuple[ListedAccount, ...]
    """In the broker's order."""
    can_trade: bool
    """False: the token has the scope to view only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSymbol:
    """One symbol of the broker. Source: ProtoOALightSymbol."""

    symbol_id: int
    name: str
    description: str
    quote_asset: str
    """Currency of its price; empty if the broker does not say."""
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one symbol is, as far as prices and sizes are concerned. Source: ProtoOASymbol."""

    symbol_id: SymbolId
    quote_asset: str
    """Currency of the price; empty if the broker does not say."""
    digits: int
    """Decimals of a price."""
    lot_units: float
    """Units of the base asset in one lot; the next three count such units as well."""
    units_min: float
    units_step: float
    units_max: float
    trading_mode: str
    hours: TradingHours


def list_accounts(credentials: Credentials) -> Procedure[AccountList]:
    """Return the accounts of the access token; no account is authorised for that.

    Raises:
        ConfigInvalid: credentials or token are refused.
        ConnectionLost: refused for a reason that may pass.
    """
    try:
        yield from authorise_application(credentials)
        reply = yield from ask(
            ProtoOAGetAccountListByAccessTokenReq(accessToken=credentials.access_token.reveal()),
            ProtoOAGetAccountListByAccessTokenRes,
        )
    except RequestRefused as e:
        raise explain(e) from e
    return AccountList(
        accounts=tuple(
            ListedAccount(
                account_id=each.ctidTraderAccountId,
                login=each.traderLogin,
                broker=each.brokerTitleShort,
                is_live=each.isLive,
            )
            for each in reply.ctidTraderAccount
        ),
        can_trade=reply.permissionScope == SCOPE_TRADE,
    )


def enter_account(credentials: Credentials, target: Target) -> Procedure[Account]:
    """Authorise application and account for the questions that follow; return the account.

    Raises:
        ConfigInvalid, AccountUnsuitable, ConnectionLost: see `session.open_account`.
    """
    try:
        account, _, _ = yield from open_account(credentials, target)
    except RequestRefused as e:
        raise explain(e) from e
    return account


def list_symbols(account_id: AccountId) -> Procedure[tuple[ListedSymbol, ...]]:
    """Return every symbol that the account sees, by name.

    Raises:
        RequestRefused, RequestTimedOut: ask again later.
    """
    assets = yield from ask(
        ProtoOAAssetListReq(ctidTraderAccountId=account_id), ProtoOAAssetListRes
    )
    names = {each.assetId: each.name for each in assets.asset}
    reply = yield from ask(
        ProtoOASymbolsListReq(ctidTraderAccountId=account_id), ProtoOASymbolsListRes
    )
    listed = (
        ListedSymbol(
            symbol_id=each.symbolId,
            name=each.symbolName,
            description=each.description,
            quote_asset=names.get(each.quoteAssetId, ""),
            is_enabled=each.enabled,
        )
        for each in reply.symbol
    )
    return tuple(sorted(listed, key=lambda each: each.name))


def describe_symbols(
    account_id: AccountId, symbols: Iterable[ListedSymbol]
) -> Procedure[dict[int, Contract]]:
    """Return the contracts of the first `DETAILS_MAX` symbols by id.

    Raises:
        AccountUnsuitable: trading hours in a time zone that this machine does not know.
        RequestRefused, RequestTimedOut: ask again later.
    """
    listed = {each.symbol_id: each for each in symbols}
    asked = list(listed)[:DETAILS_MAX]
    if not asked:
        return {}
    reply = yield from ask(
        ProtoOASymbolByIdReq(ctidTraderAccountId=account_id, symbolId=asked), ProtoOASymbolByIdRes
    )
    return {
        each.symbolId: _to_contract(each, listed[each.symbolId])
        for each in reply.symbol
        if each.symbolId in listed
    }


def find_contract(account_id: AccountId, name: str) -> Procedure[Contract]:
    """Return the contract of exactly this name, subscribed to, so that a quote tells the time.

    Raises:
        InputInvalid: there is none; near names are shown, never taken.
        AccountUnsuitable, RequestRefused, RequestTimedOut: see `describe_symbols`.
    """
    symbols = yield from list_symbols(account_id)
    found = [each for each in symbols if each.name == name]
    if not found:
        near = suggest_symbols(name, (each.name for each in symbols))
        raise InputInvalid(
            f"the broker has no symbol {name!r}{near}: give the exact name, "
            "`palmbot symbols` lists them"
        )
    contracts = yield from describe_symbols(account_id, found[:1])
    contract = contracts.get(found[0].symbol_id)
    if contract is None:
        raise InputInvalid(f"the broker does not describe the contract of {name!r}")
    try:
        yield from ask(
            ProtoOASubscribeSpotsReq(
                ctidTraderAccountId=account_id,
                symbolId=[contract.symbol_id],
                subscribeToSpotTimestamp=True,
            ),
            ProtoOASubscribeSpotsRes,
        )
    except RequestRefused as e:
        # A symbol that is not quoted any more may still have a history.
        if classify(e.code, e.reason) in {ErrorClass.TRANSIENT_LINK, ErrorClass.THROTTLE}:
            raise
    return contract


def expect_margin(account_id: AccountId, contract: Contract) -> Procedure[float]:
    """Return what the broker would hold for the smallest order, in the account's currency.

    Raises:
        InputInvalid: it does not say.
        RequestRefused, RequestTimedOut: ask again later.
    """
    reply = yield from ask(
        ProtoOAExpectedMarginReq(
            ctidTraderAccountId=account_id,
            symbolId=contract.symbol_id,
            volume=[round(contract.units_min * VOLUME_SCALE)],
        ),
        ProtoOAExpectedMarginRes,
    )
    margins = [max(each.buyMargin, each.sellMargin) for each in reply.margin]
    if not margins:
        raise InputInvalid("the broker does not say what margin the smallest order needs")
    digits = reply.moneyDigits if reply.HasField("moneyDigits") else MONEY_DIGITS_USUAL
    return margins[0] / 10.0**digits


def read_version() -> Procedure[str]:
    """Return the version of the API. Whatever the broker sent before its answer is here by then.

    Raises:
        RequestRefused, RequestTimedOut: ask again later.
    """
    reply = yield from ask(ProtoOAVersionReq(), ProtoOAVersionRes)
    return reply.version


def _to_contract(symbol: ProtoOASymbol, listed: ListedSymbol) -> Contract:
    return Contract(
        symbol_id=SymbolId(symbol.symbolId),
        quote_asset=listed.quote_asset,
        digits=symbol.digits,
        lot_units=symbol.lotSize / VOLUME_SCALE,
        units_min=symbol.minVolume / VOLUME_SCALE,
        units_step=symbol.stepVolume / VOLUME_SCALE,
        units_max=symbol.maxVolume / VOLUME_SCALE,
        trading_mode=TradingMode(symbol.tradingMode).name,
        hours=to_hours(symbol, listed.name),
    )
