"""The fill assumptions, each by an example a trader can check."""

import pytest

from palmbot.core.fills import NO_EXIT, ExitFill, ExitKind, find_entry, find_exit

LONG, SHORT = 1, -1


def exit_at(kind, price, *, is_gap=False, is_ambiguous=False):
    return ExitFill(kind, price, is_gap, is_ambiguous)


def test_a_long_enters_at_the_ask_and_a_short_at_the_bid():
    assert (find_entry(LONG, 99.0, 101.0), find_entry(SHORT, 99.0, 101.0)) == (101.0, 99.0)


@pytest.mark.parametrize(
    ("sign", "bar", "expected"),
    [
        (LONG, (100, 101, 99), NO_EXIT),
        (LONG, (100, 101, 95), exit_at(ExitKind.STOP, 95)),
        (LONG, (100, 110, 99), exit_at(ExitKind.TARGET, 110)),
        (LONG, (100, 110, 95), exit_at(ExitKind.STOP, 95, is_ambiguous=True)),
        (LONG, (93, 111, 92), exit_at(ExitKind.STOP, 93, is_gap=True)),
        (LONG, (95, 96, 94), exit_at(ExitKind.STOP, 95, is_gap=True)),
        (LONG, (112, 113, 90), exit_at(ExitKind.TARGET, 112, is_gap=True)),
        (SHORT, (100, 104, 91), NO_EXIT),
        (SHORT, (100, 105, 99), exit_at(ExitKind.STOP, 105)),
        (SHORT, (100, 101, 90), exit_at(ExitKind.TARGET, 90)),
        (SHORT, (100, 105, 90), exit_at(ExitKind.STOP, 105, is_ambiguous=True)),
        (SHORT, (107, 108, 80), exit_at(ExitKind.STOP, 107, is_gap=True)),
        (SHORT, (88, 120, 80), exit_at(ExitKind.TARGET, 88, is_gap=True)),
    ],
    ids=[
        "long: neither level",
        "long: stop touched",
        "long: target touched",
        "long: both touched, the stop is taken",
        "long: opens beyond the stop",
        "long: opens on the stop",
        "long: opens beyond the target, whatever follows",
        "short: neither level",
        "short: stop touched",
        "short: target touched",
        "short: both touched, the stop is taken",
        "short: opens beyond the stop",
        "short: opens beyond the target, whatever follows",
    ],
)
def test_what_a_bar_does_to_a_position(sign, bar, expected):
    stop, target = (95, 110) if sign == LONG else (105, 90)
    assert find_exit(sign, *bar, stop, target) == expected
