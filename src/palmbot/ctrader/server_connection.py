"""The server's end of one connection, without a socket and without a clock.

For the simulator: the same frames and messages as the client, the other role.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from google.protobuf.message import Message

from palmbot.ctrader.errors import HISTORICAL
from palmbot.ctrader.frames import FrameReader
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAErrorRes
from palmbot.ctrader.messages import (
    HEARTBEAT,
    Received,
    UnreadableMessage,
    decode,
    encode,
    encode_heartbeat,
    encode_payload,
    is_heartbeat,
)
from palmbot.domain.errors import ConnectionLost

NEEDS_NOTHING = frozenset({2100, 2104})
"""Version and application authorisation."""

NEEDS_APPLICATION = frozenset({2102, 2149, 2151, 2173})
"""Account authorisation, what a token opens, profile, token renewal."""

NEEDS_NO_ACCOUNT = NEEDS_NOTHING | NEEDS_APPLICATION

RETRY_AFTER_S = 1
RATE_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What the server does by itself. Source: the published rules of the Open API."""

    heartbeat_s: float = 25.0
    """Silence of ours after which a heartbeat goes out."""
    silence_s_max: float = 30.0
    """Silence of the client after which the link is dropped."""
    ordinary_per_s: int = 50
    """Requests in any one second; the next is answered BLOCKED_PAYLOAD_TYPE."""
    historical_per_s: int = 5


class Request(NamedTuple):
    """One request of the client that the server has to answer."""

    payload_type: int
    message: Message
    client_msg_id: str | None


