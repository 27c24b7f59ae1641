"""Requests as they are made, moved and counted, one rule each."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import EASY, PERIOD, PRICE, START, World, make_tick
from palmbot.core.gate import Allowed
from palmbot.core.intents import (
    EVIDENCE_RANK,
    advance,
    ask_amend,
    ask_cancel_entry,
    ask_close,
    is_under_way,
    make_entry,
    make_intent_id,
    store_intent,
)
from palmbot.core.sizing import Sized
from palmbot.core.step import Step
from palmbot.domain.commands import Send, StoreIntent
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import IntentStored
from palmbot.domain.market import Side
from palmbot.domain.orders import IntentKind, IntentState, OrderStyle
from palmbot.domain.units import IntentId, Money, OrderId, PositionId, Price, TimestampMs, Volume

S = IntentState
BAR = TimestampMs(START)


def step_of(world) -> Step:
    return Step(world.state, world.params)


def held_step(**params) -> Step:
    world = World(replace(EASY, **params))
    world.make_ready()
    world.enter()
    return step_of(world)


def entry_of(step):
    return next(i for i in step.books.intents.values() if i.kind is IntentKind.ENTRY)


def asked(step):
    return [each for each in step.books.intents.values() if each.kind is not IntentKind.ENTRY]


def test_an_id_is_its_time_its_run_and_its_number_in_the_letters_of_crockford():
    assert make_intent_id(TimestampMs(0), 0, 0) == "0" * 26
    assert make_intent_id(TimestampMs(0), 0, 31) == "0" * 25 + "Z"
    assert make_intent_id(TimestampMs(0), 0, 32) == "0" * 24 + "10"
    assert make_intent_id(TimestampMs(1), 0, 0) == "0000000001" + "0" * 16
    assert make_intent_id(TimestampMs(2**48 + 1), 0, 0) == "0000000001" + "0" * 16
    assert make_intent_id(TimestampMs(2**48 - 1), 0, 0) == "7" + "Z" * 9 + "0" * 16
    # Beyond eighty bits the counter begins anew, and does not touch the time.
    assert make_intent_id(TimestampMs(0), 2**80 - 1, 2) == "0" * 25 + "1"


RANKS = {
    0: {S.UNKNOWN, S.NEW, S.STORED, S.SENT},
    1: {S.ACCEPTED},
    2: {S.PARTIAL, S.CANCELLED_LOCALLY, S.LOST},
    3: {S.REJECTED, S.EXPIRED, S.CANCELLED, S.FILLED},
}


def test_every_state_has_its_weight_as_evidence():
    assert {state: rank for rank, group in RANKS.items() for state in group} == EVIDENCE_RANK


@pytest.mark.parametrize("before", list(EVIDENCE_RANK))
@pytest.mark.parametrize("after", list(EVIDENCE_RANK))
def test_evidence_moves_a_request_up_and_never_down_or_sideways(before, after):
    step = held_step()
    intent = structs.replace(entry_of(step), state=before, resolution="before")
    step.put_intent(intent)
    moved = advance(step, intent, after)
    is_up = EVIDENCE_RANK[after] > EVIDENCE_RANK[before]
    assert moved.state is (after if is_up else before)
    assert step.books.intents[intent.intent_id] == moved
    assert moved.resolution == "before"
    if is_up:
        assert advance(step, intent, after, "after").resolution == "after"


def test_a_request_under_way_is_not_asked_for_again_and_one_for_another_position_is():
    step = held_step()
    (position,) = step.books.positions.values()
    ask_close(step, position, "x")
    ask_close(step, position, "x")
    (close,) = asked(step)
    assert (close.kind, close.volume, close.position_id) == (
        IntentKind.CLOSE,
        position.volume,
        position.position_id,
    )
    assert is_under_way(step, IntentKind.CLOSE, position.position_id)
    assert not is_under_way(step, IntentKind.AMEND, position.position_id)
    assert not is_under_way(step, IntentKind.CLOSE, PositionId(9))
    ask_amend(step, position, Price(98_000_000), Price(103_000_000), "y")
    ask_amend(step, position, Price(98_000_000), Price(103_000_000), "y")
    assert len(asked(step)) == 2
    for intent in asked(step):
        step.put_intent(structs.replace(intent, state=S.REJECTED))
    assert not is_under_way(step, IntentKind.CLOSE, position.position_id)
    ask_close(step, position, "again")
    assert len(asked(step)) == 3
    assert len({each.intent_id for each in step.books.intents.values()}) == 4


@pytest.mark.parametrize(
    ("state", "count"), [(S.SENT, 1), (S.UNKNOWN, 1), (S.REJECTED, 2), (S.FILLED, 2)]
)
def test_a_resting_entry_is_cancelled_by_its_order_once_at_a_time(state, count):
    step = held_step()
    entry = structs.replace(entry_of(step), order_id=None)
    ask_cancel_entry(step, entry, "x")
    assert asked(step) == []
    entry = structs.replace(entry, order_id=OrderId(5))
    ask_cancel_entry(step, entry, "x")
    (cancel,) = asked(step)
    assert (cancel.kind, cancel.order_id, cancel.decision_price) == (IntentKind.CANCEL, 5, 0)
    step.put_intent(structs.replace(cancel, state=state))
    ask_cancel_entry(step, entry, "x")
    assert len(asked(step)) == count
    ask_cancel_entry(step, structs.replace(entry, order_id=OrderId(6)), "x")
    assert len(asked(step)) == count + 1


SIZED = Sized(
    volume=Volume(600),
    stop_distance=Price(1_500_000),
    target_distance=Price(2_000_000),
    loss_at_stop=Money(1),
    margin=Money(1),
)


@pytest.mark.parametrize(
    ("side", "price", "limit"),
    [(Side.BUY, 100_100_000, 100_200_000), (Side.SELL, 100_000_000, 99_900_000)],
)
def test_a_limit_entry_lies_through_the_market_and_ends_after_its_life(side, price, limit):
    world = World(replace(EASY, order_style=OrderStyle.LIMIT))
    world.make_ready()
    step = step_of(world)
    made = make_entry(step, side, BAR, make_tick(START, PRICE), SIZED, "because")
    assert (made.decision_price, made.limit_price) == (price, limit)
    assert made.expires_at == step.market.time + 8_000
    assert (made.volume, made.stop_distance, made.target_distance) == (600, 1_500_000, 2_000_000)
    assert (made.epoch, made.bar_time) == (step.switch.epoch, BAR)
    again = make_entry(step, side, BAR, make_tick(START, PRICE), SIZED, "because")
    assert again.intent_id != made.intent_id


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, 100_200_000), (Side.SELL, 99_901_000)])
def test_a_limit_price_is_on_the_step_even_if_the_last_price_is_of_finer_steps(side, limit):
    world = World(replace(EASY, order_style=OrderStyle.LIMIT))
    world.make_ready()
    tick = make_tick(START, Price(PRICE + 300))
    made = make_entry(step_of(world), side, BAR, tick, SIZED, "because")
    assert made.limit_price == limit


def test_an_entry_without_a_contract_ends_the_program():
    world = World(EASY)
    step = step_of(world)
    with pytest.raises(BooksDoNotBalance, match="an entry without a contract"):
        make_entry(step, Side.BUY, BAR, make_tick(START, PRICE), SIZED, "because")


def test_an_id_made_twice_ends_the_program():
    step = held_step()
    with pytest.raises(BooksDoNotBalance, match="made twice"):
        store_intent(step, Allowed(intent=entry_of(step)))


def test_only_an_entry_uses_up_its_bar():
    step = held_step()
    before = step.books.last_entry_bar
    entry = entry_of(step)
    later = TimestampMs(before + PERIOD)
    close = structs.replace(entry, intent_id=IntentId("A"), kind=IntentKind.CLOSE, bar_time=later)
    store_intent(step, Allowed(intent=close))
    assert step.books.last_entry_bar == before
    store_intent(
        step, Allowed(intent=structs.replace(entry, intent_id=IntentId("B"), bar_time=later))
    )
    assert step.books.last_entry_bar == later
    assert [type(each) for each in step.finish().commands] == [StoreIntent, StoreIntent]


def test_what_is_sent_is_counted_by_the_minute_and_by_the_day():
    world = World(EASY)
    world.make_ready()
    now = START + PERIOD
    old = (TimestampMs(now - 60_000), TimestampMs(now - 59_999))
    tally = structs.replace(
        world.state.tally, requests_sent=7, entries_sent=4, entry_times=old, entry_day=1
    )
    world.state = structs.replace(world.state, tally=tally)
    world.stored(world.fall())
    after = world.state.tally
    assert (after.requests_sent, after.entries_sent) == (8, 5)
    assert after.entry_times == (now - 59_999, now)
    assert (after.entry_day, after.entries_today) == (now // 86_400_000, 1)


@pytest.mark.parametrize(("side", "verb"), [(Side.BUY, "buy"), (Side.SELL, "sell")])
def test_what_is_sent_is_told_with_its_side_and_volume(side, verb):
    world = World(EASY)
    world.make_ready()
    world.fall()
    ((intent_id, intent),) = world.state.books.intents.items()
    intents = {intent_id: structs.replace(intent, side=side)}
    world.state = structs.replace(
        world.state, books=structs.replace(world.state.books, intents=intents)
    )
    decision = world.give(IntentStored(intent_id=intent_id, age_ms=1, order_budget=40))
    assert f"sent {verb} {intent.volume / 100:g}: " in decision.reason


def test_a_close_is_counted_as_a_request_and_not_as_an_entry():
    world = World(EASY)
    world.make_ready()
    world.enter()
    before = world.state.tally
    step = step_of(world)
    (position,) = step.books.positions.values()
    ask_close(step, position, "x")
    world.state = step.finish().state
    (close,) = asked(step)
    decision = world.give(IntentStored(intent_id=close.intent_id, age_ms=1, order_budget=0))
    assert any(isinstance(each, Send) for each in decision.commands)
    after = world.state.tally
    assert after.requests_sent == before.requests_sent + 1
    assert (after.entries_sent, after.entry_times) == (before.entries_sent, before.entry_times)


def test_a_close_of_a_position_that_is_gone_is_not_sent():
    world = World(EASY)
    world.make_ready()
    world.enter()
    step = step_of(world)
    (position,) = step.books.positions.values()
    ask_close(step, position, "x")
    (close,) = asked(step)
    state = step.finish().state
    world.state = structs.replace(state, books=structs.replace(state.books, positions={}))
    decision = world.give(IntentStored(intent_id=close.intent_id, age_ms=1, order_budget=40))
    assert not any(isinstance(each, Send) for each in decision.commands)
    assert world.state.books.intents[close.intent_id].state is S.CANCELLED_LOCALLY
