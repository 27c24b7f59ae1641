"""Turns what a person asks of the running bot into events, and its state into answers."""

from typing import Any, TypeAlias

import msgspec

from palmbot.core.operator import REFUSED
from palmbot.domain.events import (
    Acknowledgement,
    Event,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorResumed,
)
from palmbot.live.status import describe_status
from palmbot.live.trader import Trader

# As on the wire of the operator's socket: whatever JSON holds.
Message: TypeAlias = dict[str, Any]

ACTOR = "operator"


class HaltRequest(msgspec.Struct, tag_field="command", tag="halt", forbid_unknown_fields=True):
    """Stop entries."""

    reason: str


class ResumeRequest(msgspec.Struct, tag_field="command", tag="resume", forbid_unknown_fields=True):
    """Allow entries again."""

    reason: str


class AckRequest(msgspec.Struct, tag_field="command", tag="ack", forbid_unknown_fields=True):
    """Settle one open item of reconciliation."""

    item: str
    action: Acknowledgement
    reason: str


class StatusRequest(msgspec.Struct, tag_field="command", tag="status", forbid_unknown_fields=True):
    """Tell how things stand."""


OperatorRequest: TypeAlias = HaltRequest | ResumeRequest | AckRequest | StatusRequest


class OperatorDesk:
    """Answers requests; every change goes through the trader's inbox like any other event."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    async def answer(self, message: Message) -> Message:
        """Return the reply to one request: `{"error": ...}` if it makes no sense or is refused."""
        try:
            request = msgspec.convert(message, type=OperatorRequest)
        except msgspec.ValidationError as e:
            return {"error": f"the request is not understood: {e}"}
        event: Event
        match request:
            case HaltRequest():
                event = OperatorHalted(actor=ACTOR, reason=request.reason)
            case ResumeRequest():
                event = OperatorResumed(actor=ACTOR, reason=request.reason)
            case AckRequest():
                event = OperatorAcknowledged(
                    item=request.item, action=request.action, actor=ACTOR, reason=request.reason
                )
            case StatusRequest():
                status = describe_status(self._trader.state, self._trader.params)
                return {"status": msgspec.to_builtins(status)}
        decision = await self._trader.ask(event)
        is_refused = decision.reason.startswith(REFUSED)
        return {"error" if is_refused else "done": decision.reason}
