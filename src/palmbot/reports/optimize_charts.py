"""The plots of a search: heat maps, parallel coordinates, equity, walk-forward, null test."""

from collections.abc import Sequence

from palmbot.reports import wording
from palmbot.reports.optimize_run import (
    Combination,
    GridRow,
    HeatMap,
    NullRun,
    OptimizePicture,
    WalkForwardRun,
)
from palmbot.reports.plot_style import GRID, Json, Trace, fold, make_base_layout, make_title

HEAT_COLUMNS, HEAT_ROWS = 3, 2
FACTOR_LOW, FACTOR_HIGH = 0.5, 1.5
"""Ends of the colours of profit factors; break-even lies in the middle."""
LEVELS = (
    (0.0, 0.8, "below 0.8", "var(--loss)", 0.35),
    (0.8, 1.0, "0.8 to 1", "var(--sell)", 0.35),
    (1.0, 1.2, "1 to 1.2", "var(--muted)", 0.35),
    (1.2, 1.5, "1.2 to 1.5", "var(--equity)", 0.5),
    (1.5, float("inf"), "above 1.5", "var(--win)", 0.75),
)
AXES = ("rsi buy", "rsi sell", "target %", "stop %", "trades", "profit factor")
NULL_BINS = 40
FACTOR_SHOWN_MAX = 4.0
"""Where the last axis of the parallel coordinates ends: beyond it are rows of few trades."""


def make_heat_figure(
    maps: Sequence[HeatMap], best: Combination | None, kind: str
) -> dict[str, Json]:
    """Return all pairs of parameters; `kind` is `profit_factor` or `trades`."""
    is_factor = kind == "profit_factor"
    traces: list[Trace] = []
    layout: dict[str, Json] = {**make_base_layout(), "showlegend": False}
    for index, each in enumerate(maps):
        number = "" if index == 0 else str(index + 1)
        left, bottom, width, height = _place(index)
        cells = each.profit_factor if is_factor else each.trades
        traces.append(
            {
                "type": "heatmap",
                "x": [f"{value:g}" for value in each.x],
                "y": [f"{value:g}" for value in each.y],
                "z": [list(row) for row in cells],
                "text": [
                    ["" if cell is None else _write(cell, is_factor=is_factor) for cell in row]
                    for row in cells
                ],
                "texttemplate": "%{text}" if len(each.x) * len(each.y) <= 64 else "",  # noqa: PLR2004
                "customdata": [list(row) for row in each.trades],
                "hovertemplate": f"{each.x_name} %{{x}}, {each.y_name} %{{y}}<br>"
                + ("profit factor %{z:.2f}, " if is_factor else "")
                + "%{customdata:.0f} trades<extra></extra>",
                "coloraxis": "coloraxis",
                "xaxis": f"x{number}",
                "yaxis": f"y{number}",
                "xgap": 1,
                "ygap": 1,
            }
        )
        if best is not None:
            traces.append(_mark_best(each, best, number))
        for letter, start, size, name in (
            ("x", left, width, each.x_name),
            ("y", bottom, height, each.y_name),
        ):
            layout[f"{letter}axis{number}"] = {
                **GRID,
                "type": "category",
                "domain": [start, start + size],
                "anchor": f"{'y' if letter == 'x' else 'x'}{number}",
                "title": {"text": name, "standoff": 4},
                "nticks": 8,
            }
    layout["coloraxis"] = _color_axis(maps, is_factor=is_factor)
    layout["margin"] = {"l": 8, "r": 8, "t": 12, "b": 44}
    return {"data": traces, "layout": layout}


