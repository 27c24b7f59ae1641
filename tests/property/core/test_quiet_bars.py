"""The short way of a quiet bar decides what the long way decides, state and words included."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bar_series import draw_series
from palmbot.core import feed
from palmbot.core.quiet import pass_quiet_bar
from palmbot.pricefiles.bar_reader import read_bars
from palmbot.research.backtest import BacktestSetup, run_backtest
from palmbot.research.rules import StrategyPoint

DATA = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.fixture
def ways(monkeypatch):
    """Take both ways at every bar, and count which of them a bar would have gone."""
    taken = Counter()
    is_long = False

    def take_both(state, event, params):
        nonlocal is_long
        if is_long:
            return None
        quiet = pass_quiet_bar(state, event, params)
        taken["short" if quiet is not None else "long"] += 1
        if quiet is not None:
            is_long = True
            assert feed.on_bar_closed(state, event, params) == quiet
            is_long = False
        return quiet

    monkeypatch.setattr(feed, "pass_quiet_bar", take_both)
    return taken


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("has_breakers", [True, False])
def test_both_ways_agree_on_random_bars(ways, seed, has_breakers):
    rng = np.random.default_rng(seed)
    series = draw_series(rng, 400, spread=(0.0, 0.001)[seed % 2])
    point = StrategyPoint(45.0, 55.0, (0.3, 4.0)[seed % 2], (0.4, 3.0)[seed // 2 % 2])
    run_backtest(series, BacktestSetup(point=point, has_breakers=has_breakers, risk_percent=3.0))
    assert ways["long"] > 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), risk=st.sampled_from([0.5, 2.0, 9.0]))
def test_a_backtest_is_the_same_without_the_short_way(seed, risk):
    series = draw_series(np.random.default_rng(seed), 250)
    setup = BacktestSetup(point=StrategyPoint(45.0, 55.0, 1.0, 1.0), risk_percent=risk)
    usual = run_backtest(series, setup)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "pass_quiet_bar", lambda *_: None)
        long = run_backtest(series, setup)
    assert (long.paper, long.refusals, long.breaker_changes, long.signals) == (
        usual.paper,
        usual.refusals,
        usual.breaker_changes,
        usual.signals,
    )


@pytest.mark.skipif(not DATA.exists(), reason="the price files are not here")
@pytest.mark.parametrize(
    "name",
    [
        "xauusd_h1_quotes_2006_2019.parquet",
        "xauusd_m1_quotes_201405.csv.gz",
        "de30eur_m1_quotes_201902.csv.gz",
        "dce_palm_olein_p_daily_2023_2026.csv.gz",
    ],
)
def test_both_ways_agree_on_real_bars(ways, name):
    series = read_bars(DATA / name).series
    run_backtest(series.cut(0, min(len(series), 4_000)), BacktestSetup())
    assert ways["long"] > 0
    if "dce" not in name:  # on daily bars every bar begins a trading day
        assert ways["short"] > ways["long"]
