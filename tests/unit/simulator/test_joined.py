"""Two products at one broker."""

from palmbot.domain.units import TimestampMs
from palmbot.simulator.joined import JoinedMarket
from palmbot.simulator.model import make_market

START = TimestampMs(1_767_571_200_000)


def joined():
    return JoinedMarket(
        make_market("PALMOIL", seed=1, start=START, days=1),
        make_market("FCPO", seed=1, start=START, days=1),
    )


def test_all_contracts_are_listed_and_the_first_is_the_one_to_trade():
    market = joined()
    assert market.contract.name == "PALMOIL"
    assert [each.name for each in market.others] == ["FCPO", "USDMYR"]


def test_quotes_of_both_come_in_order_of_time_and_again_the_same():
    market = joined()
    quotes = list(market.quotes())
    assert [quote.time for quote in quotes] == sorted(quote.time for quote in quotes)
    assert {quote.symbol_id for quote in quotes} == {
        each.symbol_id for each in (market.contract, *market.others)
    }
    assert list(market.quotes()) == quotes


def test_the_past_holds_both_products():
    market = joined()
    past = list(market.past_quotes())
    assert {quote.symbol_id for quote in past} >= {1154, 1155}
    assert all(quote.time < START for quote in past)
