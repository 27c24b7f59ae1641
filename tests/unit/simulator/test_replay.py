"""Recorded prices as a market."""

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.domain.market import Side
from palmbot.domain.units import Price
from palmbot.simulator.contracts import contract_for_file
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.records import NewOrder, OrderKind
from palmbot.simulator.replay import replay_bars, replay_ticks
from palmbot.simulator.settings import SimulatorSettings

MINUTE = 60_000
GOLD = contract_for_file("GOLD", 3, Price(130_000_000))


def ohlc(*units):
    return tuple(round(each * 100_000) for each in units)


def test_a_bar_becomes_open_then_the_nearer_extreme_then_the_other_then_close():
    falling = ohlc(1_300, 1_310, 1_299, 1_305)
    rising = ohlc(1_300, 1_301, 1_290, 1_295)
    market = replay_bars(
        GOLD, MINUTE, [0, MINUTE], [falling, rising], ask=[falling, rising], history_share=0
    )
    quotes = list(market.quotes())
    assert [quote.bid // 100_000 for quote in quotes] == [
        *(1_300, 1_299, 1_310, 1_305),
        *(1_300, 1_301, 1_290, 1_295),
    ]
    assert [quote.time for quote in quotes] == [i * 15_000 for i in range(8)]


def test_only_the_open_of_a_bar_may_be_a_jump():
    bar = ohlc(1_300, 1_310, 1_290, 1_305)
    market = replay_bars(GOLD, MINUTE, [0], [bar], history_share=0)
    assert [quote.is_continuous for quote in market.quotes()] == [False, True, True, True]


def test_one_price_series_gets_the_spread_it_is_given_on_the_price_step():
    contract = contract_for_file("P", 0, Price(800_000_000))
    bar = ohlc(8_000, 8_010, 7_990, 8_005)
    market = replay_bars(contract, MINUTE, [0], [bar], spread=110_000, history_share=0)
    assert {quote.ask - quote.bid for quote in market.quotes()} == {200_000}


def test_the_first_part_of_a_file_is_history_and_the_rest_is_played():
    times = [i * 1_000 for i in range(10)]
    market = replay_ticks(GOLD, times, [100] * 10, [101] * 10, history_share=0.3)
    assert [quote.time for quote in market.past_quotes()] == [0, 1_000, 2_000]
    assert next(market.quotes()).time == 3_000


def test_a_stop_inside_a_bar_fills_at_its_level_and_one_that_the_open_passed_at_the_open():
    calm = ohlc(1_300, 1_301, 1_299, 1_300)
    inside = ohlc(1_300, 1_301, 1_250, 1_260)
    gap = ohlc(1_250, 1_251, 1_249, 1_250)
    for bar, expected in ((inside, 1_285), (gap, 1_250)):
        market = replay_bars(GOLD, MINUTE, [0, MINUTE], [calm, bar], history_share=0)
        exchange = Exchange(contracts=(GOLD,), settings=SimulatorSettings())
        for i, quote in enumerate(market.quotes()):
            exchange.apply_quote(quote)
            if i == 0:
                exchange.place(
                    NewOrder(
                        symbol_id=GOLD.symbol_id,
                        kind=OrderKind.MARKET,
                        side=Side.BUY,
                        volume=GOLD.volume_min,
                        stop_distance=Price(1_500_000),
                    )
                )
        assert exchange.books.deals[-1].price == expected * 100_000


@pytest.mark.parametrize(
    ("times", "bids", "asks", "fault"),
    [
        ([0, 1], [100], [101], "do not fit"),
        ([0, 1], [100, 102], [101, 101], "quote 2 has bid 102"),
        ([5, 1], [100, 100], [101, 101], "older"),
        ([], [], [], "no prices"),
    ],
)
def test_prices_that_cannot_be_replayed_are_refused(times, bids, asks, fault):
    with pytest.raises(InputInvalid, match=fault):
        replay_ticks(GOLD, times, bids, asks)
