"""`palmbot backtest`: a file of bars through the bot's own decisions, with nothing flattered."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from palmbot.cli.output import EXIT_DONE, print_json, stderr, stdout
from palmbot.core.params import SentimentMode
from palmbot.pricefiles.bar_reader import ReadOptions
from palmbot.pricefiles.roll_adjustment import RollTreatment
from palmbot.pricefiles.stamps import DateOrder
from palmbot.reports import wording
from palmbot.reports.backtest_report import render_backtest_report
from palmbot.reports.backtest_run import BacktestFigures, BacktestTrade, Outcome
from palmbot.reports.backtest_words import render_factor, render_judgement
from palmbot.reports.page_file import check_place, write_page
from palmbot.research.rules import StrategyPoint
from palmbot.workbench.backtest import BacktestOptions, run_backtest_file

TRADE_COLUMNS = (
    "number", "side", "entry_time", "entry_price", "stop", "target", "exit_time", "exit_price",
    "reason", "gap", "ambiguous", "over_roll", "bars_held", "net_return_percent",
    "gross_return_percent", "profit", "why",
)  # fmt: skip


def backtest(  # noqa: PLR0913  (options of one command)
    file: Path,
    *,
    rsi_buy: float = 30.0,
    rsi_sell: float = 70.0,
    tp: float = 2.0,
    sl: float = 1.5,
    period_rsi: int = 14,
    cost_bp: float | None = None,
    spread: float | None = None,
    commission: float | None = None,
    swap: float | None = None,
    breakers: Literal["on", "off"] = "on",
    sentiment: Path | None = None,
    sentiment_mode: Literal["veto", "confirm"] = "veto",
    balance: float = 100_000.0,
    risk: float = 1.0,
    zone: str = "UTC",
    dates: Literal["day-first", "month-first"] | None = None,
    decimal_comma: Annotated[bool, Parameter(negative=())] = False,
    accept_bad_bars: Literal["drop"] | None = None,
    rolls: Literal["flag", "adjust"] = "flag",
    roll_calendar: Path | None = None,
    report: Path | None = None,
    trades: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Replay a file of bars through the bot's own decisions, and account for every trade.

    Entry at the open after the signal, stop before target where one bar touches both, gaps fill at
    the open. Profit factor and returns are on the same stake for every trade, after costs.

    Example: `palmbot backtest bars.csv --tp 2 --sl 1.5 --report backtest.html`

    Args:
        file: Bars as CSV (plain or gzip) or Parquet; `palmbot data check` says what is read.
        rsi_buy: Buy when flat and RSI below this.
        rsi_sell: Sell when flat and RSI above this.
        tp: Target, per cent of the entry price.
        sl: Stop, per cent of the entry price.
        period_rsi: Bars of the RSI.
        cost_bp: Cost of each side in basis points of the price; 5, unless one of the next three
            is given.
        spread: Spread in price units, for a file without one; its prices are then the bid.
        commission: Commission of each side in basis points.
        swap: Financing of each night in basis points, negative if you pay; three on Wednesday.
        breakers: Circuit breakers as in live trading, or none.
        sentiment: What a bot recorded, or a CSV with time_ms, score, confidence, domains,
            has_driver; each score counts from when it was known.
        sentiment_mode: What a score may do to a signal.
        balance: Start of the account view, in the currency of the prices.
        risk: Share of equity in per cent that the account loses at a stop.
        zone: Zone of times that carry none, such as EST or Europe/Athens.
        dates: Which comes first in dates such as 03/04/2024.
        decimal_comma: Prices are written 4.321,50.
        accept_bad_bars: Leave bad bars out, counted, instead of refusing the file.
        rolls: What to do where a contract changes: count its trades apart, or multiply earlier
            prices so that the jump is gone.
        roll_calendar: CSV of known rolls: date, and the new price over the old one if known.
        report: Where a page with the picture goes.
        trades: Where a CSV with every trade goes, returns in per cent.
        as_json: Print one JSON document; returns, rates and drawdowns are fractions.
    """
    for place in (report, trades):
        if place is not None:
            check_place(place)
    options = BacktestOptions(
        file=file,
        reading=ReadOptions(
            zone=zone,
            dates=None if dates is None else DateOrder(dates),
            is_decimal_comma=decimal_comma,
            drops_bad_bars=accept_bad_bars == "drop",
            take_profit=tp,
            stop_loss=sl,
            rolls=RollTreatment(rolls),
            roll_calendar=roll_calendar,
        ),
        point=StrategyPoint(rsi_buy, rsi_sell, tp, sl),
        period_rsi=period_rsi,
        cost_bp=cost_bp,
        spread=spread,
        commission_bp=commission,
        swap_bp=swap,
        has_breakers=breakers == "on",
        sentiment=sentiment,
        sentiment_mode=SentimentMode(sentiment_mode),
        balance=balance,
        risk_percent=risk,
    )
    with _show_progress() as tell:
        picture = run_backtest_file(options, tell)
    if trades is not None:
        write_page(trades, render_trades_csv(picture.trades))
    if report is not None:
        write_page(report, render_backtest_report(picture))
    if as_json:
        print_json(picture.figures)
        return EXIT_DONE
    stdout.print(render_summary(picture.figures))
    judgement, is_good = render_judgement(picture.figures)
    stdout.print(judgement, style="green" if is_good else "yellow", highlight=False)
    for warning in picture.figures.warnings:
        stdout.print(f"- {warning}", highlight=False)
    for name, place in (("Report", report), ("Trades", trades)):
        if place is not None:
            stdout.print(f"{name}: {place}", soft_wrap=True)
    return EXIT_DONE


