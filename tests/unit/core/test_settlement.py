"""What a reading of the broker's books changes in ours: what is believed, when, and how often."""

import dataclasses

import pytest
from msgspec.structs import replace

from harness.engine_world import BALANCE, EASY, PRICE, World
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.commands import QueryBooks, RaiseAlarm, Reconnect, Severity, StoreIntent
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    BooksUnavailable,
    LinkLost,
    OperatorAcknowledged,
    OrderAccepted,
    OrderUnanswered,
)
from palmbot.domain.market import Side
from palmbot.domain.orders import (
    BrokerOrder,
    IntentKind,
    IntentState,
    OrderStatus,
    OrderStyle,
    Payment,
    render_label,
)
from palmbot.domain.units import IntentId, Money, OrderId, PositionId, Price, TimestampMs, Volume

D = DiscrepancyClass
HOUR = 3_600_000
LOOSE = Price(PRICE - 9_000_000)
BEYOND = PRICE - 1_600_000
"""A price below the stop of the position."""


def ready_world(**changes) -> World:
    world = World(dataclasses.replace(EASY, **changes))
    world.make_ready()
    return world


def held_world() -> World:
    world = ready_world()
    world.enter()
    world.read_books()
    return world


def unknown_world(**changes) -> World:
    """An entry was sent and nobody answered; nothing of it is at the broker."""
    world = ready_world(**changes)
    world.stored(world.fall())
    world.give(OrderUnanswered(intent_id=world.sends[0].intent_id, reason="5 s"))
    return world


def entry_of(world):
    return world.state.books.intents[world.sends[0].intent_id]


def last_of(world):
    return world.state.books.intents[world.sends[-1].intent_id]


def kinds(decision):
    return [each.kind for each in decision.discrepancies]


def waits(decision):
    return [each.delay_s for each in decision.commands if isinstance(each, QueryBooks)]


def asked(decision):
    return [each.intent for each in decision.commands if isinstance(each, StoreIntent)]


def alarms(decision, severity):
    return [
        each.text
        for each in decision.commands
        if isinstance(each, RaiseAlarm) and each.severity is severity
    ]


def reconnects(decision):
    return [each for each in decision.commands if isinstance(each, Reconnect)]


def read(world, **changes):
    """Report the books with changes."""
    books = replace(world.broker.books(), **changes)
    return world.give(BooksReported(generation=world.generation, books=books))


def end_reading(world, books, is_read):
    """Let a reading of the first connection end, well or not."""
    reported = BooksReported(generation=1, books=books)
    return world.give(reported if is_read else BooksUnavailable(generation=1, reason="late"))


def read_at(world, time):
    """Report the books as they stand when the broker's time has come so far."""
    world.broker.now = TimestampMs(time)
    world.tick()
    return world.read_books()


def change_remote(world, **changes):
    position_id = world.state.position.position_id
    remote = world.broker.positions[position_id]
    world.broker.positions[position_id] = replace(remote, **changes)


def leave_close_unanswered(world):
    """Let the position lose its stop with the price beyond it, and nobody answer the close."""
    change_remote(world, stop_loss=None)
    world.tick(BEYOND)
    world.stored(world.read_books())
    assert world.sends[-1].kind is IntentKind.CLOSE
    world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="5 s"))


def closing_order(world, status) -> BrokerOrder:
    """A close of the position, without an id of ours as on the wire."""
    return replace(
        world.broker.orders[0],
        order_id=OrderId(900),
        side=Side.SELL,
        executed_volume=Volume(0),
        status=status,
        is_closing=True,
        label="",
        client_order_id="",
    )


# -- which readings are believed ------------------------------------------------------------


@pytest.mark.parametrize("is_read", [True, False], ids=["books", "failure"])
@pytest.mark.parametrize("is_cut", [True, False], ids=["no connection", "older connection"])
def test_what_comes_from_a_connection_that_is_gone_changes_nothing(is_cut, is_read):
    world = held_world()
    books = replace(world.broker.books(), positions=())
    world.give(LinkLost(generation=1, reason="cut"))
    if not is_cut:
        world.connect()
    before = world.state
    decision = end_reading(world, books, is_read)
    assert (decision.commands, decision.discrepancies) == ((), ())
    assert world.state == replace(before, sequence=before.sequence + 1)


