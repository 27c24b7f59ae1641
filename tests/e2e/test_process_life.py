"""The life of the real process: halted from outside, looked into, ended in order, ended at once."""

import contextlib
import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from palmbot.cli.main import run_command

pytestmark = pytest.mark.timeout(90)  # several processes, on a machine that may be busy

HALT_S_MAX = 1.0


class Process:
    """One `palmbot` process whose log can be read up to a line."""

    def __init__(self, *arguments, cwd):
        self.popen = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "palmbot", *map(str, arguments)],
            cwd=cwd,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def read_until(self, text):
        for line in self.popen.stderr:
            if text in line:
                return line
        raise AssertionError(f"the process ended without saying {text!r}")

    def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit code and the rest of the log."""
        self.popen.send_signal(number)
        _, rest = self.popen.communicate()
        return self.popen.returncode, rest


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    directory = tmp_path_factory.mktemp("life")
    process = Process("simulate", "--directory", "sim", "--speed", 60, cwd=directory)
    process.read_until("serving")
    yield directory / "sim"
    process.end()


@pytest.fixture
def home(simulator) -> Path:
    return simulator.parent


@dataclass
class Result:
    returncode: int
    stdout: str
    stderr: str


def run_palmbot(*arguments, cwd):
    """Run a command in this process, which spares its start."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(list(map(str, arguments)))
    return Result(code, out.getvalue(), err.getvalue())


def start_bot(home, name):
    return Process("run", "--simulator", "sim", "--directory", name, cwd=home)


def test_file_signal_and_command_halt_within_a_second_and_only_a_person_resumes(home):
    bot = start_bot(home, "halted")
    bot.read_until("our books equal the broker's")
    file = home / "halted" / "HALT"

    began_s = time.monotonic()
    file.write_text("news at noon")
    assert "news at noon" in bot.read_until("halted by HALT file")
    assert time.monotonic() - began_s < HALT_S_MAX
    refused = run_palmbot("resume", "--reason", "x", "--directory", "halted", cwd=home)
    assert refused.returncode == 1
    assert "take it away first" in " ".join(refused.stderr.split())
    file.unlink()
    resumed = run_palmbot("resume", "--reason", "over", "--directory", "halted", cwd=home)
    assert resumed.returncode == 0, resumed.stderr

    began_s = time.monotonic()
    bot.popen.send_signal(signal.SIGUSR1)
    bot.read_until("halted by SIGUSR1")
    assert time.monotonic() - began_s < HALT_S_MAX
    again = run_palmbot("halt", "--reason", "lunch", "--flatten", "--directory", "halted", cwd=home)
    assert again.returncode == 0, again.stderr
    status = json.loads(run_palmbot("status", "--json", "--directory", "halted", cwd=home).stdout)
    assert status["is_running"]
    assert status["halted_by"] == "SIGUSR1"
    code, _ = bot.end()
    assert code == 0


def test_a_halt_file_that_is_there_at_the_start_halts_before_anything_else(home):
    (home / "waiting").mkdir()
    (home / "waiting" / "HALT").touch()
    bot = start_bot(home, "waiting")
    bot.read_until("halted by HALT file")
    bot.read_until("our books equal the broker's")
    code, _ = bot.end()
    assert code == 0


def test_the_running_bot_is_compared_and_explained_and_leaves_in_order(home):
    bot = start_bot(home, "orderly")
    bot.read_until("our books equal the broker's")
    dry = run_palmbot("reconcile", "--dry-run", "--json", "--directory", "orderly", cwd=home)
    assert dry.returncode == 0, dry.stdout
    assert json.loads(dry.stdout)["differences"] == []
    assert "nothing was changed" in json.loads(dry.stdout)["done"]
    real = run_palmbot("reconcile", "--directory", "orderly", cwd=home)
    assert real.returncode == 0, real.stderr
    assert "consistent" in real.stdout
    explained = run_palmbot("why", "--directory", "orderly", cwd=home)
    assert explained.returncode == 0, explained.stderr
    assert "Last signals" in explained.stdout

    code, log = bot.end(signal.SIGTERM)
    assert code == 0
    (head,) = [line["head"] for line in map(json.loads, log.splitlines()) if "head" in line]
    journal = "orderly/journal.sqlite"
    assert run_palmbot("journal", "verify", journal, "--head", head, cwd=home).returncode == 0
    later = f"{int(head.split(':')[0]) + 1}:{head.split(':')[1]}"
    cut = run_palmbot("journal", "verify", journal, "--head", later, cwd=home)
    assert cut.returncode == 1
    assert "steps are missing at the end" in cut.stdout
    nonsense = run_palmbot("journal", "verify", journal, "--head", "7", cwd=home)
    assert nonsense.returncode == 1
    assert "is no head of a journal" in nonsense.stderr
    left = run_palmbot("status", "--json", "--directory", "orderly", cwd=home)
    assert left.returncode == 0, left.stderr
    assert not json.loads(left.stdout)["is_running"]


def test_of_a_killed_bot_the_journal_tells_how_it_stood(home):
    bot = start_bot(home, "killed")
    bot.read_until("our books equal the broker's")
    code, _ = bot.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert (home / "killed" / "operator.sock").exists()
    status = run_palmbot("status", "--directory", "killed", cwd=home)
    assert status.returncode == 0, status.stderr
    assert "not running" in status.stderr
    assert "PALMOIL" in status.stdout
    nobody = run_palmbot("reconcile", "--directory", "killed", cwd=home)
    assert nobody.returncode == 1
    assert "no bot is running here" in " ".join(nobody.stderr.split())


def test_a_bot_with_a_damaged_journal_refuses_to_start_names_it_and_leaves_it_alone(home):
    bot = start_bot(home, "damaged")
    bot.read_until("our books equal the broker's")
    bot.end()
    journal = home / "damaged" / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    at = content.find(b"our books equal the broker's")
    content[at : at + 3] = b"own"
    journal.write_bytes(content)
    refused = run_palmbot("run", "--simulator", "sim", "--directory", "damaged", cwd=home)
    assert refused.returncode == 3
    text = " ".join(refused.stderr.split())
    assert "journal.sqlite is broken: step" in text
    assert "compare the account with the broker, then start with another data directory" in text
    assert journal.read_bytes() == content  # what is left of it stays for a person to read


def test_the_machine_is_watched_while_the_bot_runs(home):
    """Each safety class has a live caller: clock and disk are measured by the real process."""
    bot = start_bot(home, "watched")
    bot.read_until("our books equal the broker's")
    deadline = time.monotonic() + 60.0
    kinds = set()
    while not {"ClockChecked", "DiskMeasured"} <= kinds and time.monotonic() < deadline:
        status = run_palmbot("status", "--json", "--directory", "watched", cwd=home)
        assert status.returncode == 0
        with contextlib.closing(sqlite3.connect(home / "watched" / "journal.sqlite")) as journal:
            kinds = {kind for (kind,) in journal.execute("SELECT DISTINCT event_type FROM step")}
    assert {"ClockChecked", "DiskMeasured"} <= kinds
    bot.end()
