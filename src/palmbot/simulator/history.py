"""Bars and ticks that the server remembers, built from the same quotes that clients see."""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from typing import NamedTuple

from palmbot.domain.units import MS_PER_MINUTE, SymbolId, TimestampMs
from palmbot.simulator.market import Quote

TICKS_MAX = 20_000
"""Quotes kept of each symbol, about a week: ticks are served for a look back, not for research."""


class Trendbar(NamedTuple):
    """Bid prices of one period in 1/100_000."""

    minute: int
    """Opening time, minutes since 1970."""
    open: int
    high: int
    low: int
    close: int
    ticks: int


class BarStore:
    """Bars of one minute of one symbol, oldest first; longer ones are put together from them."""

    def __init__(self) -> None:
        self._minutes = array("q")
        self._opens = array("q")
        self._highs = array("q")
        self._lows = array("q")
        self._closes = array("q")
        self._ticks = array("q")

    def add(self, time: TimestampMs, bid: int) -> None:
        """Fold one quote into the bar of its minute; times do not fall."""
        minute = time // MS_PER_MINUTE
        if self._minutes and self._minutes[-1] == minute:
            if bid > self._highs[-1]:
                self._highs[-1] = bid
            elif bid < self._lows[-1]:
                self._lows[-1] = bid
            self._closes[-1] = bid
            self._ticks[-1] += 1
            return
        self._minutes.append(minute)
        for column in (self._opens, self._highs, self._lows, self._closes):
            column.append(bid)
        self._ticks.append(1)

    def read(
        self, period_minutes: int, first: TimestampMs, last: TimestampMs, *, day_start: int = 0
    ) -> list[Trendbar]:
        """Return the bars that open from `first` to `last`, both inclusive, oldest first.

        Args:
            period_minutes: Length of a bar, at most a day.
            first: Earliest opening time.
            last: Latest opening time; the bar may still be open.
            day_start: Where days begin, minutes from 00:00 UTC.
        """
        # Bars below one hour are on the same grid for any sensible start of the day.
        offset = day_start % period_minutes
        earliest = -(-first // MS_PER_MINUTE)
        latest = last // MS_PER_MINUTE
        i = bisect_left(self._minutes, earliest)
        end = bisect_right(self._minutes, latest + period_minutes - 1)
        bars: list[Trendbar] = []
        while i < end:
            opens = (self._minutes[i] - offset) // period_minutes * period_minutes + offset
            j = bisect_left(self._minutes, opens + period_minutes, i, len(self._minutes))
            if earliest <= opens <= latest:
                bars.append(self._join(opens, i, j))
            i = j
        return bars

    def _join(self, opens: int, i: int, j: int) -> Trendbar:
        return Trendbar(
            opens,
            self._opens[i],
            max(self._highs[i:j]),
            min(self._lows[i:j]),
            self._closes[j - 1],
            sum(self._ticks[i:j]),
        )


class History:
    """Everything that was quoted, as clients may ask for it."""

    def __init__(self) -> None:
        self._bars: dict[SymbolId, BarStore] = {}
        self._ticks: dict[SymbolId, deque[Quote]] = {}

    def add(self, quote: Quote) -> None:
        """Remember one quote."""
        store = self._bars.get(quote.symbol_id)
        if store is None:
            store = self._bars[quote.symbol_id] = BarStore()
            self._ticks[quote.symbol_id] = deque(maxlen=TICKS_MAX)
        store.add(quote.time, quote.bid)
        self._ticks[quote.symbol_id].append(quote)

    def bars(self, symbol_id: SymbolId) -> BarStore:
        """Return the bars of a symbol, empty if it was never quoted."""
        return self._bars.get(symbol_id) or BarStore()

    def ticks(self, symbol_id: SymbolId, first: TimestampMs, last: TimestampMs) -> list[Quote]:
        """Return the quotes from `first` to `last`, both inclusive, newest first."""
        quotes = self._ticks.get(symbol_id, deque())
        return [quote for quote in reversed(quotes) if first <= quote.time <= last]
