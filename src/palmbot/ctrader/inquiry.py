"""The client's end of a connection that only asks, without a socket and without a clock.

Lists, contracts and price history for a person, on a connection of their own beside the bot's.
It runs one procedure after the other, keeps the link alive in between, and knows no way to send
an order. What went wrong with one question is the answer to it; what went wrong with the
connection ends it.
"""

from typing import TypeVar

from google.protobuf.message import Message

from palmbot.ctrader.connection import Limits
from palmbot.ctrader.conversation import Procedure
from palmbot.ctrader.frames import FrameReader
from palmbot.ctrader.generated.envelope_pb2 import ProtoErrorRes, ProtoHeartbeatEvent
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAOrderErrorEvent
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountDisconnectEvent,
    ProtoOAAccountsTokenInvalidatedEvent,
    ProtoOAClientDisconnectEvent,
    ProtoOAErrorRes,
)
from palmbot.ctrader.messages import UnreadableMessage, decode, encode
from palmbot.ctrader.quotes import Quotes
from palmbot.ctrader.rates import RateBudget
from palmbot.ctrader.switchboard import NEVER_S, Outcome, Purpose, Switchboard
from palmbot.domain.errors import ConnectionLost, PalmbotError, RequestRefused
from palmbot.domain.market import Tick
from palmbot.domain.units import TimestampMs

T = TypeVar("T")

_ENDINGS = (
    ProtoOAClientDisconnectEvent,
    ProtoOAAccountDisconnectEvent,
    ProtoOAAccountsTokenInvalidatedEvent,
)
"""Pushes after which nothing sensible is answered any more."""


class Inquiry:
    """One connection for questions, from the first byte to the last; never used twice."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits if limits is not None else Limits()
        self._reader = FrameReader()
        self._quotes = Quotes()
        self._outgoing = bytearray()
        self._outcome: Outcome | None = None
        self._switchboard = Switchboard(
            ordinary=RateBudget(self._limits.ordinary_per_s),
            historical=RateBudget(self._limits.historical_per_s),
            request_timeout_s=self._limits.request_timeout_s,
        )
        self._heard_s = 0.0
        self._heartbeat_due_s = NEVER_S

    def open(self, now_s: float) -> None:
        """The transport is up."""
        self._heard_s = now_s
        self._heartbeat_due_s = now_s + self._limits.heartbeat_s

    def start(self, procedure: Procedure[object], now_s: float) -> None:
        """Begin a question; how it ends is told by `take_outcome`.

        Raises:
            ValueError: another one runs.
            FatalError: see the procedure.
        """
        if Purpose.INQUIRY in self._switchboard:
            raise ValueError("one question at a time")
        self._outcome = self._switchboard.start(Purpose.INQUIRY, procedure)
        self._outgoing += self._switchboard.write_due(now_s)

    def receive(self, chunk: bytes, now_s: float, now_ms: TimestampMs) -> None:
        """Take received bytes.

        Raises:
            ProtocolViolation: the broker broke the protocol; drop the link.
            ConnectionLost: the broker ended the session; drop the link.
            FatalError: no retry of the question can help; drop the link.
        """
        self._heard_s = now_s
        for frame in self._reader.feed(chunk):
            try:
                _, client_msg_id, message = decode(frame)
            except UnreadableMessage as e:
                self._answer(e.client_msg_id, e, now_s)
                continue
            if isinstance(message, ProtoOASpotEvent):
                self._quotes.update(message, now_ms)
            elif isinstance(message, _ENDINGS):
                reason = getattr(message, "reason", "") or "no reason given"
                raise ConnectionLost(f"the broker ended the session: {reason}")
            elif isinstance(message, ProtoOAErrorRes | ProtoErrorRes | ProtoOAOrderErrorEvent):
                self._answer(client_msg_id, _to_refusal(message), now_s)
            elif message is not None:
                self._answer(client_msg_id, message, now_s)
        self._outgoing += self._switchboard.write_due(now_s)

    def advance(self, now_s: float) -> None:
        """Let time pass: heartbeats, deadlines, requests that waited for the rate budget.

        Raises:
            ConnectionLost: the broker was silent for too long.
            FatalError: no retry of the question can help.
        """
        # The same sums as in `deadline_s`: a difference could round to just below the limit.
        if now_s >= self._heard_s + self._limits.silence_s_max:
            raise ConnectionLost(f"no byte from the broker for {self._limits.silence_s_max:.0f} s")
        if now_s >= self._heartbeat_due_s:
            self._outgoing += encode(ProtoHeartbeatEvent())
            self._heartbeat_due_s = now_s + self._limits.heartbeat_s
        for outcome in self._switchboard.time_out(now_s):
            self._outcome = outcome
        self._outgoing += self._switchboard.write_due(now_s)

    def deadline_s(self, now_s: float) -> float:
        """Return the link time at which `advance` wants to be called at the latest."""
        return min(
            self._heartbeat_due_s,
            self._heard_s + self._limits.silence_s_max,
            self._switchboard.deadline_s(now_s),
        )

    def take_outcome(self) -> Outcome | None:
        """Return how the question ended, once; None while it runs."""
        outcome, self._outcome = self._outcome, None
        return outcome

    def take_outgoing(self) -> bytes:
        """Return what has to go to the transport, and forget it. Call after every other call."""
        outgoing = bytes(self._outgoing)
        self._outgoing.clear()
        return outgoing

    @property
    def quote(self) -> Tick | None:
        """Newest quote of a subscribed symbol; None before the first."""
        return max(self._quotes.last_ticks(), key=lambda tick: tick.time, default=None)

    def _answer(self, client_msg_id: str, answer: Message | PalmbotError, now_s: float) -> None:
        if self._switchboard.is_asking(client_msg_id):
            outcome = self._switchboard.answer(client_msg_id, answer, now_s)
            self._outcome = outcome or self._outcome


def _to_refusal(
    error: ProtoOAErrorRes | ProtoErrorRes | ProtoOAOrderErrorEvent,
) -> RequestRefused:
    retry_after_s = None
    if isinstance(error, ProtoOAErrorRes) and error.HasField("retryAfter"):
        retry_after_s = float(error.retryAfter)
    return RequestRefused(error.errorCode, error.description, retry_after_s=retry_after_s)
