"""The plots of a backtest: price with every trade, equity, drawdown; and how returns spread."""

import html
from collections.abc import Iterable, Sequence

from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.reports import wording
from palmbot.reports.backtest_run import BacktestPicture, BacktestTrade, Curve
from palmbot.reports.plot_style import (
    GRID,
    Json,
    Trace,
    fold,
    make_base_layout,
    make_time_axis,
    make_title,
)
from palmbot.reports.time_axis import TimeAxis

PRICE_ROW, EQUITY_ROW, DRAWDOWN_ROW = "y", "y2", "y3"
ROWS: dict[str, tuple[float, float]] = {
    PRICE_ROW: (0.5, 1.0),
    EQUITY_ROW: (0.21, 0.435),
    DRAWDOWN_ROW: (0.0, 0.15),
}
LEVELS_MAX = 150
"""Trades up to which stop and target are drawn; more are a smear."""
BINS = 40


def make_backtest_figure(picture: BacktestPicture) -> dict[str, Json]:
    """Return `data` and `layout`: price, equity and drawdown over time."""
    axis = TimeAxis(pauses=picture.pauses)
    return {"data": list(_list_traces(picture, axis)), "layout": _make_layout(picture, axis)}


def make_returns_figure(picture: BacktestPicture) -> dict[str, Json]:
    """Return `data` and `layout`: a histogram of trade returns, winners and losers."""
    wins = [each.net_return for each in picture.trades if each.net_return > 0]
    losses = [each.net_return for each in picture.trades if each.net_return <= 0]
    every = [*wins, *losses]
    width = (max(every) - min(every)) / BINS if len(set(every)) > 1 else 0.001
    traces: list[Trace] = [
        {
            "type": "histogram",
            "name": name,
            "x": values,
            "xbins": {"start": min(every) if every else 0, "size": width},
            "autobinx": False,
            "marker": {"color": color},
            "hovertemplate": "%{x}: %{y} trades<extra></extra>",
        }
        for name, values, color in (
            ("Profit", wins, "var(--win)"),
            ("Loss", losses, "var(--loss)"),
        )
    ]
    layout = {
        **make_base_layout(),
        "barmode": "overlay",
        "bargap": 0.05,
        "showlegend": False,
        "xaxis": {**GRID, "tickformat": "+.1%", "title": {"text": "net return of a trade"}},
        "yaxis": {**GRID, "title": {"text": "trades"}},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 44},
    }
    return {"data": traces, "layout": layout}


def _list_traces(picture: BacktestPicture, axis: TimeAxis) -> Iterable[Trace]:
    hover = _hover_time(picture)
    yield _line(
        "Price", picture.price, PRICE_ROW, "var(--price)", f"{hover}<br>%{{y:,.{picture.digits}f}}"
    ) | {"showlegend": False}
    if len(picture.trades) <= LEVELS_MAX:
        yield from _level_traces(picture.trades, axis)
    yield from _path_traces(picture.trades, axis)
    yield from _entry_traces(picture, axis)
    yield from _exit_traces(picture, axis)
    equity = f"{hover}<br>%{{y:.4f}}"
    yield _line(
        "Without costs", picture.equity_without_costs, EQUITY_ROW, "var(--muted)", equity
    ) | {"line": {"color": "var(--muted)", "width": 1.2, "dash": "dot", "shape": "hv"}}
    yield _line("After costs", picture.equity, EQUITY_ROW, "var(--equity)", equity)
    yield _line(
        "Drawdown",
        picture.drawdown,
        DRAWDOWN_ROW,
        "var(--loss)",
        f"{hover}<br>%{{y:.2%}} from the peak",
    ) | {"fill": "tozeroy", "fillcolor": "var(--loss-soft)", "showlegend": False}


def _line(name: str, curve: Curve, row: str, color: str, hover: str) -> Trace:
    return {
        "name": name,
        "mode": "lines",
        "x": list(curve.time_ms),
        "y": list(curve.value),
        "line": {"color": color, "width": 1.4},
        "hovertemplate": f"{hover}<extra></extra>",
        "yaxis": row,
    }


def _level_traces(trades: Sequence[BacktestTrade], axis: TimeAxis) -> Iterable[Trace]:
    for name, color in (("Stop", "var(--loss)"), ("Target", "var(--win)")):
        x: list[int | None] = []
        y: list[float | None] = []
        for each in trades:
            level = each.stop if name == "Stop" else each.target
            x += [_place(axis, each.entry_ms), _place(axis, each.exit_ms), None]
            y += [level, level, None]
        yield {
            "name": name,
            "mode": "lines",
            "x": x,
            "y": y,
            "line": {"color": color, "width": 1, "dash": "dot"},
            "opacity": 0.7,
            "hoverinfo": "skip",
            "yaxis": PRICE_ROW,
        }


