"""The report of an exact backtest: one HTML page that stands alone."""

from collections.abc import Iterable

from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.reports import wording
from palmbot.reports.backtest_charts import (
    list_marks,
    make_backtest_figure,
    make_returns_figure,
)
from palmbot.reports.backtest_run import (
    BacktestFigures,
    BacktestPicture,
    BacktestTrade,
    Outcome,
    Part,
)
from palmbot.reports.backtest_words import render_factor, render_judgement, render_result
from palmbot.reports.page import render_page
from palmbot.reports.tables import NONE, Column, escape, render_list, render_table

ROWS_MAX = 500
"""Trades listed on the page; the CSV has all."""


def render_backtest_report(picture: BacktestPicture) -> str:
    """Return a self-contained HTML page that asks nothing of any server.

    The same run gives the same page.
    """
    figures = picture.figures
    chart = (
        '<div id="plot" role="img" aria-label="Price with every trade, equity and drawdown; the '
        'table below holds the same trades"></div>'
        '<p class="hint">Times are UTC; the dashed line is where the last 30 % of the bars begin. '
        '<span class="mouse">Drag to zoom, double-click to see all. </span>'
        "A number in the table of trades shows that trade.</p>"
    )
    body = "\n".join(
        (
            _render_header(picture),
            render_section("chart", "Price, trades and equity", chart),
            render_section("bounds", "How much of it is sure", _render_views(figures)),
            render_section("costs", "Where the money goes", _render_costs(figures)),
            render_section(
                "returns",
                "How the trades spread",
                '<div id="spread" class="small-plot" role="img" aria-label="Histogram of trade '
                'returns"></div>',
            )
            if picture.trades
            else "",
            render_section("account", "On an account", _render_account(figures)),
            render_section("trades", "Every trade", _render_trades(picture)),
            render_section("stops", "Signals not followed", _render_stops(figures)),
            render_section("settings", "Settings and source", _render_settings(figures)),
            render_section("assumptions", "Assumptions", render_list(picture.assumptions)),
        )
    )
    return render_page(
        title=f"{figures.source.file}: backtest",
        body=body,
        figure=make_backtest_figure(picture),
        more={"spread": make_returns_figure(picture)} if picture.trades else None,
    )


def render_section(name: str, title: str, inside: str) -> str:
    """Return one card of a page; `inside` is HTML."""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{inside}</section>'


def render_tiles(tiles: Iterable[tuple[str, str]]) -> str:
    """Return key figures, name and value as text, as a list of large numbers."""
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles
    )
    return f'<dl class="figures">{inside}</dl>'


def _render_header(picture: BacktestPicture) -> str:
    figures = picture.figures
    source = figures.source
    judgement, is_good = render_judgement(figures)
    warnings = "".join(f'<p class="caution">{escape(text)}</p>' for text in figures.warnings)
    is_daily = source.period_ms >= MS_PER_DAY
    span = (
        f"{_time(source.start_ms, is_daily=is_daily)} to {_time(source.end_ms, is_daily=is_daily)}"
    )
    setting = figures.setting
    return (
        '<header><p class="badges"><span>palm-oil-bot backtest</span>'
        f'<span class="source">{escape(source.file)}</span><span>{escape(span)}</span>'
        f"<span>RSI {setting.rsi_buy:g} / {setting.rsi_sell:g}</span>"
        f"<span>target {setting.tp:g} %, stop {setting.sl:g} %</span>"
        f"<span>breakers {'on' if setting.breakers else 'off'}</span>"
        f"<span>sentiment {escape(setting.sentiment)}</span></p>"
        f"<h1>{escape(render_result(figures))}</h1>"
        f'<p class="trust {"kept" if is_good else "broken"}">{escape(judgement)}</p>'
        f"{warnings}{_render_tiles(figures)}{_render_parts(figures)}</header>"
    )


def _render_tiles(figures: BacktestFigures) -> str:
    win_rate = NONE if figures.win_rate is None else wording.render_percent(figures.win_rate)
    sharpe = NONE if figures.sharpe is None else f"{figures.sharpe:.2f}"
    return render_tiles(
        (
            ("Profit factor", render_factor(figures.profit_factor)),
            ("Trades", f"{figures.trades:,}"),
            ("Win rate", win_rate),
            ("Net return", wording.render_percent(figures.net_return, is_signed=True)),
            ("Max drawdown", wording.render_percent(figures.max_drawdown)),
            ("Sharpe, daily", sharpe),
        )
    )


