"""A page is on disk whole, or not at all."""

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.reports.page_file import check_place, write_page


def test_a_page_replaces_an_older_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_page(path, "neu: \N{EURO SIGN}")
    assert path.read_bytes() == "neu: \N{EURO SIGN}".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_missing_folder_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "none" / "report.html"
    with pytest.raises(InputInvalid, match="cannot be written there"):
        write_page(path, "text")
    assert not path.parent.exists()


def test_a_folder_in_the_way_is_refused_and_the_draft_removed(tmp_path):
    path = tmp_path / "report.html"
    path.mkdir()
    with pytest.raises(InputInvalid, match=r"report\.html: the report cannot be written"):
        write_page(path, "text")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_place_is_checked_without_touching_what_stands_there(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    check_place(path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_take_the_page_is_refused_before_the_work(tmp_path):
    with pytest.raises(InputInvalid, match="cannot be written there"):
        check_place(tmp_path / "none" / "report.html")
    with pytest.raises(InputInvalid, match="a folder is in the way"):
        check_place(tmp_path)