def _path_traces(trades: Sequence[BacktestTrade], axis: TimeAxis) -> Iterable[Trace]:
    for is_win, color in ((True, "var(--win)"), (False, "var(--loss)")):
        x: list[int | None] = []
        y: list[float | None] = []
        for each in trades:
            if (each.net_return > 0) is is_win:
                x += [_place(axis, each.entry_ms), _place(axis, each.exit_ms), None]
                y += [each.entry_price, each.exit_price, None]
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


def _entry_traces(picture: BacktestPicture, axis: TimeAxis) -> Iterable[Trace]:
    for side, name, symbol in (("buy", "Buy", "triangle-up"), ("sell", "Sell", "triangle-down")):
        chosen = [each for each in picture.trades if each.side == side]
        yield _markers(
            name,
            [_place(axis, each.entry_ms) for each in chosen],
            [each.entry_price for each in chosen],
            [
                fold(
                    (
                        f"#{each.number} {side} at {each.entry_price:,.{picture.digits}f}",
                        (
                            f"stop {each.stop:,.{picture.digits}f}, "
                            f"target {each.target:,.{picture.digits}f}"
                        ),
                        each.why,
                    )
                )
                for each in chosen
            ],
            {"symbol": symbol, "color": f"var(--{side})", "size": _size(picture)},
        )


def _exit_traces(picture: BacktestPicture, axis: TimeAxis) -> Iterable[Trace]:
    for is_win, name, color in (
        (True, "Exit with profit", "var(--win)"),
        (False, "Exit with loss", "var(--loss)"),
    ):
        chosen = [each for each in picture.trades if (each.net_return > 0) is is_win]
        yield _markers(
            name,
            [_place(axis, each.exit_ms) for each in chosen],
            [each.exit_price for each in chosen],
            [
                fold(
                    (
                        f"#{each.number} {wording.render_percent(each.net_return, is_signed=True)}",
                        f"{each.reason} at {each.exit_price:,.{picture.digits}f}",
                        ", ".join(list_marks(each)),
                    )
                )
                for each in chosen
            ],
            {"symbol": "circle", "color": color, "size": _size(picture) - 3},
        )


def list_marks(trade: BacktestTrade) -> tuple[str, ...]:
    """Return what is peculiar about the exit of a trade, in words."""
    marks = (
        (trade.is_gap, "gap"),
        (trade.is_ambiguous, "ambiguous bar"),
        (trade.is_over_roll, "over a suspected roll"),
    )
    return tuple(text for applies, text in marks if applies)


def _size(picture: BacktestPicture) -> int:
    return 11 if len(picture.trades) <= LEVELS_MAX else 7


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


def _place(axis: TimeAxis, time_ms: int) -> int:
    return axis.place(TimestampMs(time_ms))


def _hover_time(picture: BacktestPicture) -> str:
    is_daily = picture.figures.source.period_ms >= MS_PER_DAY
    return "%{x|%a %d %b %Y}" if is_daily else "%{x|%a %d %b %Y %H:%M}"


def _make_layout(picture: BacktestPicture, axis: TimeAxis) -> dict[str, Json]:
    times = picture.price.time_ms
    name = html.unescape(picture.figures.source.file)
    value_axis = {**GRID, "side": "right"}
    return {
        **make_base_layout(),
        "margin": {"l": 8, "r": 60, "t": 66, "b": 34},
        "hoverdistance": 24,
        "legend": {"orientation": "h", "x": 0, "y": 1.045, "yanchor": "bottom"},
        "dragmode": "zoom",
        "xaxis": make_time_axis((times[0], times[-1]), axis, DRAWDOWN_ROW),
        "yaxis": {**value_axis, "domain": ROWS[PRICE_ROW], "tickformat": ",~f"},
        "yaxis2": {**value_axis, "domain": ROWS[EQUITY_ROW], "nticks": 4, "tickformat": ".2f"},
        "yaxis3": {**value_axis, "domain": ROWS[DRAWDOWN_ROW], "nticks": 3}
        | {"tickformat": ".1%", "rangemode": "tozero"},
        "annotations": [
            make_title(name, ROWS[PRICE_ROW][1]),
            make_title("A stake of one, reinvested", ROWS[EQUITY_ROW][1]),
            make_title("Drawdown", ROWS[DRAWDOWN_ROW][1]),
        ],
        "shapes": [_split_line(picture, axis)],
    }


def _split_line(picture: BacktestPicture, axis: TimeAxis) -> dict[str, Json]:
    """Mark where the last 30 % begin."""
    at = _place(axis, picture.figures.parts[1].start_ms)
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--edge)", "width": 1.5, "dash": "dash"},
        "layer": "below",
    }
