"""The sweep kernel and the exact engine agree on every trade, field by field."""

import os
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from harness.bar_series import HOUR_MS, MINUTE_MS, draw_series
from harness.wild_markets import draw_case
from palmbot.core.breakers.book import VolatilityView
from palmbot.core.breakers.tape import take_opening
from palmbot.core.breakers.volatility import read_atr, take_bars
from palmbot.core.params import SentimentMode
from palmbot.core.state import initial_state
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.market import ALWAYS_OPEN, Bar, Tick
from palmbot.pricefiles.bar_reader import read_bars
from palmbot.pricefiles.roll_adjustment import adjust_rolls
from palmbot.pricefiles.rolls import Evidence, Rolls
from palmbot.research.backtest import (
    FILE_BREAKERS,
    SPREAD_BP_MAX,
    BacktestSetup,
    make_params,
    run_backtest,
)
from palmbot.research.grid import Grid
from palmbot.research.guards import watch_market
from palmbot.research.market import CLOSE, OPEN, make_market
from palmbot.research.mood_mask import find_blocked
from palmbot.research.rules import (
    REASON_CLOSED,
    REASON_END,
    CostModel,
    StrategyPoint,
    read_max_drawdown,
)
from palmbot.research.sweep import SweepOptions, sweep, trace
from palmbot.research.watched_bars import (
    SIGN_UNKNOWN,
    UNKNOWN,
    make_watch_rules,
    measure_spreads,
    measure_volatility,
)

pytestmark = pytest.mark.timeout(120)

DATA = Path(__file__).parents[3].parent / "shared" / "data"
FIELDS = (
    "entry_index",
    "exit_index",
    "side",
    "entry_price",
    "exit_price",
    "reason",
    "is_gap",
    "is_ambiguous",
    "net_return",
)

SERIES = int(os.environ.get("AGREEMENT_SERIES", "160"))
"""Wild series compared with breakers on: `make agreement` takes thousands."""
PARTS = 4
UNRUINED = {"balance": 1e9, "risk_percent": 0.01}
"""Without breakers a sweep goes on where an account is ruined, which this one never is."""
RARE = (1, 4, 8, 17, 32, 192, 278, 299, 381, 475)
"""Seeds whose series together reach every rule, some of which few do."""
EXPECTED = {
    *((name, "OPEN") for name in ("DAILY_LOSS", "LOSS_STREAK", "VOLATILITY", "GAP_GUARD")),
    *((name, "LATCHED") for name in ("DAILY_LOSS", "LOSS_STREAK", "ORDER_RATE")),
    *((name, "HALF_OPEN") for name in ("DAILY_LOSS", "LOSS_STREAK")),
    *((name, "CLOSED") for name in ("DAILY_LOSS", "LOSS_STREAK", "VOLATILITY", "GAP_GUARD")),
    ("DATA_STALE", "OPEN"),
    ("DATA_STALE", "CLOSED"),
    ("ORDER_RATE", "CLOSED"),
    *("BUDGET", "SIZE", "SPREAD"),
    REASON_CLOSED,
}
"""What a run of the wild series has to come by."""

points = st.builds(
    StrategyPoint,
    rsi_buy=st.sampled_from([20.0, 30.0, 37.5, 45.0]),
    rsi_sell=st.sampled_from([55.0, 62.5, 70.0, 80.0]),
    take_profit=st.sampled_from([0.2, 0.75, 1.5, 2.0, 6.0]),
    stop_loss=st.sampled_from([0.35, 1.0, 1.5, 4.0]),
)


def assert_same_trades(exact, fast):
    assert len(exact) == len(fast)
    for name in FIELDS:
        assert np.array_equal(getattr(exact, name), getattr(fast, name)), name


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    point=points,
    count=st.integers(2, 220),
    spread=st.sampled_from([0.0, 0.0005, 0.002]),
    digits=st.sampled_from([0, 2, 5]),
    cost=st.sampled_from([0.0, 5.0, 30.0]),
)
def test_without_breakers_the_trades_are_identical(  # noqa: PLR0913, PLR0917 - drawn
    seed, point, count, spread, digits, cost
):
    series = draw_series(np.random.default_rng(seed), count, spread=spread, digits=digits)
    costs = CostModel(cost_bp=cost)
    exact = run_backtest(series, BacktestSetup(point=point, costs=costs, has_breakers=False))
    assert_same_trades(exact.trades, trace(make_market(series), point, SweepOptions(costs=costs)))


def compare(seed, *, has_breakers):
    """Compare all trades of one wild series; return what the exact engine did."""
    series, point, costs = draw_case(seed)
    account = {} if has_breakers else UNRUINED
    setup = BacktestSetup(point=point, costs=costs, has_breakers=has_breakers, **account)
    exact = run_backtest(series, setup)
    options = SweepOptions(costs=costs, has_breakers=has_breakers)
    assert_same_trades(exact.trades, trace(make_market(series), point, options))
    return exact


