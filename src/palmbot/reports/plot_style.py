"""What all plots have in common: plain values, ready for JSON.

Colours are names of CSS variables, such as `var(--win)`; the page resolves them, so that one
figure serves light and dark. Texts are escaped, because plotly reads them as markup.
"""

import html
import textwrap
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from palmbot.reports.time_axis import TimeAxis

Json: TypeAlias = Any
Trace: TypeAlias = dict[str, Json]

HOVER_WIDTH = 44
"""Characters in one line of a hover text: fits a phone."""

GRID: Final[dict[str, Json]] = {
    "gridcolor": "var(--line)",
    "zeroline": False,
    "fixedrange": True,
    "automargin": True,
    "nticks": 6,
}
"""An axis of values."""


def make_base_layout() -> dict[str, Json]:
    """Return what every layout begins with."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 12, "color": "var(--muted)"},
        "margin": {"l": 8, "r": 8, "t": 30, "b": 34},
        "hovermode": "closest",
        "hoverlabel": {
            "align": "left",
            "bgcolor": "var(--card)",
            "bordercolor": "var(--edge)",
            "font": {"color": "var(--ink)", "size": 12},
        },
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": "var(--edge)",
            "activecolor": "var(--accent)",
        },
    }


def make_time_axis(span: tuple[int, int] | None, axis: TimeAxis, anchor: str) -> dict[str, Json]:
    """Return a date axis from the first to the last moment, long pauses cut out."""
    return {
        "type": "date",
        "range": None if span is None else list(span),
        "anchor": anchor,
        "gridcolor": "var(--line)",
        "showspikes": True,
        "spikemode": "across",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": "var(--edge)",
        "rangebreaks": [{"bounds": [start, end]} for start, end in axis.pauses],
    }


def make_title(text: str, y: float, x: float = 0.0, anchor: str = "left") -> dict[str, Json]:
    """Return a heading above a plot; `x` and `y` are shares of the figure."""
    return {
        "text": f"<b>{html.escape(text, quote=False)}</b>",
        "x": x,
        "xref": "paper",
        "xanchor": anchor,
        "y": y,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": "var(--ink)", "size": 12},
    }


def fold(lines: Iterable[str]) -> str:
    """Escape lines and join them with breaks, the first one bold, long ones folded."""
    folded = [
        "<br>".join(html.escape(part, quote=False) for part in textwrap.wrap(line, HOVER_WIDTH))
        for line in lines
        if line
    ]
    return "<br>".join((f"<b>{folded[0]}</b>", *folded[1:]))
