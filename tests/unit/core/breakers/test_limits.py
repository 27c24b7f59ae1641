"""Every limit of the breakers at its value and one step beyond, and what the audit says of it."""

from dataclasses import asdict, replace

import pytest
from msgspec import structs

from harness.breaker_world import DAY, HOUR, MINUTE, MONEY, BreakerWorld, make_params
from harness.engine_world import PERIOD, PRICE, START, make_tick
from palmbot.core.breakers.book import (
    BreakerRecord,
    DayBook,
    Mishap,
    Sample,
    Tape,
    Trip,
    VolatilityView,
)
from palmbot.core.breakers.companions import count_start, release_crash_loop, watch_opening
from palmbot.core.breakers.daily_loss import _was_open_at, read_limits
from palmbot.core.breakers.machine import count_trips
from palmbot.core.breakers.money import _judge_payment
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.tape import is_beyond, judge_tape, take_tick
from palmbot.core.breakers.verdict import (
    find_wide_spread,
    read_headroom,
    read_loss_allowed,
    read_size_percent,
)
from palmbot.core.breakers.volatility import judge_bar, take_bars
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import QueryBooks
from palmbot.domain.events import (
    BalanceChanged,
    ClockChecked,
    DiskMeasured,
    OperatorReset,
    OrderRefused,
    Started,
    TokenChecked,
)
from palmbot.domain.market import ALWAYS_OPEN, Bar, Interval, TradingHours
from palmbot.domain.units import IntentId, Money, Price, TimestampMs

OPEN, CLOSED, HALF = BreakerPhase.OPEN, BreakerPhase.CLOSED, BreakerPhase.HALF_OPEN
SPIKE = BreakerName.VOLATILITY

FIGURES = {
    "day_zone": "UTC",
    "day_start_minute": 0,
    "daily_loss_bp": 500,
    "daily_flatten": True,
    "daily_hold_minutes": 240,
    "daily_trips_max": 2,
    "caution_percent": 75,
    "slippage_percent": 10,
    "trip_days": 5,
    "losses_max": 3,
    "cool_down_minutes": (60, 120),
    "streak_trips_max": 3,
    "volatility_percent": 200,
    "calm_percent": 150,
    "calm_bars": 3,
    "volatility_hold_minutes": 15,
    "volatility_trips_max": 4,
    "atr_period": 14,
    "reference_sessions": 20,
    "reference_bars": 500,
    "burst_trip_factor": 8,
    "burst_deny_factor": 4,
    "spread_trip_factor": 3,
    "spread_deny_factor": 2,
    "tape_minutes": 240,
    "tape_minutes_min": 60,
    "slot_minutes": 25,
    "slot_minutes_min": 10,
    "limit_move_bp": 1_000,
    "limit_near_bp": 100,
    "fresh_ticks": 5,
    "gap_percent": 150,
    "gap_hold_minutes": 15,
    "rejects_max": 3,
    "reject_window_minutes": 10,
    "reject_hold_minutes": 30,
    "unknowns_max": 2,
    "unknown_window_minutes": 60,
    "starts_max": 5,
    "start_window_minutes": 10,
    "clock_jump_ms": 2_000,
    "clock_offset_ms": 1_000,
    "clock_skew_ms": 30_000,
    "disk_free_min_mb": 200,
    "token_warn_hours": 72,
    "token_stop_hours": 24,
    "reset_wait_minutes": 15,
}


def test_the_figures_are_those_that_were_agreed_on():
    facts = asdict(BreakerRules())
    assert facts.pop("unknown") == "deny"
    assert facts == FIGURES


@pytest.mark.parametrize(
    "changes",
    [
        {"clock_skew_ms": 1_999},
        {"clock_skew_ms": 2_000, "clock_offset_ms": 2_001},
        {"token_warn_hours": 23},
        {"burst_deny_factor": 1},
        {"burst_deny_factor": 9},
        {"spread_deny_factor": 4},
        {"disk_free_min_mb": 0},
        {"clock_jump_ms": 0},
        {"clock_offset_ms": 0},
        {"token_stop_hours": 0},
        {"slot_minutes": 9},
        {"tape_minutes": 59},
    ],
)
def test_rules_that_contradict_each_other_are_refused(changes):
    with pytest.raises(ValueError, match="must"):
        replace(BreakerRules(), **changes)


