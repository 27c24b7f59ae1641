"""A command whose tool is not installed says so; any other failed import stays what it is."""

from palmbot.cli.main import find_missing_tool


def chain(name):
    error = ImportError("Cannot import module 'palmbot.cli.demo'")
    error.__cause__ = ModuleNotFoundError(f"No module named {name!r}", name=name)
    return error


def test_a_tool_of_research_is_named_however_deep_its_absence_was_found():
    assert find_missing_tool(chain("polars")) == "polars"
    assert find_missing_tool(chain("numba.core")) == "numba"


def test_a_defect_of_our_own_is_not_taken_for_a_missing_tool():
    assert find_missing_tool(chain("palmbot.nowhere")) is None
    assert find_missing_tool(ImportError("cannot import name 'x'")) is None
