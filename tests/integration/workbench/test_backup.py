"""Backups of real journals: taken beside a writer, verified, put back, never over a running bot."""

import asyncio
import io
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from harness import journal_story as story
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.journal_reader import verify
from palmbot.adapters.journal_schema import open_for_reading
from palmbot.adapters.journal_snapshot import take_snapshot
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.state import initial_state
from palmbot.domain.errors import ConfigInvalid, InputInvalid, JournalDamaged
from palmbot.domain.orders import Environment
from palmbot.domain.units import TimestampMs
from palmbot.live.halt_file import read_halt
from palmbot.workbench.backup import back_up, read_backup, restore

NOW = TimestampMs(1_772_409_600_000)
DEMO = Environment.DEMO


def open_story(path: Path, account_id=story.ACCOUNT_ID):
    return open_journal(
        path,
        environment=DEMO,
        account_id=account_id,
        symbol=story.SYMBOL,
        clock=SystemClock(),
        decide=story.decide,
        initial_state=initial_state,
    )


async def record(directory: Path, *, rounds=3, account_id=story.ACCOUNT_ID):
    """Live through a story; yield after each step so that somebody may look in between."""
    journal, _ = open_story(directory / "journal.sqlite", account_id)
    await journal.begin_run("r1", story.PARAMS, code_version="test")
    for event, decision in story.steps(story.story(rounds)):
        await journal.append(event, decision)
        yield decision.state.sequence
    await journal.close()


def live(directory: Path, **changes):
    directory.mkdir()

    async def run():
        async for _ in record(directory, **changes):
            pass

    asyncio.run(run())


@pytest.fixture
def home(tmp_path):
    live(tmp_path / "data")
    (tmp_path / "palmbot.toml").write_text("[risk]\nrisk_percent = 0.5\n")
    return tmp_path


def take(home, name="backup.tar.gz"):
    settings = home / "palmbot.toml"
    back_up(home / "data", settings, home / name, now=NOW, code_version="test")
    return home / name


def put_back(home, file, directory="fresh", *, can_replace=False):
    return restore(file, home / directory, home / "other.toml", can_replace=can_replace, now=NOW)


def steps_of(path):
    with closing(open_for_reading(path)) as connection:
        return connection.execute("SELECT * FROM step ORDER BY sequence").fetchall()


def test_what_is_put_back_is_what_was_there_and_the_bot_starts_halted(home):
    done = put_back(home, take(home))
    assert steps_of(done.journal) == steps_of(home / "data" / "journal.sqlite")
    assert verify(done.journal).is_verified
    assert (home / "other.toml").read_text() == "[risk]\nrisk_percent = 0.5\n"
    assert "compare the books before you resume" in read_halt(home / "fresh")
    assert done.journal.stat().st_mode & 0o777 == 0o600
    # The bot goes on with it where it ended.
    journal, state = open_story(done.journal)
    assert state.sequence == done.manifest.steps
    asyncio.run(journal.close())


def test_a_snapshot_beside_a_writing_bot_is_whole_and_the_bot_goes_on(tmp_path):
    (tmp_path / "data").mkdir()
    seen = []

    async def run():
        async for sequence in record(tmp_path / "data", rounds=6):
            if sequence % 10 == 5:
                copy = tmp_path / f"copy-{sequence}.sqlite"
                report = await asyncio.to_thread(
                    take_snapshot, tmp_path / "data" / "journal.sqlite", copy
                )
                seen.append((sequence, report.head_sequence))

    asyncio.run(run())
    assert len(seen) >= 5
    assert all(taken <= written for written, taken in seen)
    whole = verify(tmp_path / "data" / "journal.sqlite")
    assert whole.is_verified
    last, taken = seen[-1]
    assert (
        steps_of(tmp_path / f"copy-{last}.sqlite")
        == steps_of(tmp_path / "data" / "journal.sqlite")[:taken]
    )


def test_no_secret_gets_into_a_backup(home):
    (home / ".env").write_text("CTRADER_CLIENT_SECRET=canary\n")
    (home / "data" / "tokens.json").write_text("canary")
    with tarfile.open(take(home)) as archive:
        assert sorted(archive.getnames()) == ["journal.sqlite", "manifest.json", "palmbot.toml"]


def test_a_running_bot_is_not_overwritten(home):
    file = take(home)
    with (
        InstanceLock(home / "data", DEMO, story.ACCOUNT_ID),
        pytest.raises(ConfigInvalid, match="already runs here"),
    ):
        put_back(home, file, "data", can_replace=True)
    assert read_halt(home / "data") is None


