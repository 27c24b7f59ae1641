"""The end of a process, and a comparison of books that a person asks for."""

import pytest
from msgspec.structs import replace

from harness.engine_world import START, World
from palmbot.core.operator import REFUSED
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import QueryBooks, Send
from palmbot.domain.events import (
    LinkLost,
    OperatorHalted,
    OperatorResumed,
    ReconciliationRequested,
    Started,
    StopRequested,
)
from palmbot.domain.orders import IntentState


@pytest.fixture
def world() -> World:
    ready = World()
    ready.make_ready()
    return ready


def test_no_signal_becomes_an_entry_once_the_program_is_about_to_end(world):
    world.give(StopRequested(reason="SIGTERM"))
    assert world.fall().commands == ()
    assert "OPERATOR: the program is about to end" in world.state.last_decision


def test_an_entry_that_was_only_stored_is_not_sent_after_the_stop(world):
    decided = world.fall()
    world.give(StopRequested(reason="SIGTERM"))
    answer = world.stored(decided)
    assert not [each for each in answer.commands if isinstance(each, Send)]
    (intent,) = world.state.books.intents.values()
    assert intent.state is IntentState.CANCELLED_LOCALLY


def test_the_next_process_may_trade_again(world):
    world.give(StopRequested(reason="SIGTERM"))
    world.give(Started(time=START, run_id="r2", nonce=6))
    assert not world.state.switch.is_stopping
    assert world.state.switch.halted_by is None


def test_a_halt_outlives_the_stop_and_the_start(world):
    world.give(OperatorHalted(actor="eve", reason="news"), StopRequested(reason="SIGTERM"))
    world.give(Started(time=START, run_id="r2", nonce=6))
    assert world.state.switch.halted_by == "eve"


def test_to_resume_does_not_undo_the_stop(world):
    world.give(OperatorHalted(actor="eve", reason="news"), StopRequested(reason="SIGTERM"))
    world.give(OperatorResumed(actor="eve", reason="again"))
    assert world.state.switch.is_stopping
    assert world.fall().commands == ()


def test_a_position_keeps_its_stop_at_the_broker_when_the_program_ends(world):
    held = world.enter()
    asked = len(world.sends)
    world.give(StopRequested(reason="SIGTERM"))
    assert len(world.sends) == asked
    assert world.state.books.positions[held.position_id].stop_loss is not None


def test_a_comparison_asked_for_reads_the_books_at_once_and_trades_nothing_meanwhile(world):
    decision = world.give(ReconciliationRequested(actor="eve"))
    (query,) = (each for each in decision.commands if isinstance(each, QueryBooks))
    assert query.delay_s == 0
    assert world.state.link.phase is LinkPhase.SYNCING
    assert world.fall().commands == ()
    world.read_books()
    assert world.state.link.phase is LinkPhase.CONSISTENT


def test_without_a_connection_a_comparison_is_refused(world):
    world.give(LinkLost(generation=world.generation, reason="cut"))
    decision = world.give(ReconciliationRequested(actor="eve"))
    assert decision.reason.startswith(REFUSED)
    assert decision.commands == ()


def test_a_stop_is_counted_as_a_change_of_permission_only_once(world):
    epoch = world.state.switch.epoch
    world.give(StopRequested(reason="SIGTERM"), StopRequested(reason="SIGTERM"))
    assert world.state.switch == replace(world.state.switch, epoch=epoch + 1, is_stopping=True)
