"""The result of a sweep: one row for each combination, in the order of the grid."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from palmbot.research.rules import Flags, Floats

Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTable:
    """Columns of equal length. Returns and drawdowns are fractions."""

    trades: Counts
    wins: Counts
    longs: Counts
    ambiguous: Counts
    """Trades whose exit bar touched both levels."""
    gap_exits: Counts
    open_at_end: Counts
    """0 or 1: a position was closed at the last close."""
    over_rolls: Counts
    """Trades held over a bar that may begin another contract."""
    gross_profit: Floats
    """Sum of the unit-stake returns above zero."""
    gross_loss: Floats
    """Sum of the others, as a positive number."""
    net_return: Floats
    max_drawdown: Floats
    daily_sum: Floats
    """Sum of daily returns of equity."""
    daily_squares: Floats
    """Sum of their squares."""
    days: int

    def __len__(self) -> int:
        return self.trades.size

    @property
    def profit_factor(self) -> Floats:
        """Gross profit / gross loss, NaN without a loss."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.gross_loss > 0, self.gross_profit / self.gross_loss, np.nan)

    @property
    def win_rate(self) -> Floats:
        """Share of trades above zero, NaN without a trade."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.trades > 0, self.wins / self.trades, np.nan)

    def rank(self, min_trades: int) -> Floats:
        """Return the profit factor where it counts, -1 elsewhere: no loss, or too few trades."""
        factor = self.profit_factor
        return np.where((self.trades >= min_trades) & ~np.isnan(factor), factor, -1.0)

    def find_best(self, min_trades: int, allowed: Flags | None = None) -> int | None:
        """Return the row with the highest profit factor; ties go to more trades, then grid order.

        None if no row, or none of those allowed, has both enough trades and a loss.
        """
        ranks = self.rank(min_trades)
        if allowed is not None:
            ranks = np.where(allowed, ranks, -1.0)
        if ranks.size == 0 or ranks.max() < 0:
            return None
        ties = np.flatnonzero(ranks == ranks.max())
        return int(ties[np.argmax(self.trades[ties])])


COLUMNS = tuple(field.name for field in fields(SweepTable) if field.name != "days")
