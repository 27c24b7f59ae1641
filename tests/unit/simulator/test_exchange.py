"""How the exchange fills, protects, finances and settles."""

from dataclasses import replace

import pytest

from harness.small_market import DAY, HOUR, MONDAY, OIL, SmallMarket, price
from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side
from palmbot.domain.units import MONEY_SCALE, OrderId, PositionId, Volume
from palmbot.simulator.contracts import FCPO, PALMOIL, USDMYR, SwapKind, Weekday
from palmbot.simulator.records import ExecutionKind, Fate, OrderKind, OrderState

ACCEPTED, FILLED = ExecutionKind.ORDER_ACCEPTED, ExecutionKind.ORDER_FILLED


def dollars(amount):
    return round(amount * MONEY_SCALE)


def test_a_market_buy_fills_at_ask_and_carries_its_relative_levels():
    market = SmallMarket()
    market.quote(999, 1_001)
    happened = market.place(stop_distance=15, target_distance=20, label="mine")
    assert [each.kind for each in happened] == [ACCEPTED, FILLED]
    assert market.position.entry_price == price(1_001)
    assert market.position.stop_loss == price(986)
    assert market.position.take_profit == price(1_021)
    assert market.position.label == "mine"


def test_a_market_sell_fills_at_bid_and_its_levels_are_mirrored():
    market = SmallMarket()
    market.quote(999, 1_001)
    market.place(Side.SELL, stop_distance=15, target_distance=20)
    assert market.position.entry_price == price(999)
    assert market.position.stop_loss == price(1_014)
    assert market.position.take_profit == price(979)


def test_a_long_stop_is_tested_on_bid_and_not_on_ask():
    market = SmallMarket()
    market.quote(1_000, 1_000)
    market.place(stop_distance=15)
    assert market.quote(985.01, 990) == ()
    (closed,) = market.quote(985, 990)
    assert closed.deal.price == price(985)
    assert closed.order.kind is OrderKind.STOP_LOSS_TAKE_PROFIT
    assert closed.order.is_closing
    assert closed.is_server_event


def test_a_short_stop_is_tested_on_ask_and_not_on_bid():
    market = SmallMarket()
    market.quote(1_000, 1_000)
    market.place(Side.SELL, stop_distance=15)
    assert market.quote(1_010, 1_014.99) == ()
    (closed,) = market.quote(1_010, 1_015)
    assert closed.deal.price == price(1_015)


def test_a_gap_fills_at_the_first_price_beyond_the_stop():
    market = SmallMarket()
    market.quote(1_000)
    market.place(stop_distance=15)
    (closed,) = market.quote(950)
    assert closed.deal.price == price(950)
    assert market.books.balance == dollars(10_000 - 50)


def test_a_continuous_move_fills_at_the_level_itself():
    market = SmallMarket()
    market.quote(1_000)
    market.place(stop_distance=15)
    (closed,) = market.quote(950, is_continuous=True)
    assert closed.deal.price == price(985)


def test_a_target_fills_when_the_quote_reaches_it():
    market = SmallMarket()
    market.quote(1_000)
    market.place(target_distance=20, stop_distance=15)
    assert market.quote(1_019.99) == ()
    (closed,) = market.quote(1_020)
    assert closed.deal.settlement.gross_profit == 2_000
    assert market.books.positions == ()


def test_nobody_needs_to_be_connected_for_a_stop_to_fire_once_and_only_once():
    market = SmallMarket()
    market.quote(1_000)
    market.place(stop_distance=15)
    assert len(market.quote(980)) == 1
    assert market.quote(970) == ()


def test_a_limit_order_rests_until_the_market_comes_to_it():
    market = SmallMarket()
    market.quote(999, 1_001)
    (accepted,) = market.place(kind=OrderKind.LIMIT, limit_price=990)
    assert accepted.kind is ACCEPTED
    assert market.quote(989, 991) == ()
    (filled,) = market.quote(987, 989)
    assert filled.deal.price == price(989)


def test_a_marketable_limit_order_fills_at_once_at_the_better_price():
    market = SmallMarket()
    market.quote(999, 1_001)
    happened = market.place(kind=OrderKind.LIMIT, limit_price=1_003)
    assert [each.kind for each in happened] == [ACCEPTED, FILLED]
    assert market.position.entry_price == price(1_001)


def test_a_stop_order_waits_for_the_market_to_rise():
    market = SmallMarket()
    market.quote(999, 1_001)
    market.place(kind=OrderKind.STOP, stop_price=1_010)
    assert market.quote(1_005, 1_007) == ()
    (filled,) = market.quote(1_010, 1_012)
    assert filled.deal.price == price(1_012)


