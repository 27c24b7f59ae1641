"""Known and suspected rolls: what a calendar may say, and what taking a jump out does to prices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.bar_series import HOUR_MS, START_MS, draw_series, make_series
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY
from palmbot.pricefiles.bar_reader import ReadOptions, read_bars
from palmbot.pricefiles.roll_adjustment import RollTreatment, adjust_rolls
from palmbot.pricefiles.roll_calendar import locate_rolls, read_roll_calendar
from palmbot.pricefiles.rolls import Evidence, Rolls, read_gaps
from palmbot.pricefiles.series import AskBars

DCE = (
    Path(__file__).parents[3].parent / "shared" / "data" / "dce_palm_olein_p_daily_2023_2026.csv.gz"
)
needs_dce = pytest.mark.skipif(not DCE.is_file(), reason="the price files are not here")
ADJUST = ReadOptions(rolls=RollTreatment.ADJUST)
MEASURED = {
    "2023-08-15": -1.5,
    "2023-12-13": 0.6,
    "2024-04-11": -4.4,
    "2024-08-14": -1.8,
    "2024-12-13": -6.6,
}
"""Opening gaps in per cent of the bars where open interest leaps."""


def calendar_of(tmp_path, text):
    path = tmp_path / "calendar.csv"
    path.write_text(text)
    return read_roll_calendar(path)


def rolls_at(series, **evidence):
    bars = np.array(sorted(int(name[1:]) for name in evidence), dtype=np.int64)
    kinds = tuple(evidence[f"b{bar}"] for bar in bars)
    return Rolls(bars=bars, evidence=kinds, gaps=read_gaps(series)[bars])


# -- the calendar ----------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "date,ratio\n"])
def test_a_calendar_has_dates_and_ratios_where_they_are_known(tmp_path, header):
    calendar = calendar_of(tmp_path, header + "2024-08-14, 0.985\n\n2024-12-13T21:00\n")
    assert [(each.text, each.ratio) for each in calendar.rolls] == [
        ("2024-08-14", 0.985),
        ("2024-12-13T21:00", None),
    ]
    assert len(calendar.digest) == 64


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no roll in it"),
        ("date,ratio\n", "has no roll in it"),
        ("14.08.2024,0.98\n", "line 1: '14.08.2024' is no date"),
        ("2024-08-14,0.98\n2024-12-13,x\n", "line 2: 'x' is no ratio"),
        ("2024-08-14,-1.8\n", "new contract's price divided by the old one's"),
        ("2024-08-14,98.2\n", "from 0.5 to 2, was 98.2"),
        ("2024-08-14,nan\n", "was nan"),
        ("2024-08-14,0.9,5\n", "has 3 cells"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_its_line(tmp_path, text, problem):
    with pytest.raises(InputInvalid, match="--roll-calendar") as caught:
        calendar_of(tmp_path, text)
    assert problem in str(caught.value)


def test_a_calendar_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(InputInvalid, match="cannot read"):
        read_roll_calendar(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputInvalid, match="is no text"):
        read_roll_calendar(tmp_path / "binary.csv")


def test_a_date_is_the_first_bar_on_or_after_it_in_the_zone_of_the_file(tmp_path):
    series = make_series([(100, 101, 99, 100)] * 60)  # hours from Monday 2024-03-04 00:00 UTC
    calendar = calendar_of(tmp_path, "2024-03-05\n2024-03-05T07:30,1.01\n2024-03-01\n2024-04-01\n")
    assert locate_rolls(calendar, series, "UTC") == ({24: None, 32: 1.01}, 2)
    # 00:00 and 07:30 in Kuala Lumpur are 16:00 and 23:30 UTC of the day before.
    assert locate_rolls(calendar, series, "Asia/Kuala_Lumpur") == ({16: None, 24: 1.01}, 2)
    zoned = calendar_of(tmp_path, "2024-03-05T02:00+02:00\n")
    assert locate_rolls(zoned, series, "Asia/Kuala_Lumpur") == ({24: None}, 0)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kuala_Lumpur"])
def test_daily_bars_that_carry_their_trade_date_are_met_by_it_in_every_zone(tmp_path, zone):
    series = make_series([(100, 101, 99, 100)] * 9, step_ms=MS_PER_DAY)
    assert locate_rolls(calendar_of(tmp_path, "2024-03-07\n"), series, zone) == ({3: None}, 0)


def test_two_dates_for_one_bar_are_refused(tmp_path):
    times = START_MS + np.array([0, 1, 2, 6, 7]) * MS_PER_DAY
    series = make_series([(100, 101, 99, 100)] * 5, step_ms=MS_PER_DAY, times=times)
    calendar = calendar_of(tmp_path, "2024-03-08\n2024-03-10\n")
    with pytest.raises(InputInvalid, match="line 2: 2024-03-10 falls on the same bar"):
        locate_rolls(calendar, series, "UTC")


# -- taking jumps out ------------------------------------------------------------------------


@pytest.mark.parametrize("with_ask", [False, True])
@pytest.mark.parametrize("digits", [0, 2, 5])
def test_returns_within_a_contract_stay_and_jumps_between_two_are_gone(with_ask, digits):
    series = draw_series(np.random.default_rng(1), 200, spread=0.001 * with_ask, digits=digits)
    rolls = rolls_at(series, b60=Evidence.CONTRACT, b140=Evidence.CONTRACT)
    found = adjust_rolls(series, rolls, {140: 1.03})
    adjusted = found.series
    first, second = found.adjustments
    assert (first.is_given, second.is_given, second.ratio) == (False, True, 1.03)
    assert first.ratio == pytest.approx(series.open[60] / series.close[59])
    sides = ("open", "high", "low", "close")
    for before, after in zip((series, series.ask), (adjusted, adjusted.ask), strict=True):
        if before is None:
            assert after is None
            continue
        for side in sides:
            old, new = getattr(before, side), getattr(after, side)
            assert np.array_equal(new[140:], old[140:])
            assert new[60:140] == pytest.approx(old[60:140] * 1.03, rel=1e-5)
            assert new[:60] == pytest.approx(old[:60] * 1.03 * first.ratio, rel=1e-5)
            units = np.rint(new * 100_000)
            assert np.array_equal(units[:140] / 100_000, new[:140])
            assert not np.any(units % 10 ** (5 - adjusted.digits))
        assert (after.low <= np.minimum(after.open, after.close)).all()
        assert (after.high >= np.maximum(after.open, after.close)).all()
    assert adjusted.open[60] == pytest.approx(adjusted.close[59], rel=1e-5)
    assert (adjusted.spread >= 0).all()
    assert adjusted.digits == min(5, digits + 2)
    assert adjusted.rolls is series.rolls
    assert adjusted.digest == series.digest


def test_only_the_best_evidence_of_the_file_is_adjusted_and_never_a_mere_gap():
    series = draw_series(np.random.default_rng(2), 100)
    everything = {
        "b10": Evidence.GAP,
        "b20": Evidence.OPEN_INTEREST,
        "b21": Evidence.CALENDAR,
        "b30": Evidence.CONTRACT,
    }
    expected = {"b30": 2, "b21": 1, "b20": 0}
    for name, left in expected.items():
        found = adjust_rolls(series, rolls_at(series, **everything), {})
        assert [f"b{each.bar}" for each in found.adjustments] == [name]
        assert found.left == left
        del everything[name]
    found = adjust_rolls(series, rolls_at(series, **everything), {})
    assert found.adjustments == ()
    assert found.series is series


def test_a_ratio_where_the_contract_does_not_change_is_refused():
    series = draw_series(np.random.default_rng(2), 100)
    rolls = rolls_at(series, b30=Evidence.CONTRACT, b40=Evidence.CALENDAR)
    with pytest.raises(InputInvalid, match="a ratio is given for"):
        adjust_rolls(series, rolls, {40: 0.99})
    assert len(adjust_rolls(series, rolls, {40: None}).adjustments) == 1


def test_prices_that_would_leave_the_range_are_refused():
    series = make_series([(1e-5, 2e-5, 1e-5, 1e-5)] * 9, digits=5)
    with pytest.raises(InputInvalid, match="leave the range of prices"):
        adjust_rolls(series, rolls_at(series, b4=Evidence.CALENDAR), {4: 0.5 - 1e-9})


def test_the_usual_gap_is_that_of_breaks_without_a_roll():
    bars = [(100, 100, 100, 100)] * 30
    times = START_MS + (np.arange(30) + 30 * (np.arange(30) // 10)) * HOUR_MS
    series = make_series(bars, times=times)
    opening = series.open.copy()
    opening[10], opening[20] = 99.0, 150.0
    series = replace(series, open=opening)
    found = adjust_rolls(series, rolls_at(series, b20=Evidence.OPEN_INTEREST), {})
    assert found.usual_gap == pytest.approx(0.01)


# -- from the file ---------------------------------------------------------------------------


def write_contracts(path):
    """Two hundred hours of a continuous series; from the hundredth on the next contract, +5 %."""
    lines = ["time_ms,open,high,low,close,contract"]
    for bar in range(200):
        price = (4_000 + bar % 9) * (1.05 if bar >= 100 else 1.0)
        name = "FCPOM" if bar >= 100 else "FCPOH"
        lines.append(
            f"{START_MS + bar * HOUR_MS},{price:.1f},{price + 4:.1f},{price - 4:.1f},"
            f"{price + 1:.1f},{name}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def test_by_default_nothing_is_adjusted_and_the_reading_is_the_plain_one(tmp_path):
    path = write_contracts(tmp_path / "c.csv")
    result = read_bars(path)
    assert result.series.rolls.tolist() == [100]
    assert result.rolls.adjustments == ()
    assert result.rolls.key == ""
    assert not any("Roll" in note for note in result.quality.notes)


def test_a_contract_column_is_adjusted_and_told_with_its_ratio(tmp_path):
    path = write_contracts(tmp_path / "c.csv")
    plain, result = read_bars(path).series, read_bars(path, ADJUST)
    ratio = plain.open[100] / plain.close[99]
    (found,) = result.rolls.adjustments
    assert (found.bar, found.evidence, found.is_given) == (100, Evidence.CONTRACT, False)
    assert found.ratio == pytest.approx(ratio)
    assert result.series.open[0] == pytest.approx(plain.open[0] * ratio, rel=1e-6)
    assert result.series.rolls.tolist() == [100]
    told = " ".join(result.quality.notes)
    assert f"every earlier price times {ratio:.5f}, estimated from the opening gap" in told
    item = next(each for each in result.quality.items if each.name == "contract rolls")
    assert "Nothing was adjusted" not in item.text
    assert result.rolls.key


def test_a_calendar_gives_the_ratio_of_a_contract_column(tmp_path):
    path = write_contracts(tmp_path / "c.csv")
    calendar = tmp_path / "cal.csv"
    calendar.write_text("2024-03-08T04:00,1.05\n2030-01-01,1.1\n")
    result = read_bars(path, replace(ADJUST, roll_calendar=calendar))
    (found,) = result.rolls.adjustments
    assert (found.ratio, found.is_given) == (1.05, True)
    told = " ".join(result.quality.notes)
    assert "1 of its 2 dates lie within the file; the others are ignored" in told
    assert "given by the calendar" in told
    assert "estimated" not in told


def test_a_calendar_alone_marks_bars_and_makes_another_reading_of_the_file(tmp_path):
    path = write_contracts(tmp_path / "c.csv")
    calendar = tmp_path / "cal.csv"
    keys = set()
    for date in ("2024-03-06", "2024-03-07"):
        calendar.write_text(date)
        result = read_bars(path, ReadOptions(roll_calendar=calendar))
        assert len(result.series.rolls) == 2
        assert np.array_equal(result.series.open, read_bars(path).series.open)
        keys.add(result.rolls.key)
    keys |= {read_bars(path).rolls.key, read_bars(path, ADJUST).rolls.key}
    assert len(keys) == 4


def test_a_gap_alone_is_not_adjusted_and_the_reader_says_so(tmp_path):
    path = write_contracts(tmp_path / "c.csv")
    text = "\n".join(line.rpartition(",")[0] for line in path.read_text().splitlines())
    path.write_text(text + "\n")
    result = read_bars(path, ADJUST)
    assert result.series.rolls.tolist() == [100]
    assert result.rolls.adjustments == ()
    assert any("nothing was adjusted" in note for note in result.quality.notes)
    assert np.array_equal(result.series.open, read_bars(path).series.open)


def test_bid_and_ask_move_together(tmp_path):
    series = make_series([(100, 101, 99, 100)] * 6 + [(110, 111, 109, 110)] * 6, spread=0.5)
    assert isinstance(series.ask, AskBars)
    adjusted = adjust_rolls(series, rolls_at(series, b6=Evidence.CALENDAR), {6: 1.1}).series
    assert adjusted.ask is not None
    assert adjusted.ask.open[0] == pytest.approx(100.5 * 1.1)
    assert adjusted.spread[0] == pytest.approx(0.55)
    assert adjusted.spread[6] == pytest.approx(0.5)


# -- the real file ---------------------------------------------------------------------------


def date_of(time_ms):
    return str(np.datetime64(int(time_ms), "ms"))[:10]


@needs_dce
def test_the_real_file_is_adjusted_at_the_five_leaps_of_open_interest():
    plain, result = read_bars(DCE).series, read_bars(DCE, ADJUST)
    found = {
        date_of(each.time_ms): round((each.ratio - 1) * 100, 1) for each in result.rolls.adjustments
    }
    assert found == MEASURED
    assert {each.evidence for each in result.rolls.adjustments} == {Evidence.OPEN_INTEREST}
    whole = np.prod([each.ratio for each in result.rolls.adjustments])
    assert result.series.close[0] == pytest.approx(plain.close[0] * whole, abs=0.006)
    assert result.series.close[-1] == plain.close[-1]
    # The largest gap of all is no roll by any evidence but its size, and stays.
    gaps = read_gaps(result.series)
    largest = int(np.argmin(gaps))
    assert date_of(plain.time_ms[largest]) == "2025-04-10"
    assert gaps[largest] == pytest.approx(-0.0801, abs=1e-4)


@needs_dce
def test_on_the_real_file_the_days_of_a_calendar_are_adjusted_and_no_others(tmp_path):
    calendar = tmp_path / "cal.csv"
    calendar.write_text("date,ratio\n2024-12-13,0.94\n2024-04-11\n")
    result = read_bars(DCE, replace(ADJUST, roll_calendar=calendar))
    found = [(date_of(each.time_ms), each.is_given) for each in result.rolls.adjustments]
    assert found == [("2024-04-11", False), ("2024-12-13", True)]
    assert any("3 bars that only a weaker reason" in note for note in result.rolls.notes)
