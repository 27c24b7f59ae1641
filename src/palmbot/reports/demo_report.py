"""The report of a demo run: one HTML page that stands alone."""

from palmbot.reports import tables, wording
from palmbot.reports.charts import make_demo_figure
from palmbot.reports.demo_run import DemoRun
from palmbot.reports.page import render_page
from palmbot.reports.tables import escape
from palmbot.reports.verdict import is_sound, render_caution, render_result, render_trust


def render_demo_report(run: DemoRun) -> str:
    """Return a self-contained HTML page of about 2 MB, nearly all of it plotly.

    The page asks nothing of any server, and its own policy forbids it to. The same run gives
    the same text.
    """
    body = "\n".join(
        (
            _render_header(run),
            _section("chart", "Price, equity and what happened", _render_chart(run)),
            _section("trades", "Every trade", tables.render_trades(run)),
            _section("links", "Link losses", tables.render_links(run)),
            _section("breakers", "Circuit breakers", tables.render_breakers(run))
            if run.breakers
            else "",
            _section("refusals", "Signals refused", tables.render_refusals(run)),
            _section("sentiment", "Sentiment", tables.render_mood(run.mood)) if run.mood else "",
            _section("settings", "Settings", tables.render_settings(run)),
            _section("assumptions", "Assumptions", tables.render_list(run.assumptions)),
            _render_footer(run),
        )
    )
    return render_page(title=f"{run.symbol}: demo run", body=body, figure=make_demo_figure(run))


def _render_header(run: DemoRun) -> str:
    trust = "trust kept" if is_sound(run) else "trust broken"
    source = "synthetic prices" if run.data_name is None else "replayed prices"
    return (
        f'<header><p class="badges"><span>palm-oil-bot demo</span><span class="source">{source}'
        f"</span><span>seed {run.seed}</span><span>faults: {escape(run.faults)}</span>"
        f"{_render_span(run)}</p>"
        f"<h1>{escape(render_result(run))}</h1>"
        f'<p class="{trust}">{escape(render_trust(run))}</p>'
        f'<p class="caution">{escape(render_caution(run))}</p>'
        f"{tables.render_figures(run)}{tables.render_checks(run)}</header>"
    )


def _render_chart(run: DemoRun) -> str:
    if not run.prices:
        return "<p>The run ended before the first price.</p>"
    return (
        '<div id="plot" role="img" aria-label="Chart of price, equity and drawdown; '
        'the tables below hold the same trades and events"></div>'
        '<p class="hint">Times are UTC, closed hours are left out, shaded is time without a link. '
        '<span class="mouse">Drag to zoom, double-click to see all. </span>'
        "A number in the table of trades shows that trade.</p>"
    )


def _section(name: str, title: str, inside: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2>{inside}</section>'


def _render_footer(run: DemoRun) -> str:
    return (
        f"<footer>Run in {run.figures.seconds:,.1f} s. The same seed and settings give the same "
        "run.</footer>"
    )


def _render_span(run: DemoRun) -> str:
    if not run.prices:
        return ""
    start = wording.render_time(run.prices[0].time, is_daily=True)
    end = wording.render_time(run.prices[-1].time, is_daily=True)
    return f"<span>{start} to {end}</span>"
