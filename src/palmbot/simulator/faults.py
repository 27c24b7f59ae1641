"""What a scenario does to the links of the server, and for how long."""

from collections.abc import Callable, Sequence

from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAExecutionEvent
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountDisconnectEvent,
    ProtoOAAccountsTokenInvalidatedEvent,
    ProtoOAClientDisconnectEvent,
)
from palmbot.simulator.links import Link
from palmbot.simulator.scenarios import (
    PlannedRequest,
    PlannedStep,
    Scenario,
    StepFault,
)
from palmbot.simulator.service import Service
from palmbot.simulator.sessions import Answer

_SPOILT: dict[StepFault, Callable[[Link], None]] = {
    StepFault.HALF_OPEN: Link.mute,
    StepFault.UNKNOWN_MESSAGE: Link.send_unknown_message,
    StepFault.GARBAGE: Link.send_garbage,
    StepFault.OVERSIZED: Link.send_oversized,
}


class Faults:
    """Counts quotes, connections and requests, and breaks what the scenario says."""

    def __init__(self, scenario: Scenario, service: Service) -> None:
        self._scenario = scenario
        self._service = service
        self._steps = 0
        self._refused_until_step = 0
        self._refused_attempts = 0
        self._maintenance_until_step = 0
        self._last_execution: ProtoOAExecutionEvent | None = None

    @property
    def is_maintenance(self) -> bool:
        """Tell whether every request is refused now."""
        return self._steps < self._maintenance_until_step

    @property
    def lets_in(self) -> bool:
        """Tell whether a client can get in now, or only further steps help."""
        return self._steps >= max(self._refused_until_step, self._maintenance_until_step)

    def refuses_connection(self) -> bool:
        """Count one attempt to connect; tell whether it is refused."""
        if self._steps < self._refused_until_step:
            return True
        if self._refused_attempts > 0:
            self._refused_attempts -= 1
            return True
        return False

    def plan_request(self, *, is_order: bool) -> PlannedRequest | None:
        """See `Scenario.plan_request`."""
        return self._scenario.plan_request(is_order=is_order)

    def remember(self, answer: Answer) -> None:
        """Keep the last execution event, to send it again one day."""
        for message, _ in answer:
            if isinstance(message, ProtoOAExecutionEvent):
                self._last_execution = message

    def apply(self, links: Sequence[Link]) -> str:
        """Count one quote and apply what is due before it; return that in words."""
        self._steps += 1
        doomed = [link for link in links if link.doom]
        if doomed:
            _cut(doomed)
            return doomed[0].doom
        if not any(link.session.spots and not link.is_mute for link in links):
            return ""
        planned = self._scenario.plan_step()
        if planned is None:
            return ""
        self._break(planned, links)
        for link in links:
            link.flush()
        return planned.fault.value

    def invalidate_tokens(self, links: Sequence[Link], reason: str) -> None:
        """End every session of the account; the current token opens new ones."""
        for link in links:
            link.session.forget_account()
            link.wire.push(
                ProtoOAAccountsTokenInvalidatedEvent(
                    ctidTraderAccountIds=[self._service.account_id], reason=reason
                )
            )
            link.flush()

    def _break(self, planned: PlannedStep, links: Sequence[Link]) -> None:
        match planned.fault:
            case StepFault.CUT:
                _cut(links)
            case StepFault.OUTAGE:
                self._refused_until_step = self._steps + planned.steps
                _cut(links)
            case StepFault.REFUSED:
                self._refused_attempts = planned.attempts
                _cut(links)
            case StepFault.MAINTENANCE:
                self._maintenance_until_step = self._steps + planned.steps
                _cut(links)
            case StepFault.TOKEN_INVALIDATED:
                self.invalidate_tokens(links, "Token was invalidated")
            case _:
                for link in links:
                    self._disturb(planned.fault, link)

    def _disturb(self, fault: StepFault, link: Link) -> None:
        """Send a client something it has to bear, or nothing any more."""
        if fault in _SPOILT:
            _SPOILT[fault](link)
            return
        account_id = self._service.account_id
        match fault:
            case StepFault.ACCOUNT_DISCONNECT:
                link.session.forget_account()
                link.wire.push(ProtoOAAccountDisconnectEvent(ctidTraderAccountId=account_id))
            case StepFault.CLIENT_DISCONNECT:
                link.wire.push(ProtoOAClientDisconnectEvent(reason="Kicked by the scenario"))
                link.doom = fault.value
            case StepFault.SYMBOL_CHANGED:
                link.wire.push(self._service.symbol_changed())
            case StepFault.UNKNOWN_ENUM:
                link.send_unknown_execution(account_id)
            case StepFault.REPEATED_EXECUTION:
                if self._last_execution is not None:
                    link.wire.push(self._last_execution)
            case StepFault.USELESS:
                link.session.is_cut_off = True
            case _:
                raise ValueError(f"{fault.name} is no disturbance of one link")


def _cut(links: Sequence[Link]) -> None:
    for link in links:
        link.abort()
