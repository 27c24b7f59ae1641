"""The lock against other processes."""

import subprocess
import sys
from contextlib import suppress

import pytest

from palmbot.adapters.instance_lock import InstanceLock
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId

ACCOUNT = AccountId(7)

HOLD = """
import sys
from pathlib import Path
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.domain.orders import Environment
lock = InstanceLock(Path(sys.argv[1]), Environment.DEMO, 7)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_which_process_has_it(tmp_path):
    holder = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigInvalid, match=f"already runs here, as process {holder.pid}"):
            InstanceLock(tmp_path, Environment.DEMO, ACCOUNT)
    finally:
        holder.kill()
        holder.communicate()
    InstanceLock(tmp_path, Environment.DEMO, ACCOUNT).release()


def test_another_account_or_environment_is_another_lock(tmp_path):
    with (
        InstanceLock(tmp_path, Environment.DEMO, ACCOUNT),
        InstanceLock(tmp_path, Environment.DEMO, AccountId(8)),
        InstanceLock(tmp_path, Environment.SIMULATOR, ACCOUNT),
    ):
        assert len(list(tmp_path.iterdir())) == 3


def test_a_lock_given_back_can_be_taken_again(tmp_path):
    for _ in range(2):
        with InstanceLock(tmp_path, Environment.DEMO, ACCOUNT) as lock:
            pass
        lock.release()


def test_a_child_process_does_not_keep_the_lock(tmp_path):
    lock = InstanceLock(tmp_path, Environment.DEMO, ACCOUNT)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        lock.release()
        InstanceLock(tmp_path, Environment.DEMO, ACCOUNT).release()
    finally:
        with suppress(BrokenPipeError):
            child.communicate()


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigInvalid, match="cannot create"):
        InstanceLock(tmp_path / "nowhere", Environment.DEMO, ACCOUNT)
