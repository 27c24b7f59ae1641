"""What the broker says about requests and positions, word by word: believed, or looked up."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, START, USDMYR, World
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import QueryBooks
from palmbot.domain.events import (
    OrderEnd,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    PositionChanged,
)
from palmbot.domain.orders import IntentKind, IntentState, render_label
from palmbot.domain.units import IntentId, OrderId, PositionId, Price, TimestampMs, Volume


def held_world() -> World:
    world = World(EASY)
    world.make_ready()
    world.enter()
    world.read_books()
    return world


def sent_world() -> World:
    world = World(EASY)
    world.make_ready()
    world.stored(world.fall())
    return world


def put(world, **changes):
    """Put a request of ours into the books."""
    entry = next(iter(world.state.books.intents.values()))
    (position_id,) = world.state.books.positions
    facts = {
        "intent_id": IntentId("REQUEST"),
        "kind": IntentKind.AMEND,
        "state": IntentState.SENT,
        "position_id": position_id,
        "order_id": None,
        "filled_volume": Volume(0),
    } | changes
    request = replace(entry, **facts)
    intents = {**world.state.books.intents, request.intent_id: request}
    world.state = replace(world.state, books=replace(world.state.books, intents=intents))
    return request


def asked(decision):
    """Delay of the reading that a decision asks for, None if it asks for none."""
    delays = [each.delay_s for each in decision.commands if isinstance(each, QueryBooks)]
    return delays[0] if delays else None


@pytest.mark.parametrize(
    ("kind", "before", "repairs", "delay"),
    [
        (IntentKind.AMEND, IntentState.SENT, 1, 1.0),
        (IntentKind.AMEND, IntentState.UNKNOWN, 1, 1.0),
        (IntentKind.CLOSE, IntentState.SENT, 0, 1.0),
        (IntentKind.CANCEL, IntentState.SENT, 0, 1.0),
        (IntentKind.ENTRY, IntentState.UNKNOWN, 0, 1.0),
        (IntentKind.ENTRY, IntentState.SENT, 0, None),
    ],
)
def test_a_refusal_is_believed_and_what_it_leaves_open_is_looked_up(kind, before, repairs, delay):
    world = held_world()
    put(world, kind=kind, state=before)
    decision = world.give(OrderRefused(intent_id=IntentId("REQUEST"), code="NO", reason="why"))
    request = world.state.books.intents["REQUEST"]
    assert (request.state, request.resolution) == (IntentState.REJECTED, "NO: why")
    assert world.state.position.repairs == repairs
    assert asked(decision) == delay


@pytest.mark.parametrize(
    "before", [IntentState.ACCEPTED, IntentState.FILLED, IntentState.REJECTED, IntentState.NEW]
)
def test_a_refusal_of_what_was_answered_already_is_not_believed(before):
    world = held_world()
    put(world, state=before)
    decision = world.give(OrderRefused(intent_id=IntentId("REQUEST"), code="NO", reason=""))
    assert world.state.books.intents["REQUEST"].state is before
    assert asked(decision) == 0.0


def filled(world, **changes) -> OrderFilled:
    """The fill of the entry that was sent, with something about it changed."""
    _, event = world.broker.execute(world.sends[-1])
    return replace(event, **changes)


def lessened(position, by):
    return replace(position, volume=Volume(position.volume - by))


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        (lambda event: event, None),
        (lambda event: replace(event, position=None), "position and books differ"),
        (
            lambda event: replace(event, position=lessened(event.position, 100)),
            "position and books differ",
        ),
        (
            lambda event: replace(event, position=replace(event.position, stop_loss=None)),
            "a position without a stop",
        ),
        (
            lambda event: replace(
                event,
                fill=replace(event.fill, volume=Volume(400)),
                position=lessened(event.position, 200),
            ),
            "ended with less than asked for",
        ),
        (
            lambda event: replace(
                event,
                fill=replace(event.fill, volume=Volume(400)),
                position=lessened(event.position, 200),
                is_partial=True,
            ),
            None,
        ),
    ],
    ids=["as it should be", "no position", "another volume", "no stop", "less", "a part"],
)
def test_a_fill_after_which_something_is_odd_is_booked_and_looked_up(change, doubt):
    world = sent_world()
    decision = world.give(change(filled(world)))
    assert world.state.position is not None
    if doubt is None:
        assert asked(decision) is None
        assert world.state.link.phase is LinkPhase.CONSISTENT
    else:
        assert asked(decision) == 0.0
        assert doubt in world.state.link.reason
        assert doubt in decision.reason


def test_a_fill_of_an_entry_that_was_given_up_is_looked_up():
    world = sent_world()
    (intent,) = world.state.books.intents.values()
    lost = replace(intent, state=IntentState.LOST)
    books = replace(world.state.books, intents={intent.intent_id: lost})
    world.state = replace(world.state, books=books)
    decision = world.give(filled(world))
    assert asked(decision) == 0.0
    assert "given up arrived" in decision.reason


def test_a_partial_close_is_no_order_that_ended_with_less():
    world = held_world()
    position = world.state.position
    request = put(world, kind=IntentKind.CLOSE, state=IntentState.SENT)
    (event,) = world.broker.close(position.position_id, is_protection=False)
    part = replace(event.fill, volume=Volume(200))
    left = lessened(next(e.position for e, _ in world.history if isinstance(e, OrderFilled)), 200)
    decision = world.give(replace(event, fill=part, position=left))
    assert world.state.books.intents[request.intent_id].state is IntentState.PARTIAL
    assert asked(decision) is None


def test_how_far_executions_were_heard_of_is_remembered():
    world = sent_world()
    event = filled(world)
    late = replace(event.fill, time=TimestampMs(START + 777))
    world.give(replace(event, fill=late))
    assert world.state.link.executed_at == START + 777
    order = replace(event.order, updated_at=TimestampMs(START + 999))
    world.give(OrderEnded(order=order, end=OrderEnd.CANCELLED, reason=""))
    assert world.state.link.executed_at == START + 999


def test_the_end_of_an_order_of_ours_without_a_row_is_looked_up():
    world = held_world()
    order = next(event.order for event, _ in world.history if isinstance(event, OrderFilled))
    label = render_label(EASY.environment, IntentId("01KE5F3ZG000000000000000K5"))
    stranger = replace(order, order_id=OrderId(5), label=label, client_order_id="")
    decision = world.give(OrderEnded(order=stranger, end=OrderEnd.CANCELLED, reason=""))
    assert asked(decision) == 0.0
    foreign = replace(stranger, label="")
    world.read_books()
    assert asked(world.give(OrderEnded(order=foreign, end=OrderEnd.EXPIRED, reason=""))) is None


def record_of(world):
    return next(event.position for event, _ in world.history if isinstance(event, OrderFilled))


@pytest.mark.parametrize(
    ("changes", "delay"),
    [
        ({}, None),
        ({"stop_loss": None}, 0.0),
        ({"stop_loss": Price(97_000_000)}, 0.0),
        ({"stop_loss": Price(99_000_000)}, None),
        ({"take_profit": None}, None),
        ({"volume": Volume(500)}, 0.0),
        ({"position_id": PositionId(9)}, 0.0),
        ({"position_id": PositionId(9), "label": ""}, 0.0),
        ({"position_id": PositionId(9), "symbol_id": USDMYR}, None),
    ],
)
def test_what_changes_about_a_position_is_taken_over_or_looked_up(changes, delay):
    world = held_world()
    changed = replace(record_of(world), **changes)
    assert asked(world.give(PositionChanged(position=changed))) == delay
    if "position_id" not in changes:
        held = world.state.position
        assert (held.stop_loss, held.take_profit) == (changed.stop_loss, changed.take_profit)


@pytest.mark.parametrize("place", ["foreign_positions", "closed_positions"])
def test_a_position_that_is_known_to_be_foreign_or_gone_may_change(place):
    world = held_world()
    books = replace(world.state.books, **{place: (PositionId(9),)})
    world.state = replace(world.state, books=books)
    changed = replace(record_of(world), position_id=PositionId(9))
    assert asked(world.give(PositionChanged(position=changed))) is None


@pytest.mark.parametrize(
    ("request_", "state"),
    [
        ({}, IntentState.FILLED),
        ({"state": IntentState.UNKNOWN}, IntentState.FILLED),
        ({"state": IntentState.NEW}, IntentState.NEW),
        ({"kind": IntentKind.CLOSE}, IntentState.SENT),
        ({"position_id": PositionId(9)}, IntentState.SENT),
        ({"stop_loss": Price(98_600_001)}, IntentState.SENT),
        ({"take_profit": None}, IntentState.SENT),
    ],
)
def test_levels_as_asked_for_answer_the_request_that_asked(request_, state):
    world = held_world()
    levels = {"stop_loss": Price(98_600_000), "take_profit": Price(103_000_000)}
    put(world, **{**levels, **request_})
    world.give(PositionChanged(position=replace(record_of(world), **levels)))
    assert world.state.books.intents["REQUEST"].state is state
