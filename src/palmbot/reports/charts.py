"""The plots of a demo run as a plotly figure: plain values, ready for JSON.

Colours are names of CSS variables, such as `var(--win)`; the page resolves them, so that one
figure serves light and dark. Hover texts are escaped, because plotly reads them as markup.
"""

import html
from collections.abc import Iterable, Sequence

from palmbot.domain.market import Side
from palmbot.domain.units import MONEY_SCALE, MS_PER_DAY, PRICE_SCALE
from palmbot.reports import wording
from palmbot.reports.demo_run import DemoRun, ReportedTrade
from palmbot.reports.plot_style import (
    GRID,
    Json,
    Trace,
    fold,
    make_base_layout,
    make_time_axis,
    make_title,
)
from palmbot.reports.time_axis import TimeAxis, find_pauses

PRICE_ROW, EQUITY_ROW, DRAWDOWN_ROW, EVENT_ROW = "y", "y2", "y3", "y4"
ROWS: dict[str, tuple[float, float]] = {
    PRICE_ROW: (0.47, 1.0),
    EQUITY_ROW: (0.26, 0.42),
    DRAWDOWN_ROW: (0.08, 0.205),
    EVENT_ROW: (0.0, 0.05),
}
"""Share of the height of each row, from the bottom."""


def make_demo_figure(run: DemoRun) -> dict[str, Json]:
    """Return `data` and `layout` of the figure: price, equity, drawdown and events."""
    axis = find_pauses(run.prices, run.bar_period_ms)
    return {"data": list(_list_traces(run, axis)), "layout": _make_layout(run, axis)}


def _list_traces(run: DemoRun, axis: TimeAxis) -> Iterable[Trace]:
    yield _price_trace(run)
    yield from _level_traces(run.trades, axis)
    yield from _path_traces(run.trades, axis)
    yield from _entry_traces(run, axis)
    yield from _exit_traces(run, axis)
    yield from _equity_traces(run)
    yield from _event_traces(run, axis)


def _price_trace(run: DemoRun) -> Trace:
    return {
        "name": "Bid",
        "mode": "lines",
        "x": [point.time for point in run.prices],
        "y": [point.price / PRICE_SCALE for point in run.prices],
        "line": {"color": "var(--price)", "width": 1.3},
        "hovertemplate": f"{_hover_time(run)}<br>%{{y:,.{run.digits}f}}<extra></extra>",
        "yaxis": PRICE_ROW,
    }


def _level_traces(trades: Sequence[ReportedTrade], axis: TimeAxis) -> Iterable[Trace]:
    """Stop and target of each trade, dotted, for as long as it was open."""
    for name, color, levels in (
        ("Stop", "var(--loss)", [each.stop_loss for each in trades]),
        ("Target", "var(--win)", [each.take_profit for each in trades]),
    ):
        x: list[int | None] = []
        y: list[float | None] = []
        for each, level in zip(trades, levels, strict=True):
            if level is not None:
                x += [axis.place(each.trade.entry_time), axis.place(each.trade.exit_time), None]
                y += [level / PRICE_SCALE, level / PRICE_SCALE, None]
        yield {
            "name": name,
            "mode": "lines",
            "x": x,
            "y": y,
            "line": {"color": color, "width": 1, "dash": "dot"},
            "opacity": 0.75,
            "hoverinfo": "skip",
            "yaxis": PRICE_ROW,
        }


def _path_traces(trades: Sequence[ReportedTrade], axis: TimeAxis) -> Iterable[Trace]:
    """A straight line from each entry to its exit."""
    for is_win, color in ((True, "var(--win)"), (False, "var(--loss)")):
        x: list[int | None] = []
        y: list[float | None] = []
        for each in trades:
            if (each.trade.profit > 0) is is_win:
                x += [axis.place(each.trade.entry_time), axis.place(each.trade.exit_time), None]
                y += [each.trade.entry_price / PRICE_SCALE, each.trade.exit_price / PRICE_SCALE]
                y.append(None)
        yield {
            "mode": "lines",
            "x": x,
            "y": y,
            "line": {"color": color, "width": 2},
            "opacity": 0.8,
            "hoverinfo": "skip",
            "showlegend": False,
            "yaxis": PRICE_ROW,
        }


