"""`palmbot breakers` as a person types it."""

import json
import subprocess
import sys

import pytest

from palmbot.domain.breakers import BreakerName

pytestmark = pytest.mark.timeout(120)


def run_palmbot(*arguments, cwd):
    return subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-m", "palmbot", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_breakers_of_a_finished_demo_are_shown_and_cannot_be_reset(tmp_path):
    played = run_palmbot("demo", "--days", 1, "--faults", "none", "--json", cwd=tmp_path)
    assert played.returncode == 0, played.stderr
    where = ("--directory", tmp_path / "palmbot-demo")
    shown = run_palmbot("breakers", "--json", *where, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert {each["name"] for each in document["breakers"]} == set(BreakerName)
    assert document["loss_allowed"] == pytest.approx(document["baseline"] * 0.05)
    assert document["volatility_percent"] > 0
    table = run_palmbot("breakers", *where, cwd=tmp_path)
    assert "daily_loss" in table.stdout
    reset = ("breakers", "reset", "daily_loss", "--reason", "test", *where)
    assert run_palmbot(*reset, cwd=tmp_path).returncode == 1
    assert run_palmbot(*reset, "--budget", "much", cwd=tmp_path).returncode == 2
    assert run_palmbot("breakers", "reset", "luck", "--reason", "x", cwd=tmp_path).returncode == 2