def test_a_reading_older_than_an_execution_is_put_aside_three_times_and_then_acted_on():
    """Else a wrong stamp would keep the bot from acting for ever."""
    world = ready_world()
    world.enter()
    older = TimestampMs(world.state.link.executed_at - 1)
    delays = []
    for _ in range(3):
        decision = read(world, taken_at=older, positions=())
        assert decision.discrepancies == ()
        delays += waits(decision)
    assert delays == [1.0, 2.0, 4.0]
    assert kinds(read(world, taken_at=older, positions=())) == [D.LOCAL_ONLY]


def test_a_reading_of_the_same_millisecond_as_an_execution_is_acted_on_at_once():
    world = ready_world()
    world.enter()
    decision = read(world, taken_at=world.state.link.executed_at, positions=())
    assert kinds(decision) == [D.LOCAL_ONLY]


@pytest.mark.parametrize("is_read", [True, False], ids=["readings", "failed readings"])
def test_a_person_is_reminded_whether_the_readings_succeed_or_not(is_read):
    world = held_world()
    change_remote(world, volume=Volume(500))
    world.read_books()
    world.tick(time=world.broker.now + HOUR)
    (text,) = alarms(end_reading(world, world.broker.books(), is_read), Severity.CRITICAL)
    assert "has been waiting for a person for 1 h" in text


# -- orders of a reading --------------------------------------------------------------------


def test_an_unanswered_order_that_rests_at_the_broker_is_bound_and_waited_for():
    world = unknown_world()
    (accepted,) = world.broker.enter(world.sends[0], [])
    assert kinds(world.read_books()) == [D.IN_FLIGHT_FOUND]
    entry = entry_of(world)
    assert (entry.state, entry.order_id) == (IntentState.ACCEPTED, accepted.order.order_id)
    assert not world.state.books.absences


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (OrderStatus.REJECTED, IntentState.REJECTED),
        (OrderStatus.EXPIRED, IntentState.EXPIRED),
        (OrderStatus.CANCELLED, IntentState.CANCELLED),
    ],
)
def test_the_end_of_an_order_in_the_books_is_the_end_of_the_request(status, state):
    world = unknown_world()
    (accepted,) = world.broker.enter(world.sends[0], [])
    world.broker.orders[-1] = replace(accepted.order, status=status)
    world.read_books()
    assert entry_of(world).state is state
    assert entry_of(world).resolution == "found in the broker's books"


def test_a_closing_order_is_not_taken_for_a_close_of_ours_that_has_no_order_yet():
    """Somebody's own close was cancelled; what became of ours, the position shows."""
    world = held_world()
    leave_close_unanswered(world)
    world.broker.orders.append(closing_order(world, OrderStatus.CANCELLED))
    world.read_books()
    assert last_of(world).state is IntentState.LOST


def test_a_closing_order_that_is_bound_to_a_close_of_ours_settles_it():
    world = held_world()
    leave_close_unanswered(world)
    world.give(OrderAccepted(order=closing_order(world, OrderStatus.ACCEPTED)))
    assert last_of(world).order_id == 900
    world.broker.orders.append(closing_order(world, OrderStatus.REJECTED))
    world.read_books()
    assert last_of(world).state is IntentState.REJECTED


@pytest.mark.parametrize("volume", [400, 1])
def test_an_order_filled_with_less_than_asked_for_is_over_once_its_fills_are_booked(volume):
    world = unknown_world()
    world.broker.enter(world.sends[0], [Volume(volume)])
    world.broker.orders[-1] = replace(world.broker.orders[-1], status=OrderStatus.FILLED)
    world.read_books()
    assert entry_of(world).state is IntentState.FILLED
    assert world.state.position.volume == volume
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_an_order_called_filled_without_volume_is_no_entry():
    world = unknown_world()
    (accepted,) = world.broker.enter(world.sends[0], [])
    world.broker.orders[-1] = replace(accepted.order, status=OrderStatus.FILLED)
    world.read_books()
    assert entry_of(world).state is IntentState.ACCEPTED
    assert world.state.position is None


