"""The invariants of the bot, each a function of its own, asked after every event of a simulation.

They look at four things: the bytes the bot writes, the steps it records, what the disk holds,
and the broker's books, which are the truth.
"""

from collections import Counter, deque
from itertools import pairwise

from harness.sim_bot import TRADING_LINE
from palmbot.core.breakers.book import FORBIDDING
from palmbot.core.state import ClosedPosition, LinkPhase
from palmbot.ctrader.generated.envelope_pb2 import ProtoMessage
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAAmendPositionSLTPReq,
    ProtoOACancelOrderReq,
    ProtoOAClosePositionReq,
    ProtoOANewOrderReq,
)
from palmbot.domain.breakers import BreakerPhase
from palmbot.domain.commands import StoreIntent
from palmbot.domain.events import BooksReported, IntentStored, OperatorAcknowledged, Started
from palmbot.domain.market import Tick
from palmbot.domain.orders import (
    IN_FLIGHT,
    Environment,
    IntentKind,
    IntentState,
    parse_label,
    render_label,
)
from palmbot.domain.units import BASIS_POINTS
from palmbot.simulator.records import Fate

TRADING = {
    2106: ProtoOANewOrderReq,
    2108: ProtoOACancelOrderReq,
    2110: ProtoOAAmendPositionSLTPReq,
    2111: ProtoOAClosePositionReq,
}
OUTBOUND_BYTES_MAX = 1_000_000
EVENTS_MAX = 10_000
REQUESTS_PER_S_MAX = 50
BACKOFF_S_MIN = 0.7
AGE_SLACK_S = 0.25
"""Virtual seconds that two events of one instant may lie apart."""
AT_BROKER = frozenset(
    {
        IntentState.ACCEPTED,
        IntentState.PARTIAL,
        IntentState.FILLED,
        IntentState.CANCELLED,
        IntentState.EXPIRED,
    }
)


class Violation(Exception):
    """An invariant is broken."""

    def __init__(self, name, detail, time_s=0.0):
        super().__init__(f"{name} at {time_s:.3f} s: {detail}")
        self.name = name


class Watch:
    """What the checkers know: everything that happened, from outside and from inside."""

    def __init__(self, loop, params, disk):
        self.loop = loop
        self.params = params
        self.disk = disk
        self.server = None
        self.network = None
        self.trader = None
        """Of the living process."""
        self.inbox = None
        self.state = None
        """After the newest step of the living process."""
        self.sent = Counter()
        """Writes of each intent, by id."""
        self.sent_at = deque()
        self.entry_times = []
        self.decided_at = {}
        self.tick_heard_at = 0.0
        self.books_generation = 0
        self.given_up_by_proof = set()
        self.given_up_by_operator = set()
        self.stop_taken_by_user = set()
        self.told = None
        """The newest state that anybody outside of the process has heard of."""
        self.traded = set()
        self.seen_requests = 0
        self.placed = Counter()
        self.foreign = set()
        self.unanswered_journal_failure = False
        self.steps = 0
        self.sends = Counter()
        self.watch_halts = 0
        self.violation = None

    def break_on(self, name, detail):
        """Report a broken invariant; the run ends here, whoever catches the exception."""
        error = Violation(name, detail, self.loop.now_s)
        if self.violation is None:
            self.violation = error
        raise error

    def label(self, intent_id):
        return render_label(self.params.environment, intent_id)

    def is_placed(self, intent_id):
        self._count_requests()
        return self.placed[self.label(intent_id)] > 0

    def executed_volume(self, intent_id):
        """Return what the exchange executed of an entry."""
        label = self.label(intent_id)
        return sum(
            order.executed_volume
            for order in self.server.exchange.ledger.orders.values()
            if order.label == label and not order.is_closing
        )

    # ---- what the run reports ----

    def on_client_write(self, line, data):
        """Bytes leave the bot."""
        while data:
            size = int.from_bytes(data[:4], "big")
            body, data = data[4 : 4 + size], data[4 + size :]
            envelope = ProtoMessage.FromString(body)
            check_i17_rate(self, size)
            kind = TRADING.get(envelope.payloadType)
            if kind is None:
                continue
            if line != TRADING_LINE:
                self.break_on("I1", f"{kind.__name__} left on the line {line}")
            message = kind.FromString(envelope.payload)
            intent_id = envelope.clientMsgId.partition(":")[0]
            self.sent[intent_id] += 1
            self.sends[kind.__name__] += 1
            for check in ON_SEND:
                check(self, intent_id, message)

    def on_append(self, event, decision):
        """One step was decided, and what it sends was written; it is not yet recorded."""
        before, self.state = self.state, decision.state
        self.steps += 1
        if isinstance(event, Tick):
            self.tick_heard_at = self.loop.now_s
            if not decision.commands:
                return
        elif isinstance(event, BooksReported):
            self.books_generation = event.generation
        for command in decision.commands:
            if isinstance(command, StoreIntent):
                self.decided_at[command.intent.intent_id] = self.loop.now_s
        for check in ON_STEP:
            check(self, before, event, decision)

    def on_watch_halt(self, reason):
        """The stop watch halts."""
        self.watch_halts += 1
        check_i4_watch_tells_the_truth(self, reason)

    def on_told(self, decision):
        """A step was recorded as far as the journal promises, and somebody heard of it."""
        self.told = decision.state

    def on_world(self):
        """Something happened at the broker."""
        self._count_requests()
        for check in ON_WORLD:
            check(self)

    def _count_requests(self):
        requests = self.server.exchange.ledger.requests
        for request in requests[self.seen_requests :]:
            if request.fate is Fate.PLACED and request.label:
                self.placed[request.label] += 1
        self.seen_requests = len(requests)

    def on_start(self, state):
        """A new process recovered this state."""
        self.state = state
        self.books_generation = 0
        # What a dead process decided and did not record never happened.
        self.traded, self.given_up_by_proof = set(), set()
        for row in self.disk.rows:
            self.traded.update(trade.position_id for trade in row.decision.closed_trades)
            for intent in row.decision.changed_intents:
                if intent.state is IntentState.LOST and intent.expires_at is not None:
                    self.given_up_by_proof.add(intent.intent_id)
        self.given_up_by_proof -= self.given_up_by_operator
        if state is not None:
            check_i6_trip_survives(self, state)


