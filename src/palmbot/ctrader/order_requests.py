"""Order requests of one connection: sent once, answered, refused, or never answered."""

from dataclasses import dataclass

from palmbot.ctrader.errors import proves_refusal
from palmbot.domain.events import Event, OrderRefused, OrderUnanswered
from palmbot.domain.units import IntentId

REMEMBERED_MAX = 1_000
"""Bounds the memory for late answers; a connection sees a few hundred orders in a long life."""


@dataclass(slots=True)
class _Sent:
    intent_id: IntentId
    is_entry: bool
    deadline_s: float


class OrderRequests:
    """Remembers what was sent, so that every answer finds its intent, however late."""

    __slots__ = ("_sent", "_waiting")

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}
        self._waiting: dict[str, _Sent] = {}
        """Those of them without an answer whose time is not up."""

    def __contains__(self, client_msg_id: str) -> bool:
        return client_msg_id in self._sent

    def add(
        self, client_msg_id: str, intent_id: IntentId, deadline_s: float, *, is_entry: bool
    ) -> None:
        """Remember a request that is about to be written.

        Raises:
            ValueError: it was sent on this connection before; sending it again could trade twice.
        """
        if client_msg_id in self._sent:
            raise ValueError(f"order request {client_msg_id} was already sent")
        sent = _Sent(intent_id, is_entry, deadline_s)
        self._sent[client_msg_id] = self._waiting[client_msg_id] = sent
        if len(self._sent) > REMEMBERED_MAX:
            self._forget_oldest_settled()

    def _forget_oldest_settled(self) -> None:
        for client_msg_id in self._sent:
            if client_msg_id not in self._waiting:
                del self._sent[client_msg_id]
                return

    def settle(self, client_msg_id: str) -> None:
        """A first answer came: no deadline any more."""
        self._waiting.pop(client_msg_id, None)

    def refuse(self, client_msg_id: str, code: str, reason: str) -> Event:
        """Return what an error answer means: refused, or unknown if the code proves nothing."""
        sent = self._sent[client_msg_id]
        self.settle(client_msg_id)
        if proves_refusal(code, reason, is_entry=sent.is_entry):
            return OrderRefused(intent_id=sent.intent_id, code=code, reason=reason)
        return OrderUnanswered(intent_id=sent.intent_id, reason=f"{code}: {reason}")

    def expire(self, now_s: float) -> tuple[Event, ...]:
        """Return an event for every request whose time is up, each once."""
        late = [name for name, sent in self._waiting.items() if sent.deadline_s <= now_s]
        return tuple(
            OrderUnanswered(intent_id=self._waiting.pop(name).intent_id, reason="no answer in time")
            for name in late
        )

    @property
    def deadline_s(self) -> float:
        """Earliest deadline; infinite if nothing waits."""
        if not self._waiting:
            return float("inf")
        return min(sent.deadline_s for sent in self._waiting.values())

    @property
    def open_count(self) -> int:
        """Number of requests that wait for a first answer."""
        return len(self._waiting)
