"""Bars as the kernel takes them: whole wire units as floats, both sides, trade dates."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from palmbot.domain.units import MS_PER_DAY, PRICE_SCALE
from palmbot.pricefiles.series import BarSeries
from palmbot.research.rules import Floats, Ints

DAYS_PER_WEEK: Final = 7
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""
SATURDAY: Final = 5

OPEN, HIGH, LOW, CLOSE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Everything about the bars that a sweep depends on.

    Prices are in units of 1/100,000, as whole numbers where they come from a file: levels are
    then rounded to `price_step` as the bot and the broker do.
    """

    time_ms: Ints
    period_ms: int
    prices: Floats
    """Shape (sides, 4, n_bars): opens, highs, lows, closes, oldest first. Side 0 is the bid: longs
    leave there, and the RSI is computed on its closes. Side 1, if any, is the ask."""
    price_step: float
    """0 leaves levels unrounded."""
    day_end: Ints
    """Index of the last bar of each trade date, ascending; the last is n_bars - 1."""
    rolls: Ints
    """Ascending indices of bars that may begin another contract."""

    def __len__(self) -> int:
        return self.time_ms.size

    @property
    def bid(self) -> Floats:
        """Bid bars, shape (4, n_bars)."""
        bid: Floats = self.prices[0]
        return bid

    @property
    def ask(self) -> Floats:
        """Ask bars, shape (4, n_bars); the bid bars where the file has one series."""
        ask: Floats = self.prices[-1]
        return ask

    @property
    def has_quotes(self) -> bool:
        """Tell whether buyers and sellers see different prices."""
        return len(self.prices) > 1

    def cut(self, first: int, end: int) -> "Market":
        """Return the bars from index `first` to before `end`, sharing their memory."""
        inside = self.rolls[(self.rolls >= first) & (self.rolls < end)]
        return replace(
            self,
            time_ms=self.time_ms[first:end],
            prices=self.prices[:, :, first:end],
            day_end=find_day_ends(self.time_ms[first:end]),
            rolls=inside - first,
        )


def find_day_ends(time_ms: Ints) -> Ints:
    """Return the index of the last bar of each trade date.

    Dates are UTC; Saturday and Sunday belong to the Monday after, because the Sunday evening of
    a currency or metal market is the beginning of its Monday.
    """
    if time_ms.size == 0:
        return np.empty(0, dtype=np.int64)
    day = time_ms // MS_PER_DAY
    weekday = (day + EPOCH_WEEKDAY) % DAYS_PER_WEEK
    day += np.where(weekday >= SATURDAY, DAYS_PER_WEEK - weekday, 0)
    ends = np.flatnonzero(day[1:] != day[:-1])
    return np.append(ends, time_ms.size - 1).astype(np.int64)


def make_market(series: BarSeries) -> Market:
    """Return the bars of a price file."""
    sides = [(series.open, series.high, series.low, series.close)]
    if series.has_spread:
        asks = series.asks
        sides.append((asks.open, asks.high, asks.low, asks.close))
    return Market(
        time_ms=series.time_ms,
        period_ms=series.period_ms,
        prices=np.rint(np.array(sides) * PRICE_SCALE),
        price_step=float(series.price_step),
        day_end=find_day_ends(series.time_ms),
        rolls=series.rolls,
    )
