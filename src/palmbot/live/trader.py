"""The one loop: one queue in front, one writer of state, one order of steps."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from palmbot.core.engine import decide
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState
from palmbot.domain.commands import (
    Command,
    LoadBars,
    QueryBooks,
    RaiseAlarm,
    Reconnect,
    Send,
    StoreIntent,
)
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.events import Event, IntentStored, SendInterrupted
from palmbot.domain.units import MS_PER_SECOND, IntentId
from palmbot.live.inbox import Inbox
from palmbot.ports import Broker, Clock, Journal

Observer = Callable[[Event, Decision], None]


class Trader:
    """Feeds every event to `decide`, records the step, carries out its commands.

    Owns the state: nobody else replaces it, everybody may read `state`.
    """

    def __init__(  # noqa: PLR0913  (the ports of one loop, each named by its caller)
        self,
        *,
        params: EngineParams,
        state: EngineState,
        inbox: Inbox,
        broker: Broker,
        journal: Journal,
        clock: Clock,
        raise_alarm: Callable[[RaiseAlarm], None],
    ) -> None:
        self.state = state
        self.params = params
        self._inbox = inbox
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._raise_alarm = raise_alarm
        self._observers: list[Observer] = []
        self._asked: dict[int, asyncio.Future[Decision]] = {}
        self._decided_at_s: dict[IntentId, float] = {}
        """Of intents whose second question waits in the inbox."""
        self._is_busy = False

    @property
    def is_idle(self) -> bool:
        """True if no event waits and none is being worked on."""
        return not self._is_busy and not self._inbox

    def observe(self, observer: Observer) -> None:
        """Call `observer` after every recorded step, in the loop; it is quick and never raises."""
        self._observers.append(observer)

    async def ask(self, event: Event) -> Decision:
        """Queue an event and return what was decided about it, once that is recorded."""
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._asked[id(event)] = answer
        self._inbox.put(event)
        return await answer

    async def run(self) -> None:
        """Work through the inbox until cancelled.

        Raises:
            FatalError: the journal failed or the books do not balance; trading is over.
        """
        while True:
            event = await self._inbox.take()
            self._is_busy = True
            await self._work_off(self._measure(event))
            self._is_busy = False

    async def _work_off(self, event: Event) -> None:
        """Decide about one event, record the step, carry it out.

        The order of the lines is the safety argument. A request is stored by one step
        (`StoreIntent`) and sent by a later one: only when the first is on disk does
        `IntentStored` join the queue, behind everything that arrived meanwhile, so that
        the gate, asked again, knows of a link or a permission lost during the commit.
        Each of these steps is on disk before that question, so that all that led to the
        bytes can be replayed. Between the answer and the bytes there is no await. The step
        that says "sent" is recorded after the bytes; if we die in between, the stored
        intent counts as perhaps sent.
        """
        decided_at_s = self._clock.link_s()
        decision = decide(self.state, event, self.params)
        self.state = decision.state
        self._send(decision)
        await self._journal.append(event, decision)
        if self._decided_at_s:  # the gate's second answer will rest on this step as well
            await self._journal.flush()
        for command in decision.commands:
            self._carry_out(command, decided_at_s)
        for observer in self._observers:
            observer(event, decision)
        answer = self._asked.pop(id(event), None)
        if answer is not None and not answer.done():
            answer.set_result(decision)

    def _measure(self, event: Event) -> Event:
        """Return the event as it stands now: an intent ages while it waits behind others."""
        if not isinstance(event, IntentStored) or event.intent_id not in self._decided_at_s:
            return event
        age_s = self._clock.link_s() - self._decided_at_s.pop(event.intent_id)
        return IntentStored(
            intent_id=event.intent_id,
            age_ms=int(age_s * MS_PER_SECOND),
            order_budget=self._broker.order_budget(),
        )

    def _send(self, decision: Decision) -> None:
        for command in decision.commands:
            if isinstance(command, Send):
                try:
                    self._broker.write(command)
                except ConnectionLost as e:
                    self._inbox.put(
                        SendInterrupted(intent_id=command.intent.intent_id, reason=str(e))
                    )

    def _carry_out(self, command: Command, decided_at_s: float) -> None:
        match command:
            case StoreIntent():
                self._decided_at_s[command.intent.intent_id] = decided_at_s
                # Measured when its turn comes, see `_measure`.
                self._inbox.put(
                    IntentStored(intent_id=command.intent.intent_id, age_ms=0, order_budget=0)
                )
            case QueryBooks() | LoadBars():
                self._broker.query(command)
            case Reconnect():
                self._broker.reconnect(command)
            case RaiseAlarm():
                self._raise_alarm(command)
            case Send():
                pass  # written before the step was recorded
            case _:
                assert_never(command)
