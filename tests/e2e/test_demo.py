"""The demo as a person runs it: the real command, real sockets, TLS, protobuf and SQLite."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.timeout(180)


def run_palmbot(*arguments, cwd):
    return subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-m", "palmbot", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def run_demo(*arguments, cwd):
    done = run_palmbot("demo", "--json", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_sound(figures):
    assert figures["duplicates"] == 0
    assert figures["positions_without_stop"] == 0
    assert figures["orders_sent"] == (
        figures["orders_at_broker"] + figures["refused_unplaced"] + figures["never_arrived"]
    )
    assert figures["journal"]["verified"]
    assert figures["replay"]["identical"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_leaves_every_order_accounted_for(tmp_path, seed):
    figures = run_demo("--days", 5, "--faults", "storm", "--seed", seed, cwd=tmp_path)
    assert_sound(figures)
    assert figures["reconnects"] > 0


def test_the_same_seed_gives_the_same_run(tmp_path):
    runs = [run_demo("--days", 3, "--faults", "storm", "--seed", 11, cwd=tmp_path) for _ in "ab"]
    for figures in runs:
        del figures["seconds"]
    assert runs[0] == runs[1]


def test_the_journal_of_a_demo_verifies_replays_and_exports_from_the_command_line(tmp_path):
    run_demo("--days", 2, "--faults", "none", cwd=tmp_path)
    journal = tmp_path / "palmbot-demo" / "journal.sqlite"
    assert run_palmbot("journal", "verify", journal, cwd=tmp_path).returncode == 0
    assert run_palmbot("journal", "replay", journal, cwd=tmp_path).returncode == 0
    exported = run_palmbot("journal", "export", journal, cwd=tmp_path).stdout.splitlines()
    assert len([json.loads(line) for line in exported]) > 1_000


def test_a_contract_in_another_currency_is_traded_through_its_conversion_symbol(tmp_path):
    figures = run_demo("--days", 10, "--faults", "none", "--symbol", "FCPO", cwd=tmp_path)
    assert_sound(figures)
    assert figures["orders_sent"] > 0


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared price files are not here")
@pytest.mark.parametrize(
    ("name", "symbol", "is_long_enough_to_trade"),
    [
        ("xauusd_m1_quotes_201405.csv.gz", "XAUUSD", True),
        ("xauusd_ticks_20140501.parquet", "XAUUSD", False),
        ("dce_palm_olein_p_daily_2023_2026.csv.gz", "PALMOLEIN", True),
    ],
)
def test_real_prices_are_played_to_their_end(tmp_path, name, symbol, is_long_enough_to_trade):
    figures = run_demo("--data", DATA / name, "--symbol", symbol, cwd=tmp_path)
    assert_sound(figures)
    assert figures["trades"] > 0 or not is_long_enough_to_trade


def test_a_directory_that_is_not_a_demos_own_is_left_alone(tmp_path):
    treasure = tmp_path / "palmbot-demo" / "treasure.txt"
    treasure.parent.mkdir()
    treasure.write_text("mine")
    refused = run_palmbot("demo", "--days", 1, cwd=tmp_path)
    assert refused.returncode == 1
    assert "not a demo's" in refused.stderr
    assert treasure.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--symbol", "SUGARRAW"), 1, "no market for 'SUGARRAW'"),
        (("--days", 0), 1, "--days is 1 to 366"),
        (("--faults", "hurricane"), 2, "hurricane"),
        (("--data", "missing.csv"), 1, "missing.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_report(tmp_path, arguments, code, sentence):
    refused = run_palmbot("demo", *arguments, cwd=tmp_path)
    assert refused.returncode == code
    assert sentence in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "demo-report.html").exists()
