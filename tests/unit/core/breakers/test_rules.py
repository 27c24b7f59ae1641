"""Which rules of the breakers are refused: the last value that fits, and the next one."""

from dataclasses import replace

import pytest

from palmbot.core.breakers.rules import BreakerRules

COUNTS = (
    "daily_hold_minutes",
    "daily_trips_max",
    "trip_days",
    "losses_max",
    "streak_trips_max",
    "calm_bars",
    "volatility_hold_minutes",
    "volatility_trips_max",
    "atr_period",
    "reference_sessions",
    "reference_bars",
    "tape_minutes_min",
    "slot_minutes_min",
    "fresh_ticks",
    "gap_percent",
    "gap_hold_minutes",
    "rejects_max",
    "unknowns_max",
    "starts_max",
    "clock_jump_ms",
    "clock_offset_ms",
    "disk_free_min_mb",
    "token_stop_hours",
    "reset_wait_minutes",
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"day_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"day_start_minute": -1}, "day_start_minute must be 0 to 1439, was -1"),
        ({"day_start_minute": 1_440}, "day_start_minute must be 0 to 1439, was 1440"),
        ({"daily_loss_bp": 0}, "daily_loss_bp must be 1 to 9999, was 0"),
        ({"daily_loss_bp": 10_000}, "daily_loss_bp must be 1 to 9999, was 10000"),
        ({"caution_percent": 0}, "caution_percent must be 1 to 100"),
        ({"caution_percent": 101}, "caution_percent must be 1 to 100"),
        ({"slippage_percent": -1}, "slippage_percent not negative"),
        ({"calm_percent": 99}, "need 100 <= calm_percent < volatility_percent"),
        ({"calm_percent": 200}, "need 100 <= calm_percent < volatility_percent"),
        ({"spread_deny_factor": 1}, "factors must exceed 1"),
        ({"limit_near_bp": -1}, "limit_near_bp must be from 0"),
        ({"limit_near_bp": 1_000}, "to below limit_move_bp"),
        ({"cool_down_minutes": ()}, "cool_down_minutes must be positive"),
        ({"cool_down_minutes": (60, 0)}, "cool_down_minutes must be positive"),
    ],
)
def test_a_rule_beyond_its_range_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(BreakerRules(), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"day_start_minute": 1_439, "day_zone": "Asia/Kuala_Lumpur"},
        {"daily_loss_bp": 1},
        {"daily_loss_bp": 9_999},
        {"caution_percent": 1},
        {"caution_percent": 100, "slippage_percent": 0},
        {"calm_percent": 100},
        {"calm_percent": 199},
        {"spread_deny_factor": 2, "spread_trip_factor": 2},
        {"limit_near_bp": 0},
        {"limit_near_bp": 999},
        {"limit_move_bp": 0},
        {"cool_down_minutes": (1,)},
    ],
)
def test_the_last_value_within_a_range_is_taken(changes):
    rules = replace(BreakerRules(), **changes)
    assert {name: getattr(rules, name) for name in changes} == changes


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_at_least_one(name):
    assert getattr(replace(BreakerRules(), **{name: 1}), name) == 1
    with pytest.raises(ValueError, match=f"{name} must be at least 1, was 0"):
        replace(BreakerRules(), **{name: 0})


def test_the_history_holds_the_bars_of_the_usual_and_those_of_the_first_range():
    assert BreakerRules().history_bars == 500 + 14 + 2