def _entry_traces(run: DemoRun, axis: TimeAxis) -> Iterable[Trace]:
    for side, name, symbol, color in (
        (Side.BUY, "Buy", "triangle-up", "var(--buy)"),
        (Side.SELL, "Sell", "triangle-down", "var(--sell)"),
    ):
        chosen = [
            (number, each)
            for number, each in enumerate(run.trades, start=1)
            if each.trade.side is side
        ]
        x = [axis.place(each.trade.entry_time) for _, each in chosen]
        y = [each.trade.entry_price / PRICE_SCALE for _, each in chosen]
        text = [_describe_entry(number, each, run) for number, each in chosen]
        held = run.open_position
        if held is not None and held.side is side:
            x.append(axis.place(held.opened_at))
            y.append(held.entry_price / PRICE_SCALE)
            text.append(fold(("Still open at the end", held.entry_reason)))
        yield _markers(name, x, y, text, {"symbol": symbol, "color": color, "size": 11})


def _exit_traces(run: DemoRun, axis: TimeAxis) -> Iterable[Trace]:
    for is_win, name, color in (
        (True, "Exit with profit", "var(--win)"),
        (False, "Exit with loss", "var(--loss)"),
    ):
        chosen = [
            (number, each)
            for number, each in enumerate(run.trades, start=1)
            if (each.trade.profit > 0) is is_win
        ]
        yield _markers(
            name,
            [axis.place(each.trade.exit_time) for _, each in chosen],
            [each.trade.exit_price / PRICE_SCALE for _, each in chosen],
            [_describe_exit(number, each, run) for number, each in chosen],
            {"symbol": "circle", "color": color, "size": 8},
        )


def _markers(
    name: str, x: Sequence[int], y: Sequence[float], text: Sequence[str], marker: dict[str, Json]
) -> Trace:
    return {
        "name": name,
        "mode": "markers",
        "x": x,
        "y": y,
        "text": text,
        "marker": {**marker, "line": {"color": "var(--card)", "width": 1}},
        "hovertemplate": "%{text}<extra></extra>",
        "yaxis": PRICE_ROW,
    }


def _hover_time(run: DemoRun) -> str:
    return "%{x|%a %d %b %Y}" if run.bar_period_ms >= MS_PER_DAY else "%{x|%a %d %b %H:%M}"


def _equity_traces(run: DemoRun) -> Iterable[Trace]:
    times = [point.time for point in run.equity]
    worth = [round(point.equity / MONEY_SCALE, 2) for point in run.equity]
    yield {
        "name": "Equity",
        "mode": "lines",
        "x": times,
        "y": worth,
        "line": {"color": "var(--equity)", "width": 1.6},
        "hovertemplate": f"{_hover_time(run)}<br>%{{y:,.2f}} {html.escape(run.currency)}"
        "<extra></extra>",
        "showlegend": False,
        "yaxis": EQUITY_ROW,
    }
    peak = 0.0
    below: list[float] = []
    for value in worth:
        peak = max(peak, value)
        below.append(round(value / peak - 1, 6) if peak > 0 else 0.0)
    yield {
        "name": "Drawdown",
        "mode": "lines",
        "x": times,
        "y": below,
        "fill": "tozeroy",
        "fillcolor": "var(--loss-soft)",
        "line": {"color": "var(--loss)", "width": 1},
        "hovertemplate": f"{_hover_time(run)}<br>%{{y:.2%}} from the peak<extra></extra>",
        "showlegend": False,
        "yaxis": DRAWDOWN_ROW,
    }


