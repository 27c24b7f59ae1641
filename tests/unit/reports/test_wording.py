"""How values read."""

import pytest

from palmbot.domain.units import MONEY_SCALE, Money, Price, TimestampMs, Volume
from palmbot.reports import wording

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (45_000, "45 s"),
        (60_000, "1 min"),
        (3_600_000, "1 h 00 min"),
        (5_550_000, "1 h 32 min"),
        (86_400_000, "1 day"),
        (172_800_000, "2 days"),
        (190_800_000, "2 d 5 h"),
    ],
)
def test_a_span_is_written_in_its_two_largest_units(span_ms, text):
    assert wording.render_span(span_ms) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1_234.5, f"+1,234.50{SPACE}USD"),
        (-0.5, f"\N{MINUS SIGN}0.50{SPACE}USD"),
        (0, f"0.00{SPACE}USD"),
        (-0.001, f"0.00{SPACE}USD"),
    ],
)
def test_money_carries_a_sign_unless_it_rounds_to_nothing(amount, text):
    money = Money(round(amount * MONEY_SCALE))
    assert wording.render_money(money, "USD", is_signed=True) == text


def test_prices_volumes_and_times_read_as_on_a_screen():
    assert wording.render_price(Price(129_167_700), 3) == "1,291.677"
    assert wording.render_price(Price(440_000_000), 0) == "4,400"
    assert wording.render_volume(Volume(150_000)) == "1,500"
    assert wording.render_volume(Volume(150_050)) == "1,500.50"
    assert wording.render_time(TimestampMs(1_772_418_600_000)) == "2026-03-02 02:30"
    assert wording.render_time(TimestampMs(1_772_418_600_000), is_daily=True) == "2026-03-02"
    assert wording.render_percent(-0.0321) == f"\N{MINUS SIGN}3.21{SPACE}%"


def test_an_undefined_profit_factor_says_why():
    assert wording.render_profit_factor(None, has_trades=True) == "undefined (no loss)"
    assert wording.render_profit_factor(None, has_trades=False) == "undefined (no trade)"
    assert wording.render_profit_factor(0.0, has_trades=True) == "0.00"
