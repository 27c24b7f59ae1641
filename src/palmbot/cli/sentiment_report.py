"""`palmbot sentiment report`: what sentiment was worth, from the bot's own recording."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, report_error, stderr, stdout
from palmbot.core.params import SentimentMode
from palmbot.domain.errors import InputInvalid
from palmbot.workbench.mood_report import MoodReport, ReportOptions, report_worth

COST_BP_MAX = 1_000


def report(
    file: Path,
    *,
    recording: Path,
    mode: Literal["veto", "confirm"] = "veto",
    cost_bp: float = 5.0,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Compare the same bars with and without the sentiment that was known at the time.

    Beside the difference stand its confidence interval, and what the same moods on other days
    would have done. Below 60 trading days or 30 affected entries there is no verdict, and the
    exit code is 1.

    Example: `palmbot sentiment report bars.csv
    --recording palmbot-data/demo/sentiment-recording.sqlite`

    Args:
        file: Bars of the time that was recorded, as `palmbot backtest` reads them.
        recording: What the bot recorded.
        mode: What a score may do to a signal.
        cost_bp: Cost of each side in basis points.
        as_json: Print one JSON document; returns and shares are fractions.
    """
    if not 0 <= cost_bp < COST_BP_MAX:
        raise InputInvalid(f"--cost-bp: from 0 to below {COST_BP_MAX}, was {cost_bp:g}")
    options = ReportOptions(
        file=file, recording=recording, mode=SentimentMode(mode), cost_bp=cost_bp
    )
    with _show_progress() as tell:
        found = report_worth(options, tell)
    if as_json:
        print_json(asdict(found))
    else:
        stdout.print(render_report(found))
    worth = found.worth
    if worth.verdict is None:
        if not as_json:
            report_error(f"no verdict: {worth.refusal}; record on")
        return EXIT_REFUSED
    if not as_json:
        stdout.print(f"verdict: {worth.verdict}", highlight=False)
    return EXIT_DONE


def render_report(found: MoodReport) -> Table:
    """Return the comparison as a table for people."""
    worth = found.worth
    table = Table(title=f"sentiment, mode {worth.mode}", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    interval = (
        "too few days"
        if worth.interval is None
        else f"{worth.interval[0]:+.2%} to {worth.interval[1]:+.2%}"
    )
    share = "-" if worth.placebo_share is None else f"{worth.placebo_share:.0%}"
    for name, value in (
        ("trading days", str(worth.days)),
        ("bars with a known mood", f"{worth.coverage:.1%} of {worth.bars}"),
        ("signals the bot met with one", f"{found.known_signals} of {found.signals}"),
        ("  veto would have blocked", str(found.vetoed)),
        ("  confirm would have passed", str(found.confirmed)),
        ("trades without, with", f"{worth.without.trades}, {worth.with_mood.trades}"),
        ("sum of returns without", f"{worth.without.net_return:+.2%}"),
        ("sum of returns with", f"{worth.with_mood.net_return:+.2%}"),
        ("profit factor without", _factor(worth.without.profit_factor)),
        ("profit factor with", _factor(worth.with_mood.profit_factor)),
        ("entries that differ", str(worth.affected)),
        ("difference", f"{worth.difference:+.2%}"),
        ("  95 % interval", interval),
        (f"  of {worth.placebos} placebos at least as good", share),
    ):
        table.add_row(name, value)
    return table


def _factor(factor: float | None) -> str:
    return "undefined (no loss)" if factor is None else f"{factor:.2f}"


@contextmanager
def _show_progress() -> Iterator[Callable[[int, int], None]]:
    with Progress(
        TextColumn("comparing"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    ) as bar:
        task = bar.add_task("comparing", total=None)
        yield lambda done, runs: bar.update(task, completed=done, total=runs)
