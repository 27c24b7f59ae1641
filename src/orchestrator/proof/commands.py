"""Commands as checks: no shell, no secrets, a time limit, and tests that ran are counted."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.domain.checks import CommandCheck
from orchestrator.proof.findings import Finding, failed, not_measured, passed

OUTPUT_BYTES_MAX: Final = 2_000_000
"""Kept as evidence: the tail, where runners say their verdict."""
_PYTEST: Final = re.compile(
    r"^=* ?(?:\d+ [a-z]+, )*(\d+) passed(?:, \d+ [a-z]+)* in [\d.]+s(?: \([\d:]+\))? ?=*\s*$",
    re.MULTILINE,
)
_CARGO: Final = re.compile(r"^test result: \w+\. (\d+) passed;", re.MULTILINE)
_UNITTEST: Final = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
_UNITTEST_SKIPPED: Final = re.compile(r"skipped=(\d+)")


def check_command(check: CommandCheck, root: Path) -> Finding:
    """Run a command in the tree and judge code, output and number of tests."""
    argv = [sys.executable if part == "{python}" else part for part in check.argv]
    with tempfile.TemporaryDirectory(prefix="orchestrate-home-") as home:
        outcome = _run(argv, root, home, check.timeout_s)
    if isinstance(outcome, Finding):
        return outcome
    code, output = outcome
    text = output.decode(errors="replace")
    shown = " ".join(check.argv)[:120]
    if code != check.exit_code:
        last = text.strip().splitlines()[-1:] or ["no output"]
        return failed(
            f"`{shown}` ended with {code}, expected {check.exit_code}: {last[0][:200]}",
            output=output,
        )
    if check.stdout_regex is not None and not re.search(check.stdout_regex, text):
        return failed(f"`{shown}` did not print {check.stdout_regex!r}", output=output)
    if check.tests_min is not None:
        ran = count_tests(text)
        if ran < check.tests_min:
            return failed(
                f"`{shown}`: {ran} tests passed, expected at least {check.tests_min}; skipped "
                "ones do not count",
                value=f"{ran} tests",
                output=output,
            )
        return passed(f"{ran} tests passed", output)
    return passed(f"`{shown}` ended with {code}", output)


def count_tests(text: str) -> int:
    """Return how many tests passed, as pytest, unittest or cargo say it; skipped ones left out.

    Only whole lines of the runner's own form count, and of several the smallest number: what the
    code under test prints can make it less, never more.
    """
    if found := _PYTEST.findall(text):
        return min(int(each) for each in found)
    if found := _CARGO.findall(text):  # one line for each test program
        return sum(int(each) for each in found)
    ran = [int(each) for each in _UNITTEST.findall(text)]
    skipped = sum(int(each) for each in _UNITTEST_SKIPPED.findall(text))
    return max(0, min(ran) - skipped) if ran else 0


def _run(argv: list[str], root: Path, home: str, timeout_s: float) -> tuple[int, bytes] | Finding:
    """Return exit code and tail of the output; everything it started is gone afterwards."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": home,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - from the sidecar, no shell
                argv,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as e:
            return not_measured(f"{argv[0]} cannot be started: {e.strerror}")
        try:
            code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return failed(f"`{' '.join(argv)[:120]}` did not end within {timeout_s:.0f} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - OUTPUT_BYTES_MAX))
        return code, output.read()
