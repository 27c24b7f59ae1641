"""Parameters are judged when they are built."""

import msgspec
import pytest

from harness.engine_world import EASY
from palmbot.core.params import EngineParams, SentimentRules
from palmbot.domain.units import AccountId


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol_name": ""},
        {"strategy": ""},
        {"rsi_period": 1},
        {"rsi_buy": 70.0, "rsi_sell": 30.0},
        {"rsi_sell": 101.0},
        {"rsi_buy": float("nan")},
        {"bar_period_ms": 0},
        {"bar_period_ms": 86_400_001},
        {"warm_up_bars": 14},
        {"history_bars": 0},
        {"risk_bp": 0},
        {"stop_loss_bp": 10_000},
        {"take_profit_bp": 20_000},
        {"limit_tolerance_bp": -1},
        {"price_age_max_ms": 0},
        {"books_interval_s": float("inf")},
        {"orders_per_day_max": -3},
    ],
    ids=str,
)
def test_nonsense_is_refused(changes):
    facts = {"account_id": AccountId(1), "symbol_name": "PALMOIL", **changes}
    with pytest.raises(ValueError, match=r"must|need|would"):
        EngineParams(**facts)


@pytest.mark.parametrize(
    "changes",
    [
        {"fresh_ms": 0},
        {"expires_ms": 1},
        {"half_life_ms": 0},
        {"veto_score": 101.0},
        {"confirm_score": -1.0},
        {"veto_confidence": 1.5},
    ],
    ids=str,
)
def test_nonsense_about_sentiment_is_refused(changes):
    with pytest.raises(ValueError, match=r"must|need|would"):
        SentimentRules(**changes)


def test_parameters_survive_the_journal():
    assert msgspec.json.decode(msgspec.json.encode(EASY), type=EngineParams) == EASY
