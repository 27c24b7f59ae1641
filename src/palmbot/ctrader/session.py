"""How a session is opened, step by step, each reply awaited before the next request."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import Message

from palmbot.ctrader.conversation import Procedure, R, ask
from palmbot.ctrader.errors import ErrorClass, classify
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetListReq,
    ProtoOAAssetListRes,
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
    ProtoOACtidTraderAccount,
    ProtoOALightSymbol,
    ProtoOASymbol,
    ProtoOATrader,
)
from palmbot.ctrader.generated.enums_pb2 import SCOPE_TRADE
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOASubscribeSpotsReq,
    ProtoOASubscribeSpotsRes,
)
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAAccountAuthRes,
    ProtoOAApplicationAuthReq,
    ProtoOAApplicationAuthRes,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetAccountListByAccessTokenRes,
)
from palmbot.ctrader.tokens import RenewedTokens, explain_refusal, renew_tokens
from palmbot.ctrader.translate import LEVERAGE_SCALE, account_digits, to_account, to_symbol
from palmbot.domain.errors import (
    AccountUnsuitable,
    ConfigInvalid,
    ConnectionLost,
    RequestRefused,
    TokenRefused,
)
from palmbot.domain.market import Account, AccountKind, ConversionLeg, Symbol
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId, SymbolId

NEAR_MATCHES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What opens the session."""

    client_id: str
    client_secret: Secret
    access_token: Secret
    renew_with: Secret | None = None
    """Refresh token to use before anything else, because the access token is not good any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the session is for."""

    environment: Environment
    account_id: AccountId
    symbol_name: str
    """Exact name at the broker; never substituted."""
    symbol_aliases: tuple[str, ...] = ()
    """Other exact names that are accepted, in order of preference."""
    broker: str = ""
    """Name that the list of accounts has to show; empty for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an open session knows."""

    account: Account
    money_digits: int
    symbol: Symbol
    conversion: tuple[ConversionLeg, ...]


def open_session(credentials: Credentials, target: Target) -> Procedure[Opened]:
    """Authorise, read account and contract, subscribe to quotes.

    Raises:
        ConfigInvalid: credentials, account or symbol are wrong in a way no retry can mend.
        AccountUnsuitable: an account or contract of a kind the bot does not serve.
        ConnectionLost: refused for a reason that may pass.
    """
    try:
        return (yield from _open(credentials, target))
    except RequestRefused as e:
        raise explain(e) from e


def renew_tokens_first(credentials: Credentials, refresh_token: Secret) -> Procedure[RenewedTokens]:
    """Renew the tokens on a fresh connection, before any of them opens the account.

    Raises:
        ConfigInvalid, ConnectionLost: see `open_session`; `TokenRefused` if a person is needed.
    """
    try:
        yield from authorise_application(credentials)
    except RequestRefused as e:
        raise explain(e) from e
    try:
        return (yield from renew_tokens(refresh_token))
    except RequestRefused as e:
        raise (explain_refusal(e) or explain(e)) from e


def renew_session(credentials: Credentials, target: Target, known: Opened) -> Procedure[Account]:
    """Authorise the account again on the same connection and subscribe again.

    Raises:
        ConfigInvalid, ConnectionLost: see `open_session`.
    """
    try:
        yield from _authorise_account(credentials, target)
        trader = yield from _read_trader(target.account_id)
        yield from _subscribe(target.account_id, known.symbol, known.conversion)
    except RequestRefused as e:
        raise explain(e) from e
    return to_account(
        trader,
        is_live=known.account.is_live,
        has_trade_scope=known.account.can_trade,
        currency=known.account.currency,
    )


def _open(credentials: Credentials, target: Target) -> Procedure[Opened]:
    account, trader, assets = yield from open_account(credentials, target)
    _check_account(account)
    light = yield from _find_symbol(target)
    quote_asset = assets.get(light.quoteAssetId)
    if quote_asset is None:
        raise AccountUnsuitable(f"the broker does not say in what {light.symbolName} is quoted")
    wire_symbol = yield from _read_symbol(target.account_id, light)
    leverage = yield from _read_leverage(target.account_id, trader, wire_symbol)
    symbol = to_symbol(
        wire_symbol, name=light.symbolName, quote_asset=quote_asset, leverage=leverage
    )
    conversion: tuple[ConversionLeg, ...] = ()
    if light.quoteAssetId != trader.depositAssetId:
        conversion = yield from _read_conversion(
            target.account_id, light.quoteAssetId, trader.depositAssetId
        )
    yield from _subscribe(target.account_id, symbol, conversion)
    return Opened(
        account=account,
        money_digits=account_digits(trader),
        symbol=symbol,
        conversion=conversion,
    )


def authorise_application(credentials: Credentials) -> Procedure[None]:
    """Make the application known on this connection.

    Raises:
        RequestRefused: see `explain`.
    """
    yield from _ask_unless_done(
        ProtoOAApplicationAuthReq(
            clientId=credentials.client_id, clientSecret=credentials.client_secret.reveal()
        ),
        ProtoOAApplicationAuthRes,
    )