def test_rules_that_just_fit_are_taken():
    replace(
        BreakerRules(),
        clock_skew_ms=2_000,
        token_warn_hours=24,
        burst_deny_factor=8,
        slot_minutes=10,
        tape_minutes=60,
    )


def step_of(world) -> Step:
    return Step(world.state, world.params)


def changes_of(world):
    return [change for _, decision in world.history for change in decision.breaker_changes]


# -- the small ones ---------------------------------------------------------------------------


@pytest.mark.parametrize(("age_ms", "phase"), [(600_000, CLOSED), (599_999, OPEN)])
def test_a_start_counts_for_ten_minutes_and_five_are_ordinary(age_ms, phase):
    world = BreakerWorld()
    step = step_of(world)
    now = START + DAY
    starts = (TimestampMs(now - age_ms), *(TimestampMs(now - n) for n in (4, 3, 2, 1)))
    step.set_breakers(structs.replace(step.breakers, starts=starts))
    count_start(step, Started(time=TimestampMs(now), run_id="x", nonce=1))
    assert step.breakers.read(BreakerName.CRASH_LOOP).phase is phase
    assert step.breakers.is_blind


def test_after_a_crash_loop_the_quiet_time_begins_with_the_first_price_of_the_connection():
    world = BreakerWorld()
    name = BreakerName.CRASH_LOOP
    world.state = structs.replace(
        world.state,
        breakers=structs.replace(
            world.state.breakers, records={name: BreakerRecord(name=name, phase=OPEN)}
        ),
    )
    step = step_of(world)
    step.set_market(structs.replace(step.market, tick_generation=0))
    release_crash_loop(step)
    assert step.breakers.read(name).hold_until == 0
    step = step_of(world)
    release_crash_loop(step)
    until = step.breakers.read(name).hold_until
    assert until == step.market.time + 10 * MINUTE
    for time, phase in ((until - 1, OPEN), (until, CLOSED)):
        step.set_market(structs.replace(step.market, time=TimestampMs(time)))
        release_crash_loop(step)
        assert step.breakers.read(name).phase is phase


def test_a_reset_forgets_the_starts_that_tripped():
    world = BreakerWorld()
    for _ in range(5):
        world.restart()
    world.come_back()
    world.wait(16 * MINUTE)
    name = BreakerName.CRASH_LOOP
    if world.phase(name) is OPEN:
        world.give(OperatorReset(name=name, actor="eve", reason="seen"))
        assert world.state.breakers.starts == ()
    assert world.phase(name) is CLOSED


SPLIT = TradingHours(
    zone="UTC",
    intervals=(
        Interval(start_s=0, end_s=86_400 + 3 * 3600),
        Interval(start_s=86_400 + 3 * 3600 + 60, end_s=7 * 86_400),
    ),
)
CLOSES_AT = START + HOUR


@pytest.mark.parametrize(
    ("gap", "pause_ms", "phase"),
    [
        (149, 60_000, CLOSED),
        (150, 60_000, OPEN),
        (-150, 60_000, OPEN),
        (150, 59_999, CLOSED),
    ],
)
def test_an_opening_gap_of_one_and_a_half_ranges_after_a_pause_of_a_minute_trips(
    gap, pause_ms, phase
):
    world = BreakerWorld()
    step = step_of(world)
    step.state = structs.replace(
        step.state,
        symbol=structs.replace(step.symbol, hours=SPLIT),
        volatility=VolatilityView(atr_scaled=14 * 100),
    )
    before = make_tick(CLOSES_AT, PRICE)
    watch_opening(step, before, make_tick(CLOSES_AT + pause_ms, PRICE + gap))
    name = BreakerName.GAP_GUARD
    assert step.breakers.read(name).phase is phase
    if phase is OPEN:
        (change,) = step.finish().breaker_changes
        assert (change.measured, change.threshold) == (150, 150)


@pytest.mark.parametrize(("age_ms", "phase"), [(600_000, CLOSED), (599_999, OPEN)])
def test_a_refusal_counts_for_ten_minutes(age_ms, phase):
    world = BreakerWorld()
    world.stored(world.fall())
    now = world.state.market.time
    old = tuple(Mishap(at=TimestampMs(now - ms), intent_id=IntentId(str(ms))) for ms in (age_ms, 1))
    world.state = structs.replace(
        world.state, breakers=structs.replace(world.state.breakers, rejects=old)
    )

    world.give(OrderRefused(intent_id=world.sends[-1].intent_id, code="NO", reason=""))
    assert world.phase(BreakerName.REJECT_RATE) is phase


