"""A recording tells what was known at a moment, never more, and keeps what it has."""

import sqlite3
from dataclasses import replace

import pytest

from palmbot.domain.errors import ConfigInvalid, InputInvalid
from palmbot.domain.mood import Driver, Evidence, MoodMet
from palmbot.sentiment.recorder import Recorder
from palmbot.sentiment.recording import (
    FetchStatus,
    RecordedFetch,
    Recording,
    read_recording,
)

NOON = 1_780_000_000_000
PAD_MS = 1_000

STORED = RecordedFetch(
    asked_at=NOON - 900,
    received_at=NOON,
    stored_at=NOON,
    key="PALMOIL/1",
    provider="perplexity",
    mode="search_decide",
    model="pplx-decider-v1.2",
    prompt_hash="a" * 16,
    status=FetchStatus.STORED,
    unknown_reason=None,
    score=-64,
    confidence=0.7,
    drivers=frozenset({Driver.STOCKS, Driver.PRICE_ACTION}),
    evidence=(
        Evidence(
            domain="reuters.com", reference="https://a", title_hash="1", dated_at=NOON - 60_000
        ),
        Evidence(domain="bernama.com", reference="https://b", title_hash="2", dated_at=None),
    ),
    evidence_at=NOON - 60_000,
    raw_sha256="b" * 64,
    cost_usd=0.0011,
    latency_ms=900,
)


def failed(at):
    return replace(
        STORED,
        asked_at=at,
        received_at=at,
        stored_at=None,
        status=FetchStatus.FAILED,
        unknown_reason="rate_limited",
        score=None,
        confidence=0.0,
        drivers=frozenset(),
        evidence=(),
        evidence_at=None,
    )


SERVED = MoodMet(
    served_at=NOON + 5_000,
    market_time=NOON + 4_000,
    signal=1,
    mode="off",
    cache_state="fresh",
    source="perplexity",
    score=-64,
    confidence=0.7,
    age_ms=4_000,
    veto_allows=True,
    veto_percent=100,
    confirm_allows=False,
)


def test_what_was_recorded_is_read_back_equal(tmp_path):
    path = tmp_path / "recording.sqlite"
    recorder = Recorder(path)
    recorder.note_fetch(STORED)
    recorder.note_fetch(failed(NOON + 280_000))
    recorder.note_service(SERVED)
    recorder.close()
    recording = read_recording(path)
    assert recording.fetches == (STORED, failed(NOON + 280_000))
    assert recording.services == (SERVED,)
    assert recorder.lost == 0


def test_nothing_newer_than_the_bar_is_known_and_before_the_first_row_all_is_unknown():
    recording = Recording((STORED, replace(STORED, received_at=NOON + 200_000, score=50)), ())
    assert recording.known_at(NOON + PAD_MS - 1) is None
    assert recording.known_at(NOON + PAD_MS).score == -64
    assert recording.known_at(NOON + 200_000 + PAD_MS - 1).score == -64
    assert recording.known_at(NOON + 200_000 + PAD_MS).score == 50


def test_a_reading_comes_back_with_its_grounds():
    known = Recording((STORED,), ()).known_at(NOON + 10_000)
    assert (known.confidence, known.domains, known.has_driver, known.as_of) == (0.7, 2, True, NOON)
    past_price = replace(STORED, drivers=frozenset({Driver.PRICE_ACTION}))
    assert not Recording((past_price,), ()).known_at(NOON + 10_000).has_driver


def test_an_expired_score_is_served_only_after_a_failed_fetch_and_for_35_minutes():
    alone = Recording((STORED,), ())
    assert alone.known_at(NOON + 299_999) is not None
    assert alone.known_at(NOON + 300_000) is None
    in_vain = Recording((STORED, failed(NOON + 290_000)), ())
    assert in_vain.known_at(NOON + 300_000).score == -64
    assert in_vain.known_at(NOON + 2_100_000).score == -64
    assert in_vain.known_at(NOON + 2_100_001) is None


def test_an_answer_that_was_not_believed_is_never_replayed():
    doubted = replace(STORED, status=FetchStatus.QUARANTINED, stored_at=None)
    assert Recording((doubted,), ()).known_at(NOON + 10_000) is None


def test_a_full_disk_loses_no_row_that_was_recorded_and_raises_nothing(tmp_path):
    path = tmp_path / "recording.sqlite"
    recorder = Recorder(path, pages_max=30)
    for number in range(400):
        recorder.note_fetch(replace(STORED, received_at=NOON + number))
    recorder.close()
    assert recorder.lost > 0
    kept = read_recording(path).fetches
    assert [each.received_at for each in kept] == [NOON + n for n in range(len(kept))]
    assert len(kept) + recorder.lost == 400
    later = Recorder(path)
    later.note_fetch(replace(STORED, received_at=NOON + 1_000))
    later.close()
    assert len(read_recording(path).fetches) == len(kept) + 1


def test_a_recording_only_grows(tmp_path):
    path = tmp_path / "recording.sqlite"
    recorder = Recorder(path)
    recorder.note_fetch(STORED)
    recorder.close()
    with sqlite3.connect(path) as connection:
        for statement in ("DELETE FROM fetch", "UPDATE fetch SET score = 99"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                connection.execute(statement)
    connection.close()


def test_another_database_is_neither_read_nor_written(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(ConfigInvalid, match="no recording"):
        Recorder(path)
    with pytest.raises(InputInvalid, match="no recording"):
        read_recording(path)
    with pytest.raises(InputInvalid, match="there is no recording"):
        read_recording(tmp_path / "missing.sqlite")
