"""What an agent's last words give away, and what they must not."""

import pytest

from orchestrator.agents.adapters.endings import Habits, judge_stream, judge_words, retry_at_ms
from orchestrator.domain.agents import AgentEvent, AgentEventKind
from orchestrator.domain.verdicts import Execution

NOW_MS = 1_000_000_000_000
TEXT = AgentEvent(kind=AgentEventKind.TEXT, text="handles 429 rate limit; not logged in")
FINAL = AgentEvent(kind=AgentEventKind.FINAL)


@pytest.mark.parametrize(
    "said",
    [
        "Rate limit reached for requests",
        "You've hit your usage limit.",
        "last status: 429 Too Many Requests",
        "HTTP 429",
        "error_code=529",
        "Overloaded",
    ],
)
def test_a_quota_is_known_by_its_words(said):
    assert judge_words(said) is Execution.QUOTA


@pytest.mark.parametrize(
    "said",
    [
        "Not logged in · Please run /login",
        "unexpected status 401 Unauthorized",
        "Invalid API key",
        "OPENAI_API_KEY is not set",
        "Invalid auth method selected.",
    ],
)
def test_a_missing_login_is_known_by_its_words(said):
    assert judge_words(said) is Execution.AUTH


@pytest.mark.parametrize("said", ["main.py, line 429, in run", "401 files read", "", "Killed"])
def test_numbers_that_only_look_like_a_status_mean_nothing(said):
    assert judge_words(said) is None


def test_what_an_agent_wrote_as_prose_is_not_searched():
    ending = judge_stream(1, [TEXT], b"boom", NOW_MS)
    assert (ending.execution, ending.retry_at_ms) == (Execution.CRASHED, None)
    assert judge_stream(0, [TEXT, FINAL], b"rate limit 429", NOW_MS).execution is Execution.OK


@pytest.mark.parametrize(
    ("said", "wait_ms"),
    [
        ("try again in 3 hours 5 minutes", 11_100_000),
        ("Please retry in 47m12s.", 2_832_000),
        ("retry after 30 seconds", 30_000),
        ("try again in 1.5 h", 5_400_000),
        ("try again in 2 days", 172_800_000),
        ("Retry after 1 hour, 2 minutes and 3 seconds. 9 days", 3_723_000),
        ("retrying in 200ms", 200),
        ("try again later", None),
        ("", None),
    ],
)
def test_a_delay_is_read_in_every_form_that_agents_write(said, wait_ms):
    assert retry_at_ms(said, NOW_MS) == (None if wait_ms is None else NOW_MS + wait_ms)


def test_a_moment_is_read_as_seconds_since_1970():
    assert retry_at_ms("usage limit reached|1769500000", NOW_MS) == 1_769_500_000_000


def test_a_signal_is_named_whatever_was_said():
    ending = judge_stream(-9, [TEXT], b"rate limit", NOW_MS)
    assert ending.execution is Execution.CRASHED
    assert "signal 9" in ending.detail


def test_an_unknown_exit_code_is_never_success():
    assert judge_stream(None, [FINAL], b"", NOW_MS).execution is Execution.CRASHED


def test_control_characters_of_an_agent_do_not_reach_the_terminal():
    ending = judge_stream(1, [], b"\x1b[31mred\x07 \xff\n", NOW_MS)
    assert ending.detail.isprintable()


def test_a_detail_is_short_however_long_the_line():
    assert len(judge_stream(1, [], b"x" * 100_000, NOW_MS).detail) < 300


def test_a_program_without_a_last_event_may_end_silently():
    assert judge_stream(0, [], b"", NOW_MS).execution is Execution.CRASHED
    silent = Habits(needs_final=False)
    assert judge_stream(0, [], b"", NOW_MS, silent).execution is Execution.OK


def test_denials_are_named_once_each_in_order():
    events = [
        AgentEvent(kind=AgentEventKind.DENIED, denied=("Bash",)),
        AgentEvent(kind=AgentEventKind.FINAL, denied=("Write", "Bash")),
    ]
    assert judge_stream(0, events, b"", NOW_MS).denied == ("Bash", "Write")