def test_an_order_called_filled_is_looked_for_as_long_as_its_fills_are_missing():
    world = unknown_world()
    world.broker.execute(world.sends[0])
    assert kinds(read(world, fills=(), positions=())) == [D.IN_FLIGHT_FOUND, D.IN_FLIGHT_UNDECIDED]
    assert entry_of(world).state is IntentState.UNKNOWN
    world.read_books()
    assert entry_of(world).state is IntentState.FILLED
    assert world.state.position.volume == 600


def test_of_forgotten_orders_the_newest_512_are_remembered():
    world = held_world()
    world.give(*world.broker.close(world.state.position.position_id))
    world.read_books()
    known = world.broker.orders[0]
    strangers = [
        replace(
            known,
            order_id=OrderId(10_000 + number),
            position_id=PositionId(20_000 + number),
            client_order_id="",
            label=render_label(EASY.environment, IntentId(f"{number:026d}")),
        )
        for number in range(513)
    ]
    world.broker.orders += strangers
    assert "513 past orders" in world.read_books().discrepancies[0].detail
    assert world.state.books.forgotten_orders == tuple(each.order_id for each in strangers[1:])


# -- details and money ----------------------------------------------------------------------


def test_swap_and_commission_of_a_reading_are_taken_over_without_a_word():
    world = held_world()
    change_remote(world, swap=Money(-700), commission=Money(-30))
    decision = world.read_books()
    assert (decision.discrepancies, decision.reason) == ((), "")
    assert (world.state.position.swap, world.state.position.commission) == (-700, -30)
    assert world.read_books().changed_positions == ()


def test_a_payment_younger_than_the_balance_of_the_reading_moves_ours():
    world = ready_world()
    deposit = Payment(
        delta=Money(700),
        kind="BALANCE_DEPOSIT",
        balance=Money(BALANCE + 700),
        balance_version=2,
        time=TimestampMs(world.broker.now),
    )
    assert read(world, payments=(deposit,)).discrepancies == ()
    assert (world.state.books.balance, world.state.books.balance_version) == (BALANCE + 700, 2)


# -- what is said once ----------------------------------------------------------------------


def test_what_waits_for_a_person_is_reported_once_and_something_new_about_it_again():
    world = held_world()
    change_remote(world, volume=Volume(500))
    seen = [kinds(world.read_books()) for _ in range(2)]
    change_remote(world, side=Side.SELL)
    seen.append(kinds(world.read_books()))
    assert seen == [[D.VOLUME_SMALLER], [], [D.SIDE_DIFFERS]]


def test_what_is_looked_for_is_reported_once():
    world = held_world()
    world.broker.positions.clear()
    assert [kinds(world.read_books()) for _ in range(4)] == [[D.LOCAL_ONLY], [], [], []]


def test_a_looser_stop_is_told_once_while_its_repair_is_under_way():
    world = held_world()
    change_remote(world, stop_loss=LOOSE)
    decision = world.read_books()
    (text,) = alarms(decision, Severity.WARNING)
    assert text.startswith(f"position:{world.state.position.position_id}: stop {LOOSE}")
    assert text.endswith("; restored")
    world.stored(decision)
    assert alarms(world.read_books(), Severity.WARNING) == []


@pytest.mark.parametrize(
    ("stop", "target"),
    [(PRICE - 500_000, None), (PRICE - 500_000, PRICE + 9_000_000)],
    ids=["no target", "another target"],
)
def test_a_tighter_stop_and_any_target_are_left_as_they_are(stop, target):
    world = held_world()
    change_remote(world, stop_loss=Price(stop), take_profit=target)
    decision = world.read_books()
    assert kinds(decision) == [D.LEVELS_MOVED]
    assert (asked(decision), alarms(decision, Severity.WARNING)) == ([], [])
    assert (world.state.position.stop_loss, world.state.position.take_profit) == (stop, target)


# -- requests without an answer -------------------------------------------------------------


