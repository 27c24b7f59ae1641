"""The whole bot under seeded faults: no seed breaks an invariant, and no death at any step does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sim_canaries import CANARIES
from harness.sim_plan import draw_plan, sweep_plan
from harness.sim_world import run_plan

SEEDS = 300
SEEDS_PER_TEST = 5
ENTRIES_MIN = 10
"""Plans ask for 20; a run whose breakers hold for most of a simulated day may end with fewer."""
SWEEP_SEED = 1
SWEEP_EVERY = 3
"""The steps of the sweep are shared out: each test takes every so-many-th one."""
SIMPLE_CANARIES = ("C1", "C2", "C4", "C6", "C9", "C10")
"""Bugs that show in the first seeds; `make simulate ARGS=--canaries` looks for all twelve."""
TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_no_invariant_breaks_under_seeded_faults(first):
    for seed in range(first, first + SEEDS_PER_TEST):
        outcome = run_plan(draw_plan(seed))
        repeat = f"repeat: make simulate ARGS='--seed {seed}'"
        assert not outcome.violation, f"{outcome.violation}\n{repeat}"
        assert outcome.entries >= ENTRIES_MIN, f"only {outcome.entries} entries\n{repeat}"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("share", range(SWEEP_EVERY))
def test_no_death_at_any_step_doubles_or_loses_anything(share):
    steps = run_plan(sweep_plan(SWEEP_SEED)).bot_steps
    kills = 0
    for step in range(1 + share, steps + 1, SWEEP_EVERY):
        outcome = run_plan(sweep_plan(SWEEP_SEED, step))
        repeat = f"repeat: make simulate ARGS='--sweep-seed {SWEEP_SEED} --kill-at {step}'"
        assert not outcome.violation, f"{outcome.violation}\n{repeat}"
        kills += outcome.kills
    assert kills >= steps // SWEEP_EVERY


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", SIMPLE_CANARIES)
def test_a_planted_bug_is_found_by_the_invariant_meant_for_it(name):
    broken = (run_plan(draw_plan(seed, canary=name)) for seed in range(50))
    found = next(outcome for outcome in broken if outcome.violation)
    assert found.name in CANARIES[name][1], found.violation


def test_every_planted_bug_of_the_list_can_be_planted():
    assert list(CANARIES) == [f"C{number}" for number in range(1, 13)]


def test_a_seed_gives_the_same_run_twice():
    plan = draw_plan(11)
    assert run_plan(plan).trace == run_plan(plan).trace


@pytest.mark.timeout(120)
def test_a_seed_gives_the_same_run_in_every_process():
    def trace(hash_seed):
        script = (
            "from harness.sim_plan import draw_plan; "
            "from harness.sim_world import run_plan; "
            "print(*(run_plan(draw_plan(seed)).trace for seed in (3, 14)))"
        )
        return subprocess.run(  # noqa: S603 - our own interpreter and our own script
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert trace("1") == trace("2") != ""


def test_two_seeds_give_two_runs():
    assert run_plan(draw_plan(1)).trace != run_plan(draw_plan(2)).trace
