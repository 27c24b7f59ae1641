"""What is to be known of a file of bars before a result rests on it: one line each, graded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND
from palmbot.pricefiles.holes import find_holes
from palmbot.pricefiles.rolls import EPOCH_WEEKDAY, KINDS, Break, Rolls, read_gaps, sort_breaks
from palmbot.pricefiles.series import BarSeries, Floats
from palmbot.pricefiles.verdicts import render_step

MISSING_SHARE_WARN, MISSING_SHARE_REFUSE = 0.01, 0.5
FLAT_SHARE_WARN, FLAT_SHARE_REFUSE = 0.05, 0.8
"""Above the second the file is mostly silence, and no result of it means anything."""
STALE_SHARE_WARN = 0.05
ZERO_VOLUME_SHARE_WARN = 0.05
HIDDEN_GAPS_SHARE = 0.95
"""Share of opens equal to the close before, after pauses: such a vendor hides its gaps."""
JUMP_DEVIATIONS = 10.0
DEVIATION_OF_MAD = 1.4826
"""Standard deviation of a normal over its median absolute deviation."""
VOLUME_REGIME_FACTOR = 5.0
THIN_LAST_BAR = 0.1
WIDE_SPREAD_FACTOR = 5.0
COARSE_SHARE = 0.5
"""Median range against the nearer level: above, the order of fills in a bar decides results."""
SHIFTED_SHARE = 0.02
SATURDAY, SUNDAY, FRIDAY = 5, 6, 4
DAYS_PER_WEEK = 7
HOURS = 24
SPREADS_PER_HOUR_MIN = 20


class Grade(StrEnum):
    """How much an item matters."""

    OK = "ok"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityItem:
    """One line of the report."""

    name: str
    grade: Grade
    text: str
    """A sentence without its point, with numbers."""
    count: int | None = None
    share: float | None = None
    """Fraction of all rows or bars."""
    example: int | None = None
    """Time of the first case, milliseconds since 1970 UTC."""
    mend: str = ""
    """What to do, where the item refuses."""

    def render_refusal(self) -> str:
        """Say what is wrong and what to do, without the point."""
        return f"{self.text}; {self.mend}" if self.mend else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The whole report of one file."""

    items: tuple[QualityItem, ...]
    """In the order to show; what refuses or warns is not first by itself."""
    notes: tuple[str, ...]
    """Assumptions, one sentence each."""
    zone: str
    """What the times were taken for."""
    rows: int
    """Of the file; bars that were left out are counted in here."""
    bars: int
    first_ms: int
    last_ms: int
    period_ms: int
    digest: str

    @property
    def grade(self) -> Grade:
        """The worst of all items."""
        grades = {item.grade for item in self.items}
        for grade in (Grade.REFUSE, Grade.WARN):
            if grade in grades:
                return grade
        return Grade.OK


def judge_quality(  # noqa: PLR0913 - the facts of one file, each named by its caller
    series: BarSeries,
    *,
    volume: Floats | None,
    rolls: Rolls,
    is_adjusted: bool = False,
    rows: int,
    zone: str,
    bracket: tuple[float, float],
    first: tuple[QualityItem, ...],
    notes: tuple[str, ...],
) -> Quality:
    """Return the report.

    Args:
        series: The bars that are left.
        volume: Of these bars, NaN where a cell is no number.
        rolls: See `rolls.find_rolls`.
        is_adjusted: Jumps of rolls were taken out of the bars.
        rows: Rows of the file.
        zone: What the times were taken for.
        bracket: Target and stop, per cent of the entry.
        first: What reading found.
        notes: Assumptions of reading.
    """
    items = [
        *first,
        *_judge_holes(series),
        *_judge_gaps(series),
        *_judge_stillness(series),
        *([] if volume is None else _judge_volume(series, volume)),
        *_judge_jumps(series),
        *_judge_rolls(series, rolls, is_adjusted=is_adjusted),
        *_judge_spread(series),
        *_judge_dates(series),
        _judge_range(series, bracket),
    ]
    return Quality(
        items=tuple(items),
        notes=notes,
        zone=zone,
        rows=rows,
        bars=len(series),
        first_ms=int(series.time_ms[0]),
        last_ms=int(series.time_ms[-1]),
        period_ms=series.period_ms,
        digest=series.digest,
    )


def render_time(time_ms: int, *, is_daily: bool = False) -> str:
    """Write a moment in UTC, to the minute, or the date alone."""
    moment = datetime.fromtimestamp(time_ms / MS_PER_SECOND, UTC)
    return moment.strftime("%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M")


