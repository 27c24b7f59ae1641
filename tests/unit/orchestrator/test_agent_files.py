"""The agents that come with the program, the judgement of a library, and its export."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from orchestrator.agents.exporting import Layout, export_library, render_agent
from orchestrator.agents.library import read_library
from orchestrator.agents.linting import lint_library
from orchestrator.agents.shipped import SHIPPED_LIBRARY
from orchestrator.domain.errors import InputInvalid

NAMES = (
    "apex-workflow",
    "backend-architect",
    "code-reviewer",
    "debugger",
    "explore-code",
    "test-engineer",
)
READERS = ("code-reviewer", "explore-code")
SUBAGENT_KEYS = {"name", "description", "tools", "model", "metadata"}


def head_of(text):
    return yaml.safe_load(text.split("---\n")[1])


def write_agent(folder, name, head="tools: Read", body="Read.\n"):
    (folder / f"{name}.md").write_text(
        f"---\nname: {name}\ndescription: Reads.\n{head}\n---\n{body}", encoding="utf-8"
    )


def codes(folder):
    return [each.code for each in lint_library(read_library([folder]))]


def test_the_library_holds_the_six_agents_that_session_documents_name():
    assert tuple(read_library([SHIPPED_LIBRARY])) == NAMES


def test_the_shipped_library_has_no_findings():
    assert lint_library(read_library([SHIPPED_LIBRARY])) == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_uses_only_keys_that_every_loader_knows(name):
    head = head_of((SHIPPED_LIBRARY / f"{name}.md").read_text(encoding="utf-8"))
    assert set(head) == SUBAGENT_KEYS
    assert (head["name"], head["model"]) == (name, "inherit")
    assert isinstance(head["tools"], str)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_says_what_to_do_and_how_to_report(name):
    body = read_library([SHIPPED_LIBRARY])[name].body
    assert len(body.split()) > 250
    assert "claim" in body.lower() or "verdict" in body.lower() or "evidence" in body.lower()


@pytest.mark.parametrize("name", NAMES)
def test_agents_that_only_read_cannot_write(name):
    tools = set(read_library([SHIPPED_LIBRARY])[name].tools)
    assert bool(tools & {"Edit", "Write", "Bash"}) == (name not in READERS)


def test_shipped_agents_resemble_each_other_in_form_and_not_in_text():
    bodies = [each.body for each in read_library([SHIPPED_LIBRARY]).values()]
    for one in bodies:
        for other in bodies:
            if one is not other:
                mine, yours = set(one.splitlines()), set(other.splitlines())
                assert len(mine & yours) < len(mine) / 3


def test_allowed_tools_in_an_agent_is_an_error_because_it_restricts_nothing(tmp_path):
    write_agent(tmp_path, "reader", head="allowed-tools: [Read]")
    assert "AGENT_ALLOWED_TOOLS" in codes(tmp_path)


def test_an_unknown_tool_is_named(tmp_path):
    write_agent(tmp_path, "reader", head="tools: Read, Grepp, Bash(pytest *), mcp__db__query")
    findings = lint_library(read_library([tmp_path]))
    assert [(each.code, "Grepp" in each.message) for each in findings] == [
        ("AGENT_TOOL_UNKNOWN", True)
    ]


def test_a_mention_of_a_missing_agent_is_an_error(tmp_path):
    write_agent(tmp_path, "one", body="Ask @agents_library/two.md and @agents_library/three.md.\n")
    write_agent(tmp_path, "two")
    findings = lint_library(read_library([tmp_path]))
    assert [each.code for each in findings] == ["AGENT_MENTION"]
    assert "three" in findings[0].message


def test_an_agent_without_instructions_or_with_a_wild_name_is_an_error(tmp_path):
    write_agent(tmp_path, "Big_Name", body="")
    assert {"AGENT_NAME_FORM", "AGENT_EMPTY"} <= set(codes(tmp_path))


def test_a_description_that_an_export_would_cut_is_a_warning(tmp_path):
    text = f"---\nname: long\ndescription: {'x' * 1_025}\n---\nRead.\n"
    (tmp_path / "long.md").write_text(text, encoding="utf-8")
    assert codes(tmp_path) == ["AGENT_DESCRIPTION_LONG"]


@pytest.mark.parametrize("layout", Layout)
def test_every_layout_says_name_purpose_and_instructions(layout):
    for agent in read_library([SHIPPED_LIBRARY]).values():
        path, text = render_agent(agent, layout)
        if layout is Layout.CODEX:
            said = tomllib.loads(text)
            assert said["developer_instructions"] == agent.body
        else:
            said = head_of(text)
            assert text.endswith(agent.body)
        assert said["description"] == agent.description
        assert agent.name in path


def test_the_claude_layout_is_the_file_itself():
    agent = read_library([SHIPPED_LIBRARY])["debugger"]
    path, text = render_agent(agent, Layout.CLAUDE)
    assert path == ".claude/agents/debugger.md"
    assert text == agent.path.read_text(encoding="utf-8")


def test_a_reader_stays_a_reader_in_other_layouts():
    agents = read_library([SHIPPED_LIBRARY])
    reader = head_of(render_agent(agents["explore-code"], Layout.OPENCODE)[1])
    builder = head_of(render_agent(agents["debugger"], Layout.OPENCODE)[1])
    assert reader["permission"] == {"edit": "deny", "bash": "deny", "webfetch": "deny"}
    assert builder["permission"]["edit"] == builder["permission"]["bash"] == "allow"
    tools = head_of(render_agent(agents["explore-code"], Layout.GEMINI)[1])["tools"]
    assert tools == ["read_file", "grep_search", "glob"]


def test_odd_characters_survive_the_codex_layout(tmp_path):
    body = 'Say "é\\n"\t\u007f\u2028 and 🔒.\n'
    write_agent(tmp_path, "odd", body=body)
    said = tomllib.loads(render_agent(read_library([tmp_path])["odd"], Layout.CODEX)[1])
    assert said["developer_instructions"] == body


def test_skill_names_fit_the_skill_format(tmp_path):
    written = export_library(read_library([SHIPPED_LIBRARY]).values(), Layout.SKILLS, tmp_path)
    for path in written:
        head = head_of(path.read_text(encoding="utf-8"))
        assert path.parent.name == head["name"]
        assert re.fullmatch(r"[a-z0-9-]{1,64}", head["name"])


def test_an_export_can_be_repeated_but_overwrites_nothing_of_others(tmp_path):
    agents = read_library([SHIPPED_LIBRARY]).values()
    first = export_library(agents, Layout.CLAUDE, tmp_path)
    assert export_library(agents, Layout.CLAUDE, tmp_path) == first
    first[-1].write_text("mine", encoding="utf-8")
    first[0].unlink()
    with pytest.raises(InputInvalid, match="other content"):
        export_library(agents, Layout.CLAUDE, tmp_path)
    assert not first[0].exists()
    assert first[-1].read_text(encoding="utf-8") == "mine"


def test_an_export_does_not_write_through_a_link(tmp_path):
    outside = tmp_path / "outside"
    project = tmp_path / "project"
    (project / ".claude" / "agents").mkdir(parents=True)
    (project / ".claude" / "agents" / "debugger.md").symlink_to(outside)
    with pytest.raises(InputInvalid):
        export_library(read_library([SHIPPED_LIBRARY]).values(), Layout.CLAUDE, project)
    assert not outside.exists()


def test_a_library_with_errors_is_not_exported(tmp_path):
    write_agent(tmp_path, "reader", head="allowed-tools: [Read]")
    with pytest.raises(InputInvalid, match="allowed-tools"):
        export_library(read_library([tmp_path]).values(), Layout.GEMINI, tmp_path / "out")
    assert not Path(tmp_path / "out").exists()