def test_an_accepted_order_that_is_no_longer_in_the_books_is_unknown_and_says_why():
    world = ready_world()
    world.stored(world.fall())
    world.give(*world.broker.enter(world.sends[0], []))
    assert entry_of(world).state is IntentState.ACCEPTED
    world.broker.orders.clear()
    assert kinds(world.read_books()) == [D.IN_FLIGHT_UNDECIDED]
    assert entry_of(world).state is IntentState.UNKNOWN
    assert entry_of(world).resolution == "accepted, but no longer in the broker's books"


def test_an_unanswered_order_keeps_the_reason_for_which_it_is_unknown():
    world = unknown_world()
    world.read_books()
    assert entry_of(world).resolution == "5 s"


@pytest.mark.parametrize(("limit_s", "readings"), [(31.0, 5), (31.5, 6), (61.0, 6)])
def test_a_person_is_asked_once_the_waits_of_the_search_add_up_to_the_limit(limit_s, readings):
    """They are 1, 2, 4, 8, 16 and then 30 seconds."""
    world = unknown_world(undecided_s_max=limit_s)
    for _ in range(readings - 1):
        world.read_books()
    assert world.state.books.quarantine == {}
    world.read_books()
    assert world.state.books.quarantine.keys() == {world.sends[0].intent_id}


@pytest.mark.parametrize(("late_ms", "is_asked"), [(0, False), (1, True)])
def test_a_new_connection_is_asked_for_only_after_the_end_of_life_of_an_order(late_ms, is_asked):
    world = unknown_world(order_style=OrderStyle.LIMIT)
    world.read_books()
    decision = read_at(world, world.sends[0].expires_at + late_ms)
    assert bool(reconnects(decision)) is is_asked


def test_a_new_connection_is_asked_for_by_the_second_reading_that_misses_an_order():
    world = unknown_world(order_style=OrderStyle.LIMIT)
    expires_at = world.sends[0].expires_at
    assert reconnects(read_at(world, expires_at + 1)) == []
    (reconnect,) = reconnects(read_at(world, expires_at + 2))
    assert reconnect.generation == world.generation
    assert world.sends[0].intent_id in reconnect.reason


@pytest.mark.parametrize(("early_ms", "is_asked"), [(1, True), (0, False)])
def test_a_connection_made_at_the_end_of_life_of_an_order_is_new_enough(early_ms, is_asked):
    world = unknown_world(order_style=OrderStyle.LIMIT)
    expires_at = world.sends[0].expires_at
    world.tick(time=expires_at - early_ms)
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    read_at(world, expires_at + 1)
    assert bool(reconnects(read_at(world, expires_at + 2))) is is_asked


def prove_dead(world):
    """Read twice, ten seconds apart, on a connection made after the end of life."""
    expires_at = world.sends[0].expires_at
    world.tick(time=expires_at)
    world.give(LinkLost(generation=world.generation, reason="cut"))
    world.connect()
    read_at(world, expires_at + 5_000)
    return read_at(world, expires_at + 15_000)


def test_an_entry_given_up_is_told_and_nobody_is_asked_about_it_any_more():
    world = unknown_world(order_style=OrderStyle.LIMIT, undecided_s_max=1.0)
    world.read_books()
    assert world.state.books.quarantine.keys() == {world.sends[0].intent_id}
    decision = prove_dead(world)
    (text,) = alarms(decision, Severity.NOTICE)
    assert text == (f"entry {world.sends[0].intent_id} expired at the broker and was given up")
    assert entry_of(world).state is IntentState.LOST
    assert (world.state.books.quarantine, world.state.books.absences) == ({}, {})


def test_an_entry_found_as_a_position_is_no_longer_looked_for():
    world = unknown_world(undecided_s_max=1.0)
    world.read_books()
    world.broker.execute(world.sends[0])
    assert D.IN_FLIGHT_FOUND in kinds(read(world, fills=(), past_orders=()))
    assert (world.state.books.quarantine, world.state.books.absences) == ({}, {})


# -- when the next reading comes ------------------------------------------------------------


def test_what_waits_for_a_person_is_looked_at_every_half_minute():
    world = held_world()
    change_remote(world, stop_loss=None)
    world.read_books()
    world.carry_out()
    decision = world.read_books()
    assert (kinds(decision), waits(decision)) == ([], [30.0])
    assert world.state.link.phase is LinkPhase.QUARANTINED
    item = f"position:{world.state.position.position_id}"
    assert world.state.link.reason == f"a person has to settle {item}"


