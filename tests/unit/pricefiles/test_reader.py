"""Which price files are read, and what is said of those that are not."""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.prices import PriceKind
from palmbot.pricefiles.reader import read_price_file

START = datetime(2024, 3, 4, 2, 30, tzinfo=UTC)
START_MS = 1_709_519_400_000
ROWS = 240

Row = list[str]
Spoil = Callable[[list[Row]], None]


def ohlc_rows(step: timedelta = timedelta(minutes=5), pattern: str = "%Y-%m-%d %H:%M") -> list[Row]:
    return [
        [(START + number * step).strftime(pattern), "4400.5", "4402.5", "4399.0", "4401.0", "17"]
        for number in range(ROWS)
    ]


def tick_rows() -> list[Row]:
    return [
        [(START + timedelta(seconds=number)).isoformat(), f"{4400 + number % 3}", "4403.25"]
        for number in range(ROWS)
    ]


def write_csv(path: Path, header: str, rows: Sequence[Row], delimiter: str = ",") -> Path:
    lines = [header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(InputInvalid) as caught:
        read_price_file(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


OHLC = "time,open,high,low,close,volume"


def test_bars_of_one_series_become_integers_in_file_order(tmp_path):
    file = read_price_file(write_csv(tmp_path / "p.csv", OHLC, ohlc_rows()))
    assert file.kind is PriceKind.BARS
    assert (len(file), file.period_ms, file.digits) == (ROWS, 5 * MS_PER_MINUTE, 1)
    assert not file.has_quotes
    assert file.bars is not None
    assert file.times[:2].tolist() == [START_MS, START_MS + 5 * MS_PER_MINUTE]
    assert next(iter(file.bars.bid)) == (440_050_000, 440_250_000, 439_900_000, 440_100_000)
    assert file.bars.volumes[0] == 17
    first = file.render_bars()[0]
    assert (first.open_time, first.high, first.volume) == (START_MS, 440_250_000, 17)


def test_ticks_keep_bid_and_ask_and_may_share_a_millisecond(tmp_path):
    rows = tick_rows()
    rows[5][0] = rows[4][0]
    file = read_price_file(write_csv(tmp_path / "t.csv", "timestamp,bid,ask", rows))
    assert file.kind is PriceKind.TICKS
    assert file.has_quotes
    assert file.period_ms is None
    assert file.ticks is not None
    assert (file.ticks.bids[1], file.ticks.asks[1]) == (440_100_000, 440_325_000)
    assert file.digits == 2
    assert file.render_bars() == ()


def test_quote_bars_keep_both_sides(tmp_path):
    header = "Time,ask_close,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low"
    stamps = [row[0] for row in ohlc_rows()]
    rows = [[stamp, "10.5", "10", "11", "9", "10", "10.5", "11.5", "9.5"] for stamp in stamps]
    file = read_price_file(write_csv(tmp_path / "q.csv", header, rows))
    assert file.has_quotes
    assert file.bars is not None
    assert file.bars.ask is not None
    assert next(iter(file.bars.bid)) == (1_000_000, 1_100_000, 900_000, 1_000_000)
    assert next(iter(file.bars.ask)) == (1_050_000, 1_150_000, 950_000, 1_050_000)


def test_dates_are_trade_dates_at_midnight_utc_and_the_notes_say_so(tmp_path):
    rows = ohlc_rows(timedelta(days=1), "%Y-%m-%d")
    file = read_price_file(write_csv(tmp_path / "d.csv", OHLC.replace("time", "Date"), rows))
    assert file.period_ms == MS_PER_DAY
    assert file.times[0] == START_MS - START_MS % MS_PER_DAY
    assert any("trade dates" in note for note in file.notes)


def test_stamps_without_a_zone_are_read_as_utc_and_the_notes_say_so(tmp_path):
    file = read_price_file(write_csv(tmp_path / "p.csv", OHLC, ohlc_rows()))
    assert any("read as UTC" in note for note in file.notes)


def test_stamps_with_a_zone_are_converted(tmp_path):
    rows = ohlc_rows(pattern="%Y-%m-%dT%H:%M:%S+08:00")
    file = read_price_file(write_csv(tmp_path / "z.csv", OHLC, rows))
    assert file.times[0] == START_MS - 8 * 60 * MS_PER_MINUTE


@pytest.mark.parametrize("per_second", [1, 1_000])
def test_unix_time_is_told_by_its_magnitude(tmp_path, per_second):
    rows = ohlc_rows()
    for number, row in enumerate(rows):
        row[0] = str((START_MS // 1_000 + 300 * number) * per_second)
    file = read_price_file(write_csv(tmp_path / "u.csv", OHLC, rows))
    assert file.times[0] == START_MS


def test_a_metatrader_export_with_date_and_time_in_two_columns_is_read(tmp_path):
    header = "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>,<SPREAD>"
    rows = [
        [*row[0].replace("-", ".").split(" "), *row[1:], "7"]
        for row in ohlc_rows(pattern="%Y-%m-%d %H:%M:%S")
    ]
    path = write_csv(tmp_path / "mt.csv", header.replace("<VOL>,", ""), rows, delimiter="\t")
    file = read_price_file(path)
    assert file.times[0] == START_MS
    assert any("<SPREAD>" in note for note in file.notes)


def test_columns_are_matched_by_name_whatever_their_case_and_order(tmp_path):
    rows = [[r[4], r[2], r[3], r[1], r[0], "9"] for r in ohlc_rows()]
    path = write_csv(tmp_path / "o.csv", "Close,HIGH,Low,open,Datetime,hold", rows, delimiter=";")
    file = read_price_file(path)
    assert file.bars is not None
    assert next(iter(file.bars.bid)) == (440_050_000, 440_250_000, 439_900_000, 440_100_000)
    assert any("hold" in note for note in file.notes)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    lines = [OHLC, *(",".join(row) for row in ohlc_rows())]
    path = tmp_path / "w.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert len(read_price_file(path)) == ROWS


def test_gzip_is_told_by_its_bytes_and_the_hash_is_of_the_stored_file(tmp_path):
    plain = write_csv(tmp_path / "p.csv", OHLC, ohlc_rows())
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    file = read_price_file(packed)
    assert file.bars == read_price_file(plain).bars
    assert file.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()


@pytest.mark.parametrize("zone", [None, "Asia/Kuala_Lumpur"])
def test_parquet_stamps_count_in_their_own_unit_and_zone(tmp_path, zone):
    path = tmp_path / "t.parquet"
    times = [START + timedelta(microseconds=1_500 * number) for number in range(ROWS)]
    frame = pl.DataFrame({"time": times, "bid": [1.5] * ROWS, "ask": [1.75] * ROWS})
    stamps = (
        pl.col("time").dt.convert_time_zone(zone)
        if zone
        else pl.col("time").dt.replace_time_zone(None)
    )
    frame.with_columns(stamps).write_parquet(path)
    file = read_price_file(path)
    assert file.times[:3].tolist() == [START_MS, START_MS + 1, START_MS + 3]


def test_parquet_dates_are_trade_dates(tmp_path):
    path = tmp_path / "d.parquet"
    days = [date(2024, 3, 4) + timedelta(days=number) for number in range(ROWS)]
    price = [4400.0] * ROWS
    pl.DataFrame(
        {"date": days, "open": price, "high": price, "low": price, "close": price}
    ).write_parquet(path)
    assert read_price_file(path).times[0] == START_MS - START_MS % MS_PER_DAY


def test_price_counts_as_close_only_where_there_is_no_close(tmp_path):
    header = "date,open,high,low,price"
    rows = [row[:5] for row in ohlc_rows(timedelta(days=1), "%Y-%m-%d")]
    file = read_price_file(write_csv(tmp_path / "i.csv", header, rows))
    assert file.bars is not None
    assert file.bars.bid.closes[0] == 440_100_000
    rows = [[*row, "1"] for row in rows]
    both = read_price_file(
        write_csv(tmp_path / "b.csv", f"{header},close".replace("price,close", "close,price"), rows)
    )
    assert any("price" in note for note in both.notes)


def set_cell(row: int, column: int, text: str) -> Spoil:
    def spoil(rows: list[Row]) -> None:
        rows[row][column] = text

    return spoil


def swap_rows(rows: list[Row]) -> None:
    rows[9], rows[10] = rows[10], rows[9]


def repeat_row(rows: list[Row]) -> None:
    rows[10] = list(rows[9])


def shift_row(rows: list[Row]) -> None:
    rows[10][0] = "2024-03-04 03:21"


def drop_cell(rows: list[Row]) -> None:
    rows[10] = rows[10][:3]


def add_cells(rows: list[Row]) -> None:
    rows[10] += ["1", "2"]


@pytest.mark.parametrize(
    ("spoil", "where", "what"),
    [
        (set_cell(10, 4, "4.401,0"), "line 12 has 7 cells", "where the header has 6"),
        (set_cell(10, 4, "n/a"), "line 12, column 'close'", "'n/a' is not a number"),
        (set_cell(10, 4, ""), "line 12, column 'close'", "is empty"),
        (set_cell(10, 1, "NaN"), "line 12, column 'open'", "is NaN"),
        (set_cell(10, 1, "0"), "line 12, column 'open'", "not above 0"),
        (set_cell(10, 1, "-1"), "line 12, column 'open'", "not above 0"),
        (set_cell(10, 1, "inf"), "line 12, column 'open'", "above 10,000,000"),
        (set_cell(10, 1, "4400.123456"), "line 12, column 'open'", "more than 5 decimals"),
        (set_cell(10, 5, "-3"), "line 12, column 'volume'", "not a volume"),
        (set_cell(10, 2, "4400.0"), "line 12", "high is below"),
        (set_cell(10, 3, "4400.6"), "line 12", "low is above"),
        (set_cell(10, 0, "04/03/2024 03:20"), "line 12, column 'time'", "not a time"),
        (set_cell(10, 0, "2024-02-30 03:20"), "line 12, column 'time'", "not a time"),
        (set_cell(10, 0, "2024-03-04"), "line 12, column 'time'", "not a time like"),
        (set_cell(10, 0, ""), "line 12, column 'time'", "not a time"),
        (swap_rows, "line 12", "sort the file by time"),
        (repeat_row, "line 12", "keep one row for each time"),
        (shift_row, "line 12", "6 minutes after the row above, but the bars are 5 minutes"),
        (drop_cell, "line 12, column 'low'", "is empty"),
        (add_cells, "line 12 has 8 cells", "where the header has 6"),
    ],
)
def test_an_unfit_row_of_bars_is_refused_with_its_place(tmp_path, spoil, where, what):
    rows = ohlc_rows()
    spoil(rows)
    text = refusal_of(write_csv(tmp_path / "bad.csv", OHLC, rows))
    assert where in text
    assert what in text


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (set_cell(10, 2, "4399"), "the ask is below the bid"),
        (repeat_row, "it repeats the row above"),
        (swap_rows, "sort the file by time"),
    ],
)
def test_an_unfit_tick_is_refused_with_its_line(tmp_path, spoil, what):
    rows = tick_rows()
    spoil(rows)
    text = refusal_of(write_csv(tmp_path / "bad.csv", "time,bid,ask", rows))
    assert "line 12" in text
    assert what in text


def test_crossed_quote_bars_are_refused_with_the_price_that_crosses(tmp_path):
    header = "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close"
    rows = [[row[0], "10", "11", "9", "10", "10.5", "11.5", "9.5", "10.5"] for row in ohlc_rows()]
    rows[20][7] = "8"
    text = refusal_of(write_csv(tmp_path / "bad.csv", header, rows))
    assert "line 22" in text
    assert "the low ask is below the low bid" in text


def test_a_row_of_parquet_is_named_by_its_number(tmp_path):
    path = tmp_path / "bad.parquet"
    times = [START + timedelta(seconds=number) for number in range(ROWS)]
    bids = [1.5] * ROWS
    bids[7] = float("nan")
    pl.DataFrame({"time": times, "bid": bids, "ask": [1.75] * ROWS}).write_parquet(path)
    text = refusal_of(path)
    assert "row 8, column 'bid'" in text
    assert "NaN" in text


def test_missing_columns_are_refused_with_those_found_and_needed(tmp_path):
    rows = [[row[0], row[1]] for row in ohlc_rows()]
    text = refusal_of(write_csv(tmp_path / "m.csv", "month,palm_oil", rows))
    assert "month, palm_oil" in text
    assert "open, high, low, close" in text


def test_two_columns_of_one_meaning_are_refused_by_name(tmp_path):
    rows = [[*row[:5], row[4]] for row in ohlc_rows()]
    text = refusal_of(write_csv(tmp_path / "two.csv", "time,open,high,low,close,CLOSE", rows))
    assert "'close' and 'CLOSE' both read as close" in text


def test_too_short_a_file_is_refused_with_the_number_needed(tmp_path):
    text = refusal_of(write_csv(tmp_path / "short.csv", OHLC, ohlc_rows()[:199]))
    assert "199 rows" in text
    assert "200" in text


def test_bars_off_the_grid_of_their_period_are_refused(tmp_path):
    rows = ohlc_rows(timedelta(hours=1))
    assert "whole multiples" in refusal_of(write_csv(tmp_path / "grid.csv", OHLC, rows))


@pytest.mark.parametrize(
    ("step", "name"), [(timedelta(days=7), "7 days"), (timedelta(seconds=10), "10 seconds")]
)
def test_steps_that_are_no_bar_period_are_refused(tmp_path, step, name):
    rows = ohlc_rows(step, "%Y-%m-%d %H:%M:%S")
    assert f"rows is {name}" in refusal_of(write_csv(tmp_path / "p.csv", OHLC, rows))


def test_a_missing_file_a_folder_and_an_empty_file_are_refused(tmp_path):
    assert "no such file" in refusal_of(tmp_path / "none.csv")
    assert "folder" in refusal_of(tmp_path)
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b" \n")
    assert "empty" in refusal_of(empty)
    bare = tmp_path / "bare.csv"
    bare.write_text(OHLC + "\n")
    assert "no rows" in refusal_of(bare)


def test_damaged_gzip_and_parquet_and_other_bytes_are_refused(tmp_path):
    plain = write_csv(tmp_path / "p.csv", OHLC, ohlc_rows()).read_bytes()
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(plain)[:-20])
    assert "gzip compression is damaged" in refusal_of(cut)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + bytes(64))
    assert "damaged or cut off" in refusal_of(broken)
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"time,open\n\xff\xfe\x00")
    assert "line 2 is not UTF-8" in refusal_of(picture)


def test_one_stamp_with_a_zone_among_stamps_without_is_refused(tmp_path):
    rows = ohlc_rows()
    rows[3][0] = START.astimezone(timezone(timedelta(hours=8))).isoformat()
    assert "line 5" in refusal_of(write_csv(tmp_path / "mixed.csv", OHLC, rows))
