"""One connection of a client: a transport, the wire, and replies that wait for the link clock."""

import asyncio
from typing import Protocol

from google.protobuf.message import Message

from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAExecutionEvent
from palmbot.ctrader.server_connection import Request, ServerConnection, ServerLimits
from palmbot.domain.errors import ConnectionLost, ProtocolViolation
from palmbot.ports import Clock, Timer
from palmbot.simulator.sessions import Answer, ClientSession

WRITE_BUFFER_BYTES_MAX = 8 * 1024 * 1024
"""A client that reads nothing for so long is dropped."""


class LinkOwner(Protocol):
    """Whoever decides what a request leads to."""

    def open(self, link: "Link") -> None:
        """A client is connected, its TLS handshake done."""

    def receive(self, link: "Link", request: Request) -> None:
        """Deal with one request of a link that lives."""

    def lose(self, message: Message) -> None:
        """Note a request that nobody will deal with: its link is dead or mute."""

    def end(self, link: "Link") -> None:
        """The link is over."""

    def fail(self) -> None:
        """A request could not be dealt with because of a mistake in the server itself."""


class Link(asyncio.Protocol):
    """One connected client, until the link ends."""

    def __init__(
        self,
        owner: LinkOwner,
        clock: Clock,
        limits: ServerLimits,
        account_id: int,
        fragment_bytes: int | None,
    ) -> None:
        self.session = ClientSession()
        self.wire = ServerConnection(opened_s=clock.link_s(), limits=limits)
        # Which account may do what is asked of the session, so that a refused order is counted;
        # the wire lets every request through once the application is known.
        self.wire.authorise_account(account_id)
        self.bytes_received = 0
        self.bytes_sent = 0
        self.is_mute = False
        self.doom = ""
        """Why the link is to be cut before the next quote; empty: it is not."""
        self.is_over = False
        self._owner = owner
        self._clock = clock
        self._fragment_bytes = fragment_bytes
        self._transport: asyncio.Transport | None = None
        self._deadline: Timer | None = None
        self._delayed: set[Timer] = set()

    @property
    def pending(self) -> int:
        """Replies that wait for the link clock."""
        return len(self._delayed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the handshake is done."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.open(self)
        if not self.is_over:
            self._schedule()

    def data_received(self, data: bytes) -> None:
        """Take bytes; every whole request is dealt with before this returns."""
        is_done = False
        try:
            self._deal_with(data)
            is_done = True
        except ProtocolViolation:
            is_done = True
            self.abort()
        finally:
            # The event loop would only log the mistake and drop the link like any other.
            if not is_done:
                self._owner.fail()

    def _deal_with(self, data: bytes) -> None:
        for request in self.wire.receive(data, self._clock.link_s()):
            if self.is_mute or self.is_over:
                self._owner.lose(request.message)
            else:
                self._owner.receive(self, request)
        self.bytes_received += len(data)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport."""
        del exc  # whatever ended it, the client is gone
        self._finish()

    def send(self, answer: Answer, client_msg_id: str | None) -> None:
        """Write an answer; the caller flushes."""
        for message, is_correlated in answer:
            if is_correlated:
                self.wire.reply(message, client_msg_id)
            else:
                self.wire.push(message)

    def delay(self, answer: Answer, client_msg_id: str | None, delay_s: float) -> None:
        """Send an answer later, if the link still lives then."""

        def deliver() -> None:
            self._delayed.discard(timer)
            self.send(answer, client_msg_id)
            self.flush()

        timer = self._clock.call_at(self._clock.link_s() + delay_s, deliver)
        self._delayed.add(timer)

    def send_unknown_message(self) -> None:
        """Write a message of a type that nobody knows."""
        self.wire.write_envelope(2_999, b"\x08\xb7\x17")

    def send_unknown_execution(self, account_id: int) -> None:
        """Write an execution event of type 99, which no client knows."""
        event = ProtoOAExecutionEvent(ctidTraderAccountId=account_id)
        self.wire.write_envelope(2_126, event.SerializePartialToString() + b"\x18\x63")

    def send_garbage(self) -> None:
        """Write a frame that is no envelope."""
        self.wire.write_bytes(b"\x00\x00\x00\x04\xff\xff\xff\xff")

    def send_oversized(self) -> None:
        """Announce a frame longer than any client accepts."""
        self.wire.write_bytes(b"\x7f\xff\xff\xff")

    def flush(self) -> None:
        """Hand what was written to the transport; a mute link drops it instead."""
        outgoing = self.wire.take_outgoing()
        if not outgoing or self.is_over or self.is_mute or self._transport is None:
            return
        if not self._fragment_bytes:
            self._transport.write(outgoing)
        else:
            for start in range(0, len(outgoing), self._fragment_bytes):
                self._transport.write(outgoing[start : start + self._fragment_bytes])
        self.bytes_sent += len(outgoing)
        if self._transport.get_write_buffer_size() > WRITE_BUFFER_BYTES_MAX:
            self.abort()

    def mute(self) -> None:
        """Answer nothing from now on and keep the connection."""
        self.is_mute = True
        self._cancel_timers()

    def abort(self) -> None:
        """Drop the connection now, with whatever waits to be sent."""
        if self._transport is not None:
            self._transport.abort()
        self._finish()

    def _finish(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._cancel_timers()
        self._owner.end(self)

    def _cancel_timers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        for timer in self._delayed:
            timer.cancel()
        self._delayed.clear()

    def _schedule(self) -> None:
        self._deadline = self._clock.call_at(self.wire.deadline_s, self._on_deadline)

    def _on_deadline(self) -> None:
        try:
            self.wire.advance(self._clock.link_s())
        except ConnectionLost:
            self.abort()
            return
        self.flush()
        if not self.is_over:
            self._schedule()
