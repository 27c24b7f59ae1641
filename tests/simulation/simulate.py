"""Runs many seeds of the simulation on all cores: `make simulate SEEDS=20000`.

Without a wish for anything else: seeds from --first on, and the figures at the end. A broken
invariant is printed with the one command that repeats it, and the exit code is 1.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":  # as pytest does by its setting `pythonpath`
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.sim_canaries import CANARIES
from harness.sim_outcome import Outcome
from harness.sim_plan import draw_plan, sweep_plan
from harness.sim_world import run_plan

TOLD_EVERY_S = 5.0
RUNS_PER_PROCESS = 400
SWEEP_SEEDS_MAX = 100_000
FAILURES_SHOWN_MAX = 20
FEW_ENTRIES = 20


@dataclass(slots=True)
class Sum:
    """Figures over many runs."""

    runs: int = 0
    entries: int = 0
    entries_min: int = 10**9
    trades: int = 0
    kills: int = 0
    restarts: int = 0
    unknown: int = 0
    lost: int = 0
    rows: int = 0
    simulated_s: float = 0.0
    recovery_s: float = 0.0
    cpu_s: float = 0.0
    faults: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)

    def add(self, outcome, cpu_s, command):
        """Take in one run."""
        self.runs += 1
        self.entries += outcome.entries
        self.entries_min = min(self.entries_min, outcome.entries)
        self.trades += outcome.trades
        self.kills += outcome.kills
        self.restarts += outcome.restarts
        self.unknown += outcome.unknown
        self.lost += outcome.lost
        self.rows += outcome.rows
        self.simulated_s += outcome.simulated_s
        self.recovery_s = max(self.recovery_s, outcome.recovery_s)
        self.cpu_s += cpu_s
        self.faults.update(outcome.faults)
        if outcome.violation:
            self.failures.append((outcome.violation, command))


def run_seed(task):
    """Play one seed; return its outcome, the processor time and the command that repeats it."""
    seed, canary = task
    began_s = time.process_time()
    outcome = _play(draw_plan(seed, canary=canary))
    command = f"make simulate ARGS='--seed {seed}{f' --canary {canary}' if canary else ''}'"
    return outcome, time.process_time() - began_s, command


def run_kill(task):
    """Play a short seed with a death at one step; without a step, tell how many there are."""
    seed, step = task
    began_s = time.process_time()
    outcome = _play(sweep_plan(seed, step))
    command = f"make simulate ARGS='--sweep-seed {seed} --kill-at {step}'"
    return outcome, time.process_time() - began_s, command


def _play(plan):
    """Play one plan; an error of the simulation itself is told too, not every one can be sent."""
    try:
        return run_plan(plan)
    except Exception as e:  # noqa: BLE001 - whatever it is, the other runs go on
        return Outcome(seed=plan.seed, violation=f"the simulation failed: {e!r}")


def find_canary(name, seeds):
    """Return the first seed whose run breaks one of the invariants meant for a planted bug."""
    for seed in range(seeds):
        outcome = run_plan(draw_plan(seed, canary=name))
        if outcome.violation:
            return name, seed, outcome.name, outcome.violation
    return name, None, "", ""


def main(arguments=None):
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0, help="sweep so many deaths instead")
    parser.add_argument("--canaries", action="store_true", help="look for the planted bugs")
    parser.add_argument("--seed", type=int, help="play this one and say what happened")
    parser.add_argument("--canary", default="", choices=["", *CANARIES])
    parser.add_argument("--sweep-seed", type=int, help="play this short one")
    parser.add_argument("--kill-at", type=int, help="step of the first process to die at")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _show(run_plan(draw_plan(options.seed, canary=options.canary)))
    if options.sweep_seed is not None:
        return _show(run_plan(sweep_plan(options.sweep_seed, options.kill_at)))
    if options.canaries:
        return _hunt(options)
    if options.kills:
        return _run_many(run_kill, _list_kills(options.kills), options.kills, options)
    tasks = ((options.first + i, options.canary) for i in range(options.seeds))
    return _run_many(run_seed, tasks, options.seeds, options)


def _show(outcome):
    for name in outcome.__slots__:
        _say(f"{name:12} {getattr(outcome, name)}")
    return 1 if outcome.violation else 0


def _list_kills(wanted):
    """Yield every step of one short seed after the other, until there are enough."""
    for seed in range(SWEEP_SEEDS_MAX):
        steps = run_plan(sweep_plan(seed)).bot_steps
        for step in range(1, steps + 1):
            yield seed, step
            wanted -= 1
            if not wanted:
                return


def _run_many(run, tasks, count, options):
    total = Sum()
    began_s = told_s = time.monotonic()
    with multiprocessing.Pool(options.jobs, maxtasksperchild=RUNS_PER_PROCESS) as pool:
        for outcome, cpu_s, command in pool.imap_unordered(run, tasks, chunksize=4):
            total.add(outcome, cpu_s, command)
            if outcome.entries < FEW_ENTRIES and run is run_seed:
                _say(f"few    {outcome.entries} entries, look: {command}")
            if outcome.violation:
                _say(f"BROKEN {outcome.violation}\n       repeat: {command}")
            now_s = time.monotonic()
            if now_s - told_s >= TOLD_EVERY_S:
                told_s = now_s
                left_s = (now_s - began_s) / total.runs * (count - total.runs)
                _say(
                    f"{total.runs} of {count}, {len(total.failures)} broken, "
                    f"{total.kills} deaths, {left_s / 60:.1f} min left",
                    sys.stderr,
                )
            if now_s - began_s > options.minutes * 60 or len(total.failures) > FAILURES_SHOWN_MAX:
                pool.terminate()
                break
    _report(total, time.monotonic() - began_s)
    return 1 if total.failures else 0


def _report(total, seconds):
    hours = total.simulated_s / 3600.0
    lines = (
        ("runs", f"{total.runs}"),
        ("violations", f"{len(total.failures)}"),
        ("entries at the broker", f"{total.entries}, at least {total.entries_min} in a run"),
        ("trades", f"{total.trades}"),
        ("deaths", f"{total.kills} of {total.restarts} restarts"),
        ("intents turned unknown", f"{total.unknown}"),
        ("given up by proof", f"{total.lost}"),
        ("rows on the disk", f"{total.rows}"),
        ("longest recovery", f"{total.recovery_s:.0f} simulated s"),
        ("simulated", f"{hours:.1f} h"),
        ("speed", f"{total.runs / seconds:.1f} runs/s in all"),
        ("speed per core", f"{hours * 3600 / max(total.cpu_s, 1e-9) / 3600:.2f} simulated h/s"),
        ("took", f"{seconds:.0f} s"),
        ("by hand", ", ".join(f"{k} {v}" for k, v in sorted(total.faults.items()))),
    )
    for name, value in lines:
        _say(f"{name:24} {value}")


def _hunt(options):
    """Look for every planted bug; the answer is no if one of them is not found as it should."""
    missed = 0
    names = [options.canary] if options.canary else list(CANARIES)
    with multiprocessing.Pool(options.jobs, maxtasksperchild=1) as pool:
        found = [pool.apply_async(find_canary, (name, 2_000)) for name in names]
        for answer in found:
            name, seed, invariant, violation = answer.get()
            is_right = seed is not None and invariant in CANARIES[name][1]
            missed += not is_right
            _say(f"{name:4} {'found' if is_right else 'MISSED'} at seed {seed}: {violation}")
    _say(f"{len(names) - missed} of {len(names)} found")
    return 1 if missed else 0


def _say(text, stream=None):
    (stream or sys.stdout).write(f"{text}\n")
    (stream or sys.stdout).flush()


if __name__ == "__main__":
    sys.exit(main())
