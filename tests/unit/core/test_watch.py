"""What the second pair of eyes finds in a reading of the broker's books."""

import pytest
from msgspec.structs import replace

from harness.engine_world import World
from palmbot.core.watch import find_differences, find_unprotected
from palmbot.domain.events import OperatorHalted
from palmbot.domain.market import Side
from palmbot.domain.orders import Environment
from palmbot.domain.units import Volume

HERE = Environment.SIMULATOR


@pytest.fixture
def world() -> World:
    holding = World()
    holding.make_ready()
    holding.enter()
    return holding


def differences(world):
    return find_differences(world.broker.books(), world.state, HERE)


def change(world, **fields):
    """Change the only position at the broker."""
    (position,) = world.broker.positions.values()
    world.broker.positions[position.position_id] = replace(position, **fields)
    return position.position_id


def test_equal_books_and_a_stop_are_nothing_to_speak_of(world):
    assert differences(world) == ()
    assert find_unprotected(world.broker.books(), HERE) == ()


def test_a_position_of_ours_without_a_stop_is_found_also_when_our_books_know_nothing_of_it(world):
    position_id = change(world, stop_loss=None)
    assert find_unprotected(world.broker.books(), HERE) == (position_id,)
    world.state = replace(world.state, books=replace(world.state.books, positions={}))
    assert find_unprotected(world.broker.books(), HERE) == (position_id,)


def test_a_foreign_position_is_no_concern(world):
    world.broker.add_foreign()
    assert find_unprotected(world.broker.books(), HERE) == ()
    assert differences(world) == ()


def test_a_label_of_another_environment_is_foreign(world):
    change(world, stop_loss=None)
    assert find_unprotected(world.broker.books(), Environment.DEMO) == ()


@pytest.mark.parametrize("fields", [{"volume": Volume(1)}, {"side": Side.SELL}])
def test_another_size_or_side_is_a_difference(world, fields):
    position_id = change(world, **fields)
    (found,) = differences(world)
    assert f"position {position_id} is BUY" in found


def test_a_position_on_one_side_only_is_a_difference(world):
    (position_id,) = world.broker.positions
    world.broker.positions.clear()
    assert differences(world) == (f"position {position_id} is in our books and not at the broker",)


def test_what_the_books_lost_is_found_but_not_an_entry_whose_fill_is_still_on_its_way():
    world = World()
    world.make_ready()
    world.stored(world.fall())
    world.broker.execute(world.sends[-1])
    assert differences(world) == ()
    world.state = replace(world.state, books=replace(world.state.books, intents={}))
    (found,) = differences(world)
    assert "is at the broker and not in our books" in found


def test_a_position_that_a_close_under_way_may_have_closed_is_left_alone(world):
    world.give(OperatorHalted(actor="eve", reason="news", flatten=True))
    world.broker.positions.clear()
    assert differences(world) == ()
