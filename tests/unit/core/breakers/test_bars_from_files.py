"""What breakers see of bars from a file: one price a bar, and shortcuts that change no answer."""

import random

import pytest
from msgspec import structs

from palmbot.core.breakers.book import VolatilityView
from palmbot.core.breakers.day import add_open_minutes, find_day, was_closed_between
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.tape import take_opening
from palmbot.core.breakers.volatility import take_bars
from palmbot.core.params import EngineParams
from palmbot.core.state import EngineState, MarketView, initial_state
from palmbot.domain.market import (
    ALWAYS_OPEN,
    DAYS_PER_WEEK,
    SECONDS_PER_DAY,
    Bar,
    Interval,
    Tick,
    TradingHours,
)
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, AccountId, Price, SymbolId, TimestampMs

RULES = BreakerRules()
START = TimestampMs(1_709_510_400_000)
ALWAYS_IN_TWO_PARTS = TradingHours(
    zone="UTC",
    intervals=(
        Interval(start_s=0, end_s=1_000),
        Interval(start_s=1_000, end_s=DAYS_PER_WEEK * SECONDS_PER_DAY),
    ),
)


@pytest.mark.parametrize("start_minute", [0, 1, 570, 1_439])
def test_a_day_in_utc_is_computed_as_in_any_zone_without_a_change_of_the_clock(start_minute):
    rng = random.Random(5)  # noqa: S311  (no secret depends on it)
    for _ in range(200):
        time = TimestampMs(START + rng.randint(-2_000 * MS_PER_DAY, 2_000 * MS_PER_DAY))
        assert find_day(time, "UTC", start_minute) == find_day(time, "Etc/UTC", start_minute)


@pytest.mark.parametrize("minutes", [0, 1, 60, 5_000])
def test_hours_without_an_end_are_answered_as_minute_by_minute(minutes):
    assert add_open_minutes(ALWAYS_OPEN, START, minutes) == add_open_minutes(
        ALWAYS_IN_TWO_PARTS, START, minutes
    )
    for days in (1, 30):
        later = TimestampMs(START + days * MS_PER_DAY)
        assert was_closed_between(ALWAYS_OPEN, START, later) == was_closed_between(
            ALWAYS_IN_TWO_PARTS, START, later
        )


def make_bar(index, rng):
    opening = 100_000_000 + rng.randint(-500_000, 500_000)
    return Bar(
        open_time=TimestampMs(START + index * MS_PER_MINUTE),
        open=Price(opening),
        high=Price(opening + rng.randint(0, 400_000)),
        low=Price(opening - rng.randint(0, 400_000)),
        close=Price(opening),
        volume=0,
    )


def test_recent_ranges_are_kept_in_order_of_size_as_well():
    rng = random.Random(7)  # noqa: S311  (no secret depends on it)
    rules = BreakerRules(reference_bars=50)
    view = VolatilityView()
    for index in range(200):
        view = take_bars(view, (make_bar(index, rng),), MS_PER_MINUTE, ALWAYS_OPEN, rules)
        assert list(view.ordered) == sorted(view.recent.values)
    assert len(view.ordered) == 50
    assert view.ratio_percent is not None


def state_after(bid, ask, time=START):
    tick = Tick(symbol_id=SymbolId(1), time=time, bid=Price(bid), ask=Price(ask))
    state: EngineState = initial_state(EngineParams(account_id=AccountId(1), symbol_name="BARS"))
    return EngineState(
        market=MarketView(tick=tick, time=time), tape=state.tape, breakers=state.breakers
    )


def test_a_file_of_one_series_tells_the_tape_that_prices_flow_and_nothing_else():
    state = state_after(100, 100)
    opening = Tick(
        symbol_id=SymbolId(1), time=TimestampMs(START + MS_PER_MINUTE), bid=Price(90), ask=Price(90)
    )
    tapes = [state.tape]
    for _ in range(RULES.fresh_ticks + 1):
        tapes.append(take_opening(structs.replace(state, tape=tapes[-1]), opening, RULES))
    fresh = [tape.fresh_ticks for tape in tapes]
    assert fresh == [*range(RULES.fresh_ticks + 1), RULES.fresh_ticks]
    assert structs.replace(tapes[-1], fresh_ticks=0) == state.tape


def test_quotes_of_a_file_tell_the_usual_spread_of_the_time_of_day():
    state = state_after(100, 107)
    for index in range(1, 30):
        opening = Tick(
            symbol_id=SymbolId(1),
            time=TimestampMs(START + index * MS_PER_DAY),
            bid=Price(100),
            ask=Price(107),
        )
        tape = take_opening(state, opening, RULES)
        state = EngineState(
            market=MarketView(tick=opening, time=opening.time), tape=tape, breakers=state.breakers
        )
    assert state.tape.usual_spread == 7
    assert state.tape.range_limit is None
