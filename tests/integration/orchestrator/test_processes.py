"""Agents as real processes: started once, seen again after a restart, ended with all they began."""

import os
import sys
import time

import pytest

from orchestrator.agents import processes
from orchestrator.agents.command_adapter import CommandAdapter
from orchestrator.agents.process_runner import Patience, ProcessRunner
from orchestrator.domain.agents import Brief
from orchestrator.domain.verdicts import Execution

PATIENCE = Patience(interrupt_s=0.3, terminate_s=0.3, kill_s=5.0)


class Bench:
    """One attempt in a folder of its own."""

    def __init__(self, folder, script, attempt_id):
        self.folder = folder
        self.attempt_id = attempt_id
        self.adapter = CommandAdapter(("{python}", "-c", script), {"SEEN": "yes"})
        self.runner = ProcessRunner(os.environ | {"SECRET_TOKEN": "x"}, patience=PATIENCE)
        (folder / "prompt.md").write_text("the prompt", encoding="utf-8")
        self.brief = Brief(
            attempt_id=attempt_id,
            batch_id="LOT-A-001",
            attempt=1,
            prompt_file=str(folder / "prompt.md"),
            worktree=str(folder),
            attempt_dir=str(folder),
            agents=(),
        )

    def launch(self, deadline_ms=60_000):
        self.runner.launch(self.adapter.build(self.brief), self.brief, deadline_ms=deadline_ms)

    def look(self, runner=None):
        return (runner or self.runner).look(self.adapter, self.attempt_id, str(self.folder))

    def wait(self, condition, limit_s=10.0):
        deadline = time.monotonic() + limit_s
        while not condition(sighting := self.look()):
            assert time.monotonic() < deadline, sighting
            time.sleep(0.01)
        return sighting

    def stop(self):
        return self.runner.stop(self.adapter, self.attempt_id, str(self.folder))


@pytest.fixture
def bench(tmp_path, request):
    made = []

    def make(script):
        made.append(Bench(tmp_path, script, f"TEST{os.getpid()}{request.node.name[:40]}"))
        return made[-1]

    yield make
    for each in made:
        processes.kill_carriers(each.attempt_id, 5.0)


def test_the_prompt_arrives_and_secrets_do_not(bench):
    one = bench(
        "import os, sys; print(sys.stdin.read(), os.environ.get('SECRET_TOKEN'),"
        " os.environ['SEEN'], os.environ['ORCH_BATCH'])"
    )
    one.launch()
    sighting = one.wait(lambda seen: seen.ending is not None)
    assert sighting.ending.execution is Execution.OK
    assert (one.folder / "stdout").read_text() == "the prompt None yes LOT-A-001\n"


def test_the_login_of_an_agent_is_for_the_eyes_of_its_user_alone(bench):
    one = bench("pass")
    one.launch()
    one.wait(lambda sighting: sighting.ending is not None)
    assert (one.folder / "job.json").stat().st_mode & 0o077 == 0


def test_an_attempt_starts_once_however_often_it_is_launched(bench):
    one = bench("open('ran', 'a').write('x'); import time; time.sleep(0.4)")
    for _ in range(3):
        one.launch()
    again = Bench(one.folder, "open('ran', 'a').write('y')", one.attempt_id)
    again.launch()
    one.wait(lambda seen: seen.ending is not None)
    assert (one.folder / "ran").read_text() == "x"


def test_another_runner_finds_a_living_attempt_again(bench):
    one = bench("import time; print('hello', flush=True); time.sleep(60)")
    one.launch()
    pid = one.wait(lambda seen: seen.is_alive).pid
    restarted = ProcessRunner(os.environ)
    assert one.look(restarted).is_alive
    assert one.look(restarted).pid == pid
    assert one.stop().orphans_left == 0


def test_one_that_ignores_every_polite_signal_is_killed(bench):
    one = bench(
        "import signal, time; signal.signal(2, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)"
    )
    one.launch()
    one.wait(lambda _: (one.folder / "stdout").exists() and (one.folder / "stdout").stat().st_size)
    outcome = one.stop()
    assert outcome.ending.exit_code == -9
    assert processes.carriers(one.attempt_id) == ()


def test_a_grandchild_in_its_own_session_does_not_outlive_the_sweep(bench):
    one = bench(
        "import subprocess, sys;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)"
    )
    one.launch()
    one.wait(lambda seen: seen.ending is not None)
    assert len(processes.carriers(one.attempt_id)) == 1
    outcome = one.stop()
    assert (outcome.ending.execution, outcome.orphans_killed) == (Execution.OK, 1)
    assert processes.carriers(one.attempt_id) == ()


def test_a_crash_and_a_quota_are_told_apart(bench):
    one = bench("import os; os.kill(os.getpid(), 9)")
    one.launch()
    ending = one.wait(lambda seen: seen.ending is not None).ending
    assert (ending.execution, ending.exit_code) == (Execution.CRASHED, -9)


def test_output_beyond_json_is_no_trouble(bench):
    one = bench(
        "import sys; w = sys.stdout.buffer.write;"
        "w(b'\\xff\\xfe not utf-8\\n'); w(b'{\"type\": \"fin'); w(b'al'); w(b'\"}\\n');"
        'w(b\'{"type": "denied", "text": "Bash"}\\n\'); w(b\'{broken\\n\'); w(b\'x\' * 3000000)'
    )
    one.launch()
    sighting = one.wait(lambda seen: seen.ending is not None and seen.has_final_event)
    assert sighting.ending.denied == ("Bash",)


def test_the_end_of_a_long_output_is_heard_however_fast_it_ended(bench):
    one = bench(
        "import sys; w = sys.stdout.buffer.write;"
        "w(b'x' * 999 + b'\\n'); w((b'y' * 79 + b'\\n') * 120_000);"
        'w(b\'{"type": "denied", "text": "last"}\')'  # and no end of line
    )
    one.launch()
    one.wait(lambda _: (one.folder / "ended.json").exists())
    assert one.look(ProcessRunner(os.environ)).ending.denied == ("last",)


def test_the_rest_of_a_line_that_is_too_long_is_not_taken_for_a_line(bench):
    one = bench(
        "import sys; w = sys.stdout.buffer.write;"
        "w(b'x' * 8_000_000); sys.stdout.buffer.flush();"  # two reads to the byte
        'w(b\'{"type": "denied", "text": "forged"}\\n{"type": "denied", "text": "true"}\\n\')'
    )
    one.launch()
    one.wait(lambda _: (one.folder / "ended.json").exists())
    assert one.look(ProcessRunner(os.environ)).ending.denied == ("true",)


def test_a_program_that_is_not_there_ends_as_usage(bench, tmp_path):
    one = bench("")
    one.adapter = CommandAdapter((str(tmp_path / "nowhere"),))
    one.launch()
    assert one.wait(lambda seen: seen.ending).ending.execution is Execution.USAGE


def test_the_keeper_ends_an_agent_that_nobody_watches_any_more(bench):
    one = bench("import time; time.sleep(60)")
    job = one.adapter.build(one.brief)
    one.runner.launch(job, one.brief, deadline_ms=-19_000)  # the backstop adds 30 s: 1.5 s in all
    assert one.wait(lambda seen: seen.ending).ending.exit_code == -9
    assert sys.platform != "linux" or processes.carriers(one.attempt_id) == ()
