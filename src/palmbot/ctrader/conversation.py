"""How a procedure of several requests is written: as a generator that yields what it asks.

A procedure yields a request and receives the reply. Thrown into it at that point are
`RequestRefused` (the broker said no), `RequestTimedOut` (no answer in time) and
`UnreadableMessage` (an answer that cannot be trusted). Who drives it, and when the bytes
leave, is not its business: see `switchboard`.
"""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from google.protobuf.message import Message

from palmbot.domain.errors import ProtocolViolation

T = TypeVar("T")
R = TypeVar("R", bound=Message)

Procedure: TypeAlias = Generator[Message, Message, T]
"""Yields requests, is sent replies, returns a result."""


def ask(request: Message, reply_class: type[R]) -> Procedure[R]:
    """Ask one thing and return its answer.

    Raises:
        ProtocolViolation: the answer is of another type than the question calls for.
        RequestRefused, RequestTimedOut, UnreadableMessage: see the module.
    """
    reply = yield request
    if not isinstance(reply, reply_class):
        raise ProtocolViolation(
            f"{request.DESCRIPTOR.name} was answered by {reply.DESCRIPTOR.name}"
        )
    return reply
