"""The token file against a real directory."""

import os
from pathlib import Path

import pytest

from palmbot.adapters.token_file import TokenFile
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.ports import Tokens


def tokens(number: int) -> Tokens:
    return Tokens(
        access_token=Secret(f"access-{number}"),
        refresh_token=Secret(f"refresh-{number}"),
        expires_at=TimestampMs(1_700_000_000_000 + number),
    )


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "tokens.json"


def test_what_was_saved_is_loaded(path):
    TokenFile(path).save(tokens(1))
    assert TokenFile(path).load() == tokens(1)


def test_no_file_means_no_tokens(path):
    assert TokenFile(path).load() is None


def test_the_file_is_for_its_owner_alone_whatever_the_umask(path):
    before = os.umask(0)
    try:
        TokenFile(path).save(tokens(1))
        TokenFile(path).save(tokens(2))
    finally:
        os.umask(before)
    assert [each.stat().st_mode & 0o777 for each in path.parent.iterdir()] == [0o600, 0o600]


def test_the_pair_before_stays_beside_the_new_one(path):
    for number in (1, 2, 3):
        TokenFile(path).save(tokens(number))
    assert TokenFile(path).load() == tokens(3)
    assert TokenFile(path.with_name("tokens.json.prev")).load() == tokens(2)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "tokens.json",
        "tokens.json.prev",
    ]


def test_what_a_crash_left_behind_does_not_hinder(path):
    TokenFile(path).save(tokens(1))
    path.with_name("tokens.json.new").write_bytes(b"half of a pa")
    TokenFile(path).save(tokens(2))
    assert TokenFile(path).load() == tokens(2)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_could_read_is_refused(path, mode):
    TokenFile(path).save(tokens(1))
    path.chmod(mode)
    with pytest.raises(ConfigInvalid, match="chmod 600"):
        TokenFile(path).load()


def test_a_link_instead_of_a_file_is_refused(path):
    TokenFile(path).save(tokens(1))
    link = path.with_name("link.json")
    link.symlink_to(path)
    with pytest.raises(ConfigInvalid, match="cannot read the token file"):
        TokenFile(link).load()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"access_token":"open-sesame"}',
        b'"open-sesame"',
        b"\xff",
        b'{"open-sesame\xf4": 1}',
    ],
)
def test_a_damaged_file_is_refused_without_quoting_it(path, text):
    TokenFile(path).save(tokens(1))
    path.write_bytes(text)
    with pytest.raises(ConfigInvalid, match="authorise again") as refusal:
        TokenFile(path).load()
    assert "sesame" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ConfigInvalid, match="cannot write the token file"):
        TokenFile(tmp_path / "nowhere" / "tokens.json").save(tokens(1))
