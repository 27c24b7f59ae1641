"""Price history over real TLS: paged, within the budget, over broken links and broken-off runs."""

import asyncio
import contextlib
import functools
import json

import pytest

from harness.brisk_clock import BriskClock
from harness.served import served
from harness.small_market import DAY, MONDAY, OIL
from harness.tiny_client import WrittenMarket
from palmbot.cli.history import render_document, render_summary
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_MINUTE, TimestampMs
from palmbot.pricefiles.reader import read_price_file
from palmbot.simulator.model import make_market
from palmbot.simulator.scenarios import FaultPlan, RequestFault
from palmbot.workbench.price_history import HistoryOptions, download_history

M5 = 5 * MS_PER_MINUTE
MONTH = TimestampMs(MONDAY - 40 * DAY)
BARS_PER_REPLY = 60


class BrokenOff(Exception):
    """Stands for the power cut that ends a run."""


class Replayed:
    """Implements `MarketSource` with a past that is made once for all tests."""

    others = ()

    def __init__(self):
        model = make_market("PALMOIL", seed=3, start=MONDAY, days=1)
        self.contract = model.contract
        self._past = list(model.past_quotes())

    def past_quotes(self):
        return iter(self._past)

    def quotes(self):
        return iter(())


@functools.cache
def palm_oil():
    return Replayed()


def options(output, **changes):
    wanted = {
        "symbol": "PALMOIL",
        "period_ms": M5,
        "since": MONTH,
        "until": None,
        "output": output,
    }
    return HistoryOptions(**{**wanted, **changes})


def ignore(_):
    pass


