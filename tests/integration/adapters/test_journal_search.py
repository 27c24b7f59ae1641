"""Finding things in the journal of a bot that traded, as `palmbot why` and `status` do."""

from dataclasses import replace

import pytest

from harness.engine_world import EASY, PERIOD, START, World
from harness.world_journal import write_journal
from palmbot.adapters.journal_search import open_search, read_last_state
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.errors import InputInvalid
from palmbot.domain.events import OperatorHalted, OperatorResumed, OrderUnanswered
from palmbot.domain.orders import IntentState


@pytest.fixture
def world() -> World:
    """A position that its stop closed, then a refused signal."""
    trader = World()
    trader.make_ready()
    held = trader.enter()
    trader.give(*trader.broker.close(held.position_id, held.stop_loss))
    trader.give(OperatorHalted(actor="eve", reason="news at noon"))
    trader.fall()
    return trader


@pytest.fixture
def path(tmp_path, world):
    file = tmp_path / "journal.sqlite"
    write_journal(file, world)
    return file


def test_a_request_is_found_by_the_beginning_of_its_id_as_it_stood_at_last(path, world):
    (sent,) = world.sends
    with open_search(path) as search:
        (found,) = search.find_intents(sent.intent_id[:8])
        assert search.find_intents("ZZZ") == ()
    assert found.intent_id == sent.intent_id
    assert found.state is IntentState.FILLED
    assert found == world.state.books.intents[sent.intent_id]


def test_the_story_of_an_entry_goes_from_the_signal_to_the_close(path, world):
    (sent,) = world.sends
    with open_search(path) as search:
        story = search.list_story(world.state.books.intents[sent.intent_id])
    words = [each.reason for each in story]
    assert words[0].startswith("buy (RSI ")
    assert words[1].startswith("sent buy")
    assert any("bought" in each for each in words)
    assert "closed by stop loss" in words[-1]
    assert [each.sequence for each in story] == sorted({each.sequence for each in story})


def test_what_a_position_earned_is_found_and_nothing_for_an_open_one(path, world):
    ((_, closed),) = [(e, d) for e, d in world.history if d.closed_trades]
    (trade,) = closed.closed_trades
    with open_search(path) as search:
        assert search.find_trade(trade.position_id) == trade
        assert search.find_trade(424242) is None


def test_the_last_signals_hold_what_was_sent_and_what_was_refused(path):
    with open_search(path) as search:
        signals = [each.reason for each in search.list_signals(9)]
        decisions = search.list_decisions(1)
    assert signals[1].startswith("sent buy")
    assert "refused, OPERATOR: halted by eve: news at noon" in signals[-1]
    assert decisions[-1].reason == signals[-1]
    assert decisions[-1].market_time > START


def test_a_bar_is_decided_by_the_first_price_after_it(path, world):
    ((event, decision),) = [(e, d) for e, d in world.history if "StoreIntent" in str(d.commands)]
    (intent,) = world.sends
    with open_search(path) as search:
        found = search.find_bar_decision(intent.bar_time + PERIOD)
        assert search.count_prices(intent.bar_time, intent.bar_time + PERIOD) > 0
        assert search.count_prices(0, START - PERIOD) == 0
        assert search.find_bar_decision(START + 999 * PERIOD) is None
    assert found.reason == decision.reason
    assert found.market_time == event.time


def test_the_last_state_is_the_one_the_bot_had(path, world):
    last = read_last_state(path, decide=decide, initial_state=initial_state)
    assert last.state == world.state
    assert last.params == EASY


def test_of_a_bot_that_never_ran_there_is_no_state(tmp_path):
    empty = tmp_path / "empty.sqlite"
    world = World()
    world.history.clear()
    write_journal(empty, world)
    assert read_last_state(empty, decide=decide, initial_state=initial_state) is None


def test_without_a_journal_the_sentence_says_so(tmp_path):
    with pytest.raises(InputInvalid, match="there is no journal"), open_search(tmp_path / "none"):
        pass


def test_a_reason_may_hold_any_letter(tmp_path):
    world = World()
    world.give(OperatorHalted(actor="ève", reason="größer, 'quoted' %"))
    world.give(OperatorResumed(actor="x", reason="y"))
    write_journal(tmp_path / "j.sqlite", world)
    with open_search(tmp_path / "j.sqlite") as search:
        found = [each.reason for each in search.list_decisions(5)]
    assert "halted by ève: größer, 'quoted' %" in found


def test_what_only_a_reading_of_the_books_told_is_part_of_the_story(tmp_path):
    world = World()
    world.make_ready()
    world.stored(world.fall())
    (sent,) = world.sends
    world.broker.execute(sent)  # and nobody hears of it
    world.give(OrderUnanswered(intent_id=sent.intent_id, reason="no answer in time"))
    world.read_books()
    write_journal(tmp_path / "j.sqlite", world)
    with open_search(tmp_path / "j.sqlite") as search:
        story = search.list_story(world.state.books.intents[sent.intent_id])
    assert [each.event_type for each in story] == [
        "Tick",
        "IntentStored",
        "OrderUnanswered",
        "BooksReported",
    ]


def test_the_parameters_are_those_of_the_newest_run(path):
    changed = World(replace(EASY, rsi_buy=29.0))
    changed.history.clear()
    write_journal(path, changed, run_id="a later one")
    with open_search(path) as search:
        assert search.read_params() == changed.params
