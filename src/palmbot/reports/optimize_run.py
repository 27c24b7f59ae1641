"""What one search over a grid found, in plain values: the input of its page.

Rates, returns and drawdowns are fractions; distances of target and stop are per cent; times are
milliseconds since 1970 UTC.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One point of the grid."""

    rsi_buy: float
    rsi_sell: float
    tp: float
    sl: float

    def render(self) -> str:
        """Write it in one line."""
        return f"RSI {self.rsi_buy:g} / {self.rsi_sell:g}, {self.tp:g} / {self.sl:g} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One combination on one stretch of bars."""

    trades: int
    profit_factor: float | None
    """None without a loss."""
    win_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One combination from all sides."""

    point: Combination
    whole: Scored
    in_sample: Scored
    out_of_sample: Scored
    double_cost: float | None
    neighbours: float | None
    """Median profit factor of the grid points around."""
    interval: tuple[float, float] | None
    net_return: float
    max_drawdown: float
    sharpe: float | None
    ambiguous: int
    gap_exits: int
    verdict: str | None
    """ROBUST, FRAGILE or NOISE; None at or below the target."""
    reason: str
    """The weightiest, empty without a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Two parameters against each other; cells [y][x], None where nothing is defined.

    Every cell is the median over all values of the other two parameters, never the best of them.
    """

    x_name: str
    y_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    profit_factor: tuple[tuple[float | None, ...], ...]
    trades: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One line of the parallel coordinates."""

    point: Combination
    trades: int
    profit_factor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """One combination's worth at the end of each trade date, starting from 1."""

    point: Combination
    time_ms: tuple[int, ...]
    value: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkWindow:
    """A choice on past bars, and what it earned after them."""

    train_start_ms: int
    test_start_ms: int
    test_end_ms: int
    point: Combination | None
    train: float | None
    """Profit factor of the choice on the train window."""
    test: float | None
    test_trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardRun:
    """All windows of one kind."""

    name: str
    """anchored or rolling."""
    windows: tuple[WalkWindow, ...]
    profit_factor: float | None
    """Of all out-of-sample trades together."""
    trades: int
    efficiency: float | None
    """Out-of-sample profit factor against the median of the train ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRun:
    """The same search on bars without direction."""

    statistic: float | None
    """Best profit factor on the real bars."""
    flipped: tuple[float, ...]
    p_value: float
    shuffled: tuple[float, ...]
    shuffle_p_value: float
    target_share: float
    """Share of the directionless resamples whose best exceeds the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeTest:
    """The deflated Sharpe ratio."""

    value: float
    """Probability that the best is above what so many trials give by luck."""
    trials: int
    effective_trials: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizePicture:
    """Everything the page of one search shows."""

    source: str
    sha256: str
    code_sha256: str
    bars: int
    start_ms: int
    end_ms: int
    period_ms: int
    split_ms: int
    """Where the part begins that the choice of the best did not see."""
    cost_bp: float
    has_breakers: bool
    sentiment: str
    """Mode and file, or "off"."""
    target: float
    min_trades: int
    combinations: int
    above_target: int
    """Combinations whose profit factor exceeds the target, however few their trades."""
    above_target_thin: int
    """Those of them with too few trades to be judged."""
    verdict: str
    """ROBUST, FRAGILE or NOISE."""
    reasons: tuple[str, ...]
    best: Candidate | None
    defaults: Candidate
    above: tuple[Candidate, ...]
    heat_maps: tuple[HeatMap, ...]
    rows: tuple[GridRow, ...]
    """All combinations, or a fair sample of a large grid."""
    curves: tuple[EquityCurve, ...]
    """The best first, then its neighbours."""
    walk_forward: tuple[WalkForwardRun, ...]
    null: NullRun
    pbo: float | None
    sharpe: SharpeTest | None
    seconds: float
    notes: tuple[str, ...] = ()
    """What was done to the bars before the search, one sentence each."""
