"""Judges how an agent ended from its exit code, its last events and its standard error.

Only error events, the final event and standard error are searched for words such as "rate limit":
what an agent wrote as prose or met in a file says nothing about its own account.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from orchestrator.domain.agents import AgentEvent, AgentEventKind, Ending
from orchestrator.domain.verdicts import Execution

_STATUS: Final = r"\b(?:status|code|error|http)\w*\W{1,3}"  # a bare 429 may be a line number
_WORDS: Final = (
    (
        Execution.QUOTA,
        rf"rate.?limit|usage limit|quota|too many requests|overloaded|{_STATUS}(?:429|529)\b",
    ),
    (
        Execution.AUTH,
        "|".join(
            (
                r"not logged in|please (?:run )?/?log.?in|unauthori[sz]ed|authentication",
                r"auth method|(?:invalid|missing).{0,15}api.?key|credit balance",
                r"api.?key.{0,20}(?:missing|not set|invalid|required)",
                rf"{_STATUS}(?:401|403)\b",
            )
        ),
    ),
    (
        Execution.USAGE,
        r"unknown (?:option|argument)|unexpected argument|unrecognized argument|invalid choice",
    ),
)
_PATTERNS: Final = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _WORDS)
_EPOCH: Final = re.compile(r"limit reached\|(\d{10})\b")  # seconds since 1970, as Claude Code says
_DELAY: Final = re.compile(
    r"\b(?:re)?try(?:ing)?(?: again)? (?:in|after) ((?:\d+(?:\.\d+)? ?[a-z]+(?:,? and)?,? ?){1,6})",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|d|h|m|s)", re.IGNORECASE)
_UNIT_MS: Final = MappingProxyType(
    {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
)
_DETAIL_CHARACTERS_MAX: Final = 200


def judge_words(said: str) -> Execution | None:
    """Return the class of a failure that a message gives away; None if it does not."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(said)), None)


def retry_at_ms(said: str, now_ms: int) -> int | None:
    """Return when a quota is free again, wall clock; None if the message does not say."""
    if epoch := _EPOCH.search(said):
        return int(epoch[1]) * 1_000
    delay = _DELAY.search(said)
    amounts = _AMOUNT.findall(delay[1]) if delay else []
    if not amounts:
        return None
    return now_ms + int(sum(float(count) * _UNIT_MS[unit.lower()] for count, unit in amounts))


class Habits(NamedTuple):
    """How a program ends, as far as programs differ."""

    codes: Mapping[int, Execution] = MappingProxyType({})
    """What its own exit codes mean."""
    needs_final: bool = True
    """Whether code 0 without a final event is a failure."""


USUAL_HABITS: Final = Habits()


def judge_stream(
    exit_code: int | None,
    events: Sequence[AgentEvent],
    stderr_tail: bytes,
    now_ms: int,
    habits: Habits = USUAL_HABITS,
) -> Ending:
    """Judge a process that nobody stopped.

    Args:
        exit_code: Negative for a signal, None if unknown.
        events: What its output said, oldest first.
        stderr_tail: The end of its standard error.
        now_ms: Wall clock, for quotas that are free again "in 20 minutes".
        habits: How this program ends.
    """
    final = next((each for each in reversed(events) if each.kind is AgentEventKind.FINAL), None)
    said = _last_words(final, events, stderr_tail)
    is_silent_end = final is None and habits.needs_final
    if exit_code == 0 and not is_silent_end and (final is None or not final.is_error):
        execution, detail = Execution.OK, "ended by itself"
    elif exit_code == 0 and is_silent_end:
        execution = Execution.CRASHED
        detail = "ended with code 0, but its output stops short of its last event"
    else:
        execution, detail = _judge_failure(exit_code, final, said, habits.codes)
    costs = [each.cost_usd for each in events if each.cost_usd is not None]
    tokens = [each.tokens for each in events if each.tokens is not None]
    return Ending(
        execution=execution,
        detail=detail,
        exit_code=exit_code,
        cost_usd=sum(costs) if costs else None,
        tokens=sum(tokens) if tokens else None,
        denied=tuple(dict.fromkeys(name for each in events for name in each.denied)),
        conversation=next(
            (each.conversation for each in reversed(events) if each.conversation), None
        ),
        retry_at_ms=retry_at_ms(said, now_ms) if execution is Execution.QUOTA else None,
    )


def _judge_failure(
    exit_code: int | None, final: AgentEvent | None, said: str, codes: Mapping[int, Execution]
) -> tuple[Execution, str]:
    """Return the class of a failure and one sentence."""
    shown = _one_line(said)
    if exit_code is not None and exit_code < 0:
        return Execution.CRASHED, f"ended by signal {-exit_code}" + _after(shown)
    if exit_code is not None and exit_code in codes:
        return codes[exit_code], f"ended with code {exit_code}" + _after(shown)
    execution = judge_words(said)
    if execution is Execution.AUTH:
        return execution, "the agent is not logged in" + _after(shown)
    if execution is not None:
        return execution, shown
    if final is not None and not final.is_error:
        return Execution.CRASHED, f"said that it is done, then ended with code {exit_code}"
    return Execution.CRASHED, f"ended with code {exit_code}" + _after(shown)


def _last_words(final: AgentEvent | None, events: Sequence[AgentEvent], stderr_tail: bytes) -> str:
    """Return what the agent said of its own failure, the most telling first."""
    if final is not None and final.is_error and final.text:
        return final.text
    error = next((each for each in reversed(events) if each.kind is AgentEventKind.ERROR), None)
    lines = [error.text] if error is not None and error.text else []
    return "\n".join((*lines, stderr_tail.decode(errors="replace").strip()))


def _one_line(said: str) -> str:
    """Return the last line with words, printable and short."""
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "")
    shown = "".join(each if each.isprintable() else "?" for each in last.strip())
    return shown[:_DETAIL_CHARACTERS_MAX]


def _after(shown: str) -> str:
    return f": {shown}" if shown else ""
