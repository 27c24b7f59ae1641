"""How a session opens, ends, and is renewed."""

import pytest

from harness.scripted_broker import (
    ACCOUNT,
    CONVERSION_SYMBOL,
    MYR,
    NOON,
    PALM,
    SYMBOL,
    WALL,
    ScriptedBroker,
    make_spot,
    make_symbol,
    make_trader,
)
from palmbot.ctrader.generated import account_messages_pb2 as account_messages
from palmbot.ctrader.generated.entities_pb2 import ProtoOACtidTraderAccount, ProtoOALightSymbol
from palmbot.ctrader.generated.enums_pb2 import CLOSE_ONLY_MODE, NETTED, NO_TRADING, SCOPE_VIEW
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASubscribeSpotsReq
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAAccountDisconnectEvent,
    ProtoOAAccountsTokenInvalidatedEvent,
    ProtoOAApplicationAuthReq,
    ProtoOAClientDisconnectEvent,
    ProtoOAErrorRes,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOAGetAccountListByAccessTokenRes,
)
from palmbot.domain.errors import (
    AccountUnsuitable,
    ConfigInvalid,
    ConnectionLost,
    ProtocolViolation,
)
from palmbot.domain.events import (
    AccountChanged,
    ExecutionUnreadable,
    LinkReady,
    SymbolChanged,
)
from palmbot.domain.market import ConversionLeg, Tick, TradingMode
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId

OPENING = [
    "ApplicationAuthReq",
    "GetAccountListByAccessTokenReq",
    "AccountAuthReq",
    "TraderReq",
    "AssetListReq",
    "SymbolsListReq",
    "SymbolByIdReq",
    "SubscribeSpotsReq",
]


def list_accounts(*accounts: ProtoOACtidTraderAccount, scope: int = 1):
    return ProtoOAGetAccountListByAccessTokenRes(
        accessToken="token", permissionScope=scope, ctidTraderAccount=accounts
    )


def test_the_session_opens_step_by_step_and_reports_account_and_contract():
    broker = ScriptedBroker().open()
    assert broker.asked() == OPENING
    (ready,) = broker.events
    assert isinstance(ready, LinkReady)
    assert ready.generation == 1
    assert (ready.account.account_id, ready.account.login) == (ACCOUNT, 555)
    assert (ready.account.currency, ready.account.balance) == ("USD", 10_000 * 10**8)
    assert ready.account.can_trade
    assert (ready.symbol.symbol_id, ready.symbol.name) == (SYMBOL, "PALMOIL")
    assert (ready.symbol.digits, ready.symbol.price_step) == (2, 1000)
    assert ready.symbol.stop_distance_min == 20_000
    assert ready.symbol.leverage == 10.0
    assert ready.conversion == ()
    assert broker.client.is_ready
    assert broker.client.open_requests == 0


def test_every_auth_reply_is_waited_for_before_the_next_request():
    broker = ScriptedBroker()
    broker.answers[ProtoOAApplicationAuthReq] = None
    broker.open()
    broker.advance(5)
    assert broker.asked() == ["ApplicationAuthReq"]
    assert broker.client.open_requests == 1


def test_no_answer_to_a_subscription_ends_the_connection_instead_of_waiting_for_quotes():
    broker = ScriptedBroker()
    broker.answers[ProtoOASubscribeSpotsReq] = None
    broker.open()
    assert not broker.client.is_ready
    with pytest.raises(ConnectionLost, match="ProtoOASubscribeSpotsReq in time"):
        broker.advance(11)


@pytest.mark.parametrize(
    ("request_class", "code"),
    [
        (ProtoOAApplicationAuthReq, "CH_CLIENT_ALREADY_AUTHENTICATED"),
        (ProtoOAAccountAuthReq, "ALREADY_LOGGED_IN"),
        (ProtoOASubscribeSpotsReq, "ALREADY_SUBSCRIBED"),
    ],
)
def test_a_refusal_because_it_is_already_so_counts_as_success(request_class, code):
    broker = ScriptedBroker()
    broker.answers[request_class] = ProtoOAErrorRes(errorCode=code)
    broker.open()
    assert broker.client.is_ready


