"""Sentiment for a backtest: only what was recorded, and only from the moment it was known."""

import csv
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import Final

from palmbot.domain.errors import InputInvalid
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.units import TimestampMs
from palmbot.research.backtest import MoodSource
from palmbot.sentiment.recording import read_recording

SQLITE_MAGIC: Final = b"SQLite format 3\0"
COLUMNS: Final = ("time_ms", "score", "confidence", "domains", "has_driver")
SCORE_MAX: Final = 100
TRUE, FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no", ""})


def read_recorded_mood(path: Path) -> MoodSource:
    """Read what a bot recorded, or a CSV of scores.

    Of a CSV each score is known from its `time_ms` on, until the next one; an empty one says
    that from then on nothing was known. How long a score counts is the strategy's to say.

    Raises:
        InputInvalid: the file cannot be used; the sentence names the line.
    """
    try:
        content = path.read_bytes()
        if content.startswith(SQLITE_MAGIC):
            return read_recording(path).known_at
        text = content.decode("utf-8-sig")
    except FileNotFoundError as e:
        raise InputInvalid(f"{path}: there is no such file; check --sentiment.") from e
    except (OSError, UnicodeDecodeError) as e:
        raise InputInvalid(f"{path}: it cannot be read as text ({e}); give a CSV in UTF-8.") from e
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputInvalid(
            f"{path}: the columns {', '.join(missing)} are missing; a recording has "
            f"{', '.join(COLUMNS)}."
        )
    readings = [_read_row(path, row, line) for line, row in enumerate(reader, start=2)]
    times = [reading.as_of for reading in readings]
    for line, (before, after) in enumerate(pairwise(times), start=3):
        if after < before:
            raise InputInvalid(f"{path}: line {line} is before the line above it; sort by time_ms.")

    def known_at(time: TimestampMs) -> SentimentUpdated | None:
        index = bisect_right(times, time) - 1
        return readings[index] if index >= 0 else None

    return known_at


def _read_row(path: Path, row: dict[str, str], line: int) -> SentimentUpdated:
    try:
        score = int(row["score"]) if row["score"].strip() else None
        flag = row["has_driver"].strip().lower()
        reading = SentimentUpdated(
            score=score,
            confidence=float(row["confidence"]),
            domains=int(row["domains"]),
            has_driver=flag in TRUE,
            as_of=TimestampMs(int(row["time_ms"])),
            source=path.name,
        )
    except (ValueError, TypeError, AttributeError) as e:
        raise InputInvalid(f"{path}: line {line} is no reading ({e}); correct it.") from e
    if score is not None and not -SCORE_MAX <= score <= SCORE_MAX:
        raise InputInvalid(f"{path}: line {line}: a score is from -100 to 100, was {score}.")
    if not 0 <= reading.confidence <= 1 or flag not in TRUE | FALSE:
        raise InputInvalid(
            f"{path}: line {line}: confidence is from 0 to 1 and has_driver true or false."
        )
    return reading