def test_openings_are_counted_from_a_day_on_and_those_by_probes_apart():
    trips = tuple(Trip(at=TimestampMs(n), trading_day=n, is_by_probe=n == 3) for n in (1, 2, 3, 4))
    record = BreakerRecord(name=SPIKE, trips=trips)
    assert count_trips(record, since_day=2) == 2
    assert count_trips(record, since_day=2, with_probes=True) == 3
    assert count_trips(record) == 3


@pytest.mark.parametrize(
    ("event", "measured", "threshold"),
    [
        (ClockChecked(jump_ms=-5_000, offset_ms=7), 5_000, 2_000),
        (ClockChecked(jump_ms=3, offset_ms=-4_000), 4_000, 1_000),
        (DiskMeasured(free_bytes=7), 7, 200_000_000),
        (DiskMeasured(free_bytes=None), 0, 200_000_000),
        (TokenChecked(left_ms=9, failure="x"), 9, 86_400_000),
    ],
)
def test_the_audit_holds_what_was_measured_against_which_limit(event, measured, threshold):
    world = BreakerWorld()
    world.give(event)
    change = changes_of(world)[-1]
    assert (change.measured, change.threshold) == (measured, threshold)


def test_a_clock_that_goes_on_being_wrong_trips_once_and_one_that_gets_worse_is_told():
    world = BreakerWorld()
    world.give(ClockChecked(jump_ms=0, offset_ms=5_000))
    world.read_books()
    assert world.state.books.quarantine == {}
    decision = world.give(ClockChecked(jump_ms=0, offset_ms=31_000))
    assert list(world.state.books.quarantine) == ["clock"]
    (query,) = [each for each in decision.commands if isinstance(each, QueryBooks)]
    assert query.delay_s == 0
    assert len(world.record(BreakerName.CLOCK_JUMP).trips) == 1


# -- the volatility ---------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "phase"), [(149, CLOSED), (150, OPEN)])
def test_a_lowered_limit_of_the_day_counts_before_that_of_the_settings(ratio, phase):
    world = BreakerWorld()
    step = step_of(world)
    limits = structs.replace(world.day.limits, volatility_percent=150)
    step.set_breakers(structs.replace(step.breakers, day=structs.replace(world.day, limits=limits)))
    step.set_volatility(VolatilityView(ratio_percent=ratio))
    judge_bar(step)
    assert step.breakers.read(SPIKE).phase is phase


def test_every_firing_prolongs_the_hold_by_its_full_time():
    world = BreakerWorld()
    world.storm()
    first = world.record(SPIKE).hold_until
    step = step_of(world)
    step.set_market(structs.replace(step.market, time=TimestampMs(step.market.time + 5 * MINUTE)))
    step.set_volatility(VolatilityView(ratio_percent=400))
    judge_bar(step)
    assert step.breakers.read(SPIKE).hold_until == first + 5 * MINUTE
    assert step.breakers.read(SPIKE).reason == "ATR at 400 % of the usual"


def bar(number, span):
    return Bar(
        open_time=TimestampMs(START + number * PERIOD),
        open=Price(PRICE),
        high=Price(PRICE + span),
        low=Price(PRICE),
        close=Price(PRICE),
        volume=1,
    )


@pytest.mark.parametrize(("calm_percent", "calm_bars"), [(100, 3), (99, 0)])
def test_a_bar_at_the_calm_ratio_is_calm_and_three_of_them_are_enough(calm_percent, calm_bars):
    rules = replace(BreakerRules(), reference_bars=10, atr_period=2)
    if calm_percent == 100:
        rules = replace(rules, calm_percent=100)
    spans = [100] * 20 if calm_percent == 100 else [100] * 19 + [1_000]
    bars = [bar(number, span) for number, span in enumerate(spans)]
    view = take_bars(VolatilityView(), bars, PERIOD, ALWAYS_OPEN, rules)
    assert view.calm_bars == calm_bars


def test_the_usual_of_an_even_number_is_the_lower_of_the_middle():
    sample = Sample()
    assert sample.median == 0
    for value in (4, 1, 3, 2):
        sample = sample.add(value, 9)
    assert sample.median == 2
    rules = replace(BreakerRules(), reference_sessions=4, reference_bars=10**6, atr_period=1)
    bars = [
        structs.replace(bar(0, span), open_time=TimestampMs(START + day * DAY))
        for day, span in enumerate((400, 100, 300, 200, 200))
    ]
    view = take_bars(VolatilityView(), bars, PERIOD, ALWAYS_OPEN, rules)
    assert view.ratio_percent == 100


