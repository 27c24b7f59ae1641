"""`palmbot optimize` as a person types it."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import harness.warm_sweep  # noqa: F401 - compiles before the clock of a test runs
from palmbot.cli.main import run_command
from palmbot.research.engines import ThreadEngine
from palmbot.research.grid import make_single
from palmbot.research.optimize import OptimizeSettings
from palmbot.research.rules import OWNER_DEFAULTS
from palmbot.research.sweep import SweepOptions

SHARED = Path(__file__).parents[3] / "shared" / "data"
DAILY = SHARED / "dce_palm_olein_p_daily_2023_2026.csv.gz"
HEADER = "rsi_buy,rsi_sell,tp,sl,profit_factor,win_rate"
SMALL = ("--rsi-buy", "25:35:5", "--rsi-sell", "65:75:5", "--tp", "1:2:0.5", "--sl", "1,1.5")
HOUR_MS = 3_600_000


@pytest.fixture
def bars(tmp_path, monkeypatch):
    """A CSV of 400 hourly bars in an empty folder that is also the working directory."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    closes = 4000 * np.exp(np.cumsum(rng.normal(0, 0.004, 400)))
    opens = np.concatenate([[4000], closes[:-1]])
    lines = ["time_ms,open,high,low,close"]
    for bar, (opening, close) in enumerate(zip(opens, closes, strict=True)):
        high, low = max(opening, close) + 3, min(opening, close) - 3
        lines.append(
            f"{1_700_000_400_000 + bar * HOUR_MS},{opening:.2f},{high:.2f},{low:.2f},{close:.2f}"
        )
    path = tmp_path / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*words):
    return run_command(["optimize", *map(str, words)])


def test_table_has_the_owners_columns_and_one_row_for_each_combination(bars, capsys):
    assert run(bars, "--json") == 0
    text = Path("backtest_results.csv").read_bytes().decode()
    assert "\r" not in text
    lines = text.splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 193
    assert lines[1].startswith("20,65,1.5,1,")
    assert lines[-1].startswith("35,80,3,2,")
    assert not re.search("inf|nan", text)
    with Path("backtest_statistics.csv").open() as file:
        statistics = list(csv.DictReader(file))
    for row, more in zip(csv.DictReader(lines), statistics, strict=True):
        assert [row[key] for key in ("rsi_buy", "rsi_sell", "tp", "sl")] == [
            more[key] for key in ("rsi_buy", "rsi_sell", "tp", "sl")
        ]
        loss = float(more["gross_loss"])
        if loss == 0:
            assert row["profit_factor"] == ""
        else:
            factor = float(more["gross_profit"]) / loss
            assert float(row["profit_factor"]) == pytest.approx(factor, abs=2e-6)
        trades = int(more["trades"])
        assert (row["win_rate"] == "") == (trades == 0)
        if trades:
            assert float(row["win_rate"]) == pytest.approx(
                int(more["wins"]) / trades * 100, abs=1e-4
            )
    document = json.loads(capsys.readouterr().out)
    factors = [float(row["profit_factor"] or 0) for row in csv.DictReader(lines)]
    assert document["above_target"] == sum(factor > 1.5 for factor in factors)
    assert document["combinations"] == 192
    assert {"best", "verdict", "reasons", "null_p_value", "walk_forward", "pbo"} < document.keys()
    assert {"deflated_sharpe", "seconds"} < document.keys()
    assert document["verdict"] in {"ROBUST", "FRAGILE", "NOISE"}
    assert document["defaults"]["rsi_buy"] == 30
    assert not list(Path().glob("*.unfinished"))


def test_best_is_chosen_without_the_bars_that_are_held_out(bars, capsys):
    assert run(bars, *SMALL, "--json", "--min-trades", "10") == 0
    best = json.loads(capsys.readouterr().out)["best"]
    with Path("backtest_statistics.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if int(row["trades"]) >= 10 and int(row["is_trades"]) >= 7 and row["is_pf"]
        ]
    assert best["in_sample"]["profit_factor"] == pytest.approx(
        max(float(row["is_pf"]) for row in rows), abs=1e-6
    )
    point = [word for key in ("rsi_buy", "rsi_sell", "tp", "sl")
             for word in ("--" + key.replace("_", "-"), f"{best[key]:g}")]  # fmt: skip
    part = bars.with_name("part.csv")
    part.write_text("\n".join(bars.read_text().splitlines()[:281]) + "\n")  # 70 % of 400 bars
    assert run(part, *point, "--json") == 0
    (row,) = csv.DictReader(Path("backtest_results.csv").read_text().splitlines())
    assert float(row["profit_factor"]) == pytest.approx(
        best["in_sample"]["profit_factor"], abs=1e-6
    )


