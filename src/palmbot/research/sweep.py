"""Runs the kernel over a grid: set-up once, then blocks of target x stop.

A block is some pairs of distances with all pairs of thresholds. No row depends on another block,
so the table is the same whoever runs them, in whatever order: see `engines`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from palmbot.domain.errors import InputInvalid
from palmbot.research import candidates, exits, guarded, kernel
from palmbot.research.compiled import Int8s, Int32s
from palmbot.research.grid import Grid, make_single
from palmbot.research.guarded import Course
from palmbot.research.guards import make_course
from palmbot.research.market import CLOSE, HIGH, LOW, Market
from palmbot.research.rules import (
    NOTHING_BLOCKED,
    ORDINARY_COSTS,
    RSI_PERIOD,
    BlockedBars,
    CostModel,
    Flags,
    Floats,
    Ints,
    StrategyPoint,
    TradeList,
)
from palmbot.research.table import COLUMNS, SweepTable
from palmbot.research.watched_bars import BarWatch

BLOCK_ROWS_MAX: Final = 16_384
"""Combinations in one block: their states, 120 bytes each, stay in the cache of a core."""
BLOCKS_MIN: Final = 4
"""Blocks of a small grid, so that a few threads have something to do; each costs little."""
NO_FLAGS: Final = np.empty(0, dtype=np.bool_)
NO_BARS: Final = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What a sweep assumes beside bars and grid."""

    costs: CostModel = ORDINARY_COSTS
    blocked: BlockedBars = NOTHING_BLOCKED
    has_breakers: bool = False
    """The bot's own, on the account of an exact backtest as it is by default: see `guarded`."""
    watch: BarWatch | None = None
    """What they see in the bars; None looks at the bars of the sweep, as its first ones."""
    rsi_period: int = RSI_PERIOD
    warm_up_bars: int = 0
    """Closes that must have been seen before a signal counts, on top of the RSI's own."""

    def cut(self, first: int, end: int) -> "SweepOptions":
        """Return the options for the bars from index `first` to before `end`."""
        return replace(
            self,
            blocked=self.blocked.cut(first, end),
            watch=None if self.watch is None else self.watch.cut(first, end),
            warm_up_bars=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What all blocks of a sweep share; read only."""

    prices: Floats
    short: Floats
    long: Floats
    bars: Int32s
    sides: Int8s
    rank: Int32s
    next_buy: Int32s
    next_sell: Int32s
    day_end: Ints
    day_of: Int32s
    rolls_before: Int32s
    course: Course | None
    """None without breakers."""
    price_step: float
    options: SweepOptions
    with_equity: bool

    @property
    def thresholds(self) -> tuple[int, int]:
        """Number of buy and sell thresholds."""
        return self.next_buy.shape[0], self.next_sell.shape[0]


def compute_levels(market: Market, options: SweepOptions) -> Floats:
    """Return the RSI at each close; NaN where a signal does not count yet."""
    levels = candidates.compute_rsi(np.ascontiguousarray(market.bid[CLOSE]), options.rsi_period)
    levels[: max(0, options.warm_up_bars - 1)] = np.nan
    return levels


def prepare(
    market: Market,
    grid: Grid,
    options: SweepOptions,
    *,
    levels: Floats | None = None,
    with_equity: bool = True,
) -> Prepared:
    """Do the work that all combinations share.

    Args:
        market: Bars, at least two.
        grid: Combinations.
        options: Costs, blocked bars, breakers.
        levels: RSI at each close, for a window that goes on with the RSI of earlier bars.
        with_equity: Whether blocks shall compute drawdown and daily returns.
    """
    if levels is None:
        levels = compute_levels(market, options)
    bars, sides, values, rank = candidates.find_candidates(
        levels,
        max(grid.rsi_buy),
        min(grid.rsi_sell),
        _read_flags(options.blocked.buys, len(market)),
        _read_flags(options.blocked.sells, len(market)),
    )
    prices = np.ascontiguousarray(market.prices)
    short, long = _find_blocks(prices)
    course = None
    if options.has_breakers:
        course = make_course(
            market,
            options.watch,
            prices=prices,
            bars=bars,
            sides=sides,
            rank=rank,
            short=short,
            long=long,
            cost=options.costs.cost,
        )
    return Prepared(
        prices=prices,
        short=short,
        long=long,
        bars=bars,
        sides=sides,
        rank=rank,
        next_buy=candidates.find_next(values, np.array(grid.rsi_buy), is_buy=True),
        next_sell=candidates.find_next(values, np.array(grid.rsi_sell), is_buy=False),
        day_end=market.day_end,
        day_of=_find_days(market),
        rolls_before=_count_rolls(market),
        course=course,
        price_step=market.price_step,
        options=options,
        with_equity=with_equity,
    )


def _read_flags(flags: Flags | None, bars: int) -> Flags:
    if flags is None:
        return NO_FLAGS
    if flags.shape != (bars,):
        raise ValueError(f"need one flag for each of {bars} bars, was {flags.shape}")
    return np.ascontiguousarray(flags, dtype=np.bool_)


def _find_blocks(prices: Floats) -> tuple[Floats, Floats]:
    """Return the short and the long blocks of every side, see `exits.find_touch`."""
    short, long = [], []
    for side in prices:
        tops, bottoms = exits.find_extremes(side[HIGH], side[LOW], exits.SHORT)
        high, low = exits.find_extremes(side[CLOSE], side[CLOSE], exits.SHORT)
        short.append((tops, bottoms, high, low))
        long.append(exits.find_extremes(tops, bottoms, exits.LONG - exits.SHORT))
    return np.array(short), np.array(long)


def _find_days(market: Market) -> Int32s:
    lengths = np.diff(market.day_end, prepend=-1)
    return np.repeat(np.arange(market.day_end.size, dtype=np.int32), lengths)


def _count_rolls(market: Market) -> Int32s:
    if market.rolls.size == 0:
        return NO_BARS
    is_roll = np.zeros(len(market), dtype=np.int32)
    is_roll[market.rolls] = 1
    return np.cumsum(is_roll, dtype=np.int32)


def find_groups(grid: Grid) -> Floats:
    """Return target and stop of each group in row order, in percent, shape (groups, 2)."""
    return np.array([(tp, sl) for tp in grid.take_profit for sl in grid.stop_loss])


def cut_blocks(grid: Grid) -> tuple[range, ...]:
    """Return the groups of each block; the cut depends on the grid alone, not on who works."""
    buys, sells, targets, stops = grid.shape
    groups = targets * stops
    size = max(1, min(BLOCK_ROWS_MAX // (buys * sells), -(-groups // BLOCKS_MIN)))
    return tuple(range(first, min(groups, first + size)) for first in range(0, groups, size))


def find_axes(grid: Grid, row: int) -> tuple[int, int]:
    """Return the positions of a row's buy and sell threshold on their axes."""
    _, sells, targets, stops = grid.shape
    return divmod(row // (targets * stops), sells)


def run_block(prepared: Prepared, distances: Floats) -> SweepTable:
    """Return the rows of some groups, ordered by group, then buy, then sell threshold."""
    if prepared.course is None:
        counts, sums = _sweep_plain(prepared, distances)
    else:
        counts, sums = _sweep_guarded(prepared, prepared.course, distances)
    return SweepTable(
        trades=counts[:, kernel.TRADES].copy(),
        wins=counts[:, kernel.WINS].copy(),
        longs=counts[:, kernel.LONGS].copy(),
        ambiguous=counts[:, kernel.AMBIGUOUS].copy(),
        gap_exits=counts[:, kernel.GAPS].copy(),
        open_at_end=counts[:, kernel.ENDED].copy(),
        over_rolls=counts[:, kernel.ROLLS].copy(),
        gross_profit=sums[:, kernel.GAIN].copy(),
        gross_loss=sums[:, kernel.LOSS].copy(),
        net_return=sums[:, kernel.EQUITY] - 1.0,
        max_drawdown=sums[:, kernel.DRAWDOWN].copy(),
        daily_sum=sums[:, kernel.DAY_SUM].copy(),
        daily_squares=sums[:, kernel.DAY_SQUARES].copy(),
        days=prepared.day_end.size,
    )


def _sweep_plain(prepared: Prepared, distances: Floats) -> tuple[Int32s, Floats]:
    return kernel.sweep_block(
        prepared.prices,
        prepared.short,
        prepared.long,
        prepared.bars,
        prepared.sides,
        prepared.rank,
        prepared.next_buy,
        prepared.next_sell,
        distances,
        prepared.day_end,
        prepared.day_of,
        prepared.rolls_before,
        prepared.price_step,
        prepared.options.costs.cost,
        prepared.with_equity,
    )


def _sweep_guarded(prepared: Prepared, course: Course, distances: Floats) -> tuple[Int32s, Floats]:
    """Return what `_sweep_plain` does, one combination after the other."""
    buys, sells = prepared.thresholds
    counts = np.zeros((len(distances) * buys * sells, kernel.COUNTS), dtype=np.int32)
    sums = np.zeros((len(counts), kernel.SUMS))
    pairs = [(buy, sell) for buy in range(buys) for sell in range(sells)]
    for row, (group, (buy, sell)) in enumerate(product(distances, pairs)):
        integers, floats = _trace_guarded(prepared, course, group, buy, sell)
        guarded.sum_trades(
            course,
            integers,
            floats,
            prepared.day_end,
            prepared.rolls_before,
            prepared.with_equity,
            counts[row],
            sums[row],
        )
    return counts, sums


def join_blocks(grid: Grid, tables: Sequence[SweepTable]) -> SweepTable:
    """Return the table in grid order from the tables of all blocks, in the order of the groups."""
    buys, sells, targets, stops = grid.shape
    columns = {}
    for name in COLUMNS:
        joined = np.concatenate([getattr(table, name) for table in tables])
        ordered = joined.reshape(targets * stops, buys * sells).T
        columns[name] = np.ascontiguousarray(ordered).reshape(-1)
    return SweepTable(**columns, days=tables[0].days)


def sweep(
    market: Market,
    grid: Grid,
    options: SweepOptions | None = None,
    *,
    levels: Floats | None = None,
    with_equity: bool = True,
) -> SweepTable:
    """Try every combination of the grid on the bars, on this thread.

    Args:
        market: Bars, at least two.
        grid: Combinations.
        options: Costs, blocked bars, breakers.
        levels: See `prepare`.
        with_equity: See `prepare`; without it drawdown and daily sums are 0.
    """
    prepared = prepare(
        market, grid, options or SweepOptions(), levels=levels, with_equity=with_equity
    )
    return join_blocks(grid, list(_run_large_blocks(prepared, grid)))


def _run_large_blocks(prepared: Prepared, grid: Grid) -> Iterator[SweepTable]:
    """Yield the tables of blocks as large as one thread likes them."""
    groups = find_groups(grid)
    size = max(1, BLOCK_ROWS_MAX // (len(grid.rsi_buy) * len(grid.rsi_sell)))
    for first in range(0, len(groups), size):
        yield run_block(prepared, groups[first : first + size])


def find_best_factor(
    market: Market, grid: Grid, options: SweepOptions, min_trades: int
) -> float | None:
    """Return the best profit factor of the grid, as `SweepTable.find_best` ranks; None for none.

    Holds one block at a time, so that it can run beside itself on large grids.
    """
    prepared = prepare(market, grid, options, with_equity=False)
    tables = _run_large_blocks(prepared, grid)
    best = max(float(table.rank(min_trades).max()) for table in tables)
    return best if best >= 0 else None


def trace(
    market: Market,
    point: StrategyPoint,
    options: SweepOptions | None = None,
    *,
    levels: Floats | None = None,
) -> TradeList:
    """Return every trade of one combination; the same trades that `sweep` counts."""
    prepared = prepare(
        market, make_single(point), options or SweepOptions(), levels=levels, with_equity=False
    )
    return trace_prepared(prepared, point, 0, 0)


def trace_prepared(prepared: Prepared, point: StrategyPoint, buy: int, sell: int) -> TradeList:
    """Return the trades of one combination, given the positions of its thresholds on the axes."""
    integers, floats = _trace(prepared, point, buy, sell)
    return TradeList(
        entry_index=integers[:, 0],
        exit_index=integers[:, 1],
        side=integers[:, 2].astype(np.int8),
        entry_price=floats[:, 0],
        exit_price=floats[:, 1],
        reason=integers[:, 3].astype(np.int8),
        is_gap=(integers[:, 4] & exits.FLAG_GAP) != 0,
        is_ambiguous=(integers[:, 4] & exits.FLAG_AMBIGUOUS) != 0,
        net_return=floats[:, 2],
    )


def trace_equity(prepared: Prepared, point: StrategyPoint, buy: int, sell: int) -> Floats:
    """Return the equity of one combination at the end of each trade date, starting from 1."""
    integers, floats = _trace(prepared, point, buy, sell)
    cost = prepared.options.costs.cost
    return kernel.mark_days(prepared.prices, integers, floats, prepared.day_end, cost)


def _trace(prepared: Prepared, point: StrategyPoint, buy: int, sell: int) -> tuple[Ints, Floats]:
    if prepared.course is not None:
        distances = np.array([point.take_profit, point.stop_loss])
        return _trace_guarded(prepared, prepared.course, distances, buy, sell)
    return kernel.trace_trades(
        prepared.prices,
        prepared.short,
        prepared.long,
        prepared.bars,
        prepared.sides,
        prepared.rank,
        prepared.next_buy[buy],
        prepared.next_sell[sell],
        point.take_profit,
        point.stop_loss,
        prepared.price_step,
        prepared.options.costs.cost,
    )


def _trace_guarded(
    prepared: Prepared, course: Course, distances: Floats, buy: int, sell: int
) -> tuple[Ints, Floats]:
    integers, floats, is_overflow = guarded.trace_guarded(
        course, prepared.next_buy[buy], prepared.next_sell[sell], distances[0], distances[1]
    )
    if is_overflow:
        raise InputInvalid(
            "--breakers on: a combination makes the account 7,000 times as large, where the sweep "
            "no longer counts its money exactly; use --breakers off, or a shorter file."
        )
    return integers, floats
