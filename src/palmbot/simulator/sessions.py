"""What the server keeps of one connection, and what it sends back."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from google.protobuf.message import Message

from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAErrorRes
from palmbot.domain.errors import RequestRefused
from palmbot.domain.units import SymbolId


class Outgoing(NamedTuple):
    """One message to the client."""

    message: Message
    is_correlated: bool
    """Echoes the clientMsgId of the request."""


Answer: TypeAlias = tuple[Outgoing, ...]
"""What one request gives, in the order it is sent."""


@dataclass(slots=True)
class ClientSession:
    """What one connection is entitled to and has asked for."""

    is_application_authorised: bool = False
    is_account_authorised: bool = False
    is_cut_off: bool = False
    """The server behind has lost its own connections: every request fails."""
    spots: dict[SymbolId, bool] = field(default_factory=dict)
    """Subscribed symbols, and whether their events carry the time."""
    live_bars: set[tuple[SymbolId, int]] = field(default_factory=set)
    """Symbol and ProtoOATrendbarPeriod."""
    last_spot: dict[SymbolId, tuple[int, int]] = field(default_factory=dict)
    """Bid and ask that the client was told last."""

    def forget_account(self) -> None:
        """End the account's session and everything that hangs on it."""
        self.is_account_authorised = False
        self.spots.clear()
        self.live_bars.clear()
        self.last_spot.clear()


def reply(message: Message) -> Answer:
    """Return the one correlated message that most requests give."""
    return (Outgoing(message, is_correlated=True),)


def refuse(refusal: RequestRefused) -> Answer:
    """Return the refusal of a request as a ProtoOAErrorRes."""
    error = ProtoOAErrorRes(errorCode=refusal.code)
    if refusal.reason:
        error.description = refusal.reason
    return reply(error)
