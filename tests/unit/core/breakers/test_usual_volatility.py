"""What closed bars tell of the usual volatility, bar by bar, and what a spike sets back."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import DAY, HOUR, BreakerWorld
from harness.engine_world import PERIOD, PRICE, START
from palmbot.core.breakers.book import BreakerRecord, Sample, Tape, Trip, VolatilityView
from palmbot.core.breakers.machine import read_now
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.volatility import fire, read_atr, release_volatility, take_bars
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.market import ALWAYS_OPEN, Bar, Interval, TradingHours
from palmbot.domain.units import Price, TimestampMs

SPIKE = BreakerName.VOLATILITY
SMALL = replace(BreakerRules(), atr_period=1, reference_bars=5, reference_sessions=5)
UNKNOWN_HOURS = TradingHours(zone="UTC", intervals=())


def bar(open_time, span, close=PRICE):
    return Bar(
        open_time=TimestampMs(open_time),
        open=Price(close),
        high=Price(close + span),
        low=Price(close),
        close=Price(close),
        volume=1,
    )


def bars_of(spans, first=START, period=PERIOD):
    return tuple(bar(first + period * number, span) for number, span in enumerate(spans))


def take(bars, view=None, *, rules=SMALL, hours=ALWAYS_OPEN, period=PERIOD):
    return take_bars(view or VolatilityView(), bars, period, hours, rules)


@pytest.mark.parametrize("known", range(7))
@pytest.mark.parametrize("first", range(4))
def test_bars_that_were_seen_before_are_not_taken_again(known, first):
    bars = bars_of([100, 200, 300, 400, 500, 600])
    if first <= known:
        assert take(bars[first:], take(bars[:known])) == take(bars)


def test_the_usual_of_the_last_bars_is_their_lower_median():
    view = take(bars_of([50, 10, 40, 20, 30, 60]))
    assert view.ordered == (10, 20, 30, 40, 50)
    assert view.ratio_percent == 200
    even = replace(SMALL, reference_bars=4)
    assert take(bars_of([10, 40, 20, 30, 60]), rules=even).ratio_percent == 300


def test_the_usual_of_an_hour_is_the_lower_median_of_that_hour_on_the_days_before():
    rules = replace(SMALL, reference_bars=1_000)
    first = START - START % DAY
    bars = [
        bar(first + day * DAY + hour * HOUR, span + hour)
        for day, span in enumerate((5_000, 1_000, 4_000, 2_000, 3_000, 6_000))
        for hour in (0, 9, 23)
    ]
    for number, ratio in ((-3, 200), (-2, 6_009 * 100 // 3_009), (-1, 6_023 * 100 // 3_023)):
        view = take(bars[: len(bars) + number + 1], rules=rules, period=HOUR)
        assert view.ratio_percent == ratio
    assert set(view.hours) == {0, 9, 23}
    assert view.hours[23] == (5_023, 1_023, 4_023, 2_023, 3_023)
    assert view.today == {0: 6_000, 9: 6_009, 23: 6_023}


def test_what_is_kept_of_an_hour_is_its_atr():
    rules = replace(SMALL, atr_period=2)
    view = take(bars_of([100, 300, 200]), rules=rules)
    assert view.today == {START % DAY // HOUR: 200}


def test_a_market_that_does_not_move_has_no_ratio_and_one_that_hardly_does_has():
    assert take(bars_of([0] * 8)).ratio_percent is None
    assert take(bars_of([1] * 8)).ratio_percent == 100


def test_calm_bars_are_counted_one_by_one_as_far_as_they_are_wanted():
    bars = bars_of([100] * 9)
    assert [take(bars[:count]).calm_bars for count in range(5, 10)] == [0, 1, 2, 3, 3]


@pytest.mark.parametrize("hours", [ALWAYS_OPEN, UNKNOWN_HOURS])
def test_a_gap_between_bars_that_follow_each_other_belongs_to_the_range(hours):
    view = take(bars_of([100]), hours=hours)
    jump = bar(START + PERIOD, 100, PRICE + 1_000)
    assert read_atr(take((jump,), view, hours=hours), SMALL) == 1_100


def test_a_gap_over_missing_bars_of_an_open_market_belongs_to_the_range():
    jump = bar(START + 3 * PERIOD, 100, PRICE + 1_000)
    assert read_atr(take((jump,), take(bars_of([100]))), SMALL) == 1_100


def test_a_gap_over_closed_hours_does_not():
    second = 86_400 + 2 * 3600 + PERIOD // 1_000
    hours = TradingHours(zone="UTC", intervals=(Interval(start_s=0, end_s=second),))
    jump = bar(START + 3 * PERIOD, 100, PRICE + 1_000)
    assert read_atr(take((jump,), take(bars_of([100])), hours=hours), SMALL) == 100


def test_a_view_stored_before_ranges_were_kept_in_order_is_put_in_order():
    view = take(bars_of([50, 10, 40, 20, 30, 60]))
    old = structs.replace(view, ordered=())
    later = bars_of([70], START + 6 * PERIOD)
    assert take(later, old) == take(later, view)
    assert take(later, old).ordered == tuple(sorted(take(later, view).recent.values))


def test_fewer_bars_to_look_at_than_before_are_kept_in_order_too():
    view = take(bars_of((10, 50, 30, 20, 40, 60, 70)))
    later = bars_of((80,), first=START + 7 * PERIOD)
    fewer = take(later, view, rules=replace(SMALL, reference_bars=3))
    assert fewer.recent.size == 3 < view.recent.size
    assert fewer.ordered == tuple(sorted(fewer.recent.values))


def test_a_view_without_bars_knows_nothing():
    assert read_atr(VolatilityView(), SMALL) is None
    assert VolatilityView().recent == Sample()


# -- firing and clearing ----------------------------------------------------------------------


def step_with(record, **state):
    world = BreakerWorld()
    book = structs.replace(world.state.breakers, records={SPIKE: record})
    return Step(structs.replace(world.state, breakers=book, **state), world.params)


@pytest.mark.parametrize(
    ("days_ago", "is_for_the_day"), [((0, 0, 0), True), ((0, 0), False), ((1, 1, 1, 0, 0), False)]
)
def test_the_fourth_trip_of_a_day_holds_until_its_end_whatever_the_day_before_saw(
    days_ago, is_for_the_day
):
    step = step_with(BreakerRecord(name=SPIKE))
    day = step.breakers.day
    trips = tuple(
        Trip(at=TimestampMs(1), trading_day=day.trading_day - ago, is_by_probe=False)
        for ago in days_ago
    )
    step = step_with(BreakerRecord(name=SPIKE, trips=trips))
    fire(step, "a spike", measured=2, threshold=1)
    hold = day.ends_at if is_for_the_day else read_now(step) + 15 * 60_000
    assert step.breakers.read(SPIKE).hold_until == hold


@pytest.mark.parametrize(
    ("tape", "ratio", "calm_bars", "phase"),
    [
        (Tape(), 100, 3, BreakerPhase.CLOSED),  # bars of a file: no single prices are seen
        (Tape(minute=1), 100, 3, BreakerPhase.OPEN),
        (Tape(minute=1, fresh_ticks=1), 100, 3, BreakerPhase.CLOSED),
        (Tape(), None, 0, BreakerPhase.CLOSED),
        (Tape(), 100, 2, BreakerPhase.OPEN),
    ],
)
def test_it_clears_on_what_can_be_seen(tape, ratio, calm_bars, phase):
    view = VolatilityView(ratio_percent=ratio, calm_bars=calm_bars)
    record = BreakerRecord(name=SPIKE, phase=BreakerPhase.OPEN)
    step = step_with(record, tape=tape, volatility=view)
    release_volatility(step)
    assert step.breakers.read(SPIKE).phase is phase
