"""What makes rows unfit to be traded on: order, duplicates, impossible prices, uneven steps."""

from array import array
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.prices import BarColumns, OhlcColumns, TickColumns

PERIODS_MS = tuple(
    minutes * MS_PER_MINUTE for minutes in (1, 2, 3, 4, 5, 10, 15, 30, 60, 240, 720, 1440)
)
"""The bar periods up to one day that the broker serves: M1 to M30, H1, H4, H12, D1."""

ROWS_MIN = 200
"""150 closes of history, so that an RSI no longer depends on where it began, and some to trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first row found unfit."""

    row: int
    problem: str
    """Without the row, with the mend."""


def check_order(times_us: list[int], *, can_repeat: bool) -> Fault | None:
    """Find the first time that goes back or, unless `can_repeat`, stands still."""
    for row in range(1, len(times_us)):
        step = times_us[row] - times_us[row - 1]
        if step < 0:
            return Fault(
                row=row, problem="the time is before that of the row above; sort the file by time"
            )
        if step == 0 and not can_repeat:
            return Fault(
                row=row, problem="the time is that of the row above; keep one row for each time"
            )
    return None


def check_repeats(times_us: list[int], ticks: TickColumns) -> Fault | None:
    """Find the first quote that repeats the row above, time and prices alike."""
    for row in range(1, len(times_us)):
        if (
            times_us[row] == times_us[row - 1]
            and ticks.bids[row] == ticks.bids[row - 1]
            and ticks.asks[row] == ticks.asks[row - 1]
        ):
            return Fault(
                row=row, problem="it repeats the row above; remove rows that were exported twice"
            )
    return None


def check_ticks(ticks: TickColumns) -> Fault | None:
    """Find the first quote whose ask is below its bid."""
    return _check_crossing(ticks.bids, ticks.asks, "")


def check_bars(bars: BarColumns) -> Fault | None:
    """Find the first bar that no market can have made."""
    sides = [("", bars.bid)] if bars.ask is None else [("bid ", bars.bid), ("ask ", bars.ask)]
    for side, series in sides:
        fault = _check_ohlc(series, side)
        if fault is not None:
            return fault
    if bars.ask is None:
        return None
    pairs = (
        (bars.bid.opens, bars.ask.opens, "open "),
        (bars.bid.highs, bars.ask.highs, "high "),
        (bars.bid.lows, bars.ask.lows, "low "),
        (bars.bid.closes, bars.ask.closes, "close "),
    )
    faults = (_check_crossing(bids, asks, name) for bids, asks, name in pairs)
    return min((each for each in faults if each is not None), key=_row_of, default=None)


def find_period(times: "array[int]") -> int:
    """Return the median step between bars in milliseconds (the lower of two middle ones)."""
    return median_low(after - before for before, after in pairwise(times))


def check_steps(times: "array[int]", period_ms: int) -> Fault | None:
    """Find the first bar off the grid of the period: another step, or another start.

    Longer pauses are breaks of the market and pass, as long as they are whole periods.
    """
    for row in range(1, len(times)):
        step = times[row] - times[row - 1]
        if step % period_ms:
            return Fault(
                row=row,
                problem=f"it comes {render_step(step)} after the row above, but the bars are "
                f"{render_step(period_ms)} long; give a file of one period",
            )
    if times[0] % period_ms:
        return Fault(
            row=0,
            problem=f"bars of {render_step(period_ms)} must open at whole multiples of it since "
            "00:00 UTC; shift the times to UTC",
        )
    return None


def render_step(step_ms: int) -> str:
    """Write a step in the largest whole unit, such as `5 minutes`."""
    for unit_ms, name in (
        (MS_PER_DAY, "day"),
        (60 * MS_PER_MINUTE, "hour"),
        (MS_PER_MINUTE, "minute"),
        (1_000, "second"),
    ):
        if step_ms % unit_ms == 0:
            count = step_ms // unit_ms
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{step_ms} ms"


def _row_of(fault: Fault) -> int:
    return fault.row


def _check_crossing(bids: "array[int]", asks: "array[int]", name: str) -> Fault | None:
    for row, (bid, ask) in enumerate(zip(bids, asks, strict=True)):
        if ask < bid:
            return Fault(
                row=row,
                problem=f"the {name}ask is below the {name}bid; correct or remove the row",
            )
    return None


def _check_ohlc(series: OhlcColumns, side: str) -> Fault | None:
    for row, (opening, high, low, close) in enumerate(series):
        if high < max(opening, close):
            problem = f"the {side}high is below the open or the close"
        elif low > min(opening, close):
            problem = f"the {side}low is above the open or the close"
        else:
            continue
        return Fault(row=row, problem=f"{problem}; correct or remove the row")
    return None