def _render_parts(figures: BacktestFigures) -> str:
    columns = (
        Column(title="Bars"),
        Column(title="Profit factor", is_number=True),
        Column(title="Trades", is_number=True),
        Column(title="Win rate", is_number=True),
        Column(title="Net return", is_number=True),
    )
    return render_table(columns, [_part_row(part) for part in figures.parts], "")


def _part_row(part: Part) -> tuple[str, ...]:
    span = f"{_time(part.start_ms, is_daily=True)} to {_time(part.end_ms, is_daily=True)}"
    win_rate = NONE if part.win_rate is None else wording.render_percent(part.win_rate)
    return (
        escape(f"{part.name}, {span}"),
        escape(render_factor(part.profit_factor)),
        f"{part.trades:,}",
        escape(win_rate),
        escape(wording.render_percent(part.net_return, is_signed=True)),
    )


def _render_views(figures: BacktestFigures) -> str:
    columns = (
        Column(title="The same trades", is_wide=True),
        Column(title="Profit factor", is_number=True),
        Column(title="Net return", is_number=True),
    )
    ambiguous = wording.count(figures.ambiguous_bars, "bar")
    touched = f"{ambiguous} touched both levels"
    rows = [
        _view_row("After costs, stop first (the result)", figures.bounds.pessimistic),
        _view_row(f"After costs, target first: {touched}", figures.bounds.optimistic),
        _view_row("Without costs", figures.without_costs),
    ]
    if figures.rolls.suspected:
        crossing = wording.count(figures.rolls.trades, "trade")
        rows.append(
            _view_row(
                f"Without the {crossing} open over a suspected contract roll",
                figures.rolls.without,
            )
        )
    return render_table(columns, rows, "")


def _view_row(name: str, outcome: Outcome) -> tuple[str, ...]:
    return (
        escape(name),
        escape(render_factor(outcome.profit_factor)),
        escape(wording.render_percent(outcome.net_return, is_signed=True)),
    )


def _render_costs(figures: BacktestFigures) -> str:
    costs = figures.costs
    even = costs.break_even_bp
    words = (
        f"Nothing is left at {even:.1f} basis points a side; "
        f"{costs.cost_bp + costs.commission_bp:g} were charged."
        if even is not None and even > 0
        else "The trades lose even without costs."
        if even is not None
        else "No trade, no cost."
    )
    columns = (
        Column(title="Part", is_wide=True),
        Column(title="Sum over all trades, of the stake", is_number=True),
    )
    gross = sum(part for part in (figures.expectancy or 0.0,)) * figures.trades + costs.charged
    rows = [
        ("Fills alone", wording.render_percent(gross, is_signed=True)),
        ("of which lost to the spread", wording.render_percent(-costs.spread, is_signed=True)),
        (
            f"of which lost by gaps beyond the stop ({figures.gap_exits} gap exits)",
            wording.render_percent(-costs.gap_loss, is_signed=True),
        ),
        (
            "of which won by gaps beyond the target",
            wording.render_percent(costs.gap_gain, is_signed=True),
        ),
        ("Cost, commission and swap", wording.render_percent(-costs.charged, is_signed=True)),
    ]
    table = render_table(columns, [(escape(a), escape(b)) for a, b in rows], "")
    return f"<p>{escape(words)}</p>{table}"


def _render_account(figures: BacktestFigures) -> str:
    account = figures.account
    tiles = render_tiles(
        (
            ("Start", f"{account.start:,.0f}"),
            ("End", f"{account.end:,.0f}"),
            ("Net return", wording.render_percent(account.net_return, is_signed=True)),
            ("Max drawdown", wording.render_percent(account.max_drawdown)),
            ("Profit factor, money", render_factor(account.profit_factor)),
            ("Costs paid", f"{-(account.commission + account.swap):,.0f}"),
        )
    )
    return (
        f"<p>Each trade risks {account.risk_percent:g} % of equity at its stop, in whole volume "
        "steps, so trades weigh differently than above.</p>" + tiles
    )