# -- single prices ----------------------------------------------------------------------------


RULES = replace(BreakerRules(), limit_move_bp=0)


@pytest.mark.parametrize(
    ("high", "spread", "expected"),
    [(799, 299, False), (800, 0, True), (0, 300, True), (0, 299, False)],
)
def test_a_first_look_at_a_price_sees_what_the_breaker_would(high, spread, expected):
    tape = Tape(
        minute=1, high=PRICE + high, low=PRICE, range_limit=800, usual_range=100, usual_spread=100
    )
    assert is_beyond(tape, make_tick(START, PRICE, spread), RULES) is expected


@pytest.mark.parametrize(("move_bp", "phase"), [(899, CLOSED), (900, OPEN)])
@pytest.mark.parametrize("sign", [1, -1])
def test_within_one_per_cent_of_the_price_limit_it_trips_and_says_how_far(sign, move_bp, phase):
    world = BreakerWorld()
    step = step_of(world)
    bid = PRICE + sign * move_bp * PRICE // 10_000
    step.set_tape(Tape(minute=1, high=bid, low=bid, session_close=Price(PRICE)))
    judge_tape(step, make_tick(START, bid))
    assert step.breakers.read(SPIKE).phase is phase
    if phase is OPEN:
        (change,) = step.finish().breaker_changes
        assert (change.measured, change.threshold) == (900, 900)


def test_prices_are_put_into_slots_of_five_minutes_and_the_first_leaves_no_trace():
    world = BreakerWorld(is_ready=False)
    state = structs.replace(world.state, tape=Tape())
    first = START // MINUTE
    for number, span in enumerate((5, 7, 9, 11, 13, 15, 17)):
        for offset, bid in ((0, PRICE), (20_000, PRICE + span)):
            tick = make_tick((first + number) * MINUTE + offset, bid, spread=number)
            tape = take_tick(state, tick, BreakerRules())
            state = structs.replace(
                state, tape=tape, market=structs.replace(state.market, tick=tick)
            )
    slots = state.tape.slot_ranges
    assert [slots[key].values for key in sorted(slots)] == [(5, 7, 9, 11, 13), (15,)]
    assert state.tape.ranges.values == (5, 7, 9, 11, 13, 15)
    spreads = state.tape.spreads
    assert [spreads[key].values for key in sorted(spreads)] == [(0, 1, 2, 3, 4), (5,)]


def test_ticks_are_counted_as_fresh_only_while_a_breaker_waits_and_up_to_what_is_wanted():
    world = BreakerWorld()
    calm = structs.replace(world.state, tape=structs.replace(world.state.tape, fresh_ticks=0))
    assert take_tick(calm, make_tick(START + 1, PRICE), BreakerRules()).fresh_ticks == 0
    record = BreakerRecord(name=SPIKE, phase=OPEN)
    alert = structs.replace(calm, breakers=structs.replace(calm.breakers, records={SPIKE: record}))
    for number in range(8):
        tape = take_tick(alert, make_tick(START + 1 + number, PRICE), BreakerRules())
        alert = structs.replace(alert, tape=tape)
        assert tape.fresh_ticks == min(number + 1, 5)


@pytest.mark.parametrize(("spread", "is_wide"), [(199, False), (200, True)])
def test_twice_the_usual_spread_is_wide(spread, is_wide):
    world = BreakerWorld()
    market = structs.replace(world.state.market, tick=make_tick(START, PRICE, spread))
    state = structs.replace(world.state, market=market, tape=Tape(usual_spread=100))
    assert bool(find_wide_spread(state, world.params)) is is_wide


# -- the day ----------------------------------------------------------------------------------


def with_loss(world, loss, **changes):
    day = DayBook(
        ordinal=1,
        starts_at=TimestampMs(0),
        ends_at=TimestampMs(2**50),
        trading_day=1,
        limits=read_limits(BreakerRules()),
        baseline=Money(10_000),
        equity=Money(10_000 - loss),
    )
    day = structs.replace(day, **changes)
    return structs.replace(world.state, breakers=structs.replace(world.state.breakers, day=day))


@pytest.mark.parametrize(
    ("loss", "headroom", "allowed"), [(0, 500, 453), (389, 111, 100), (499, 1, 0), (600, -100, 0)]
)
def test_what_a_day_may_still_lose_keeps_a_tenth_back_and_stays_below_the_limit(
    loss, headroom, allowed
):
    world = BreakerWorld()
    state = with_loss(world, loss)
    assert read_headroom(state) == headroom
    assert read_loss_allowed(state, world.params) == allowed


