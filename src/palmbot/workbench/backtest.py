"""An exact backtest from a file to figures, trades and a page: `palmbot backtest`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from palmbot.core.params import SentimentMode
from palmbot.domain.errors import InputInvalid
from palmbot.pricefiles.bar_reader import ReadOptions, ReadResult, read_bars
from palmbot.pricefiles.quality import Grade
from palmbot.pricefiles.series import BarSeries
from palmbot.reports.backtest_run import BacktestPicture
from palmbot.research.backtest import BacktestSetup, run_backtest, with_spread
from palmbot.research.backtest_figures import Summary, summarize
from palmbot.research.rules import OWNER_DEFAULTS, CostModel, StrategyPoint
from palmbot.workbench.curves import find_closed_hours, thin
from palmbot.workbench.recorded_mood import read_recorded_mood
from palmbot.workbench.roll_report import list_adjustments

RSI_PERIOD_MIN, RSI_PERIOD_MAX = 2, 500
DISTANCE_MIN, DISTANCE_MAX = 0.01, 99.99
DEFAULT_COST_BP: Final = 5.0
HUNDREDTH: Final = 1e-9

ENTRY_RULE: Final = (
    "A signal at the close of a bar enters at the open of the next one; levels hang on the fill "
    "and are tested on the entry bar too."
)
EXIT_RULE: Final = (
    "A bar that touches stop and target counts as the stop; an open beyond a level fills at the "
    "open."
)
BREAKER_LIMITS: Final = (
    "Breakers as in live trading, except those that need what a file of bars does not say: "
    "opening gaps against trading hours, bursts within a minute, requests."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What a person may choose."""

    file: Path
    reading: ReadOptions = field(default_factory=ReadOptions)
    point: StrategyPoint = OWNER_DEFAULTS
    period_rsi: int = 14
    cost_bp: float | None = None
    """A side; None is 5 unless spread, commission or swap say what trading costs."""
    spread: float | None = None
    """Price units."""
    commission_bp: float | None = None
    swap_bp: float | None = None
    has_breakers: bool = True
    sentiment: Path | None = None
    sentiment_mode: SentimentMode = SentimentMode.VETO
    balance: float = 100_000.0
    risk_percent: float = 1.0


def run_backtest_file(
    options: BacktestOptions, tell: Callable[[int, int], None] | None = None
) -> BacktestPicture:
    """Read the file, replay it, and sum up; `tell` hears bars done and bars in all.

    Raises:
        InputInvalid: an option or the file cannot be used; the sentence says which and why.
    """
    costs = check_options(options)
    result = read_bars(options.file, options.reading)
    series = _take_spread(result.series, options)
    needed = options.period_rsi + 2
    if len(series) < needed:
        raise InputInvalid(
            f"--period-rsi: {options.period_rsi} needs at least {needed} bars, {options.file} has "
            f"{len(series)}; give a longer file or a shorter period."
        )
    mood = None
    mood_name = "off"
    if options.sentiment is not None:
        mood = read_recorded_mood(options.sentiment)
        mood_name = f"{options.sentiment_mode} ({options.sentiment.name})"
    setup = BacktestSetup(
        point=options.point,
        rsi_period=options.period_rsi,
        costs=costs,
        has_breakers=options.has_breakers,
        mood=mood,
        mood_mode=options.sentiment_mode,
        balance=options.balance,
        risk_percent=options.risk_percent,
    )
    progress = None if tell is None else (lambda done: tell(done, len(series)))
    started = time.process_time()
    run = run_backtest(series, setup, progress)
    seconds = time.process_time() - started
    summary = summarize(
        run, series, setup, zone=result.quality.zone, mood=mood_name, seconds=seconds
    )
    figures = summary.figures
    rolls = replace(
        figures.rolls,
        treatment=result.rolls.treatment.value,
        adjusted=list_adjustments(result.rolls),
    )
    # What was done to the prices comes first: every figure rests on it.
    warnings = (*result.rolls.notes, *figures.warnings)
    summary = replace(summary, figures=replace(figures, rolls=rolls, warnings=warnings))
    return _make_picture(summary, series, result)


