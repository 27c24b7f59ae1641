"""Whether sentiment was worth having: the same bars with and without it, and luck beside it.

Start with `weigh`. A verdict is refused where the sample is too small to carry one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from msgspec import structs

from palmbot.domain.events import SentimentUpdated
from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.pricefiles.series import BarSeries
from palmbot.research.backtest import BacktestSetup, MoodSource, run_backtest
from palmbot.research.rules import Floats, TradeList, read_profit_factor

DAYS_MIN: Final = 60
AFFECTED_MIN: Final = 30
SHIFT_DAYS: Final = tuple(days for days in range(-20, 21) if days)
SHUFFLES: Final = 20
RESAMPLES: Final = 2_000
BLOCK_DAYS: Final = 5
"""Days next to each other are alike: a week at a time is drawn."""
CONFIDENCE: Final = 0.95
SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs; returns are fractions of one stake."""

    trades: int
    net_return: float
    """Sum over all trades."""
    profit_factor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """With and without, and what chance would make of it."""

    mode: str
    days: int
    """Trading days."""
    bars: int
    coverage: float
    """Share of the bars at whose end the mood was known."""
    without: Side
    with_mood: Side
    affected: int
    """Entries that only one of the two runs has."""
    difference: float
    """Sum of returns with less without."""
    interval: tuple[float, float] | None
    """Of the difference, 95 per cent, by resampling weeks; None below ten days."""
    placebos: int
    """Runs with the same moods at other days."""
    placebo_share: float | None
    """Share of them that did at least as well; small is good."""
    verdict: str | None
    """helped, hurt or no effect shown; None if the sample is too small for one."""
    refusal: str
    """Why there is no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebos:
    """The same moods on other days."""

    shift_days: tuple[int, ...] = SHIFT_DAYS
    shuffles: int = SHUFFLES


def weigh(
    series: BarSeries,
    setup: BacktestSetup,
    mood: MoodSource,
    progress: Callable[[int, int], None] | None = None,
    placebos: Placebos = Placebos(),
) -> Worth:
    """Compare on identical bars; `progress` hears runs done and runs in all.

    The placebo runs see the same moods on other days, shifted by up to 20 days either way or
    with the days shuffled. If they do as well, the moods were not what helped.

    Raises:
        ValueError: a setting is out of range.
    """
    days = _days(series)
    shifts = [_Shifted(mood, dict.fromkeys(days, shift)) for shift in placebos.shift_days]
    rng = np.random.default_rng(SEED)
    shuffles = [_Shifted(mood, _shuffle_days(series, rng)) for _ in range(placebos.shuffles)]
    runs = 2 + len(shifts) + len(shuffles)
    tell = progress or (lambda _done, _all: None)

    def run(number: int, source: MoodSource | None) -> TradeList:
        tell(number, runs)
        return run_backtest(series, replace(setup, mood=source)).trades

    without = run(0, None)
    counting = _Counting(mood)
    with_mood = run(1, counting)
    daily = _read_daily(with_mood, series) - _read_daily(without, series)
    difference = float(daily.sum())
    placebo = np.array(
        [
            float(run(number, source).net_return.sum() - without.net_return.sum())
            for number, source in enumerate([*shifts, *shuffles], start=2)
        ]
    )
    tell(runs, runs)
    affected = _count_affected(with_mood, without)
    interval = _resample(daily, rng)
    share = float((1 + (placebo >= difference).sum()) / (1 + placebo.size))
    refusal = _refuse(len(daily), affected)
    return Worth(
        mode=setup.mood_mode.value,
        days=len(daily),
        bars=len(series),
        coverage=counting.known / max(1, counting.asked),
        without=_sum_up(without),
        with_mood=_sum_up(with_mood),
        affected=affected,
        difference=difference,
        interval=interval,
        placebos=int(placebo.size),
        placebo_share=share,
        verdict=None if refusal else _judge(interval, share),
        refusal=refusal,
    )


def cut_to(series: BarSeries, first: TimestampMs, last: TimestampMs) -> BarSeries:
    """Return the bars that open within the span of a recording."""
    begin, end = np.searchsorted(series.time_ms, [first, last], side="left")
    return series.cut(int(begin), int(end))


class _Counting:
    """A mood source that counts how often it knew something."""

    def __init__(self, mood: MoodSource) -> None:
        self._mood = mood
        self.asked = 0
        self.known = 0

    def __call__(self, time: TimestampMs) -> SentimentUpdated | None:
        found = self._mood(time)
        self.asked += 1
        self.known += found is not None and found.score is not None
        return found


class _Shifted:
    """The same moods, each day's from so many days away; their ages stay what they were."""

    def __init__(self, mood: MoodSource, days: dict[int, int]) -> None:
        self._mood = mood
        self._days = days

    def __call__(self, time: TimestampMs) -> SentimentUpdated | None:
        shift_ms = self._days.get(time // MS_PER_DAY, 0) * MS_PER_DAY
        found = self._mood(TimestampMs(time + shift_ms))
        return (
            None
            if found is None
            else structs.replace(found, as_of=TimestampMs(found.as_of - shift_ms))
        )


def _days(series: BarSeries) -> list[int]:
    days: list[int] = np.unique(series.time_ms // MS_PER_DAY).tolist()
    return days


def _shuffle_days(series: BarSeries, rng: np.random.Generator) -> dict[int, int]:
    days = np.array(_days(series))
    return dict(zip(days.tolist(), (rng.permutation(days) - days).tolist(), strict=True))


def _read_daily(trades: TradeList, series: BarSeries) -> Floats:
    """Return the sum of returns of the trades that ended on each trading day."""
    days = np.array(_days(series))
    ended = series.time_ms[trades.exit_index] // MS_PER_DAY
    daily = np.zeros(days.size)
    np.add.at(daily, np.searchsorted(days, ended), trades.net_return)
    return daily


def _count_affected(one: TradeList, other: TradeList) -> int:
    entries = [
        set(zip(each.entry_index.tolist(), each.side.tolist(), strict=True))
        for each in (one, other)
    ]
    return len(entries[0] ^ entries[1])


def _resample(daily: Floats, rng: np.random.Generator) -> tuple[float, float] | None:
    """Return the interval of the sum, by drawing weeks with replacement."""
    size = daily.size
    if size < 2 * BLOCK_DAYS:
        return None
    blocks = -(-size // BLOCK_DAYS)
    starts = rng.integers(0, size - BLOCK_DAYS + 1, (RESAMPLES, blocks))
    index = (starts[:, :, None] + np.arange(BLOCK_DAYS)).reshape(RESAMPLES, -1)[:, :size]
    low, high = np.quantile(daily[index].sum(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _refuse(days: int, affected: int) -> str:
    reasons = []
    if days < DAYS_MIN:
        reasons.append(f"{days} trading days of the {DAYS_MIN} it takes")
    if affected < AFFECTED_MIN:
        reasons.append(f"{affected} affected entries of the {AFFECTED_MIN} it takes")
    return " and ".join(reasons)


def _judge(interval: tuple[float, float] | None, share: float) -> str:
    if interval is not None and interval[0] > 0 and share <= 1 - CONFIDENCE:
        return "helped"
    if interval is not None and interval[1] < 0:
        return "hurt"
    return "no effect shown"


def _sum_up(trades: TradeList) -> Side:
    return Side(
        trades=len(trades),
        net_return=float(trades.net_return.sum()),
        profit_factor=read_profit_factor(trades.net_return),
    )
