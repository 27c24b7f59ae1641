"""The report as a browser sees it: drawn, and asking nobody for anything."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

from harness.demo_runs import make_demo_run
from palmbot.reports.demo_report import render_demo_report

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
  seen.resources = performance.getEntriesByType("resource").map((each) => each.name);
  seen.plot = document.getElementById("plot").className;
  seen.lines = document.querySelectorAll(".scatterlayer .js-line").length;
  seen.points = document.querySelectorAll(".scatterlayer .point").length;
  seen.bands = document.querySelectorAll(".shapelayer path").length;
  seen.wide = document.documentElement.scrollWidth > innerWidth;
  document.body.dataset.seen = JSON.stringify(seen);
}, 100);
</script>"""

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine"),
    pytest.mark.timeout(60),  # a browser on a busy machine starts slowly
]


def look_at(page, folder, width):
    """Load the page headless, at `width` pixels, and return what the witness in it noted."""
    file = folder / "report.html"
    # The watcher comes first in <head>, so that it sees everything the page does.
    file.write_text(
        page.replace("<head>", "<head>" + WATCHER, 1).replace("</body>", WITNESS + "</body>", 1)
    )
    done = subprocess.run(  # noqa: S603  (a browser found on the path, a file of ours)
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
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


@pytest.mark.parametrize("width", [1400, 500])
def test_plots_are_drawn_and_nothing_outside_is_requested(tmp_path, width):
    run = make_demo_run()
    seen = look_at(render_demo_report(run), tmp_path, width)
    assert seen["failed"] == []
    assert seen["asked"] == []
    assert seen["resources"] == []
    assert "js-plotly-plot" in seen["plot"]
    assert seen["lines"] >= 7
    assert seen["points"] == 2 * len(run.trades) + len(run.links) + len(run.breakers)
    assert seen["bands"] >= len(run.links) + len(run.breakers)
    assert not seen["wide"]