def check_options(options: BacktestOptions) -> CostModel:
    """Return the costs if every option is in its range.

    Raises:
        InputInvalid: names the option.
    """
    point = options.point
    if not 0 <= point.rsi_buy < point.rsi_sell <= 100:  # noqa: PLR2004 - the range of an RSI
        raise InputInvalid(
            f"--rsi-buy and --rsi-sell: need 0 <= buy < sell <= 100, was {point.rsi_buy:g} and "
            f"{point.rsi_sell:g}."
        )
    for name, percent in (("--tp", point.take_profit), ("--sl", point.stop_loss)):
        if not DISTANCE_MIN <= percent <= DISTANCE_MAX:
            raise InputInvalid(
                f"{name}: a distance is from {DISTANCE_MIN} to {DISTANCE_MAX} per cent of the "
                f"entry, was {percent:g}."
            )
        if abs(percent * 100 - round(percent * 100)) > HUNDREDTH:
            raise InputInvalid(
                f"{name}: the bot takes whole hundredths of a per cent, was {percent:g}; "
                f"try {percent:.2f}."
            )
    if not RSI_PERIOD_MIN <= options.period_rsi <= RSI_PERIOD_MAX:
        raise InputInvalid(
            f"--period-rsi: from {RSI_PERIOD_MIN} to {RSI_PERIOD_MAX} bars, was "
            f"{options.period_rsi}."
        )
    if not (np.isfinite(options.balance) and 1 <= options.balance <= 1e9):  # noqa: PLR2004
        raise InputInvalid(f"--balance: from 1 to 1,000,000,000, was {options.balance:g}.")
    if not 0.01 <= options.risk_percent <= 100:  # noqa: PLR2004 - a share, in basis points
        raise InputInvalid(
            f"--risk: from 0.01 to 100 per cent of equity, was {options.risk_percent:g}."
        )
    return _check_costs(options)


def _check_costs(options: BacktestOptions) -> CostModel:
    has_parts = any(
        each is not None for each in (options.spread, options.commission_bp, options.swap_bp)
    )
    cost_bp = options.cost_bp
    if cost_bp is None:
        cost_bp = 0.0 if has_parts else DEFAULT_COST_BP
    for name, value in (("--cost-bp", cost_bp), ("--commission", options.commission_bp or 0.0)):
        if not 0 <= value < 1_000:  # noqa: PLR2004 - ten per cent a side is no market
            raise InputInvalid(f"{name}: from 0 to below 1000 basis points a side, was {value:g}.")
    swap = options.swap_bp or 0.0
    if not -1_000 < swap < 1_000:  # noqa: PLR2004 - likewise
        raise InputInvalid(f"--swap: within 1000 basis points a night, was {swap:g}.")
    spread = options.spread
    if spread is not None and not (np.isfinite(spread) and spread >= 0):
        raise InputInvalid(f"--spread: in price units, 0 or more, was {spread:g}.")
    return CostModel(
        cost_bp=cost_bp, commission_bp=options.commission_bp or 0.0, swap_bp_per_night=swap
    )


def _take_spread(series: BarSeries, options: BacktestOptions) -> BarSeries:
    if options.spread is None:
        return series
    if series.has_spread:
        raise InputInvalid(
            f"--spread: {options.file} has a spread of its own, which counts; leave the option out."
        )
    if options.spread >= float(series.close.min()):
        raise InputInvalid(
            f"--spread: {options.spread:g} is as much as the price itself; it is in price units."
        )
    return with_spread(series, options.spread)


def _make_picture(summary: Summary, series: BarSeries, result: ReadResult) -> BacktestPicture:
    peaks = np.maximum.accumulate(np.maximum(summary.equity, 1.0))
    return BacktestPicture(
        figures=summary.figures,
        digits=series.digits,
        pauses=find_closed_hours(series),
        trades=summary.trades,
        price=thin(series, series.close),
        equity=thin(series, summary.equity),
        equity_without_costs=thin(series, summary.equity_without_costs),
        drawdown=thin(series, summary.equity / peaks - 1.0),
        assumptions=(*_list_assumptions(summary, series), *_note(result), *_warn(result)),
    )


def _list_assumptions(summary: Summary, series: BarSeries) -> tuple[str, ...]:
    figures = summary.figures
    cost = figures.costs
    charge = f"Each side costs {cost.cost_bp + cost.commission_bp:g} basis points of the fill price"
    nights = (
        f"each night {cost.swap_bp_per_night:+g} (00:00 UTC, three on Wednesday)"
        if cost.swap_bp_per_night
        else "no financing overnight"
    )
    sides = (
        "Longs enter at the ask and leave at the bid, shorts the other way round."
        if series.has_spread
        else "One series stands for bid and ask."
    )
    account = figures.account
    stakes = (
        "Profit factor and returns are on the same stake for every trade; the account sizes each "
        f"trade by {account.risk_percent:g} % risk at the stop, leverage {account.leverage:g}."
    )
    texts = (ENTRY_RULE, EXIT_RULE, sides, f"{charge}, {nights}.", stakes)
    return (*texts, BREAKER_LIMITS) if figures.setting.breakers else texts


def _note(result: ReadResult) -> tuple[str, ...]:
    """Return the notes of the file but for those on rolls, which are among the warnings."""
    return tuple(each for each in result.quality.notes if each not in result.rolls.notes)


def _warn(result: ReadResult) -> tuple[str, ...]:
    return tuple(
        f"{item.name.capitalize()}: {item.text}."
        for item in result.quality.items
        if item.grade is Grade.WARN
    )
