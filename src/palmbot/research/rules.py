"""What a trade of the strategy earns, and how trades are summed up: one definition each.

The exact engine and the sweep kernel both end in a `TradeList`, so that a test can compare them
field by field. The functions of plain numbers at the top are compiled as they stand by `kernel`.
Signals come from `core.rsi` and `core.strategy`, fills from `core.fills`.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RSI_PERIOD: Final = 14
PERCENT: Final = 100.0
BASIS_POINTS: Final = 10_000.0
TRADING_DAYS_PER_YEAR: Final = 252
"""Annualizes the Sharpe ratio of daily returns."""

REASON_END: Final = 0
"""Open at the end of the series, closed at the last close. 1 and 2 are `core.fills.ExitKind`."""
REASON_STOP: Final = 1
REASON_TARGET: Final = 2
REASON_CLOSED: Final = 3
"""Closed by the bot itself: the daily loss limit flattens."""


class StrategyPoint(NamedTuple):
    """One combination of the grid; thresholds in RSI units, distances in percent of the entry."""

    rsi_buy: float
    rsi_sell: float
    take_profit: float
    stop_loss: float


OWNER_DEFAULTS: Final = StrategyPoint(30.0, 70.0, 2.0, 1.5)
"""The owner's first setting, shown beside whatever a search finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What trading costs. The sweep knows `cost_bp` and the spread of the bars only."""

    cost_bp: float = 5.0
    """Basis points of the fill price, charged on each side."""
    commission_bp: float = 0.0
    """Exact engine only: basis points a side, on top of `cost_bp`."""
    swap_bp_per_night: float = 0.0
    """Exact engine only: basis points of the entry price for each night, negative if paid."""

    def __post_init__(self) -> None:
        for name, value in (("cost_bp", self.cost_bp), ("commission_bp", self.commission_bp)):
            if not (math.isfinite(value) and 0 <= value < BASIS_POINTS):
                raise ValueError(f"{name} must be from 0 to below 10000, was {value}")
        if not math.isfinite(self.swap_bp_per_night):
            raise ValueError("swap_bp_per_night must be finite")

    @property
    def cost(self) -> float:
        """Fraction of the fill price, a side."""
        return self.cost_bp / BASIS_POINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedBars:
    """Bars at whose close the bot may not decide to enter, one flag a bar; None blocks nothing.

    Whatever depends on the bar alone goes in here: trading hours, recorded sentiment (which may
    block one side only), contract rolls.
    """

    buys: Flags | None = None
    sells: Flags | None = None

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the flags."""
        found = hashlib.sha256()
        for flags in (self.buys, self.sells):
            found.update(b"" if flags is None else flags.tobytes())
        return found.hexdigest()

    def cut(self, first: int, end: int) -> "BlockedBars":
        """Return the flags of the bars from index `first` to before `end`."""
        return BlockedBars(
            buys=None if self.buys is None else self.buys[first:end],
            sells=None if self.sells is None else self.sells[first:end],
        )


NO_COSTS: Final = CostModel(cost_bp=0.0)
ORDINARY_COSTS: Final = CostModel()
NOTHING_BLOCKED: Final = BlockedBars()


def find_distance(entry: float, percent: float, price_step: float) -> float:
    """Return the distance of a level from an entry price, in the unit of the price.

    With a price step it is rounded to the nearest step, half a step up, at least one: the rule
    of `core.sizing.read_distance`. Prices and step are then whole numbers (wire units), and
    `percent` is taken to a hundredth.
    """
    if price_step <= 0.0:
        return entry * (percent / 100.0)
    step = int(price_step)
    share_bp = int(percent * 100.0 + 0.5)
    steps = (2 * int(entry) * share_bp + 10_000 * step) // (20_000 * step)
    return float(max(1, steps) * step)


def find_return(sign: int, entry: float, exit_price: float, cost: float) -> float:
    """Return what a trade earned on its stake, after costs, as a fraction.

    Args:
        sign: +1 for a long, -1 for a short.
        entry: Fill price, in any unit.
        exit_price: Fill price, in the same unit.
        cost: Fraction of each fill price.
    """
    ratio = exit_price / entry
    if sign > 0:
        return ratio * (1.0 - cost) / (1.0 + cost) - 1.0
    return ((1.0 - cost) - ratio * (1.0 + cost)) / (1.0 + cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeList:
    """Trades of one combination over one series, in the order of their entries."""

    entry_index: Ints
    """Bar at whose open the trade began."""
    exit_index: Ints
    side: npt.NDArray[np.int8]
    """+1 long, -1 short."""
    entry_price: Floats
    exit_price: Floats
    reason: npt.NDArray[np.int8]
    """REASON_END, REASON_STOP or REASON_TARGET."""
    is_gap: Flags
    """Filled at an open at or beyond the level."""
    is_ambiguous: Flags
    """The bar touched both levels; the stop was taken."""
    net_return: Floats
    """Fraction of the stake, after costs."""

    def __len__(self) -> int:
        return self.entry_index.size


def read_profit_factor(returns: Floats) -> float | None:
    """Return gross profit / gross loss of unit-stake returns.

    None without a loss (never infinite), 0 with nothing but losses.
    """
    loss = -float(returns[returns < 0].sum())
    return float(returns[returns > 0].sum()) / loss if loss > 0 else None


def read_win_rate(returns: Floats) -> float | None:
    """Return the share of trades above zero after costs; None without a trade."""
    return float((returns > 0).mean()) if returns.size else None


def read_net_return(returns: Floats) -> float:
    """Return what one stake became, reinvested with every trade, less one."""
    return float(np.prod(1.0 + returns)) - 1.0


def read_max_drawdown(equity: Floats) -> float:
    """Return the worst fraction below the running peak, the start (1.0) included."""
    if equity.size == 0:
        return 0.0
    peaks = np.maximum.accumulate(np.maximum(equity, 1.0))
    return float((1.0 - equity / peaks).max())


def read_sharpe(daily_returns: Floats) -> float | None:
    """Return mean / standard deviation of daily returns times sqrt(252); None if undefined."""
    if daily_returns.size < 2:  # noqa: PLR2004 - a deviation needs two values
        return None
    deviation = float(daily_returns.std(ddof=1))
    if deviation == 0.0:
        return None
    return float(daily_returns.mean()) / deviation * math.sqrt(TRADING_DAYS_PER_YEAR)


def read_sharpe_of_sums(total: float, squares: float, days: int) -> float | None:
    """Return what `read_sharpe` does, from the sums of daily returns and of their squares."""
    if days < 2:  # noqa: PLR2004 - a deviation needs two values
        return None
    variance = (squares - total * total / days) / (days - 1)
    if variance <= 0.0:
        return None
    return total / days / math.sqrt(variance) * math.sqrt(TRADING_DAYS_PER_YEAR)