def test_few_trades_are_never_called_unlikely_luck(bars, capsys):
    # Two trades with a profit factor of 71 once stood there with a chance of 0 % beside them.
    assert run(bars, "--min-trades", "300", "--target", "0.1", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["best"] is None
    assert document["verdict"] == "NOISE"
    assert document["above"]
    assert {each["noise_chance"] for each in document["above"]} == {1.0}
    assert {each["verdict"] for each in document["above"]} == {"NOISE"}


@pytest.mark.parametrize("more", [("--workers", "1"), ("--workers", "3")])
def test_results_are_the_same_bytes_for_any_number_of_threads(bars, more):
    assert run(bars, *SMALL) == 0
    one = [Path(name).read_bytes() for name in ("backtest_results.csv", "backtest_statistics.csv")]
    assert run(bars, *SMALL, *more, "--output", "other.csv") == 0
    assert [Path(name).read_bytes() for name in ("other.csv", "other_statistics.csv")] == one


def test_run_that_was_broken_off_goes_on_and_ends_in_the_same_bytes(bars, monkeypatch, capsys):
    assert run(bars, *SMALL, "--output", "whole.csv") == 0
    search = ThreadEngine.search
    numbers_searched = []

    def break_off(engine, job, numbers):
        for number, best in zip(numbers, search(engine, job, numbers), strict=True):
            if number == 150:
                raise KeyboardInterrupt
            yield best

    def count(engine, job, numbers):
        numbers_searched.extend(numbers)
        return search(engine, job, numbers)

    monkeypatch.setattr(ThreadEngine, "search", break_off)
    assert run(bars, *SMALL, "--output", "broken.csv") == 130
    assert not Path("broken.csv").exists()
    assert Path("broken.csv.unfinished").is_dir()
    monkeypatch.setattr(ThreadEngine, "search", count)
    capsys.readouterr()
    assert run(bars, *SMALL, "--output", "broken.csv") == 0
    assert "finished part of an earlier run" in capsys.readouterr().err
    assert numbers_searched == list(range(150, 400))
    assert Path("broken.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert Path("broken_statistics.csv").read_bytes() == Path("whole_statistics.csv").read_bytes()
    assert not Path("broken.csv.unfinished").exists()


def test_unfinished_work_of_another_question_is_not_used(bars, monkeypatch):
    search = ThreadEngine.search

    def break_off(engine, job, numbers):
        yield next(iter(search(engine, job, numbers[:1])))
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadEngine, "search", break_off)
    assert run(bars, *SMALL, "--cost-bp", "50", "--output", "a.csv") == 130
    monkeypatch.setattr(ThreadEngine, "search", search)
    assert run(bars, *SMALL, "--output", "a.csv") == 0
    assert run(bars, *SMALL, "--output", "b.csv") == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_require_turns_another_outcome_into_exit_1(bars):
    assert run(bars, *SMALL, "--target", "50", "--require", "found") == 1
    assert run(bars, *SMALL, "--target", "0.01", "--require", "found", "--min-trades", "5") == 0
    assert run(bars, *SMALL, "--require", "robust") == 1
    assert Path("backtest_results.csv").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--rsi-buy", "20:35:4"), "--rsi-buy"),
        (("--rsi-buy", "80"), "below every rsi_sell"),
        (("--tp", "0"), "above 0 percent"),
        (("--sl", "x"), "--sl: 'x'"),
        (("--cost-bp", "-1"), "--cost-bp"),
        (("--in-sample", "1"), "--in-sample"),
        (("--min-trades", "0"), "--min-trades"),
        (("--target", "0"), "--target"),
        (("--resamples", "20"), "--resamples"),
        (("--workers", "0"), "--workers"),
        (("--period-rsi", "1"), "--period-rsi"),
        (("--address", "tcp://127.0.0.1:1"), "--engine dask"),
        (("--output", "no/such/folder.csv"), "--output"),
        (("--output", "."), "is a folder"),
    ],
)
def test_option_that_makes_no_sense_is_refused_in_one_sentence(bars, capsys, words, says):
    assert run(bars, *words) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert list(Path().glob("*.csv")) == [Path("bars.csv")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"time_ms,open,high,low,close\n",
        b"a,b,c\n1,2,3\n",
        b"time_ms,open,high,low,close\n" + b"1700000000000,1,1,1,x\n" * 200,
        b"time_ms,open,high,low,close\n1700000000000,1,1,1,1\n1700003600000,1,1,1,1\n",
        b"\x00\xff\x12",
    ],
)
def test_file_that_cannot_be_used_is_refused_and_leaves_nothing(bars, capsys, content):
    bars.write_bytes(content)
    assert run(bars) == 1
    assert "bars.csv" in capsys.readouterr().err.replace("\n", "")
    assert sorted(path.name for path in Path().iterdir()) == ["bars.csv"]


def test_prices_of_zero_are_refused_with_their_line(bars, capsys):
    lines = bars.read_text().splitlines()
    lines[200] = ",".join([lines[200].split(",")[0], "0", "0", "0", "0"])
    bars.write_text("\n".join(lines))
    assert run(bars) == 1
    assert "line 201" in capsys.readouterr().err


