"""`make setup` on machines that cannot: one sentence, a non-zero exit, nothing half-made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ["Makefile", "pyproject.toml", "requirements", "tools"]


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with just what set-up reads."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part)
        else:
            shutil.copy(source, tmp_path / part)
    return tmp_path


def write_python(checkout: Path, script: str) -> Path:
    """Write an executable that stands for an interpreter."""
    path = checkout / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def set_up(checkout: Path, python: Path | str, **environment: str) -> tuple[int, list[str]]:
    """Run set-up; return its exit code and the lines of its own that it printed."""
    # The settings of the outer make (its job server, its variables) are not for this one.
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHON", "VENV"}
        and not key.startswith("PIP_")
    }
    ended = subprocess.run(  # noqa: S603 - a fixed program on files of this test
        [shutil.which("make") or "make", "setup", f"PYTHON={python}"],
        cwd=checkout,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in ended.stderr.splitlines() if line.startswith("set-up: ")]
    return ended.returncode, lines


def test_python_that_is_too_old_is_refused_in_one_sentence(checkout):
    python = write_python(checkout, 'case "$2" in *"(3, 11)"*) exit 1;; *"%d.%d"*) echo 3.9;; esac')
    code, lines = set_up(checkout, python)
    assert code != 0
    assert len(lines) == 1
    assert "Python 3.11 or newer is needed" in lines[0]
    assert "is 3.9" in lines[0]
    assert not (checkout / ".venv").exists()


def test_python_that_is_missing_is_refused_in_one_sentence(checkout):
    code, lines = set_up(checkout, checkout / "no-such-python")
    assert code != 0
    assert len(lines) == 1
    assert "is missing" in lines[0]


def test_python_without_the_venv_module_names_the_package_to_install(checkout):
    python = write_python(
        checkout,
        f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac',
    )
    code, lines = set_up(checkout, python)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert code != 0
    assert len(lines) == 1
    assert f"apt install python{version}-venv" in lines[0]
    assert not (checkout / ".venv").exists()


def test_set_up_without_network_says_so_and_leaves_no_environment(checkout):
    # A discard port on loopback refuses at once: as far from a package index as one can be.
    unreachable = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }
    code, lines = set_up(checkout, sys.executable, **unreachable)
    assert code != 0
    assert "check the network" in lines[-1]
    assert not (checkout / ".venv").exists()


def test_environment_that_was_broken_off_half_way_is_made_anew(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "leftover").touch()
    python = write_python(
        checkout, 'case "$1" in -m) if [ -e "$3" ]; then touch kept; fi; touch asked; exit 1;; esac'
    )
    code, _ = set_up(checkout, python)
    assert code != 0
    assert (checkout / "asked").exists()
    assert not (checkout / "kept").exists()


def test_update_that_fails_keeps_the_environment_and_is_tried_again(checkout):
    environment = checkout / ".venv"
    (environment / "bin").mkdir(parents=True)
    write_python(checkout, "echo tried >>tries; exit 1").rename(environment / "bin" / "python")
    (environment / "ready").touch()
    os.utime(environment / "ready", (0, 0))
    for _ in range(2):
        code, lines = set_up(checkout, "unused")
        assert code != 0
        assert "pip failed" in lines[-1]
    assert (environment / "ready").exists()
    assert (checkout / "tries").read_text().count("tried") == 2
