"""From tables to findings: one combination seen from all sides, with its verdict."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from palmbot.research.grid import Grid
from palmbot.research.null_test import read_chance
from palmbot.research.outcome import (
    ABOVE_LISTED_MAX,
    Evidence,
    Finding,
    Score,
    Stretches,
    Verdict,
)
from palmbot.research.rules import Floats, StrategyPoint, read_sharpe_of_sums
from palmbot.research.sweep import Prepared, find_axes, trace_prepared
from palmbot.research.table import SweepTable
from palmbot.research.verdict import Facts, judge

BOOTSTRAPS: Final = 500
INTERVAL: Final = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """The tables of one grid with all that is needed to judge a row."""

    grid: Grid
    stretches: Stretches
    neighbours: Floats
    evidence: Evidence
    min_trades: int
    target: float

    def judge(self, row: int) -> Verdict:
        """Return the verdict on one row."""
        return judge(self._read_facts(row))

    def _read_facts(self, row: int) -> Facts:
        whole = read_score(self.stretches.whole, row)
        held_out = read_score(self.stretches.held_out, row)
        neighbours = float(self.neighbours[row])
        forward = [
            each.profit_factor
            for each in self.evidence.walk_forward
            if each.profit_factor is not None
        ]
        return Facts(
            profit_factor=whole.profit_factor,
            trades=whole.trades,
            min_trades=self.min_trades,
            target=self.target,
            p_value=self.evidence.null.p_value,
            shuffle_p_value=self.evidence.null.shuffle_p_value,
            noise_share=self.evidence.null.target_share,
            walk_forward=min(forward) if forward else None,
            walk_forward_trades=min(each.trades for each in self.evidence.walk_forward),
            neighbours=None if np.isnan(neighbours) else neighbours,
            double_cost=read_score(self.stretches.double_cost, row).profit_factor,
            held_out=held_out.profit_factor,
            held_out_trades=held_out.trades,
        )

    def describe(self, row: int, interval: tuple[float, float] | None) -> Finding:
        """Return one row from all sides."""
        table = self.stretches.whole
        whole = read_score(table, row)
        neighbours = float(self.neighbours[row])
        factor = whole.profit_factor
        return Finding(
            point=self.grid.point(row),
            whole=whole,
            in_sample=read_score(self.stretches.held_in, row),
            out_of_sample=read_score(self.stretches.held_out, row),
            double_cost=read_score(self.stretches.double_cost, row).profit_factor,
            neighbours=None if np.isnan(neighbours) else neighbours,
            interval=interval,
            net_return=float(table.net_return[row]),
            max_drawdown=float(table.max_drawdown[row]),
            sharpe=read_sharpe_of_sums(
                float(table.daily_sum[row]), float(table.daily_squares[row]), table.days
            ),
            ambiguous=int(table.ambiguous[row]),
            gap_exits=int(table.gap_exits[row]),
            over_rolls=int(table.over_rolls[row]),
            noise_chance=read_chance(
                self.evidence.null.flipped, factor if whole.trades >= self.min_trades else None
            ),
            verdict=self.judge(row) if factor is not None and factor > self.target else None,
        )

    def list_above(self) -> list[int]:
        """Return the rows above the target: with enough trades first, then by profit factor."""
        table = self.stretches.whole
        factors = table.profit_factor
        rows = np.flatnonzero(factors > self.target)
        is_thin = table.trades[rows] < self.min_trades
        order = np.lexsort((rows, -factors[rows], is_thin))
        return [int(row) for row in rows[order][:ABOVE_LISTED_MAX]]


def read_score(table: SweepTable, row: int) -> Score:
    """Return one row of a table as a score."""
    trades = int(table.trades[row])
    loss = float(table.gross_loss[row])
    return Score(
        trades=trades,
        profit_factor=float(table.gross_profit[row]) / loss if loss > 0 else None,
        win_rate=int(table.wins[row]) / trades if trades else None,
    )


def find_interval(returns: Floats, seed: int) -> tuple[float, float] | None:
    """Return the 90 % interval of the profit factor from trades drawn with replacement.

    Draws without a loss count as infinite; None with fewer than two trades, or if an end of the
    interval is infinite.
    """
    if returns.size < 2:  # noqa: PLR2004 - one trade varies in nothing
        return None
    rng = np.random.default_rng(seed)
    drawn = returns[rng.integers(0, returns.size, (BOOTSTRAPS, returns.size))]
    gains = np.where(drawn > 0, drawn, 0.0).sum(axis=1)
    losses = -np.where(drawn < 0, drawn, 0.0).sum(axis=1)
    factors = np.where(losses > 0, gains / np.where(losses > 0, losses, 1.0), np.inf)
    low, high = np.quantile(factors, INTERVAL, method="nearest")
    return (float(low), float(high)) if np.isfinite(high) else None


def find_row_interval(prepared: Prepared, grid: Grid, row: int) -> tuple[float, float] | None:
    """Return the interval of one row; the draw depends on the row alone."""
    buy, sell = find_axes(grid, row)
    return find_interval(trace_prepared(prepared, grid.point(row), buy, sell).net_return, row)


def find_neighbours(grid: Grid, row: int) -> tuple[StrategyPoint, ...]:
    """Return the combinations one step away in exactly one parameter."""
    place = np.unravel_index(row, grid.shape)
    found = []
    for axis, length in enumerate(grid.shape):
        for step in (-1, 1):
            moved = [int(index) for index in place]
            moved[axis] += step
            if 0 <= moved[axis] < length:
                found.append(grid.point(int(np.ravel_multi_index(moved, grid.shape))))
    return tuple(found)
