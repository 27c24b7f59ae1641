"""A position that the broker shows before it lists the fills of its entry."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, World
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    OperatorAcknowledged,
    OrderEnd,
    OrderEnded,
    OrderUnanswered,
)
from palmbot.domain.orders import IntentState, OrderStatus
from palmbot.domain.units import Price, TimestampMs, Volume

D = DiscrepancyClass
FIRST, SECOND = Volume(200), Volume(100)


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
    assert held.assumed_volume == 300 - sum(fills[number].volume for number in listed)
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
    assert (held.volume, held.entry_volume, held.assumed_volume) == (300, 300, 0)
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