# ---- at every write of a trading request ----


def check_i1_sent_once(watch, intent_id, message):
    """No id is ever written twice."""
    del message
    if watch.sent[intent_id] > 1:
        watch.break_on("I1", f"intent {intent_id} was sent {watch.sent[intent_id]} times")


def check_i2_write_ahead(watch, intent_id, message):
    """The intent was durable before its bytes left."""
    del message
    if intent_id not in watch.disk.committed_intents:
        watch.break_on("I2", f"intent {intent_id} left before it was on disk")


def check_i4_stop_in_order(watch, intent_id, message):
    """An entry carries its stop, within the configured distance."""
    if not isinstance(message, ProtoOANewOrderReq):
        return
    price = watch.state.market.tick.bid if watch.state.market.tick else 0
    farthest = 2 * price * watch.params.stop_loss_bp // BASIS_POINTS
    if not message.HasField("relativeStopLoss") or not 0 < message.relativeStopLoss <= farthest:
        watch.break_on("I4", f"entry {intent_id} left with stop {message.relativeStopLoss}")


def check_i5_no_entry_past_a_halt(watch, intent_id, message):
    """Tripped means no risk-increasing request."""
    if not isinstance(message, ProtoOANewOrderReq):
        return
    state = watch.trader.state
    switch, intent = state.switch, state.books.intents[intent_id]
    if switch.halted_by is not None or getattr(switch, "is_stopping", False):
        watch.break_on("I5", f"entry {intent_id} left while halted by {switch.halted_by}")
    if state.flatten is not None:
        watch.break_on("I5", f"entry {intent_id} left while positions are being closed")
    for name, record in state.breakers.records.items():
        is_probing = record.phase is BreakerPhase.HALF_OPEN and record.probe is not None
        if record.phase in FORBIDDING or (is_probing and record.probe != intent_id):
            watch.break_on("I5", f"entry {intent_id} left past {name}, which is {record.phase}")
    if intent.epoch != switch.epoch:
        watch.break_on("I5", f"entry {intent_id} of epoch {intent.epoch} left in {switch.epoch}")


def check_i7_one_entry(watch, intent_id, message):
    """One entry at a time, one for a bar and side, and not too many in a minute."""
    if not isinstance(message, ProtoOANewOrderReq):
        return
    state = watch.trader.state
    intent = state.books.intents[intent_id]
    for other in state.books.intents.values():
        if other.intent_id == intent_id or other.kind is not IntentKind.ENTRY:
            continue
        if other.state in IN_FLIGHT:
            watch.break_on("I7", f"entry {intent_id} left beside {other.state} {other.intent_id}")
        if (other.bar_time, other.side) == (intent.bar_time, intent.side):
            watch.break_on("I7", f"a second entry for bar {intent.bar_time}: {intent_id}")
    now_ms = state.market.time
    recent = [sent for sent in watch.entry_times if now_ms - sent < 60_000]
    if len(recent) >= watch.params.orders_per_minute_max:
        watch.break_on("I7", f"{len(recent) + 1} entries within a minute")
    watch.entry_times.append(now_ms)
    if state.books.positions:
        watch.break_on("I7", f"entry {intent_id} left beside an open position")


