"""A position without its stop: repaired, or closed where the repair comes too late."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, PERIOD, PRICE, SPREAD, START, World, make_bar, make_symbol
from palmbot.domain.commands import RaiseAlarm, Severity, StoreIntent
from palmbot.domain.events import LinkLost, OrderUnanswered
from palmbot.domain.market import Interval, Side, TradingHours
from palmbot.domain.orders import IntentKind, IntentState
from palmbot.domain.units import Price

STEP = 1_000
"""0.01, the price step of the contract."""
RISING = tuple(
    make_bar(START - PERIOD * back, PRICE - 100_000 * (back - 1)) for back in (4, 3, 2, 1)
)
NIGHT = TradingHours(zone="UTC", intervals=(Interval(start_s=0, end_s=60),))


def held_world(side: Side = Side.BUY) -> World:
    world = World(EASY)
    world.connect()
    world.read_books()
    world.load_bars(None if side is Side.BUY else RISING)
    world.tick()
    world.stored(world.fall() if side is Side.BUY else world.rise())
    world.give(*world.broker.execute(world.sends[-1]))
    world.read_books()
    assert world.state.position.side is side
    return world


def change_levels(world, stop, target):
    """Let the levels change at the broker without an event; return what a reading makes of it."""
    world.broker.amend(world.state.position.position_id, stop, target)
    return world.read_books()


def asked(decision):
    return [each.intent for each in decision.commands if isinstance(each, StoreIntent)]


def is_notice(command):
    return isinstance(command, RaiseAlarm) and command.severity is Severity.NOTICE


def leave_unanswered(world, decision):
    """Send what a decision asks for, and hear nothing of it until the deadline."""
    world.stored(decision)
    return world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="5 s"))


@pytest.mark.parametrize(
    ("beyond", "kind"),
    [(-STEP, IntentKind.AMEND), (0, IntentKind.CLOSE), (STEP, IntentKind.CLOSE)],
    ids=["short of the stop", "at the stop", "beyond the stop"],
)
@pytest.mark.parametrize("side", list(Side))
def test_the_price_that_would_close_it_decides_between_repair_and_close(side, beyond, kind):
    """Bid for a long, ask for a short; at the stop itself the position would be closed."""
    world = held_world(side)
    price = world.state.position.intended_stop - side.sign * beyond
    world.tick(price if side is Side.BUY else price - SPREAD)
    (intent,) = asked(change_levels(world, None, None))
    assert intent.kind is kind


def test_a_price_of_an_older_connection_does_not_close_a_position():
    world = held_world()
    world.tick(world.state.position.intended_stop - STEP)
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    (intent,) = asked(change_levels(world, None, None))
    assert intent.kind is IntentKind.AMEND


@pytest.mark.parametrize(
    ("is_missing", "target", "kept"),
    [
        (False, Price(PRICE + 5_000_000), True),
        (False, None, False),
        (True, Price(PRICE + 5_000_000), False),
    ],
    ids=["loose stop, moved target", "loose stop, no target", "no stop, moved target"],
)
def test_a_repair_keeps_a_target_that_was_moved_only_beside_a_stop(is_missing, target, kept):
    world = held_world()
    intended = world.state.position
    stop = None if is_missing else Price(intended.intended_stop - 5_000_000)
    (intent,) = asked(change_levels(world, stop, target))
    assert intent.stop_loss == intended.intended_stop
    assert intent.take_profit == (target if kept else intended.intended_target)


def test_the_time_without_a_stop_counts_from_the_reading_that_first_showed_it():
    world = held_world()
    world.stored(change_levels(world, None, None))
    waited_s = []
    while len(world.sends) == 2 and len(waited_s) < 9:
        waited_s.append(world.state.link.delay_s)
        decision = world.read_books()
        if asked(decision):
            world.stored(decision)
    assert waited_s == [1.0, 1.0, 1.0, 1.0]
    assert world.sends[-1].kind is IntentKind.CLOSE


def test_a_repair_without_an_answer_closes_only_what_has_no_stop_at_all():
    world = held_world()
    loose = Price(world.state.position.intended_stop - 5_000_000)
    decision = leave_unanswered(world, change_levels(world, loose, None))
    assert asked(decision) == []


def test_a_repair_without_an_answer_closes_nothing_while_the_market_is_closed():
    world = held_world()
    world.state = replace(world.state, symbol=make_symbol(hours=NIGHT))
    decision = leave_unanswered(world, change_levels(world, None, None))
    assert asked(decision) == []


def test_a_repair_without_an_answer_for_a_position_that_is_gone_asks_for_nothing():
    world = held_world()
    position_id = world.state.position.position_id
    world.stored(change_levels(world, None, None))
    world.give(*world.broker.close(position_id))
    decision = world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="5 s"))
    assert asked(decision) == []
    assert world.state.position is None


def test_without_a_schedule_a_close_is_tried():
    world = held_world()
    unknown = TradingHours(zone="UTC", intervals=())
    world.state = replace(world.state, symbol=make_symbol(hours=unknown))
    decision = leave_unanswered(world, change_levels(world, None, None))
    assert [each.kind for each in asked(decision)] == [IntentKind.CLOSE]


@pytest.mark.parametrize(
    ("is_done", "state", "repairs"),
    [(True, IntentState.FILLED, 0), (False, IntentState.LOST, 1)],
    ids=["took effect", "had none"],
)
def test_a_repair_without_an_answer_counts_as_failed_only_if_it_had_no_effect(
    is_done, state, repairs
):
    world = held_world()
    loose = Price(world.state.position.intended_stop - 5_000_000)
    leave_unanswered(world, change_levels(world, loose, None))
    amend = world.sends[-1]
    levels = (amend.stop_loss, amend.take_profit) if is_done else (loose, None)
    decision = change_levels(world, *levels)
    assert world.state.books.intents[amend.intent_id].state is state
    assert world.state.position.repairs == repairs
    assert not [each for each in decision.commands if is_notice(each)]


def test_a_close_without_effect_is_no_failed_repair():
    world = held_world()
    world.tick(world.state.position.intended_stop - STEP)
    leave_unanswered(world, change_levels(world, None, None))
    close = world.sends[-1]
    world.read_books()
    assert world.state.books.intents[close.intent_id].state is IntentState.LOST
    assert world.state.position.repairs == 0
