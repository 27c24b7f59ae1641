"""The real process, killed at random times, over real TLS and SQLite. See `harness.sigkill`."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from harness.sigkill import Killer

KILLS = 4


@pytest.mark.timeout(300)  # five lives of a real process, on a machine that may be busy
@pytest.mark.parametrize("style", ["market"])
def test_kills_at_random_times_double_nothing_and_lose_nothing(tmp_path, style):
    killer = Killer(tmp_path, seed=4, style=style)
    report = asyncio.run(killer.run(KILLS))
    assert report.is_sound, report
    assert report.kills == KILLS
    assert report.orders > 0
    look_after_damage(killer)


def look_after_damage(killer):
    """See that what was judged sound would not be so with one step changed, or with one lost."""
    with closing(sqlite3.connect(killer.journal)) as connection, connection:
        first = connection.execute("SELECT sequence, hash FROM step WHERE sequence = 5").fetchone()
        killer.head = (first[0], first[1].hex())
        killer.judge_newest()
        assert (killer.report.corrupt, killer.report.lost_rows) == (0, 0)
        connection.execute("DROP TRIGGER step_keeps_values")
        connection.execute("UPDATE step SET reason = 'another' WHERE sequence = 9")
        connection.commit()
        killer.head = (first[0], first[1].hex())
        killer.judge_newest()
        assert (killer.report.corrupt, killer.report.lost_rows) == (1, 0)
        killer.head = (10**9, "00")
        killer.judge_newest()
        assert (killer.report.corrupt, killer.report.lost_rows) == (1, 1)
