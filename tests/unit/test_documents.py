"""What the documents tell a person to type exists."""

import re
from pathlib import Path

import pytest

from palmbot.cli.main import make_app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / ".env.example", *(ROOT / "docs").glob("*.md")])
QUOTED = re.compile(r"`(?:\.venv/bin/)?palmbot ([a-z][a-z-]*)(?: ([a-z][a-z|-]*))?[^`]*`")


def known():
    """Return every command with the names below it; none for a command that stands alone."""
    app = make_app(is_list=True)
    names = {}
    for name in app:
        if not name.startswith("-"):
            below = app[name]
            names[name] = {each for each in below if not each.startswith("-")}
    return names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_is_a_command(path):
    commands = known()
    text = path.read_text().replace("\n", " ")
    for name, below in QUOTED.findall(text):
        assert name in commands, f"palmbot {name}"
        if commands[name] and below and "|" not in below:
            assert below in commands[name] or commands[name] == set(), f"palmbot {name} {below}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_a_document_is_a_target(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"`make ([a-z][a-z-]*)", path.read_text()):
        assert target in targets, f"make {target}"


@pytest.mark.parametrize(
    "path", [each for each in DOCUMENTS if each.suffix == ".md"], ids=lambda path: path.name
)
def test_every_link_of_a_document_leads_somewhere(path):
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