class ServerConnection:
    """One client as the server sees it: bytes in, requests out; messages in, bytes out.

    Requests that break a rule of the session are answered here and never come out of
    `receive`: too many a second, before application or account authorisation, unreadable,
    or of an unknown payload type.
    """

    def __init__(self, *, opened_s: float, limits: ServerLimits | None = None) -> None:
        """Begin at link time `opened_s`."""
        self._limits = limits if limits is not None else ServerLimits()
        self._reader = FrameReader()
        self._outgoing = bytearray()
        self._is_application_authorised = False
        self._accounts: set[int] = set()
        self._heard_s = opened_s
        self._spoke_s = opened_s
        self._has_spoken = False
        self._ordinary: deque[float] = deque()
        self._historical: deque[float] = deque()

    def receive(self, chunk: bytes, now_s: float) -> tuple[Request, ...]:
        """Take received bytes; return the requests they complete, in order, heartbeats left out.

        Raises:
            ProtocolViolation: the framing is broken; drop the link.
        """
        self._heard_s = now_s
        requests: list[Request] = []
        for frame in self._reader.feed(chunk):
            if is_heartbeat(frame):
                continue
            try:
                received = decode(frame)
            except UnreadableMessage as e:
                self.refuse(e.client_msg_id or None, "INVALID_REQUEST", e.reason)
                continue
            request = self._admit(received, now_s)
            if request is not None:
                requests.append(request)
        return tuple(requests)

    def _admit(self, received: Received, now_s: float) -> Request | None:
        """Return the request if the rules of the session let it through; otherwise answer it."""
        number, message = received.payload_type, received.message
        client_msg_id = received.client_msg_id or None
        if number == HEARTBEAT:
            return None
        if message is None:
            self.refuse(client_msg_id, "UNSUPPORTED_MESSAGE", f"payload type {number}")
        elif not self._is_within_rate(number, now_s):
            self.refuse(client_msg_id, "BLOCKED_PAYLOAD_TYPE", retry_after_s=RETRY_AFTER_S)
        elif not self._is_application_authorised and number not in NEEDS_NOTHING:
            self.refuse(client_msg_id, "CH_CLIENT_NOT_AUTHENTICATED", "send 2100 first")
        elif number in NEEDS_NO_ACCOUNT or self._has_session(message):
            return Request(payload_type=number, message=message, client_msg_id=client_msg_id)
        else:
            self.refuse(client_msg_id, "INVALID_REQUEST", "Trading account is not authorized")
        return None

    def _has_session(self, message: Message) -> bool:
        return getattr(message, "ctidTraderAccountId", None) in self._accounts

    def _is_within_rate(self, number: int, now_s: float) -> bool:
        """Count the request against its budget unless that is spent."""
        if number in HISTORICAL:
            seen, most = self._historical, self._limits.historical_per_s
        else:
            seen, most = self._ordinary, self._limits.ordinary_per_s
        while seen and seen[0] <= now_s - RATE_WINDOW_S:
            seen.popleft()
        if len(seen) >= most:
            return False
        seen.append(now_s)
        return True

    def authorise_application(self) -> None:
        """From now on requests that need no account are let through."""
        self._is_application_authorised = True

    def authorise_account(self, account_id: int) -> None:
        """From now on requests for this account are let through."""
        self._accounts.add(account_id)

    def forget_account(self, account_id: int) -> None:
        """Its session is over: logout, or a disconnect event."""
        self._accounts.discard(account_id)

    @property
    def is_application_authorised(self) -> bool:
        """Tell whether 2100 was granted."""
        return self._is_application_authorised

    @property
    def accounts(self) -> frozenset[int]:
        """Accounts with a session on this connection."""
        return frozenset(self._accounts)

    def reply(self, message: Message, client_msg_id: str | None) -> None:
        """Write an answer, correlated if the request carried an id."""
        self.write_bytes(encode(message, client_msg_id))

    def push(self, message: Message) -> None:
        """Write a message nobody asked for."""
        self.write_bytes(encode(message))

    def refuse(  # noqa: PLR0913 - the fields of one ProtoOAErrorRes
        self,
        client_msg_id: str | None,
        code: str,
        description: str = "",
        *,
        account_id: int | None = None,
        retry_after_s: int | None = None,
        maintenance_end_s: int | None = None,
    ) -> None:
        """Write a ProtoOAErrorRes."""
        error = ProtoOAErrorRes(errorCode=code)
        if description:
            error.description = description
        if account_id is not None:
            error.ctidTraderAccountId = account_id
        if retry_after_s is not None:
            error.retryAfter = retry_after_s
        if maintenance_end_s is not None:
            error.maintenanceEndTimestamp = maintenance_end_s
        self.reply(error, client_msg_id)

    def write_envelope(
        self, payload_type: int, payload: bytes, client_msg_id: str | None = None
    ) -> None:
        """Write any payload under any number: unknown types, unknown enum numbers, garbage."""
        self.write_bytes(encode_payload(payload_type, payload, client_msg_id))

    def write_bytes(self, wire: bytes) -> None:
        """Write bytes as they are, without frame: broken framing on purpose."""
        self._outgoing += wire
        self._has_spoken = True

    def take_outgoing(self) -> bytes:
        """Return what has to go to the transport, and forget it."""
        if not self._outgoing:
            return b""
        outgoing = bytes(self._outgoing)
        self._outgoing.clear()
        return outgoing

    def advance(self, now_s: float) -> None:
        """Let time pass: a heartbeat if we were silent.

        Raises:
            ConnectionLost: the client was silent for too long; drop the link.
        """
        # The same sums as in `deadline_s`: a difference could round to just below the limit.
        if now_s >= self._heard_s + self._limits.silence_s_max:
            raise ConnectionLost(f"the client was silent for {now_s - self._heard_s:.0f} s")
        # Writing knows no time, so a message counts as sent at the first look after it.
        if self._has_spoken:
            self._has_spoken = False
            self._spoke_s = now_s
        elif now_s >= self._spoke_s + self._limits.heartbeat_s:
            self.write_bytes(encode_heartbeat())
            self._has_spoken = False
            self._spoke_s = now_s

    @property
    def deadline_s(self) -> float:
        """Link time at which `advance` wants to be called at the latest."""
        return min(
            self._heard_s + self._limits.silence_s_max, self._spoke_s + self._limits.heartbeat_s
        )