def test_a_further_budget_replaces_the_limit_of_the_day():
    world = BreakerWorld()
    assert read_headroom(with_loss(world, 600, granted=Money(700))) == 100


@pytest.mark.parametrize(("loss", "percent"), [(374, 100), (375, 50)])
def test_from_three_quarters_of_the_limit_on_entries_have_half_size(loss, percent):
    world = BreakerWorld()
    assert read_size_percent(with_loss(world, loss), world.params) == percent


def test_while_a_breaker_probes_entries_have_half_size():
    world = BreakerWorld()
    record = BreakerRecord(name=SPIKE, phase=HALF)
    records = structs.replace(world.state.breakers, records={SPIKE: record})
    assert read_size_percent(structs.replace(world.state, breakers=records), world.params) == 50


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ((249,), []),
        ((250,), ["50 %"]),
        ((250, 10, 10), ["50 %"]),
        ((374, 1), ["74 %", "75 %"]),
        ((449, 1), ["89 %", "90 %"]),
        ((450, 49), ["90 %"]),
    ],
)
def test_a_person_is_told_at_half_three_quarters_and_nine_tenths_of_the_limit_once_each(
    losses, told
):
    world = BreakerWorld()
    for loss in losses:
        world.pay(-loss, "BALANCE_CHARGE")
    warnings = [text for text in world.alarms if "of the allowed daily loss" in text]
    assert [text.split(" of ")[0] for text in warnings] == told


def test_only_days_with_prices_are_trading_days():
    world = BreakerWorld()
    assert world.day.trading_day == 1
    world.wait_until(START - 2 * HOUR + DAY + MINUTE)
    assert world.day.trading_day == 2
    step = step_of(world)
    step.set_breakers(
        structs.replace(step.breakers, day=structs.replace(world.day, has_prices=False))
    )
    world.state = step.state
    world.wait_until(START - 2 * HOUR + 2 * DAY + MINUTE)
    assert world.day.trading_day == 2
    assert world.day.has_prices


def test_of_a_rebuilt_morning_results_since_its_beginning_are_taken_back():
    world = BreakerWorld(make_params())
    world.lose()
    before_midnight = world.broker.balance
    world.wait_until(START - 2 * HOUR + DAY - MINUTE)
    assert world.day.baseline == 10_000 * MONEY
    world.broker.now = START - 2 * HOUR + DAY + MINUTE
    world.tick()
    assert world.day.baseline == before_midnight


@pytest.mark.parametrize(("opened_at", "is_open"), [(999, True), (1_000, False)])
def test_a_position_opened_as_the_day_began_was_not_open_before(opened_at, is_open):
    world = BreakerWorld()
    position = world.enter()
    step = step_of(world)
    step.put_position(structs.replace(position, opened_at=TimestampMs(opened_at)))
    assert _was_open_at(step, TimestampMs(1_000)) is is_open


@pytest.mark.parametrize(("reset_at", "is_refused"), [(0, True), (-1, False)])
def test_a_breaker_reset_as_the_day_began_was_reset_on_it(reset_at, is_refused):
    world = BreakerWorld()
    for _ in range(3):
        world.lose()
    world.wait(16 * MINUTE)
    name = BreakerName.LOSS_STREAK
    record = structs.replace(
        world.record(name), reset_at=TimestampMs(world.day.starts_at + reset_at)
    )
    records = {**world.state.breakers.records, name: record}
    world.state = structs.replace(
        world.state, breakers=structs.replace(world.state.breakers, records=records)
    )
    reason = world.give(OperatorReset(name=name, actor="eve", reason="x")).reason
    assert reason.startswith("refused") is is_refused


@pytest.mark.parametrize(("version", "flow"), [(7, 0), (8, 1_000)])
def test_only_a_payment_younger_than_the_balance_last_seen_moves_it(version, flow):
    world = BreakerWorld()
    book = structs.replace(world.state.breakers, balance_seen=Money(10_000), balance_version_seen=7)
    payment = BalanceChanged(
        balance=Money(11_000),
        balance_version=version,
        delta=Money(1_000),
        kind="BALANCE_DEPOSIT",
        time=TimestampMs(START),
    )
    assert _judge_payment(payment, book) == (flow, flow)
