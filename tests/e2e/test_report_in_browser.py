"""The reports as a browser sees them: drawn, and asking nobody for anything."""

import pytest

from harness.browser import assert_stands_alone, look_at, needs_browser
from harness.demo_runs import make_demo_run
from harness.research_pages import make_backtest_picture, make_data_picture, make_optimize_picture
from palmbot.reports.backtest_report import render_backtest_report
from palmbot.reports.data_check import render_data_report
from palmbot.reports.demo_report import render_demo_report
from palmbot.reports.optimize_report import render_optimize_report

pytestmark = needs_browser


@pytest.mark.parametrize("width", [1400, 500])
def test_the_plots_of_a_demo_are_drawn_and_nothing_outside_is_requested(tmp_path, width):
    run = make_demo_run()
    seen = look_at(render_demo_report(run), tmp_path, width)
    assert_stands_alone(seen)
    plot = seen["plots"]["plot"]
    assert plot["lines"] >= 7
    assert plot["points"] == 2 * len(run.trades) + len(run.links) + len(run.breakers)
    assert plot["bands"] >= len(run.links) + len(run.breakers)
    assert not seen["wide"]


def test_the_plots_of_a_backtest_are_drawn_and_nothing_outside_is_requested(tmp_path):
    picture = make_backtest_picture(tmp_path)
    assert len(picture.trades) > 10
    seen = look_at(render_backtest_report(picture), tmp_path, 1400)
    assert_stands_alone(seen)
    assert seen["plots"]["plot"]["points"] == 2 * len(picture.trades)
    assert seen["plots"]["plot"]["lines"] >= 6  # price, paths, equity twice, drawdown
    assert seen["plots"]["spread"]["bars"] > 0
    assert not seen["wide"]


def test_the_plots_of_a_search_are_drawn_and_nothing_outside_is_requested(tmp_path):
    picture = make_optimize_picture()
    seen = look_at(render_optimize_report(picture), tmp_path, 500)  # as on a phone
    assert_stands_alone(seen)
    plots = seen["plots"]
    assert set(plots) == {"null", "curves", "windows", "heat-factor", "heat-trades", "lines"}
    assert plots["heat-factor"]["cells"] == plots["heat-trades"]["cells"] == 6
    assert plots["heat-factor"]["points"] == 6  # the best, marked in each
    assert plots["null"]["bars"] > 0
    assert plots["null"]["bands"] == 2  # target and result
    assert plots["windows"]["bars"] == 2 * sum(len(run.windows) for run in picture.walk_forward)
    assert plots["curves"]["lines"] == len(picture.curves) + 1
    assert plots["lines"]["lines"] > 100
    assert not seen["wide"]


def test_the_plots_of_a_data_check_are_drawn_and_nothing_outside_is_requested(tmp_path):
    seen = look_at(render_data_report(make_data_picture(tmp_path)), tmp_path, 500)
    assert_stands_alone(seen)
    assert seen["plots"]["prices"]["lines"] >= 1
    assert seen["plots"]["hours"]["bars"] == 24
    assert not seen["wide"]