def fetch(directory, wanted, market=None, tell=ignore, **settings):
    async def run():
        async with served(directory, market or palm_oil(), **settings) as (access, clock, server):
            result = await download_history(access, wanted, clock, tell)
            return result, server

    return asyncio.run(run())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A history fetched in one go, and how that went."""
    directory = tmp_path_factory.mktemp("whole")
    output = directory / "bars.parquet"
    result, _ = fetch(directory / "sim", options(output), trendbars_per_reply=BARS_PER_REPLY)
    return output, result


def test_every_bar_of_the_server_arrives_and_a_backtest_can_read_the_file(whole):
    output, result = whole
    file = read_price_file(output)
    assert len(file) == result.bars > 2_000
    assert file.period_ms == M5
    market = palm_oil()
    bids = {}
    for quote in market.past_quotes():
        bids.setdefault(quote.time // M5 * M5, []).append(quote.bid)
    newest = max(bids)
    now = max(quote.time for quote in palm_oil().past_quotes())
    if newest + M5 > now:
        del bids[newest]  # still open when the market stood there
    assert list(file.bars.times) == sorted(bids)
    for time, (first, high, low, last), ticks in zip(
        file.bars.times, file.bars.bid, file.bars.volumes, strict=True
    ):
        made = bids[time]
        assert (first, high, low, last) == (made[0], max(made), min(made), made[-1])
        assert ticks == len(made)
    assert result.gaps.missing == 0
    assert result.requests <= result.bars // BARS_PER_REPLY + 3
    assert not output.with_name("bars.parquet.part").exists()


def test_history_over_a_link_cut_again_and_again_is_the_same_to_the_byte(whole, tmp_path):
    plan = FaultPlan(
        reading_gap=(13, 13),
        reading_faults=(RequestFault.CUT_BEFORE, RequestFault.CUT_BETWEEN),
    )
    output = tmp_path / "bars.parquet"
    result, server = fetch(
        tmp_path / "sim", options(output), plan=plan, trendbars_per_reply=BARS_PER_REPLY
    )
    assert result.reconnects >= 10
    assert server.connection_count == result.reconnects + 1
    assert output.read_bytes() == whole[0].read_bytes()


def test_history_broken_off_twenty_times_goes_on_and_is_the_same_to_the_byte(whole, tmp_path):
    output = tmp_path / "bars.parquet"
    part = tmp_path / "bars.parquet.part"

    async def run():
        async with served(tmp_path / "sim", palm_oil(), trendbars_per_reply=BARS_PER_REPLY) as (
            access,
            clock,
            _,
        ):
            cuts = 0
            for cuts in range(20):
                seen = 0

                def break_off(progress):
                    nonlocal seen
                    seen += 1
                    if seen > 2:
                        raise BrokenOff

                with contextlib.suppress(BrokenOff):
                    await download_history(access, options(output), clock, break_off)
                assert not output.exists()
                with part.open("r+b") as file:
                    file.truncate(part.stat().st_size - (7 if cuts % 2 else 0))
            return cuts + 1, await download_history(access, options(output), clock, ignore)

    cuts, result = asyncio.run(run())
    assert cuts == 20
    assert result.pages_resumed > 10
    assert output.read_bytes() == whole[0].read_bytes()
    assert not part.exists()


def test_the_rate_budget_is_kept_so_that_the_server_never_refuses(tmp_path):
    refused = []
    clock = BriskClock(factor=20.0)
    result, _ = fetch(
        tmp_path / "sim",
        options(tmp_path / "bars.parquet"),
        tell=lambda progress: refused.append(progress.note),
        clock=clock,
        trendbars_per_reply=BARS_PER_REPLY,
    )
    assert set(refused) == {""}
    # Four historical requests in any second, the first four at once.
    assert clock.link_s() >= result.requests / 4 - 1


def test_history_is_read_from_and_to_the_moments_named(tmp_path):
    output = tmp_path / "bars.parquet"
    since, until = TimestampMs(MONDAY - 10 * DAY), TimestampMs(MONDAY - 5 * DAY - 1)
    fetch(tmp_path / "sim", options(output, since=since, until=until))
    times = read_price_file(output).bars.times
    assert since <= times[0] < since + DAY
    assert until - 2 * DAY < times[-1] <= until


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    output = tmp_path / "bars.parquet"
    output.write_text("mine")
    with pytest.raises(InputInvalid, match="it is there already"):
        fetch(tmp_path / "sim", options(output))
    assert output.read_text() == "mine"


def test_the_rest_of_another_download_is_not_mixed_in(tmp_path):
    output = tmp_path / "bars.parquet"

    def break_off(progress):
        if progress.bars:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        fetch(tmp_path / "sim", options(output), tell=break_off)
    with pytest.raises(InputInvalid, match="another download was broken off there"):
        fetch(tmp_path / "sim", options(output, period_ms=MS_PER_MINUTE))
    with pytest.raises(InputInvalid, match="another download was broken off there"):
        fetch(tmp_path / "sim", options(output, until=TimestampMs(MONDAY - 5 * DAY)))


def test_an_unknown_symbol_is_answered_with_near_names(tmp_path):
    with pytest.raises(InputInvalid, match=r"no symbol 'PALMOILS'.*it has PALMOIL"):
        fetch(tmp_path / "sim", options(tmp_path / "bars.parquet", symbol="PALMOILS"))


def test_a_time_without_bars_is_said_and_leaves_nothing(tmp_path):
    early = TimestampMs(MONDAY - 400 * DAY)
    wanted = options(tmp_path / "bars.parquet", since=early, until=TimestampMs(early + DAY))
    with pytest.raises(InputInvalid, match="no bar of PALMOIL in that time"):
        fetch(tmp_path / "sim", wanted)
    assert [each.name for each in tmp_path.iterdir()] == ["sim"]


def test_a_broker_that_stays_away_ends_the_run_and_says_how_to_go_on(tmp_path):
    plan = FaultPlan(reading_gap=(6, 6), reading_faults=(RequestFault.CUT_BEFORE,))
    notes = []
    with pytest.raises(InputInvalid, match="run the same command again to go on"):
        fetch(
            tmp_path / "sim",
            options(tmp_path / "bars.parquet"),
            tell=lambda progress: notes.append(progress.note),
            plan=plan,
            clock=BriskClock(factor=5_000.0),
        )
    assert sum("again in" in note for note in notes) == 8


def test_missing_bars_are_reported_where_the_market_was_open(tmp_path):
    minutes = [0, 1, 2, 7, 8, 20]

    class Patchy(WrittenMarket):
        def past_quotes(self):
            for minute in minutes:
                yield self._quote(MONDAY - DAY + minute * MS_PER_MINUTE, 1_000 + minute)

    wanted = options(
        tmp_path / "bars.parquet",
        symbol=OIL.name,
        period_ms=MS_PER_MINUTE,
        since=TimestampMs(MONDAY - DAY),
    )
    result, _ = fetch(tmp_path / "sim", wanted, market=Patchy([]))
    assert result.bars == 5  # the last one is still open
    assert [(gap.bars, gap.first - MONDAY + DAY) for gap in result.gaps.gaps] == [
        (11, 9 * MS_PER_MINUTE),
        (4, 3 * MS_PER_MINUTE),
    ]
    text = render_summary(result, "M1", wanted.output)
    assert "15 of 20 open periods have no bar, in 2 gaps" in text
    document = json.loads(json.dumps(render_document(result, "M1", wanted.output), default=str))
    assert (document["missing_bars"], document["bars"]) == (15, 5)