def open_account(
    credentials: Credentials, target: Target
) -> Procedure[tuple[Account, ProtoOATrader, dict[int, str]]]:
    """Authorise application and account; return its facts and the names of all assets by id.

    Raises:
        ConfigInvalid: the account is not one of the token's, or of the other environment.
        AccountUnsuitable: its currency is not known.
        ConnectionLost: the list of accounts came back empty, as it does during faults.
        RequestRefused: see `explain`.
    """
    yield from authorise_application(credentials)
    listed, has_trade_scope = yield from _find_account(credentials, target)
    yield from _authorise_account(credentials, target)
    trader = yield from _read_trader(target.account_id)
    assets = yield from _read_assets(target.account_id)
    deposit_asset = assets.get(trader.depositAssetId)
    if deposit_asset is None:
        raise AccountUnsuitable("the broker does not say in which currency the account is kept")
    account = to_account(
        trader, is_live=listed.isLive, has_trade_scope=has_trade_scope, currency=deposit_asset
    )
    return account, trader, assets


def _ask_unless_done(request: Message, reply_class: type[R]) -> Procedure[None]:
    """Ask; a refusal because it is already so counts as success."""
    try:
        yield from ask(request, reply_class)
    except RequestRefused as e:
        if classify(e.code, e.reason) is not ErrorClass.ALREADY_DONE:
            raise


def _find_account(
    credentials: Credentials, target: Target
) -> Procedure[tuple[ProtoOACtidTraderAccount, bool]]:
    """Return the account among those of the token, and whether the token may trade.

    The wrong host for the kind of account would be refused only later, by an error that
    reads like a bad token; here it can still be explained.
    """
    reply = yield from ask(
        ProtoOAGetAccountListByAccessTokenReq(accessToken=credentials.access_token.reveal()),
        ProtoOAGetAccountListByAccessTokenRes,
    )
    accounts = reply.ctidTraderAccount
    if not accounts:
        raise ConnectionLost("the broker lists no account for the access token; asking again")
    for account in accounts:
        if account.ctidTraderAccountId != target.account_id:
            continue
        if account.isLive is not (target.environment is Environment.LIVE):
            kind = "LIVE" if account.isLive else "DEMO"
            raise ConfigInvalid(
                f"account {target.account_id} is a {kind} account, but the environment is "
                f"{target.environment}: set CTRADER_ENVIRONMENT or CTRADER_ACCOUNT_ID"
            )
        if target.broker and account.brokerTitleShort != target.broker:
            raise ConfigInvalid(
                f"account {target.account_id} is kept by {account.brokerTitleShort!r}, but "
                f"[live] broker names {target.broker!r}: nothing was authorised"
            )
        return account, reply.permissionScope == SCOPE_TRADE
    for account in accounts:
        if account.traderLogin == target.account_id:
            raise ConfigInvalid(
                f"{target.account_id} is the login you see, not the account id of the API: "
                f"set CTRADER_ACCOUNT_ID={account.ctidTraderAccountId}"
            )
    known = ", ".join(str(account.ctidTraderAccountId) for account in accounts)
    raise ConfigInvalid(
        f"the access token does not open account {target.account_id}; it opens {known}: "
        "set CTRADER_ACCOUNT_ID to one of them, or choose anew with `palmbot login`"
    )


def _authorise_account(credentials: Credentials, target: Target) -> Procedure[None]:
    yield from _ask_unless_done(
        ProtoOAAccountAuthReq(
            ctidTraderAccountId=target.account_id, accessToken=credentials.access_token.reveal()
        ),
        ProtoOAAccountAuthRes,
    )


def _read_trader(account_id: AccountId) -> Procedure[ProtoOATrader]:
    reply = yield from ask(ProtoOATraderReq(ctidTraderAccountId=account_id), ProtoOATraderRes)
    return reply.trader


def _read_assets(account_id: AccountId) -> Procedure[dict[int, str]]:
    reply = yield from ask(ProtoOAAssetListReq(ctidTraderAccountId=account_id), ProtoOAAssetListRes)
    return {asset.assetId: asset.name for asset in reply.asset}


def _check_account(account: Account) -> None:
    """Refuse what the books of the bot cannot describe.

    Raises:
        AccountUnsuitable: with the reason.
    """
    if account.kind is not AccountKind.HEDGED:
        raise AccountUnsuitable(
            f"account {account.account_id} is of kind {account.kind.name}: only hedged accounts "
            "are served"
        )
    if account.is_limited_risk:
        raise AccountUnsuitable(
            f"account {account.account_id} is a limited-risk account, which wants guaranteed "
            "stops; that is not served"
        )


def _find_symbol(target: Target) -> Procedure[ProtoOALightSymbol]:
    """Return the symbol of exactly the name asked for; near ones are shown, never taken."""
    reply = yield from ask(
        ProtoOASymbolsListReq(ctidTraderAccountId=target.account_id), ProtoOASymbolsListRes
    )
    by_name = {symbol.symbolName: symbol for symbol in reply.symbol}
    for name in (target.symbol_name, *target.symbol_aliases):
        if name in by_name:
            return by_name[name]
    near = suggest_symbols(target.symbol_name, by_name)
    raise ConfigInvalid(
        f"the broker has no symbol {target.symbol_name!r}{near}: "
        "set the exact name under [broker] symbol"
    )