def _judge_holes(series: BarSeries) -> list[QualityItem]:
    holes = find_holes(series)
    share = holes.missing / (holes.missing + len(series))
    grade = Grade.OK
    if share > MISSING_SHARE_WARN:
        grade = Grade.REFUSE if share > MISSING_SHARE_REFUSE else Grade.WARN
    days = holes.longest_ms / MS_PER_DAY
    longest = f"{days:.1f} days" if days >= 1 else f"{holes.longest_ms / MS_PER_MINUTE:.0f} minutes"
    where = render_time(holes.longest_at, is_daily=series.period_ms >= MS_PER_DAY)
    text = (
        f"{holes.missing:,} bars missing inside trading hours ({share:.1%}), "
        f"longest pause {longest} before {where}"
    )
    if grade is Grade.REFUSE:
        text += ": results would be meaningless"
    elif holes.missing and series.period_ms >= MS_PER_DAY:
        text += "; holidays count as missing, a file does not tell them"
    return [
        QualityItem(
            name="missing bars",
            grade=grade,
            count=holes.missing,
            share=share,
            example=holes.first_at,
            text=text,
            mend="get a fuller export",
        )
    ]


def _judge_gaps(series: BarSeries) -> list[QualityItem]:
    kinds = sort_breaks(series)
    gaps = np.abs(read_gaps(series)) * 100
    items: list[QualityItem] = []
    for index, kind in enumerate(KINDS):
        of_kind = gaps[kinds == index]
        if kind is Break.NONE or not of_kind.size:
            continue
        items.append(
            QualityItem(
                name=f"gaps over {kind}",
                grade=Grade.OK,
                count=int(of_kind.size),
                text=f"median {np.median(of_kind):.2f} %, 95th percentile "
                f"{np.percentile(of_kind, 95):.2f} %, largest {of_kind.max():.2f} %",
            )
        )
    paused = kinds != KINDS.index(Break.NONE)
    after = np.flatnonzero(paused)
    after = after[after > 0]
    equal = series.open[1:] == series.close[:-1]
    share = float(equal.mean())
    hidden = float(equal[after - 1].mean()) if after.size else 0.0
    is_hiding = after.size > 0 and hidden > HIDDEN_GAPS_SHARE
    items.append(
        QualityItem(
            name="open equals close before",
            grade=Grade.WARN if is_hiding else Grade.OK,
            count=int(equal.sum()),
            share=share,
            text=f"{share:.1%} of opens"
            + (
                ", after pauses too: the source hides its gaps, so stops fill better than in a "
                "market"
                if is_hiding
                else ""
            ),
        )
    )
    return items


def _judge_stillness(series: BarSeries) -> list[QualityItem]:
    flat = series.high == series.low
    share = float(flat.mean())
    grade = Grade.OK
    if share > FLAT_SHARE_WARN:
        grade = Grade.REFUSE if share > FLAT_SHARE_REFUSE else Grade.WARN
    text = f"{int(flat.sum()):,} bars without any movement ({share:.1%})"
    if grade is Grade.REFUSE:
        text += ": results would be meaningless"
    prices = np.stack([series.open, series.high, series.low, series.close])
    stale = (prices[:, 1:] == prices[:, :-1]).all(axis=0)
    stale_share = float(stale.mean())
    return [
        QualityItem(
            name="flat bars",
            grade=grade,
            count=int(flat.sum()),
            share=share,
            example=_first(series, flat),
            text=text,
            mend="remove the filled-in bars, or get another source",
        ),
        QualityItem(
            name="stale bars",
            grade=Grade.WARN if stale_share > STALE_SHARE_WARN else Grade.OK,
            count=int(stale.sum()),
            share=stale_share,
            text=f"{int(stale.sum()):,} bars equal the bar before ({stale_share:.1%})",
        ),
    ]


def _judge_volume(series: BarSeries, volume: Floats) -> list[QualityItem]:
    unread = int(np.isnan(volume).sum())
    counted = np.nan_to_num(volume)
    if not counted.any():
        return [
            QualityItem(name="volume", grade=Grade.OK, text="0 throughout: the file does not say")
        ]
    zero = counted <= 0
    share = float(zero.mean())
    items = [
        QualityItem(
            name="zero volume",
            grade=Grade.WARN if share > ZERO_VOLUME_SHARE_WARN else Grade.OK,
            count=int(zero.sum()),
            share=share,
            example=_first(series, zero),
            text=f"{int(zero.sum()):,} bars without a trade ({share:.1%})"
            + (f", {unread} volumes are no number and count as 0" if unread else ""),
        )
    ]
    third = len(series) // 3
    start, end = np.median(counted[:third]), np.median(counted[-third:])
    if min(start, end) > 0:
        factor = float(max(start, end) / min(start, end))
        is_other = factor > VOLUME_REGIME_FACTOR
        items.append(
            QualityItem(
                name="volume regime",
                grade=Grade.WARN if is_other else Grade.OK,
                text=f"median volume {start:,.0f} in the first third, {end:,.0f} in the last"
                + (": not the same market" if is_other else ""),
            )
        )
    middle = float(np.median(counted))
    if counted[-1] < THIN_LAST_BAR * middle:
        items.append(
            QualityItem(
                name="last bar",
                grade=Grade.WARN,
                example=int(series.time_ms[-1]),
                text=f"volume {counted[-1]:,.0f} against {middle:,.0f} usually: perhaps not over "
                "when the file was written",
            )
        )
    return items


