"""A position that the broker shows before it lists the fills of its entry."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, World
from palmbot.core.reconcile import ASK, YIELD
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    OperatorAcknowledged,
    OrderEnd,
    OrderEnded,
    OrderUnanswered,
)
from palmbot.domain.market import Side
from palmbot.domain.orders import Closing, IntentState, OrderStatus
from palmbot.domain.units import DealId, Money, Price, TimestampMs, Volume

D = DiscrepancyClass
FIRST, SECOND = Volume(200), Volume(100)
LOOKS = 6
"""Readings that show a position called gone, until it counts as there after all."""


def unanswered_world() -> World:
    """Two parts of an entry were filled, and nobody heard of it."""
    world = World(EASY)
    world.make_ready()
    world.stored(world.fall())
    world.give(OrderUnanswered(intent_id=world.sends[0].intent_id, reason="5 s"))
    world.broker.enter(world.sends[0], [FIRST, SECOND])
    return world


def read(world, **changes):
    books = replace(world.broker.books(), **changes)
    return world.give(BooksReported(generation=world.generation, books=books))


def kinds(decision):
    return [each.kind for each in decision.discrepancies]


def entry_of(world):
    return world.state.books.intents[world.sends[0].intent_id]


@pytest.mark.parametrize("listed", [(0,), (1,), (1, 0), (0, 1)], ids=str)
def test_fills_listed_after_their_position_change_no_volume(listed):
    world = unanswered_world()
    position_id, remote = next(iter(world.broker.positions.items()))
    assert D.IN_FLIGHT_FOUND in kinds(read(world, fills=(), past_orders=()))
    assert world.state.position.volume == FIRST + SECOND
    fills = tuple(world.broker.fills)
    for number in listed:
        decision = read(world, fills=(fills[number],))
        assert kinds(decision) == []
    held = world.state.position
    assert (held.position_id, held.volume, held.entry_volume) == (position_id, 300, 300)
    assert held.entry_price == remote.entry_price
    assert held.unexplained_volume == 300 - sum(fills[number].volume for number in listed)
    assert entry_of(world).filled_volume == 300
    assert {fills[number].deal_id for number in listed} <= set(world.state.books.applied_deals)


def test_a_fill_beyond_what_was_taken_over_counts():
    world = unanswered_world()
    position_id, remote = next(iter(world.broker.positions.items()))
    first, second = world.broker.fills
    early = replace(remote, volume=FIRST, entry_price=first.price)
    read(world, positions=(early,), fills=(), past_orders=())
    assert world.state.position.volume == FIRST
    dearer = replace(second, price=Price(second.price + 30_000))
    read(
        world,
        positions=(replace(remote, entry_price=Price(first.price + 10_000)),),
        fills=(first, dearer),
    )
    held = world.state.books.positions[position_id]
    assert (held.volume, held.entry_volume, held.unexplained_volume) == (300, 300, 0)
    assert held.entry_price == first.price + 10_000
    assert entry_of(world).filled_volume == 300


def test_an_order_that_ended_with_a_part_is_booked_once_whatever_comes_first():
    """Simulation, seed 16326: its end was heard, then its position seen, then its fill listed."""
    world = unanswered_world()
    (_, remote), (first, _) = next(iter(world.broker.positions.items())), world.broker.fills
    early = replace(remote, volume=FIRST, entry_price=first.price)
    order = replace(
        world.broker.orders[0],
        executed_volume=Volume(0),
        status=OrderStatus.EXPIRED,
        position_id=None,
    )
    world.give(OrderEnded(order=order, end=OrderEnd.EXPIRED, reason=""))
    assert entry_of(world).state is IntentState.EXPIRED
    read(world, positions=(early,), fills=(), past_orders=())
    ended = replace(order, executed_volume=FIRST, position_id=early.position_id)
    decision = read(world, positions=(early,), fills=(first,), past_orders=(ended,))
    assert D.VOLUME_SMALLER not in kinds(decision)
    assert world.state.position.volume == FIRST
    assert entry_of(world).filled_volume == FIRST


def test_what_a_person_lets_the_broker_correct_is_not_begun_anew_by_a_fill_listed_late():
    """Simulation with lists that lag, seed 12: a third of the position was lost for good."""
    world = unanswered_world()
    position_id, remote = next(iter(world.broker.positions.items()))
    first, second = world.broker.fills
    early = replace(remote, volume=FIRST, entry_price=first.price)
    read(world, positions=(early,), fills=(first,))
    assert D.VOLUME_LARGER in kinds(read(world, fills=(first,)))
    item = f"position:{position_id}"
    world.give(
        OperatorAcknowledged(item=item, action=Acknowledgement.ADOPT, actor="e", reason="looked")
    )
    read(world, fills=(first,))
    held = world.state.position
    assert (held.volume, held.unexplained_volume, held.is_yielding) == (300, SECOND, False)
    assert kinds(read(world, fills=(first, second))) == []
    held = world.state.position
    assert (held.volume, held.entry_volume, held.unexplained_volume) == (300, 300, 0)
    assert entry_of(world).filled_volume == 300


def adopted_world(**changes):
    """A position of 300, of which a person lets the broker correct what it shows otherwise."""
    world = unanswered_world()
    read(world)
    assert world.state.position.volume == FIRST + SECOND
    ((position_id, remote),) = world.broker.positions.items()
    shown = replace(remote, **changes)
    assert [each.action for each in read(world, positions=(shown,)).discrepancies] == [ASK]
    item = f"position:{position_id}"
    assert world.state.books.quarantine.keys() == {item}
    world.give(
        OperatorAcknowledged(item=item, action=Acknowledgement.ADOPT, actor="e", reason="looked")
    )
    assert world.state.position.is_yielding
    world.broker.positions[position_id] = shown
    return world


def closing(world, volume, profit):
    """A close of a part of the position that was not heard of."""
    world.broker.positions = {}
    entry = world.broker.fills[0]
    money = world.broker.balance
    return replace(
        entry,
        deal_id=DealId(9_000 + volume),
        side=entry.side.opposite,
        volume=Volume(volume),
        time=TimestampMs(entry.time + volume),
        closing=Closing(
            entry_price=entry.price,
            gross_profit=Money(profit),
            swap=Money(0),
            commission=Money(0),
            balance=Money(money),
            balance_version=world.broker.balance_version,
        ),
    )


def test_a_close_that_is_listed_after_its_volume_was_corrected_only_adds_its_profit():
    world = adopted_world(volume=SECOND)
    assert [each.action for each in read(world).discrepancies] == [YIELD]
    held = world.state.position
    assert (held.volume, held.unexplained_volume, held.is_yielding) == (100, -200, False)
    ((position_id, remote),) = world.broker.positions.items()
    late, last = closing(world, 200, 5), closing(world, 100, 7)
    world.broker.positions = {position_id: remote}
    read(world, fills=(late,))
    held = world.state.position
    assert (held.volume, held.unexplained_volume, held.closed_volume) == (100, 0, 200)
    decision = read(world, positions=(), fills=(late, last))
    (trade,) = decision.closed_trades
    assert (trade.volume, trade.profit) == (300, 12)


def test_a_close_larger_than_what_its_correction_explains_closes_the_rest_of_it():
    world = adopted_world(volume=SECOND)
    read(world)
    ((position_id, remote),) = world.broker.positions.items()
    late = closing(world, 250, 5)
    world.broker.positions = {position_id: remote}
    read(world, positions=(replace(remote, volume=Volume(50)),), fills=(late,))
    held = world.state.position
    assert (held.volume, held.unexplained_volume, held.closed_volume) == (50, 0, 250)


def test_a_position_called_gone_and_back_with_more_counts_only_its_unheard_fills_as_unexplained():
    world = unanswered_world()
    ((position_id, remote),) = world.broker.positions.items()
    first, second = world.broker.fills
    early = replace(remote, volume=FIRST, entry_price=first.price)
    read(world, positions=(early,), fills=(first,), past_orders=())
    for _ in range(2):
        read(world, positions=(), fills=(first,), past_orders=(), orders=())
    item = f"position:{position_id}"
    world.give(
        OperatorAcknowledged(item=item, action=Acknowledgement.IGNORE, actor="e", reason="gone")
    )
    for _ in range(LOOKS):
        read(world, positions=(remote,), fills=(first,), past_orders=())
    held = world.state.position
    assert (held.volume, held.unexplained_volume) == (300, SECOND)
    assert entry_of(world).filled_volume == 300
    assert kinds(read(world, fills=(first, second), past_orders=())) == []
    assert world.state.position.volume == 300


def test_an_entry_whose_position_a_person_settled_is_over_once_its_order_is_listed():
    """Simulation, seed 31476: its last fills came after that, and it was looked for for ever."""
    world = unanswered_world()
    ((position_id, remote),) = world.broker.positions.items()
    first = world.broker.fills[0]
    read(world, positions=(replace(remote, volume=FIRST),), fills=(first,), past_orders=())
    for _ in range(2):
        read(world, positions=(), fills=(first,), past_orders=(), orders=())
    assert entry_of(world).state is IntentState.UNKNOWN
    item = f"position:{position_id}"
    world.give(
        OperatorAcknowledged(item=item, action=Acknowledgement.IGNORE, actor="e", reason="gone")
    )
    order = replace(world.broker.orders[0], status=OrderStatus.FILLED)
    for _ in range(2):
        read(world, positions=(), orders=(), past_orders=(order,))
    assert entry_of(world).state is IntentState.FILLED
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_a_side_that_a_person_lets_the_broker_correct_is_taken_over_with_its_levels():
    world = adopted_world(side=Side.SELL)
    assert [each.action for each in read(world).discrepancies] == [YIELD]
    held = world.state.position
    assert (held.side, held.volume, held.unexplained_volume) == (Side.SELL, 300, 0)
    assert held.intended_stop > held.entry_price > held.intended_target


def test_what_agrees_by_the_next_reading_needs_no_correction():
    world = adopted_world(volume=SECOND)
    (remote,) = world.broker.positions.values()
    read(world, positions=(replace(remote, volume=FIRST + SECOND),))
    held = world.state.position
    assert (held.volume, held.unexplained_volume, held.is_yielding) == (300, 0, False)


def test_a_late_arrival_is_closed_with_the_volume_it_has_though_its_fills_come_later():
    world = unanswered_world()
    world.give(
        OperatorAcknowledged(
            item=world.sends[0].intent_id,
            action=Acknowledgement.IGNORE,
            actor="e",
            reason="looked",
        )
    )
    read(world, fills=(), past_orders=())
    assert entry_of(world).state is IntentState.LOST
    read(world)
    assert (world.state.position.volume, entry_of(world).filled_volume) == (300, 300)


def test_a_reading_that_nobody_dated_does_not_move_the_start_of_the_next():
    world = World(EASY)
    world.make_ready()
    confirmed_at = world.state.link.confirmed_at
    since = TimestampMs(confirmed_at - 60_000)
    read(world, since=since, taken_at=since)
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.link.confirmed_at == confirmed_at
    read(world, since=since, taken_at=TimestampMs(confirmed_at + 5))
    assert world.state.link.confirmed_at == confirmed_at + 5
