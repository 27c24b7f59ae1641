"""What is said of a file of bars, and the page that shows it."""

from dataclasses import dataclass

from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.reports import wording
from palmbot.reports.backtest_report import render_section, render_tiles
from palmbot.reports.backtest_run import Curve, RollAdjustment
from palmbot.reports.page import render_page
from palmbot.reports.plot_style import GRID, Json, make_base_layout, make_time_axis, make_title
from palmbot.reports.tables import NONE, Column, escape, render_list, render_table
from palmbot.reports.time_axis import TimeAxis

TONES = {"ok": "win", "warn": "sell", "refuse": "loss"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedItem:
    """One line of the report."""

    name: str
    grade: str
    """ok, warn or refuse."""
    text: str
    count: int | None
    share: float | None
    """Fraction."""
    example_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """The whole report: the JSON of `palmbot data check`."""

    file: str
    grade: str
    """The worst of all items."""
    rows: int
    bars: int
    start_ms: int
    end_ms: int
    """Opening of the last bar."""
    period_ms: int
    zone: str
    digits: int
    has_quotes: bool
    sha256: str
    items: tuple[CheckedItem, ...]
    notes: tuple[str, ...]
    rolls: str = "flag"
    """What was done about contract rolls: flag or adjust."""
    adjusted: tuple[RollAdjustment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPicture:
    """Everything the page shows."""

    check: DataCheck
    price: Curve
    marks: Curve
    """Suspected rolls: times and opens."""
    hours: tuple[float, ...]
    """Median range of a bar by UTC hour, per cent; empty for daily bars."""
    spreads: tuple[float, ...]
    """Median spread by UTC hour, price units; empty where there is none."""


def render_data_report(picture: DataPicture) -> str:
    """Return a self-contained HTML page that asks nothing of any server."""
    check = picture.check
    sections = [
        _render_header(check),
        render_section("chart", "The bars", '<div id="prices" class="middle-plot"></div>'),
    ]
    more = {"prices": _make_prices(picture)}
    if picture.hours:
        sections.append(
            render_section("day", "A day, UTC", '<div id="hours" class="small-plot"></div>')
        )
        more["hours"] = _make_hours(picture)
    sections += [
        render_section("items", "What was looked at", _render_items(check)),
        render_section("notes", "Assumptions", render_list((check.zone, *check.notes))),
    ]
    return render_page(title=f"{check.file}: data check", body="\n".join(sections), more=more)


def render_grade(check: DataCheck) -> str:
    """Say in one sentence what the file is good for."""
    if check.grade == "refuse":
        first = next(item for item in check.items if item.grade == "refuse")
        return f"Not fit for a backtest: {first.text}."
    warned = [item.name for item in check.items if item.grade == "warn"]
    if warned:
        return f"Fit for a backtest, with {len(warned)} things to know: {', '.join(warned)}."
    return "Fit for a backtest, nothing peculiar found."


def _render_header(check: DataCheck) -> str:
    tone = "broken" if check.grade == "refuse" else "kept"
    is_daily = check.period_ms >= MS_PER_DAY
    return (
        '<header><p class="badges"><span>palm-oil-bot data check</span>'
        f'<span class="source">{escape(check.file)}</span></p>'
        f'<h1 class="trust {tone}">{escape(render_grade(check))}</h1>'
        + render_tiles(
            (
                ("Bars", f"{check.bars:,}"),
                ("Rows", f"{check.rows:,}"),
                ("First", wording.render_time(TimestampMs(check.start_ms), is_daily=True)),
                ("Last", wording.render_time(TimestampMs(check.end_ms), is_daily=True)),
                ("Period", "1 day" if is_daily else wording.render_span(check.period_ms)),
                ("Prices", "bid and ask" if check.has_quotes else "one series"),
            )
        )
        + f'<p class="hint">SHA-256 <code>{escape(check.sha256)}</code></p></header>'
    )


def _render_items(check: DataCheck) -> str:
    columns = (
        Column(title="Grade"),
        Column(title="Item"),
        Column(title="Count", is_number=True),
        Column(title="First case"),
        Column(title="Finding", is_wide=True),
    )
    is_daily = check.period_ms >= MS_PER_DAY
    rows = [
        (
            f'<span class="{TONES[item.grade]}">{escape(item.grade)}</span>',
            escape(item.name),
            NONE if item.count is None else f"{item.count:,}",
            NONE
            if item.example_ms is None
            else escape(wording.render_time(TimestampMs(item.example_ms), is_daily=is_daily)),
            escape(item.text),
        )
        for item in check.items
    ]
    return render_table(columns, rows, "Nothing.")


def _make_prices(picture: DataPicture) -> dict[str, Json]:
    times = picture.price.time_ms
    traces = [
        {
            "name": "Close",
            "mode": "lines",
            "x": list(times),
            "y": list(picture.price.value),
            "line": {"color": "var(--price)", "width": 1.3},
            "hovertemplate": "%{x|%a %d %b %Y %H:%M}<br>%{y:,}<extra></extra>",
        }
    ]
    if picture.marks.time_ms:
        traces.append(
            {
                "name": "Suspected roll, or news",
                "mode": "markers",
                "x": list(picture.marks.time_ms),
                "y": list(picture.marks.value),
                "marker": {"symbol": "diamond", "size": 9, "color": "var(--breaker)"},
                "hovertemplate": "%{x|%a %d %b %Y %H:%M}<br>open %{y:,}<extra></extra>",
            }
        )
    layout = {
        **make_base_layout(),
        "showlegend": len(traces) > 1,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": make_time_axis((times[0], times[-1]), TimeAxis(pauses=()), "y"),
        "yaxis": {**GRID, "side": "right", "tickformat": ",~f"},
    }
    return {"data": traces, "layout": layout}


def _make_hours(picture: DataPicture) -> dict[str, Json]:
    hours = list(range(len(picture.hours)))
    traces: list[dict[str, Json]] = [
        {
            "type": "bar",
            "x": hours,
            "y": list(picture.hours),
            "marker": {"color": "var(--equity)"},
            "hovertemplate": "%{x}:00<br>range %{y:.3f} %<extra></extra>",
        }
    ]
    titles = [make_title("Median range of a bar, per cent", 1.0)]
    layout: dict[str, Json] = {
        **make_base_layout(),
        "showlegend": False,
        "xaxis": {**GRID, "dtick": 2, "domain": [0, 0.47] if picture.spreads else [0, 1]},
        "yaxis": {**GRID},
    }
    if picture.spreads:
        traces.append(
            {
                "type": "bar",
                "x": hours,
                "y": list(picture.spreads),
                "xaxis": "x2",
                "yaxis": "y2",
                "marker": {"color": "var(--sell)"},
                "hovertemplate": "%{x}:00<br>spread %{y:g}<extra></extra>",
            }
        )
        layout["xaxis2"] = {**GRID, "dtick": 2, "domain": [0.53, 1], "anchor": "y2"}
        layout["yaxis2"] = {**GRID, "anchor": "x2"}
        titles.append(make_title("Median spread, price units", 1.0, x=0.53))
    return {"data": traces, "layout": {**layout, "annotations": titles}}