def suggest_symbols(name: str, known: Iterable[str]) -> str:
    """Return known names near `name`, compared without regard to case, as part of a sentence."""
    by_folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=NEAR_MATCHES, cutoff=0.5)
    near += [each for each in by_folded if name.casefold() in each and each not in near]
    if not near:
        return " and none like it"
    return "; it has " + ", ".join(by_folded[each] for each in near[:NEAR_MATCHES])


def _read_symbol(account_id: AccountId, light: ProtoOALightSymbol) -> Procedure[ProtoOASymbol]:
    reply = yield from ask(
        ProtoOASymbolByIdReq(ctidTraderAccountId=account_id, symbolId=[light.symbolId]),
        ProtoOASymbolByIdRes,
    )
    for symbol in reply.symbol:
        if symbol.symbolId == light.symbolId:
            return symbol
    raise AccountUnsuitable(f"the broker does not describe the contract of {light.symbolName}")


def _read_leverage(
    account_id: AccountId, trader: ProtoOATrader, symbol: ProtoOASymbol
) -> Procedure[float]:
    """Return the strictest of the account's leverage and every tier of the symbol's.

    The strictest tier, whatever its volume: exposure is then never granted too freely. Tiers
    count in hundredths like the account (seen on live servers, not in the documentation).
    """
    known = [trader.leverageInCents]
    if symbol.leverageId:
        reply = yield from ask(
            ProtoOAGetDynamicLeverageByIDReq(
                ctidTraderAccountId=account_id, leverageId=symbol.leverageId
            ),
            ProtoOAGetDynamicLeverageByIDRes,
        )
        known += [tier.leverage for tier in reply.leverage.tiers]
    return min((each for each in known if each > 0), default=0) / LEVERAGE_SCALE


def _read_conversion(
    account_id: AccountId, quote_asset_id: int, deposit_asset_id: int
) -> Procedure[tuple[ConversionLeg, ...]]:
    """Return the way from the quote asset to the currency of the account.

    Raises:
        AccountUnsuitable: the symbols the broker names do not lead there.
    """
    reply = yield from ask(
        ProtoOASymbolsForConversionReq(
            ctidTraderAccountId=account_id,
            firstAssetId=quote_asset_id,
            lastAssetId=deposit_asset_id,
        ),
        ProtoOASymbolsForConversionRes,
    )
    legs: list[ConversionLeg] = []
    reached = quote_asset_id
    for symbol in reply.symbol:
        if reached not in {symbol.baseAssetId, symbol.quoteAssetId}:
            break
        is_inverted = symbol.quoteAssetId == reached
        reached = symbol.baseAssetId if is_inverted else symbol.quoteAssetId
        legs.append(
            ConversionLeg(
                symbol_id=SymbolId(symbol.symbolId),
                name=symbol.symbolName,
                is_inverted=is_inverted,
            )
        )
    if reached != deposit_asset_id:
        raise AccountUnsuitable(
            "the broker names no way to convert the quote currency into that of the account"
        )
    return tuple(legs)


def _subscribe(
    account_id: AccountId, symbol: Symbol, conversion: tuple[ConversionLeg, ...]
) -> Procedure[None]:
    """Subscribe to the quotes of all symbols, one by one.

    One by one, because "already subscribed" for one of several would not say which.
    """
    for symbol_id in dict.fromkeys((symbol.symbol_id, *(leg.symbol_id for leg in conversion))):
        yield from _ask_unless_done(
            ProtoOASubscribeSpotsReq(
                ctidTraderAccountId=account_id,
                symbolId=[symbol_id],
                subscribeToSpotTimestamp=True,
            ),
            ProtoOASubscribeSpotsRes,
        )


CANT_ROUTE = "CANT_ROUTE_REQUEST"

_CREDENTIALS = (
    "the broker refuses the credentials: CTRADER_CLIENT_ID and CTRADER_CLIENT_SECRET are those of "
    "the API application, not the trading login, and the application must be active"
)
_WRONG_HOST = (
    "this host does not know the way to the account, which is no fault of the token: a DEMO "
    "account is asked for at LIVE or the other way round (`palmbot accounts` shows its kind, "
    "CTRADER_ENVIRONMENT chooses), or the broker has a fault"
)


def explain(refused: RequestRefused) -> ConfigInvalid | ConnectionLost:
    """Return what a refusal during the opening means: worth another try or not."""
    family = classify(refused.code, refused.reason)
    if family is ErrorClass.TOKEN:
        return TokenRefused(
            f"the access token is not accepted ({refused}): get a new one with `palmbot login`"
        )
    if family is ErrorClass.FATAL_CONFIGURATION:
        return ConfigInvalid(f"{_CREDENTIALS} ({refused})")
    if refused.code == CANT_ROUTE:
        # The list of accounts has shown that the kind is right, so it can only pass.
        return ConnectionLost(f"{_WRONG_HOST} ({refused}); asking again")
    return ConnectionLost(f"the session could not be opened: {refused}")