def make_parallel_figure(picture: OptimizePicture) -> dict[str, Json]:
    """Return every combination as a line over its four parameters, its trades and its result."""
    spans = _find_spans(picture.rows)
    traces: list[Trace] = []
    for low, high, name, color, opacity in LEVELS:
        chosen = [
            row
            for row in picture.rows
            if row.profit_factor is not None and low <= row.profit_factor < high
        ]
        if chosen:
            traces.append(_coordinate_lines(chosen, spans, f"profit factor {name}", color, opacity))
    best = picture.best
    if best is not None:
        row = GridRow(
            point=best.point, trades=best.whole.trades, profit_factor=best.whole.profit_factor
        )
        line = _coordinate_lines([row], spans, "the best", "var(--ink)", 1.0)
        traces.append(line | {"line": {"color": "var(--ink)", "width": 3}})
    ends = [
        {
            "text": f"{value:g}" if index < len(AXES) - 1 else f"{value:.2g}",
            "x": index,
            "y": y,
            "yanchor": anchor,
            "showarrow": False,
            "font": {"color": "var(--ink)", "size": 11},
        }
        for index, span in enumerate(spans)
        for value, y, anchor in ((span[0], -0.02, "top"), (span[1], 1.02, "bottom"))
    ]
    layout = {
        **make_base_layout(),
        "legend": {"orientation": "h", "x": 0, "y": 1.12, "yanchor": "bottom"},
        "xaxis": {
            "tickvals": list(range(len(AXES))),
            "ticktext": list(AXES),
            "range": [-0.3, len(AXES) - 0.7],
            "gridcolor": "var(--edge)",
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {"visible": False, "range": [-0.12, 1.12], "fixedrange": True},
        "annotations": ends,
        "margin": {"l": 8, "r": 8, "t": 60, "b": 34},
    }
    return {"data": traces, "layout": layout}


def make_equity_figure(picture: OptimizePicture) -> dict[str, Json]:
    """Return equity of the best and its neighbours, and the drawdown of the best."""
    traces: list[Trace] = []
    for index, curve in reversed(list(enumerate(picture.curves))):
        is_best = index == 0
        traces.append(
            {
                "name": "the best" if is_best else "its neighbours",
                "legendgroup": "best" if is_best else "others",
                "showlegend": index <= 1,
                "mode": "lines",
                "x": list(curve.time_ms),
                "y": list(curve.value),
                "line": {
                    "color": "var(--equity)" if is_best else "var(--muted)",
                    "width": 2.4 if is_best else 1,
                },
                "opacity": 1 if is_best else 0.45,
                "hovertemplate": f"{curve.point.render()}<br>%{{x|%d %b %Y}} %{{y:.3f}}"
                "<extra></extra>",
                "yaxis": "y",
            }
        )
    if picture.curves:
        best = picture.curves[0]
        peak = 1.0
        below: list[float] = []
        for value in best.value:
            peak = max(peak, value)
            below.append(round(value / peak - 1, 6))
        traces.append(
            {
                "name": "drawdown of the best",
                "mode": "lines",
                "x": list(best.time_ms),
                "y": below,
                "fill": "tozeroy",
                "fillcolor": "var(--loss-soft)",
                "line": {"color": "var(--loss)", "width": 1},
                "hovertemplate": "%{x|%d %b %Y}<br>%{y:.2%} from the peak<extra></extra>",
                "showlegend": False,
                "yaxis": "y2",
            }
        )
    layout = {
        **make_base_layout(),
        "legend": {"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom"},
        "xaxis": {"type": "date", "gridcolor": "var(--line)", "anchor": "y2"},
        "yaxis": {**GRID, "side": "right", "domain": [0.34, 1.0], "tickformat": ".2f"},
        "yaxis2": {**GRID, "side": "right", "domain": [0.0, 0.24], "nticks": 3}
        | {"tickformat": ".0%", "rangemode": "tozero"},
        "annotations": [
            make_title("A stake of one, reinvested", 1.0),
            make_title("Drawdown of the best", 0.24),
        ],
        "shapes": [_vertical(picture.split_ms, "x", "paper", "var(--edge)", "dash")],
        "margin": {"l": 8, "r": 60, "t": 60, "b": 34},
    }
    return {"data": traces, "layout": layout}


def make_walk_figure(runs: Sequence[WalkForwardRun]) -> dict[str, Json]:
    """Return train and test profit factor of every window, one row for each kind."""
    traces: list[Trace] = []
    layout: dict[str, Json] = {
        **make_base_layout(),
        "barmode": "group",
        "legend": {"orientation": "h", "x": 0, "y": 1.08, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 60, "b": 34},
    }
    titles: list[dict[str, Json]] = []
    shapes: list[dict[str, Json]] = []
    share = 1.0 / max(1, len(runs))
    for index, run in enumerate(runs):
        number = "" if index == 0 else str(index + 1)
        labels = [
            f"{wording.render_date(each.test_start_ms)}<br>to "
            f"{wording.render_date(each.test_end_ms)}"
            for each in run.windows
        ]
        for name, color, values in (
            ("chosen on", "var(--muted)", [each.train for each in run.windows]),
            ("earned after", "var(--equity)", [each.test for each in run.windows]),
        ):
            traces.append(
                {
                    "type": "bar",
                    "name": name,
                    "legendgroup": name,
                    "showlegend": index == 0,
                    "x": labels,
                    "y": values,
                    "marker": {"color": color},
                    "text": ["" if value is None else f"{value:.2f}" for value in values],
                    "textposition": "auto",
                    "hovertext": [
                        fold(
                            (
                                "no choice: too few trades"
                                if each.point is None
                                else each.point.render(),
                                f"{each.test_trades} trades after",
                            )
                        )
                        for each in run.windows
                    ],
                    "hovertemplate": "%{hovertext}<br>%{y:.2f}<extra></extra>",
                    "xaxis": f"x{number}",
                    "yaxis": f"y{number}",
                }
            )
        bottom = 1.0 - share * (index + 1) + (0.12 if index < len(runs) - 1 else 0.0)
        top = 1.0 - share * index - (0.06 if index else 0.0)
        layout[f"xaxis{number}"] = {**GRID, "type": "category", "anchor": f"y{number}"}
        layout[f"yaxis{number}"] = {
            **GRID,
            "domain": [bottom, top],
            "anchor": f"x{number}",
            "rangemode": "tozero",
        }
        factor = "undefined" if run.profit_factor is None else f"{run.profit_factor:.2f}"
        titles.append(
            make_title(
                f"{run.name}: {factor} on {run.trades:,} trades out of sample, all windows "
                "together",
                top,
            )
        )
        shapes.append(_horizontal(f"x{number}", f"y{number}", 1.0))
    layout["annotations"] = titles
    layout["shapes"] = shapes
    return {"data": traces, "layout": layout}


def make_null_figure(null: NullRun, target: float) -> dict[str, Json]:
    """Return how good the same search is on bars without direction, the real result marked."""
    every = [*null.flipped, *null.shuffled]
    top = max([*every, null.statistic or 0.0, target]) * 1.05
    low = min([each for each in (*every, null.statistic, target) if each], default=0.0) * 0.9
    traces: list[Trace] = [
        {
            "type": "histogram",
            "name": name,
            "x": list(values),
            "xbins": {"start": low, "end": top, "size": (top - low) / NULL_BINS},
            "autobinx": False,
            "marker": {"color": color},
            "opacity": 0.65,
            "hovertemplate": "%{x}: %{y} resamples<extra></extra>",
        }
        for name, values, color in (
            ("directions flipped at random", null.flipped, "var(--muted)"),
            ("bars in another order", null.shuffled, "var(--link)"),
        )
        if values
    ]
    marks = [_vertical(target, "x", "paper", "var(--edge)", "dash")]
    notes = [_note(target, "target", 0.9)]
    if null.statistic is not None:
        marks.append(_vertical(null.statistic, "x", "paper", "var(--loss)", "solid"))
        notes.append(_note(null.statistic, f"the real bars: {null.statistic:.2f}", 1.0))
    layout = {
        **make_base_layout(),
        "barmode": "overlay",
        "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
        "xaxis": {**GRID, "range": [low, top], "title": {"text": "best profit factor of the grid"}},
        "yaxis": {**GRID, "title": {"text": "resamples"}, "domain": [0.0, 0.86]},
        "shapes": marks,
        "annotations": notes,
        "margin": {"l": 8, "r": 8, "t": 46, "b": 44},
    }
    return {"data": traces, "layout": layout}


def _place(index: int) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of a heat map, as shares of the figure."""
    row, column = divmod(index, HEAT_COLUMNS)
    width, height = 0.24, 0.4
    left = column * (0.93 - width) / (HEAT_COLUMNS - 1)
    bottom = 1.0 - height - row * (1.0 - height) / max(1, HEAT_ROWS - 1)
    return left, bottom, width, height


def _write(cell: float, *, is_factor: bool) -> str:
    return f"{cell:.2f}" if is_factor else f"{cell:.0f}"


def _mark_best(each: HeatMap, best: Combination, number: str) -> Trace:
    values = {
        "rsi buy": best.rsi_buy,
        "rsi sell": best.rsi_sell,
        "target %": best.tp,
        "stop %": best.sl,
    }
    return {
        "mode": "markers",
        "x": [f"{values[each.x_name]:g}"],
        "y": [f"{values[each.y_name]:g}"],
        "marker": {
            "symbol": "square-open",
            "size": 26,
            "color": "var(--ink)",
            "line": {"width": 2.5, "color": "var(--ink)"},
        },
        "hoverinfo": "skip",
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
    }


def _color_axis(maps: Sequence[HeatMap], *, is_factor: bool) -> dict[str, Json]:
    bar = {"thickness": 12, "len": 0.9, "outlinewidth": 0, "tickfont": {"color": "var(--muted)"}}
    if is_factor:
        return {
            "cmin": FACTOR_LOW,
            "cmax": FACTOR_HIGH,
            "colorscale": [
                [0.0, "var(--heat-low)"],
                [0.5, "var(--heat-middle)"],
                [1.0, "var(--heat-high)"],
            ],
            "colorbar": bar,
        }
    most = max((cell for each in maps for row in each.trades for cell in row), default=1.0)
    return {
        "cmin": 0,
        "cmax": max(most, 1.0),
        "colorscale": [[0.0, "var(--heat-middle)"], [1.0, "var(--heat-many)"]],
        "colorbar": bar,
    }


def _find_spans(rows: Sequence[GridRow]) -> list[tuple[float, float]]:
    """Return least and greatest value of each axis of the parallel coordinates."""
    columns: list[list[float]] = [[] for _ in AXES]
    for row in rows:
        for column, value in zip(columns, _read_coordinates(row), strict=True):
            if value is not None:
                column.append(value)
    return [(min(column), max(column)) if column else (0.0, 1.0) for column in columns]


def _read_coordinates(row: GridRow) -> tuple[float | None, ...]:
    point = row.point
    factor = row.profit_factor
    return (
        point.rsi_buy,
        point.rsi_sell,
        point.tp,
        point.sl,
        float(row.trades),
        None if factor is None else min(factor, FACTOR_SHOWN_MAX),
    )


def _coordinate_lines(
    rows: Sequence[GridRow],
    spans: Sequence[tuple[float, float]],
    name: str,
    color: str,
    opacity: float,
) -> Trace:
    x: list[int | None] = []
    y: list[float | None] = []
    for row in rows:
        for index, (value, (low, high)) in enumerate(
            zip(_read_coordinates(row), spans, strict=True)
        ):
            x.append(index)
            share = 0.5 if high == low else ((value or 0.0) - low) / (high - low)
            y.append(None if value is None else round(share, 4))
        x.append(None)
        y.append(None)
    return {
        "name": name,
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": color, "width": 1.2},
        "opacity": opacity,
        "hoverinfo": "skip",
    }


def _vertical(at: float, xref: str, yref: str, color: str, dash: str) -> dict[str, Json]:
    return {
        "type": "line",
        "xref": xref,
        "yref": yref,
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": color, "width": 2, "dash": dash},
    }


def _horizontal(xref: str, yref: str, at: float) -> dict[str, Json]:
    return {
        "type": "line",
        "xref": f"{xref} domain",
        "yref": yref,
        "x0": 0,
        "x1": 1,
        "y0": at,
        "y1": at,
        "line": {"color": "var(--loss)", "width": 1, "dash": "dot"},
    }


def _note(at: float, text: str, y: float) -> dict[str, Json]:
    return {
        "text": text,
        "x": at,
        "xref": "x",
        "xanchor": "left",
        "xshift": 5,
        "y": y,
        "yref": "paper",
        "yanchor": "top",
        "showarrow": False,
        "font": {"color": "var(--ink)", "size": 12},
    }