def test_a_limit_order_dies_at_its_end_of_life_even_without_a_quote():
    market = SmallMarket()
    market.quote(1_000)
    market.place(kind=OrderKind.LIMIT, limit_price=990, expires_at=market.time + 5_000)
    assert market.exchange.advance(market.time + 4_999) == ()
    (expired,) = market.exchange.advance(market.time + 5_000)
    assert expired.kind is ExecutionKind.ORDER_EXPIRED
    assert market.books.orders == ()


def test_a_cancelled_order_never_fills():
    market = SmallMarket()
    market.quote(1_000)
    (accepted,) = market.place(kind=OrderKind.LIMIT, limit_price=990)
    (cancelled,) = market.exchange.cancel(accepted.order.order_id)
    assert cancelled.order.state is OrderState.CANCELLED
    assert market.quote(980) == ()


def test_an_amended_order_keeps_what_was_not_mentioned():
    market = SmallMarket()
    market.quote(1_000)
    (accepted,) = market.place(kind=OrderKind.LIMIT, limit_price=990, volume=300)
    (replaced,) = market.exchange.amend_order(accepted.order.order_id, limit_price=price(995))
    assert replaced.order.limit_price == price(995)
    assert replaced.order.volume == 300


def test_a_partial_fill_gives_several_deals_and_an_average_entry_price():
    market = SmallMarket(partial_fill_share=0.5)
    market.quote(1_000)
    happened = market.place(volume=300, stop_distance=15)
    assert happened[1].kind is ExecutionKind.ORDER_PARTIAL_FILL
    assert market.position.volume == 100
    (rest,) = market.quote(1_003)
    assert rest.kind is FILLED
    assert rest.deal.volume == 200
    assert market.position.entry_price == price(1_002)
    assert market.position.stop_loss == price(985)
    assert rest.order.executed_volume == 300
    market.books.verify()


def test_the_rest_of_a_partial_fill_dies_with_the_position_it_belongs_to():
    market = SmallMarket(partial_fill_share=0.5)
    market.quote(1_000)
    market.place(volume=200, stop_distance=15)
    kinds = [each.kind for each in market.quote(900)]
    assert kinds == [FILLED, ExecutionKind.ORDER_CANCELLED]
    assert market.books.positions == ()
    market.books.verify()


def test_closing_a_part_settles_its_share_of_the_costs():
    contract = replace(OIL, commission_usd_per_lot=3.5)
    market = SmallMarket(contract)
    market.quote(1_000)
    market.place(volume=300)
    assert market.position.commission == -105
    market.quote(1_010)
    _, closed = market.exchange.close(market.position.position_id, Volume(100))
    assert closed.deal.settlement.commission == -70
    assert market.position.commission == -70
    assert market.books.balance == dollars(10_000 + 10 - 0.70)
    market.books.verify()


def test_commission_is_charged_per_side_and_settled_at_the_close():
    contract = replace(OIL, commission_usd_per_lot=3.5)
    market = SmallMarket(contract)
    market.quote(1_000)
    market.place(volume=2_000)
    assert market.books.balance == dollars(10_000)
    assert market.books.equity == dollars(10_000 - 7)
    market.exchange.close(market.position.position_id, Volume(2_000))
    assert market.books.balance == dollars(10_000 - 14)


def test_one_night_costs_one_swap_and_the_triple_day_three():
    contract = replace(OIL, swap_long=-7.2, swap_time_minutes=960, swap_triple_day=Weekday.FRIDAY)
    market = SmallMarket(contract)
    market.quote(1_000)
    market.place(volume=1_000)
    # 10 units at 1000 at 7.2 % of 360 days: 2 dollars a night.
    (swap,) = market.quote(1_000, at=MONDAY + 17 * HOUR)
    assert swap.kind is ExecutionKind.SWAP
    assert market.position.swap == -200
    market.quote(1_000, at=MONDAY + 3 * DAY + 17 * HOUR)
    assert market.position.swap == -800
    market.quote(1_000, at=MONDAY + 4 * DAY + 17 * HOUR)
    assert market.position.swap == -1_400
    market.quote(1_000, at=MONDAY + 7 * DAY + HOUR)
    assert market.position.swap == -1_400, "nothing more is charged for the weekend"
    market.exchange.close(market.position.position_id, Volume(1_000))
    assert market.books.balance == dollars(10_000 - 14)
    market.books.verify()


def test_a_position_opened_after_the_swap_time_pays_nothing_that_day():
    contract = replace(OIL, swap_long=-7.2, swap_time_minutes=960)
    market = SmallMarket(contract)
    market.quote(1_000, at=MONDAY + 16 * HOUR)
    market.place()
    assert market.quote(1_000, at=MONDAY + 23 * HOUR) == ()


