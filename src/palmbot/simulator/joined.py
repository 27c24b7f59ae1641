"""Several products at one broker: their quotes in one stream."""

import heapq
from collections.abc import Iterator

from palmbot.simulator.contracts import Contract
from palmbot.simulator.market import MarketSource, Quote


class JoinedMarket:
    """Implements `MarketSource` with the quotes of several, in order of time.

    The sources must not quote the same symbol.
    """

    def __init__(self, first: MarketSource, *rest: MarketSource) -> None:
        """Join them; the contract of the first is the one that is traded by default."""
        self._sources = (first, *rest)

    @property
    def contract(self) -> Contract:
        """The contract of the first source."""
        return self._sources[0].contract

    @property
    def others(self) -> tuple[Contract, ...]:
        """Every other contract of every source."""
        first, *rest = self._sources
        return (*first.others, *(each for one in rest for each in (one.contract, *one.others)))

    def past_quotes(self) -> Iterator[Quote]:
        """Yield what happened before the start, oldest first."""
        return heapq.merge(*(one.past_quotes() for one in self._sources), key=_time_of)

    def quotes(self) -> Iterator[Quote]:
        """Yield what happens from the start on, oldest first; the same on every call."""
        return heapq.merge(*(one.quotes() for one in self._sources), key=_time_of)


def _time_of(quote: Quote) -> int:
    return quote.time
