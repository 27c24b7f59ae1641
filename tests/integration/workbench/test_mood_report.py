"""`palmbot sentiment report` from a real file of bars and a real recording."""

import csv
import json
import math
from datetime import UTC, datetime

import pytest

from palmbot.cli.main import run_command
from palmbot.domain.mood import Driver, Evidence, MoodMet
from palmbot.sentiment.recorder import Recorder
from palmbot.sentiment.recording import FetchStatus, RecordedFetch

MONDAY_MS = 1_772_409_600_000
PERIOD_MS = 4 * 3_600_000
BARS = 240
RECORDED = 120
"""The last ones: a file of bars may begin long before."""


def write_bars(path):
    price = 4_000.0
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("time", "open", "high", "low", "close"))
        for number in range(BARS):
            moment = datetime.fromtimestamp((MONDAY_MS + number * PERIOD_MS) / 1000, UTC)
            close = price * (1 + 0.006 * math.sin(number / 3))
            high, low = max(price, close) + 1, min(price, close) - 1
            numbers = [f"{each:.2f}" for each in (price, high, low, close)]
            writer.writerow((moment.isoformat(), *numbers))
            price = close


def record(path, score):
    recorder = Recorder(path)
    for number in range(BARS - RECORDED, BARS):
        at = MONDAY_MS + number * PERIOD_MS - 60_000
        recorder.note_fetch(
            RecordedFetch(
                asked_at=at - 500,
                received_at=at,
                stored_at=at,
                key="PALMOIL",
                provider="perplexity",
                mode="search_decide",
                model="m",
                prompt_hash="",
                status=FetchStatus.STORED,
                unknown_reason=None,
                score=score,
                confidence=0.9,
                drivers=frozenset({Driver.STOCKS}),
                evidence=tuple(
                    Evidence(domain=each, reference="", title_hash="", dated_at=None)
                    for each in ("a.com", "b.com", "c.com")
                ),
                evidence_at=at,
                raw_sha256="",
                cost_usd=0.001,
                latency_ms=500,
            )
        )
    recorder.note_service(
        MoodMet(
            served_at=MONDAY_MS + 200 * PERIOD_MS,
            market_time=MONDAY_MS + 200 * PERIOD_MS,
            signal=1,
            mode="off",
            cache_state="fresh",
            source="perplexity",
            score=score,
            confidence=0.9,
            age_ms=60_000,
            veto_allows=False,
            veto_percent=100,
            confirm_allows=False,
        )
    )
    recorder.close()


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bars(tmp_path / "bars.csv")
    record(tmp_path / "recording.sqlite", -90)


def test_a_small_sample_is_shown_in_full_and_given_no_verdict(files, capsys):
    arguments = ["sentiment", "report", "bars.csv", "--recording", "recording.sqlite", "--json"]
    assert run_command(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    worth = found["worth"]
    assert worth["coverage"] == 1.0
    assert worth["without"]["trades"] > worth["with_mood"]["trades"]  # every long is vetoed
    assert (worth["verdict"], worth["placebos"]) == (None, 60)
    assert "20 trading days of the 60 it takes" in worth["refusal"]
    assert (found["signals"], found["known_signals"], found["vetoed"]) == (1, 1, 1)


def test_bars_of_another_time_are_refused(tmp_path, files, capsys):
    with (tmp_path / "bars.csv").open() as file:
        lines = file.read().replace("2026-", "2019-")
    (tmp_path / "old.csv").write_text(lines)
    assert run_command(["sentiment", "report", "old.csv", "--recording", "recording.sqlite"]) == 1
    assert "0 bars in common" in " ".join(capsys.readouterr().err.split())
