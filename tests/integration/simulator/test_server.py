"""The simulated server over real TLS, asked by a client with its own framing."""

import pytest

from harness import wire
from harness.small_market import DAY, MONDAY, OIL, price
from harness.tiny_client import TinyClient, connected, in_loop, running_server, until
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetListReq,
    ProtoOAExpectedMarginReq,
    ProtoOAGetDynamicLeverageByIDReq,
    ProtoOASymbolByIdReq,
    ProtoOASymbolsForConversionReq,
    ProtoOASymbolsListReq,
)
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAAmendPositionSLTPReq,
    ProtoOACancelOrderReq,
    ProtoOAClosePositionReq,
    ProtoOADealListByPositionIdReq,
    ProtoOADealListReq,
    ProtoOAGetPositionUnrealizedPnLReq,
    ProtoOAOrderDetailsReq,
    ProtoOAOrderListReq,
    ProtoOAReconcileReq,
)
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOAGetTickDataReq,
    ProtoOAGetTrendbarsReq,
    ProtoOASubscribeDepthQuotesReq,
    ProtoOASubscribeLiveTrendbarReq,
    ProtoOASubscribeSpotsReq,
)
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountAuthReq,
    ProtoOAApplicationAuthReq,
    ProtoOAGetAccountListByAccessTokenReq,
    ProtoOARefreshTokenReq,
    ProtoOAVersionReq,
)
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MONEY_SCALE
from palmbot.simulator.contracts import FCPO, USDMYR
from palmbot.simulator.model import make_market
from palmbot.simulator.settings import AccountSettings

SPOT, EXECUTION, ORDER_ERROR, ERROR, MARGIN_CHANGED = 2131, 2126, 2132, 2142, 2141
ACCEPTED, FILLED, PARTIAL, REPLACED, CANCELLED, SWAP, REJECTED = 2, 3, 11, 4, 5, 9, 7


def kinds(received):
    """Return the execution types among what was received."""
    return [each.message.executionType for each in received if each.payload_type == EXECUTION]


@in_loop
async def test_a_session_is_opened_step_by_step_and_replies_echo_the_id(tmp_path):
    async with running_server(tmp_path) as (_, endpoint, _):
        client = await TinyClient.connect(endpoint)
        assert (await client.ask(ProtoOAVersionReq())).payload_type == 2105
        application = ProtoOAApplicationAuthReq(
            clientId=endpoint.client_id, clientSecret=endpoint.client_secret.reveal()
        )
        client.send(application, "abc")
        reply = await client.receive()
        assert (reply.payload_type, reply.client_msg_id) == (2101, "abc")
        again = await client.ask(application)
        assert again.message.errorCode == "CH_CLIENT_ALREADY_AUTHENTICATED"
        token = endpoint.access_token.reveal()
        listed = await client.ask(ProtoOAGetAccountListByAccessTokenReq(accessToken=token))
        (account,) = listed.message.ctidTraderAccount
        assert account.ctidTraderAccountId == endpoint.account_id
        assert account.traderLogin != endpoint.account_id
        assert not account.isLive
        opened = ProtoOAAccountAuthReq(ctidTraderAccountId=endpoint.account_id, accessToken=token)
        assert (await client.ask(opened)).payload_type == 2103
        assert (await client.ask(opened)).message.errorCode == "ALREADY_LOGGED_IN"
        assert (await client.trader()).trader.balance == 1_000_000
        await client.close()


@in_loop
async def test_nothing_is_told_before_the_application_and_the_account_are_authorised(tmp_path):
    async with running_server(tmp_path) as (_, endpoint, _):
        client = await TinyClient.connect(endpoint)
        asked = ProtoOAReconcileReq(ctidTraderAccountId=endpoint.account_id)
        assert (await client.ask(asked)).message.errorCode == "CH_CLIENT_NOT_AUTHENTICATED"
        await client.ask(
            ProtoOAApplicationAuthReq(
                clientId=endpoint.client_id, clientSecret=endpoint.client_secret.reveal()
            )
        )
        refused = (await client.ask(asked)).message
        assert refused.errorCode == "INVALID_REQUEST"
        assert "not authorized" in refused.description
        await client.close()


