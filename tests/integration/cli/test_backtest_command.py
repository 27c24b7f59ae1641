"""`palmbot backtest` and `palmbot data check` as a person or a program calls them."""

import csv
import json

import numpy as np
import pytest

from harness.bar_series import draw_series
from harness.research_pages import write_bars
from palmbot.cli.main import run_command

KEYS = {
    "bars",
    "trades",
    "wins",
    "win_rate",
    "profit_factor",
    "net_return",
    "max_drawdown",
    "sharpe",
    "ambiguous_bars",
    "gap_exits",
    "open_at_end",
}


@pytest.fixture
def bars(tmp_path):
    return write_bars(tmp_path / "bars.csv", draw_series(np.random.default_rng(3), 400))


def run_json(capsys, *words):
    code = run_command([*map(str, words), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out)


def refusal_of(capsys, *words):
    code = run_command([*map(str, words)])
    captured = capsys.readouterr()
    assert captured.out == ""
    text = " ".join(captured.err.split())
    assert text.startswith("palmbot: ")
    assert "Traceback" not in text
    return code, text


def test_the_json_has_every_key_that_was_promised_and_fits_itself(capsys, bars):
    code, found = run_json(
        capsys, "backtest", bars, "--tp", 1, "--sl", 0.8, "--rsi-buy", 35, "--breakers", "off"
    )
    assert code == 0
    assert set(found) >= KEYS
    assert found["bars"] == 400
    assert found["trades"] == found["longs"] + found["shorts"] > 10
    assert found["win_rate"] == found["wins"] / found["trades"]
    assert found["profit_factor"] < found["without_costs"]["profit_factor"]
    assert sum(part["trades"] for part in found["parts"]) == found["trades"]
    assert found["bounds"]["pessimistic"]["profit_factor"] == found["profit_factor"]
    assert found["bounds"]["optimistic"]["net_return"] >= found["net_return"]
    low, high = found["profit_factor_interval"]
    assert low < found["profit_factor"] < high
    assert len(found["source"]["sha256"]) == len(found["source"]["code_sha256"]) == 64


def test_without_a_loss_the_profit_factor_is_null(capsys, bars):
    _, found = run_json(capsys, "backtest", bars, "--rsi-buy", 0.5, "--rsi-sell", 99.5)
    assert (found["trades"], found["profit_factor"], found["win_rate"]) == (0, None, None)
    assert "Only 0 trades" in found["warnings"][0]


@pytest.fixture
def contracts(tmp_path):
    """Bars of two contracts one after the other, the second 6 % dearer."""
    lines = write_bars(tmp_path / "one.csv", draw_series(np.random.default_rng(3), 400))
    header, *rows = lines.read_text().splitlines()
    names = header.split(",")
    priced = [n for n, name in enumerate(names) if name in {"open", "high", "low", "close"}]
    for number, row in enumerate(rows):
        cells = row.split(",")
        if number >= 200:
            for place in priced:
                cells[place] = f"{float(cells[place]) * 1.06:.2f}"
        rows[number] = ",".join([*cells, "M" if number < 200 else "N"])
    path = tmp_path / "contracts.csv"
    path.write_text("\n".join([f"{header},contract", *rows]) + "\n")
    return path


def test_rolls_are_marked_by_default_and_taken_out_on_demand_in_every_form(
    capsys, contracts, tmp_path
):
    _, plain = run_json(capsys, "backtest", contracts)
    assert plain["rolls"]["treatment"] == "flag"
    assert plain["rolls"]["adjusted"] == []
    assert plain["rolls"]["suspected"] >= 1
    page = tmp_path / "page.html"
    _, found = run_json(capsys, "backtest", contracts, "--rolls", "adjust", "--report", page)
    (roll,) = found["rolls"]["adjusted"]
    assert found["rolls"]["treatment"] == "adjust"
    assert (roll["evidence"], roll["is_estimated"]) == ("the contract changes", True)
    assert roll["ratio"] == pytest.approx(1.06, abs=0.03)
    sentence = f"every earlier price times {roll['ratio']:.5f}"
    assert any(sentence in each for each in found["warnings"])
    assert sentence in page.read_text()
    assert sentence not in json.dumps(plain)
    code = run_command(["backtest", str(contracts), "--rolls", "adjust"])
    assert code == 0
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_a_calendar_names_the_ratio_and_the_check_of_the_file_tells_it(capsys, contracts, tmp_path):
    _, plain = run_json(capsys, "backtest", contracts, "--rolls", "adjust")
    time_ms = plain["rolls"]["adjusted"][0]["time_ms"]
    moment = str(np.datetime64(time_ms, "ms"))[:16]
    calendar = tmp_path / "calendar.csv"
    calendar.write_text(f"date,ratio\n{moment},1.06\n")
    words = (contracts, "--rolls", "adjust", "--roll-calendar", calendar)
    page = tmp_path / "check.html"
    code, found = run_json(capsys, "data", "check", *words, "--report", page)
    assert code == 0
    expected = {
        "time_ms": time_ms,
        "evidence": "the contract changes",
        "ratio": 1.06,
        "is_estimated": False,
    }
    assert found["rolls"] == "adjust"
    assert found["adjusted"] == [expected]
    assert any("given by the calendar" in each for each in found["notes"])
    assert "given by the calendar" in page.read_text()
    _, replayed = run_json(capsys, "backtest", *words)
    assert replayed["rolls"]["adjusted"] == [expected]


def test_a_calendar_that_makes_no_sense_is_refused_by_name(capsys, contracts, tmp_path):
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("2024-03-09,1.8 %\n")
    code, text = refusal_of(capsys, "backtest", contracts, "--roll-calendar", calendar)
    assert code == 1
    assert "--roll-calendar" in text
    assert "line 1: '1.8 %' is no ratio" in text


def test_costs_by_parts_replace_the_flat_cost(capsys, bars):
    _, flat = run_json(capsys, "backtest", bars, "--breakers", "off")
    assert flat["costs"]["cost_bp"] == 5
    _, parts = run_json(
        capsys, "backtest", bars, "--breakers", "off", "--spread", 2, "--commission", 1, "--swap=-2"
    )
    assert (parts["costs"]["cost_bp"], parts["costs"]["commission_bp"]) == (0, 1)
    assert parts["costs"]["spread"] > 0
    assert parts["costs"]["charged"] > 0
    assert parts["source"]["has_spread"]
    assert parts["account"]["swap"] < 0


def test_the_csv_of_trades_is_in_per_cent_and_adds_up(capsys, bars, tmp_path):
    place = tmp_path / "trades.csv"
    _, found = run_json(capsys, "backtest", bars, "--breakers", "off", "--trades", place)
    rows = list(csv.DictReader(place.read_text().splitlines()))
    assert len(rows) == found["trades"]
    worth = np.prod([1 + float(row["net_return_percent"]) / 100 for row in rows])
    assert worth - 1 == pytest.approx(found["net_return"], abs=1e-6)
    assert rows[0]["entry_time"].endswith("+00:00")
    assert {row["reason"] for row in rows} <= {"stop", "target", "end of file"}


def test_a_person_gets_a_table_a_judgement_and_the_page(capsys, bars, tmp_path):
    page = tmp_path / "page.html"
    assert run_command(["backtest", str(bars), "--report", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "profit factor, same stake, after costs" in shown
    assert "Within chance" in shown or "Not evidence" in shown or "It loses" in shown
    assert "<title>bars.csv: backtest</title>" in page.read_text()


def test_a_recording_of_sentiment_keeps_entries_away(capsys, bars, tmp_path):
    mood = tmp_path / "mood.csv"
    first = bars.read_text().splitlines()[1].split(",")[0]
    mood.write_text(f"time_ms,score,confidence,domains,has_driver\n{first},0,0.9,4,true\n")
    _, found = run_json(
        capsys, "backtest", bars, "--sentiment", mood, "--sentiment-mode", "confirm"
    )
    assert found["trades"] == 0
    assert found["refusals"] == [{"code": "SENTIMENT", "count": found["signals"]}]
    assert found["setting"]["sentiment"] == "confirm (mood.csv)"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--rsi-buy", "70", "--rsi-sell", "30"], "--rsi-buy and --rsi-sell: need 0 <= buy < sell"),
        (["--tp", "0"], "--tp: a distance is from 0.01"),
        (["--sl", "nan"], "--sl: a distance is from 0.01"),
        (["--sl", "1.234"], "--sl: the bot takes whole hundredths"),
        (["--cost-bp", "-1"], "--cost-bp: from 0"),
        (["--spread", "-1"], "--spread: in price units"),
        (["--spread", "9999"], "--spread: 9999 is as much as the price"),
        (["--swap", "5000"], "--swap: within 1000"),
        (["--period-rsi", "1"], "--period-rsi: from 2"),
        (["--period-rsi", "500"], "--period-rsi: 500 needs at least 502 bars"),
        (["--balance", "0"], "--balance: from 1"),
        (["--risk", "0"], "--risk: from 0.01"),
        (["--zone", "Mars"], "--zone: there is no time zone 'Mars'"),
        (["--sentiment", "none.csv"], "none.csv: there is no such file; check --sentiment"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(capsys, bars, words, what):
    code, text = refusal_of(capsys, "backtest", bars, *words)
    assert code == 1
    assert what in text


@pytest.mark.parametrize("words", [["--breakers", "maybe"], ["--tp", "two"], ["--unknown", "1"]])
def test_a_word_that_is_no_value_is_a_usage_error(capsys, bars, words):
    assert run_command(["backtest", str(bars), *words]) == 2


def test_nothing_is_left_behind_when_the_file_is_bad(capsys, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("time,open,high,low,close\n2024-01-01,1,2,x,1\n")
    report, trades = tmp_path / "r.html", tmp_path / "t.csv"
    code, text = refusal_of(capsys, "backtest", bad, "--report", report, "--trades", trades)
    assert code == 1
    assert "bad.csv" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]
    code, text = refusal_of(capsys, "backtest", bad, "--report", tmp_path / "no" / "r.html")
    assert "cannot be written there" in text


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("time_ms,score\n1,2\n", "columns confidence, domains, has_driver are missing"),
        ("time_ms,score,confidence,domains,has_driver\n1,900,0.5,3,true\n", "line 2: a score is"),
        ("time_ms,score,confidence,domains,has_driver\n1,x,0.5,3,true\n", "line 2 is no reading"),
        ("time_ms,score,confidence,domains,has_driver\n1,5,7,3,true\n", "line 2: confidence"),
        (
            "time_ms,score,confidence,domains,has_driver\n5,5,0.5,3,true\n1,5,0.5,3,true\n",
            "line 3 is before the line above",
        ),
    ],
)
def test_a_bad_recording_is_refused_with_its_line(capsys, bars, tmp_path, rows, what):
    mood = tmp_path / "mood.csv"
    mood.write_text(rows)
    code, text = refusal_of(capsys, "backtest", bars, "--sentiment", mood)
    assert code == 1
    assert what in text


def test_a_data_check_tells_a_person_and_a_program_the_same(capsys, bars, tmp_path):
    page = tmp_path / "check.html"
    code, found = run_json(capsys, "data", "check", bars, "--report", page)
    assert code == 0
    assert (found["file"], found["bars"], found["period_ms"]) == ("bars.csv", 400, 3_600_000)
    assert {item["name"] for item in found["items"]} >= {"missing bars", "flat bars", "jumps"}
    assert "data check" in page.read_text()
    assert run_command(["data", "check", str(bars)]) == 0
    assert found["sha256"] in capsys.readouterr().out.replace("\n", "")


def test_a_data_check_of_an_unfit_file_shows_why_and_ends_with_1(capsys, bars):
    lines = bars.read_text().splitlines()
    lines[50] = lines[50].replace(lines[50].split(",")[2], "1.00", 1)
    bars.write_text("\n".join(lines))
    code, found = run_json(capsys, "data", "check", bars)
    assert (code, found["grade"]) == (1, "refuse")
    assert "line 51" in next(item["text"] for item in found["items"] if item["grade"] == "refuse")
    code, found = run_json(capsys, "data", "check", bars, "--accept-bad-bars", "drop")
    assert (code, found["bars"], found["rows"]) == (0, 399, 400)