def check_i8_fresh(watch, intent_id, message):
    """An entry rests on a fresh price and on a fresh decision, by the one true clock."""
    if not isinstance(message, ProtoOANewOrderReq):
        return
    now_s = watch.loop.now_s
    age_s = now_s - watch.decided_at[intent_id]
    if age_s > watch.params.intent_age_max_ms / 1000 + AGE_SLACK_S:
        watch.break_on("I8", f"entry {intent_id} left {age_s:.3f} s after its decision")
    price_age_s = now_s - watch.tick_heard_at
    if price_age_s > watch.params.price_age_max_ms / 1000 + AGE_SLACK_S:
        watch.break_on("I8", f"entry {intent_id} rests on a price {price_age_s:.3f} s old")


def check_i9_ready(watch, intent_id, message):
    """No entry before the books were compared on this very connection; foreign is untouched."""
    state = watch.trader.state
    if isinstance(message, ProtoOANewOrderReq):
        if state.link.phase is not LinkPhase.CONSISTENT:
            watch.break_on("I9", f"entry {intent_id} left while {state.link.phase}")
        if watch.books_generation != state.link.generation:
            watch.break_on("I9", f"entry {intent_id} left before the books were read")
        if state.books.intents[intent_id].generation != state.link.generation:
            watch.break_on("I9", f"entry {intent_id} left on another connection")
    position_id = getattr(message, "positionId", 0)
    if position_id in watch.foreign:
        watch.break_on("I9", f"the position of somebody else, {position_id}, was touched")


def check_i10_environment(watch, intent_id, message):
    """Every order says which environment it belongs to."""
    if not isinstance(message, ProtoOANewOrderReq):
        return
    if parse_label(message.label, Environment.SIMULATOR) != intent_id:
        watch.break_on("I10", f"entry {intent_id} left with label {message.label!r}")


def check_i12_audit_first(watch, intent_id, message):
    """Nothing leaves after the journal has failed."""
    del message
    if watch.unanswered_journal_failure:
        watch.break_on("I12", f"{intent_id} left after a step that is not on disk")


# ---- at every step ----


def check_i3_unknown_stays_unknown(watch, before, event, decision):
    """UNKNOWN ends by broker evidence, by a proven expiry, or by a person."""
    for intent in decision.changed_intents:
        old = before.books.intents.get(intent.intent_id) if before is not None else None
        if intent.kind is not IntentKind.ENTRY or old is None or old.state is intent.state:
            continue
        if intent.state is IntentState.LOST:
            if isinstance(event, OperatorAcknowledged):
                watch.given_up_by_operator.add(intent.intent_id)
            elif intent.expires_at is None:
                watch.break_on("I3", f"{intent.intent_id} given up without an end of life")
            else:
                watch.given_up_by_proof.add(intent.intent_id)
            if intent.intent_id not in watch.given_up_by_operator and watch.is_placed(
                intent.intent_id
            ):
                watch.break_on("I3", f"{intent.intent_id} given up, but the broker has it")
        elif old.state is IntentState.UNKNOWN and intent.state not in AT_BROKER | {
            IntentState.REJECTED
        }:
            watch.break_on("I3", f"{intent.intent_id} went from unknown to {intent.state}")


def check_i14_money_is_exact(watch, before, event, decision):
    """Money, prices and volumes are whole numbers, and trades settle to the last digit."""
    del before, event
    for intent in decision.changed_intents:
        for value in (intent.volume, intent.filled_volume, intent.stop_distance or 0):
            if type(value) is not int:
                watch.break_on("I14", f"{intent.intent_id} carries {value!r}")
    if type(decision.state.books.balance) is not int:
        watch.break_on("I14", f"the balance is {decision.state.books.balance!r}")
    exchange = watch.server.exchange
    for trade in decision.closed_trades:
        settled = sum(
            deal.settlement.net_profit
            for deal in exchange.ledger.deals
            if deal.position_id == trade.position_id and deal.settlement is not None
        )
        if trade.profit != exchange.books.as_money(settled):
            watch.break_on(
                "I14", f"trade {trade.position_id} booked {trade.profit}, settled {settled}"
            )


