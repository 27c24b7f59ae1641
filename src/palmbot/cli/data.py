"""`palmbot data check`: what is in a price file, before a result rests on it."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stdout
from palmbot.pricefiles.bar_reader import ReadOptions
from palmbot.pricefiles.quality import render_time
from palmbot.pricefiles.roll_adjustment import RollTreatment
from palmbot.pricefiles.stamps import DateOrder
from palmbot.pricefiles.verdicts import render_step
from palmbot.reports.data_check import DataCheck, render_data_report, render_grade
from palmbot.reports.page_file import check_place, write_page
from palmbot.workbench.data_check import check_file

STYLES = {"ok": "green", "warn": "yellow", "refuse": "bold red"}


def check(  # noqa: PLR0913  (options of one command)
    file: Path,
    *,
    zone: str = "UTC",
    dates: Literal["day-first", "month-first"] | None = None,
    decimal_comma: Annotated[bool, Parameter(negative=())] = False,
    accept_bad_bars: Literal["drop"] | None = None,
    rolls: Literal["flag", "adjust"] = "flag",
    roll_calendar: Path | None = None,
    tp: float = 2.0,
    sl: float = 1.5,
    report: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Say what a file of bars holds, what is wrong with it, and how its times were read.

    Read are CSV (plain or gzip) and Parquet: exports of MetaTrader 4 and 5, TradingView,
    Dukascopy, Yahoo, Investing, HistData, bars of bid and ask, and `palmbot history`. Exit code 1
    if the file is not fit for a backtest. Nothing is dropped silently.

    Example: `palmbot data check bars.csv --report check.html`

    Args:
        file: CSV, gzipped CSV or Parquet; told by its content, not by its name.
        zone: Zone of times that carry none, such as EST (HistData) or Europe/Athens.
        dates: Which comes first in dates such as 03/04/2024.
        decimal_comma: Prices are written 4.321,50.
        accept_bad_bars: Leave bad and conflicting bars out, counted.
        rolls: What to do where a contract changes: mark it, or multiply earlier
            prices so that the jump is gone.
        roll_calendar: CSV of known rolls: date, and the new price over the old one if known.
        tp: Target in per cent against which the range of a bar is held.
        sl: Stop in per cent, likewise.
        report: Where a page with the picture goes.
        as_json: Print one JSON document.
    """
    if report is not None:
        check_place(report)
    options = ReadOptions(
        zone=zone,
        dates=None if dates is None else DateOrder(dates),
        is_decimal_comma=decimal_comma,
        drops_bad_bars=accept_bad_bars == "drop",
        take_profit=tp,
        stop_loss=sl,
        rolls=RollTreatment(rolls),
        roll_calendar=roll_calendar,
    )
    picture = check_file(file, options)
    if report is not None:
        write_page(report, render_data_report(picture))
    if as_json:
        print_json(picture.check)
    else:
        _show(picture.check)
        if report is not None:
            stdout.print(f"Report: {report}", soft_wrap=True)
    return EXIT_REFUSED if picture.check.grade == "refuse" else EXIT_DONE


def _show(found: DataCheck) -> None:
    span = f"{render_time(found.start_ms)} to {render_time(found.end_ms)} UTC"
    stdout.print(
        f"[bold]{escape(found.file)}[/]: {found.bars:,} bars of {render_step(found.period_ms)}, "
        f"{span}",
        highlight=False,
    )
    stdout.print(f"SHA-256 {found.sha256}", highlight=False, soft_wrap=True)
    for note in (found.zone, *found.notes):
        stdout.print(escape(note), highlight=False)
    table = Table(show_header=True, header_style="dim")
    table.add_column("grade")
    table.add_column("item")
    table.add_column("finding", overflow="fold")
    for item in found.items:
        text = escape(item.text)
        if item.example_ms is not None and item.grade != "ok":
            text += f" (first: {render_time(item.example_ms)})"
        table.add_row(f"[{STYLES[item.grade]}]{item.grade}[/]", escape(item.name), text)
    stdout.print(table)
    stdout.print(render_grade(found), style=STYLES[found.grade], highlight=False)