def test_the_wrong_environment_is_explained_before_the_account_is_asked_for():
    broker = ScriptedBroker()
    broker.answers[ProtoOAGetAccountListByAccessTokenReq] = list_accounts(
        ProtoOACtidTraderAccount(ctidTraderAccountId=ACCOUNT, isLive=True)
    )
    with pytest.raises(ConfigInvalid, match="LIVE account, but the environment is demo"):
        broker.open()
    assert "AccountAuthReq" not in broker.asked()


def test_a_demo_account_is_refused_in_the_live_environment():
    with pytest.raises(ConfigInvalid, match="DEMO account, but the environment is live"):
        ScriptedBroker(environment=Environment.LIVE).open()


def test_a_login_in_place_of_the_account_id_is_explained():
    with pytest.raises(ConfigInvalid, match=f"set CTRADER_ACCOUNT_ID={ACCOUNT}"):
        ScriptedBroker(account_id=AccountId(555)).open()


def test_an_account_the_token_does_not_open_is_refused_with_those_it_opens():
    with pytest.raises(ConfigInvalid, match=f"it opens {ACCOUNT}"):
        ScriptedBroker(account_id=AccountId(99)).open()


def test_an_empty_account_list_is_a_fault_that_passes():
    broker = ScriptedBroker()
    broker.answers[ProtoOAGetAccountListByAccessTokenReq] = list_accounts()
    with pytest.raises(ConnectionLost):
        broker.open()


def test_a_token_that_may_only_view_connects_but_cannot_trade():
    broker = ScriptedBroker()
    broker.answers[ProtoOAGetAccountListByAccessTokenReq] = list_accounts(
        ProtoOACtidTraderAccount(ctidTraderAccountId=ACCOUNT), scope=SCOPE_VIEW
    )
    (ready,) = broker.open().events
    assert not ready.account.can_trade


def test_an_account_without_trading_rights_connects_but_cannot_trade():
    broker = ScriptedBroker()
    trader = make_trader(accessRights=NO_TRADING)
    broker.answers[account_messages.ProtoOATraderReq] = account_messages.ProtoOATraderRes(
        ctidTraderAccountId=ACCOUNT, trader=trader
    )
    (ready,) = broker.open().events
    assert not ready.account.can_trade


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"accountType": NETTED}, "only hedged"), ({"isLimitedRisk": True}, "limited-risk")],
)
def test_an_account_of_a_kind_we_do_not_serve_is_refused(changes, reason):
    broker = ScriptedBroker()
    broker.answers[account_messages.ProtoOATraderReq] = account_messages.ProtoOATraderRes(
        ctidTraderAccountId=ACCOUNT, trader=make_trader(**changes)
    )
    with pytest.raises(AccountUnsuitable, match=reason):
        broker.open()


def test_a_symbol_is_never_substituted_and_near_names_are_shown():
    with pytest.raises(ConfigInvalid, match=r"no symbol 'PALM'; it has PALMOIL"):
        ScriptedBroker(symbol_name="PALM").open()


def test_raw_sugar_is_not_taken_for_palm_oil():
    broker = ScriptedBroker(symbol_name="FCPO")
    with pytest.raises(ConfigInvalid, match="no symbol 'FCPO' and none like it"):
        broker.open()
    assert "SymbolByIdReq" not in broker.asked()


