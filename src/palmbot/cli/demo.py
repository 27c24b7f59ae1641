"""`palmbot demo`: a simulated month in a minute, with a report to look at."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from palmbot.bootstrap.directory import JOURNAL_NAME
from palmbot.cli.log import quiet_log
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.cli.status import render_status
from palmbot.reports.demo_report import render_demo_report
from palmbot.reports.demo_run import DemoRun, MoodUse
from palmbot.reports.page_file import check_place, write_page
from palmbot.reports.verdict import is_sound
from palmbot.workbench.demo import DemoOptions, run_demo
from palmbot.workbench.demo import Progress as DemoProgress

LOOKS_PER_S = 4
QUOTES_PER_LOOK = 50
"""Reading the status costs more than a quote: it is read for one quote in so many."""


def demo(  # noqa: PLR0913  (options of one command)
    *,
    days: int = 30,
    seed: int = 7,
    faults: Literal["none", "flaky", "storm"] = "flaky",
    data: Path | None = None,
    symbol: str | None = None,
    sentiment: Literal["none", "twins"] = "none",
    report: Path = Path("demo-report.html"),
    directory: Path = Path("palmbot-demo"),
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Let the real bot trade a simulated month over the real protocol, and account for it.

    Everything runs on this machine: a simulated broker serves the cTrader protocol over TLS,
    the bot connects to it, loses its link now and then, and trades. The same seed gives the
    same run. Exit code 1 if an order is not accounted for, or the journal does not hold.

    Example: `palmbot demo --days 10 --faults storm --seed 3`

    Args:
        days: Simulated calendar days; ignored with a price file.
        seed: Chooses prices and faults.
        faults: How often the link fails, and how badly.
        data: Price file to play instead of the model: bars or ticks, CSV or Parquet.
        symbol: PALMOIL or FCPO; with a price file the name of its contract.
        sentiment: `twins` asks stand-ins for Perplexity, X and a news feed that fail now and then.
        report: Where the page with the picture goes.
        directory: Where journal and certificates go; made anew each time.
        as_json: Print one JSON document.
    """
    check_place(report)
    options = DemoOptions(
        days=days,
        seed=seed,
        faults=faults,
        directory=directory,
        data=data,
        symbol=symbol,
        has_twins=sentiment == "twins",
    )
    with quiet_log(), _show_progress() as tell:
        run = asyncio.run(run_demo(options, tell))
    write_page(report, render_demo_report(run))
    if as_json:
        print_json(render_document(run))
    else:
        stdout.print(render_summary(run))
        stdout.print(f"Report:  {report}", soft_wrap=True)
        stdout.print(f"Journal: {directory / JOURNAL_NAME}", soft_wrap=True)
    return EXIT_DONE if is_sound(run) else EXIT_REFUSED


def render_document(run: DemoRun) -> dict[str, Any]:
    """Return the JSON of a run; returns and drawdowns are fractions."""
    figures = run.figures
    return {
        "seed": run.seed,
        "faults": run.faults,
        "symbol": run.symbol,
        "data": run.data_name,
        "simulated_days": figures.simulated_days,
        "trades": figures.trades,
        "profit_factor": figures.profit_factor,
        "win_rate": figures.win_rate,
        "net_return": figures.net_return,
        "max_drawdown": figures.max_drawdown,
        "orders_sent": figures.orders_sent,
        "orders_at_broker": figures.orders_at_broker,
        "refused_unplaced": figures.refused_unplaced,
        "never_arrived": figures.never_arrived,
        "duplicates": figures.duplicates,
        "positions_without_stop": figures.positions_without_stop,
        "unknown_open": figures.unknown_open,
        "frozen_minutes": figures.frozen_minutes,
        "operator_acks": figures.operator_acks,
        "reconnects": figures.reconnects,
        "journal": {"verified": figures.journal_verified},
        "replay": {"identical": figures.replay_identical},
        "sentiment": None if run.mood is None else asdict(run.mood),
        "seconds": figures.seconds,
    }


def render_summary(run: DemoRun) -> Table:
    """Return the table a person sees at the end."""
    figures = run.figures
    factor = figures.profit_factor
    table = Table(title=f"{run.symbol}: {figures.simulated_days} trading days", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in (
        ("trades", str(figures.trades)),
        ("profit factor", "undefined (no loss)" if factor is None else f"{factor:.2f}"),
        ("win rate", "-" if figures.win_rate is None else f"{figures.win_rate:.0%}"),
        ("net return", f"{figures.net_return:+.2%}"),
        ("max drawdown", f"{figures.max_drawdown:.2%}"),
        ("orders sent", str(figures.orders_sent)),
        ("  of these at the broker", str(figures.orders_at_broker)),
        ("  refused, nothing placed", str(figures.refused_unplaced)),
        ("  never arrived", str(figures.never_arrived)),
        ("duplicates", str(figures.duplicates)),
        ("positions without a stop", str(figures.positions_without_stop)),
        ("orders still unknown", str(figures.unknown_open)),
        ("minutes frozen by unknown orders", f"{figures.frozen_minutes:g}"),
        ("settled by the operator", str(figures.operator_acks)),
        ("links regained", str(figures.reconnects)),
        ("journal verified", "yes" if figures.journal_verified else "NO"),
        ("replay identical", "yes" if figures.replay_identical else "NO"),
        *_summarize_mood(run.mood),
        ("seconds", f"{figures.seconds:.1f}"),
    ):
        table.add_row(name, value)
    return table


def _summarize_mood(mood: MoodUse | None) -> tuple[tuple[str, str], ...]:
    if mood is None:
        return ()
    rate = "-" if mood.hit_rate is None else f"{mood.hit_rate:.1%}"
    stood_in = sum(each.count for each in mood.fallbacks if each.next_source != "none")
    return (
        ("sentiment lookups", str(mood.lookups)),
        ("  hits", f"{mood.hits} ({rate})"),
        ("  misses", str(mood.cold_misses + mood.expired_misses)),
        ("  renewals", str(mood.refreshes)),
        ("  fallbacks to the next source", str(stood_in)),
        ("  answers not believed", str(mood.quarantined)),
        ("  signals vetoed", f"{mood.veto_blocks} of {mood.signals}"),
    )


@contextmanager
def _show_progress() -> Iterator[Callable[[DemoProgress], None]]:
    """Show bar and status on stderr; on a terminal as a live view, else a line per tenth."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        auto_refresh=False,
    )
    task = bar.add_task("trading", total=1.0)
    if not stderr.is_terminal:
        yield _tell_in_lines()
        return
    with Live(bar, console=stderr, refresh_per_second=LOOKS_PER_S, transient=True) as live:
        quotes = 0

        def tell(progress: DemoProgress) -> None:
            nonlocal quotes
            quotes += 1
            if quotes % QUOTES_PER_LOOK == 0 or progress.fault:
                bar.update(task, completed=progress.fraction)
                live.update(Group(render_status(progress.status()), bar))

        yield tell


def _tell_in_lines() -> Callable[[DemoProgress], None]:
    tenths = 0

    def tell(progress: DemoProgress) -> None:
        nonlocal tenths
        if int(progress.fraction * 10) > tenths:
            tenths = int(progress.fraction * 10)
            status = progress.status()
            stderr.print(
                f"{progress.fraction:4.0%}  {status.trades} trades, {status.orders_sent} orders, "
                f"{status.links_lost} links lost; {status.last_decision}",
                soft_wrap=True,
                highlight=False,
                markup=False,
            )

    return tell
