"""Bars as the kernel takes them: whole wire units as floats, both sides, trade dates."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from palmbot.domain.units import MS_PER_DAY, PRICE_SCALE
from palmbot.pricefiles.series import BarSeries
from palmbot.research.rules import Floats, Ints

DAYS_PER_WEEK: Final = 7
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""
SATURDAY: Final = 5


class Ohlc(NamedTuple):
    """One side of the bars, shape (n_bars,), oldest first."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Everything about the bars that a sweep depends on.

    Prices are in units of 1/100,000, as whole numbers where they come from a file: levels are
    then rounded to `price_step` as the bot and the broker do.
    """

    time_ms: Ints
    period_ms: int
    bid: Ohlc
    """Longs leave here, and the RSI is computed on its closes."""
    ask: Ohlc
    """Shorts leave here; the same object as `bid` where the file has one series."""
    price_step: float
    """0 leaves levels unrounded."""
    day_end: Ints
    """Index of the last bar of each trade date, ascending; the last is n_bars - 1."""
    rolls: Ints
    """Ascending indices of bars that may begin another contract."""

    def __len__(self) -> int:
        return self.time_ms.size

    @property
    def has_quotes(self) -> bool:
        """Tell whether buyers and sellers see different prices."""
        return self.ask is not self.bid

    def cut(self, first: int, end: int) -> "Market":
        """Return the bars from index `first` to before `end`, sharing their memory."""
        part = slice(first, end)
        bid = Ohlc(*(prices[part] for prices in self.bid))
        ask = Ohlc(*(prices[part] for prices in self.ask)) if self.has_quotes else bid
        inside = self.rolls[(self.rolls >= first) & (self.rolls < end)]
        return replace(
            self,
            time_ms=self.time_ms[part],
            bid=bid,
            ask=ask,
            day_end=find_day_ends(self.time_ms[part]),
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
    bid = Ohlc(*(_to_wire(prices) for prices in (series.open, series.high, series.low, series.close)))
    ask = bid
    if series.has_spread:
        asks = series.asks
        ask = Ohlc(*(_to_wire(prices) for prices in (asks.open, asks.high, asks.low, asks.close)))
    return Market(
        time_ms=series.time_ms,
        period_ms=series.period_ms,
        bid=bid,
        ask=ask,
        price_step=float(series.price_step),
        day_end=find_day_ends(series.time_ms),
        rolls=series.rolls,
    )


def _to_wire(prices: Floats) -> Floats:
    return np.rint(prices * PRICE_SCALE)
