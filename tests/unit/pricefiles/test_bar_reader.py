"""Which exports of bars are read, what is said of them, and what is refused with its place."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.bar_reader import ReadOptions, inspect_bars, read_bars
from palmbot.pricefiles.quality import Grade
from palmbot.pricefiles.stamps import DateOrder

START = datetime(2024, 3, 4, tzinfo=UTC)
START_MS = 1_709_510_400_000
ROWS = 240
HOUR = timedelta(hours=1)


def moments(step=HOUR, count=ROWS):
    return [START + number * step for number in range(count)]


def prices(number):
    base = 4_400 + number % 7
    return [f"{base}.5", f"{base + 2}.5", f"{base - 1}.0", f"{base + 1}.0"]


def write(path, rows, header=None, delimiter=",", end="\n"):
    lines = [] if header is None else [header]
    lines += [delimiter.join(row) for row in rows]
    path.write_bytes((end.join(lines) + end).encode())
    return path


def plain_rows(step=HOUR, pattern="%Y-%m-%d %H:%M:%S"):
    return [
        [moment.strftime(pattern), *prices(number)] for number, moment in enumerate(moments(step))
    ]


OHLC = "time,open,high,low,close"


def item_of(result, name):
    return next((item for item in result.quality.items if item.name == name), None)


def refusal_of(path, options=None):
    with pytest.raises(InputInvalid) as caught:
        read_bars(path, options or ReadOptions())
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def assert_first_bars(series):
    assert len(series) == ROWS
    assert series.time_ms[:2].tolist() == [START_MS, START_MS + series.period_ms]
    assert (series.open[0], series.high[0], series.low[0], series.close[0]) == (
        4400.5,
        4402.5,
        4399.0,
        4401.0,
    )


def test_metatrader_5_with_two_volumes_and_a_spread_in_points(tmp_path):
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    rows = [
        [moment.strftime("%Y.%m.%d"), moment.strftime("%H:%M:%S"), *prices(number), "17", "0", "12"]
        for number, moment in enumerate(moments())
    ]
    result = read_bars(write(tmp_path / "mt5.csv", rows, header, "\t", "\r\n"))
    assert_first_bars(result.series)
    assert result.series.spread[0] == pytest.approx(1.2)
    assert result.series.asks.high[0] == pytest.approx(4403.7)
    assert item_of(result, "zero volume").count == 0
    assert any("<VOL>" in note for note in result.quality.notes)


def test_metatrader_4_and_histdata_without_a_header(tmp_path):
    rows = [
        [moment.strftime("%Y.%m.%d"), moment.strftime("%H:%M"), *prices(number), "17"]
        for number, moment in enumerate(moments())
    ]
    result = read_bars(write(tmp_path / "mt4.csv", rows))
    assert_first_bars(result.series)
    assert any("No header" in note for note in result.quality.notes)


def test_histdata_ascii_is_in_eastern_time_without_summer(tmp_path):
    rows = [
        [moment.strftime("%Y%m%d %H%M%S"), *prices(number), "0"]
        for number, moment in enumerate(moments(timedelta(minutes=1)))
    ]
    path = write(tmp_path / "histdata.csv", rows, delimiter=";")
    series = read_bars(path, ReadOptions(zone="EST")).series
    assert series.time_ms[0] == START_MS + 5 * 60 * MS_PER_MINUTE
    assert series.period_ms == MS_PER_MINUTE
    assert read_bars(path).series.time_ms[0] == START_MS


@pytest.mark.parametrize("stamp", ["unix", "iso"])
def test_tradingview_with_indicators(tmp_path, stamp):
    rows = [
        [
            str(int(moment.timestamp()))
            if stamp == "unix"
            else moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            *prices(number),
            "17",
            "55.1",
        ]
        for number, moment in enumerate(moments())
    ]
    result = read_bars(write(tmp_path / "tv.csv", rows, "time,open,high,low,close,Volume,RSI"))
    assert_first_bars(result.series)
    assert any("RSI" in note for note in result.quality.notes)


def test_dukascopy_with_days_before_points_and_flat_weekends(tmp_path):
    rows = [
        [moment.strftime("%d.%m.%Y %H:%M:%S.000"), *prices(number), "17.5"]
        for number, moment in enumerate(moments())
    ]
    for row in rows[100:148]:
        row[1:] = ["4400", "4400", "4400", "4400", "0"]
    result = read_bars(write(tmp_path / "d.csv", rows, "Gmt time,Open,High,Low,Close,Volume"))
    assert_first_bars(result.series)
    flat = item_of(result, "flat bars")
    assert (flat.count, flat.grade) == (48, Grade.WARN)
    assert flat.example == START_MS + 100 * 3_600_000
    assert item_of(result, "zero volume").count == 48


def test_yahoo_uses_the_close_and_not_the_adjusted_one(tmp_path):
    rows = [
        [moment.strftime("%Y-%m-%d"), *prices(number), "1.0", "12345"]
        for number, moment in enumerate(moments(timedelta(days=1)))
    ]
    result = read_bars(write(tmp_path / "y.csv", rows, "Date,Open,High,Low,Close,Adj Close,Volume"))
    assert result.series.close[0] == 4401.0
    assert any("Adj Close" in note for note in result.quality.notes)


def investing_rows(pattern):
    rows = [
        f'"{moment.strftime(pattern)}","4,40{number % 7 + 1}.00","4,40{number % 7}.50",'
        f'"4,41{number % 7}.50","4,39{number % 7}.00","12.3K","0.12%"'
        for number, moment in enumerate(moments(timedelta(days=1)))
    ]
    return list(reversed(rows))


def test_investing_is_newest_first_with_thousands_and_suffixes(tmp_path):
    path = tmp_path / "i.csv"
    header = '"Date","Price","Open","High","Low","Vol.","Change %"'
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([header, *investing_rows("%m/%d/%Y")]).encode())
    result = read_bars(path)
    series = result.series
    assert (series.time_ms[0], series.period_ms) == (START_MS, MS_PER_DAY)
    assert (series.open[0], series.close[0]) == (4400.5, 4401.0)
    assert "month-first" in result.quality.zone
    assert "newest first" in item_of(result, "unsorted rows").text
    assert item_of(result, "volume regime").text.startswith("median volume 12,300")


def test_days_before_months_are_found_by_a_day_above_12(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text("\n".join(['"Date","Price","Open","High","Low","Vol.","Change %"',
                               *investing_rows("%d/%m/%Y")]))  # fmt: skip
    assert read_bars(path).series.time_ms[0] == START_MS
    text = refusal_of(path, ReadOptions(dates=DateOrder.MONTH_FIRST))
    assert "--dates day-first" in text


def test_ambiguous_dates_are_refused_until_a_person_says(tmp_path):
    days = [datetime(2000 + year, month, day, tzinfo=UTC)
            for year in range(3) for month in range(1, 13) for day in range(1, 13)]  # fmt: skip
    rows = [[day.strftime("%d/%m/%Y"), *prices(n)] for n, day in enumerate(days)]
    path = write(tmp_path / "a.csv", rows, "date,open,high,low,close")
    text = refusal_of(path)
    assert "line 2, column 'date': '01/01/2000'" in text
    assert "--dates day-first or --dates month-first" in text
    series = read_bars(path, ReadOptions(dates=DateOrder.DAY_FIRST)).series
    assert series.time_ms[1] == int(days[1].timestamp() * 1000)


def test_the_history_of_this_bot(tmp_path):
    path = tmp_path / "history.parquet"
    pl.DataFrame(
        {
            "time_ms": [START_MS + 3_600_000 * number for number in range(ROWS)],
            **{
                name: [float(prices(number)[column]) for number in range(ROWS)]
                for column, name in enumerate(("open", "high", "low", "close"))
            },
            "volume": list(range(ROWS)),
        }
    ).write_parquet(path)
    result = read_bars(path)
    assert_first_bars(result.series)
    assert result.series.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_bars_of_bid_and_ask_gzipped(tmp_path):
    header = "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close"
    rows = [
        [row[0], *row[1:], *(str(float(price) + 0.25) for price in row[1:])] for row in plain_rows()
    ]
    plain = write(tmp_path / "q.csv", rows, header)
    packed = tmp_path / "q.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    result = read_bars(packed)
    assert_first_bars(result.series)
    assert result.series.ask is not None
    assert result.series.asks.close[0] == 4401.25
    assert "median 0.25" in item_of(result, "spread").text


def test_a_decimal_comma_is_read_only_on_request(tmp_path):
    rows = [
        [row[0], *(f"4.{each[1:].replace('.', ',')}" for each in row[1:])] for row in plain_rows()
    ]
    path = write(tmp_path / "c.csv", rows, OHLC.replace(",", ";"), ";")
    assert "--decimal-comma" in refusal_of(path)
    assert_first_bars(read_bars(path, ReadOptions(is_decimal_comma=True)).series)


def test_local_times_are_turned_into_utc_also_over_a_change_of_the_clock(tmp_path):
    athens = [START + timedelta(hours=24 * 25) + number * HOUR for number in range(ROWS)]
    rows = [
        [(moment + timedelta(hours=2 + (moment >= datetime(2024, 3, 31, 1, tzinfo=UTC)))).strftime(
            "%Y-%m-%d %H:%M"), *prices(number)]
        for number, moment in enumerate(athens)
    ]  # fmt: skip
    path = write(tmp_path / "athens.csv", rows, OHLC)
    series = read_bars(path, ReadOptions(zone="Europe/Athens")).series
    assert set(np.diff(series.time_ms).tolist()) == {3_600_000}
    assert "does not exist in Europe/Athens" in refusal_of(
        write(tmp_path / "gap.csv", [["2024-03-31 03:30", *prices(0)], *rows], OHLC),
        ReadOptions(zone="Europe/Athens"),
    )


def test_an_unknown_zone_is_refused():
    with pytest.raises(InputInvalid, match="--zone: there is no time zone 'Mars'"):
        read_bars(Path("nothing.csv"), ReadOptions(zone="Mars"))


def spoiled(tmp_path, spoil, header=OHLC):
    rows = plain_rows()
    spoil(rows)
    return write(tmp_path / "bad.csv", rows, header)


def test_bad_bars_are_refused_with_their_lines_or_left_out_and_counted(tmp_path):
    def spoil(rows):
        rows[10][2] = "1"
        rows[20][1] = "0"
        rows[30][4] = "null"
        rows[40][3] = "-5"

    path = spoiled(tmp_path, spoil)
    assert "(line 32)" in refusal_of(path)
    found = inspect_bars(path).quality
    assert found.grade is Grade.REFUSE
    texts = {item.name: item.text for item in found.items if item.grade is Grade.REFUSE}
    assert "line 12" in texts["impossible bars"]
    assert "a price that is not above 0 in 2 rows (line 22, line 42)" in texts["zero or negative"]
    kept = read_bars(path, ReadOptions(drops_bad_bars=True))
    assert len(kept.series) == ROWS - 4
    assert "left out" in item_of(kept, "impossible bars").text
    assert kept.quality.rows == ROWS


def test_rows_told_twice_are_kept_once_and_rows_that_contradict_are_refused(tmp_path):
    same = spoiled(tmp_path, lambda rows: rows.insert(5, list(rows[4])))
    result = read_bars(same)
    assert len(result.series) == ROWS
    assert item_of(result, "duplicates").count == 1
    other = spoiled(tmp_path, lambda rows: rows.insert(5, [*rows[4][:4], "4405.25"]))
    assert "the time of another row, but other prices in 1 row (line 7)" in refusal_of(other)
    assert len(read_bars(other, ReadOptions(drops_bad_bars=True)).series) == ROWS


def test_crossed_quotes_are_refused(tmp_path):
    header = "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close"
    rows = [[*row, *row[1:]] for row in plain_rows()]
    rows[7][7] = "4397.0"
    assert "an ask below the bid in 1 row (line 9)" in refusal_of(
        write(tmp_path / "q.csv", rows, header)
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "is empty"),
        ("time,open,high,low,close\n", "no rows"),
        ("time,open,high,low\n1,2,3,4\n", "columns found are: time, open, high, low"),
        ("a,b\nc,d\n", "columns found are: a, b"),
        ("1,2,3,4\n1,2,3,4\n", "in no layout that is known"),
    ],
)
def test_what_is_no_file_of_bars_is_refused(tmp_path, content, what):
    path = tmp_path / "no.csv"
    path.write_text(content)
    assert what in refusal_of(path)


def test_a_column_of_words_and_too_few_bars_are_refused(tmp_path):
    words = spoiled(tmp_path, lambda rows: [row.__setitem__(2, "high") for row in rows])
    assert "the column 'high' holds no numbers: line 2 has 'high'" in refusal_of(words)
    short = spoiled(tmp_path, lambda rows: rows.__delitem__(slice(199, None)))
    assert "199 bars, but at least 200" in refusal_of(short)
    assert inspect_bars(short).quality.bars == 199


def test_ticks_and_weeks_are_no_bars(tmp_path):
    ticks = write(tmp_path / "t.csv", [[r[0], "1", "2"] for r in plain_rows()], "time,bid,ask")
    assert "holds ticks" in refusal_of(ticks)
    weeks = write(tmp_path / "w.csv", plain_rows(timedelta(days=7), "%Y-%m-%d"), OHLC)
    assert "median step between its rows is 7 days" in refusal_of(weeks)


def test_bars_of_two_periods_are_refused_and_one_short_step_is_told(tmp_path):
    def mix(rows):
        for number, moment in enumerate(moments(timedelta(minutes=5), 60)):
            rows.append([(moment + timedelta(days=20)).strftime("%Y-%m-%d %H:%M:%S"),
                         *prices(number)])  # fmt: skip

    assert "bars of several periods" in refusal_of(spoiled(tmp_path, mix))
    one = spoiled(tmp_path, lambda rows: rows[50].__setitem__(0, "2024-03-06 01:30:00"))
    assert item_of(read_bars(one), "overlapping bars").count == 1


def test_prices_of_more_than_five_decimals_are_rounded_and_it_is_said(tmp_path):
    path = spoiled(tmp_path, lambda rows: rows[3].__setitem__(4, "4404.123456789"))
    result = read_bars(path)
    assert result.series.close[3] == 4404.12346
    assert any("rounded to 0.00001" in note for note in result.quality.notes)


def test_missing_bars_are_counted_inside_trading_hours_only(tmp_path):
    weekdays = [m for m in moments(HOUR, 24 * 7 * 8) if m.weekday() < 5 and 2 <= m.hour < 10]
    rows = [[m.strftime("%Y-%m-%d %H:%M"), *prices(n)] for n, m in enumerate(weekdays)]
    whole = read_bars(write(tmp_path / "w.csv", rows, OHLC))
    assert item_of(whole, "missing bars").count == 0
    assert item_of(whole, "gaps over night") is not None
    assert item_of(whole, "gaps over weekend").count == 7
    del rows[100:103]
    torn = item_of(read_bars(write(tmp_path / "t.csv", rows, OHLC)), "missing bars")
    assert torn.count == 3
    assert torn.example == int(weekdays[100].timestamp() * 1000)


def test_mostly_flat_bars_are_refused(tmp_path):
    def flatten(rows):
        for row in rows[: ROWS * 9 // 10]:
            row[1:] = ["4400"] * 4

    assert "results would be meaningless" in refusal_of(spoiled(tmp_path, flatten))


def test_rolls_are_suspected_by_contract_open_interest_and_gap(tmp_path):
    rows = [
        [m.strftime("%Y-%m-%d"), *prices(n), "1000", "FCPOH" if n < 150 else "FCPOM"]
        for n, m in enumerate(moments(timedelta(days=1)))
    ]
    rows[50][5] = "100"
    for row in rows[100:]:
        row[1:5] = [f"{float(price) * 1.05:.1f}" for price in row[1:5]]
    header = "date,open,high,low,close,open_interest,contract"
    result = read_bars(write(tmp_path / "r.csv", rows, header))
    assert result.series.rolls.tolist() == [50, 51, 100, 150]
    item = item_of(result, "contract rolls")
    assert (item.count, item.grade) == (4, Grade.WARN)
    assert "Nothing was adjusted" in item.text


def test_daily_stamps_a_day_early_are_told(tmp_path):
    days = [m - timedelta(days=1) for m in moments(timedelta(days=1), 400) if m.weekday() < 5]
    rows = [[m.strftime("%Y-%m-%d"), *prices(n)] for n, m in enumerate(days)]
    result = read_bars(write(tmp_path / "e.csv", rows, "date,open,high,low,close"))
    assert "a day early" in item_of(result, "trade dates").text


def test_coarse_bars_are_told_against_the_bracket(tmp_path):
    path = spoiled(tmp_path, lambda rows: None)
    assert item_of(read_bars(path), "range against bracket").grade is Grade.OK
    tight = ReadOptions(take_profit=0.1, stop_loss=0.1)
    assert item_of(read_bars(path, tight), "range against bracket").grade is Grade.WARN


def test_a_cut_keeps_both_sides_and_moves_the_rolls(tmp_path):
    series = read_bars(spoiled(tmp_path, lambda rows: None)).series
    part = series.cut(10, 20)
    assert len(part) == 10
    assert part.open[0] == series.open[10]
    assert part.time_ms[-1] == series.time_ms[19]