def test_the_link_says_what_is_worked_on_or_that_news_are_checked():
    world = held_world()
    position_id = world.state.position.position_id
    change_remote(world, stop_loss=Price(PRICE - 500_000))
    assert waits(world.read_books()) == [1.0]
    assert world.state.link.reason == f"working on R14 position:{position_id}"
    world.broker.close(position_id)
    world.read_books()
    assert world.state.link.reason == "checking what the reading told us"


def test_a_quarantine_that_evidence_ended_wants_two_clean_readings_in_a_row():
    world = unknown_world(undecided_s_max=1.0)
    world.read_books()
    assert world.state.link.phase is LinkPhase.QUARANTINED
    world.broker.execute(world.sends[0])
    world.read_books()
    assert waits(world.read_books()) == [1.0]
    assert world.state.link.reason == "one clean reading after a quarantine, read again"
    change_remote(world, stop_loss=Price(PRICE - 500_000))
    world.read_books()
    world.read_books()
    assert world.state.link.phase is LinkPhase.SYNCING
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def count_readings_until_consistent(world) -> int:
    assert not world.state.books.quarantine
    count = 0
    while world.state.link.phase is not LinkPhase.CONSISTENT:
        assert not world.read_books().discrepancies
        count += 1
    return count


def test_a_quarantine_ended_by_a_position_without_fills_wants_two_clean_readings():
    world = unknown_world(undecided_s_max=1.0)
    world.read_books()
    assert world.state.books.quarantine
    world.broker.execute(world.sends[0])
    books = replace(world.broker.books(), fills=(), past_orders=())
    world.give(BooksReported(generation=1, books=books))
    assert count_readings_until_consistent(world) == 2


def test_a_quarantine_ended_by_proof_of_death_wants_two_clean_readings():
    world = unknown_world(undecided_s_max=1.0, order_style=OrderStyle.LIMIT)
    world.read_books()
    assert world.state.books.quarantine
    expires_at = world.sends[0].expires_at
    world.tick(time=expires_at)
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    for late in (5_000, 15_000):
        world.tick(time=expires_at + late)
        world.read_books()
    assert count_readings_until_consistent(world) == 2


@pytest.mark.parametrize("has_label", [True, False])
def test_a_position_that_arrives_late_is_closed_with_or_without_its_label(has_label):
    world = unknown_world()
    world.give(
        OperatorAcknowledged(
            item=world.sends[0].intent_id,
            action=Acknowledgement.IGNORE,
            actor="e",
            reason="looked",
        )
    )
    world.read_books()
    world.broker.execute(world.sends[0])
    if not has_label:
        for position_id, position in tuple(world.broker.positions.items()):
            world.broker.positions[position_id] = replace(position, label="")
    decision = world.read_books()
    (stored,) = [each.intent for each in decision.commands if isinstance(each, StoreIntent)]
    assert (stored.kind, stored.position_id) == (IntentKind.CLOSE, *world.broker.positions)
    assert world.state.switch.halted_by == "reconciliation"
    assert f"position:{stored.position_id}" in world.state.books.quarantine


def test_without_balance_numbers_a_payment_listed_twice_does_not_undo_a_younger_close():
    world = World(EASY)
    world.account = replace(world.account, balance_version=0)
    world.broker.balance_version = 0
    world.make_ready()
    world.enter()
    world.broker.balance += 700
    world.broker.payments.append(
        Payment(
            delta=Money(700),
            kind="BALANCE_DEPOSIT",
            balance=Money(world.broker.balance),
            balance_version=0,
            time=TimestampMs(world.broker.now),
        )
    )
    assert world.read_books().discrepancies == ()
    (filled,) = world.broker.close(world.state.position.position_id)
    world.broker.balance_version = 0
    closing = replace(filled.fill.closing, balance_version=0)
    filled = replace(filled, fill=replace(filled.fill, closing=closing))
    world.broker.fills[-1] = filled.fill
    world.give(filled)
    assert world.read_books().discrepancies == ()
