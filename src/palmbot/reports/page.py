"""The frame of every page: one HTML file with its style, its script and plotly inside."""

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

from palmbot.reports.tables import escape

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
"""Content security policy: whatever a script might try, the browser asks no server."""


def render_page(
    *,
    title: str,
    body: str,
    figure: dict[str, Any] | None = None,
    more: Mapping[str, dict[str, Any]] | None = None,
) -> str:
    """Return the whole page. `body` is HTML, `title` text, the others are plotly figures.

    `figure` is drawn into the element with the id `plot`, if the body has one: time along x,
    zoomed by the buttons of a table of trades. Those of `more` go into the elements of their ids.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{_read_part("page.css")}</style>
</head>
<body>
<main>
{body}
</main>
<script id="figure" type="application/json">{_render_json(figure or {})}</script>
<script id="figures" type="application/json">{_render_json(dict(more or {}))}</script>
<script id="plotly" type="text/plain">{_pack_plotly()}</script>
<script>
{_read_part("page.js")}</script>
</body>
</html>
"""


def _render_json(figure: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(figure, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _read_part(name: str) -> str:
    return resources.files("palmbot.reports").joinpath(name).read_text(encoding="utf-8")


@cache
def _pack_plotly() -> str:
    """Return plotly.js, compressed to 2 of its 5 MB; the page's script unpacks it."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()
