"""A page as a browser sees it: what is drawn, what fails, and what it asks of others."""

import json
import os
import re
import shutil
import subprocess
from html import unescape

import pytest

NEEDED = "REPORTS_NEED_BROWSER"
"""Set by `.ci/run`: there a missing browser is a failure, on a person's machine a skipped test."""
BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)
WATCHER = """<script>
const seen = {asked: [], failed: []};
addEventListener("securitypolicyviolation", (event) => seen.asked.push(event.blockedURI));
addEventListener("error", (event) => seen.failed.push(event.message));
addEventListener("unhandledrejection", (event) => seen.failed.push(String(event.reason)));
</script>"""
WITNESS = """<script>
setInterval(() => {
  const count = (place, what) => place.querySelectorAll(what).length;
  seen.resources = performance.getEntriesByType("resource").map((each) => each.name);
  seen.plots = {};
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    seen.plots[plot.id] = {
      lines: count(plot, ".scatterlayer .js-line"),
      points: count(plot, ".scatterlayer .point"),
      bars: count(plot, ".barlayer .point"),
      cells: count(plot, ".heatmaplayer image"),
      bands: count(plot, ".shapelayer path"),
    };
  }
  seen.wide = document.documentElement.scrollWidth > innerWidth;
  document.body.dataset.seen = JSON.stringify(seen);
}, 100);
</script>"""

needs_browser = [
    pytest.mark.skipif(
        BROWSER is None and not os.environ.get(NEEDED),
        reason="no chromium on this machine: install it to have the pages looked at",
    ),
    pytest.mark.timeout(60),  # a browser on a busy machine starts slowly
]


def look_at(page, folder, width):
    """Load the page headless, at `width` pixels, and return what the witness in it noted."""
    assert BROWSER is not None, f"{NEEDED} is set, but there is no chromium on this machine"
    file = folder / "report.html"
    # The watcher comes first in <head>, so that it sees everything the page does.
    file.write_text(
        page.replace("<head>", "<head>" + WATCHER, 1).replace("</body>", WITNESS + "</body>", 1)
    )
    done = subprocess.run(  # noqa: S603  (a browser found on the path, a file of ours)
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},1400",
            "--virtual-time-budget=5000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    noted = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert noted is not None, done.stderr[-2_000:]
    return json.loads(unescape(noted[1]))


def assert_stands_alone(seen):
    """Assert that nothing failed, and that nothing was asked of anybody."""
    assert seen["failed"] == []
    assert seen["asked"] == []
    assert seen["resources"] == []