@pytest.mark.parametrize("part", range(PARTS))
def test_with_breakers_the_trades_of_wild_series_are_identical(part):
    trades = sum(
        len(compare(seed, has_breakers=True).trades) for seed in range(part, SERIES, PARTS)
    )
    assert trades > SERIES // PARTS


def test_without_breakers_the_trades_of_wild_series_are_identical():
    for seed in range(1000, 1000 + SERIES // 4):
        compare(seed, has_breakers=False)


def test_where_every_breaker_trips_the_trades_are_identical():
    seen = Counter()
    for seed in RARE:
        exact = compare(seed, has_breakers=True)
        seen.update((each.name.name, each.after.name) for each in exact.breaker_changes)
        seen.update(code for code, _ in exact.refusals)
        seen.update(exact.trades.reason.tolist())
    assert not EXPECTED - set(seen), "a rule that no series reaches is not tested"


@pytest.mark.parametrize("mode", [SentimentMode.VETO, SentimentMode.CONFIRM])
def test_with_recorded_sentiment_the_trades_are_identical(mode):
    refused = 0
    for seed in range(60, 100):
        series, point, costs = draw_case(seed)
        known_at = record_mood(seed, series)
        blocked = find_blocked(series.time_ms, known_at, mode)
        for has_breakers in (True, False) if seed % 3 == 0 else (True,):
            setup = BacktestSetup(
                point=point,
                costs=costs,
                has_breakers=has_breakers,
                mood=known_at,
                mood_mode=mode,
                **({} if has_breakers else UNRUINED),
            )
            exact = run_backtest(series, setup)
            options = SweepOptions(costs=costs, blocked=blocked, has_breakers=has_breakers)
            assert_same_trades(exact.trades, trace(make_market(series), point, options))
            refused += dict(exact.refusals).get("SENTIMENT", 0)
    assert refused > 30


def record_mood(seed, series):
    """Return scores that come every few bars, some of them unknown, from the third bar on."""
    rng = np.random.default_rng(seed)
    readings = [
        SentimentUpdated(
            score=int(rng.integers(-100, 101)) if rng.random() < 0.9 else None,
            confidence=float(rng.choice([0.5, 0.9])),
            domains=int(rng.integers(1, 6)),
            has_driver=bool(rng.random() < 0.8),
            as_of=int(time),
            source="drawn",
        )
        for time in series.time_ms[3 :: int(rng.integers(1, 6))] + int(rng.integers(0, 60_000))
    ]
    times = [reading.as_of for reading in readings]

    def known_at(time):
        index = bisect_right(times, time) - 1
        return readings[index] if index >= 0 else None

    return known_at


def test_windows_of_a_search_know_what_was_usual_before_them():
    series = draw_series(np.random.default_rng(3), 1500, volatility=0.01)
    market = make_market(series)
    watch = watch_market(market)
    options = SweepOptions(has_breakers=True, watch=watch).cut(900, 1500)
    assert options.watch.bar_ms == watch.bar_ms
    assert np.array_equal(options.watch.signs, watch.signs[900:])
    assert not (options.watch.signs & SIGN_UNKNOWN).any()
    assert (watch_market(market.cut(900, 1500)).signs & SIGN_UNKNOWN).any()


def test_sweep_with_breakers_counts_the_trades_of_the_exact_engine():
    for seed in range(0, 24, 3):
        series, point, costs = draw_case(seed)
        market = make_market(series)
        grid = Grid(
            rsi_buy=(point.rsi_buy - 5, point.rsi_buy),
            rsi_sell=(point.rsi_sell,),
            take_profit=(point.take_profit,),
            stop_loss=tuple(sorted((point.stop_loss, 2.5))),
        )
        table = sweep(market, grid, SweepOptions(costs=costs, has_breakers=True))
        for row in range(grid.size):
            trades = run_backtest(series, BacktestSetup(point=grid.point(row), costs=costs)).trades
            returns = trades.net_return
            assert table.trades[row] == len(trades)
            assert table.wins[row] == (returns > 0).sum()
            assert table.longs[row] == (trades.side > 0).sum()
            assert table.gap_exits[row] == trades.is_gap.sum()
            assert table.ambiguous[row] == trades.is_ambiguous.sum()
            assert table.open_at_end[row] == (trades.reason == REASON_END).sum()
            assert table.gross_profit[row] == pytest.approx(returns[returns > 0].sum(), abs=1e-12)
            assert table.gross_loss[row] == pytest.approx(-returns[returns < 0].sum(), abs=1e-12)
            equity = mark(market, trades, costs.cost)
            assert table.net_return[row] == pytest.approx(equity[-1] - 1.0, rel=1e-12, abs=1e-12)
            assert table.max_drawdown[row] == pytest.approx(
                read_max_drawdown(equity), rel=1e-12, abs=1e-12
            )
            days = np.concatenate([[1.0], equity[market.day_end]])
            daily = days[1:] / days[:-1] - 1.0
            assert table.daily_sum[row] == pytest.approx(daily.sum(), rel=1e-9, abs=1e-11)
            assert table.daily_squares[row] == pytest.approx((daily**2).sum(), rel=1e-9, abs=1e-11)


def mark(market, trades, cost):
    """Return the equity of reinvested trades at every close, written as plainly as can be."""
    equity = np.ones(len(market))
    worth = 1.0
    for trade in range(len(trades)):
        first, last = int(trades.entry_index[trade]), int(trades.exit_index[trade])
        entry, sign = trades.entry_price[trade], trades.side[trade]
        closes = market.bid[CLOSE] if sign > 0 else market.ask[CLOSE]
        units = worth / (entry * (1.0 + cost))
        held = units * closes[first:last]
        equity[first:last] = held if sign > 0 else worth + units * entry * (1.0 - cost) - held
        worth *= 1.0 + trades.net_return[trade]
        equity[last:] = worth
    return equity


@pytest.mark.parametrize("step_ms", [15 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS])
@pytest.mark.parametrize("spread", [0.0, 0.001])
def test_what_the_breakers_see_in_bars_is_what_the_bot_sees(step_ms, spread):
    rng = np.random.default_rng(step_ms)
    series = draw_series(rng, 1500, volatility=0.004, spread=spread, step_ms=step_ms)
    market = make_market(series)
    rules = make_watch_rules(FILE_BREAKERS, SPREAD_BP_MAX)
    atrs, ratios = measure_volatility(market.time_ms, np.ascontiguousarray(market.bid), rules)
    usual = measure_spreads(market.time_ms, market.bid[OPEN], market.ask[OPEN], rules)
    view, state = VolatilityView(), initial_state(make_params(series, BacktestSetup()))
    for t in range(len(market) - 1):
        opening, high, low, close = (int(each) for each in market.bid[:, t])
        bar = Bar(
            open_time=int(market.time_ms[t]),
            open=opening,
            high=high,
            low=low,
            close=close,
            volume=0,
        )
        view = take_bars(view, (bar,), series.period_ms, ALWAYS_OPEN, FILE_BREAKERS)
        tick = Tick(
            symbol_id=1,
            time=int(market.time_ms[t + 1]),
            bid=int(market.bid[OPEN, t + 1]),
            ask=int(market.ask[OPEN, t + 1]),
        )
        tape = take_opening(state, tick, FILE_BREAKERS)
        state = structs.replace(state, tape=tape, market=structs.replace(state.market, tick=tick))
        assert read_atr(view, FILE_BREAKERS) == (None if atrs[t] == UNKNOWN else atrs[t])
        assert view.ratio_percent == (None if ratios[t] == UNKNOWN else ratios[t])
        assert tape.usual_spread == (None if usual[t] == UNKNOWN else usual[t])
    assert (ratios > 0).any()
    assert (usual > 0).any() == (spread > 0)


@pytest.mark.skipif(not DATA.is_dir(), reason="the price files are not here")
@pytest.mark.parametrize(
    ("name", "trades"),
    [("dce_palm_olein_p_daily_2023_2026.csv.gz", 158), ("de30eur_m1_quotes_201902.csv.gz", 32)],
)
def test_on_real_files_the_trades_are_identical(name, trades):
    series = read_bars(DATA / name).series
    point = StrategyPoint(35.0, 65.0, 0.3, 0.2)
    for has_breakers in (False, True):
        exact = run_backtest(series, BacktestSetup(point=point, has_breakers=has_breakers))
        assert has_breakers or len(exact.trades) == trades
        options = SweepOptions(has_breakers=has_breakers)
        assert_same_trades(exact.trades, trace(make_market(series), point, options))


@pytest.mark.parametrize("seed", range(3))
def test_on_bars_whose_rolls_were_taken_out_the_trades_are_identical(seed):
    series = draw_series(np.random.default_rng(seed), 400, spread=0.001, digits=0)
    bars = np.array([130, 270])
    rolls = Rolls(bars=bars, evidence=(Evidence.CONTRACT,) * 2, gaps=np.zeros(2))
    adjusted = adjust_rolls(replace(series, rolls=bars), rolls, {130: 0.94, 270: 1.06}).series
    point = StrategyPoint(40.0, 60.0, 0.75, 0.5)
    exact = run_backtest(adjusted, BacktestSetup(point=point, has_breakers=False))
    assert len(exact.trades) > 20
    assert_same_trades(exact.trades, trace(make_market(adjusted), point))
