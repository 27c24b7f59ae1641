"""Reading bars for the backtest and the search: any export, judged, with a report of its quality.

`read_price_file` in `reader` is the strict sibling that the simulator replays. Both share the
steps before the judgement: `table`, `columns`, `stamps`, `amounts`.

The history that `palmbot history` writes is one of the files read here: Parquet with the columns
`time_ms` (int64, milliseconds since 1970 UTC, opening time of the bar), `open`, `high`, `low`,
`close` (float64, price units, bid) and `volume` (int64, number of ticks), oldest first.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_SECOND, PRICE_SCALE
from palmbot.pricefiles.amounts import DECIMALS_MAX, PRICE_MAX, read_amounts
from palmbot.pricefiles.bar_faults import BarRows, Fault, find_faults
from palmbot.pricefiles.columns import (
    ASK_SERIES,
    BID_SERIES,
    NOTES_ON_BARS,
    QUOTES,
    Layout,
    Role,
    find_layout,
)
from palmbot.pricefiles.quality import Grade, Quality, QualityItem, judge_quality
from palmbot.pricefiles.reader import note_ignored, read_stamps
from palmbot.pricefiles.roll_adjustment import (
    Adjusted,
    Adjustment,
    RollTreatment,
    adjust_rolls,
    describe_adjustments,
)
from palmbot.pricefiles.roll_calendar import RollCalendar, locate_rolls, read_roll_calendar
from palmbot.pricefiles.rolls import RollNotes, Rolls, find_rolls
from palmbot.pricefiles.series import AskBars, BarSeries, Floats, Integers
from palmbot.pricefiles.stamps import DateOrder, Stamps, check_zone
from palmbot.pricefiles.table import Table, read_table
from palmbot.pricefiles.verdicts import ROWS_MIN, render_step

PERIOD_MS_MIN = MS_PER_SECOND
OVERLAPS_SHARE_MAX = 0.01
"""Steps shorter than the period, such as over a change of the clock; more are several periods."""

RAGGED_MAX = 1e-3
"""In 1/100_000: what binary floats may add to a price of at most five decimals."""

DAILY = "00:00 UTC of each trade date"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a person may say of a file that the file does not."""

    zone: str = "UTC"
    """IANA name of the zone of times that carry none."""
    dates: DateOrder | None = None
    is_decimal_comma: bool = False
    drops_bad_bars: bool = False
    """Leave bad and conflicting bars out, counted, instead of refusing the file."""
    take_profit: float = 2.0
    """Per cent; with `stop_loss` the bracket against which the range of a bar is held."""
    stop_loss: float = 1.5
    roll_calendar: Path | None = None
    """CSV of known rolls, see `roll_calendar`."""
    rolls: RollTreatment = RollTreatment.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class RollReading:
    """What was made of contract rolls."""

    treatment: RollTreatment = RollTreatment.FLAG
    adjustments: tuple[Adjustment, ...] = ()
    notes: tuple[str, ...] = ()
    """One sentence each; part of the notes on quality as well."""
    calendar_digest: str = ""
    """SHA-256 of the calendar, empty without one."""

    @property
    def key(self) -> str:
        """Tells apart two readings of one file; empty for the plain one."""
        is_plain = self.treatment is RollTreatment.FLAG and not self.calendar_digest
        return "" if is_plain else f"{self.treatment} {self.calendar_digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """The bars of a file, and what is to be known of them."""

    series: BarSeries
    quality: Quality
    rolls: RollReading = field(default_factory=RollReading)


PLAIN = ReadOptions()


def read_bars(path: Path, options: ReadOptions = PLAIN) -> ReadResult:
    """Read a file of bars that is fit for a backtest.

    Raises:
        InputInvalid: the file cannot be used; the sentence says where and what to do.
    """
    result = inspect_bars(path, options)
    refusals = [item for item in result.quality.items if item.grade is Grade.REFUSE]
    if refusals:
        raise InputInvalid(f"{path}: {refusals[0].render_refusal()}.")
    return result


def inspect_bars(path: Path, options: ReadOptions = PLAIN) -> ReadResult:
    """Read a file of bars even if it is not fit: `quality` then holds what it is refused for.

    Raises:
        InputInvalid: what stands in the way of any judgement, such as missing columns.
    """
    zone_problem = check_zone(options.zone)
    if zone_problem is not None:
        raise InputInvalid(f"--zone: {zone_problem}.")
    table = read_table(path)
    layout = find_layout(tuple(table.frame.columns), also=NOTES_ON_BARS)
    if isinstance(layout, str):
        raise table.refuse(f"{layout}.")
    if layout.price_roles == QUOTES:
        raise table.refuse(
            "it holds ticks, and this needs bars; make bars of them, one row for each period."
        )
    stamps = read_stamps(table, layout, zone=options.zone, order=options.dates)
    rows = _read_rows(table, layout, stamps, options)
    faults = find_faults(rows)
    kept = faults.kept
    if kept.size < 2:  # noqa: PLR2004 - a step needs two rows
        raise table.refuse(
            f"of its {len(rows)} rows {kept.size} are bars that can be used, too few to tell a "
            "period; give a longer file."
        )
    series = _make_series(path, table, layout, rows, kept)
    is_daily = series.period_ms >= MS_PER_DAY
    notes = RollNotes(
        contract=_note_column(table, layout, Role.CONTRACT, kept),
        open_interest=_note_amounts(table, layout, Role.OPEN_INTEREST, kept),
    )
    calendar = None
    if options.roll_calendar is not None:
        calendar = read_roll_calendar(options.roll_calendar)
    rolls, series, reading = _treat_rolls(series, notes, calendar, options)
    faults_told = [
        *_judge_length(series),
        *_judge_period(series),
        *(_tell_fault(table, rows, fault, options) for fault in faults.found),
    ]
    quality = judge_quality(
        series,
        volume=None if rows.volume is None else rows.volume[kept],
        rolls=rolls,
        is_adjusted=bool(reading.adjustments),
        rows=len(rows),
        zone=_describe_zone(stamps, options, is_daily=is_daily),
        bracket=(options.take_profit, options.stop_loss),
        first=tuple(faults_told),
        notes=(
            *note_ignored(layout),
            *_note_prices(rows, series),
            *reading.notes,
            *(
                ()
                if table.has_header
                else (
                    "No header: the columns are taken as "
                    + ", ".join(table.frame.columns)
                    + ". HistData writes such files in EST, MetaTrader in the time of its "
                    "server: say --zone.",
                )
            ),
        ),
    )
    return ReadResult(series=series, quality=quality, rolls=reading)


def _treat_rolls(
    series: BarSeries, notes: RollNotes, calendar: RollCalendar | None, options: ReadOptions
) -> tuple[Rolls, BarSeries, RollReading]:
    """Return the suspected rolls, the series with them marked, and what was made of them."""
    ratios: dict[int, float | None] = {}
    told: list[str] = []
    if calendar is not None:
        ratios, unused = locate_rolls(calendar, series, options.zone)
        ignored = "; the others are ignored" if unused else ""
        told.append(
            f"Roll calendar {calendar.path.name}: {len(ratios)} of its {len(calendar.rolls)} dates "
            f"lie within the file{ignored}."
        )
    rolls = find_rolls(series, notes, ratios)
    adjusted = Adjusted(series=replace(series, rolls=rolls.bars), adjustments=())
    if options.rolls is RollTreatment.ADJUST:
        adjusted = adjust_rolls(adjusted.series, rolls, ratios)
        told += describe_adjustments(adjusted)
    reading = RollReading(
        treatment=options.rolls,
        adjustments=adjusted.adjustments,
        notes=tuple(told),
        calendar_digest="" if calendar is None else calendar.digest,
    )
    return rolls, adjusted.series, reading


def _read_rows(table: Table, layout: Layout, stamps: Stamps, options: ReadOptions) -> BarRows:
    """Return the cells as numbers, in file order; NaN where there is no number."""

    def read(role: Role) -> Floats:
        cells = table.frame[layout.names[role]]
        amounts = read_amounts(cells, is_decimal_comma=options.is_decimal_comma)
        return amounts.fill_null(float("nan")).to_numpy().astype(np.float64)

    sides = [layout.price_roles[:4], layout.price_roles[4:]]
    prices = [np.stack([read(role) for role in roles]) for roles in sides if roles]
    _refuse_column_without_numbers(table, layout, prices, options)
    volume = read(Role.VOLUME) if Role.VOLUME in layout.names else None
    spread = None
    if Role.SPREAD_POINTS in layout.names and len(prices) == 1:
        spread = np.nan_to_num(read(Role.SPREAD_POINTS))
    times = np.array(stamps.times_us, dtype=np.int64) // 1_000
    decimals = _count_decimals(prices)
    rounded = [np.rint(side * PRICE_SCALE) / PRICE_SCALE for side in prices]
    ragged = sum(
        int((np.abs(side - flat) * PRICE_SCALE > RAGGED_MAX).any(axis=0).sum())
        for side, flat in zip(prices, rounded, strict=True)
    )
    return BarRows(
        time_ms=times,
        bid=rounded[0],
        ask=rounded[1] if len(rounded) > 1 else None,
        volume=volume,
        spread=None if spread is None else spread / 10**decimals,
        ragged=ragged,
        digits=decimals,
    )


def _refuse_column_without_numbers(
    table: Table, layout: Layout, prices: list[Floats], options: ReadOptions
) -> None:
    for roles, side in zip((layout.price_roles[:4], layout.price_roles[4:]), prices, strict=False):
        for role, column in zip(roles, side, strict=True):
            if np.isnan(column).all():
                name = layout.names[role]
                cell = table.frame[name][0]
                hint = (
                    "" if options.is_decimal_comma else " (a decimal comma needs --decimal-comma)"
                )
                raise table.refuse(
                    f"the column {name!r} holds no numbers: {table.locate(0)} has {cell!r}{hint}; "
                    "give prices."
                )


def _count_decimals(prices: list[Floats]) -> int:
    """Return the fewest decimals, 0 to 5, that write every price."""
    values = np.concatenate([side.ravel() for side in prices])
    units = np.rint(values[np.isfinite(values) & (np.abs(values) <= PRICE_MAX)] * PRICE_SCALE)
    for digits in range(DECIMALS_MAX):
        if not np.any(units % 10 ** (DECIMALS_MAX - digits)):
            return digits
    return DECIMALS_MAX


def _make_series(
    path: Path, table: Table, layout: Layout, rows: BarRows, kept: Integers
) -> BarSeries:
    time_ms = rows.time_ms[kept]
    bid = rows.bid[:, kept]
    ask = None
    spread = np.zeros(kept.size)
    if layout.has((*BID_SERIES, *ASK_SERIES)) and rows.ask is not None:
        asks = rows.ask[:, kept]
        ask = AskBars(open=asks[0], high=asks[1], low=asks[2], close=asks[3])
        spread = asks[0] - bid[0]
    elif rows.spread is not None:
        spread = rows.spread[kept]
    return BarSeries(
        time_ms=time_ms,
        open=bid[0],
        high=bid[1],
        low=bid[2],
        close=bid[3],
        spread=spread,
        period_ms=int(np.sort(np.diff(time_ms))[(kept.size - 2) // 2]),
        source=path.name,
        digest=table.sha256,
        digits=rows.digits,
        ask=ask,
    )


def _judge_length(series: BarSeries) -> tuple[QualityItem, ...]:
    if len(series) >= ROWS_MIN:
        return ()
    return (
        QualityItem(
            name="length",
            grade=Grade.REFUSE,
            count=len(series),
            text=f"it has {len(series)} bars, but at least {ROWS_MIN} are needed (150 as "
            "history, the rest to trade)",
            mend="give a longer file",
        ),
    )


def _judge_period(series: BarSeries) -> tuple[QualityItem, ...]:
    period = series.period_ms
    if not PERIOD_MS_MIN <= period <= MS_PER_DAY:
        return (
            QualityItem(
                name="period",
                grade=Grade.REFUSE,
                text=f"the median step between its rows is {render_step(period)}, which is no "
                "bar period from a second to a day",
                mend="give minutes, hours or days",
            ),
        )
    steps = np.diff(series.time_ms)
    short = np.flatnonzero(steps < period)
    if not short.size:
        return ()
    is_mixed = short.size > OVERLAPS_SHARE_MAX * len(series)
    return (
        QualityItem(
            name="overlapping bars",
            grade=Grade.REFUSE if is_mixed else Grade.WARN,
            count=int(short.size),
            share=short.size / len(series),
            example=int(series.time_ms[short[0] + 1]),
            text=f"{short.size} bars begin before {render_step(period)} have passed"
            + (", so the file has bars of several periods" if is_mixed else ""),
            mend="give a file of one period",
        ),
    )


def _tell_fault(table: Table, rows: BarRows, fault: Fault, options: ReadOptions) -> QualityItem:
    lines = ", ".join(table.locate(int(row)) for row in fault.rows[:3])
    more = f" and {fault.rows.size - 3} more" if fault.rows.size > 3 else ""  # noqa: PLR2004
    grade = Grade.WARN if options.drops_bad_bars or not fault.is_bad else Grade.REFUSE
    done = "; left out" if fault.is_bad and options.drops_bad_bars else fault.done
    return QualityItem(
        name=fault.name,
        grade=grade,
        count=int(fault.rows.size),
        share=fault.rows.size / len(rows),
        example=int(rows.time_ms[fault.rows[0]]),
        text=f"{fault.problem} ({lines}{more}){done}",
        mend="correct them, or leave them out with --accept-bad-bars drop",
    )


def _note_column(table: Table, layout: Layout, role: Role, kept: Integers) -> pl.Series | None:
    if role not in layout.names:
        return None
    return table.frame[layout.names[role]].gather(kept.tolist())


def _note_amounts(table: Table, layout: Layout, role: Role, kept: Integers) -> Floats | None:
    cells = _note_column(table, layout, role, kept)
    if cells is None:
        return None
    return read_amounts(cells).fill_null(float("nan")).to_numpy().astype(np.float64)


def _describe_zone(stamps: Stamps, options: ReadOptions, *, is_daily: bool) -> str:
    text = stamps.kind.value
    if options.zone != "UTC":
        text += f" Zone: {options.zone}."
    if stamps.order is not None:
        text += f" Dates are {stamps.order}."
    return text + (f" Daily bars stand at {DAILY}." if is_daily and "00:00" not in text else "")


def _note_prices(rows: BarRows, series: BarSeries) -> tuple[str, ...]:
    notes: list[str] = []
    if rows.ragged:
        notes.append(
            f"{rows.ragged} rows have prices of more than 5 decimals: rounded to 0.00001, the "
            "smallest step the broker's wire knows."
        )
    if series.ask is not None:
        notes.append("Bid and ask in the file: longs enter at the ask, shorts leave at the ask.")
    elif series.has_spread:
        notes.append(
            f"The spread column is read in steps of {10.0**-series.digits:g}; prices are the bid."
        )
    else:
        notes.append("One price series without a spread: it stands for bid and ask alike.")
    return tuple(notes)
