"""The modelled market against what is known of palm-oil prices."""

import math
from collections import defaultdict
from dataclasses import replace
from itertools import islice, pairwise
from statistics import median, pstdev

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, TimestampMs
from palmbot.simulator.contracts import FCPO, PALMOIL, USDMYR
from palmbot.simulator.model import PALMOIL_SHAPE, ModelMarket, make_market

START = TimestampMs(1_772_409_600_000)
"""2026-03-02T00:00 UTC, a Monday."""

KUALA_LUMPUR_MS = 8 * 3_600_000
EVENING_MS = 4 * 3_600_000
"""Added to local time it puts an evening into the next day."""


def middle(quote):
    return (quote.bid + quote.ask) / 2


def kurtosis(values):
    square = sum(value**2 for value in values) / len(values)
    return sum(value**4 for value in values) / len(values) / square**2 - 3


def autocorrelation(values, lag):
    mean = sum(values) / len(values)
    around = [value - mean for value in values]
    return sum(a * b for a, b in zip(around, around[lag:], strict=False)) / sum(
        a * a for a in around
    )


def brief(seed, days=1, shape=PALMOIL_SHAPE):
    """Return a market with a short past."""
    return ModelMarket(PALMOIL, shape, seed=seed, start=START, days=days, history_trading_days=2)


@pytest.fixture(scope="module")
def long_run():
    """Quotes of three markets, five weeks each with as many before."""
    runs = []
    for seed in range(3):
        market = make_market("PALMOIL", seed=seed, start=START, days=35)
        runs.append([*market.past_quotes(), *market.quotes()])
    return runs


