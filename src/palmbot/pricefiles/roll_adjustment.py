"""Taking the jumps of contract rolls out of a series: earlier prices times a ratio, never silently.

The ratio of a roll is the price of the new contract over that of the old one. Where nobody knows
it, it is estimated as the opening gap of the bar, open / close before: what the price really did
in between goes with it, and the notes say how much that usually is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, PRICE_SCALE
from palmbot.pricefiles.amounts import DECIMALS_MAX, PRICE_MAX
from palmbot.pricefiles.quality import render_time
from palmbot.pricefiles.roll_calendar import OPTION
from palmbot.pricefiles.rolls import KINDS, Break, Evidence, Rolls, read_gaps, sort_breaks
from palmbot.pricefiles.series import AskBars, BarSeries, Floats, Integers

DECIMALS_MORE: Final = 2
"""Decimals added by adjusting: rounding then stays below a thousandth of a basis point, or near."""
SURE: Final = (Evidence.CONTRACT, Evidence.CALENDAR, Evidence.OPEN_INTEREST)
"""Evidence on which prices are adjusted, best first. A gap alone may as well be news."""


NOTHING: Final = (
    "Rolls: nothing was adjusted. No contract column, no roll calendar and no leap of open "
    "interest names one, and a gap alone may as well be news."
)


class RollTreatment(StrEnum):
    """What is done about suspected rolls."""

    FLAG = "flag"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One roll whose jump was taken out."""

    bar: int
    time_ms: int
    """Opening of the first bar in the new contract."""
    evidence: Evidence
    ratio: float
    """All earlier prices were multiplied by it."""
    is_given: bool
    """By the calendar; otherwise estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """A series whose rolls were taken out, and how."""

    series: BarSeries
    adjustments: tuple[Adjustment, ...]
    """Ascending in time."""
    usual_gap: float = 0.0
    """Median size of the opening gaps at breaks that are no rolls, a fraction: the night's own
    move that an estimated ratio may hold."""
    left: int = 0
    """Bars suspected for a weaker reason than the adjusted ones, other than a gap: left alone."""


def adjust_rolls(series: BarSeries, rolls: Rolls, ratios: Mapping[int, float | None]) -> Adjusted:
    """Return the series with every earlier price multiplied at each sure roll.

    Only the best kind of evidence that the file has counts, so that a roll that two kinds of
    evidence date a bar apart is not taken out twice. Prices get two more decimals, so that
    returns within a contract stay what they were.

    Args:
        series: As read.
        rolls: Of this series.
        ratios: Bars of the calendar, with the ratio where it gives one.

    Raises:
        InputInvalid: the calendar gives a ratio where the contract does not change, or the
            adjusted prices leave the range of prices.
    """
    best = next((kind for kind in SURE if kind in rolls.evidence), None)
    chosen = [
        int(bar) for bar, kind in zip(rolls.bars, rolls.evidence, strict=True) if kind is best
    ]
    for bar, ratio in ratios.items():
        if ratio is not None and bar not in chosen:
            raise InputInvalid(
                f"{OPTION}: a ratio is given for {_render(series, bar)}, where the file names no "
                "other contract; correct the date, or leave the ratio out."
            )
    gaps = read_gaps(series)
    adjustments = tuple(
        Adjustment(
            bar=bar,
            time_ms=int(series.time_ms[bar]),
            evidence=rolls.evidence[int(np.searchsorted(rolls.bars, bar))],
            ratio=ratios.get(bar) or float(1 + gaps[bar]),
            is_given=ratios.get(bar) is not None,
        )
        for bar in chosen
    )
    return Adjusted(
        series=_multiply(series, adjustments) if adjustments else series,
        adjustments=adjustments,
        usual_gap=_read_usual_gap(series, gaps, rolls.bars),
        left=sum(kind in SURE and kind is not best for kind in rolls.evidence),
    )


def describe_adjustments(adjusted: Adjusted) -> tuple[str, ...]:
    """Return what was done as sentences for the notes of the file."""
    series = adjusted.series
    if not adjusted.adjustments:
        return (NOTHING,)
    lines = [
        f"Roll {_render(series, each.bar)} ({each.evidence}): every earlier price times "
        f"{each.ratio:.5f}, "
        + ("given by the calendar." if each.is_given else "estimated from the opening gap.")
        for each in adjusted.adjustments
    ]
    estimated = sum(not each.is_given for each in adjusted.adjustments)
    if estimated:
        lines.append(
            f"An estimated ratio takes out the whole gap, and with it what the price itself did in "
            f"between: {adjusted.usual_gap:.2%} at a usual break of this file. A calendar with "
            "ratios is better."
        )
    if adjusted.left:
        lines.append(
            f"Left as they are: {adjusted.left} bars that only a weaker reason than these calls a "
            "roll; they are marked."
        )
    lines.append(
        "Prices before a roll are no longer the market's: only returns and distances in per cent "
        "mean something there."
    )
    return tuple(lines)


def _multiply(series: BarSeries, adjustments: tuple[Adjustment, ...]) -> BarSeries:
    factors = np.ones(len(series))
    for each in adjustments:
        factors[: each.bar] *= each.ratio
    digits = min(DECIMALS_MAX, series.digits + DECIMALS_MORE)

    def scale(prices: Floats) -> Floats:
        units = np.rint(prices * factors * 10**digits)
        on_grid = np.rint(units * 10 ** (DECIMALS_MAX - digits)) / PRICE_SCALE
        scaled: Floats = np.where(factors == 1, prices, on_grid)
        return scaled

    ask = series.ask
    adjusted = replace(
        series,
        open=scale(series.open),
        high=scale(series.high),
        low=scale(series.low),
        close=scale(series.close),
        spread=scale(series.spread),
        digits=digits,
        ask=None
        if ask is None
        else AskBars(
            open=scale(ask.open), high=scale(ask.high), low=scale(ask.low), close=scale(ask.close)
        ),
    )
    if adjusted.ask is not None:
        adjusted = replace(adjusted, spread=adjusted.ask.open - adjusted.open)
    top = adjusted.high if adjusted.ask is None else adjusted.ask.high
    if not (adjusted.low.min() > 0 and top.max() <= PRICE_MAX):
        raise InputInvalid(
            f"--rolls adjust: the oldest prices would be multiplied by {factors[0]:g} and leave "
            "the range of prices; give fewer rolls, or a shorter file."
        )
    return adjusted


def _read_usual_gap(series: BarSeries, gaps: Floats, bars: Integers) -> float:
    is_break = sort_breaks(series) != KINDS.index(Break.NONE)
    is_break[bars] = False
    is_break[0] = False
    return float(np.median(np.abs(gaps[is_break]))) if is_break.any() else 0.0


def _render(series: BarSeries, bar: int) -> str:
    return render_time(int(series.time_ms[bar]), is_daily=series.period_ms >= MS_PER_DAY)