@pytest.mark.parametrize(("kind", "expected"), [(SwapKind.PIPS, -120), (SwapKind.POINTS, -12)])
def test_swap_in_pips_and_points_counts_price_distances(kind, expected):
    contract = replace(OIL, swap_kind=kind, swap_long=-1.2, swap_time_minutes=960)
    market = SmallMarket(contract)
    market.quote(1_000)
    market.place(volume=1_000)
    market.quote(1_000, at=MONDAY + 17 * HOUR)
    assert market.position.swap == expected


def test_a_ringgit_contract_is_settled_in_dollars_at_the_middle_rate():
    market = SmallMarket(FCPO, (USDMYR,))
    monday_morning = MONDAY + 3 * HOUR
    market.quote(4.3999, 4.4001, at=monday_morning, contract=USDMYR)
    market.quote(4_100, 4_102)
    market.place(volume=2_500, stop_distance=62, target_distance=82)
    # 25 t at 4102 ringgit at 4.4, a twentieth: margin by the stricter leverage of the account.
    assert market.position.used_margin == round(25 * 4_102 / 4.4 / 10 * 100)
    market.quote(4_184, 4_186)
    assert market.books.positions == ()
    assert market.books.balance == dollars(round(10_000 + 25 * 82 / 4.4, 2))
    market.books.verify()


def test_an_order_without_a_conversion_rate_is_refused_as_without_quotes():
    market = SmallMarket(FCPO, (USDMYR,))
    market.quote(4_100, 4_102, at=MONDAY + 3 * HOUR)
    with pytest.raises(RequestRefused, match="NO_QUOTES"):
        market.place(volume=250)


def test_money_digits_of_eight_keep_amounts_exact():
    contract = replace(OIL, commission_usd_per_lot=0.01)
    market = SmallMarket(contract, money_digits=8)
    market.quote(1_000)
    market.place(volume=100)
    assert market.position.commission == -100_000
    assert market.books.equity == 10_000 * MONEY_SCALE - 100_000


def test_too_little_equity_closes_the_position_with_the_largest_margin_first():
    market = SmallMarket()
    market.quote(1_000)
    market.place(volume=2_000)
    market.place(volume=6_000)
    happened = market.quote(910)
    assert [each.order.volume for each in happened] == [6_000]
    assert happened[0].order.is_stop_out
    assert len(market.books.positions) == 1


def test_equity_is_balance_and_what_the_position_would_bring_now():
    market = SmallMarket()
    market.quote(999, 1_001)
    market.place()
    assert market.books.equity == dollars(10_000 - 2)
    market.quote(1_011, 1_013)
    assert market.books.equity == dollars(10_000 + 10)


def test_an_amendment_replaces_both_levels_and_an_omitted_one_is_removed():
    market = SmallMarket()
    market.quote(1_000)
    market.place(stop_distance=15, target_distance=20)
    position_id = market.position.position_id
    (replaced,) = market.exchange.amend_position(position_id, price(990), None)
    assert replaced.kind is ExecutionKind.ORDER_REPLACED
    assert market.position.stop_loss == price(990)
    assert market.position.take_profit is None
    assert market.books.positions_without_stop == 0


def test_a_position_whose_stop_was_taken_away_is_counted_for_good():
    market = SmallMarket()
    market.quote(1_000)
    market.place(stop_distance=15)
    position_id = market.position.position_id
    market.exchange.amend_position(position_id, None, price(1_020))
    market.exchange.amend_position(position_id, price(990), price(1_020))
    assert market.books.positions_without_stop == 1


def test_a_second_order_opens_a_second_position_and_one_for_a_position_changes_it():
    market = SmallMarket()
    market.quote(1_000)
    market.place(volume=200)
    market.place(volume=200)
    assert len(market.books.positions) == 2
    first = market.books.positions[0]
    market.quote(1_010)
    market.place(volume=200, position_id=first.position_id)
    assert market.books.positions[0].volume == 400
    assert market.books.positions[0].entry_price == price(1_005)
    market.place(Side.SELL, volume=400, position_id=first.position_id)
    assert len(market.books.positions) == 1
    market.books.verify()


def test_a_deposit_changes_balance_and_version_and_leaves_the_books_balanced():
    market = SmallMarket()
    market.quote(1_000)
    (paid,) = market.exchange.deposit(dollars(250), "top up")
    assert market.books.balance == dollars(10_250)
    assert paid.cash_flow.balance_version == 2
    market.books.verify()


def refused(market, **fields):
    with pytest.raises(RequestRefused) as caught:
        market.place(**fields)
    return caught.value


@pytest.mark.parametrize("volume", [50, 150, 100_100])
def test_a_volume_off_the_limits_or_the_step_is_bad(volume):
    market = SmallMarket()
    market.quote(1_000)
    assert refused(market, volume=volume).code == "TRADING_BAD_VOLUME"


def test_absolute_levels_on_a_market_order_are_an_invalid_request():
    market = SmallMarket()
    market.quote(1_000)
    refusal = refused(market, stop_loss=985)
    assert refusal.code == "INVALID_REQUEST"
    assert "SL/TP in absolute values" in refusal.reason


