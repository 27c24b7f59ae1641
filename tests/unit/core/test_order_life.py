"""The life of a request: sent once, unknown when unproven, moved by evidence only."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import EASY, PRICE, START, World
from palmbot.core.intents import make_intent_id
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import QueryBooks, Send, Severity, StoreIntent
from palmbot.domain.events import (
    BalanceChanged,
    LinkLost,
    OrderAccepted,
    OrderEnd,
    OrderEnded,
    OrderRefused,
    OrderUnanswered,
    SendInterrupted,
    Started,
)
from palmbot.domain.orders import (
    CROCKFORD,
    IntentState,
    OrderStyle,
    parse_label,
    render_label,
)
from palmbot.domain.units import Money, TimestampMs, Volume


def sent_world(**changes) -> World:
    world = World(replace(EASY, **changes))
    world.make_ready()
    world.stored(world.fall())
    return world


def state_of(world) -> IntentState:
    return world.state.books.intents[world.sends[0].intent_id].state


# -- ids ------------------------------------------------------------------------------------


def test_an_id_is_26_characters_that_a_label_accepts():
    intent_id = make_intent_id(START, 2**80 - 1, 3)
    assert len(intent_id) == 26
    assert set(intent_id) <= set(CROCKFORD)
    label = render_label(EASY.environment, intent_id)
    assert parse_label(label, EASY.environment) == intent_id


def test_ids_differ_by_run_by_counter_and_by_time_and_sort_by_time():
    ids = [
        make_intent_id(TimestampMs(START + later), nonce, counter)
        for later in (0, 1)
        for nonce in (0, 77)
        for counter in (0, 1)
    ]
    assert len(set(ids)) == 8
    assert max(ids[:4]) < min(ids[4:])


def test_a_run_counts_its_ids_and_another_run_draws_others():
    first = World(nonce=1)
    first.make_ready()
    one = first.fall().changed_intents[0].intent_id
    again = World(nonce=1)
    again.make_ready()
    assert again.fall().changed_intents[0].intent_id == one
    other = World(nonce=2)
    other.make_ready()
    assert other.fall().changed_intents[0].intent_id != one


# -- forms ----------------------------------------------------------------------------------


def test_a_limit_entry_goes_through_the_market_and_ends_by_itself():
    world = World(replace(EASY, order_style=OrderStyle.LIMIT))
    world.make_ready()
    intent = world.fall().changed_intents[0]
    assert intent.limit_price == intent.decision_price + 100_000  # 10 bp
    assert intent.limit_price % 1000 == 0
    assert intent.expires_at == intent.created_at + 8_000


def test_a_market_entry_has_neither_limit_nor_end():
    world = World()
    world.make_ready()
    intent = world.fall().changed_intents[0]
    assert (intent.limit_price, intent.expires_at) == (None, None)
    assert intent.decision_price == PRICE


# -- the ordinary way -----------------------------------------------------------------------


def test_accepted_then_filled_opens_a_position_with_the_levels_of_the_broker():
    world = sent_world()
    accepted, filled = world.broker.execute(world.sends[0])
    world.give(accepted)
    assert state_of(world) is IntentState.ACCEPTED
    decision = world.give(filled)
    assert state_of(world) is IntentState.FILLED
    (position,) = decision.changed_positions
    assert (position.stop_loss, position.take_profit) == (PRICE - 1_500_000, PRICE + 2_000_000)
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_a_fill_without_an_acceptance_before_it_counts_as_well():
    world = sent_world()
    accepted, filled = world.broker.execute(world.sends[0])
    world.give(filled, accepted)
    assert state_of(world) is IntentState.FILLED


def test_partial_fills_add_up_to_one_position_at_the_average_price():
    world = sent_world()
    events = world.broker.enter(world.sends[0], [Volume(200), Volume(400)])
    world.give(*events[:2])
    assert state_of(world) is IntentState.PARTIAL
    world.give(events[2])
    assert state_of(world) is IntentState.FILLED
    assert world.state.position is not None
    assert world.state.position.volume == 600
    assert world.state.books.intents[world.sends[0].intent_id].filled_volume == 600


def test_partial_fills_in_the_wrong_order_add_up_to_the_same():
    world = sent_world()
    accepted, first, second = world.broker.enter(world.sends[0], [Volume(200), Volume(400)])
    world.give(second, first, accepted)
    world.settle()
    assert world.state.position is not None
    assert world.state.position.volume == 600
    assert state_of(world) is IntentState.FILLED


def test_a_repeated_fill_changes_nothing_but_the_sequence():
    world = sent_world()
    events = world.broker.execute(world.sends[0])
    world.give(*events)
    before = world.state
    decision = world.give(events[1])
    assert decision.changed_positions == decision.changed_intents == ()
    assert world.state == structs.replace(before, sequence=before.sequence + 1)


@pytest.mark.parametrize(
    ("distance", "reason", "wins"), [(-1_500_000, "stop loss", 0), (2_000_000, "take profit", 1)]
)
def test_a_closing_fill_books_the_trade_with_its_reason(distance, reason, wins):
    world = World()
    world.make_ready()
    position = world.enter()
    decision = world.give(*world.broker.close(position.position_id, PRICE + distance))
    (trade,) = decision.closed_trades
    assert trade.exit_reason == reason
    assert trade.profit == distance * 600 * 10
    assert trade.entry_reason.startswith("buy (RSI")
    assert world.state.position is None
    assert world.state.books.balance == world.broker.balance
    assert (world.state.tally.trades, world.state.tally.wins) == (1, wins)


def test_a_gap_through_the_stop_is_still_a_stop():
    world = World()
    world.make_ready()
    position = world.enter()
    decision = world.give(*world.broker.close(position.position_id, PRICE - 9_000_000))
    assert decision.closed_trades[0].exit_reason == "stop loss"


def test_a_close_by_hand_is_called_so():
    world = World()
    world.make_ready()
    position = world.enter()
    decision = world.give(*world.broker.close(position.position_id, is_protection=False))
    assert decision.closed_trades[0].exit_reason == "manual"


def test_a_second_closing_fill_of_the_same_deal_books_no_second_trade():
    world = World()
    world.make_ready()
    position = world.enter()
    events = world.broker.close(position.position_id)
    world.give(*events, *events)
    assert world.state.tally.trades == 1


def test_a_close_larger_than_the_position_is_not_booked_but_looked_up():
    world = sent_world()
    accepted, first, second = world.broker.enter(world.sends[0], [Volume(200), Volume(400)])
    world.give(accepted, first)
    closing = world.broker.close(first.fill.position_id)
    decision = world.give(*closing)
    assert decision.closed_trades == ()
    assert isinstance(decision.commands[0], QueryBooks)
    decision = world.read_books()
    (trade,) = decision.closed_trades
    assert trade.volume == 600
    assert second.fill.deal_id in world.state.books.applied_deals


def test_an_entry_event_that_comes_after_the_close_opens_nothing():
    world = sent_world()
    entry = world.broker.execute(world.sends[0])
    world.give(*entry)
    world.give(*world.broker.close(world.state.position.position_id))
    world.state = structs.replace(
        world.state, books=structs.replace(world.state.books, applied_deals=())
    )
    world.give(entry[1])
    assert world.state.position is None


# -- endings --------------------------------------------------------------------------------


def test_a_refusal_frees_the_slot_and_tells_a_person():
    world = sent_world()
    world.give(
        OrderRefused(intent_id=world.sends[0].intent_id, code="NOT_ENOUGH_MONEY", reason="1 short")
    )
    assert state_of(world) is IntentState.REJECTED
    assert world.alarms == ["the broker refused an entry, NOT_ENOUGH_MONEY: 1 short"]
    assert isinstance(world.fall().commands[0], StoreIntent)


@pytest.mark.parametrize("end", list(OrderEnd))
def test_an_order_that_ends_without_a_fill_frees_the_slot(end):
    world = sent_world()
    order = world.broker.execute(world.sends[0])[0].order
    world.give(OrderEnded(order=order, end=end, reason="market closed"))
    assert state_of(world) is IntentState(end.value)


def test_the_rest_of_a_partial_fill_may_be_cancelled_and_the_position_stays():
    world = sent_world()
    events = world.broker.enter(world.sends[0], [Volume(200)])
    world.give(*events)
    order = structs.replace(events[1].order, executed_volume=Volume(200))
    world.give(OrderEnded(order=order, end=OrderEnd.CANCELLED, reason=""))
    assert state_of(world) is IntentState.CANCELLED
    assert world.state.position is not None
    assert world.state.position.volume == 200
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_an_end_that_tells_of_unheard_fills_makes_us_read_the_books():
    world = sent_world()
    order = world.broker.execute(world.sends[0])[0].order
    ended = OrderEnded(
        order=structs.replace(order, executed_volume=Volume(300)), end=OrderEnd.CANCELLED, reason=""
    )
    (command,) = world.give(ended).commands
    assert isinstance(command, QueryBooks)
    assert world.state.link.phase is LinkPhase.SYNCING


# -- the unknown ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [OrderUnanswered, SendInterrupted])
def test_no_answer_is_unknown_and_is_looked_up_and_never_sent_again(kind):
    world = sent_world()
    decision = world.give(kind(intent_id=world.sends[0].intent_id, reason="5 s"))
    assert state_of(world) is IntentState.UNKNOWN
    (query,) = decision.commands
    assert isinstance(query, QueryBooks)
    assert query.delay_s == 1.0
    assert query.since <= world.sends[0].created_at - 60_000
    for _ in range(12):
        world.read_books()
    assert len(world.sends) == 1


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_link_lost_before_the_answer_leaves_the_request_unknown(is_accepted):
    world = sent_world()
    if is_accepted:
        world.give(world.broker.execute(world.sends[0])[0])
    world.give(LinkLost(generation=1, reason="cut"))
    assert state_of(world) is IntentState.UNKNOWN


def test_a_link_loss_of_an_older_connection_says_nothing():
    world = sent_world()
    world.give(LinkLost(generation=0, reason="old"))
    assert state_of(world) is IntentState.SENT
    assert world.state.link.phase is LinkPhase.CONSISTENT


@pytest.mark.parametrize("is_sent", [False, True])
def test_after_a_restart_every_request_under_way_is_unknown_even_if_only_stored(is_sent):
    world = World()
    world.make_ready()
    decision = world.fall()
    intent_id = decision.changed_intents[0].intent_id
    if is_sent:
        world.stored(decision)
    world.give(Started(time=START, run_id="r2", nonce=9))
    assert world.state.books.intents[intent_id].state is IntentState.UNKNOWN
    decision = world.stored(decision)
    assert not [each for each in decision.commands if isinstance(each, Send)]


def test_an_unknown_order_that_fills_after_all_is_an_ordinary_position():
    world = sent_world()
    world.give(OrderUnanswered(intent_id=world.sends[0].intent_id, reason="5 s"))
    world.give(*world.broker.execute(world.sends[0]))
    world.settle()
    assert state_of(world) is IntentState.FILLED
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_no_answer_after_an_answer_changes_nothing_about_the_order():
    world = sent_world()
    world.give(*world.broker.execute(world.sends[0]))
    world.give(OrderUnanswered(intent_id=world.sends[0].intent_id, reason="late"))
    assert state_of(world) is IntentState.FILLED


def test_a_refusal_after_an_acceptance_is_not_believed_but_looked_up():
    world = sent_world()
    world.give(world.broker.execute(world.sends[0])[0])
    decision = world.give(OrderRefused(intent_id=world.sends[0].intent_id, code="X", reason=""))
    assert state_of(world) is IntentState.ACCEPTED
    assert isinstance(decision.commands[0], QueryBooks)


def test_an_accepted_order_without_our_row_makes_us_read_the_books():
    world = sent_world()
    order = world.broker.execute(world.sends[0])[0].order
    other = make_intent_id(START, 123, 0)
    stranger = structs.replace(
        order, client_order_id=other, label=render_label(EASY.environment, other)
    )
    decision = world.give(OrderAccepted(order=stranger))
    assert isinstance(decision.commands[0], QueryBooks)


def test_events_of_other_symbols_and_people_change_nothing():
    world = World()
    world.make_ready()
    other = World()
    other.make_ready()
    other.stored(other.fall())
    accepted = other.broker.execute(other.sends[0])[0]
    foreign = structs.replace(accepted.order, label="mine", client_order_id="x")
    assert not world.give(OrderAccepted(order=foreign)).commands


# -- money ----------------------------------------------------------------------------------


def test_a_balance_only_moves_on_to_younger_versions():
    world = World()
    world.make_ready()

    def changed(balance, version):
        return BalanceChanged(
            balance=Money(balance),
            balance_version=version,
            delta=Money(1),
            kind="deposit",
            time=START,
        )

    world.give(changed(5, 3))
    world.give(changed(4, 2))
    assert (world.state.books.balance, world.state.books.balance_version) == (5, 3)
    world.give(changed(6, 0))
    assert (world.state.books.balance, world.state.books.balance_version) == (6, 3)


def test_the_severity_of_a_refused_entry_is_a_warning():
    world = sent_world()
    decision = world.give(OrderRefused(intent_id=world.sends[0].intent_id, code="X", reason=""))
    assert decision.commands[0].severity is Severity.WARNING