def test_a_journal_that_is_there_is_only_set_aside_when_a_person_says_so(home):
    file = take(home)
    before = steps_of(home / "data" / "journal.sqlite")
    with pytest.raises(InputInvalid, match="repeat with --replace"):
        put_back(home, file, "data")
    done = put_back(home, file, "data", can_replace=True)
    assert steps_of(done.set_aside) == before
    assert steps_of(done.journal) == before


def test_settings_that_differ_are_put_beside_those_that_are_there(home):
    file = take(home)
    (home / "other.toml").write_text("[risk]\nrisk_percent = 1.0\n")
    done = put_back(home, file)
    assert done.settings == home / "other.toml.restored"
    assert (home / "other.toml").read_text() == "[risk]\nrisk_percent = 1.0\n"


def test_the_backup_of_another_account_is_refused(home):
    live(home / "elsewhere", account_id=story.ACCOUNT_ID + 1)
    with pytest.raises(InputInvalid, match="the backup is of PALMOIL on account 777"):
        put_back(home, take(home), "elsewhere", can_replace=True)


def test_a_manifest_that_is_no_text_is_a_damaged_backup(home):
    file = home / "broken.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("manifest.json")
        text = b'{"form\xf4t": 1}'
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    with pytest.raises(InputInvalid, match="no backup of palmbot, or damaged"):
        put_back(home, file)


def test_every_damage_is_found_before_anything_is_touched(home):
    file = take(home)
    whole, unpacked = file.read_bytes(), home / "unpacked.sqlite"
    manifest, settings = read_backup(file, unpacked)
    found = 0
    for place in range(12, len(whole) - 8, max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        file.write_bytes(bytes(damaged))
        read = home / f"{place}.sqlite"
        try:
            # Packing has more than one way to write the same: what is read is then what was.
            assert read_backup(file, read) == (manifest, settings)
            assert read.read_bytes() == unpacked.read_bytes()
        except (InputInvalid, JournalDamaged):
            found += 1
            with pytest.raises((InputInvalid, JournalDamaged)):
                put_back(home, file)
    assert found > 50
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((InputInvalid, JournalDamaged)):
        put_back(home, file)
    assert [each.name for each in (home / "fresh").iterdir() if each.suffix != ".lock"] == []


def test_a_changed_journal_in_an_otherwise_good_archive_is_found(home):
    file = take(home)
    with tarfile.open(file) as archive:
        members = {name: archive.extractfile(name).read() for name in archive.getnames()}
    members["palmbot.toml"] = b"[risk]\nrisk_percent = 10\n"
    with tarfile.open(file, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    with pytest.raises(InputInvalid, match="its content is not what it says"):
        put_back(home, file)


def test_an_archive_from_a_stranger_writes_nowhere_else(home):
    with tarfile.open(home / "evil.tar.gz", "w:gz") as archive:
        for name in ("../evil", "/tmp/evil", "manifest.json"):  # noqa: S108 - is never written
            entry = tarfile.TarInfo(name)
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"evil"))
    with pytest.raises(InputInvalid, match="it is no backup of palmbot"):
        put_back(home, home / "evil.tar.gz")
    assert not (home / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b" + b"x" * 100])
def test_what_is_no_backup_is_said(home, content):
    (home / "file").write_bytes(content)
    with pytest.raises(InputInvalid, match="it is no backup of palmbot"):
        put_back(home, home / "file")
    with pytest.raises(InputInvalid, match="there is no such file"):
        put_back(home, home / "nothing")


def test_a_backup_never_overwrites_and_never_leaves_half_of_itself(home):
    file = take(home)
    with pytest.raises(InputInvalid, match="it is there already"):
        take(home)
    with pytest.raises(InputInvalid, match="choose a folder that exists"):
        take(home, "no/such/folder/x.tar.gz")
    with pytest.raises(InputInvalid, match="there is no journal"):
        back_up(home / "empty", home / "x", home / "y.tar.gz", now=NOW, code_version="test")
    manifest, settings = read_backup(file, home / "again.sqlite")
    assert settings == (home / "palmbot.toml").read_bytes()
    assert manifest.account_id == story.ACCOUNT_ID
    assert sorted(each.name for each in home.iterdir() if each.name.startswith(".")) == []


def test_a_broken_journal_is_not_backed_up_as_if_it_were_whole(home):
    path = home / "data" / "journal.sqlite"
    content = bytearray(path.read_bytes())
    place = content.rfind(b"enough")
    content[place : place + 6] = b"ENOUGH"
    path.write_bytes(bytes(content))
    with pytest.raises(JournalDamaged, match="is broken"):
        take(home)
    assert not (home / "backup.tar.gz").exists()
