"""Plant one small mistake after the other, and count which of them no test notices.

    python tools/mutants [--sample 400] [--seed 1] [--only gate.py] [--jobs 2]

The tests are collected once and run once, which shows for every test what statements it runs.
Then each mutant lives in a fork of this process, in which the changed function runs the changed
code, and only the tests that run that statement are run, quickest first, until one fails. A mutant
that runs far longer than the tests do has been noticed as well, one that no test runs is
"unreached". Numbers outside of functions are changed wherever they were imported to.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from operators import Mutant, list_mutants

ROOT = Path(__file__).parents[2]
CORE = Path("src/palmbot/core")
MODULES = (
    CORE / "gate.py",
    CORE / "intents.py",
    CORE / "order_events.py",
    CORE / "executions.py",
    CORE / "reconcile.py",
    CORE / "settlement.py",
    CORE / "repair.py",
    *sorted(path.relative_to(ROOT) for path in (ROOT / CORE / "breakers").glob("[!_]*.py")),
)
TESTS = (
    "tests/unit/core",
    "tests/property/core",
    "tests/simulation/test_circuit_breakers_stress.py",
)


def main() -> int:
    """Run, print the figures and the survivors; 1 if a comparison of order survived."""
    arguments = _read_arguments()
    os.chdir(ROOT)
    modules = [each for each in MODULES if not arguments.only or each.name in arguments.only]
    everything = [mutant for module in modules for mutant in list_mutants(module)]
    chosen = everything
    if arguments.sample and arguments.sample < len(everything):
        chosen = random.Random(arguments.seed).sample(everything, arguments.sample)  # noqa: S311
    chosen = sorted(chosen, key=lambda each: (each.module, each.number))
    print(f"{len(chosen)} of {len(everything)} mutants, seed {arguments.seed}", file=sys.stderr)
    began_s = time.monotonic()
    survivors = _run(chosen, arguments.tests or list(TESTS), arguments.jobs)
    _report(chosen, survivors, time.monotonic() - began_s)
    return int(any(each.kind == "comparison of order" for each in survivors))


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutants")
    parser.add_argument("--sample", type=int, default=0, help="so many of all, 0 for every one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], help="name of a module, repeatable")
    parser.add_argument("--tests", action="append", default=[], help="other tests, repeatable")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    return parser.parse_args()


def _run(chosen: list[Mutant], tests: list[str], jobs: int) -> list[Mutant]:
    """Hand the mutants to workers; return those that no test noticed."""
    by_key = {_key(each): each for each in chosen}
    shares = [chosen[number::jobs] for number in range(jobs)]
    workers = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(Path(__file__).with_name("worker.py")), *tests],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
        if share
    ]
    for worker, share in zip(workers, shares, strict=False):
        assert worker.stdin is not None
        worker.stdin.write(json.dumps([_key(each) for each in share]))
        worker.stdin.close()
    survivors = []
    for worker in workers:
        assert worker.stdout is not None
        for line in worker.stdout:
            key, outcome = json.loads(line)
            if outcome == "stuck":
                print(f"stuck, which counts as killed: {by_key[key].name}", file=sys.stderr)
            elif outcome != "killed":
                survivors.append(by_key[key])
                print(f"{outcome}: {by_key[key].name}", file=sys.stderr, flush=True)
        if worker.wait() != 0:
            raise SystemExit("a worker failed; its error stands above")
    return sorted(survivors, key=lambda each: (each.module, each.number))


def _key(mutant: Mutant) -> str:
    return f"{mutant.module.as_posix()}#{mutant.number}"


def _report(chosen: list[Mutant], survivors: list[Mutant], seconds: float) -> None:
    lost = set(survivors)
    for title, group in (
        ("module", lambda each: each.module.relative_to(CORE).as_posix()),
        ("kind", lambda each: each.kind),
    ):
        print(f"\n{title:32} mutants  killed  survived")
        for name in sorted({group(each) for each in chosen}):
            ours = [each for each in chosen if group(each) == name]
            left = sum(each in lost for each in ours)
            share = 100 * (len(ours) - left) / len(ours)
            print(f"{name:32} {len(ours):7} {share:6.1f}%  {left:8}")
    share = 100 * (len(chosen) - len(survivors)) / max(1, len(chosen))
    print(
        f"\n{len(chosen)} mutants, {share:.1f} % killed, {len(survivors)} survived, {seconds:.0f} s"
    )
    for each in survivors:
        print(f"  {each.kind}: {each.name}")


if __name__ == "__main__":
    sys.exit(main())
