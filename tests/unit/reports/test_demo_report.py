"""What the report of a demo says, and that nothing in it can break out of its place."""

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from msgspec import structs

from harness.demo_runs import make_demo_run, make_figures
from palmbot.core.state import OpenPosition
from palmbot.domain.market import Side
from palmbot.domain.units import IntentId, Money, PositionId, Price, SymbolId, TimestampMs, Volume
from palmbot.reports.demo_report import render_demo_report

HOSTILE = '</script><img src="https://example.test/x" onerror=alert(1)> & "quoted"'
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self._script = ""
        self.scripts: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self._script = dict(attrs).get("id") or "page"

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts[self._script] = data
        elif self._open and self._open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def page():
    return Page(render_demo_report(make_demo_run()))


def figure_of(run):
    return json.loads(Page(render_demo_report(run)).scripts["figure"])


def test_the_page_holds_everything_it_needs_and_forbids_requests(page):
    outside = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset", "poster"}
    ]
    assert outside == []
    policies = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    assert "http" not in policies[0]
    plotly = gzip.decompress(base64.b64decode(page.scripts["plotly"])).decode()
    assert plotly.lstrip().startswith("/**\n* plotly.js v")


def test_the_style_asks_for_no_font_and_no_image():
    text = render_demo_report(make_demo_run(days=2))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_same_run_gives_the_same_page():
    assert render_demo_report(make_demo_run(days=3)) == render_demo_report(make_demo_run(days=3))


def test_the_headline_says_what_the_trading_came_to(page):
    assert "40 trades in 30 trading days of PALMOIL: +12.98\N{NO-BREAK SPACE}% net" in page.text
    assert "profit factor 1.73, worst drawdown 3.21\N{NO-BREAK SPACE}%." in page.text
    assert "9 reconnects: 58 orders sent and each accounted for" in page.text


def test_synthetic_prices_are_named_so_and_replayed_ones_by_their_file(page):
    assert "synthetic" in page.text
    replayed = replace(make_demo_run(days=2), data_name="gold & silver.csv")
    text = Page(render_demo_report(replayed)).text
    assert "synthetic" not in text
    assert "Prices replayed from gold & silver.csv." in text


def test_few_trades_carry_a_caution_and_many_do_not(page):
    assert "mostly chance" in page.text
    many = replace(make_demo_run(days=2), figures=make_figures(trades=100))
    assert "mostly chance" not in Page(render_demo_report(many)).text


def test_a_profit_factor_without_a_loss_is_undefined_and_never_infinite():
    run = replace(make_demo_run(days=2), figures=make_figures(profit_factor=None))
    text = Page(render_demo_report(run)).text
    assert "profit factor undefined (no loss)" in text
    assert "inf" not in re.findall(r"[a-z]+", text.lower())


def test_every_trade_stands_in_the_table_with_its_reasons(page):
    numbers = [a["data-from"] for tag, a in page.tags if tag == "button"]
    trades = make_demo_run().trades
    assert numbers == [str(each.trade.entry_time) for each in trades]
    assert page.text.count("take profit") >= sum(
        each.trade.exit_reason == "take profit" for each in trades
    )
    assert "RSI 28.4 below 30: buy" in page.text
    assert "\N{MINUS SIGN}100.95\N{NO-BREAK SPACE}USD" in page.text


def test_every_marker_of_a_trade_is_on_the_chart():
    run = make_demo_run()
    traces = {each["name"]: each for each in figure_of(run)["data"] if "name" in each}
    entries = sorted(traces["Buy"]["x"] + traces["Sell"]["x"])
    exits = sorted(traces["Exit with profit"]["x"] + traces["Exit with loss"]["x"])
    assert entries == sorted(each.trade.entry_time for each in run.trades)
    assert exits == sorted(each.trade.exit_time for each in run.trades)
    assert len(traces["Link lost"]["x"]) == len(run.links)
    assert len(traces["Bid"]["x"]) == len(run.prices)
    assert "stop 4,463.97" in "".join(traces["Sell"]["text"])