def test_an_explicit_alias_is_accepted():
    (ready,) = ScriptedBroker(symbol_name="FCPO", symbol_aliases=("PALMOIL",)).open().events
    assert ready.symbol.name == "PALMOIL"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"digits": 6}, "6 decimals"),
        ({"lotSize": 0}, "lotSize"),
        ({"minVolume": 0}, "minVolume"),
        ({"stepVolume": 0}, "stepVolume"),
        ({"maxVolume": 0}, "maxVolume"),
        ({"scheduleTimeZone": "Mars/Olympus"}, "no known zone"),
        ({"scheduleTimeZone": ""}, "no known zone"),
        ({"distanceSetIn": 2}, "per cent"),
    ],
)
def test_missing_metadata_of_the_contract_is_refused_and_nothing_is_assumed(changes, reason):
    broker = ScriptedBroker()
    broker.answers[account_messages.ProtoOASymbolByIdReq] = account_messages.ProtoOASymbolByIdRes(
        ctidTraderAccountId=ACCOUNT, symbol=[make_symbol(**changes)]
    )
    with pytest.raises(AccountUnsuitable, match=reason):
        broker.open()


def test_digits_have_no_default_so_a_symbol_without_them_does_not_open_the_session():
    broker = ScriptedBroker()
    wire_symbol = make_symbol()
    wire_symbol.ClearField("digits")
    reply = account_messages.ProtoOASymbolByIdRes(ctidTraderAccountId=ACCOUNT, symbol=[wire_symbol])
    broker.answers[account_messages.ProtoOASymbolByIdReq] = None
    broker.open()
    with pytest.raises(ConnectionLost, match="digits"):
        broker.push_payload(2117, reply.SerializePartialToString(), "r7")


def test_a_close_only_contract_connects_so_that_positions_can_be_managed():
    broker = ScriptedBroker()
    broker.answers[account_messages.ProtoOASymbolByIdReq] = account_messages.ProtoOASymbolByIdRes(
        ctidTraderAccountId=ACCOUNT, symbol=[make_symbol(tradingMode=CLOSE_ONLY_MODE)]
    )
    (ready,) = broker.open().events
    assert ready.symbol.trading_mode is TradingMode.CLOSE_ONLY_MODE


def test_the_strictest_leverage_of_account_and_all_tiers_counts():
    broker = ScriptedBroker()
    broker.answers[account_messages.ProtoOASymbolByIdReq] = account_messages.ProtoOASymbolByIdRes(
        ctidTraderAccountId=ACCOUNT, symbol=[make_symbol(leverageId=5)]
    )
    (ready,) = broker.open().events
    assert ready.symbol.leverage == 5.0


def quote_in_ringgit(broker: ScriptedBroker) -> None:
    light = ProtoOALightSymbol(
        symbolId=SYMBOL, symbolName="PALMOIL", baseAssetId=PALM, quoteAssetId=MYR
    )
    broker.answers[account_messages.ProtoOASymbolsListReq] = account_messages.ProtoOASymbolsListRes(
        ctidTraderAccountId=ACCOUNT, symbol=[light]
    )


def test_a_contract_in_another_currency_brings_its_conversion_and_its_quotes():
    broker = ScriptedBroker()
    quote_in_ringgit(broker)
    (ready,) = broker.open().events
    leg = ConversionLeg(symbol_id=CONVERSION_SYMBOL, name="USDMYR", is_inverted=True)
    assert ready.conversion == (leg,)
    subscribed = [
        each.message.symbolId[0]
        for each in broker.requests
        if isinstance(each.message, ProtoOASubscribeSpotsReq)
    ]
    assert subscribed == [SYMBOL, CONVERSION_SYMBOL]


def test_conversion_symbols_that_do_not_lead_to_the_account_currency_are_refused():
    broker = ScriptedBroker()
    quote_in_ringgit(broker)
    chain = account_messages.ProtoOASymbolsForConversionRes(ctidTraderAccountId=ACCOUNT)
    broker.answers[account_messages.ProtoOASymbolsForConversionReq] = chain
    with pytest.raises(AccountUnsuitable, match="no way to convert"):
        broker.open()


def test_a_void_token_is_for_a_person_to_mend():
    broker = ScriptedBroker()
    broker.answers[ProtoOAGetAccountListByAccessTokenReq] = ProtoOAErrorRes(
        errorCode="CH_ACCESS_TOKEN_INVALID"
    )
    with pytest.raises(ConfigInvalid, match="palmbot login"):
        broker.open()