@in_loop
async def test_a_wrong_secret_is_refused_and_the_line_closed(tmp_path):
    async with running_server(tmp_path, bids=[1_000]) as (server, endpoint, _):
        client = await TinyClient.connect(endpoint)
        wrong = ProtoOAApplicationAuthReq(clientId=endpoint.client_id, clientSecret="guess")
        assert (await client.ask(wrong)).message.errorCode == "CH_CLIENT_AUTH_FAILURE"
        server.step()
        assert await client.is_cut()


@in_loop
async def test_a_wrong_token_and_a_wrong_account_are_refused(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        token = client.endpoint.access_token.reveal()
        bad_token = ProtoOAAccountAuthReq(
            ctidTraderAccountId=client.account_id, accessToken="stale"
        )
        assert (await client.ask(bad_token)).message.errorCode == "CH_ACCESS_TOKEN_INVALID"
        bad_account = ProtoOAAccountAuthReq(ctidTraderAccountId=1, accessToken=token)
        refused = (await client.ask(bad_account)).message.errorCode
        assert refused == "CH_CTID_TRADER_ACCOUNT_NOT_FOUND"


@in_loop
async def test_symbols_assets_and_leverage_describe_the_contract(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        mine = {"ctidTraderAccountId": client.account_id}
        (light,) = (await client.ask(ProtoOASymbolsListReq(**mine))).message.symbol
        assert (light.symbolId, light.symbolName) == (OIL.symbol_id, "OIL")
        assets = (await client.ask(ProtoOAAssetListReq(**mine))).message.asset
        named = {asset.assetId: asset.name for asset in assets}
        assert named[light.quoteAssetId] == "USD"
        asked = ProtoOASymbolByIdReq(**mine, symbolId=[OIL.symbol_id])
        (symbol,) = (await client.ask(asked)).message.symbol
        assert (symbol.digits, symbol.minVolume, symbol.lotSize) == (2, 100, 1_000)
        leverage = ProtoOAGetDynamicLeverageByIDReq(**mine, leverageId=symbol.leverageId)
        tiers = (await client.ask(leverage)).message.leverage.tiers
        assert [tier.leverage for tier in tiers] == [1_000]
        missing = ProtoOASymbolByIdReq(**mine, symbolId=[99])
        assert (await client.ask(missing)).message.errorCode == "SYMBOL_NOT_FOUND"


@in_loop
async def test_a_ringgit_contract_names_the_symbol_that_converts_it(tmp_path):
    market = make_market("FCPO", seed=1, start=MONDAY, days=1)
    async with connected(tmp_path, market=market) as (_, client, _):
        mine = {"ctidTraderAccountId": client.account_id}
        symbols = (await client.ask(ProtoOASymbolsListReq(**mine))).message.symbol
        fcpo = next(each for each in symbols if each.symbolId == FCPO.symbol_id)
        deposit = (await client.trader()).trader.depositAssetId
        asked = ProtoOASymbolsForConversionReq(
            **mine, firstAssetId=fcpo.quoteAssetId, lastAssetId=deposit
        )
        (leg,) = (await client.ask(asked)).message.symbol
        assert leg.symbolId == USDMYR.symbol_id


@in_loop
async def test_spots_start_with_a_snapshot_and_leave_out_what_did_not_change(tmp_path):
    async with connected(tmp_path, bids=[1_001, 1_001, 1_002]) as (server, client, _):
        done, snapshot = await client.subscribe()
        assert done.payload_type == 2128
        assert (snapshot.message.bid, snapshot.message.ask) == (price(1_000), price(1_001))
        assert snapshot.client_msg_id is None
        server.step()
        moved = (await client.receive()).message
        assert (moved.bid, moved.timestamp) == (price(1_001), MONDAY)
        again = ProtoOASubscribeSpotsReq(
            ctidTraderAccountId=client.account_id, symbolId=[OIL.symbol_id]
        )
        assert (await client.ask(again)).message.errorCode == "ALREADY_SUBSCRIBED"


@in_loop
async def test_a_side_that_stands_still_is_absent_from_the_spot_event(tmp_path):
    async with connected(tmp_path, bids=[1_001]) as (server, client, _):
        await client.subscribe()
        # The ask moves alone: the last quote was 1000 to 1001, the next is 1000 to 1003.
        server._next = server._next._replace(bid=price(1_000), ask=price(1_003))  # noqa: SLF001
        server.step()
        moved = (await client.receive()).message
        assert not moved.HasField("bid")
        assert moved.ask == price(1_003)


@in_loop
async def test_a_spot_event_has_a_time_only_for_those_who_asked_for_it(tmp_path):
    async with connected(tmp_path, bids=[1_001]) as (_, client, _):
        client.send(
            ProtoOASubscribeSpotsReq(
                ctidTraderAccountId=client.account_id, symbolId=[OIL.symbol_id]
            )
        )
        _, snapshot = await client.receive_many(2)
        assert not snapshot.message.HasField("timestamp")


@in_loop
async def test_the_live_bar_comes_without_its_close(tmp_path):
    async with connected(tmp_path, bids=[1_005, 1_003]) as (server, client, _):
        wanted = ProtoOASubscribeLiveTrendbarReq(
            ctidTraderAccountId=client.account_id, symbolId=OIL.symbol_id, period="M5"
        )
        assert (await client.ask(wanted)).message.errorCode == "NOT_SUBSCRIBED_TO_SPOTS"
        await client.subscribe()
        assert (await client.ask(wanted)).payload_type == 2165
        server.step()
        server.step()
        spot = (await client.receive_many(2))[1].message
        (bar,) = spot.trendbar
        assert not bar.HasField("deltaClose")
        assert bar.low == price(1_003)
        assert bar.low + bar.deltaHigh == price(1_005)


@in_loop
async def test_a_market_order_is_accepted_and_filled_and_found_in_all_books(tmp_path):
    async with connected(tmp_path) as (server, client, _):
        sent = client.send(client.order())
        accepted, filled, margin = await client.receive_many(3)
        assert kinds([accepted, filled]) == [ACCEPTED, FILLED]
        assert accepted.client_msg_id == filled.client_msg_id == sent
        assert margin.payload_type == MARGIN_CHANGED
        deal, position = filled.message.deal, filled.message.position
        assert deal.executionPrice == 1_001.0
        assert (position.stopLoss, position.takeProfit) == (986.0, 1_021.0)
        assert position.tradeData.label == "mine"
        mine = {"ctidTraderAccountId": client.account_id}
        window = {"fromTimestamp": MONDAY - DAY, "toTimestamp": MONDAY + DAY}
        held = (await client.ask(ProtoOAReconcileReq(**mine))).message
        assert [each.positionId for each in held.position] == [position.positionId]
        assert len(held.order) == 0
        deals = (await client.ask(ProtoOADealListReq(**mine, **window))).message
        assert [each.dealId for each in deals.deal] == [deal.dealId]
        orders = (await client.ask(ProtoOAOrderListReq(**mine, **window))).message
        assert [each.clientOrderId for each in orders.order] == ["mine"]
        details = ProtoOAOrderDetailsReq(**mine, orderId=deal.orderId)
        assert (await client.ask(details)).message.order.orderStatus == 2
        assert server.books.orders_at_broker == 1


@in_loop
async def test_protection_orders_are_listed_only_if_asked_for(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        client.send(client.order())
        await client.receive_many(3)
        asked = ProtoOAReconcileReq(
            ctidTraderAccountId=client.account_id, returnProtectionOrders=True
        )
        (order,) = (await client.ask(asked)).message.order
        assert order.orderType == 4
        assert (order.stopPrice, order.limitPrice) == (986.0, 1_021.0)
        assert not order.HasField("stopLoss")


@in_loop
async def test_the_server_s_own_stop_is_told_as_a_closing_server_event(tmp_path):
    async with connected(tmp_path, bids=[950]) as (server, client, _):
        await client.subscribe()
        client.send(client.order())
        await client.receive_many(3)
        result = server.step()
        assert result.executions == 1
        closed, _, spot = await client.receive_many(3)
        event = closed.message
        assert closed.client_msg_id is None
        assert event.isServerEvent
        assert event.order.closingOrder
        assert event.order.orderType == 4
        assert event.position.positionStatus == 2
        assert event.deal.executionPrice == 950.0
        assert event.deal.closePositionDetail.balance == 1_000_000 - 5_100
        assert spot.payload_type == SPOT


@in_loop
async def test_a_position_is_amended_and_closed_in_parts(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        client.send(client.order(volume=300))
        _, filled, _ = await client.receive_many(3)
        position_id = filled.message.position.positionId
        mine = {"ctidTraderAccountId": client.account_id, "positionId": position_id}
        amended = await client.ask(
            ProtoOAAmendPositionSLTPReq(**mine, stopLoss=990.0, takeProfit=1_030.0)
        )
        assert kinds([amended]) == [REPLACED]
        assert amended.message.position.stopLoss == 990.0
        client.send(ProtoOAClosePositionReq(**mine, volume=100))
        part = await client.receive_many(3)
        assert kinds(part) == [ACCEPTED, FILLED]
        assert part[1].message.position.tradeData.volume == 200
        worth = ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=client.account_id)
        (row,) = (await client.ask(worth)).message.positionUnrealizedPnL
        assert row.grossUnrealizedPnL == -200
        client.send(ProtoOAClosePositionReq(**mine, volume=200))
        rest = await client.receive_many(3)
        assert rest[1].message.position.positionStatus == 2
        gone = await client.ask(ProtoOAClosePositionReq(**mine, volume=100))
        assert gone.message.errorCode == "POSITION_NOT_FOUND"
        found = await client.ask(ProtoOADealListByPositionIdReq(**mine))
        assert len(found.message.deal) == 3


@in_loop
async def test_a_limit_order_rests_and_can_be_cancelled(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        limit = client.order(orderType="LIMIT", limitPrice=990.0)
        accepted = await client.ask(limit)
        assert kinds([accepted]) == [ACCEPTED]
        order_id = accepted.message.order.orderId
        cancel = ProtoOACancelOrderReq(ctidTraderAccountId=client.account_id, orderId=order_id)
        assert kinds([await client.ask(cancel)]) == [CANCELLED]
        assert (await client.ask(cancel)).message.errorCode == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("style", "payload_type"),
    [("order_error", ORDER_ERROR), ("execution", EXECUTION), ("error", ERROR)],
)
def test_a_refusal_comes_in_three_styles(tmp_path, style, payload_type):
    @in_loop
    async def story():
        async with connected(tmp_path, reject_style=style) as (server, client, _):
            refused = await client.ask(client.order(volume=150))
            assert refused.payload_type == payload_type
            assert refused.message.errorCode == "TRADING_BAD_VOLUME"
            if payload_type == ORDER_ERROR:
                assert (refused.message.orderId, refused.message.positionId) == (0, 0)
            assert server.books.refused_unplaced == 1

    story()


@pytest.mark.parametrize("price_sent", [990.123, 990.1234567])
def test_a_price_with_too_many_digits_is_an_invalid_request(tmp_path, price_sent):
    @in_loop
    async def story():
        async with connected(tmp_path) as (_, client, _):
            refused = await client.ask(client.order(orderType="LIMIT", limitPrice=price_sent))
            assert refused.message.errorCode == "INVALID_REQUEST"
            assert "has more digits than symbol allows" in refused.message.description

    story()


@pytest.mark.parametrize(
    ("correlation", "expected"),
    [("both", [True, True]), ("accepted", [True, False]), ("filled", [False, True])],
)
def test_which_events_echo_the_id_is_a_setting(tmp_path, correlation, expected):
    @in_loop
    async def story():
        async with connected(tmp_path, correlation=correlation) as (_, client, _):
            sent = client.send(client.order())
            events = (await client.receive_many(3))[:2]
            assert [each.client_msg_id == sent for each in events] == expected

    story()


@in_loop
async def test_a_partial_fill_comes_in_several_deals(tmp_path):
    async with connected(tmp_path, bids=[1_003], partial_fill_share=0.5) as (server, client, _):
        client.send(client.order(volume=200))
        first = await client.receive_many(3)
        assert kinds(first) == [ACCEPTED, PARTIAL]
        server.step()
        rest = await client.receive()
        assert kinds([rest]) == [FILLED]
        assert rest.message.order.executedVolume == 200
        assert rest.message.position.price == 1_002.5


@in_loop
async def test_money_with_eight_digits_says_so_in_every_record(tmp_path):
    account = AccountSettings(money_digits=8)
    async with connected(tmp_path, account=account) as (_, client, _):
        trader = (await client.trader()).trader
        assert (trader.balance, trader.moneyDigits) == (10_000 * MONEY_SCALE, 8)
        client.send(client.order())
        _, filled, margin = await client.receive_many(3)
        assert filled.message.deal.moneyDigits == 8
        assert margin.message.usedMargin == round(100.1 * MONEY_SCALE)


@in_loop
async def test_trendbars_are_paged_backwards_and_bad_boundaries_refused(tmp_path):
    market = make_market("PALMOIL", seed=1, start=MONDAY, days=1)
    async with connected(tmp_path, market=market, trendbars_per_reply=100) as (server, client, _):

        def asked(**fields):
            return ProtoOAGetTrendbarsReq(
                ctidTraderAccountId=client.account_id,
                symbolId=market.contract.symbol_id,
                period="M5",
                **{"fromTimestamp": server.now - 20 * DAY, "toTimestamp": server.now, **fields},
            )

        page = (await client.ask(asked())).message
        assert page.hasMore
        minutes = [bar.utcTimestampInMinutes for bar in page.trendbar]
        assert len(minutes) == 100
        assert minutes == sorted(minutes)
        assert minutes[-1] * 60_000 <= server.now < minutes[-1] * 60_000 + 300_000
        before = (await client.ask(asked(toTimestamp=minutes[0] * 60_000 - 1, count=7))).message
        assert [bar.utcTimestampInMinutes < minutes[0] for bar in before.trendbar] == [True] * 7
        assert all(bar.HasField("deltaClose") for bar in before.trendbar)
        refused = await client.ask(asked(fromTimestamp=server.now - 36 * DAY))
        assert refused.message.errorCode == "INCORRECT_BOUNDARIES"


@in_loop
async def test_five_hundred_five_minute_bars_are_there_before_the_first_quote(tmp_path):
    market = make_market("PALMOIL", seed=1, start=MONDAY, days=1)
    async with connected(tmp_path, market=market) as (server, client, _):
        asked = ProtoOAGetTrendbarsReq(
            ctidTraderAccountId=client.account_id,
            symbolId=market.contract.symbol_id,
            period="M5",
            fromTimestamp=server.now - 30 * DAY,
            toTimestamp=server.now,
            count=500,
        )
        assert len((await client.ask(asked)).message.trendbar) == 500
        days = ProtoOAGetTrendbarsReq(
            ctidTraderAccountId=client.account_id,
            symbolId=market.contract.symbol_id,
            period="D1",
            fromTimestamp=server.now - 60 * DAY,
            toTimestamp=server.now,
        )
        assert len((await client.ask(days)).message.trendbar) >= 25


@in_loop
async def test_ticks_come_newest_first_as_differences(tmp_path):
    async with connected(tmp_path, bids=[1_001, 1_003]) as (server, client, _):
        server.step()
        server.step()
        asked = ProtoOAGetTickDataReq(
            ctidTraderAccountId=client.account_id,
            symbolId=OIL.symbol_id,
            type="BID",
            fromTimestamp=MONDAY,
            toTimestamp=MONDAY + 5_000,
        )
        ticks = (await client.ask(asked)).message.tickData
        assert [(tick.timestamp, tick.tick) for tick in ticks] == [
            (MONDAY + 1_000, price(1_003)),
            (-1_000, -price(2)),
        ]


@in_loop
async def test_the_margin_of_an_order_can_be_asked_beforehand(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        asked = ProtoOAExpectedMarginReq(
            ctidTraderAccountId=client.account_id, symbolId=OIL.symbol_id, volume=[1_000]
        )
        (row,) = (await client.ask(asked)).message.margin
        assert (row.buyMargin, row.sellMargin) == (100_100, 100_000)


@in_loop
async def test_what_the_server_does_not_serve_is_unsupported(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        depth = ProtoOASubscribeDepthQuotesReq(
            ctidTraderAccountId=client.account_id, symbolId=[OIL.symbol_id]
        )
        assert (await client.ask(depth)).message.errorCode == "UNSUPPORTED_MESSAGE"
        client.writer.write(wire.envelope(2_999, b"", "x"))
        assert (await client.receive()).message.errorCode == "UNSUPPORTED_MESSAGE"


@in_loop
async def test_a_refreshed_token_kills_the_old_pair_and_the_sessions_on_it(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        refresh = ProtoOARefreshTokenReq(refreshToken=client.endpoint.refresh_token.reveal())
        client.send(refresh)
        received = {each.payload_type: each.message for each in await client.receive_many(2)}
        assert set(received) == {2147, 2174}
        fresh = received[2174].accessToken
        assert (await client.ask(refresh)).message.errorCode == "CH_ACCESS_TOKEN_INVALID"
        old = ProtoOAAccountAuthReq(
            ctidTraderAccountId=client.account_id,
            accessToken=client.endpoint.access_token.reveal(),
        )
        assert (await client.ask(old)).message.errorCode == "CH_ACCESS_TOKEN_INVALID"
        new = ProtoOAAccountAuthReq(ctidTraderAccountId=client.account_id, accessToken=fresh)
        assert (await client.ask(new)).payload_type == 2103


@in_loop
async def test_the_wrong_host_lists_the_account_and_cannot_route_to_it(tmp_path):
    async with running_server(tmp_path, is_wrong_host=True) as (_, endpoint, _):
        client = await TinyClient.connect(endpoint)
        assert (await client.authorise()).message.errorCode == "CANT_ROUTE_REQUEST"
        await client.close()


@in_loop
async def test_the_51st_request_of_a_second_is_blocked_and_the_6th_historical_one(tmp_path):
    async with connected(tmp_path) as (_, client, clock):
        clock.advance(2.0)
        for _ in range(50):
            client.send(ProtoOAVersionReq())
        await client.receive_many(50)
        blocked = (await client.ask(ProtoOAVersionReq())).message
        assert (blocked.errorCode, blocked.retryAfter) == ("BLOCKED_PAYLOAD_TYPE", 1)
        for i in range(6):
            asked = ProtoOADealListReq(ctidTraderAccountId=client.account_id)
            reply = await client.ask(asked)
            assert reply.payload_type == (2134 if i < 5 else ERROR)


@in_loop
async def test_an_idle_server_sends_heartbeats_and_drops_a_silent_client(tmp_path):
    async with connected(tmp_path) as (server, client, clock):
        for _ in range(2):
            clock.advance(20.0)
            received = server.bytes_received
            client.writer.write(wire.envelope(51, b""))
            await until(lambda: server.bytes_received > received)  # noqa: B023 - awaited here
        clock.advance(15.0)
        assert (await client.receive()).payload_type == 51
        assert server.is_connected
        clock.advance(15.0)
        assert not server.is_connected
        assert await client.is_cut()


@in_loop
async def test_protection_is_announced_like_an_order_if_the_server_does_that(tmp_path):
    async with connected(tmp_path, announces_protection=True) as (_, client, _):
        client.send(client.order())
        *_, announced = await client.receive_many(4)
        assert kinds([announced]) == [ACCEPTED]
        order = announced.message.order
        assert (order.orderType, order.stopPrice, order.limitPrice) == (4, 986.0, 1_021.0)
        assert announced.client_msg_id is None


@in_loop
async def test_the_account_list_may_come_back_empty(tmp_path):
    async with connected(tmp_path, account_list_is_empty=True) as (_, client, _):
        token = client.endpoint.access_token.reveal()
        listed = await client.ask(ProtoOAGetAccountListByAccessTokenReq(accessToken=token))
        assert len(listed.message.ctidTraderAccount) == 0


@in_loop
async def test_a_view_only_token_says_so_and_cannot_trade(tmp_path):
    account = AccountSettings(can_trade=False)
    async with connected(tmp_path, account=account) as (_, client, _):
        token = client.endpoint.access_token.reveal()
        listed = await client.ask(ProtoOAGetAccountListByAccessTokenReq(accessToken=token))
        assert listed.message.permissionScope == 0
        refused = await client.ask(client.order())
        assert refused.message.errorCode == "TRADING_NOT_ALLOWED"


@in_loop
async def test_an_order_type_that_is_not_served_is_refused_and_counted(tmp_path):
    async with connected(tmp_path) as (server, client, _):
        refused = await client.ask(client.order(orderType="MARKET_RANGE"))
        assert refused.message.errorCode == "INVALID_REQUEST"
        assert server.books.refused_unplaced == 1


@in_loop
async def test_what_was_traded_is_listed_by_time_and_by_position_in_pages(tmp_path):
    async with connected(tmp_path, rows_per_reply=2) as (_, client, _):
        for _ in range(3):
            client.send(client.order())
            await client.receive_many(3)
        mine = {"ctidTraderAccountId": client.account_id}
        window = {"fromTimestamp": MONDAY - DAY, "toTimestamp": MONDAY + DAY}
        deals = (await client.ask(ProtoOADealListReq(**mine, **window))).message
        assert (len(deals.deal), deals.hasMore) == (2, True)
        orders = (await client.ask(ProtoOAOrderListReq(**mine, **window))).message
        assert (len(orders.order), orders.hasMore) == (2, True)
        late = {"fromTimestamp": MONDAY + 1, "toTimestamp": MONDAY + DAY}
        assert len((await client.ask(ProtoOADealListReq(**mine, **late))).message.deal) == 0
        wide = {"fromTimestamp": MONDAY - 8 * DAY, "toTimestamp": MONDAY}
        refused = await client.ask(ProtoOADealListReq(**mine, **wide))
        assert refused.message.errorCode == "INCORRECT_BOUNDARIES"


@in_loop
async def test_frames_survive_being_cut_into_single_bytes(tmp_path):
    async with connected(tmp_path, fragment_bytes=1) as (_, client, _):
        assert (await client.trader()).trader.balance == 1_000_000


@in_loop
async def test_broken_framing_drops_the_client_and_nobody_else(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        other = await TinyClient.connect(client.endpoint)
        other.writer.write(b"\xff\xff\xff\xff")
        assert await other.is_cut()
        assert (await client.trader()).trader.balance == 1_000_000
        await other.close()


@in_loop
async def test_other_clients_of_the_account_hear_of_an_order_as_a_push(tmp_path):
    async with connected(tmp_path) as (_, client, _):
        other = await TinyClient.connect(client.endpoint)
        await other.authorise()
        client.send(client.order())
        events = await other.receive_many(3)
        assert kinds(events) == [ACCEPTED, FILLED]
        assert {each.client_msg_id for each in events} == {None}
        await other.close()


@in_loop
async def test_a_deposit_is_announced_with_the_new_state_of_the_account(tmp_path):
    async with connected(tmp_path) as (server, client, _):
        server.announce(server._exchange.deposit(250 * MONEY_SCALE))  # noqa: SLF001
        paid, updated = await client.receive_many(2)
        assert paid.message.depositWithdraw.delta == 25_000
        assert updated.message.trader.balance == 1_025_000


@in_loop
async def test_a_taken_port_is_named(tmp_path):
    async with running_server(tmp_path) as (server, endpoint, _):
        with pytest.raises(InputInvalid, match=f"port {endpoint.port}"):
            await server.start(tmp_path, port=endpoint.port)


@in_loop
async def test_a_port_that_cannot_exist_is_refused_in_a_sentence(tmp_path):
    async with running_server(tmp_path) as (server, _, _):
        with pytest.raises(InputInvalid, match="there is no port 99999"):
            await server.start(tmp_path, port=99_999)


@in_loop
async def test_the_byte_counts_of_both_ends_agree_when_all_is_quiet(tmp_path):
    async with connected(tmp_path, bids=[1_001] * 5) as (server, client, _):
        await client.subscribe()
        sent, received = server.bytes_sent, server.bytes_received
        assert received > 0
        for _ in range(5):
            server.step()
        await client.receive_many(5)
        assert server.bytes_sent > sent
        assert server.bytes_received == received
        assert server.step() is None
        assert server.next_time is None