def check_i17_bounded(watch, before, event, decision):
    """The inbox is bounded."""
    del before, event, decision
    if watch.inbox is not None and len(watch.inbox) > EVENTS_MAX:
        watch.break_on("I17", f"{len(watch.inbox)} events wait")


def check_i18_once_and_true(watch, before, event, decision):
    """The books hold nothing that the broker does not, and nothing twice."""
    del event
    for intent in decision.changed_intents:
        if intent.kind is not IntentKind.ENTRY:
            continue
        old = before.books.intents.get(intent.intent_id) if before is not None else None
        is_news = (old is None or old.state is not intent.state) and intent.state in AT_BROKER
        if is_news and not watch.is_placed(intent.intent_id):
            watch.break_on("I18", f"{intent.intent_id} is {intent.state}, not at the broker")
        if old is not None and intent.filled_volume > old.filled_volume:
            executed = watch.executed_volume(intent.intent_id)
            if intent.filled_volume > executed:
                watch.break_on(
                    "I18",
                    f"{intent.intent_id} booked {intent.filled_volume}, executed {executed}",
                )
    for trade in decision.closed_trades:
        if trade.position_id in watch.traded:
            watch.break_on("I18", f"trade {trade.position_id} was booked twice")
        watch.traded.add(trade.position_id)


def check_p5_failed_reading_closes_nothing(watch, before, event, decision):
    """A position leaves the books only because it is closed, or because a person says so."""
    del before
    if isinstance(event, OperatorAcknowledged):
        return
    for change in decision.changed_positions:
        if isinstance(change, ClosedPosition) and (
            change.position_id in watch.server.exchange.ledger.positions
        ):
            watch.break_on("P5", f"position {change.position_id} was dropped, but is open")


def check_p5_nothing_vanishes(watch, before, event, decision):
    """No position is forgotten without a word."""
    if before is None or before.books.positions is decision.state.books.positions:
        return
    gone = before.books.positions.keys() - decision.state.books.positions.keys()
    said = {each.position_id for each in decision.changed_positions}
    if gone - said:
        watch.break_on("P5", f"positions {gone - said} vanished at {type(event).__name__}")


# ---- at every happening at the broker ----


def check_i1_one_order(watch):
    """Each intent has at most one order at the broker."""
    for label, count in watch.placed.items():
        if count > 1:
            watch.break_on("I1", f"{count} orders at the broker carry {label}")


def check_i3_given_up_stays_away(watch):
    """What was proven dead never comes to life."""
    for intent_id in watch.given_up_by_proof:
        if watch.is_placed(intent_id):
            watch.break_on("I3", f"{intent_id} was given up by proof and executed later")


def check_i4_stop_at_broker(watch):
    """No position of ours ever existed without its stop, but for those a person took."""
    ledger = watch.server.exchange.ledger
    for position_id in ledger.unprotected - watch.stop_taken_by_user - watch.foreign:
        watch.break_on("I4", f"position {position_id} stood without a stop")


def check_i4_watch_tells_the_truth(watch, reason):
    """What the stop watch calls unprotected or gone was so at the broker."""
    ledger = watch.server.exchange.ledger
    position_id = int(reason.split()[1])
    is_bare = position_id in ledger.unprotected | watch.stop_taken_by_user
    is_gone = position_id not in ledger.positions
    if ("no stop" in reason and not is_bare) or ("not at the broker" in reason and not is_gone):
        watch.break_on("I4", f"the stop watch halted for nothing: {reason}")


def check_i7_one_position(watch):
    """At most one position of ours, but for entries that a person gave up too early."""
    ours = [
        position
        for position in watch.server.exchange.ledger.positions.values()
        if parse_label(position.label, watch.params.environment) is not None
    ]
    expected = [
        position
        for position in ours
        if parse_label(position.label, watch.params.environment) not in watch.given_up_by_operator
    ]
    if len(expected) > 1:
        watch.break_on("I7", f"{len(expected)} positions of ours are open")


# ---- now and then ----


def check_i6_trip_survives(watch, state):
    """A trip that anybody has heard of is there after a death; what was not heard may be lost."""
    stored = watch.disk.rows[-1].decision.state if watch.disk.rows else state
    for old in (stored, watch.told):
        if old is not None and (old is stored or state.sequence < old.sequence):
            _compare_trips(watch, old, state)


