"""One run of `optimize`: the sweep, then everything that may speak against what it found."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from palmbot.domain.errors import InputInvalid
from palmbot.pricefiles.series import BarSeries
from palmbot.research.checkpoint import Checkpoint
from palmbot.research.compiled import hash_code
from palmbot.research.engines import Engine, NullJob, SweepJob, make_window_job, run_job
from palmbot.research.findings import Judged, find_neighbours, find_row_interval
from palmbot.research.grid import Grid, make_single
from palmbot.research.guards import watch_market
from palmbot.research.market import Market, make_market
from palmbot.research.null_test import RESAMPLES_MIN, run_null_test
from palmbot.research.outcome import (
    EquityLine,
    Evidence,
    Finding,
    OptimizeOutcome,
    Stretches,
    Verdict,
    VerdictKind,
)
from palmbot.research.overfitting import find_deflated_sharpe, find_pbo
from palmbot.research.resampling import measure_moves
from palmbot.research.rules import OWNER_DEFAULTS, Floats, StrategyPoint
from palmbot.research.sweep import (
    SweepOptions,
    compute_levels,
    cut_blocks,
    find_axes,
    join_blocks,
    prepare,
    trace_equity,
)
from palmbot.research.table import SweepTable
from palmbot.research.verdict import find_plateau
from palmbot.research.walk_forward import walk_forward

BARS_MIN: Final = 150
"""Fewer leave windows of the walk-forward without a single RSI."""
DAILY_ROWS_MAX: Final = 2000
"""Combinations whose daily returns are held at once; of a larger grid an even sample."""
BEFORE_NULL: Final = 0.04
AFTER_NULL: Final = 0.98
"""Shares of the work: nearly all of it is the search in resampled bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeSettings:
    """What to search, and what to hold against it."""

    grid: Grid
    options: SweepOptions
    min_trades: int = 30
    target: float = 1.5
    in_sample: float = 0.7
    """Share of the bars on which the best is chosen."""
    resamples: int = RESAMPLES_MIN
    seed: int = 0
    sentiment: str = "off"
    """What `options.blocked` comes from, in words that also tell its bars."""

    def __post_init__(self) -> None:
        if self.min_trades < 1:
            raise InputInvalid(f"--min-trades: need at least 1, was {self.min_trades}; change it.")
        if not 0 < self.target < float("inf"):
            raise InputInvalid(f"--target: need a number above 0, was {self.target}; change it.")
        if not 0.1 <= self.in_sample <= 0.9:  # noqa: PLR2004 - both parts need bars
            raise InputInvalid(
                f"--in-sample: need a share from 0.1 to 0.9, was {self.in_sample}; change it."
            )
        if self.resamples < RESAMPLES_MIN:
            raise InputInvalid(
                f"--resamples: need at least {RESAMPLES_MIN}, was {self.resamples}; fewer leave "
                "the p-value too uncertain."
            )

    @property
    def in_sample_trades(self) -> int:
        """Trades that a choice on the in-sample part needs: its share of `min_trades`."""
        return max(1, round(self.min_trades * self.in_sample))

    def describe(self) -> str:
        """Return everything that was asked for, in one line."""
        grid = self.grid
        axes = (grid.rsi_buy, grid.rsi_sell, grid.take_profit, grid.stop_loss)
        lists = "; ".join(",".join(f"{value:g}" for value in axis) for axis in axes)
        return (
            f"grid {lists}; cost {self.options.costs.cost_bp:g} bp a side; breakers "
            f"{'on' if self.options.has_breakers else 'off'}; sentiment {self.sentiment}; RSI "
            f"{self.options.rsi_period}; min trades {self.min_trades}; target {self.target:g}; "
            f"in-sample {self.in_sample:g}; resamples {self.resamples}; seed {self.seed}"
        )

    def make_key(self, digest: str) -> str:
        """Return a name for everything that finished work depends on."""
        text = f"{digest} {hash_code()} {self.describe()}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far a run is."""

    text: str
    """What is being done."""
    fraction: float
    """Of the whole run."""


Tell = Callable[[Stage], None]