def render_trades_csv(trades: tuple[BacktestTrade, ...]) -> str:
    """Return every trade as a line of CSV; times in UTC, returns in per cent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TRADE_COLUMNS)
    for each in trades:
        writer.writerow(
            (
                each.number,
                each.side,
                wording.render_iso(each.entry_ms),
                f"{each.entry_price:.10g}",
                f"{each.stop:.10g}",
                f"{each.target:.10g}",
                wording.render_iso(each.exit_ms),
                f"{each.exit_price:.10g}",
                each.reason,
                int(each.is_gap),
                int(each.is_ambiguous),
                int(each.is_over_roll),
                each.bars_held,
                f"{each.net_return * 100:.6f}",
                f"{each.gross_return * 100:.6f}",
                f"{each.profit:.2f}",
                each.why,
            )
        )
    return text.getvalue()


def render_summary(figures: BacktestFigures) -> Table:
    """Return the table a person sees at the end."""
    table = Table(title=f"{figures.source.file}: {figures.bars:,} bars", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    interval = figures.profit_factor_interval
    costs = figures.costs
    rows = [
        ("trades (longs, shorts)", f"{figures.trades:,} ({figures.longs:,}, {figures.shorts:,})"),
        ("profit factor, same stake, after costs", render_factor(figures.profit_factor)),
        (
            "  90 % interval",
            "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        ),
        ("  target first in ambiguous bars", _describe(figures.bounds.optimistic)),
        ("  without costs", _describe(figures.without_costs)),
        ("win rate", "-" if figures.win_rate is None else f"{figures.win_rate:.1%}"),
        ("net return", f"{figures.net_return:+.2%}"),
        ("max drawdown, at bar closes", f"{figures.max_drawdown:.2%}"),
        ("Sharpe, daily, x sqrt(252)", "-" if figures.sharpe is None else f"{figures.sharpe:.2f}"),
        ("ambiguous bars, gap exits", f"{figures.ambiguous_bars:,}, {figures.gap_exits:,}"),
        ("lost by gaps beyond stops", f"{costs.gap_loss:.2%} of a stake"),
        (
            "break-even cost a side",
            "-" if costs.break_even_bp is None else f"{costs.break_even_bp:.1f} bp",
        ),
    ]
    rows += [
        (
            f"{part.name} of the bars",
            f"{render_factor(part.profit_factor)} on {wording.count(part.trades, 'trade')}",
        )
        for part in figures.parts
    ]
    if figures.rolls.suspected:
        rows.append(
            (
                f"without {figures.rolls.trades} trades over suspected rolls",
                _describe(figures.rolls.without),
            )
        )
    account = figures.account
    rows += [
        (f"account, {account.risk_percent:g} % risk a trade", f"{account.net_return:+.2%}"),
        ("  max drawdown", f"{account.max_drawdown:.2%}"),
        ("  profit factor, money", render_factor(account.profit_factor)),
    ]
    rows += [(f"breaker {each.name}", f"{each.trips:,} trips") for each in figures.breakers]
    rows += [(f"signals refused, {each.code}", f"{each.count:,}") for each in figures.refusals]
    rows.append(("bars a second", f"{figures.bars_per_second:,.0f}"))
    for name, value in rows:
        table.add_row(name, value)
    return table


def _describe(outcome: Outcome) -> str:
    return f"{render_factor(outcome.profit_factor)}, {outcome.net_return:+.2%}"


@contextmanager
def _show_progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar with the time left, on a terminal only."""
    if not stderr.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    ) as progress:
        task = progress.add_task("replaying", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tell
