"""Commands as checks: no shell, no secrets, a time limit, and tests that ran are counted."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from orchestrator.domain.checks import CommandCheck
from orchestrator.domain.proofs import CheckOutcome
from orchestrator.proof.figures import judge_value, show_value
from orchestrator.proof.observations import Observation, failed, not_measured, passed

OUTPUT_BYTES_MAX: Final = 2_000_000
"""Kept as evidence: the tail, where runners say their verdict."""
_PYTEST: Final = re.compile(
    r"^=* ?(?:\d+ [a-z]+, )*(\d+) passed(?:, \d+ [a-z]+)* in [\d.]+s(?: \([\d:]+\))? ?=*\s*$",
    re.MULTILINE,
)
_CARGO: Final = re.compile(r"^test result: \w+\. (\d+) passed;", re.MULTILINE)
_UNITTEST: Final = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
_UNITTEST_SKIPPED: Final = re.compile(r"skipped=(\d+)")


def check_command(check: CommandCheck, root: Path, sidecar_folder: Path) -> Observation:
    """Run a command in the tree and judge code, output and number of tests."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-scratch-") as scratch:
        places = {
            "{python}": sys.executable,
            "{sidecar}": str(sidecar_folder),
            "{scratch}": scratch,
        }
        argv = [_fill(part, places) for part in check.argv]
        for needed in check.needs:
            if not (root / _fill(needed, places)).exists():
                return not_measured(f"{needed.rsplit('/', 1)[-1]} is not here")
        outcome = _run(argv, root, scratch, check)
    if isinstance(outcome, Observation):
        return outcome
    finding = _judge(check, outcome)
    if finding.outcome is CheckOutcome.FAIL and check.unmeasured_regex is not None:
        found = re.search(check.unmeasured_regex, outcome.all_text)
        if found is not None:
            reason = found[1] if found.re.groups else found[0]
            return replace(not_measured(reason[:200]), output=finding.output)
    return finding


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def all_text(self) -> str:
        """Both streams, standard error last."""
        return self.evidence.decode(errors="replace")

    @property
    def evidence(self) -> bytes:
        """Both streams as they are kept."""
        return self.stdout + (b"\n" if self.stdout and self.stderr else b"") + self.stderr


def _judge(check: CommandCheck, outcome: _Outcome) -> Observation:
    text, output = outcome.all_text, outcome.evidence
    shown = " ".join(check.argv)[:120]
    measured = _read_json(check, outcome.stdout) if check.json_pointer else None
    is_red = measured is not None and measured.outcome is CheckOutcome.FAIL
    if outcome.code != check.exit_code and not is_red:
        last = text.strip().splitlines()[-1:] or ["no output"]
        return failed(
            f"`{shown}` ended with {outcome.code}, expected {check.exit_code}: {last[0][:200]}",
            value=measured.value if measured is not None else "",
            output=output,
        )
    if measured is not None:
        return replace(measured, output=output)
    if check.stdout_regex is not None and not re.search(check.stdout_regex, text):
        return failed(f"`{shown}` did not print {check.stdout_regex!r}", output=output)
    if check.tests_min is not None:
        ran = count_tests(text)
        if ran >= check.tests_min:
            return passed(f"{ran} tests passed", output)
        return failed(
            f"`{shown}`: {ran} tests passed, expected at least {check.tests_min}; skipped ones do "
            "not count",
            value=f"{ran} tests",
            output=output,
        )
    return passed(f"`{shown}` ended with {outcome.code}", output)


def _read_json(check: CommandCheck, stdout: bytes) -> Observation:
    """Judge the value in the document that a command printed."""
    try:
        document = json.loads(stdout)
    except (ValueError, RecursionError):
        return failed(f"`{' '.join(check.argv)[:120]}` printed no JSON document")
    finding = judge_value(
        document, check.json_pointer, comparison=check.comparison, target=check.target
    )
    beside = [
        f"{'.'.join(pointer.split('.')[-2:])} {shown}"
        for pointer in check.json_show
        if (shown := show_value(document, pointer)) is not None
    ]
    return replace(finding, value=", ".join([finding.value, *beside]) if finding.value else "")


def _fill(part: str, places: Mapping[str, str]) -> str:
    """Put folders and interpreter in the place of their names, which are ours."""
    for name, place in places.items():
        part = part.replace(name, place)
    return part


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


def _run(argv: Sequence[str], root: Path, home: str, check: CommandCheck) -> _Outcome | Observation:
    """Return how a command ended; everything it started in its session is gone afterwards."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": home,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            process = subprocess.Popen(  # noqa: S603 - from the sidecar, no shell
                argv,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as e:
            return not_measured(f"{argv[0]} cannot be started: {e.strerror}")
        try:
            code = process.wait(timeout=check.timeout_s)
        except subprocess.TimeoutExpired:
            shown = " ".join(check.argv)[:120]
            return failed(
                f"`{shown}` did not end within {check.timeout_s:.0f} s", output=_tail(stdout)
            )
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return _Outcome(code=code, stdout=_tail(stdout), stderr=_tail(stderr))


def _tail(stream: IO[bytes]) -> bytes:
    """Return the end of what was written."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - OUTPUT_BYTES_MAX))
    return stream.read()
