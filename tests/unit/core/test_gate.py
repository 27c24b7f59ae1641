"""What the gate denies, and what it never denies."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import (
    EASY,
    PERIOD,
    PRICE,
    SPREAD,
    START,
    USDMYR,
    World,
    make_account,
    make_symbol,
    make_tick,
)
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.gate import Allowed, Denial, Denied, authorize, deny_entry
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import (
    AccountChanged,
    ExecutionUnreadable,
    LinkLost,
    OperatorHalted,
    OrderUnanswered,
    SentimentUpdated,
    TimePassed,
)
from palmbot.domain.market import ConversionLeg, Interval, Side, TradingHours, TradingMode
from palmbot.domain.orders import Environment, IntentKind, IntentState
from palmbot.domain.units import AccountId, Price, TimestampMs, Volume


def make_world(**changes) -> World:
    world = World(replace(EASY, **changes))
    world.make_ready()
    return world


def refusal(world):
    """Signal a buy and return why it was refused."""
    world.fall()
    (code,) = world.state.tally.refusals
    assert code in world.state.last_decision
    return Denial(code)


def test_a_signal_on_a_ready_bot_is_stored_and_nothing_is_sent_yet():
    decision = make_world().fall()
    (command,) = decision.commands
    assert isinstance(command, StoreIntent)
    assert command.intent.state is IntentState.NEW
    assert command.intent.stop_distance == 1_500_000


def test_the_link_has_to_be_up_and_the_books_compared():
    world = World()
    world.connect()
    world.load_bars()
    world.tick()
    assert refusal(world) is Denial.RECONCILING
    world = make_world()
    world.give(LinkLost(generation=1, reason="cut"))
    assert refusal(world) is Denial.RECONCILING
    world = make_world()
    world.give(ExecutionUnreadable(reason="?"))
    assert refusal(world) is Denial.RECONCILING


def test_history_has_to_be_loaded_on_this_connection():
    world = make_world()
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    world.read_books()
    assert refusal(world) is Denial.WARM_UP


def test_the_indicator_has_to_be_warm():
    assert refusal(make_world(warm_up_bars=50)) is Denial.WARM_UP


def test_an_operator_halt_stops_entries():
    world = make_world()
    world.give(OperatorHalted(actor="eve", reason="news"))
    assert refusal(world) is Denial.OPERATOR
    assert "eve" in world.state.last_decision


def test_no_entry_on_a_live_account():
    world = World(replace(EASY, environment=Environment.LIVE, breakers=BreakerRules()))
    world.account = make_account(is_live=True)
    world.make_ready()
    assert refusal(world) is Denial.ENVIRONMENT


@pytest.mark.parametrize("changes", [{"is_live": True}, {"account_id": AccountId(1)}])
def test_the_account_has_to_be_the_configured_one(changes):
    world = World()
    world.account = make_account(**changes)
    world.make_ready()
    assert world.state.books.quarantine.keys() == {"account"}
    assert refusal(world) is Denial.QUARANTINED
    assert any("instead of" in text for text in world.alarms)


def test_an_account_that_changes_into_another_one_stops_entries():
    world = make_world()
    world.give(AccountChanged(account=make_account(is_live=True)))
    assert refusal(world) is Denial.QUARANTINED


@pytest.mark.parametrize(
    "changes",
    [
        {"trading_mode": TradingMode.CLOSE_ONLY_MODE},
        {"hours": TradingHours(zone="UTC", intervals=())},
        {"hours": TradingHours(zone="UTC", intervals=(Interval(start_s=0, end_s=86_400),))},
    ],
    ids=["close only", "unknown hours", "open on Sundays only"],
)
def test_the_market_has_to_be_open_for_entries(changes):
    world = World()
    world.symbol = make_symbol(**changes)
    world.make_ready()
    assert refusal(world) is Denial.SESSION


def test_an_account_without_the_right_to_trade_enters_nothing():
    world = World()
    world.account = make_account(can_trade=False)
    world.make_ready()
    assert refusal(world) is Denial.SESSION


def test_short_selling_may_be_forbidden():
    world = World()
    world.symbol = make_symbol(is_short_selling_allowed=False)
    world.make_ready()
    world.rise(1_000_000)
    assert world.state.tally.refusals == {"SESSION": 1}


def test_a_wide_spread_is_no_price_to_enter_at():
    world = make_world()
    world.tick(PRICE - SPREAD)
    world.give(make_tick(START + PERIOD, PRICE - SPREAD, 700_000))
    assert world.state.tally.refusals == {"SPREAD": 1}


def test_an_old_price_is_no_price():
    world = make_world(price_age_max_ms=1000)
    decision = world.fall()
    world.give(TimePassed(time=TimestampMs(world.broker.now + 1001)))
    decision = world.stored(decision)
    assert not [each for each in decision.commands if isinstance(each, Send)]
    assert world.state.tally.refusals == {"DATA_STALE": 1}


def test_a_price_of_the_last_connection_is_no_price():
    world = make_world()
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    world.read_books()
    world.load_bars()
    denied = deny_entry(world.state, world.params, Side.BUY, TimestampMs(START + PERIOD))
    assert isinstance(denied, Denied)
    assert denied.code is Denial.DATA_STALE


def test_without_a_fresh_rate_the_risk_is_not_known():
    world = World()
    world.legs = (ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True),)
    world.make_ready()
    assert refusal(world) is Denial.RISK_DATA_UNAVAILABLE
    world.give(make_tick(world.broker.now, 445_000, 100, USDMYR))
    (command,) = world.fall().commands
    assert isinstance(command, StoreIntent)


def test_a_rate_too_old_is_no_rate():
    world = World(replace(EASY, conversion_age_max_ms=1000))
    world.legs = (ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=True),)
    world.make_ready()
    world.give(make_tick(world.broker.now, 445_000, 100, USDMYR))
    assert refusal(world) is Denial.RISK_DATA_UNAVAILABLE


def test_at_most_one_position_and_no_signal_while_it_is_open():
    world = make_world()
    world.enter()
    world.fall()
    assert world.state.tally.signals == 1
    assert "the open position stays" in world.state.last_decision


def test_an_entry_on_its_way_keeps_the_slot_busy():
    world = make_world()
    world.stored(world.fall())
    assert refusal(world) is Denial.EXPOSURE


def test_an_unknown_request_freezes_the_slot():
    world = make_world()
    world.stored(world.fall())
    world.give(OrderUnanswered(intent_id=world.sends[-1].intent_id, reason="deadline"))
    assert refusal(world) is Denial.SLOT_FROZEN


def test_a_position_of_somebody_else_in_the_symbol_blocks_entries():
    world = make_world()
    world.broker.add_foreign()
    world.read_books()
    world.read_books()
    assert refusal(world) is Denial.EXPOSURE


def test_a_position_of_somebody_else_in_another_symbol_does_not():
    world = make_world()
    world.broker.add_foreign(symbol_id=USDMYR)
    world.read_books()
    assert isinstance(world.fall().commands[0], StoreIntent)


def test_entries_within_a_minute_and_a_day_are_counted():
    params = {"orders_per_day_max": 2, "orders_per_minute_max": 1}
    world = make_world(**params)
    for _ in range(2):
        position = world.enter()
        world.give(*world.broker.close(position.position_id))
    assert refusal(world) is Denial.ORDER_RATE
    assert "2 entries today" in world.state.last_decision


def test_the_mood_may_refuse_a_signal():
    rules = SentimentRules(mode=SentimentMode.CONFIRM)
    world = make_world(sentiment=rules)
    assert refusal(world) is Denial.SENTIMENT
    reading = SentimentUpdated(
        score=80,
        confidence=1.0,
        domains=3,
        has_driver=True,
        as_of=TimestampMs(world.broker.now + 1),  # at the next bar 300 s old, less a moment
        source="test",
    )
    world.give(reading)
    (command,) = world.fall().commands
    assert "sentiment +80 confirms" in command.intent.reason


def test_a_volume_that_does_not_fit_is_refused():
    world = World()
    world.symbol = make_symbol(volume_min=Volume(5000))
    world.make_ready()
    assert refusal(world) is Denial.SIZE


def test_a_shadow_run_decides_and_stores_nothing():
    world = make_world(is_shadow=True)
    assert refusal(world) is Denial.SHADOW
    assert not [each for each in world.commands if isinstance(each, Send | StoreIntent)]


# -- asked again, when the intent is on disk ------------------------------------------------


def last_refusal(world, decision):
    assert not [each for each in decision.commands if isinstance(each, Send)]
    intent = decision.changed_intents[-1]
    assert intent.state is IntentState.CANCELLED_LOCALLY
    (code,) = world.state.tally.refusals
    assert intent.resolution.startswith(code)
    return Denial(code)


def test_a_stored_intent_is_sent_at_once():
    world = make_world()
    decision = world.stored(world.fall())
    (command,) = decision.commands
    assert isinstance(command, Send)
    assert command.intent.state is IntentState.SENT


def test_an_intent_that_took_too_long_to_store_is_not_sent():
    world = make_world()
    decision = world.stored(world.fall(), age_ms=1001)
    assert last_refusal(world, decision) is Denial.STALE_INTENT


def test_a_spent_request_budget_refuses_and_never_queues():
    world = make_world()
    decision = world.stored(world.fall(), order_budget=0)
    assert last_refusal(world, decision) is Denial.BUDGET


def test_a_halt_during_the_commit_stops_the_send():
    world = make_world()
    decision = world.fall()
    world.give(OperatorHalted(actor="eve", reason="news"))
    assert last_refusal(world, world.stored(decision)) is Denial.OPERATOR


def test_a_halt_and_resume_during_the_commit_stops_the_send_all_the_same():
    world = make_world()
    decision = world.fall()
    switch = world.state.switch
    world.state = structs.replace(
        world.state, switch=structs.replace(switch, epoch=switch.epoch + 2)
    )
    assert last_refusal(world, world.stored(decision)) is Denial.EPOCH


def test_a_link_lost_during_the_commit_stops_the_send():
    world = make_world()
    decision = world.fall()
    world.give(LinkLost(generation=1, reason="cut"))
    assert last_refusal(world, world.stored(decision)) is Denial.RECONCILING


def test_a_new_connection_during_the_commit_stops_the_send():
    world = make_world()
    decision = world.fall()
    world.give(LinkLost(generation=1, reason="cut"))
    world.connect()
    world.read_books()
    world.load_bars()
    world.tick()
    assert last_refusal(world, world.stored(decision)) is Denial.GENERATION


def test_an_intent_is_sent_once_however_often_the_journal_answers():
    world = make_world()
    decision = world.fall()
    world.stored(decision)
    world.stored(decision)
    assert len(world.sends) == 1


# -- never denied ---------------------------------------------------------------------------


def test_closing_and_restoring_a_stop_pass_while_everything_else_is_denied():
    world = make_world()
    position = world.enter()
    world.give(OperatorHalted(actor="eve", reason="news"), ExecutionUnreadable(reason="?"))
    for kind in (IntentKind.CLOSE, IntentKind.AMEND, IntentKind.CANCEL):
        intent = structs.replace(
            world.sends[-1], kind=kind, stop_distance=None, position_id=position.position_id
        )
        assert authorize(world.state, world.params, intent) == Allowed(intent=intent)


def test_even_they_do_not_leave_on_another_connection_than_they_were_made_for():
    world = make_world()
    world.enter()
    intent = structs.replace(world.sends[-1], kind=IntentKind.CLOSE, generation=7)
    answer = authorize(world.state, world.params, intent)
    assert isinstance(answer, Denied)
    assert answer.code is Denial.GENERATION


def test_an_entry_without_a_stop_ends_the_program_instead_of_leaving():
    world = make_world()
    intent = structs.replace(world.fall().changed_intents[0], stop_distance=None)
    with pytest.raises(BooksDoNotBalance, match="no stop"):
        authorize(world.state, world.params, intent)
    with pytest.raises(BooksDoNotBalance, match="no stop"):
        authorize(world.state, world.params, structs.replace(intent, stop_distance=Price(0)))


def test_an_entry_needs_its_bar_only_once():
    world = make_world()
    intent = world.fall().changed_intents[0]
    denied = deny_entry(world.state, world.params, Side.SELL, intent.bar_time)
    assert denied is not None
    denied = deny_entry(
        world.state, world.params, Side.SELL, intent.bar_time, own_id=intent.intent_id
    )
    assert denied is None


def test_parameters_default_to_the_simulator_and_to_no_shadow():
    params = EngineParams(account_id=AccountId(1), symbol_name="PALMOIL")
    assert params.environment is Environment.SIMULATOR
    assert not params.is_shadow
