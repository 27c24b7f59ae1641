"""Readings that show a closed position, or miss one that waits for a person."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, World
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.commands import QueryBooks
from palmbot.domain.events import Acknowledgement, BooksReported, OperatorAcknowledged

D = DiscrepancyClass


def closed_world():
    """The position was closed by a fill; returns it as an older reading shows it."""
    world = World(EASY)
    world.make_ready()
    world.enter()
    world.read_books()
    (remote,) = world.broker.positions.values()
    world.give(*world.broker.close(remote.position_id))
    world.settle()
    assert world.state.position is None
    return world, remote


def read(world, **changes):
    books = replace(world.broker.books(), **changes)
    return world.give(BooksReported(generation=world.generation, books=books))


def kinds(decision):
    return [each.kind for each in decision.discrepancies]


def test_a_closed_position_in_an_older_reading_is_not_opened_again():
    world, remote = closed_world()
    decision = read(world, positions=(remote,))
    assert kinds(decision) == [D.REMOTE_ONLY_OURS]
    assert world.state.link.phase is LinkPhase.SYNCING
    assert world.state.position is None
    assert kinds(read(world)) == []
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.books.absences == {}
    assert world.state.switch.halted_by is None


def test_a_closed_position_without_its_label_in_an_older_reading_is_not_foreign_either():
    world, remote = closed_world()
    assert kinds(read(world, positions=(replace(remote, label=""),))) == [D.REMOTE_ONLY_OURS]


def test_a_closed_position_that_is_still_there_after_ten_seconds_is_taken_over():
    world, remote = closed_world()
    waits, said = [], 0
    while world.state.position is None:
        decision = read(world, positions=(remote,))
        said += len(decision.discrepancies)
        waits += [each.delay_s for each in decision.commands if isinstance(each, QueryBooks)]
    *before, _ = waits
    assert before == [1.0, 2.0, 4.0, 8.0]
    assert said == 2  # that it is shown, and that it is taken over
    assert world.state.position.position_id == remote.position_id
    read(world, positions=(remote,))
    assert world.state.books.absences == {}


@pytest.mark.parametrize(("waited_s", "is_there"), [(8.99, False), (9.0, True)])
def test_ten_seconds_are_counted_from_the_first_reading_that_shows_it(waited_s, is_there):
    world, remote = closed_world()
    read(world, positions=(remote,))
    ((item, seen),) = world.state.books.absences.items()
    assert (item, seen.waited_s) == (f"closed:{remote.position_id}", 0.0)
    assert world.state.link.delay_s == 1.0
    absences = {item: replace(seen, waited_s=waited_s)}
    world.state = replace(world.state, books=replace(world.state.books, absences=absences))
    read(world, positions=(remote,))
    assert (world.state.position is not None) == is_there


def test_an_item_that_waited_for_its_stop_is_settled_once_its_position_is_gone():
    world = World(EASY)
    world.make_ready()
    world.enter()
    world.read_books()
    (remote,) = world.broker.positions.values()
    read(world, positions=(replace(remote, stop_loss=None),))
    item = f"position:{remote.position_id}"
    assert world.state.books.quarantine[item].kind is D.STOP_MISSING
    read(world, positions=())
    world.give(
        OperatorAcknowledged(item=item, action=Acknowledgement.IGNORE, actor="e", reason="looked")
    )
    assert world.state.position is None
    assert world.state.books.quarantine == {}
