"""Bars as arrays: what the exact backtest and the sweep compute on."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from palmbot.domain.units import PRICE_SCALE

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

NO_ROLLS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBars:
    """The ask side of bars of quotes; each of shape (n_bars,), price units, oldest first."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarSeries:
    """One file of bars, fit to be traded on. All arrays have the shape (n_bars,), oldest first.

    Prices are in price units and whole multiples of 1/100_000, so that `np.rint(x * 100_000)`
    gives the integers of the core exactly. They are **bid** prices where the file has quotes,
    and the file's one series (last trade, mid or bid: it does not say) where it has not.
    """

    time_ms: Integers
    """Opening time of each bar, milliseconds since 1970 UTC, strictly ascending."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    spread: Floats
    """Ask - bid at the open, price units; 0 where the file does not say."""
    period_ms: int
    """Median step between bars."""
    source: str
    """Name of the file, for people."""
    digest: str
    """SHA-256 of the file's bytes as stored, in hex."""
    digits: int = 5
    """Decimals the prices need, 0 to 5: the price step is 10 ** -digits."""
    ask: AskBars | None = None
    """None where the file has one series: then the ask is the bid plus `spread`, see `asks`."""
    rolls: Integers = field(default_factory=NO_ROLLS.copy)
    """Indices of bars whose open may lie in another contract than the close before."""

    def __len__(self) -> int:
        return self.time_ms.size

    @property
    def price_step(self) -> int:
        """Smallest change of a price, in 1/100_000."""
        return int(10 ** (5 - self.digits))

    @property
    def has_spread(self) -> bool:
        """Tell whether the file itself says what crossing the spread costs."""
        return self.ask is not None or bool(self.spread.any())

    @property
    def asks(self) -> AskBars:
        """The side on which a long enters and a short leaves.

        Without quotes every price of a bar has the spread of its open, on the grid of 1/100_000.
        """
        if self.ask is not None:
            return self.ask
        return AskBars(
            open=_put_on_grid(self.open + self.spread),
            high=_put_on_grid(self.high + self.spread),
            low=_put_on_grid(self.low + self.spread),
            close=_put_on_grid(self.close + self.spread),
        )

    def cut(self, first: int, end: int) -> "BarSeries":
        """Return the bars from index `first` to before `end`, as views."""
        part = slice(first, end)
        ask = self.ask
        inside = (self.rolls >= first) & (self.rolls < end)
        return BarSeries(
            time_ms=self.time_ms[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            spread=self.spread[part],
            period_ms=self.period_ms,
            source=self.source,
            digest=self.digest,
            digits=self.digits,
            ask=None
            if ask is None
            else AskBars(
                open=ask.open[part], high=ask.high[part], low=ask.low[part], close=ask.close[part]
            ),
            rolls=self.rolls[inside] - first,
        )


def _put_on_grid(prices: Floats) -> Floats:
    return np.rint(prices * PRICE_SCALE) / PRICE_SCALE