def test_a_relative_level_off_the_price_step_is_an_invalid_request():
    market = SmallMarket()
    market.quote(1_000)
    refusal = refused(market, stop_distance=15.001)
    assert (refusal.code, refusal.reason) == (
        "INVALID_REQUEST",
        "Relative stop loss has invalid precision",
    )


def test_a_limit_price_with_too_many_digits_is_an_invalid_request():
    market = SmallMarket()
    market.quote(1_000)
    refusal = refused(market, kind=OrderKind.LIMIT, limit_price=990.001)
    assert "has more digits than symbol allows" in refusal.reason


def test_levels_on_the_wrong_side_are_bad_stops():
    market = SmallMarket()
    market.quote(999, 1_001)
    limit = {"kind": OrderKind.LIMIT, "limit_price": 990}
    assert refused(market, **limit, stop_loss=995).code == "TRADING_BAD_STOPS"
    assert refused(market, **limit, take_profit=985).code == "TRADING_BAD_STOPS"
    market.place(stop_distance=15)
    with pytest.raises(RequestRefused, match="TRADING_BAD_STOPS"):
        market.exchange.amend_position(market.position.position_id, price(1_000), None)


def test_a_stop_at_the_market_itself_is_a_bad_stop_and_a_target_there_is_not():
    market = SmallMarket(replace(OIL, stop_distance_points=0))
    market.quote(1_000, 1_001)
    market.place(stop_distance=15)
    position_id = market.position.position_id
    with pytest.raises(RequestRefused, match="TRADING_BAD_STOPS"):
        market.exchange.amend_position(position_id, price(1_000), None)
    market.exchange.amend_position(position_id, price(985), price(1_000))


def test_protection_nearer_than_the_broker_allows_is_refused():
    market = SmallMarket()
    market.quote(1_000)
    assert refused(market, stop_distance=0.19).code == "PROTECTION_IS_TOO_CLOSE_TO_MARKET"
    market.place(stop_distance=0.20)


def test_more_than_the_margin_allows_is_not_enough_money():
    market = SmallMarket()
    market.quote(1_000)
    market.place(volume=6_000)
    assert refused(market, volume=5_000).code == "NOT_ENOUGH_MONEY"
    market.place(volume=4_000)


def test_an_end_of_life_in_the_past_is_refused():
    market = SmallMarket()
    market.quote(1_000)
    refusal = refused(market, kind=OrderKind.LIMIT, limit_price=990, expires_at=market.time)
    assert refusal.code == "TRADING_BAD_EXPIRATION_DATE"


def test_a_closed_market_and_a_holiday_have_their_own_refusals():
    market = SmallMarket(PALMOIL)
    market.quote(1_000, at=MONDAY + 3 * HOUR)
    market.place()
    market.exchange.advance(MONDAY + 5 * HOUR)
    assert refused(market).code == "MARKET_CLOSED"
    with pytest.raises(RequestRefused, match="MARKET_CLOSED"):
        market.exchange.close(market.position.position_id, market.position.volume)
    # 2026-03-20 is a holiday of the simulated calendar.
    market.exchange.advance(MONDAY + 18 * DAY + 3 * HOUR)
    assert refused(market).code == "SYMBOL_HAS_HOLIDAY"


def test_what_is_not_there_cannot_be_closed_cancelled_or_amended():
    market = SmallMarket()
    market.quote(1_000)
    with pytest.raises(RequestRefused, match="POSITION_NOT_FOUND"):
        market.exchange.close(PositionId(1), Volume(100))
    with pytest.raises(RequestRefused, match="POSITION_NOT_FOUND"):
        market.exchange.amend_position(PositionId(1), None, None)
    with pytest.raises(RequestRefused, match="ORDER_NOT_FOUND"):
        market.exchange.cancel(OrderId(1))


def test_a_read_only_account_may_not_trade():
    market = SmallMarket(can_trade=False)
    market.quote(1_000)
    assert refused(market).code == "TRADING_NOT_ALLOWED"


def test_the_books_know_the_fate_of_every_request():
    market = SmallMarket()
    market.quote(1_000)
    market.place(label="placed")
    refused(market, label="refused", volume=1)
    market.exchange.lose(market.order(label="lost"))
    market.place(label="placed")
    assert market.books.fate_of("placed") is Fate.PLACED
    assert market.books.fate_of("refused") is Fate.REFUSED
    assert market.books.fate_of("lost") is Fate.NEVER_ARRIVED
    assert market.books.fate_of("unheard of") is None
    assert market.books.orders_at_broker == 2
    assert market.books.refused_unplaced == 1
    assert market.books.never_arrived == 1
    assert market.books.duplicates == 1