def check_i6_start_forgets_nothing(watch, before, event, decision):
    """To start is to recover: the first step of a process releases no trip."""
    if isinstance(event, Started) and before is not None:
        _compare_trips(watch, before, decision.state)


def _compare_trips(watch, told, state):
    if told.switch.halted_by is not None and state.switch.halted_by is None:
        watch.break_on(
            "I6",
            f"halted by {told.switch.halted_by} in step {told.sequence}, forgotten at the "
            f"restart from step {state.sequence}",
        )
    for name, record in told.breakers.records.items():
        known = state.breakers.records.get(name)
        if record.phase in FORBIDDING and (known is None or known.phase not in FORBIDDING):
            watch.break_on(
                "I6",
                f"breaker {name} was {record.phase} in step {told.sequence}, forgotten at "
                f"the restart from step {state.sequence}",
            )


def check_i12_nothing_told_is_lost(watch):
    """Whatever a process was told to be durable is there after its death."""
    last = watch.disk.rows[-1].sequence if watch.disk.rows else 0
    if watch.disk.acknowledged > last:
        watch.break_on(
            "I12", f"step {watch.disk.acknowledged} was durable, the disk ends at {last}"
        )


def check_i13_equal_books(watch, state):
    """At rest, our books are the broker's."""
    exchange = watch.server.exchange
    theirs = {
        position.position_id: (position.volume, position.side, position.stop_loss)
        for position in exchange.ledger.positions.values()
        if parse_label(position.label, watch.params.environment) is not None
    }
    ours = {
        position.position_id: (position.volume, position.side, position.stop_loss)
        for position in state.books.positions.values()
    }
    if ours != theirs:
        watch.break_on("I13", f"we hold {ours}, the broker {theirs}")
    if state.books.balance != exchange.books.balance:
        watch.break_on("I13", f"balance {state.books.balance}, broker {exchange.books.balance}")


def check_i15_no_secret(watch):
    """No key of ours stands in what is recorded."""
    keys = watch.server.keys
    secrets = [each.encode() for each in (keys.client_secret, keys.access_token)]
    for row in watch.disk.rows:
        text = row.event_text + row.commands_text + row.decision.reason.encode()
        if any(secret in text for secret in secrets):
            watch.break_on("I15", f"step {row.sequence} holds a secret")


def check_i17_rate(watch, size):
    """Frames are small, and not too many in a second."""
    if size > OUTBOUND_BYTES_MAX:
        watch.break_on("I17", f"a frame of {size} bytes left")
    now_s = watch.loop.now_s
    while watch.sent_at and watch.sent_at[0] <= now_s - 1.0:
        watch.sent_at.popleft()
    watch.sent_at.append(now_s)
    # A new connection starts a new count at the broker; two within a second are possible.
    if len(watch.sent_at) > 2 * REQUESTS_PER_S_MAX:
        watch.break_on("I17", f"{len(watch.sent_at)} frames within a second")


def check_i17_backoff(watch, attempts_s):
    """Attempts to connect of one process lie apart."""
    for earlier, later in pairwise(attempts_s):
        if later - earlier < BACKOFF_S_MIN:
            watch.break_on("I17", f"two attempts to connect within {later - earlier:.3f} s")


def check_i18_answered_stored(watch, before, event, decision):
    """An answer of the journal sends at most what was waiting for it."""
    if isinstance(event, IntentStored) and before is not None:
        old = before.books.intents.get(event.intent_id)
        new = decision.state.books.intents.get(event.intent_id)
        is_sent = new is not None and old is not new and new.state is IntentState.SENT
        if is_sent and (old is None or old.state is not IntentState.NEW):
            watch.break_on("I18", f"{event.intent_id} was sent from {old and old.state}")


ON_SEND = (
    check_i1_sent_once,
    check_i2_write_ahead,
    check_i4_stop_in_order,
    check_i5_no_entry_past_a_halt,
    check_i7_one_entry,
    check_i8_fresh,
    check_i9_ready,
    check_i10_environment,
    check_i12_audit_first,
)
ON_STEP = (
    check_i6_start_forgets_nothing,
    check_i3_unknown_stays_unknown,
    check_i14_money_is_exact,
    check_i17_bounded,
    check_i18_once_and_true,
    check_i18_answered_stored,
    check_p5_failed_reading_closes_nothing,
    check_p5_nothing_vanishes,
)
ON_WORLD = (
    check_i1_one_order,
    check_i3_given_up_stays_away,
    check_i4_stop_at_broker,
    check_i7_one_position,
)