def test_usage_errors_exit_with_2(bars):
    assert run() == 2
    assert run(bars, "--engine", "gpu") == 2
    assert run(bars, "--min-trades", "many") == 2


@pytest.mark.skipif(not DAILY.exists(), reason="the shared price files are not here")
def test_real_palm_olein_is_judged_without_flattery(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(DAILY, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bars"] == 725
    assert document["verdict"] == "NOISE"
    assert document["null_p_value"] > 0.05


def test_rolls_taken_out_are_told_in_every_form_and_are_another_search(bars, tmp_path, capsys):
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("date,ratio\n2023-11-20,1.02\n")
    page = tmp_path / "page.html"
    words = (bars, *SMALL, "--roll-calendar", calendar, "--json")
    assert run(*words) == 0
    marked = json.loads(capsys.readouterr().out)
    assert (marked["rolls"]["treatment"], marked["rolls"]["adjusted"]) == ("flag", [])
    assert run(*words, "--rolls", "adjust", "--report", page) == 0
    adjusted = json.loads(capsys.readouterr().out)
    (roll,) = adjusted["rolls"]["adjusted"]
    assert (roll["ratio"], roll["is_estimated"]) == (1.02, False)
    sentence = "every earlier price times 1.02000, given by the calendar."
    assert any(sentence in each for each in adjusted["warnings"])
    assert sentence in page.read_text()
    assert adjusted["sha256"] == marked["sha256"]
    assert adjusted["defaults"] != marked["defaults"]


def test_what_is_left_without_trades_over_a_roll_is_told(bars, tmp_path, capsys):
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("\n".join(f"2023-11-{day}" for day in range(16, 31)) + "\n")
    page = tmp_path / "page.html"
    words = (bars, *SMALL, "--min-trades", 3, "--roll-calendar", calendar)
    assert run(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert run(*words, "--report", page) == 0
    told = " ".join(capsys.readouterr().out.split())
    for name in ("best", "defaults"):
        whole, left = found[name], found["rolls"][f"{name}_without"]
        assert left["trades"] == whole["trades"] - whole["trades_over_rolls"] < whole["trades"]
        assert f"without the {whole['trades_over_rolls']} over a suspected change" in told
    assert "over a suspected change of contract" in page.read_text()
    assert run(bars, *SMALL, "--min-trades", 3, "--json") == 0
    plain = json.loads(capsys.readouterr().out)["rolls"]
    assert (plain["best_without"], plain["defaults_without"]) == (None, None)


def run_json(capsys, *words):
    assert run(*words, *SMALL, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_breakers_are_off_unless_asked_for_and_the_answer_says_so(bars, capsys):
    tight = ("--rsi-buy", "45", "--rsi-sell", "55", "--tp", "0.3", "--sl", "0.3,0.4", "--json")
    documents = []
    for more in ((), ("--breakers", "on", "--report", "page.html")):
        assert run(bars, *tight, *more) == 0
        documents.append(json.loads(capsys.readouterr().out))
    plain, guarded = documents
    assert (plain["breakers"], guarded["breakers"]) == (False, True)
    assert "breakers off; sentiment off" in plain["settings"]
    assert "breakers on; sentiment off" in guarded["settings"]
    assert 0 < guarded["best"]["trades"] < plain["best"]["trades"]
    forward = [each["walk_forward"]["rolling"]["trades"] for each in documents]
    assert 0 < forward[1] < forward[0]
    assert "<dt>Breakers</dt><dd>on</dd>" in Path("page.html").read_text()


def test_recorded_sentiment_keeps_out_of_every_part_of_the_search(bars, capsys):
    plain = run_json(capsys, bars)
    never = "time_ms,score,confidence,domains,has_driver\n1,0,1,5,true\n"
    Path("mood.csv").write_text(never)
    silent = run_json(
        capsys, bars, "--sentiment", "mood.csv", "--sentiment-mode", "confirm", "--report", "a.html"
    )
    assert silent["sentiment"].startswith("confirm (mood.csv, refusals ")
    assert silent["defaults"]["trades"] == 0
    assert silent["walk_forward"]["rolling"]["trades"] == 0
    assert silent["null_p_value"] == 1.0
    assert "confirm (mood.csv" in Path("a.html").read_text()
    vetoing = run_json(capsys, bars, "--sentiment", "mood.csv")
    assert vetoing["defaults"] == plain["defaults"]


def test_a_broken_off_run_is_not_resumed_with_other_breakers_or_scores():
    grid = make_single(OWNER_DEFAULTS)
    settings = OptimizeSettings(grid=grid, options=SweepOptions())
    others = (
        OptimizeSettings(grid=grid, options=SweepOptions(has_breakers=True)),
        OptimizeSettings(grid=grid, options=SweepOptions(), sentiment="veto (a.csv, refusals 12)"),
        OptimizeSettings(grid=grid, options=SweepOptions(), sentiment="veto (a.csv, refusals 13)"),
    )
    keys = {each.make_key("same file") for each in (settings, *others)}
    assert len(keys) == 4
