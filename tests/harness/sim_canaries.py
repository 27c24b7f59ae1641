"""Twelve planted bugs, each a well-known way to lose money. The simulation has to find them all.

They live in the tests alone: each replaces a piece of the product for the length of one run.
"""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from msgspec.structs import replace

from palmbot.adapters import ctrader_broker
from palmbot.core import engine, intents
from palmbot.core.breakers.book import BreakerBook
from palmbot.core.gate import Allowed
from palmbot.core.state import LinkPhase, TradingSwitch
from palmbot.ctrader import connection, messages, order_requests
from palmbot.ctrader.generated.envelope_pb2 import ProtoMessage
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOANewOrderReq
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.events import (
    BooksReported,
    BooksUnavailable,
    OrderUnanswered,
    SendInterrupted,
    Started,
)
from palmbot.domain.orders import IntentKind, IntentState
from palmbot.live import trader

CANARIES = {
    "C1": ("an order is sent again when its time is up", {"I1"}),
    "C2": ("an order is sent again when the books do not show it", {"I1"}),
    "C3": ("an order without an end of life is given up", {"I3"}),
    "C4": ("the entry goes first, its stop later", {"I4"}),
    "C5": ("the breakers live in memory only", {"I6"}),
    "C6": ("bytes leave before the intent is on disk", {"I2"}),
    "C7": ("the wall clock measures how old a decision is", {"I8"}),
    "C8": ("an unknown enum number is read as an acceptance", {"I18"}),
    "C9": ("a failed reading counts as flat", {"P5"}),
    "C10": ("what was on its way out survives the connection", {"I1", "I9"}),
    "C11": ("the gate is not asked again after the commit", {"I5", "I9", "I8", "I7"}),
    "C12": ("an execution is booked each time it is heard", {"I18", "I14"}),
}
"""What is wrong, and the invariants that may catch it."""


@contextmanager
def plant(name):
    """Put the bug in for the length of the block; nothing for an empty name."""
    with ExitStack() as stack:
        for replacement in _PLANTS.get(name, tuple)():
            stack.enter_context(replacement)
        yield


class WallLinkClock:
    """C7: a clock whose link time is the time of day."""

    def __init__(self, clock):
        self._clock = clock

    def link_s(self):
        return self._clock.wall_ms() / 1000

    def wall_ms(self):
        return self._clock.wall_ms()

    def call_at(self, link_s, callback):
        return self._clock.call_at(link_s, callback)


def _replace_decide(change):
    """Return patches that pass every decision through `change`."""
    real = engine.decide

    def decide(state, event, params):
        return change(real, state, event, params)

    return (patch.object(engine, "decide", decide), patch.object(trader, "decide", decide))


def _sent_again(decision, intent):
    again = replace(intent, generation=decision.state.link.generation)
    return replace(decision, commands=(*decision.commands, Send(intent=again)))


def _is_lost_entry(intent):
    return (
        intent is not None
        and intent.kind is IntentKind.ENTRY
        and intent.state is IntentState.UNKNOWN
    )


def _forget_breakers():
    def change(real, state, event, params):
        if isinstance(event, Started):
            state = replace(state, switch=TradingSwitch(), breakers=BreakerBook())
        return real(state, event, params)

    return _replace_decide(change)


def _resend_on_time_out():
    def change(real, state, event, params):
        decision = real(state, event, params)
        if isinstance(event, OrderUnanswered | SendInterrupted):
            intent = decision.state.books.intents.get(event.intent_id)
            if _is_lost_entry(intent):
                return _sent_again(decision, intent)
        return decision

    return (*_replace_decide(change), _forget_what_was_sent())


def _forget_what_was_sent():
    real = order_requests.OrderRequests.add

    def add(self, client_msg_id, *details, **named):
        self._sent.pop(client_msg_id, None)
        real(self, client_msg_id, *details, **named)

    return patch.object(order_requests.OrderRequests, "add", add)


def _reconcile_then_resend():
    def change(real, state, event, params):
        decision = real(state, event, params)
        if isinstance(event, BooksReported):
            for intent in decision.state.books.intents.values():
                if _is_lost_entry(intent):
                    return _sent_again(decision, intent)
        return decision

    return (*_replace_decide(change), _forget_what_was_sent())


def _give_up_without_expiry():
    def is_proven_dead(self, intent):
        absence = self._books.absences.get(intent.intent_id)
        return absence is not None and absence.readings > 1

    target = "palmbot.core.reconcile._Comparison._is_proven_dead"
    return (patch(target, is_proven_dead),)


def _entry_without_stop():
    real = connection.render_request

    def render(intent, **options):
        request = real(intent, **options)
        if isinstance(request, ProtoOANewOrderReq):
            request.ClearField("relativeStopLoss")
            request.ClearField("relativeTakeProfit")
        return request

    return (patch.object(connection, "render_request", render),)


def _send_before_store():
    def change(real, state, event, params):
        decision = real(state, event, params)
        sends = tuple(
            Send(intent=command.intent)
            for command in decision.commands
            if isinstance(command, StoreIntent)
        )
        return replace(decision, commands=(*decision.commands, *sends)) if sends else decision

    return (*_replace_decide(change), _forget_what_was_sent())


def _trust_every_enum():
    def decode(frame):
        envelope = ProtoMessage.FromString(frame)
        number = envelope.payloadType
        kind = messages.MESSAGE_CLASSES.get(number)
        message = None if kind is None else kind.FromString(envelope.payload)
        return messages.Received(number, envelope.clientMsgId, message)

    return (patch.object(connection, "decode", decode),)


def _failed_reading_is_flat():
    def change(real, state, event, params):
        decision = real(state, event, params)
        if isinstance(event, BooksUnavailable):
            after = decision.state
            flat = replace(
                after,
                books=replace(after.books, positions={}),
                link=replace(after.link, phase=LinkPhase.CONSISTENT),
            )
            return replace(decision, state=flat)
        return decision

    return _replace_decide(change)


def _queue_survives():
    kept = []
    write, query = ctrader_broker.CtraderBroker.write, ctrader_broker.CtraderBroker.query

    def keep(self, command):
        kept[:] = [(self.generation, self._clock.link_s(), command)]
        write(self, command)

    def flush(self, command):
        query(self, command)
        for generation, sent_s, old in tuple(kept):
            if generation < self.generation:
                kept.clear()
                if self._clock.link_s() - sent_s < 30.0 and self._link is not None:
                    intent = replace(old.intent, generation=self.generation)
                    self._link.send(Send(intent=intent))

    return (
        patch.object(ctrader_broker.CtraderBroker, "write", keep),
        patch.object(ctrader_broker.CtraderBroker, "query", flush),
    )


def _ask_the_gate_once():
    real = intents.authorize

    def authorize(state, params, intent, stored=None):
        return real(state, params, intent) if stored is None else Allowed(intent=intent)

    return (patch.object(intents, "authorize", authorize),)


def _book_every_time():
    def change(real, state, event, params):
        return real(replace(state, books=replace(state.books, applied_deals=())), event, params)

    return _replace_decide(change)


_PLANTS = {
    "C1": _resend_on_time_out,
    "C2": _reconcile_then_resend,
    "C3": _give_up_without_expiry,
    "C4": _entry_without_stop,
    "C5": _forget_breakers,
    "C6": _send_before_store,
    "C8": _trust_every_enum,
    "C9": _failed_reading_is_flat,
    "C10": _queue_survives,
    "C11": _ask_the_gate_once,
    "C12": _book_every_time,
}
