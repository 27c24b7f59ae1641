"""The directories of simulator and demo: never shared, never somebody else's."""

import asyncio
import json

import pytest

from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.simulate import simulate
from palmbot.domain.errors import ConfigInvalid, InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId
from palmbot.workbench.demo import MARKER_NAME, clear_directory
from palmbot.workbench.simulated_broker import BrokerOptions, hold_directory, start_broker

ACCOUNT = AccountId(4_011_154)


def test_a_second_simulator_on_one_directory_is_refused_and_the_first_keeps_it(tmp_path):
    directory = tmp_path / "broker"
    with (
        hold_directory(directory),
        pytest.raises(InputInvalid, match="a simulator already serves from"),
        hold_directory(directory),
    ):
        pass
    with hold_directory(directory):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_way_of_the_simulators_directory_is_named(tmp_path):
    (tmp_path / "broker").write_text("")
    with pytest.raises(InputInvalid, match="broker"), hold_directory(tmp_path / "broker"):
        pass


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused_before_anything_is_written(tmp_path, speed):
    with pytest.raises(InputInvalid, match="--speed must be above 0"):
        simulate(directory=tmp_path / "broker", speed=speed)
    assert not list(tmp_path.iterdir())


def test_a_bot_in_another_directory_finds_the_certificate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = BrokerOptions(
        directory=(tmp_path / "broker").relative_to(tmp_path),
        symbol=None,
        days=1,
        seed=1,
        faults="none",
        port=0,
    )

    async def start_and_stop():
        server, access_file = await start_broker(options, SystemClock())
        await server.close()
        return json.loads(access_file.read_bytes())

    access = asyncio.run(start_and_stop())
    assert access["ca_file"] == str(tmp_path.resolve() / "broker" / "ca.pem")


def test_a_demo_replaces_its_own_directory_and_nobody_elses(tmp_path):
    clear_directory(tmp_path / "demo", ACCOUNT)
    (tmp_path / "demo" / "journal.sqlite").touch()
    clear_directory(tmp_path / "demo", ACCOUNT)
    assert [each.name for each in (tmp_path / "demo").iterdir()] == [MARKER_NAME]
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("kept")
    with pytest.raises(InputInvalid, match="not a demo's"):
        clear_directory(tmp_path / "letters", ACCOUNT)
    assert (tmp_path / "letters" / "dear.txt").read_text() == "kept"


def test_a_demo_does_not_take_the_directory_of_one_that_runs(tmp_path):
    clear_directory(tmp_path / "demo", ACCOUNT)
    (tmp_path / "demo" / "journal.sqlite").write_text("books")
    with (
        InstanceLock(tmp_path / "demo", Environment.SIMULATOR, ACCOUNT),
        pytest.raises(ConfigInvalid, match="already runs here"),
    ):
        clear_directory(tmp_path / "demo", ACCOUNT)
    assert (tmp_path / "demo" / "journal.sqlite").read_text() == "books"
