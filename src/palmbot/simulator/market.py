"""Where quotes come from: the contract of every market source."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from palmbot.domain.units import Price, SymbolId, TimestampMs
from palmbot.simulator.contracts import Contract


class Quote(NamedTuple):
    """Best bid and ask of one symbol at one moment of market time."""

    symbol_id: SymbolId
    time: TimestampMs
    bid: Price
    ask: Price
    is_continuous: bool = False
    """The price moved through every step since the last quote of this symbol.

    True within a replayed bar: a stop in between is filled at its level. False for real
    and modelled quotes, and for the open of a bar: the stop fills at the first price beyond.
    """


class MarketSource(Protocol):
    """Quotes of one traded contract, and of what converts its currency, in order of time."""

    @property
    def contract(self) -> Contract:
        """The traded contract."""

    @property
    def others(self) -> tuple[Contract, ...]:
        """What is quoted beside it: currency pairs, other products of the broker."""

    def past_quotes(self) -> Iterator[Quote]:
        """Yield what happened before the start, oldest first: it is served as history only."""

    def quotes(self) -> Iterator[Quote]:
        """Yield what happens from the start on, oldest first; the same on every call."""
