"""Drives procedures: sends what they ask when the rate budgets allow, finds whose an answer is."""

from enum import Enum, auto
from typing import NamedTuple

from google.protobuf.message import Message

from palmbot.ctrader.conversation import Procedure
from palmbot.ctrader.errors import HISTORICAL, ErrorClass, classify
from palmbot.ctrader.messages import PAYLOAD_TYPES, UnreadableMessage, encode
from palmbot.ctrader.rates import RateBudget
from palmbot.domain.errors import (
    PalmbotError,
    ProtocolViolation,
    RequestRefused,
    RequestTimedOut,
    TransientError,
)

NEVER_S = float("inf")

ORDER_RESERVE = 15
"""Requests a second that procedures leave to orders."""

RETRY_S_MAX = 120.0
"""Longest wait when the broker asks to slow down. The wait doubles each time in a row, so a
request is repeated seven times at most."""


class Purpose(Enum):
    """What a procedure is for; at most one of each runs."""

    SESSION = auto()
    BOOKS = auto()
    BARS = auto()
    TOKENS = auto()
    INQUIRY = auto()
    """One question of a person, on a connection of its own; see `inquiry`."""

    __hash__ = object.__hash__  # that of Enum is computed in Python, and keys are looked up a lot


class Outcome(NamedTuple):
    """How a procedure ended: with a result, or with an error."""

    purpose: Purpose
    result: object
    error: PalmbotError | None


class _Talk:
    """One procedure under way: what it asks now, and whether that has left already."""

    __slots__ = (
        "client_msg_id",
        "deadline_s",
        "not_before_s",
        "payload_type",
        "procedure",
        "request",
        "throttled",
    )

    def __init__(self, procedure: Procedure[object], request: Message) -> None:
        self.procedure = procedure
        self.ask(request)

    def ask(self, request: Message) -> None:
        self.request = request
        self.payload_type = PAYLOAD_TYPES[type(request)]
        self.throttled = 0
        self.wait_until(float("-inf"))

    def wait_until(self, not_before_s: float) -> None:
        """Let the request wait to be sent, once more if it was already."""
        self.client_msg_id = ""
        self.not_before_s = not_before_s
        self.deadline_s = NEVER_S


class Switchboard:
    """The procedures of one connection, each with one request outstanding or waiting."""

    def __init__(
        self, *, ordinary: RateBudget, historical: RateBudget, request_timeout_s: float
    ) -> None:
        """Share the budgets with whoever else sends on the connection."""
        self._ordinary = ordinary
        self._historical = historical
        self._request_timeout_s = request_timeout_s
        self._talks: dict[Purpose, _Talk] = {}
        self._requests_sent = 0

    def __len__(self) -> int:
        return len(self._talks)

    def __contains__(self, purpose: Purpose) -> bool:
        return purpose in self._talks

    def start(self, purpose: Purpose, procedure: Procedure[object]) -> Outcome | None:
        """Begin a procedure; its first request waits for `write_due`."""
        try:
            request = next(procedure)
        except StopIteration as stop:
            return Outcome(purpose, stop.value, None)
        except (RequestRefused, TransientError, ProtocolViolation) as e:
            return Outcome(purpose, None, e)
        self._talks[purpose] = _Talk(procedure, request)
        return None

    def is_asking(self, client_msg_id: str) -> bool:
        """Tell whether an answer with this id is waited for."""
        return self._find(client_msg_id) is not None

    def _find(self, client_msg_id: str) -> Purpose | None:
        if client_msg_id:
            for purpose, talk in self._talks.items():
                if talk.client_msg_id == client_msg_id:
                    return purpose
        return None

    def answer(
        self, client_msg_id: str, answer: Message | PalmbotError, now_s: float
    ) -> Outcome | None:
        """Hand an answer or an error to the procedure that waits for it.

        A request the broker only wants later is repeated then, without the procedure knowing.

        Raises:
            FatalError: the procedure found that no retry can help.
        """
        purpose = self._find(client_msg_id)
        if purpose is None:
            raise ValueError(f"nobody asked for answer {client_msg_id!r}")
        talk = self._talks[purpose]
        if isinstance(answer, RequestRefused) and _postpone(talk, answer, now_s):
            return None
        return self._resume(purpose, answer)

    def _resume(self, purpose: Purpose, answer: Message | PalmbotError) -> Outcome | None:
        talk = self._talks[purpose]
        try:
            if isinstance(answer, PalmbotError):
                request = talk.procedure.throw(answer)
            else:
                request = talk.procedure.send(answer)
        except StopIteration as stop:
            del self._talks[purpose]
            return Outcome(purpose, stop.value, None)
        except (RequestRefused, TransientError, ProtocolViolation, UnreadableMessage) as e:
            del self._talks[purpose]
            return Outcome(purpose, None, e)
        talk.ask(request)
        return None

    def time_out(self, now_s: float) -> tuple[Outcome, ...]:
        """Tell procedures whose answer is overdue; return those that ended by it."""
        if not self._talks:
            return ()
        outcomes: list[Outcome] = []
        for purpose, talk in list(self._talks.items()):
            if talk.deadline_s <= now_s:
                name = talk.request.DESCRIPTOR.name
                late = RequestTimedOut(f"the broker did not answer {name} in time")
                outcome = self._resume(purpose, late)
                if outcome is not None:
                    outcomes.append(outcome)
        return tuple(outcomes)

    def write_due(self, now_s: float) -> bytes:
        """Return the frames of the waiting requests that may leave now."""
        if not self._talks:
            return b""
        frames: list[bytes] = []
        for talk in self._talks.values():
            if talk.client_msg_id or self._send_time_s(talk, now_s) > now_s:
                continue
            self._requests_sent += 1
            talk.client_msg_id = f"r{self._requests_sent}"
            talk.deadline_s = now_s + self._request_timeout_s
            frames.append(encode(talk.request, talk.client_msg_id))
            self._ordinary.spend(now_s)
            if talk.payload_type in HISTORICAL:
                self._historical.spend(now_s)
        return b"".join(frames)

    def _send_time_s(self, talk: _Talk, now_s: float) -> float:
        """Return when the waiting request of a procedure may leave."""
        due_s = max(talk.not_before_s, self._ordinary.next_s(now_s, ORDER_RESERVE))
        if talk.payload_type in HISTORICAL:
            due_s = max(due_s, self._historical.next_s(now_s, 0))
        return due_s

    def deadline_s(self, now_s: float) -> float:
        """Return when something is to be sent or overdue; infinite if nothing is."""
        due_s = NEVER_S
        for talk in self._talks.values():
            next_s = talk.deadline_s if talk.client_msg_id else self._send_time_s(talk, now_s)
            due_s = min(due_s, next_s)
        return due_s

    def clear(self) -> None:
        """Forget all procedures; they get no further word."""
        self._talks.clear()


def _postpone(talk: _Talk, refused: RequestRefused, now_s: float) -> bool:
    """Let the request wait if it was refused as too early, within bounds; tell whether."""
    wait_s = max(refused.retry_after_s or 0.0, 2.0**talk.throttled)
    is_throttle = classify(refused.code, refused.reason) is ErrorClass.THROTTLE
    if not is_throttle or wait_s > RETRY_S_MAX:
        return False
    talk.throttled += 1
    talk.wait_until(now_s + wait_s)
    return True