def _judge_jumps(series: BarSeries) -> list[QualityItem]:
    moves = np.diff(np.log(series.close))
    center = np.median(moves)
    deviation = DEVIATION_OF_MAD * np.median(np.abs(moves - center))
    jumps = np.zeros(len(series), dtype=np.bool_)
    if deviation > 0:
        jumps[1:] = np.abs(moves - center) > JUMP_DEVIATIONS * deviation
    count = int(jumps.sum())
    text = f"{count:,} closes beyond {JUMP_DEVIATIONS:.0f} robust deviations of the usual move"
    if count:
        worst = int(np.argmax(np.abs(moves))) + 1
        text += (
            f", largest {np.expm1(moves[worst - 1]) * 100:+.2f} % at "
            f"{render_time(int(series.time_ms[worst]), is_daily=series.period_ms >= MS_PER_DAY)}"
        )
    return [
        QualityItem(
            name="jumps",
            grade=Grade.OK,
            count=count,
            share=count / len(series),
            example=_first(series, jumps),
            text=text,
        )
    ]


def _judge_rolls(series: BarSeries, rolls: Rolls, *, is_adjusted: bool) -> list[QualityItem]:
    count = rolls.bars.size
    text = f"{count} suspected"
    if count:
        is_daily = series.period_ms >= MS_PER_DAY
        largest = np.argsort(-np.abs(rolls.gaps))[:3]
        named = ", ".join(
            f"{render_time(int(series.time_ms[rolls.bars[each]]), is_daily=is_daily)} "
            f"({rolls.gaps[each] * 100:+.1f} %, {rolls.evidence[each]})"
            for each in largest
        )
        done = "The notes say what was adjusted" if is_adjusted else "Nothing was adjusted"
        text += f", largest: {named}. {done}; trades over them are counted apart"
    return [
        QualityItem(
            name="contract rolls",
            grade=Grade.WARN if count else Grade.OK,
            count=count,
            share=count / len(series),
            example=int(series.time_ms[rolls.bars[0]]) if count else None,
            text=text,
        )
    ]


def _judge_spread(series: BarSeries) -> list[QualityItem]:
    if not series.has_spread:
        return []
    spread = series.spread
    hour = series.time_ms // (60 * MS_PER_MINUTE) % HOURS
    by_hour = [
        (float(np.median(spread[hour == each])), each)
        for each in range(HOURS)
        if (hour == each).sum() >= SPREADS_PER_HOUR_MIN
    ]
    middle = float(np.median(spread))
    text = (
        f"median {middle:g} ({middle / float(np.median(series.close)) * 1e4:.1f} bp), 95th "
        f"percentile {np.percentile(spread, 95):g}, largest {spread.max():g}"
    )
    is_wide = False
    if len(by_hour) > 1:
        worst, at = max(by_hour)
        is_wide = middle > 0 and worst > WIDE_SPREAD_FACTOR * middle
        text += f", worst hour {at:02d} UTC with {worst:g}"
    zero = int((spread == 0).sum())
    if zero:
        text += f", {zero:,} of nothing"
    return [
        QualityItem(
            name="spread",
            grade=Grade.WARN if is_wide or zero > len(series) // 2 else Grade.OK,
            count=zero,
            text=text,
        )
    ]


def _judge_dates(series: BarSeries) -> list[QualityItem]:
    """Find daily stamps one day early, as of evening markets stamped with their opening."""
    if series.period_ms < MS_PER_DAY:
        return []
    weekday = (series.time_ms // MS_PER_DAY + EPOCH_WEEKDAY) % DAYS_PER_WEEK
    sundays, fridays = float((weekday == SUNDAY).mean()), float((weekday == FRIDAY).mean())
    saturdays = float((weekday == SATURDAY).mean())
    is_shifted = sundays > SHIFTED_SHARE and fridays < SHIFTED_SHARE
    if not is_shifted and max(saturdays, sundays) <= SHIFTED_SHARE:
        return [QualityItem(name="trade dates", grade=Grade.OK, text="Monday to Friday")]
    text = (
        "there are Sundays and no Fridays: each date looks a day early, as in markets that open "
        "in the evening before"
        if is_shifted
        else f"{saturdays:.1%} of the bars are Saturdays, {sundays:.1%} Sundays"
    )
    return [QualityItem(name="trade dates", grade=Grade.WARN, text=text)]


def _judge_range(series: BarSeries, bracket: tuple[float, float]) -> QualityItem:
    target, stop = bracket
    usual = float(np.median((series.high - series.low) / series.open)) * 100
    is_coarse = usual > COARSE_SHARE * min(target, stop)
    text = (
        f"a bar moves {usual:.2f} % in the median, {render_step(series.period_ms)} long, the "
        f"bracket is {target:g} / {stop:g} %"
    )
    if is_coarse:
        text += ": coarse, the assumed order of prices within a bar decides many trades"
    return QualityItem(
        name="range against bracket", grade=Grade.WARN if is_coarse else Grade.OK, text=text
    )


def _first(series: BarSeries, flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int | None:
    at = np.flatnonzero(flags)
    return int(series.time_ms[at[0]]) if at.size else None
