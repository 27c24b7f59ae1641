"""A file named HALT stops entries, and so does a directory that cannot be read."""

import os

import pytest
from msgspec.structs import replace

from palmbot.core.state import EngineState, TradingSwitch
from palmbot.domain.errors import ConfigInvalid
from palmbot.live.halt_file import HaltFile, read_halt, write_halt
from palmbot.live.inbox import Inbox

HALTED = replace(EngineState(), switch=TradingSwitch(halted_by="eve", reason="news"))


def make_halt_file(directory, state=None):
    inbox = Inbox()
    return HaltFile(directory, sink=inbox, read_state=lambda: state or EngineState()), inbox


def test_without_the_file_nothing_halts(tmp_path):
    (tmp_path / "HALTED.txt").touch()
    halt_file, inbox = make_halt_file(tmp_path)
    halt_file.check()
    assert read_halt(tmp_path) is None
    assert len(inbox) == 0


@pytest.mark.parametrize("name", ["HALT", "halt"])
def test_the_file_halts_and_its_first_line_is_the_reason(tmp_path, name):
    (tmp_path / name).write_text("news at noon\nsecond line\n")
    halt_file, inbox = make_halt_file(tmp_path)
    halt_file.check()
    assert len(inbox) == 1
    assert read_halt(tmp_path) == f"the file {tmp_path / name} is there: news at noon"


def test_an_empty_file_a_directory_and_a_dead_link_halt_as_well(tmp_path):
    for number, make in enumerate(("touch", "mkdir")):
        directory = tmp_path / str(number)
        directory.mkdir()
        getattr(directory / "HALT", make)()
        assert read_halt(directory) == f"the file {directory / 'HALT'} is there"
    (tmp_path / "HALT").symlink_to(tmp_path / "nowhere")
    assert read_halt(tmp_path) == f"the file {tmp_path / 'HALT'} is there"


def test_a_directory_that_cannot_be_read_halts(tmp_path):
    reason = read_halt(tmp_path / "gone")
    assert reason is not None
    assert "cannot be read" in reason


def test_a_bot_that_is_halted_already_is_not_told_twice_a_second(tmp_path):
    (tmp_path / "HALT").touch()
    halt_file, inbox = make_halt_file(tmp_path, HALTED)
    halt_file.check()
    assert len(inbox) == 0


def test_a_file_written_from_outside_is_read_and_never_overwritten(tmp_path):
    write_halt(tmp_path, "position 7 has no stop")
    write_halt(tmp_path, "position 8 has no stop")
    assert read_halt(tmp_path) == f"the file {tmp_path / 'HALT'} is there: position 7 has no stop"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigInvalid, match="halt the bot by another way"):
        write_halt(tmp_path, "x")
