"""What recorded sentiment was worth on a file of bars: `palmbot sentiment report`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palmbot.core.params import SentimentMode
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import TimestampMs
from palmbot.pricefiles.bar_reader import ReadOptions, read_bars
from palmbot.research.backtest import BacktestSetup
from palmbot.research.mood_worth import Worth, cut_to, weigh
from palmbot.research.rules import CostModel
from palmbot.sentiment.recording import STALE_MS, read_recording

BARS_MIN = 100
"""Fewer do not warm the RSI up and leave something to trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a person may choose."""

    file: Path
    """Bars."""
    recording: Path
    mode: SentimentMode
    cost_bp: float
    """A side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodReport:
    """What was found."""

    worth: Worth
    signals: int
    """That the bot itself met within the span of the bars, by its own record."""
    known_signals: int
    vetoed: int
    confirmed: int


def report_worth(
    options: ReportOptions, progress: Callable[[int, int], None] | None = None
) -> MoodReport:
    """Read bars and recording, compare with and without, and count what the bot met.

    Raises:
        InputInvalid: a file cannot be used, or the two have no time in common.
    """
    recording = read_recording(options.recording)
    stored = [each.stored_at for each in recording.fetches if each.stored_at is not None]
    if not stored:
        raise InputInvalid(f"{options.recording} holds no score: there is nothing to compare")
    whole = read_bars(options.file, ReadOptions()).series
    series = cut_to(whole, stored[0], TimestampMs(stored[-1] + STALE_MS))
    if len(series) < BARS_MIN:
        raise InputInvalid(
            f"{options.file} and {options.recording} have {len(series)} bars in common, "
            f"{BARS_MIN} are the least: give bars of the time that was recorded"
        )
    setup = BacktestSetup(costs=CostModel(cost_bp=options.cost_bp), mood_mode=options.mode)
    worth = weigh(series, setup, recording.known_at, progress)
    span = (int(series.time_ms[0]), int(series.time_ms[-1]) + series.period_ms)
    met = [each for each in recording.services if span[0] <= each.market_time <= span[1]]
    return MoodReport(
        worth=worth,
        signals=len(met),
        known_signals=sum(each.score is not None for each in met),
        vetoed=sum(not each.veto_allows for each in met),
        confirmed=sum(each.confirm_allows for each in met),
    )