def optimize(
    series: BarSeries,
    settings: OptimizeSettings,
    engine: Engine,
    checkpoint: Checkpoint | None,
    tell: Tell,
) -> OptimizeOutcome:
    """Search the grid on the bars, and judge what was found.

    Args:
        series: Bars of a price file.
        settings: What to search, and what to hold against it.
        engine: Who does the work; the outcome does not depend on it.
        checkpoint: Where finished work is kept, None for nowhere.
        tell: Called as the run goes on.

    Raises:
        InputInvalid: too few bars.
    """
    if len(series) < BARS_MIN:
        raise InputInvalid(
            f"{series.source}: {len(series)} bars are too few to choose on one part and judge on "
            f"another; give at least {BARS_MIN}."
        )
    begin = time.monotonic()
    search = _Search(make_market(series), settings, engine, checkpoint, tell)
    outcome = search.run()
    return replace(
        outcome,
        source=series.source,
        digest=series.digest,
        seconds=time.monotonic() - begin,
    )


class _Search:
    """The steps of one run, and what they share."""

    def __init__(
        self,
        market: Market,
        settings: OptimizeSettings,
        engine: Engine,
        checkpoint: Checkpoint | None,
        tell: Tell,
    ) -> None:
        if settings.options.has_breakers:  # like the RSI, what is usual runs through all windows
            options = replace(settings.options, watch=watch_market(market))
            settings = replace(settings, options=options)
        self._market = market
        self._settings = settings
        self._engine = engine
        self._checkpoint = checkpoint
        self._tell = tell
        self._levels = compute_levels(market, settings.options)
        self._split = round(len(market) * settings.in_sample)

    def run(self) -> OptimizeOutcome:
        """Do everything; source, digest and seconds are the caller's."""
        settings, grid = self._settings, self._settings.grid
        self._say("sweeping the grid", 0.0)
        stretches = self._sweep_stretches(grid, self._sweep_whole())
        evidence = self._gather_evidence(stretches.whole)
        self._say("judging", AFTER_NULL)
        judged = self._make_judged(grid, stretches, evidence)
        prepared = prepare(self._market, grid, settings.options, with_equity=False)

        def describe(row: int) -> Finding:
            return judged.describe(row, find_row_interval(prepared, grid, row))

        # How many trades a combination makes is all that the choice knows of the held-out bars.
        is_thick = stretches.whole.trades >= settings.min_trades
        row = stretches.held_in.find_best(settings.in_sample_trades, is_thick)
        rows_above = judged.list_above()
        factors = stretches.whole.profit_factor
        is_above = factors > settings.target
        is_thin = stretches.whole.trades < settings.min_trades
        points = () if row is None else (grid.point(row), *find_neighbours(grid, row))
        return OptimizeOutcome(
            source="",
            digest="",
            code_digest=hash_code(),
            settings_text=settings.describe(),
            bars=len(self._market),
            time_ms=self._market.time_ms,
            period_ms=self._market.period_ms,
            day_end=self._market.day_end,
            cost_bp=settings.options.costs.cost_bp,
            has_breakers=settings.options.has_breakers,
            sentiment=settings.sentiment,
            target=settings.target,
            min_trades=settings.min_trades,
            split=self._split,
            grid=grid,
            stretches=stretches,
            neighbours=judged.neighbours,
            best=None if row is None else describe(row),
            defaults=self._describe_defaults(evidence),
            above=tuple(describe(each) for each in rows_above),
            above_target=int(is_above.sum()),
            above_target_thin=int((is_above & is_thin).sum()),
            evidence=evidence,
            verdict=self._find_nothing() if row is None else judged.judge(row),
            lines=tuple(self._trace_line(point) for point in points),
            seconds=0.0,
        )

    def _say(self, text: str, fraction: float) -> None:
        self._tell(Stage(text=text, fraction=fraction))

    def _sweep_whole(self) -> SweepTable:
        """Sweep the whole file, going on where an earlier run was broken off."""
        job = SweepJob(
            market=self._market, grid=self._settings.grid, options=self._settings.options
        )
        blocks = cut_blocks(job.grid)
        kept = self._checkpoint
        tables = {} if kept is None else {each: kept.load_block(each) for each in blocks}
        missing = [each for each in blocks if tables.get(each) is None]
        for block, table in zip(missing, self._engine.run_blocks(job, missing), strict=True):
            tables[block] = table
            if kept is not None:
                kept.save_block(block, table)
            done = sum(each is not None for each in tables.values()) / len(blocks)
            self._say("sweeping the grid", BEFORE_NULL / 2 * done)
        return join_blocks(job.grid, [each for each in map(tables.get, blocks) if each is not None])

    def _sweep_stretches(self, grid: Grid, whole: SweepTable) -> Stretches:
        options = self._settings.options
        costs = replace(options.costs, cost_bp=2 * options.costs.cost_bp)
        double = SweepJob(
            market=self._market,
            grid=grid,
            options=replace(options, costs=costs),
            with_equity=False,
        )
        return Stretches(
            whole=whole,
            held_in=self._run_window(grid, range(self._split)),
            held_out=self._run_window(grid, range(self._split, len(self._market))),
            double_cost=run_job(self._engine, double),
        )

    def _run_window(self, grid: Grid, window: range) -> SweepTable:
        options = self._settings.options
        job = make_window_job(self._market, self._levels, grid, options, window)
        return run_job(self._engine, job)

    def _gather_evidence(self, whole: SweepTable) -> Evidence:
        settings = self._settings
        forward = []
        for is_anchored in (True, False):
            self._say("walking forward", BEFORE_NULL / 2)
            forward.append(
                walk_forward(
                    self._run_window, settings.grid, len(self._market), is_anchored=is_anchored
                )
            )
        daily = self._trace_daily(whole)
        pbo = find_pbo(daily)
        deflated = find_deflated_sharpe(daily, settings.grid.size)
        best = whole.find_best(settings.min_trades)
        text = f"searching in {2 * settings.resamples} resamples without direction or order"
        null = run_null_test(
            self._engine,
            NullJob(
                moves=measure_moves(self._market),
                grid=settings.grid,
                options=replace(settings.options, watch=None),
                min_trades=settings.min_trades,
                resamples=settings.resamples,
                seed=settings.seed,
            ),
            statistic=None if best is None else float(whole.profit_factor[best]),
            target=settings.target,
            checkpoint=self._checkpoint,
            tell=lambda done: self._say(text, BEFORE_NULL + (AFTER_NULL - BEFORE_NULL) * done),
        )
        return Evidence(null=null, walk_forward=tuple(forward), pbo=pbo, deflated_sharpe=deflated)

    def _trace_daily(self, whole: SweepTable) -> Floats:
        """Return daily returns of all combinations, or of an even sample, (days, combinations)."""
        grid = self._settings.grid
        rows = np.unique(
            np.linspace(0, grid.size - 1, min(grid.size, DAILY_ROWS_MAX)).round().astype(int)
        )
        rows = rows[whole.trades[rows] > 0]
        prepared = prepare(self._market, grid, self._settings.options, with_equity=False)
        equity = np.ones((self._market.day_end.size + 1, rows.size))
        for column, row in enumerate(rows):
            buy, sell = find_axes(grid, int(row))
            equity[1:, column] = trace_equity(prepared, grid.point(int(row)), buy, sell)
        daily: Floats = equity[1:] / equity[:-1] - 1.0
        return daily

    def _trace_line(self, point: StrategyPoint) -> EquityLine:
        single = make_single(point)
        prepared = prepare(self._market, single, self._settings.options, with_equity=False)
        return EquityLine(point=point, equity=trace_equity(prepared, point, 0, 0))

    def _make_judged(self, grid: Grid, stretches: Stretches, evidence: Evidence) -> Judged:
        return Judged(
            grid=grid,
            stretches=stretches,
            neighbours=find_plateau(grid, stretches.whole.profit_factor),
            evidence=evidence,
            min_trades=self._settings.min_trades,
            target=self._settings.target,
        )

    def _describe_defaults(self, evidence: Evidence) -> Finding:
        """Return the owner's setting, whether it is on the grid or not."""
        grid = make_single(OWNER_DEFAULTS)
        options = self._settings.options
        whole = run_job(self._engine, SweepJob(market=self._market, grid=grid, options=options))
        judged = self._make_judged(grid, self._sweep_stretches(grid, whole), evidence)
        prepared = prepare(self._market, grid, options, with_equity=False)
        return judged.describe(0, find_row_interval(prepared, grid, 0))

    def _find_nothing(self) -> Verdict:
        return Verdict(
            kind=VerdictKind.NOISE,
            reasons=(f"no combination made {self._settings.min_trades} trades",),
        )