def test_the_drawdown_line_is_the_distance_from_the_peak_so_far():
    run = make_demo_run(days=2)
    values = (10_000, 11_000, 9_900, 12_100)
    points = tuple(
        replace(run.equity[0], time=run.prices[index].time, equity=Money(value * 100_000_000))
        for index, value in enumerate(values)
    )
    traces = {each.get("name"): each for each in figure_of(replace(run, equity=points))["data"]}
    assert traces["Drawdown"]["y"] == [0.0, 0.0, -0.1, 0.0]


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        ({"orders_sent": 59}, "Every order accounted for"),
        ({"duplicates": 1}, "No order doubled"),
        ({"positions_without_stop": 1}, "No position without a stop"),
        ({"journal_verified": False}, "Journal verified"),
        ({"replay_identical": False}, "Replay identical"),
    ],
)
def test_a_broken_promise_is_said_at_the_top(broken, promise):
    text = Page(
        render_demo_report(replace(make_demo_run(days=2), figures=make_figures(**broken)))
    ).text
    assert f"Not kept: {promise}." in text
    assert text.count("\N{BALLOT X}") == 1


def test_an_order_still_unknown_is_shown_without_breaking_a_promise():
    run = replace(make_demo_run(days=2), figures=make_figures(unknown_open=1))
    text = Page(render_demo_report(run)).text
    assert "1 order of unknown fate at the end" in text
    assert "Not kept" not in text


def test_hostile_text_stays_text_wherever_it_comes_from():
    run = make_demo_run(days=3)
    trade = structs.replace(run.trades[0].trade, entry_reason=HOSTILE, exit_reason=HOSTILE)
    hostile = replace(
        run,
        symbol=HOSTILE,
        currency=HOSTILE,
        data_name=HOSTILE,
        faults=HOSTILE,
        trades=(replace(run.trades[0], trade=trade), *run.trades[1:]),
        links=(replace(run.links[0], reason=HOSTILE),),
        breakers=(replace(run.breakers[0], name=HOSTILE, reason=HOSTILE),),
        refusals=(replace(run.refusals[0], code=HOSTILE, text=HOSTILE),),
        settings=((HOSTILE, HOSTILE),),
        assumptions=(HOSTILE,),
    )
    page = Page(render_demo_report(hostile))
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in Page(render_demo_report(run)).tags}
    assert page.text.count(HOSTILE) >= 12
    hover = json.dumps(json.loads(page.scripts["figure"]))
    assert "<img" not in hover
    assert "&lt;img" in hover


def test_a_run_without_trades_links_or_prices_still_reads_well():
    empty = replace(
        make_demo_run(days=2),
        figures=make_figures(trades=0, profit_factor=None, win_rate=None, net_return=0.0),
        prices=(),
        equity=(),
        trades=(),
        links=(),
        breakers=(),
        refusals=(),
    )
    text = Page(render_demo_report(empty)).text
    assert "No trade in 30 trading days of PALMOIL." in text
    assert "The bot did not trade." in text
    assert "The link held from beginning to end." in text
    assert "No signal was refused." in text


def test_a_position_still_open_is_in_the_table_and_on_the_chart():
    run = make_demo_run(days=3)
    held = OpenPosition(
        position_id=PositionId(99),
        intent_id=IntentId("0" * 26),
        symbol_id=SymbolId(1),
        side=Side.BUY,
        volume=Volume(15_050),
        entry_price=Price(440_000_000),
        entry_volume=Volume(15_050),
        stop_loss=Price(433_400_000),
        take_profit=None,
        intended_stop=Price(433_400_000),
        intended_target=Price(448_800_000),
        opened_at=TimestampMs(run.prices[-1].time),
        entry_reason="RSI 29.0 below 30: buy",
    )
    run = replace(run, open_position=held)
    text = Page(render_demo_report(run)).text
    assert "still open at the end, not counted as a trade" in text
    assert "150.50" in text
    buys = next(each for each in figure_of(run)["data"] if each.get("name") == "Buy")
    assert buys["x"][-1] == run.prices[-1].time