@pytest.fixture(scope="module")
def minutes(long_run):
    """Last middle price of every minute, by market and minute."""
    return [{quote.time // MS_PER_MINUTE: middle(quote) for quote in quotes} for quotes in long_run]


@pytest.fixture(scope="module")
def minute_returns(minutes):
    """Log returns between neighbouring minutes, all markets in a row."""
    return [
        math.log(run[b] / run[a]) for run in minutes for a, b in pairwise(sorted(run)) if b == a + 1
    ]


@pytest.fixture(scope="module")
def days(long_run):
    """Middle prices by trade date, one list for each day of each market."""
    result = []
    for quotes in long_run:
        by_date = defaultdict(list)
        for quote in quotes:
            by_date[(quote.time + KUALA_LUMPUR_MS + EVENING_MS) // MS_PER_DAY].append(middle(quote))
        result.append([by_date[date] for date in sorted(by_date)])
    return result


def test_the_same_seed_gives_the_same_quotes_and_another_seed_others():
    first = list(islice(brief(1).quotes(), 500))
    again = list(islice(brief(1).quotes(), 500))
    other = list(islice(brief(2).quotes(), 500))
    assert first == again
    assert first != other


def test_a_seed_gives_these_very_quotes_in_every_python():
    first, second = islice(brief(7).quotes(), 2)
    assert (first.time, first.bid, first.ask) == (1772418616100, 106358000, 107134000)
    assert (second.time, second.bid, second.ask) == (1772418642328, 106321000, 107097000)


def test_a_longer_run_begins_like_the_shorter_one():
    short = list(brief(3, days=2).quotes())
    longer = islice(brief(3, days=9).quotes(), len(short))
    assert list(longer) == short


def test_reading_the_past_first_changes_nothing_and_neither_does_reading_twice():
    market = brief(3)
    untouched = list(market.quotes())
    list(market.past_quotes())
    assert list(market.quotes()) == untouched


def test_more_quotes_in_a_minute_move_no_gap_and_no_news():
    busy = replace(PALMOIL_SHAPE, quotes_per_minute_extra=9.0)
    few = brief(3)
    many = brief(3, shape=busy)
    few_spreads = {q.time // MS_PER_MINUTE: q.ask - q.bid for q in islice(few.past_quotes(), 200)}
    many_spreads = {q.time // MS_PER_MINUTE: q.ask - q.bid for q in islice(many.past_quotes(), 200)}
    first = min(few_spreads)
    assert few_spreads[first] == many_spreads[first]


def test_every_trading_minute_has_at_least_five_quotes(long_run):
    for quotes in long_run:
        counts = defaultdict(int)
        for quote in quotes:
            counts[quote.time // MS_PER_MINUTE] += 1
        assert min(counts.values()) >= 5
        assert sum(counts.values()) / len(counts) < 8


def test_quotes_come_in_order_within_trading_hours_and_on_the_price_step(long_run):
    for quotes in long_run:
        assert all(a.time < b.time for a, b in pairwise(quotes))
        assert all(quote.bid % 1_000 == quote.ask % 1_000 == 0 for quote in quotes)
        assert all(0 < quote.bid < quote.ask for quote in quotes)
        assert all(PALMOIL.hours.are_open(quote.time) for quote in quotes[::97])


def test_a_trading_day_has_480_minutes_and_a_monday_330(minutes):
    by_date = defaultdict(int)
    for minute in minutes[0]:
        by_date[(minute * MS_PER_MINUTE + KUALA_LUMPUR_MS + EVENING_MS) // MS_PER_DAY] += 1
    mondays = {count for date, count in by_date.items() if (date + 3) % 7 == 0}
    assert mondays == {330}
    assert max(by_date.values()) == 480


def test_holidays_are_without_quotes(long_run):
    good_friday = 20_532  # 2026-03-20, a holiday of the calendar
    dates = {(quote.time + KUALA_LUMPUR_MS) // MS_PER_DAY for quote in long_run[0]}
    assert good_friday not in dates
    assert good_friday - 1 in dates


def test_at_least_25_trading_days_lie_before_the_start():
    past = list(make_market("PALMOIL", seed=1, start=START, days=1).past_quotes())
    assert past[-1].time < START
    dates = {(quote.time + KUALA_LUMPUR_MS + EVENING_MS) // MS_PER_DAY for quote in past}
    assert len(dates) >= 25


def test_yearly_volatility_is_about_thirty_per_cent(days):
    closes = [[day[-1] for day in run] for run in days]
    returns = [math.log(b / a) for run in closes for a, b in pairwise(run)]
    assert 0.20 < pstdev(returns) * math.sqrt(252) < 0.40


def test_the_range_of_a_day_is_about_the_size_of_the_bracket(days):
    ranges = [max(day) / min(day) - 1 for run in days for day in run]
    assert 0.013 < median(ranges) < 0.024


def test_a_minute_moves_five_to_seven_basis_points(minute_returns):
    assert 0.0005 < pstdev(minute_returns) < 0.0008


def test_returns_have_heavy_tails_and_clustered_sizes_but_no_memory(minute_returns):
    assert kurtosis(minute_returns) > 3
    sizes = [abs(value) for value in minute_returns]
    assert autocorrelation(sizes, 1) > 0.15
    assert autocorrelation(sizes, 60) > 0.02
    assert abs(autocorrelation(minute_returns, 1)) < 0.03


def test_nights_and_weekends_gap_more_than_lunch(minutes):
    gaps = defaultdict(list)
    for run in minutes:
        for a, b in pairwise(sorted(run)):
            if b > a + 1:
                gaps[(b - a) // 60].append(abs(math.log(run[b] / run[a])))
    lunch, evening, night = (median(gaps[hours]) for hours in (2, 3, 11))
    weekend = median([gap for hours, found in gaps.items() if hours > 24 for gap in found])
    assert 0.001 < evening < lunch < 0.004
    assert 0.003 < night < 0.007
    assert 0.004 < weekend < 0.012


def test_the_spread_is_wide_at_the_open_and_wider_in_the_evening(long_run):
    spreads = defaultdict(list)
    for quote in long_run[0]:
        minute = (quote.time + KUALA_LUMPUR_MS) // MS_PER_MINUTE % 1_440
        spreads[minute].append((quote.ask - quote.bid) / 100_000)
    ordinary = median(spreads[15 * 60 + 30])
    assert 0.9 <= ordinary <= 3.0
    assert median(spreads[10 * 60 + 31]) > 3 * ordinary
    assert 1.2 * ordinary < median(spreads[22 * 60]) < 3 * ordinary


def test_an_edge_exists_only_if_the_scenario_asks_for_it():
    def pull(phi):
        market = make_market("PALMOIL", seed=5, start=START, days=20, reversion_phi=phi)
        run = {quote.time // 300_000: middle(quote) for quote in market.quotes()}
        values = [math.log(run[key] / 100_000_000) for key in sorted(run)]
        moved = [(a, b - a) for a, b in pairwise(values)]
        return sum(a * d for a, d in moved) / sum(a * a for a, _ in moved)

    assert pull(0.985) < -0.008
    assert pull(1.0) > -0.005


def test_a_ringgit_contract_comes_with_a_fresh_conversion_rate():
    market = make_market("FCPO", seed=1, start=START, days=1)
    assert market.others == (USDMYR,)
    quotes = list(market.quotes())
    rate_time = None
    for quote in quotes:
        if quote.symbol_id == USDMYR.symbol_id:
            rate_time = quote.time
            assert 400_000 < quote.bid < quote.ask < 500_000
        else:
            assert quote.bid % FCPO.price_step == 0
            assert rate_time is not None
            assert quote.time - rate_time < 10_000


def test_a_start_within_trading_hours_is_refused():
    with pytest.raises(InputInvalid, match="choose a pause"):
        make_market("PALMOIL", seed=1, start=TimestampMs(START + 3 * 3_600_000), days=1)


def test_an_unknown_market_is_refused_with_those_there_are():
    with pytest.raises(InputInvalid, match="PALMOIL or FCPO"):
        make_market("SUGAR", seed=1, start=START, days=1)
