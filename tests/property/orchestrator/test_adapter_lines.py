"""No line of output, however strange, brings an adapter down or makes it dangerous."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agents.adapters.catalogue import ADAPTERS, known_adapters
from orchestrator.agents.adapters.conversations import safe_conversation
from orchestrator.domain.agents import AgentEvent

TYPES = (
    *("system", "assistant", "result", "init", "message", "tool_use", "tool_result", "error"),
    *("step_start", "step_finish", "text", "thread.started", "item.completed"),
    *("turn.completed", "turn.failed"),
)
KEYS = (
    *("type", "subtype", "session_id", "sessionID", "thread_id", "message", "content", "part"),
    *("item", "error", "usage", "stats", "status", "reason", "tokens", "cost", "total_cost_usd"),
    *("is_error", "result", "permission_denials", "tool_name", "state", "data", "role", "text"),
    *("input", "output", "input_tokens"),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(TYPES)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)
objects = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(KEYS), values),
)


class StoppedClock:
    def now_ms(self):
        return 0


def judge(name, line):
    adapter = known_adapters({}, StoppedClock())[name]
    event = adapter.parse(line)
    assert event is None or isinstance(event, AgentEvent)
    if event is not None:
        assert len(event.text) <= 3_000
        assert event.conversation is None or safe_conversation(event.conversation)
        assert event.cost_usd is None or event.cost_usd >= 0
        assert event.tokens is None or event.tokens >= 0
        adapter.classify(1, [event], line)


@pytest.mark.parametrize("name", ADAPTERS)
@settings(max_examples=30)
@given(line=st.binary())
def test_any_bytes_are_a_line(name, line):
    judge(name, line)


@pytest.mark.parametrize("name", ADAPTERS)
@settings(max_examples=30)
@given(said=objects)
def test_any_object_is_a_line(name, said):
    judge(name, json.dumps(said).encode())


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_deeply_nested_line_is_survived(name):
    judge(name, b'{"type":' + b"[" * 100_000)
    judge(name, b'{"type":"result","usage":{"input_tokens":1e999},"total_cost_usd":1e999}')
