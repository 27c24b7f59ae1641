"""`.env.example` names every variable that the code knows, with unit, default and source."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from palmbot.config.access import VARIABLES, EnvAccess
from palmbot.config.loading import load_config

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def known():
    """Return every variable of the code, with whether it is a secret."""
    return {
        kind.model_config["env_prefix"] + name.upper(): field.annotation == SecretStr | None
        for kind in VARIABLES
        for name, field in kind.model_fields.items()
    }


def described():
    """Return the comment above each variable of the example."""
    comments, comment = {}, []
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif "=" in line:
            comments[line.partition("=")[0]] = " ".join(comment)
            comment = []
        else:
            comment = []
    return comments


def test_every_variable_that_the_code_knows_is_in_the_example_and_no_other():
    assert set(described()) == set(known())


@pytest.mark.parametrize("name", sorted(known()))
def test_every_variable_tells_unit_default_and_where_to_get_it(name):
    text = described()[name]
    for word in (r"Unit: \S", r"Default: \S", r"From: \S"):
        assert re.search(word, text), word


def test_the_example_as_it_stands_is_a_file_that_loads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in known():
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    (tmp_path / ".env").chmod(0o600)
    config = load_config()
    assert config.access == EnvAccess()
    assert config.messengers.urls is config.messengers.heartbeat is None
