"""`make audit` fails closed: what could not be looked up is never called healthy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEALTHY = "echo 'No known vulnerabilities found'; exit 0"
HOLES = "echo 'Found 2 known vulnerabilities in 1 package'; exit 1"
UNREACHABLE = "echo 'ERROR:pip_audit._cli:Failed to connect to PyPI' >&2; exit 1"


def audit(directory, tool):
    """Run the script where a program of the test stands in for the outside tool."""
    (directory / "requirements").mkdir()
    for name in ("live", "research", "dev", "audit"):
        (directory / "requirements" / f"{name}.txt").write_text("# pins\n")
    program = directory / "build" / "audit-venv" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{tool}\n")
    program.chmod(0o755)
    (directory / "build" / "audit-venv" / "installed.txt").write_text("# pins\n")
    return subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", str(ROOT / "tools" / "audit.sh"), "audit", sys.executable],
        cwd=directory,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_pins_without_a_known_hole_pass(tmp_path):
    done = audit(tmp_path, HEALTHY)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no known vulnerability") == 3


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (HOLES, "raise the pins with 'make lock ARGS=--upgrade'"),
        (UNREACHABLE, "was NOT audited: ERROR:pip_audit._cli:Failed to connect to PyPI"),
        ("exit 127", "was NOT audited"),
    ],
)
def test_holes_and_an_unreachable_database_fail_with_what_to_do(tmp_path, tool, said):
    done = audit(tmp_path, tool)
    assert done.returncode == 1
    assert done.stderr.count(said) == 3
