"""Executions that contradict each other or our books: nothing is guessed, entries stop, we look."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, World, make_symbol
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import QueryBooks
from palmbot.domain.events import (
    ExecutionUnreadable,
    OrderAccepted,
    OrderEnd,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    PositionChanged,
)
from palmbot.domain.market import Side
from palmbot.domain.orders import IntentKind, IntentState
from palmbot.domain.units import DealId, PositionId, Price, Volume


def held_world() -> World:
    """A bot with a position, and the fill that opened it at hand."""
    world = World(EASY)
    world.make_ready()
    world.enter()
    return world


def opening(world: World) -> OrderFilled:
    return next(event for event, _ in world.history if isinstance(event, OrderFilled))


def another(filled: OrderFilled, **fill) -> OrderFilled:
    """The same order filled once more, otherwise."""
    return replace(filled, fill=replace(filled.fill, deal_id=DealId(9_999), **fill))


def filled_beyond_its_volume(world):
    return another(opening(world))


def closed_beyond_its_volume(world):
    position = world.state.position
    (event,) = world.broker.close(position.position_id)
    world.broker.positions[position.position_id] = opening(world).position
    return another(event, volume=Volume(event.fill.volume + 1))


def closed_on_the_wrong_side(world):
    position = world.state.position
    (event,) = world.broker.close(position.position_id)
    world.broker.positions[position.position_id] = opening(world).position
    return another(event, side=Side.BUY)


def closed_without_being_known(world):
    position = world.state.position
    (event,) = world.broker.close(position.position_id)
    world.broker.positions[position.position_id] = opening(world).position
    return another(event, position_id=PositionId(77))


def refused_after_it_was_filled(world):
    return OrderRefused(intent_id=world.sends[-1].intent_id, code="NO_MONEY", reason="")


def changed_to_another_volume(world):
    position = opening(world).position
    return PositionChanged(position=replace(position, volume=Volume(position.volume - 100)))


def changed_to_no_stop(world):
    return PositionChanged(position=replace(opening(world).position, stop_loss=None))


def changed_by_a_stranger_of_ours(world):
    return PositionChanged(position=replace(opening(world).position, position_id=PositionId(78)))


def said_what_nobody_understands(_world):
    return ExecutionUnreadable(reason="execution type 99")


CONTRADICTIONS = [
    filled_beyond_its_volume,
    closed_beyond_its_volume,
    closed_on_the_wrong_side,
    closed_without_being_known,
    refused_after_it_was_filled,
    changed_to_another_volume,
    changed_to_no_stop,
    changed_by_a_stranger_of_ours,
    said_what_nobody_understands,
]


@pytest.mark.parametrize("contradict", CONTRADICTIONS, ids=lambda each: each.__name__)
def test_a_contradiction_changes_no_position_stops_entries_and_reads_the_books(contradict):
    world = held_world()
    before = world.state.position
    decision = world.give(contradict(world))
    held = world.state.position
    assert (held.volume, held.side, held.entry_price) == (
        before.volume,
        before.side,
        before.entry_price,
    )
    assert world.state.link.phase is LinkPhase.SYNCING
    assert world.state.link.reason
    (query,) = [each for each in decision.commands if isinstance(each, QueryBooks)]
    assert query.delay_s <= 1.0
    (entry,) = [i for i in world.state.books.intents.values() if i.kind is IntentKind.ENTRY]
    assert entry.state is IntentState.FILLED
    assert decision.reason


@pytest.mark.parametrize("end", list(OrderEnd))
def test_an_end_that_comes_after_the_whole_was_filled_takes_nothing_back(end):
    world = held_world()
    before = world.state.books
    world.give(OrderEnded(order=opening(world).order, end=end, reason="late"))
    assert world.state.books.intents == before.intents
    assert world.state.books.positions == before.positions


def test_an_acceptance_that_comes_after_the_fill_takes_nothing_back():
    world = held_world()
    before = world.state.books
    world.give(OrderAccepted(order=opening(world).order))
    assert world.state.books == before


def test_the_same_deal_told_with_another_volume_and_price_is_booked_once():
    world = held_world()
    before = world.state.books
    filled = opening(world)
    fill = replace(filled.fill, volume=Volume(100), price=Price(1))
    world.give(replace(filled, fill=fill))
    assert world.state.books == before


@pytest.mark.parametrize("volume", [150, 101, 99])
def test_a_position_off_the_step_is_kept_as_it_is_and_closed_whole(volume):
    world = World(EASY)
    world.make_ready()
    world.stored(world.fall())
    world.give(*world.broker.enter(world.sends[-1], [Volume(volume)]))
    assert world.state.position.volume == volume
    world.read_books()
    assert world.state.position.volume == volume
    world.broker.bid = Price(world.state.position.intended_stop - 100)
    position_id = world.state.position.position_id
    world.broker.positions[position_id] = replace(
        world.broker.positions[position_id], stop_loss=None
    )
    world.tick()
    world.read_books()
    (close,) = [i for i in world.state.books.intents.values() if i.kind is IntentKind.CLOSE]
    assert close.volume == volume


@pytest.mark.parametrize(
    ("changes", "volume"),
    [
        ({"volume_step": Volume(700)}, None),
        ({"volume_step": Volume(250)}, 500),
        ({"volume_min": Volume(550)}, 600),
        ({"volume_min": Volume(601)}, None),
        ({"volume_max": Volume(450)}, 400),
        ({"volume_max": Volume(99)}, None),
    ],
)
def test_no_order_is_off_the_step_or_outside_of_the_contract(changes, volume):
    world = World(EASY)
    world.symbol = make_symbol(**changes)
    world.make_ready()
    world.fall()
    intents = list(world.state.books.intents.values())
    if volume is None:
        assert intents == []
        assert world.state.tally.refusals == {"SIZE": 1}
    else:
        assert [each.volume for each in intents] == [volume]