def test_wrong_credentials_are_for_a_person_to_mend():
    broker = ScriptedBroker()
    broker.answers[ProtoOAApplicationAuthReq] = ProtoOAErrorRes(
        errorCode="CH_CLIENT_AUTH_FAILURE", description="clientId or clientSecret is incorrect"
    )
    with pytest.raises(ConfigInvalid, match="not the trading login"):
        broker.open()


def test_an_unroutable_account_is_tried_again():
    broker = ScriptedBroker()
    broker.answers[ProtoOAAccountAuthReq] = ProtoOAErrorRes(errorCode="CANT_ROUTE_REQUEST")
    with pytest.raises(ConnectionLost, match=r"no fault of the token.*CANT_ROUTE_REQUEST"):
        broker.open()


def test_an_answer_of_another_type_is_a_violation():
    broker = ScriptedBroker()
    broker.answers[ProtoOAAccountAuthReq] = list_accounts()
    with pytest.raises(ProtocolViolation, match="was answered by"):
        broker.open()


def test_quotes_before_the_session_is_open_follow_it():
    broker = ScriptedBroker()
    broker.answers[ProtoOASubscribeSpotsReq] = None
    broker.open()
    broker.push(make_spot(bid=1000, timestamp=NOON))
    broker.push(make_spot(ask=2000, timestamp=NOON + 1))
    assert broker.events == []
    reply = ScriptedBroker().answers[ProtoOASubscribeSpotsReq]
    broker.push(reply, client_msg_id="r8")
    ready, tick = broker.events
    assert isinstance(ready, LinkReady)
    assert tick == Tick(symbol_id=SYMBOL, time=NOON + 1, bid=1000, ask=2000)


def test_a_heartbeat_leaves_every_ten_seconds_whatever_else_is_sent():
    broker = ScriptedBroker().open_with_quote()
    sent_s = []
    for _ in range(40):
        broker.advance(1)
        broker.client.order_budget(broker.now_s)
        broker.push(make_spot(bid=100_000_000, ask=100_100_000))
        if broker.server._heard_s == broker.now_s:  # noqa: SLF001 - what arrived when
            sent_s.append(broker.now_s)
    assert sent_s == [10.0, 20.0, 30.0, 40.0]


def test_sixty_seconds_of_silence_end_the_connection():
    broker = ScriptedBroker().open_with_quote()
    broker.advance(59)
    with pytest.raises(ConnectionLost, match="no byte from the broker for 60 s"):
        broker.advance(2)


def test_the_opening_as_a_whole_has_a_deadline():
    broker = ScriptedBroker()
    broker.answers[ProtoOAAccountAuthReq] = ProtoOAErrorRes(
        errorCode="REQUEST_FREQUENCY_EXCEEDED", retryAfter=20
    )
    broker.open()
    for _ in range(11):
        broker.push(make_spot(bid=1))
        broker.advance(5)
    with pytest.raises(ConnectionLost, match="did not open in time"):
        broker.advance(5)


def test_a_throttled_request_of_the_opening_is_repeated_when_the_broker_wants_it():
    broker = ScriptedBroker()
    refusal = ProtoOAErrorRes(errorCode="BLOCKED_PAYLOAD_TYPE", retryAfter=3)
    good = broker.answers[ProtoOAAccountAuthReq]
    answers = [refusal, good]
    broker.answers[ProtoOAAccountAuthReq] = lambda _: answers.pop(0)
    broker.open()
    assert not broker.client.is_ready
    broker.advance(2.9)
    assert broker.asked().count("AccountAuthReq") == 1
    broker.advance(0.2)
    assert broker.client.is_ready


def test_being_thrown_out_ends_the_connection_after_what_came_before_it():
    broker = ScriptedBroker().open_with_quote()
    spot = make_spot(bid=100_000_000, ask=100_200_000, timestamp=NOON + 9)
    broker.push(spot, ProtoOAClientDisconnectEvent(reason="maintenance"))
    (tick,) = broker.events
    assert tick.time == NOON + 9
    assert broker.client.deadline_s <= broker.now_s
    with pytest.raises(ConnectionLost, match="maintenance"):
        broker.client.advance(broker.now_s)