def _render_trades(picture: BacktestPicture) -> str:
    columns = (
        Column(title="Trade"),
        Column(title="Entry"),
        Column(title="Price in", is_number=True),
        Column(title="Stop", is_number=True),
        Column(title="Target", is_number=True),
        Column(title="Price out", is_number=True),
        Column(title="Exit bar"),
        Column(title="Bars", is_number=True),
        Column(title="Net", is_number=True),
        Column(title="Account", is_number=True),
        Column(title="Reasons", is_wide=True),
    )
    rows = [_trade_row(each, picture) for each in picture.trades[:ROWS_MAX]]
    more = len(picture.trades) - ROWS_MAX
    note = (
        f'<p class="hint">And {more:,} more: `--trades FILE` writes all of them.</p>'
        if more > 0
        else ""
    )
    return render_table(columns, rows, "The strategy did not trade.") + note


def _trade_row(trade: BacktestTrade, picture: BacktestPicture) -> tuple[str, ...]:
    digits = picture.digits
    period = picture.figures.source.period_ms
    is_daily = period >= MS_PER_DAY
    marks = list_marks(trade)
    reason = f"{trade.reason} ({', '.join(marks)})" if marks else trade.reason
    tone = "win" if trade.net_return > 0 else "loss"
    return (
        (
            f'<button type="button" data-from="{trade.entry_ms}" '
            f'data-to="{trade.exit_ms + period}" title="Show in the chart">{trade.number}</button> '
            f'<span class="{trade.side}">{trade.side}</span>'
        ),
        escape(_time(trade.entry_ms, is_daily=is_daily)),
        f"{trade.entry_price:,.{digits}f}",
        f"{trade.stop:,.{digits}f}",
        f"{trade.target:,.{digits}f}",
        f"{trade.exit_price:,.{digits}f}",
        escape(_time(trade.exit_ms, is_daily=is_daily)),
        f"{trade.bars_held:,}",
        (
            f'<span class="{tone}">'
            f"{escape(wording.render_percent(trade.net_return, is_signed=True))}</span>"
        ),
        f"{trade.profit:+,.2f}",
        escape(f"{trade.why}; {reason}" if trade.why else reason),
    )


def _render_stops(figures: BacktestFigures) -> str:
    columns = (Column(title="Refused for"), Column(title="Signals", is_number=True))
    refusals = render_table(
        columns,
        [(f"<code>{escape(each.code)}</code>", f"{each.count:,}") for each in figures.refusals],
        f"All {figures.signals:,} signals while flat were followed."
        if figures.signals
        else "There was no signal.",
    )
    if not figures.breakers:
        return refusals
    breaker_columns = (
        Column(title="Breaker"),
        Column(title="Trips", is_number=True),
        Column(title="Latched", is_number=True),
    )
    rows = [
        (escape(each.name), f"{each.trips:,}", f"{each.latched:,}") for each in figures.breakers
    ]
    return refusals + render_table(breaker_columns, rows, "")


def _render_settings(figures: BacktestFigures) -> str:
    setting, source, costs = figures.setting, figures.source, figures.costs
    values = (
        ("RSI", (f"{setting.period_rsi} bars, buy below {setting.rsi_buy:g}, sell above "
         f"{setting.rsi_sell:g}")),
        ("Target and stop", f"{setting.tp:g} % and {setting.sl:g} %"),
        ("Cost a side", f"{costs.cost_bp + costs.commission_bp:g} bp"),
        ("Swap a night", f"{costs.swap_bp_per_night:+g} bp"),
        ("Exposure", f"{figures.exposure:.1%} of the bars"),
        ("Longs and shorts", f"{figures.longs:,} and {figures.shorts:,}"),
        ("Times", source.zone),
        ("SHA-256 of the file", source.sha256),
        ("SHA-256 of the code", source.code_sha256),
    )  # fmt: skip
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values
    )
    return f'<dl class="settings">{inside}</dl>'


def _time(time_ms: int, *, is_daily: bool) -> str:
    return wording.render_time(TimestampMs(time_ms), is_daily=is_daily)
