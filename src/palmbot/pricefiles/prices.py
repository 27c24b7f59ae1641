"""What a price file holds, as plain integers: nothing of the library that read it leaks out."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from palmbot.domain.market import Bar
from palmbot.domain.units import Price, TimestampMs


class PriceKind(StrEnum):
    """What one row of a price file is."""

    TICKS = "ticks"
    BARS = "bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickColumns:
    """Quotes, oldest first; all columns have the same length."""

    times: "array[int]"
    """TimestampMs; several quotes may share a millisecond."""
    bids: "array[int]"
    """Price, in 1/100_000."""
    asks: "array[int]"
    """Price, in 1/100_000; nowhere below the bid of its row."""

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class OhlcColumns:
    """Four prices of each bar, in 1/100_000; low <= open, close <= high in every row."""

    opens: "array[int]"
    highs: "array[int]"
    lows: "array[int]"
    closes: "array[int]"

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (open, high, low, close) of each bar, oldest first."""
        return zip(self.opens, self.highs, self.lows, self.closes, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Bars, oldest first, stamped with their opening time; all columns have the same length."""

    times: "array[int]"
    """TimestampMs, strictly ascending, on the grid of the period."""
    bid: OhlcColumns
    """Bid prices; the one series of a file that has no quotes."""
    ask: OhlcColumns | None
    """None if the file has one series; the spread is then an assumption of whoever trades it."""
    volumes: "array[int]"
    """As the file says; 0 throughout if it does not."""

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFile:
    """One price file, read whole and found fit: either ticks or bars."""

    path: Path
    sha256: str
    """Hex digest of the file's bytes as stored, compressed or not."""
    digits: int
    """Decimals the prices need, 0 to 5."""
    notes: tuple[str, ...]
    """Assumptions and ignored columns, one sentence each, for people."""
    period_ms: int | None = None
    """Median step between bars; None for ticks."""
    ticks: TickColumns | None = None
    bars: BarColumns | None = None

    @property
    def kind(self) -> PriceKind:
        """Ticks or bars."""
        return PriceKind.TICKS if self.bars is None else PriceKind.BARS

    @property
    def has_quotes(self) -> bool:
        """Tell whether the file has bid and ask, so that its spread is real."""
        return self.bars is None or self.bars.ask is not None

    @property
    def times(self) -> "array[int]":
        """TimestampMs of every row, oldest first."""
        if self.bars is not None:
            return self.bars.times
        if self.ticks is not None:
            return self.ticks.times
        raise ValueError("a price file holds either ticks or bars")

    def __len__(self) -> int:
        return len(self.times)

    def render_bars(self) -> tuple[Bar, ...]:
        """Return the bid bars as domain values, oldest first; empty for ticks."""
        if self.bars is None:
            return ()
        return tuple(
            Bar(
                open_time=TimestampMs(time),
                open=Price(opening),
                high=Price(high),
                low=Price(low),
                close=Price(close),
                volume=volume,
            )
            for time, (opening, high, low, close), volume in zip(
                self.bars.times, self.bars.bid, self.bars.volumes, strict=True
            )
        )
