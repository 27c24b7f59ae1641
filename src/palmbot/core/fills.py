"""How an order would have been filled, told from bars: assumptions, in one place and in words.

- A signal at the close of a bar enters at the open of the next one, also over a trading break.
- A long buys at the ask and leaves at the bid; a short sells at the bid and leaves at the ask.
  Its levels are therefore tested on bars of that side: bid bars for a long, ask bars for a
  short. With one series of prices that series stands for both, and the spread is a cost.
- Levels are tested on the entry bar too.
- If a bar opens at or beyond a level, the order fills at the open, however far beyond: a gap
  costs what it costs, and gives what it gives.
- Otherwise a touched level fills at its price; touching is enough.
- If one bar touches both levels, nobody knows which came first: the stop is taken, and the
  exit is called ambiguous.
- Between entry and exit nothing else happens: no trailing, no second entry, no other exit.

Plain numbers in and out, so that a compiler can take the functions as they stand.
"""

from enum import IntEnum
from typing import NamedTuple


class ExitKind(IntEnum):
    """Which level ended a position."""

    NONE = 0
    STOP = 1
    TARGET = 2


class ExitFill(NamedTuple):
    """What one bar does to an open position."""

    kind: ExitKind
    price: float
    """In the unit of the bar; 0 without an exit."""
    is_gap: bool
    """Filled at the open, at or beyond the level."""
    is_ambiguous: bool
    """The bar touched both levels."""


NO_EXIT = ExitFill(ExitKind.NONE, 0.0, is_gap=False, is_ambiguous=False)


def find_entry(sign: int, bid_open: float, ask_open: float) -> float:
    """Return the price of an entry at the open of a bar; `sign` is +1 for long, -1 for short."""
    return ask_open if sign > 0 else bid_open


def find_exit(  # noqa: PLR0913, PLR0917 - plain numbers for the compiler
    sign: int, bar_open: float, high: float, low: float, stop: float, target: float
) -> ExitFill:
    """Return what a bar of the exit side does to a position with these levels.

    `sign` is +1 for a long and -1 for a short; any unit of price, the same for all.
    """
    if (bar_open - stop) * sign <= 0:
        return ExitFill(ExitKind.STOP, bar_open, is_gap=True, is_ambiguous=False)
    if (bar_open - target) * sign >= 0:
        return ExitFill(ExitKind.TARGET, bar_open, is_gap=True, is_ambiguous=False)
    worst, best = (low, high) if sign > 0 else (high, low)
    is_target = (best - target) * sign >= 0
    if (worst - stop) * sign <= 0:
        return ExitFill(ExitKind.STOP, stop, is_gap=False, is_ambiguous=is_target)
    if is_target:
        return ExitFill(ExitKind.TARGET, target, is_gap=False, is_ambiguous=False)
    return NO_EXIT
