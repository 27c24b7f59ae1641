"""`palmbot history`: the broker's bars in a Parquet file, for backtests and optimization."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.broker import find_broker
from palmbot.cli.log import quiet_log
from palmbot.cli.output import EXIT_DONE, print_json, stderr, stdout
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, TimestampMs
from palmbot.pricefiles.part_file import render_day
from palmbot.workbench.price_history import (
    HistoryOptions,
    HistoryProgress,
    HistoryResult,
    download_history,
)

PERIODS = {
    "M1": 1, "M2": 2, "M3": 3, "M4": 4, "M5": 5, "M10": 10, "M15": 15, "M30": 30,
    "H1": 60, "H4": 240, "H12": 720, "D1": 1_440,
}  # fmt: skip
"""Minutes by the broker's name of the period."""

GAPS_SHOWN = 5
LATE_DAYS = 10
"""A first bar that comes later than this, longer than any holiday, is worth a word."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def history(  # noqa: PLR0913  (options of one command)
    symbol: str,
    *,
    period: Literal[
        "M1", "M2", "M3", "M4", "M5", "M10", "M15", "M30", "H1", "H4", "H12", "D1"
    ] = "M5",
    since: Annotated[str, Parameter(name="--from")],
    until: Annotated[str | None, Parameter(name="--to")] = None,
    output: Path,
    simulator: Path | None = None,
    settings: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Fetch bars of the broker into a Parquet file for `palmbot backtest` and `optimize`.

    Prices are bids. What is fetched gathers in OUTPUT.part: broken off, by a lost link, Ctrl-C
    or a power cut, the same command goes on from there. At most four requests a second leave,
    one fewer than the broker allows, so a year of M1 takes about a minute.

    Example: `palmbot history PALMOIL --period M5 --from 2025-01-01 --output palmoil-m5.parquet`

    Args:
        symbol: Exact name at the broker, see `palmbot symbols`.
        period: Length of a bar.
        since: First day, or moment such as 2025-01-01T08:00, in UTC.
        until: First day or moment that is not wanted any more; by default everything there is.
        output: The file, which must not be there yet.
        simulator: Directory of a running `palmbot simulate`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    first, after_last = _parse("--from", since), None if until is None else _parse("--to", until)
    if after_last is not None and after_last <= first:
        raise InputInvalid(f"--to {until} is not after --from {since}: exchange the two")
    options = HistoryOptions(
        symbol=symbol,
        period_ms=PERIODS[period] * MS_PER_MINUTE,
        since=first,
        until=None if after_last is None else TimestampMs(after_last - 1),
        output=output,
    )
    access = find_broker(simulator, settings)
    with quiet_log(), _show_progress() as tell:
        result = asyncio.run(download_history(access, options, SystemClock(), tell))
    if as_json:
        print_json(render_document(result, period, output))
    else:
        stdout.print(render_summary(result, period, output), soft_wrap=True, highlight=False)
    return EXIT_DONE


def render_document(result: HistoryResult, period: str, output: Path) -> dict[str, Any]:
    """Return the JSON of a download; times in ms since 1970 UTC."""
    request, gaps = result.request, result.gaps
    return {
        "file": str(output),
        "symbol": request.symbol,
        "period": period,
        "from": request.since,
        "first": result.first,
        "to": request.until,
        "bars": result.bars,
        "requests": result.requests,
        "pages_resumed": result.pages_resumed,
        "reconnects": result.reconnects,
        "expected_bars": gaps.expected,
        "missing_bars": gaps.missing,
        "gaps": gaps.gaps,
    }


def render_summary(result: HistoryResult, period: str, output: Path) -> str:
    """Return what a person reads at the end."""
    request, gaps = result.request, result.gaps
    stretch = f"{render_day(result.first)} to {render_day(request.until)} UTC"
    earlier = f", {result.pages_resumed} pages of an earlier run" if result.pages_resumed else ""
    lines = [
        f"{output}: {result.bars} bars {period} of {request.symbol}, {stretch}",
        f"{result.requests} requests, {result.reconnects} reconnects{earlier}",
    ]
    if result.first - request.since > MS_PER_DAY * LATE_DAYS:
        lines.append(f"The broker's history begins after {render_day(request.since)}.")
    if gaps.expected == 0:
        lines.append("The broker names no trading hours, so missing bars cannot be told.")
    elif gaps.missing == 0:
        lines.append(f"No gaps: a bar for each of the {gaps.expected} open periods.")
    else:
        lines.append(
            f"{gaps.missing} of {gaps.expected} open periods have no bar, in {len(gaps.gaps)} gaps;"
            " a broker makes none where no price came. Longest:"
        )
        lines += [
            f"  {render_day(gap.first)} to {render_day(gap.last)}: {gap.bars} bars"
            for gap in gaps.gaps[:GAPS_SHOWN]
        ]
    return "\n".join(lines)


def _parse(option: str, text: str) -> TimestampMs:
    """Return a day or a moment in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise InputInvalid(
            f"{option} {text}: write a day such as 2025-01-31, or a moment such as "
            "2025-01-31T08:00, in UTC"
        ) from e
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment < EARLIEST:
        raise InputInvalid(f"{option} {text}: no broker has prices from before {date(2000, 1, 1)}")
    return TimestampMs(round(moment.timestamp() * MS_PER_SECOND))


@contextmanager
def _show_progress() -> Iterator[Callable[[HistoryProgress], None]]:
    """Show a bar with the time left on stderr; elsewhere than on a terminal a line per tenth."""
    if not stderr.is_terminal:
        yield _tell_in_lines()
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    )
    with bar:
        task = bar.add_task("connecting", total=1.0)

        def tell(progress: HistoryProgress) -> None:
            bar.update(
                task,
                completed=progress.fraction,
                description=progress.note or f"{progress.bars} bars",
            )

        yield tell


def _tell_in_lines() -> Callable[[HistoryProgress], None]:
    tenths = -1

    def tell(progress: HistoryProgress) -> None:
        nonlocal tenths
        if progress.note or int(progress.fraction * 10) > tenths:
            tenths = int(progress.fraction * 10)
            stderr.print(
                f"{progress.fraction:4.0%}  {progress.bars} bars  {progress.note}".rstrip(),
                soft_wrap=True,
                highlight=False,
                markup=False,
            )

    return tell