def test_a_void_token_of_our_account_ends_the_connection():
    broker = ScriptedBroker().open_with_quote()
    broker.push(ProtoOAAccountsTokenInvalidatedEvent(ctidTraderAccountIds=[7], reason="other"))
    with pytest.raises(ConnectionLost, match="revoked"):
        broker.push(
            ProtoOAAccountsTokenInvalidatedEvent(ctidTraderAccountIds=[ACCOUNT], reason="revoked")
        )


def test_a_dropped_account_session_is_renewed_on_the_same_connection():
    broker = ScriptedBroker().open_with_quote()
    broker.push(ProtoOAAccountDisconnectEvent(ctidTraderAccountId=ACCOUNT))
    assert broker.asked() == ["AccountAuthReq", "TraderReq", "SubscribeSpotsReq"]
    unreadable, changed = broker.events
    assert isinstance(unreadable, ExecutionUnreadable)
    assert isinstance(changed, AccountChanged)
    assert broker.client.is_ready


def test_no_order_can_leave_while_the_account_session_is_renewed():
    broker = ScriptedBroker().open_with_quote()
    broker.answers[ProtoOAAccountAuthReq] = None
    broker.push(ProtoOAAccountDisconnectEvent(ctidTraderAccountId=ACCOUNT))
    assert broker.client.order_budget(broker.now_s) == 0
    with pytest.raises(ConnectionLost):
        broker.order()
    assert "NewOrderReq" not in broker.asked()


def test_the_session_of_another_account_is_not_our_concern():
    broker = ScriptedBroker().open_with_quote()
    broker.push(ProtoOAAccountDisconnectEvent(ctidTraderAccountId=ACCOUNT + 1))
    assert broker.events == []
    assert broker.client.is_ready


def test_new_facts_of_the_account_keep_what_the_message_does_not_say():
    broker = ScriptedBroker().open_with_quote()
    broker.push(
        account_messages.ProtoOATraderUpdatedEvent(
            ctidTraderAccountId=ACCOUNT, trader=make_trader(balance=5, balanceVersion=8)
        )
    )
    (changed,) = broker.events
    assert changed.account.currency == "USD"
    assert (changed.account.balance, changed.account.balance_version) == (5_000_000, 8)


def test_only_a_change_of_our_own_contract_is_reported():
    broker = ScriptedBroker().open_with_quote()
    broker.push(
        account_messages.ProtoOASymbolChangedEvent(ctidTraderAccountId=ACCOUNT, symbolId=[5])
    )
    assert broker.events == []
    broker.push(
        account_messages.ProtoOASymbolChangedEvent(ctidTraderAccountId=ACCOUNT, symbolId=[SYMBOL])
    )
    assert isinstance(broker.events[0], SymbolChanged)


def test_unknown_payload_types_are_counted_and_ignored():
    broker = ScriptedBroker().open_with_quote()
    broker.push_payload(2999, b"whatever")
    assert broker.events == []
    assert broker.client.tally.unknown_payloads == 1


def test_broken_framing_ends_the_connection():
    broker = ScriptedBroker().open_with_quote()
    with pytest.raises(ProtocolViolation):
        broker.client.receive(b"\xff\xff\xff\xff", broker.now_s, WALL)
    with pytest.raises(ProtocolViolation):
        broker.client.advance(broker.now_s)


def test_a_connection_is_opened_once():
    broker = ScriptedBroker().open()
    with pytest.raises(ValueError, match="once"):
        broker.client.open(0.0)


def test_secrets_do_not_show_in_errors():
    broker = ScriptedBroker()
    broker.answers[ProtoOAApplicationAuthReq] = ProtoOAErrorRes(errorCode="CH_CLIENT_AUTH_FAILURE")
    with pytest.raises(ConfigInvalid) as caught:
        broker.open()
    assert "secret" not in str(caught.value).replace("CLIENT_SECRET", "")
