"""Whatever happens in whatever order: one send, never without permission, always a way back."""

from dataclasses import replace

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from harness.engine_world import (
    EASY,
    PERIOD,
    PRICE,
    PaperBroker,
    World,
    falling_bars,
    make_tick,
)
from palmbot.core.engine import decide
from palmbot.core.state import EngineState, LinkPhase, initial_state
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.events import (
    Acknowledgement,
    BarsLoaded,
    BooksReported,
    BooksUnavailable,
    Event,
    ExecutionUnreadable,
    IntentStored,
    LinkLost,
    LinkReady,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorResumed,
    OrderRefused,
    OrderUnanswered,
    SendInterrupted,
    Started,
    TimePassed,
)
from palmbot.domain.orders import BrokerBooks, Intent, IntentKind, IntentState, parse_label
from palmbot.domain.units import IntentId, Price, TimestampMs, Volume

TROUBLES = (
    "the link breaks",
    "the link breaks and comes back",
    "an answer never comes",
    "the journal answers twice",
    "an old event comes again",
    "something unreadable arrives",
    "the books cannot be read",
    "old books arrive",
    "somebody else trades",
    "the program restarts",
    "the journal is lost",
)


class EngineUnderFaults(RuleBasedStateMachine):
    """A bot, a broker, and a wire that loses, repeats, delays and reorders."""

    @initialize(
        style=st.sampled_from(["market", "limit"]),
        close_surplus=st.booleans(),
        nonce=st.integers(0, 2**80 - 1),
    )
    def start(self, style, close_surplus, nonce):
        params = replace(EASY, order_style=style, close_surplus=close_surplus)
        self.world = World(params, nonce=nonce)
        self.world.make_ready()
        self.checked = 0
        self.on_the_wire: list[Event] = []
        self.at_the_transport: list[Intent] = []
        self.old_books: BrokerBooks | None = None
        self.sent: list[str] = []
        self.stored_here: set[str] = set()
        self.entry_keys: list[tuple] = []
        self.events_seen: list[Event] = []

    @property
    def broker(self) -> PaperBroker:
        return self.world.broker

    def give(self, *events: Event) -> None:
        for event in events:
            before = self.world.state
            decision = self.world.give(event)
            self.judge(before, event, decision)
            self.at_the_transport.extend(
                command.intent for command in decision.commands if isinstance(command, Send)
            )

    def judge(self, before, event, decision):
        if isinstance(event, LinkReady | Started):
            self.stored_here.clear()
        if isinstance(event, IntentStored):
            self.stored_here.add(event.intent_id)
        assert decision.state.sequence == before.sequence + 1
        for command in decision.commands:
            if isinstance(command, StoreIntent) and command.intent.kind is IntentKind.ENTRY:
                intent = command.intent
                self.entry_keys.append((intent.strategy, intent.bar_time))
            if isinstance(command, Send):
                self.judge_send(before, command.intent)

    def judge_send(self, before, intent):
        self.sent.append(intent.intent_id)
        assert intent.intent_id in self.stored_here
        assert before.books.intents[intent.intent_id].state is IntentState.NEW
        assert intent.generation == before.link.generation
        assert before.link.phase is not LinkPhase.DISCONNECTED
        if intent.kind is IntentKind.ENTRY:
            assert before.link.phase is LinkPhase.CONSISTENT
            assert before.switch.halted_by is None
            assert not before.books.positions
            assert not before.books.quarantine
            assert intent.stop_distance is not None
            assert intent.stop_distance > 0

    # -- the market -------------------------------------------------------------------------

    @rule(by=st.sampled_from([-300_000, -100_000, -100_000, 100_000]))
    def a_bar_closes(self, by):
        self.broker.bid = max(PRICE // 2, self.broker.bid + by)
        self.give_tick()
        self.broker.now += PERIOD
        self.give_tick()

    @rule()
    def time_passes_without_a_tick(self):
        self.broker.now += 20_000
        self.give(TimePassed(time=TimestampMs(self.broker.now)))

    def give_tick(self):
        self.give(make_tick(self.broker.now, self.broker.bid))

    # -- the way of a request ---------------------------------------------------------------

    @rule(is_answered=st.sampled_from([True, True, True, False]))
    def an_entry_gets_under_way(self, is_answered):
        self.all_is_well_for_a_while()
        self.a_bar_closes(-100_000)
        self.a_bar_closes(-100_000)
        if is_answered:
            self.the_journal_answers(1, 40)

    @precondition(lambda self: self.waiting_ids())
    @rule(age_ms=st.sampled_from([1, 1, 1, 1500]), budget=st.sampled_from([40, 40, 40, 0]))
    def the_journal_answers(self, age_ms, budget):
        for intent_id in self.waiting_ids():
            answer = IntentStored(intent_id=intent_id, age_ms=age_ms, order_budget=budget)
            self.give(answer, answer)

    def waiting_ids(self):
        return [
            intent.intent_id
            for intent in self.world.state.books.intents.values()
            if intent.state is IntentState.NEW
        ]

    @precondition(lambda self: self.at_the_transport)
    @rule(fate=st.sampled_from(["done", "done", "parts", "refused", "interrupted", "gone"]))
    def a_request_reaches_the_broker(self, fate):
        intent = self.at_the_transport.pop(0)
        if fate == "done":
            self.on_the_wire.extend(self.broker.execute(intent))
        elif fate == "parts" and intent.kind is IntentKind.ENTRY and intent.volume > 100:
            parts = [Volume(100), Volume(intent.volume - 100)]
            self.on_the_wire.extend(self.broker.enter(intent, parts))
        elif fate == "refused":
            self.on_the_wire.append(
                OrderRefused(intent_id=intent.intent_id, code="NOT_ENOUGH_MONEY", reason="")
            )
        elif fate == "interrupted":
            self.give(SendInterrupted(intent_id=intent.intent_id, reason="pipe broke"))

    @precondition(lambda self: self.on_the_wire)
    @rule(place=st.sampled_from([0, 0, 0, 1, 2]), is_repeated=st.booleans())
    def the_wire_delivers(self, place, is_repeated):
        event = self.on_the_wire.pop(min(place, len(self.on_the_wire) - 1))
        self.events_seen.append(event)
        self.give(event)
        if is_repeated:
            self.give(event)

    @precondition(lambda self: self.broker.positions)
    @rule(happening=st.sampled_from(["stop", "stop", "target", "unprotected", "loosened"]))
    def something_happens_to_a_position(self, happening):
        for position_id, position in tuple(self.broker.positions.items()):
            stop, target = position.stop_loss, position.take_profit
            if parse_label(position.label, EASY.environment) is None:
                continue
            if happening == "unprotected":
                self.on_the_wire.extend(self.broker.amend(position_id, None, None))
            elif happening == "loosened" and stop is not None:
                looser = Price(stop - position.side.sign * 500_000)
                self.on_the_wire.extend(self.broker.amend(position_id, looser, target))
            elif happening == "stop" and stop is not None:
                self.on_the_wire.extend(self.broker.close(position_id, stop))
            elif happening == "target" and target is not None:
                self.on_the_wire.extend(self.broker.close(position_id, target))

    # -- the link and the books -------------------------------------------------------------

    @rule()
    def the_books_arrive(self):
        self.give(BooksReported(generation=self.world.generation, books=self.broker.books()))

    @rule()
    def all_is_well_for_a_while(self):
        if self.world.state.link.phase is LinkPhase.DISCONNECTED:
            self.the_link_comes_back()
        while self.on_the_wire:
            self.the_wire_delivers(0, is_repeated=False)
        for _ in range(3):
            if self.world.state.link.phase is not LinkPhase.CONSISTENT:
                self.the_books_arrive()
        self.give(OperatorResumed(actor="eve", reason="back"))

    def the_link_comes_back(self):
        self.world.generation += 1
        self.at_the_transport.clear()
        self.give(
            LinkReady(
                generation=self.world.generation,
                account=self.world.account,
                symbol=self.world.symbol,
                conversion=(),
            ),
            BarsLoaded(
                generation=self.world.generation, bars=falling_bars(4, self.broker.now - PERIOD)
            ),
        )

    @rule(data=st.data(), trouble=st.sampled_from(TROUBLES))
    def trouble_comes(self, data, trouble):  # noqa: C901 - a list of troubles
        intents = tuple(self.world.state.books.intents)
        drawn = data.draw(st.sampled_from(intents)) if intents else IntentId("")
        match trouble:
            case "the link breaks":
                self.give(LinkLost(generation=self.world.generation, reason="cut"))
                if data.draw(st.booleans()):
                    self.on_the_wire.clear()
                    self.at_the_transport.clear()
            case "the link breaks and comes back":
                self.give(LinkLost(generation=self.world.generation, reason="cut"))
                self.on_the_wire.clear()
                self.the_link_comes_back()
            case "an answer never comes":
                self.give(OrderUnanswered(intent_id=drawn, reason="5 s without an answer"))
            case "the journal answers twice":
                self.give(IntentStored(intent_id=drawn, age_ms=0, order_budget=1))
            case "an old event comes again" if self.events_seen:
                self.give(data.draw(st.sampled_from(self.events_seen)))
            case "something unreadable arrives":
                self.give(ExecutionUnreadable(reason="unknown enum"))
            case "the books cannot be read":
                self.give(BooksUnavailable(generation=self.world.generation, reason="late"))
            case "old books arrive" if self.old_books is not None:
                self.give(
                    ExecutionUnreadable(reason="so that an older reading may be under way"),
                    BooksReported(generation=self.world.generation, books=self.old_books),
                )
            case "somebody else trades":
                self.broker.add_foreign()
            case "the program restarts":
                self.restart(data.draw(st.integers(0, 2**80 - 1)))
            case "the journal is lost":
                self.world.history.clear()
                self.entry_keys.clear()
                self.world.state = initial_state(self.world.params)
                self.restart(data.draw(st.integers(0, 2**80 - 1)))
        self.old_books = self.broker.books()
        self.broker.now += 1  # what is executed from here on is younger than those books

    def restart(self, nonce):
        encoded = msgspec.json.encode(self.world.state)
        self.world.state = msgspec.json.decode(encoded, type=EngineState)
        self.on_the_wire.clear()
        self.at_the_transport.clear()
        self.world.generation = 0
        self.give(Started(time=TimestampMs(self.broker.now), run_id="again", nonce=nonce))

    # -- people -----------------------------------------------------------------------------

    @rule(action=st.sampled_from(list(Acknowledgement)), data=st.data())
    def a_person_settles_an_item(self, action, data):
        items = tuple(self.world.state.books.quarantine) + tuple(self.world.state.books.intents)
        if items:
            item = data.draw(st.sampled_from(items))
            self.give(OperatorAcknowledged(item=item, action=action, actor="eve", reason="looked"))

    @precondition(lambda self: self.unknown_ids())
    @rule()
    def a_person_gives_up_an_order_and_then_it_arrives(self):
        for intent_id in self.unknown_ids():
            intent = self.world.state.books.intents[intent_id]
            self.give(
                OperatorAcknowledged(
                    item=intent_id, action=Acknowledgement.IGNORE, actor="eve", reason="not there"
                )
            )
            if intent_id not in self.broker.entries:
                self.on_the_wire.extend(self.broker.execute(intent))

    @rule()
    def a_person_halts(self):
        self.give(OperatorHalted(actor="eve", reason="lunch"))

    # -- what always holds ------------------------------------------------------------------

    @invariant()
    def no_request_is_sent_twice(self):
        assert len(self.sent) == len(set(self.sent))

    @invariant()
    def a_bar_gives_one_entry_at_most(self):
        assert len(self.entry_keys) == len(set(self.entry_keys))

    @invariant()
    def the_state_survives_its_snapshot(self):
        encoded = msgspec.json.encode(self.world.state)
        assert msgspec.json.decode(encoded, type=EngineState) == self.world.state

    def teardown(self):
        """After the faults: reading and settling brings both books together again."""
        if not hasattr(self, "world"):
            return
        world = self.world
        self.on_the_wire.clear()
        self.at_the_transport.clear()
        self.remove_strangers()
        self.the_link_comes_back()
        for _ in range(60):
            world.carry_out()
            for item in (*world.state.books.quarantine, *self.unknown_ids()):
                for action in (
                    Acknowledgement.ADOPT,
                    Acknowledgement.CLOSE,
                    Acknowledgement.IGNORE,
                ):
                    world.give(
                        OperatorAcknowledged(item=item, action=action, actor="eve", reason="looked")
                    )
            if world.state.link.phase is LinkPhase.CONSISTENT:
                break
            world.read_books()
        assert world.state.link.phase is LinkPhase.CONSISTENT, world.state.link
        ours = {
            position_id: (position.side, position.volume, position.stop_loss)
            for position_id, position in self.broker.positions.items()
        }
        books = {
            position_id: (position.side, position.volume, position.stop_loss)
            for position_id, position in world.state.books.positions.items()
        }
        assert books == ours
        assert all(stop is not None for _, _, stop in books.values())
        assert world.state.books.balance == self.broker.balance
        self.the_journal_replays()

    def remove_strangers(self):
        for position_id, position in tuple(self.broker.positions.items()):
            if parse_label(position.label, EASY.environment) is None:
                del self.broker.positions[position_id]

    def unknown_ids(self):
        return [
            intent.intent_id
            for intent in self.world.state.books.intents.values()
            if intent.state is IntentState.UNKNOWN
        ]

    def the_journal_replays(self):
        state = None
        for event, decision in self.world.history:
            if state is not None:
                assert decide(state, event, self.world.params) == decision
            state = decision.state


EngineUnderFaults.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEngineUnderFaults = EngineUnderFaults.TestCase
