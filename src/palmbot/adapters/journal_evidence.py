"""What journals prove about the days before LIVE: how long, how clean, and how much in shadow."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from palmbot.adapters.journal_codec import decode_params
from palmbot.adapters.journal_schema import open_for_reading
from palmbot.core.link import SETTLE_COMMAND
from palmbot.domain.errors import PalmbotError
from palmbot.domain.units import MS_PER_DAY, TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """How a journal's bot ran lately."""

    days: int = 0
    """Different days (UTC) with at least one step."""
    span_ms: int = 0
    """From the first to the last step."""
    late_quarantines: int = 0
    """Differences from the broker's books that only a person could settle, lately."""
    late_steps: int = 0
    """Steps at all, lately."""
    shadow_ms: int = 0
    """Time of the runs that sent nothing."""


def read_evidence(journal: Path, since: TimestampMs, lately: TimestampMs) -> RunEvidence:
    """Return what the steps recorded since then prove; nothing if there is no journal to read."""
    try:
        opened = open_for_reading(journal)
    except PalmbotError:
        return RunEvidence()
    with closing(opened) as connection:
        days, first, last = connection.execute(
            "SELECT count(DISTINCT recorded_at / ?), min(recorded_at), max(recorded_at) "
            "FROM step WHERE recorded_at >= ?",
            (MS_PER_DAY, since),
        ).fetchone()
        late_steps, quarantines = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE commands LIKE ?) "
            "FROM step WHERE recorded_at >= ?",
            (f"%{SETTLE_COMMAND}%", lately),
        ).fetchone()
        runs = connection.execute(
            "SELECT CAST(run.params AS BLOB), max(step.recorded_at) - min(step.recorded_at) "
            "FROM run JOIN step USING (run_id) WHERE step.recorded_at >= ? GROUP BY run_id",
            (since,),
        ).fetchall()
    shadow_ms = sum(took_ms for params, took_ms in runs if decode_params(params).is_shadow)
    return RunEvidence(
        days=days,
        span_ms=0 if first is None else last - first,
        late_quarantines=quarantines,
        late_steps=late_steps,
        shadow_ms=shadow_ms,
    )
