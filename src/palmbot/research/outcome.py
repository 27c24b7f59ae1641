"""What one run of `optimize` found, in plain values: all that its files and its page show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from palmbot.research.grid import Grid
from palmbot.research.rules import Floats, Ints, StrategyPoint
from palmbot.research.table import SweepTable

ABOVE_LISTED_MAX: Final = 50
"""Combinations above the target that a run describes one by one."""


class VerdictKind(StrEnum):
    """Whether to believe a result."""

    ROBUST = "ROBUST"
    FRAGILE = "FRAGILE"
    """Better than noise, but one of the other tests fails."""
    NOISE = "NOISE"
    """Not told apart from the same search on bars without direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The kind and why, the weightiest reason first, each a plain sentence with its number."""

    kind: VerdictKind
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One combination on one stretch of bars."""

    trades: int
    profit_factor: float | None
    """None without a loss."""
    win_rate: float | None
    """Fraction; None without a trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One combination from all sides."""

    point: StrategyPoint
    whole: Score
    in_sample: Score
    out_of_sample: Score
    double_cost: float | None
    """Profit factor at twice the cost."""
    neighbours: float | None
    """Median profit factor of all grid points within one step in each parameter."""
    interval: tuple[float, float] | None
    """90 % interval of the profit factor from bootstrapped trades; None with fewer than two."""
    net_return: float
    """Fraction, compounded, on the whole file."""
    max_drawdown: float
    """Fraction, at bar closes, on the whole file."""
    sharpe: float | None
    """Daily, annualized."""
    ambiguous: int
    """Trades whose exit bar touched both levels; the stop was taken."""
    gap_exits: int
    over_rolls: int
    """Trades held over a bar that may begin another contract."""
    noise_chance: float
    """Share of sign-flipped resamples whose best reaches this profit factor, it counted in; 1 with
    too few trades, since the resamples' best had enough."""
    verdict: Verdict | None
    """None at or below the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullTest:
    """The same search on bars without direction, and on bars in another order."""

    statistic: float | None
    """Best profit factor of the grid on the real bars, rows with too few trades left out."""
    flipped: Floats
    """The same of each sign-flipped resample, sorted; 0 where no row qualified."""
    p_value: float
    """Share of resamples at least as good, the real one counted in."""
    shuffled: Floats
    """The same with whole bars permuted, which keeps a drift."""
    shuffle_p_value: float
    target_share: float
    """Share of the flipped resamples whose best exceeds the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One choice on past bars, and what it earned on the bars after them."""

    train_start: int
    """Bar index; the train window ends where the test begins."""
    test_start: int
    test_stop: int
    """Exclusive."""
    point: StrategyPoint | None
    """None if no combination made enough trades in the train window."""
    train: Score | None
    test: Score | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """All folds of one kind."""

    is_anchored: bool
    """The train windows all begin at the first bar; otherwise they roll along."""
    folds: tuple[Fold, ...]
    profit_factor: float | None
    """Of all out-of-sample trades together; None without a loss."""
    trades: int
    efficiency: float | None
    """Out-of-sample profit factor / median of the train ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflatedSharpe:
    """Chance that the best Sharpe ratio is above what so many trials give by luck."""

    value: float
    """With the effective number of trials."""
    value_all_trials: float
    """With every combination counted as a trial of its own: stricter."""
    sharpe: float
    """Daily, not annualized, of the combination with the best one."""
    threshold: float
    """Daily Sharpe ratio that the best of so many lucky trials is expected to have."""
    trials: int
    effective_trials: float
    """Neighbours on a grid are nearly the same trial."""
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityLine:
    """One combination's worth at the end of each trade date, starting from 1."""

    point: StrategyPoint
    equity: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was asked of one search, beside its table."""

    null: NullTest
    walk_forward: tuple[WalkForward, ...]
    """Anchored, then rolling."""
    pbo: float | None
    """Probability of backtest overfitting; None with fewer than two combinations or 16 days."""
    deflated_sharpe: DeflatedSharpe | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretches:
    """The same grid on the whole file and its parts; rows in grid order."""

    whole: SweepTable
    held_in: SweepTable
    """On the bars on which the best is chosen."""
    held_out: SweepTable
    """On the bars after them."""
    double_cost: SweepTable
    """On the whole file, at twice the cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeOutcome:
    """A whole run of `optimize`."""

    source: str
    digest: str
    """SHA-256 of the price file."""
    code_digest: str
    """SHA-256 of the sources that made the figures."""
    settings_text: str
    """Everything that was asked for, in one line."""
    bars: int
    time_ms: Ints
    """Opening time of each bar, milliseconds since 1970 UTC."""
    period_ms: int
    day_end: Ints
    """Index of the last bar of each trade date."""
    cost_bp: float
    has_breakers: bool
    sentiment: str
    """Mode and file, or "off"."""
    target: float
    min_trades: int
    split: int
    """First bar of the part that the search for the best did not see."""
    grid: Grid
    stretches: Stretches
    neighbours: Floats
    """Of each row the median profit factor of its neighbours on the grid, NaN without one."""
    best: Finding | None
    """Chosen on the in-sample part alone; None if nothing made enough trades."""
    defaults: Finding
    """The owner's setting."""
    above: tuple[Finding, ...]
    """Combinations above the target on the whole file, those with enough trades first, then by
    profit factor; at most `ABOVE_LISTED_MAX`."""
    above_target: int
    """How many combinations exceed the target, however few their trades."""
    above_target_thin: int
    """How many of them have fewer trades than a judgement needs."""
    evidence: Evidence
    verdict: Verdict
    lines: tuple[EquityLine, ...]
    """The best and its neighbours, the best first."""
    seconds: float
