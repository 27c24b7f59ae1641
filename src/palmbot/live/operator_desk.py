"""Turns what a person asks of the running bot into events, and its state into answers."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from palmbot.core.operator import REFUSED
from palmbot.domain.breakers import BreakerName
from palmbot.domain.events import (
    Acknowledgement,
    Event,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorReset,
    OperatorResumed,
)
from palmbot.live.breaker_status import describe_breakers_status
from palmbot.live.reconciliation_desk import ReconciliationDesk
from palmbot.live.status import describe_status
from palmbot.live.stop_watch import StopWatch
from palmbot.live.trader import Trader

# As on the wire of the operator's socket: whatever JSON holds.
Message: TypeAlias = dict[str, Any]

ACTOR = "operator"


class HaltRequest(msgspec.Struct, tag_field="command", tag="halt", forbid_unknown_fields=True):
    """Stop entries, and close what is open if `flatten` says so."""

    reason: str
    flatten: bool = False


class ResumeRequest(msgspec.Struct, tag_field="command", tag="resume", forbid_unknown_fields=True):
    """Allow entries again."""

    reason: str


class AckRequest(msgspec.Struct, tag_field="command", tag="ack", forbid_unknown_fields=True):
    """Settle one open item of reconciliation."""

    item: str
    action: Acknowledgement
    reason: str


class ReconcileRequest(
    msgspec.Struct, tag_field="command", tag="reconcile", forbid_unknown_fields=True
):
    """Compare the books with the broker's."""

    dry_run: bool = False


class StatusRequest(msgspec.Struct, tag_field="command", tag="status", forbid_unknown_fields=True):
    """Tell how things stand."""


class BreakersRequest(
    msgspec.Struct, tag_field="command", tag="breakers", forbid_unknown_fields=True
):
    """Tell how the circuit breakers stand."""


class ResetRequest(msgspec.Struct, tag_field="command", tag="reset", forbid_unknown_fields=True):
    """Reset one breaker."""

    name: BreakerName
    reason: str
    budget_bp: int | None = None


OperatorRequest: TypeAlias = (
    HaltRequest
    | ResumeRequest
    | AckRequest
    | ReconcileRequest
    | StatusRequest
    | BreakersRequest
    | ResetRequest
)


class OperatorDesk:
    """Answers requests; every change goes through the trader's inbox like any other event."""

    def __init__(
        self,
        trader: Trader,
        *,
        read_halt: Callable[[], str | None] = lambda: None,
        watch: StopWatch | None = None,
    ) -> None:
        """Take whom to ask.

        Args:
            trader: Gets the events.
            read_halt: Tells why trading may not resume whoever asks, None if it may.
            watch: Reads books for a comparison that changes nothing.
        """
        self._trader = trader
        self._read_halt = read_halt
        self._reconciliation = ReconciliationDesk(trader, watch)

    async def answer(self, message: Message) -> Message:
        """Return the reply to one request: `{"error": ...}` if it makes no sense or is refused."""
        try:
            request = msgspec.convert(message, type=OperatorRequest)
        except msgspec.ValidationError as e:
            return {"error": f"the request is not understood: {e}"}
        event: Event
        match request:
            case HaltRequest():
                event = OperatorHalted(actor=ACTOR, reason=request.reason, flatten=request.flatten)
            case ResumeRequest():
                if (reason := self._read_halt()) is not None:
                    return {"error": f"{REFUSED}: {reason}; take it away first"}
                event = OperatorResumed(actor=ACTOR, reason=request.reason)
            case AckRequest():
                event = OperatorAcknowledged(
                    item=request.item, action=request.action, actor=ACTOR, reason=request.reason
                )
            case ResetRequest():
                event = OperatorReset(
                    name=request.name,
                    actor=ACTOR,
                    reason=request.reason,
                    budget_bp=request.budget_bp,
                )
            case BreakersRequest():
                found = describe_breakers_status(self._trader.state)
                return {"breakers": msgspec.to_builtins(found)}
            case ReconcileRequest():
                return await self._reconciliation.answer(is_dry_run=request.dry_run)
            case StatusRequest():
                status = describe_status(self._trader.state, self._trader.params)
                return {"status": msgspec.to_builtins(status)}
        decision = await self._trader.ask(event)
        is_refused = decision.reason.startswith(REFUSED)
        return {"error" if is_refused else "done": decision.reason}
