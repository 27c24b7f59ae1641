"""Laws of the core that hold for every input."""

from dataclasses import replace

import numpy as np
import talib
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.engine_world import EASY, PRICE, USDMYR, World, make_symbol, make_tick
from palmbot.core.conversion import read_rate
from palmbot.core.fills import ExitKind, find_exit
from palmbot.core.reconcile import compare_books
from palmbot.core.rsi import RSI_START, read_rsi, update_rsi
from palmbot.core.sizing import Sized, read_distance, size_entry
from palmbot.domain.market import ConversionLeg, Side
from palmbot.domain.units import Money, Price, TimestampMs, Volume

prices = st.integers(100_000, 10**10)
sides = st.sampled_from([Side.BUY, Side.SELL])


@given(
    moves=st.lists(st.integers(-300, 300), min_size=20, max_size=200),
    period=st.integers(2, 30),
)
def test_the_rsi_is_that_of_ta_lib(moves, period):
    closes = np.cumsum(np.array([100_000, *moves], dtype=float)) / 100
    assume(len(closes) > period + 1)
    expected = talib.RSI(closes, timeperiod=period)
    state = RSI_START
    for i, close in enumerate(closes.tolist()):
        state = update_rsi(state, close, period)
        value = read_rsi(state, period)
        # TA-Lib calls a movement below 1e-14 none, and none 0 where we say 50.
        if value is not None and state.average_gain + state.average_loss > 1e-12:
            assert abs(value - expected[i]) < 1e-9


@given(
    side=sides,
    bid=prices,
    spread=st.integers(0, 10**6),
    equity=st.integers(0, 10**15),
    digits=st.integers(0, 5),
    volume_step=st.integers(1, 10_000),
    leverage=st.floats(0.01, 500),
    rate=st.integers(1_000, 10**8),
    is_inverted=st.booleans(),
    risk_bp=st.integers(1, 500),
    stop_bp=st.integers(1, 5_000),
)
def test_no_size_risks_more_than_allowed(**drawn):
    tick = make_tick(0, drawn["bid"], drawn["spread"])
    leg = ConversionLeg(symbol_id=USDMYR, name="x", is_inverted=drawn["is_inverted"])
    quote = {USDMYR: make_tick(0, drawn["rate"], 10, USDMYR)}
    rate = read_rate((leg,), quote, TimestampMs(0), 1)
    symbol = make_symbol(
        digits=drawn["digits"],
        volume_step=Volume(drawn["volume_step"]),
        volume_min=Volume(drawn["volume_step"]),
        volume_max=Volume(10**12),
        leverage=drawn["leverage"],
        stop_distance_min=Price(0),
        target_distance_min=Price(0),
    )
    params = replace(EASY, risk_bp=drawn["risk_bp"], stop_loss_bp=drawn["stop_bp"])
    equity = Money(drawn["equity"])
    assert rate is not None
    sized = size_entry(
        side=drawn["side"], tick=tick, symbol=symbol, equity=equity, rate=rate, params=params
    )
    if not isinstance(sized, Sized):
        return
    assert 0 < sized.volume <= symbol.volume_max
    assert sized.volume % symbol.volume_step == 0
    assert sized.stop_distance % symbol.price_step == 0
    assert sized.stop_distance > drawn["spread"]
    assert sized.loss_at_stop <= equity * params.risk_bp // 10_000
    # The leverage is rounded down to hundredths, so the margin may look larger by that.
    slack = 1 + 1 / (drawn["leverage"] * 100 - 1) if drawn["leverage"] > 0.02 else 2
    assert sized.margin <= equity * params.margin_bp_max / 10_000 * slack + 1


@given(price=prices, share_bp=st.integers(1, 9_999), digits=st.integers(0, 5))
def test_a_distance_is_on_the_step_and_at_most_half_a_step_off(price, share_bp, digits):
    step = Price(10 ** (5 - digits))
    distance = read_distance(Price(price), share_bp, step)
    assert distance % step == 0
    assert distance >= step
    if distance > step:
        assert abs(distance * 10_000 - price * share_bp) * 2 <= step * 10_000


@given(
    sign=st.sampled_from([1, -1]),
    values=st.lists(st.integers(90, 110), min_size=4, max_size=4),
    stop=st.integers(91, 99),
    target=st.integers(101, 109),
)
def test_an_exit_is_never_better_than_the_bar_and_never_inside_both_levels(
    sign, values, stop, target
):
    if sign < 0:
        stop, target = target, stop
    bar_open, high, low = values[0], max(values), min(values)
    fill = find_exit(sign, bar_open, high, low, stop, target)
    if fill.kind is ExitKind.NONE:
        assert min(stop, target) < low
        assert high < max(stop, target)
        return
    assert low <= fill.price <= high
    if fill.kind is ExitKind.STOP:
        assert (fill.price - stop) * sign <= 0
    else:
        assert (fill.price - target) * sign >= 0
        assert (low if sign > 0 else high) * sign > stop * sign or fill.is_gap


@settings(max_examples=30)
@given(is_long=st.booleans(), is_open=st.booleans(), foreign=st.integers(0, 2))
def test_books_that_are_equal_have_no_difference(is_long, is_open, foreign):
    world = World()
    world.make_ready()
    for _ in range(foreign):
        world.broker.add_foreign(USDMYR)
    if is_open:
        world.stored(world.fall() if is_long else world.rise(1_000_000))
        world.give(*world.broker.execute(world.sends[-1]))
        assert world.state.books.positions
    assert compare_books(world.state, world.broker.books(), world.params) == ()


@settings(max_examples=60)
@given(
    parts=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    is_closed=st.booleans(),
)
def test_repeated_and_reordered_executions_end_in_the_same_books(parts, order, is_closed):
    world = World()
    world.make_ready()
    world.stored(world.fall())
    intent = world.sends[0]
    total = sum(parts)
    volumes = [Volume(intent.volume * part // total) for part in parts]
    volumes[-1] = Volume(intent.volume - sum(volumes[:-1]))
    events = world.broker.enter(intent, volumes)
    if is_closed:
        (position_id,) = world.broker.positions
        events += world.broker.close(position_id, PRICE + 2_000_000)
    events += events
    order.shuffle(events)
    world.give(*events)
    world.broker.now += 1
    for _ in range(4):
        world.read_books()
    assert world.state.tally.trades == int(is_closed)
    assert world.state.books.balance == world.broker.balance
    held = world.state.books.positions.values()
    assert [each.volume for each in held] == ([] if is_closed else [intent.volume])
    assert compare_books(world.state, world.broker.books(), world.params) == ()
    before = world.state
    world.give(*events)
    assert world.state.books == before.books
