"""Reading a price file: CSV, gzipped CSV or Parquet, judged before it is believed."""

from array import array
from pathlib import Path

import polars as pl

from palmbot.pricefiles import verdicts
from palmbot.pricefiles.amounts import (
    AmountProblem,
    count_digits,
    parse_prices,
    parse_volumes,
)
from palmbot.pricefiles.columns import QUOTES, Layout, Role, find_layout
from palmbot.pricefiles.prices import BarColumns, OhlcColumns, PriceFile, TickColumns
from palmbot.pricefiles.stamps import (
    US_PER_MS,
    DateOrder,
    StampProblem,
    Stamps,
    parse_stamps,
)
from palmbot.pricefiles.table import Table, read_table

IGNORED_NAMED_MAX = 8
"""Names of unused columns that one note lists."""


def read_price_file(path: Path) -> PriceFile:
    """Read a whole file of ticks or bars.

    Nothing is sorted, mended or dropped: a file with a fault is refused, because a trader
    should know of it before a result rests on it.

    Raises:
        InputInvalid: the file cannot be used; the sentence says where and what to do.
    """
    table = read_table(path)
    layout = find_layout(tuple(table.frame.columns))
    if isinstance(layout, str):
        raise table.refuse(f"{layout}.")
    if table.frame.height < verdicts.ROWS_MIN:
        raise table.refuse(
            f"it has {table.frame.height} rows, but at least {verdicts.ROWS_MIN} are needed "
            "(150 as history, the rest to trade); give a longer file."
        )
    stamps = read_stamps(table, layout)
    prices = {role: _read_prices(table, layout, role) for role in layout.price_roles}
    notes = [stamps.kind.value, *note_ignored(layout)]
    ticks = bars = period_ms = None
    if layout.price_roles == QUOTES:
        ticks = _make_ticks(table, stamps, prices)
    else:
        bars, period_ms = _make_bars(table, layout, stamps, prices)
        if bars.ask is None:
            notes.append("The file has one price series: it is read as the bid.")
    return PriceFile(
        path=path,
        sha256=table.sha256,
        digits=count_digits(tuple(prices.values())),
        notes=tuple(notes),
        period_ms=period_ms,
        ticks=ticks,
        bars=bars,
    )


def read_stamps(
    table: Table, layout: Layout, *, zone: str = "UTC", order: DateOrder | None = None
) -> Stamps:
    """Read the time column, or date and time of day where they are two.

    Raises:
        InputInvalid: a cell is no moment, or may be read in two ways.
    """
    name = layout.names[Role.TIME]
    cells = _stamp_cells(table, name)
    if Role.CLOCK_TIME in layout.names:
        clock = _stamp_cells(table, layout.names[Role.CLOCK_TIME])
        cells = pl.select(
            pl.concat_str(cells.cast(pl.String), clock.cast(pl.String), separator=" ")
        ).to_series()
    stamps = parse_stamps(cells, zone=zone, order=order)
    if isinstance(stamps, StampProblem):
        where = f"{table.locate(stamps.row)}, column {name!r}: {stamps.text!r}"
        if stamps.reason:
            raise table.refuse(f"{where}: {stamps.reason}.")
        raise table.refuse(
            f"{where} is not a time "
            "like those above it; write all as YYYY-MM-DD HH:MM:SS or all as YYYY-MM-DD."
        )
    return stamps


def _stamp_cells(table: Table, name: str) -> pl.Series:
    column = table.frame[name]
    kind = column.dtype
    if kind.is_integer() or isinstance(kind, pl.String | pl.Date | pl.Datetime):
        return column
    raise table.refuse(
        f"the column {name!r} is of type {column.dtype}; save it as timestamps or as text."
    )


def _read_prices(table: Table, layout: Layout, role: Role) -> "array[int]":
    name = layout.names[role]
    prices = parse_prices(table.frame[name])
    if isinstance(prices, AmountProblem):
        raise table.refuse(
            f"{table.locate(prices.row)}, column {name!r}: {prices.problem}; "
            "give a price with a decimal point and at most 5 decimals, or remove the row."
        )
    return prices


def _read_volumes(table: Table, layout: Layout) -> "array[int]":
    name = layout.names.get(Role.VOLUME)
    if name is None:
        return array("q", bytes(8 * table.frame.height))
    volumes = parse_volumes(table.frame[name])
    if isinstance(volumes, AmountProblem):
        raise table.refuse(
            f"{table.locate(volumes.row)}, column {name!r}: {volumes.problem}; "
            "give a number from 0 on, or remove the column."
        )
    return volumes


def _make_ticks(table: Table, stamps: Stamps, prices: "dict[Role, array[int]]") -> TickColumns:
    ticks = TickColumns(times=_to_ms(stamps.times_us), bids=prices[Role.BID], asks=prices[Role.ASK])
    _refuse_fault(table, verdicts.check_order(stamps.times_us, can_repeat=True))
    _refuse_fault(table, verdicts.check_repeats(stamps.times_us, ticks))
    _refuse_fault(table, verdicts.check_ticks(ticks))
    return ticks


def _make_bars(
    table: Table, layout: Layout, stamps: Stamps, prices: "dict[Role, array[int]]"
) -> tuple[BarColumns, int]:
    series = [prices[role] for role in layout.price_roles]
    bars = BarColumns(
        times=_to_ms(stamps.times_us),
        bid=_make_ohlc(series[:4]),
        ask=_make_ohlc(series[4:]) if series[4:] else None,
        volumes=_read_volumes(table, layout),
    )
    _refuse_fault(table, verdicts.check_order(stamps.times_us, can_repeat=False))
    _refuse_fault(table, verdicts.check_bars(bars))
    period_ms = verdicts.find_period(bars.times)
    if period_ms not in verdicts.PERIODS_MS:
        raise table.refuse(
            f"the median step between its rows is {verdicts.render_step(period_ms)}, which is no "
            "bar period from 1 minute to 1 day; give minutes, hours or days."
        )
    _refuse_fault(table, verdicts.check_steps(bars.times, period_ms))
    return bars, period_ms


def _make_ohlc(series: "list[array[int]]") -> OhlcColumns:
    opens, highs, lows, closes = series
    return OhlcColumns(opens=opens, highs=highs, lows=lows, closes=closes)


def _to_ms(times_us: list[int]) -> "array[int]":
    return array("q", [time // US_PER_MS for time in times_us])


def _refuse_fault(table: Table, fault: verdicts.Fault | None) -> None:
    if fault is not None:
        raise table.refuse(f"{table.locate(fault.row)}: {fault.problem}.")


def note_ignored(layout: Layout) -> tuple[str, ...]:
    """Name the columns that are not used; empty if all are."""
    if not layout.ignored:
        return ()
    named = ", ".join(layout.ignored[:IGNORED_NAMED_MAX])
    more = len(layout.ignored) - IGNORED_NAMED_MAX
    return (f"Columns not used: {named}{f' and {more} more' if more > 0 else ''}.",)
