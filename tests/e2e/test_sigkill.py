"""The real process, killed at random times, over real TLS and SQLite. See `harness.sigkill`."""

import asyncio

import pytest

from harness.sigkill import Killer

KILLS = 4


@pytest.mark.timeout(120)  # five lives of a real process, on a machine that may be busy
@pytest.mark.parametrize("style", ["market"])
def test_kills_at_random_times_double_nothing_and_lose_nothing(tmp_path, style):
    report = asyncio.run(Killer(tmp_path, seed=4, style=style).run(KILLS))
    assert report.is_sound, report
    assert report.kills == KILLS
    assert report.orders > 0