def _event_traces(run: DemoRun, axis: TimeAxis) -> Iterable[Trace]:
    links = [
        fold(("Link lost", each.reason, _describe_end(each.lost_at, each.regained_at, "regained")))
        for each in run.links
    ]
    breakers = [
        fold((each.name, each.reason, _describe_end(each.tripped_at, each.cleared_at, "cleared")))
        for each in run.breakers
    ]
    for name, x, text, symbol, color in (
        (
            "Link lost",
            [axis.place(each.lost_at) for each in run.links],
            links,
            "diamond",
            "var(--link)",
        ),
        (
            "Breaker",
            [axis.place(each.tripped_at) for each in run.breakers],
            breakers,
            "square",
            "var(--breaker)",
        ),
    ):
        if x:
            marker = {"symbol": symbol, "color": color, "size": 8}
            yield {**_markers(name, x, [0.0] * len(x), text, marker), "yaxis": EVENT_ROW}


def _describe_end(start: int, end: int | None, word: str) -> str:
    return f"not {word}" if end is None else f"{word} after {wording.render_span(end - start)}"


def _describe_entry(number: int, each: ReportedTrade, run: DemoRun) -> str:
    trade = each.trade
    price = wording.render_price(trade.entry_price, run.digits)
    side = wording.render_side(trade.side)
    lines = [
        f"#{number} {side} {wording.render_volume(trade.volume)} at {price}",
        trade.entry_reason,
    ]
    if each.stop_loss is not None:
        lines.append(f"stop {wording.render_price(each.stop_loss, run.digits)}")
    if each.take_profit is not None:
        lines.append(f"target {wording.render_price(each.take_profit, run.digits)}")
    return fold(lines)


def _describe_exit(number: int, each: ReportedTrade, run: DemoRun) -> str:
    trade = each.trade
    price = wording.render_price(trade.exit_price, run.digits)
    profit = wording.render_money(trade.profit, run.currency, is_signed=True)
    held = wording.render_span(trade.exit_time - trade.entry_time)
    return fold((f"#{number} {profit}", f"{trade.exit_reason} at {price}", f"held {held}"))


def _make_layout(run: DemoRun, axis: TimeAxis) -> dict[str, Json]:
    grid = GRID
    return {
        **make_base_layout(),
        "margin": {"l": 8, "r": 60, "t": 66, "b": 34},
        "hoverdistance": 24,
        "legend": {"orientation": "h", "x": 0, "y": 1.045, "yanchor": "bottom"},
        "dragmode": "zoom",
        "xaxis": make_time_axis(
            (run.prices[0].time, run.prices[-1].time) if run.prices else None, axis, EVENT_ROW
        ),
        "yaxis": {**grid, "domain": ROWS[PRICE_ROW], "side": "right", "tickformat": ",~f"},
        "yaxis2": {**grid, "domain": ROWS[EQUITY_ROW], "side": "right", "nticks": 4}
        | {"tickformat": ",~f"},
        "yaxis3": {**grid, "domain": ROWS[DRAWDOWN_ROW], "side": "right", "nticks": 3}
        | {"tickformat": ".1%", "rangemode": "tozero"},
        "yaxis4": {"domain": ROWS[EVENT_ROW], "visible": False, "fixedrange": True}
        | {"range": [-1, 1]},
        "annotations": [
            make_title(f"{run.symbol}, bid", ROWS[PRICE_ROW][1]),
            make_title(f"Equity, {run.currency}", ROWS[EQUITY_ROW][1]),
            make_title("Drawdown", ROWS[DRAWDOWN_ROW][1]),
        ],
        "shapes": list(_bands(run, axis)),
    }


def _bands(run: DemoRun, axis: TimeAxis) -> Iterable[dict[str, Json]]:
    """Shade the time without link, and the time behind a tripped breaker, across all rows."""
    end = run.prices[-1].time if run.prices else 0
    spans = [(each.lost_at, each.regained_at, "var(--link)") for each in run.links]
    spans += [(each.tripped_at, each.cleared_at, "var(--breaker)") for each in run.breakers]
    for start, stop, color in spans:
        yield {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": axis.place(start),
            "x1": end if stop is None else axis.place(stop),
            "y0": 0,
            "y1": 1,
            "fillcolor": color,
            "opacity": 0.14,
            "line": {"width": 1, "color": color},
            "layer": "below",
        }
