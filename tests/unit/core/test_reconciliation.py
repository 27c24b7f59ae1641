"""Our books against the broker's: found, closed, missing, moved, foreign, doubled."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import (
    EASY,
    PERIOD,
    PRICE,
    START,
    USDMYR,
    World,
    make_account,
    make_symbol,
)
from palmbot.core.intents import make_intent_id
from palmbot.core.reconcile import compare_books
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.commands import QueryBooks, RaiseAlarm, Reconnect, Send, Severity, StoreIntent
from palmbot.domain.events import (
    Acknowledgement,
    BooksReported,
    BooksUnavailable,
    ExecutionUnreadable,
    IntentStored,
    LinkLost,
    LinkReady,
    OperatorAcknowledged,
    OperatorResumed,
    OrderRefused,
    OrderUnanswered,
    PositionChanged,
    StampMissing,
    Started,
    SymbolChanged,
)
from palmbot.domain.market import Interval, Side, TradingHours
from palmbot.domain.orders import (
    IntentKind,
    IntentState,
    OrderStatus,
    OrderStyle,
    Payment,
    render_label,
)
from palmbot.domain.units import Money, Price, TimestampMs, Volume

D = DiscrepancyClass


def ready_world(**changes) -> World:
    world = World(replace(EASY, **changes))
    world.make_ready()
    return world


def world_with_position() -> World:
    world = ready_world()
    world.enter()
    return world


def unknown_world(**changes) -> World:
    """An entry was sent and nobody answered; nothing of it is at the broker."""
    world = ready_world(**changes)
    world.stored(world.fall())
    world.give(OrderUnanswered(intent_id=world.sends[0].intent_id, reason="5 s"))
    return world


def kinds(decision):
    return [each.kind for each in decision.discrepancies]


def ack(world, item, action):
    return world.give(
        OperatorAcknowledged(item=str(item), action=action, actor="eve", reason="looked it up")
    )


def sole_position(world):
    (position,) = world.state.books.positions.values()
    return position


# -- a journal that is older than the account ------------------------------------------------


def test_r6_a_restored_old_journal_halts_until_a_person_has_looked():
    """Hypothetical losses forgotten with it would let the breakers stand closed."""
    world = world_with_position()
    world.give(*world.broker.close(sole_position(world).position_id))
    world.read_books()
    backup = world.state
    for _ in range(2):
        world.enter()
        world.give(*world.broker.close(sole_position(world).position_id))
    world.read_books()
    world.state = backup
    world.generation = 0
    world.give(Started(time=TimestampMs(world.broker.now), run_id="restored", nonce=9))
    world.connect()
    decision = world.read_books()
    assert D.REMOTE_ONLY_OURS in kinds(decision)
    assert world.state.switch.halted_by == "reconciliation"
    assert "2 past orders carry our label" in world.state.switch.reason
    assert "journal" in world.state.books.quarantine
    assert world.state.books.balance == world.broker.balance
    world.read_books()
    assert ack(world, "journal", Acknowledgement.ADOPT).reason.startswith("refused")
    ack(world, "journal", Acknowledgement.IGNORE)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.switch.halted_by == "reconciliation"
    world.give(OperatorResumed(actor="eve", reason="looked it up"))
    world.read_books()
    assert world.state.switch.halted_by is None  # the same orders are told once
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r6_orders_that_the_journal_knows_or_others_placed_are_not_missed():
    world = world_with_position()
    world.give(*world.broker.close(sole_position(world).position_id))
    foreign = structs.replace(world.broker.orders[0], order_id=1, label="", client_order_id="")
    world.broker.orders.append(foreign)
    assert world.read_books().discrepancies == ()


# -- the way to CONSISTENT ------------------------------------------------------------------


def test_a_new_connection_reads_books_and_bars_at_once():
    world = World()
    books, bars = world.connect().commands
    assert (books.delay_s, books.generation) == (0.0, 1)
    assert (bars.delay_s, bars.period_ms, bars.count) == (0.0, PERIOD, 3)
    assert world.state.link.phase is LinkPhase.SYNCING


def test_equal_books_open_trading_and_are_compared_again_every_minute():
    world = World()
    world.connect()
    (command,) = world.read_books().commands
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert isinstance(command, QueryBooks)
    assert command.delay_s == 60.0
    decision = world.read_books()
    assert decision.reason == ""
    assert [command.delay_s for command in decision.commands] == [60.0]


def test_a_failed_reading_is_unknown_and_never_flat():
    world = world_with_position()
    decision = world.give(BooksUnavailable(generation=1, reason="timed out"))
    assert world.state.link.phase is LinkPhase.DEGRADED
    assert kinds(decision) == [D.QUERY_FAILED]
    assert sole_position(world).volume == 600
    delays = [decision.commands[0].delay_s]
    for _ in range(6):
        decision = world.give(BooksUnavailable(generation=1, reason="timed out"))
        delays.append(decision.commands[0].delay_s)
    assert delays == [1, 2, 4, 8, 16, 30, 30]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_a_reading_of_an_older_connection_is_not_believed():
    world = world_with_position()
    books = world.broker.books()
    world.give(LinkLost(generation=1, reason="cut"))
    world.give(BooksReported(generation=1, books=books))
    assert world.state.link.phase is LinkPhase.DISCONNECTED
    world.connect()
    world.give(BooksReported(generation=1, books=books))
    assert world.state.link.phase is LinkPhase.SYNCING


def test_a_reading_overtaken_by_an_execution_is_read_again_instead_of_acted_on():
    world = ready_world()
    empty = world.broker.books()
    world.enter()
    decision = world.give(BooksReported(generation=1, books=empty))
    assert decision.discrepancies == ()
    assert [command.delay_s for command in decision.commands] == [1.0]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_starting_trusts_nothing_until_the_books_were_compared():
    world = ready_world()
    world.give(Started(time=START, run_id="r2", nonce=6))
    assert world.state.link.phase is LinkPhase.DISCONNECTED
    assert world.state.link.generation == 0


def test_equal_books_show_no_difference_whatever_they_hold():
    world = world_with_position()
    assert compare_books(world.state, world.broker.books(), world.params) == ()


def test_the_window_of_a_reading_reaches_back_to_everything_unsettled():
    world = unknown_world()
    for _ in range(3):
        world.broker.now += 3_600_000
        world.tick()
    (command,) = world.read_books().commands
    assert command.since == START - 60_000  # the last clean comparison, before the order
    fresh = World()
    (command, _) = fresh.connect().commands
    assert START - 26 * 3_600_000 < command.since <= START - 25 * 3_600_000  # the whole day


# -- in flight ------------------------------------------------------------------------------


def test_r1_an_unanswered_order_that_was_executed_is_found_and_bound():
    world = unknown_world()
    world.broker.execute(world.sends[0])
    decision = world.read_books()
    assert kinds(decision) == [D.IN_FLIGHT_FOUND]
    assert sole_position(world).stop_loss == PRICE - 1_500_000
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert len(world.sends) == 1


def test_r1_a_position_with_our_label_is_found_even_if_its_fills_are_not_listed():
    world = unknown_world()
    world.broker.execute(world.sends[0])
    books = structs.replace(world.broker.books(), fills=(), past_orders=())
    world.give(BooksReported(generation=1, books=books))
    assert sole_position(world).volume == 600
    assert world.state.books.intents[world.sends[0].intent_id].state is IntentState.FILLED


def test_r1_an_order_filled_and_closed_while_the_link_was_down_is_booked_as_a_trade():
    world = ready_world()
    world.stored(world.fall())
    world.give(LinkLost(generation=1, reason="cut"))
    accepted = world.broker.execute(world.sends[0])[0]
    world.broker.close(accepted.order.position_id, PRICE - 1_500_000)
    world.connect()
    decision = world.read_books()
    (trade,) = decision.closed_trades
    assert trade.exit_reason == "stop loss"
    assert world.state.books.balance == world.broker.balance
    world.settle()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r3_an_order_that_nobody_shows_stays_unknown_and_goes_to_a_person_after_two_minutes():
    world = unknown_world()
    delays = []
    while not world.state.books.quarantine:
        delays.append(world.state.link.delay_s)
        world.read_books()
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    assert world.state.link.phase is LinkPhase.QUARANTINED
    intent = world.state.books.intents[world.sends[0].intent_id]
    assert intent.state is IntentState.UNKNOWN
    assert len(world.alarms) == 1
    assert f"palmbot reconcile ack {intent.intent_id}" in world.alarms[0]
    world.read_books()
    assert len(world.alarms) == 1


def test_r3_ends_by_itself_when_the_order_turns_up_after_all():
    world = unknown_world()
    for _ in range(9):
        world.read_books()
    world.broker.execute(world.sends[0])
    world.read_books()
    world.read_books()
    assert world.state.link.phase is LinkPhase.SYNCING  # a quarantine ends with two clean readings
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert not world.state.books.quarantine


def test_r3_ends_by_a_person_who_looked_and_found_nothing():
    world = unknown_world()
    intent_id = world.sends[0].intent_id
    assert ack(world, intent_id, Acknowledgement.ADOPT).reason.startswith("refused")
    ack(world, intent_id, Acknowledgement.IGNORE)
    intent = world.state.books.intents[intent_id]
    assert intent.state is IntentState.LOST
    assert intent.resolution == "operator eve: looked it up"
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert isinstance(world.fall().commands[0], StoreIntent)


def test_r2_an_expired_limit_order_is_given_up_after_two_readings_on_a_newer_connection():
    world = unknown_world(order_style=OrderStyle.LIMIT)
    world.read_books()
    world.broker.now += 14_000
    world.tick()
    decisions = [world.read_books()]
    world.broker.now += 16_000
    world.tick()
    decisions.append(world.read_books())
    reconnect = [each for d in decisions for each in d.commands if isinstance(each, Reconnect)]
    assert reconnect
    intent_id = world.sends[0].intent_id
    assert world.state.books.intents[intent_id].state is IntentState.UNKNOWN
    world.give(LinkLost(generation=1, reason="asked for"))
    world.connect()
    world.broker.now += 16_000
    world.tick()
    decision = world.read_books()
    assert kinds(decision) == [D.IN_FLIGHT_LOST]
    assert world.state.books.intents[intent_id].state is IntentState.LOST


def prove_limit_order_dead(world, *, unstamped_on=()):
    """Do all that gives an expired order up; on some connections prices carry no stamps."""
    for generation in (2, 3, 4):
        world.read_books()
        world.broker.now += 16_000
        world.tick()
        world.read_books()
        world.broker.now += 16_000
        world.tick()
        world.read_books()
        world.give(LinkLost(generation=world.generation, reason="asked for"))
        world.connect()
        if generation in unstamped_on:
            world.give(StampMissing(generation=generation))
        world.tick()
    world.read_books()
    world.broker.now += 16_000
    world.tick()
    world.read_books()
    return world.state.books.intents[world.sends[0].intent_id].state


def test_r2_by_our_own_clock_no_limit_order_is_ever_proven_dead():
    """The clock may be a day ahead, and the order still be alive at the broker."""
    stamped = unknown_world(order_style=OrderStyle.LIMIT)
    assert prove_limit_order_dead(stamped) is IntentState.LOST
    world = unknown_world(order_style=OrderStyle.LIMIT)
    world.give(StampMissing(generation=1))
    assert prove_limit_order_dead(world, unstamped_on=(2, 3, 4)) is IntentState.UNKNOWN
    reconnects = [each for each in world.commands if isinstance(each, Reconnect)]
    assert reconnects == []
    assert any("without" in text or "sends prices" in text for text in world.alarms)


def test_r2_stamps_that_come_back_prove_an_order_dead_again():
    world = unknown_world(order_style=OrderStyle.LIMIT)
    world.give(StampMissing(generation=1))
    assert prove_limit_order_dead(world, unstamped_on=(2,)) is IntentState.LOST


def test_a_day_ahead_without_stamps_neither_a_reconnect_nor_a_restart_makes_a_proof():
    world = unknown_world(order_style=OrderStyle.LIMIT)
    world.give(StampMissing(generation=1))
    world.tick(time=world.broker.now + 86_400_000)
    for _ in range(2):
        world.read_books()
        world.give(LinkLost(generation=world.generation, reason="cut"))
        world.connect()
        assert world.state.link.ready_at == 0
        world.read_books()
        world.broker.now += 16_000
        world.read_books()
        world.generation = 0
        world.give(Started(time=TimestampMs(world.broker.now), run_id="again", nonce=6))
        assert world.state.link.own_clock_until == world.state.market.time
        world.connect()
    assert world.state.books.intents[world.sends[0].intent_id].state is IntentState.UNKNOWN


@pytest.mark.parametrize("style", list(OrderStyle))
def test_an_end_of_life_by_our_own_clock_is_not_sent(style):
    world = ready_world(order_style=style)
    world.give(StampMissing(generation=1))
    decision = world.fall()
    has_order = any(isinstance(each, StoreIntent) for each in decision.commands)
    assert has_order is (style is not OrderStyle.LIMIT)
    if not has_order:
        assert world.state.tally.refusals == {"CLOCK": 1}


def test_a_missing_stamp_of_a_connection_that_is_gone_says_nothing():
    world = ready_world()
    world.give(StampMissing(generation=7))
    assert not world.state.link.is_unstamped


def test_a_market_order_never_expires():
    world = unknown_world()
    for _ in range(30):
        world.broker.now += 3_600_000
        world.tick()
        world.read_books()
    assert world.state.books.intents[world.sends[0].intent_id].state is IntentState.UNKNOWN


def test_an_order_the_books_show_as_rejected_is_settled():
    world = unknown_world()
    order = world.broker.execute(world.sends[0])[0].order
    world.broker.__init__()
    world.broker.orders.append(structs.replace(order, status=OrderStatus.REJECTED))
    decision = world.read_books()
    assert kinds(decision) == [D.IN_FLIGHT_FOUND]
    assert world.state.books.intents[world.sends[0].intent_id].state is IntentState.REJECTED


def test_r6_an_order_given_up_that_arrives_after_all_is_closed_and_halts():
    world = unknown_world()
    ack(world, world.sends[0].intent_id, Acknowledgement.IGNORE)
    world.read_books()
    world.give(*world.broker.execute(world.sends[0]))
    world.read_books()
    assert world.state.switch.halted_by == "reconciliation"
    world.carry_out()
    world.settle()
    assert not world.broker.positions
    assert world.state.position is None
    assert world.state.tally.trades == 1
    assert [intent.kind for intent in world.sends] == [IntentKind.ENTRY, IntentKind.CLOSE]


def test_r6_a_person_may_keep_what_arrived_late():
    world = unknown_world()
    ack(world, world.sends[0].intent_id, Acknowledgement.IGNORE)
    world.give(*world.broker.execute(world.sends[0]))
    world.read_books()
    (item,) = world.state.books.quarantine
    ack(world, item, Acknowledgement.ADOPT)
    for intent in tuple(world.state.books.intents.values()):
        if intent.kind is IntentKind.CLOSE:
            world.give(IntentStored(intent_id=intent.intent_id, age_ms=1, order_budget=1))
            world.give(OrderRefused(intent_id=intent.intent_id, code="X", reason=""))
    world.read_books()
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert sole_position(world).volume == 600
    assert len([text for text in world.alarms if "given up" in text]) == 1


# -- positions ------------------------------------------------------------------------------


def test_r4_a_position_closed_while_the_link_was_down_is_booked_at_its_price():
    world = world_with_position()
    world.give(LinkLost(generation=1, reason="cut"))
    world.broker.close(sole_position(world).position_id, PRICE + 2_000_000)
    world.connect()
    decision = world.read_books()
    assert kinds(decision) == [D.CLOSED_WHILE_AWAY]
    assert decision.closed_trades[0].exit_reason == "take profit"
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert not world.alarms


def test_r5_a_position_that_vanished_without_a_fill_is_kept_and_left_to_a_person():
    world = world_with_position()
    world.read_books()
    position = world.broker.positions.popitem()[1]
    decision = world.read_books()
    assert kinds(decision) == [D.LOCAL_ONLY]
    assert not world.state.books.quarantine
    world.read_books()
    item = f"position:{position.position_id}"
    assert world.state.books.quarantine.keys() == {item}
    assert sole_position(world).volume == 600
    assert ack(world, item, Acknowledgement.CLOSE).reason.startswith("refused")
    assert ack(world, item, Acknowledgement.ADOPT).reason.startswith("refused")
    ack(world, item, Acknowledgement.IGNORE)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.tally.trades == 0


def test_r5_is_over_when_the_fills_turn_up():
    world = world_with_position()
    world.read_books()
    held = dict(world.broker.positions)
    world.broker.positions.clear()
    world.read_books()
    world.read_books()
    world.broker.positions.update(held)
    world.broker.close(next(iter(held)), PRICE - 1_500_000)
    world.settle()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert not world.state.books.quarantine
    assert world.state.tally.trades == 1


def test_r6_a_position_with_our_label_but_without_our_row_waits_for_a_person():
    world = ready_world()
    other = ready_world()
    other.stored(other.fall())
    stranger = structs.replace(other.sends[0], intent_id=make_intent_id(START, 99, 0))
    world.broker.execute(stranger)
    decision = world.read_books()
    assert kinds(decision) == [D.REMOTE_ONLY_OURS]
    assert world.state.switch.halted_by == "reconciliation"
    position = sole_position(world)
    assert position.stop_loss is not None
    item = f"position:{position.position_id}"
    world.read_books()
    assert world.state.link.phase is LinkPhase.QUARANTINED
    ack(world, item, Acknowledgement.ADOPT)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert sole_position(world).volume == 600
    world.give(OperatorResumed(actor="eve", reason="mine"))
    assert world.state.switch.halted_by is None


def test_r7_a_position_of_somebody_else_is_named_once_and_never_touched():
    world = ready_world()
    world.broker.add_foreign()
    decision = world.read_books()
    assert kinds(decision) == [D.REMOTE_ONLY_FOREIGN]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert len(world.alarms) == 1
    assert not world.state.books.positions
    world.broker.positions.clear()
    world.read_books()
    assert isinstance(world.fall().commands[0], StoreIntent)
    assert not [intent for intent in world.sends if intent.kind is not IntentKind.ENTRY]


def test_r8_a_position_of_somebody_else_in_another_symbol_is_no_difference():
    world = ready_world()
    world.broker.add_foreign(USDMYR)
    assert world.read_books().discrepancies == ()


@pytest.mark.parametrize(
    ("volume", "kind"), [(500, D.VOLUME_SMALLER), (700, D.VOLUME_LARGER)], ids=["r9", "r10"]
)
def test_a_volume_without_an_explanation_waits_for_a_person_who_may_adopt_it(volume, kind):
    world = world_with_position()
    world.read_books()
    position = sole_position(world)
    remote = world.broker.positions[position.position_id]
    world.broker.positions[position.position_id] = structs.replace(remote, volume=Volume(volume))
    decision = world.read_books()
    assert kinds(decision) == [kind]
    assert world.state.link.phase is LinkPhase.QUARANTINED
    ack(world, f"position:{position.position_id}", Acknowledgement.ADOPT)
    world.settle()
    assert sole_position(world).volume == volume
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r9_a_partial_close_that_the_fills_explain_is_booked():
    world = world_with_position()
    world.read_books()
    position = sole_position(world)
    remote = world.broker.positions[position.position_id]
    world.broker.close(position.position_id, PRICE)
    closing = world.broker.fills[-1]
    world.broker.fills[-1] = structs.replace(closing, volume=Volume(200))
    world.broker.positions[position.position_id] = structs.replace(remote, volume=Volume(400))
    decision = world.read_books()
    assert kinds(decision) == [D.VOLUME_SMALLER]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert sole_position(world).volume == 400


def test_r11_another_side_is_never_traded_against():
    world = world_with_position()
    world.read_books()
    position = sole_position(world)
    remote = world.broker.positions[position.position_id]
    world.broker.positions[position.position_id] = structs.replace(remote, side=Side.SELL)
    assert D.SIDE_DIFFERS in kinds(world.read_books())
    assert world.state.link.phase is LinkPhase.QUARANTINED
    assert len(world.sends) == 1


def test_r12_the_brokers_average_price_wins():
    world = world_with_position()
    world.read_books()
    position = sole_position(world)
    remote = world.broker.positions[position.position_id]
    other = Price(PRICE + 50_000)
    world.broker.positions[position.position_id] = structs.replace(remote, entry_price=other)
    assert kinds(world.read_books()) == [D.PRICE_DIFFERS]
    assert sole_position(world).entry_price == other
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r13_a_missing_stop_is_restored_at_once_and_a_person_looks_at_it():
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    decision = world.read_books()
    assert kinds(decision) == [D.STOP_MISSING]
    assert world.state.switch.halted_by == "reconciliation"
    (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
    assert stored.intent.kind is IntentKind.AMEND
    levels = (stored.intent.stop_loss, stored.intent.take_profit)
    assert levels == (PRICE - 1_500_000, PRICE + 2_000_000)
    world.carry_out()
    assert world.broker.positions[position.position_id].stop_loss == PRICE - 1_500_000
    item = f"position:{position.position_id}"
    world.read_books()
    assert world.state.books.quarantine.keys() == {item}
    ack(world, item, Acknowledgement.ADOPT)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r13_beyond_its_stop_the_position_is_closed():
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    world.tick(PRICE - 1_600_000)
    world.read_books()
    world.carry_out()
    assert not world.broker.positions
    assert world.sends[-1].kind is IntentKind.CLOSE


def test_r13_a_stop_that_cannot_be_restored_three_times_closes_the_position():
    world = world_with_position()
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    for _ in range(4):
        decision = world.read_books()
        (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
        world.stored(decision)
        world.give(OrderRefused(intent_id=stored.intent.intent_id, code="NO", reason=""))
    assert [intent.kind for intent in world.sends][1:] == ["amend", "amend", "amend", "close"]


def waits(decision):
    return [each.delay_s for each in decision.commands if isinstance(each, QueryBooks)]


def test_r13_a_stop_that_is_not_back_in_time_closes_the_position():
    """The repair is under way and nobody answers: looked at every second, closed after four."""
    world = world_with_position()
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    world.stored(world.read_books())
    waited_s = 0.0
    while len(world.sends) == 2:
        (delay_s,) = waits(world.history[-1][1]) or [1.0]
        waited_s += delay_s
        assert waited_s <= 4.0
        decision = world.read_books()
        if any(isinstance(each, StoreIntent) for each in decision.commands):
            world.stored(decision)
    assert [intent.kind for intent in world.sends][1:] == ["amend", "close"]
    assert waited_s == 4.0
    world.give(*world.broker.execute(world.sends[-1]))
    world.settle()
    assert not world.broker.positions
    assert world.state.switch.halted_by == "reconciliation"


def test_r13_goes_on_while_no_reading_succeeds():
    """That it lacks its stop is known; neither repair nor close waits for the next reading."""
    world = world_with_position()
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    seen = []
    for _ in range(5):
        decision = world.give(BooksUnavailable(generation=world.generation, reason="late"))
        stores = [each for each in decision.commands if isinstance(each, StoreIntent)]
        seen.append(([each.intent.kind.value for each in stores], waits(decision)))
        if stores:
            world.stored(decision)
    assert seen == [
        (["amend"], [1.0]),
        ([], [1.0]),
        ([], [1.0]),
        ([], [1.0]),
        (["close"], [2.0]),
    ]


def test_r13_a_repair_without_an_answer_closes_the_position():
    world = world_with_position()
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    world.stored(world.read_books())
    decision = world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="5 s"))
    (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
    assert stored.intent.kind is IntentKind.CLOSE


def test_r13_while_the_market_is_closed_the_repair_goes_on():
    world = world_with_position()
    closed = TradingHours(zone="UTC", intervals=(Interval(start_s=0, end_s=60),))
    world.state = structs.replace(world.state, symbol=make_symbol(hours=closed))
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    for _ in range(8):
        decision = world.read_books()
        if any(isinstance(each, StoreIntent) for each in decision.commands):
            world.stored(decision)
    assert [intent.kind for intent in world.sends][1:] == ["amend"]


@pytest.mark.parametrize(
    ("digits", "stop", "target"),
    [
        (2, PRICE - 1_499_000, PRICE + 2_000_000),
        (1, PRICE - 1_490_000, PRICE + 2_000_000),
        (0, PRICE - 1_400_000, PRICE + 2_000_000),
    ],
)
def test_r13_a_stop_is_restored_on_the_price_step_of_the_contract_as_it_is_now(
    digits, stop, target
):
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    off_step = structs.replace(
        sole_position(world),
        intended_stop=Price(PRICE - 1_499_900),
        intended_target=Price(PRICE + 2_000_100),
    )
    books = structs.replace(world.state.books, positions={position.position_id: off_step})
    world.state = structs.replace(world.state, books=books, symbol=make_symbol(digits=digits))
    decision = world.read_books()
    (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
    assert (stored.intent.stop_loss, stored.intent.take_profit) == (stop, target)


def test_r13_a_stop_that_is_back_is_forgotten():
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    world.read_books()
    assert sole_position(world).unprotected_s is not None
    remote = world.broker.amend(position.position_id, position.stop_loss, None)
    told = world.give(*remote).state.books.positions[position.position_id]
    assert told.unprotected_s is None
    world.give(*world.broker.amend(position.position_id, None, None))
    world.broker.amend(position.position_id, position.stop_loss, None)
    world.read_books()
    assert sole_position(world).unprotected_s is None


def test_a_person_is_reminded_every_hour_of_what_waits():
    world = world_with_position()
    position = sole_position(world)
    item = f"position:{position.position_id}"
    world.give(*world.broker.amend(position.position_id, None, None))
    world.read_books()
    world.carry_out()
    first = len(world.alarms)
    for minute in range(1, 130):
        world.tick(time=START + PERIOD + minute * 60_000)
        if minute % 2:
            world.read_books()
        else:
            world.give(BooksUnavailable(generation=world.generation, reason="late"))
    told = world.alarms[first:]
    assert [text.split(":")[0] + text[text.index(" has") : text.index(" h,")] for text in told] == [
        "position has been waiting for a person for 1",
        "position has been waiting for a person for 2",
    ]
    assert all(f"palmbot reconcile ack {item} --action" in text for text in told)
    ack(world, item, Acknowledgement.ADOPT)
    world.read_books()
    world.tick(time=world.broker.now + 7_200_000)
    world.read_books()
    assert len(world.alarms) == first + 2


def test_r14_a_tighter_stop_and_any_target_are_taken_over():
    world = world_with_position()
    position = sole_position(world)
    world.broker.amend(position.position_id, Price(PRICE - 500_000), None)
    assert kinds(world.read_books()) == [D.LEVELS_MOVED]
    assert sole_position(world).stop_loss == PRICE - 500_000
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert len(world.sends) == 1


def test_r14_a_looser_stop_is_put_back():
    world = world_with_position()
    position = sole_position(world)
    world.give(
        *world.broker.amend(
            position.position_id, Price(PRICE - 9_000_000), Price(PRICE + 2_000_000)
        )
    )
    assert world.state.link.phase is LinkPhase.SYNCING
    world.settle()
    assert world.broker.positions[position.position_id].stop_loss == PRICE - 1_500_000
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.switch.halted_by is None


def test_a_stop_moved_by_hand_to_a_tighter_level_is_taken_over_without_a_reading():
    world = world_with_position()
    position = sole_position(world)
    remote = world.broker.positions[position.position_id]
    decision = world.give(
        PositionChanged(position=structs.replace(remote, stop_loss=Price(PRICE - 100_000)))
    )
    assert not decision.commands
    assert sole_position(world).stop_loss == PRICE - 100_000


def test_r15_a_resting_order_of_ours_without_an_entry_is_cancelled():
    world = ready_world()
    other = ready_world()
    other.stored(other.fall())
    order = world.broker.execute(other.sends[0])[0].order
    label = render_label(EASY.environment, make_intent_id(START, 55, 0))
    world.broker.__init__()
    world.broker.orders.append(structs.replace(order, label=label, client_order_id=""))
    decision = world.read_books()
    assert D.ORPHAN_ORDER in kinds(decision)
    (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
    assert (stored.intent.kind, stored.intent.order_id) == (IntentKind.CANCEL, order.order_id)


def test_r15_a_resting_order_of_somebody_else_is_left_alone():
    world = ready_world()
    other = ready_world()
    other.stored(other.fall())
    order = world.broker.execute(other.sends[0])[0].order
    world.broker.__init__()
    world.broker.orders.append(structs.replace(order, label="", client_order_id=""))
    assert world.read_books().discrepancies == ()


def test_r16_a_second_position_of_ours_is_closed_and_the_oldest_kept():
    world = world_with_position()
    first = sole_position(world)
    world.read_books()
    world.broker.now += 1000
    world.broker.enter(world.sends[0], [Volume(600)])
    world.read_books()
    world.settle()
    assert world.state.books.positions.keys() == {first.position_id}
    assert world.broker.positions.keys() == {first.position_id}
    assert world.state.switch.halted_by == "reconciliation"


def test_r16_with_the_switch_off_a_person_is_asked_and_nothing_is_closed():
    world = ready_world(close_surplus=False)
    world.enter()
    first = sole_position(world)
    world.read_books()
    world.broker.now += 1000
    world.broker.enter(world.sends[0], [Volume(600)])
    world.read_books()
    world.settle(6)
    (surplus,) = world.broker.positions.keys() - {first.position_id}
    item = f"position:{surplus}"
    assert world.state.books.quarantine[item].kind is D.DUPLICATE
    assert world.state.switch.halted_by == "reconciliation"
    assert [intent.kind for intent in world.sends] == ["entry"]
    assert world.broker.positions[surplus].stop_loss is not None
    for action in (Acknowledgement.ADOPT, Acknowledgement.IGNORE):
        assert ack(world, item, action).reason.startswith("refused")
    ack(world, item, Acknowledgement.CLOSE)
    world.settle()
    assert world.broker.positions.keys() == {first.position_id}
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r16_a_surplus_without_a_stop_gets_one_also_with_the_switch_off():
    world = ready_world(close_surplus=False)
    world.enter()
    world.broker.now += 1000
    world.broker.enter(world.sends[0], [Volume(600)], with_stop=False)
    world.read_books()
    world.settle(6)
    assert len(world.broker.positions) == 2
    assert all(each.stop_loss is not None for each in world.broker.positions.values())


def pay(world, delta, *, is_listed):
    world.broker.balance += delta
    world.broker.balance_version += 1
    if is_listed:
        world.broker.payments.append(
            Payment(
                delta=Money(delta),
                kind="BALANCE_DEPOSIT",
                balance=Money(world.broker.balance),
                balance_version=world.broker.balance_version,
                time=TimestampMs(world.broker.now),
            )
        )


@pytest.mark.parametrize("delta", [7, -7])
def test_r17_money_that_nothing_explains_is_left_to_a_person_who_adopts_it(delta):
    world = ready_world()
    pay(world, delta, is_listed=False)
    decision = world.read_books()
    assert kinds(decision) == [D.BALANCE_GAP]
    assert world.state.books.balance == world.broker.balance  # the day's loss is measured by it
    assert world.state.books.quarantine == {}
    world.read_books()
    assert list(world.state.books.quarantine) == ["balance"]
    assert any("reconcile ack balance" in text for text in world.alarms)
    for _ in range(3):
        assert kinds(world.read_books()) == []  # told once
    world.fall()
    assert world.state.tally.refusals == {"QUARANTINED": 1}
    for action in (Acknowledgement.CLOSE, Acknowledgement.IGNORE):
        assert ack(world, "balance", action).reason.startswith("refused")
    ack(world, "balance", Acknowledgement.ADOPT)
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    pay(world, 2 * delta, is_listed=False)
    assert kinds(world.read_books()) == [D.BALANCE_GAP]


def test_r17_a_payment_that_the_broker_lists_is_taken_over_without_a_word():
    world = ready_world()
    pay(world, 700, is_listed=True)
    decision = world.read_books()
    assert decision.discrepancies == ()
    assert world.state.books.balance == world.broker.balance
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r17_a_payment_listed_late_ends_the_doubt_before_a_person_is_asked():
    world = ready_world()
    pay(world, 700, is_listed=True)
    (late,) = world.broker.payments
    world.broker.payments = []
    assert kinds(world.read_books()) == [D.BALANCE_GAP]
    world.broker.payments = [late]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.books.absences == {}


def test_r17_once_a_person_was_asked_a_late_explanation_does_not_settle_it():
    world = ready_world()
    pay(world, 700, is_listed=True)
    late, world.broker.payments = world.broker.payments, []
    world.read_books()
    world.read_books()
    world.broker.payments = late
    world.read_books()
    assert list(world.state.books.quarantine) == ["balance"]


def test_r17_an_unexplained_change_is_not_hidden_by_a_younger_one_that_is_explained():
    world = world_with_position()
    pay(world, -7, is_listed=False)
    world.give(*world.broker.close(sole_position(world).position_id))
    assert world.state.books.balance == world.broker.balance
    assert kinds(world.read_books()) == [D.BALANCE_GAP]


def test_r17_a_fill_and_a_payment_together_explain_a_balance():
    world = world_with_position()
    world.read_books()
    world.broker.close(sole_position(world).position_id)
    pay(world, 700, is_listed=True)
    decision = world.read_books()
    assert kinds(decision) == [D.CLOSED_WHILE_AWAY]
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_r17_nothing_is_a_gap_before_the_first_comparison():
    world = World(EASY)
    pay(world, 123, is_listed=False)
    world.connect()
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT
    assert world.state.books.balance == world.broker.balance


def test_a_reading_older_than_our_balance_is_no_gap():
    world = world_with_position()
    before = world.broker.books()
    world.give(*world.broker.close(sole_position(world).position_id))
    assert compare_books(world.state, structs.replace(before, positions=()), world.params) == ()


def test_r19_a_changed_contract_asks_for_a_new_connection_and_is_named():
    world = ready_world()
    decision = world.give(SymbolChanged(reason="lot size"))
    assert isinstance(decision.commands[0], Reconnect)
    assert world.state.link.phase is LinkPhase.SYNCING
    world.give(LinkLost(generation=1, reason="asked for"))
    world.symbol = make_symbol(volume_step=Volume(200))
    decision = world.connect()
    assert kinds(decision) == [D.SPEC_CHANGED]
    assert world.state.symbol == world.symbol


def test_r20_ends_when_the_right_account_is_connected():
    world = World()
    world.account = make_account(is_live=True)
    assert kinds(world.connect()) == [D.ACCOUNT_MISMATCH]
    world.read_books()
    assert world.state.link.phase is LinkPhase.QUARANTINED
    world.give(LinkLost(generation=1, reason="cut"))
    world.account = make_account()
    world.connect()
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


# -- acknowledgements -----------------------------------------------------------------------


def test_a_person_may_close_a_quarantined_position():
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    world.read_books()
    world.carry_out()
    world.read_books()
    ack(world, f"position:{position.position_id}", Acknowledgement.CLOSE)
    world.settle()
    assert not world.broker.positions
    assert not world.state.books.quarantine
    assert world.state.link.phase is LinkPhase.CONSISTENT


@pytest.mark.parametrize("action", list(Acknowledgement))
def test_what_is_not_open_cannot_be_settled(action):
    world = world_with_position()
    before = world.state
    for item in ("position:1", f"position:{sole_position(world).position_id}", "nonsense"):
        decision = ack(world, item, action)
        assert decision.reason.startswith("refused")
        assert not decision.commands
    decision = ack(world, world.sends[0].intent_id, action)
    assert decision.reason.startswith("refused")
    assert world.state == structs.replace(before, sequence=before.sequence + 4)


def test_resuming_waits_for_a_clean_comparison():
    world = ready_world()
    decision = world.give(OperatorResumed(actor="eve", reason="why not"))
    assert decision.reason == "refused: nothing is halted"
    world.state = structs.replace(
        world.state, switch=structs.replace(world.state.switch, halted_by="eve", reason="x")
    )
    world.give(ExecutionUnreadable(reason="?"))
    assert world.give(OperatorResumed(actor="eve", reason="go")).reason.startswith("refused")
    world.read_books()
    world.give(OperatorResumed(actor="eve", reason="go"))
    assert world.state.switch.halted_by is None
    assert world.state.switch.epoch == 1


def test_an_unanswered_close_that_did_nothing_is_asked_again_under_a_new_id():
    world = world_with_position()
    position = sole_position(world)
    world.give(*world.broker.amend(position.position_id, None, None))
    world.tick(PRICE - 1_600_000)
    closes = []
    for _ in range(2):
        decision = world.read_books()
        (stored,) = (each for each in decision.commands if isinstance(each, StoreIntent))
        closes.append(stored.intent.intent_id)
        world.stored(decision)
        world.give(OrderUnanswered(intent_id=stored.intent.intent_id, reason="5 s"))
        world.read_books()
    assert len(set(closes)) == 2
    assert world.state.books.intents[closes[0]].state is IntentState.LOST


def test_alarms_name_the_command_that_settles_them():
    world = world_with_position()
    world.give(*world.broker.amend(sole_position(world).position_id, None, None))
    alarms = [each for each in world.read_books().commands if isinstance(each, RaiseAlarm)]
    assert alarms[0].severity is Severity.CRITICAL
    assert "palmbot reconcile ack position:" in alarms[0].text


def test_a_connection_that_announces_itself_twice_is_taken_once():
    world = ready_world()
    before = world.state
    world.give(LinkReady(generation=1, account=world.account, symbol=world.symbol, conversion=()))
    assert world.state == structs.replace(before, sequence=before.sequence + 1)


def test_the_deposit_of_a_fresh_bot_is_the_balance_of_the_account():
    world = World()
    world.account = make_account(balance=Money(5), balance_version=9)
    world.connect()
    assert world.state.books.balance == 5


def test_time_of_the_reading_is_the_last_confirmed_moment():
    world = World()
    world.connect()
    world.broker.now = TimestampMs(START + 77)
    world.read_books()
    assert world.state.link.confirmed_at == START + 77
    assert not [each for each in world.commands if isinstance(each, Send)]
