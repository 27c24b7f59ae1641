"""`palmbot why` and `status` on the journal of a bot that traded, was halted, and ended."""

import json
from datetime import UTC, datetime

import pytest

from harness.engine_world import PERIOD, World
from harness.world_journal import write_journal
from palmbot.cli.main import run_command
from palmbot.domain.events import OperatorHalted


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A sent order that its stop closed, one that was stored and not sent, and a refused signal."""
    world = World()
    world.make_ready()
    held = world.enter()
    world.give(*world.broker.close(held.position_id, held.stop_loss))
    world.settle()
    decided = world.fall()
    world.give(OperatorHalted(actor="eve", reason="news at noon"))
    world.stored(decided)
    world.fall()
    directory = tmp_path_factory.mktemp("why")
    write_journal(directory / "journal.sqlite", world)
    return world, directory


@pytest.fixture
def explain(story, capsys):
    def run(*arguments):
        code = run_command(["why", *map(str, arguments), "--directory", str(story[1])])
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return run


def intents(world):
    return list(world.state.books.intents.values())


def moment(time_ms):
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def test_of_a_sent_order_it_says_why_when_at_what_price_and_what_came_of_it(story, explain):
    sent, _ = intents(story[0])
    code, text = explain(sent.intent_id)
    assert code == 0
    for words in (
        "It was sent, and the broker carried it out",
        f"because {sent.reason}",
        f"price {sent.decision_price / 100_000:g}",
        "closed by stop loss",
        "profit -",
        "What the journal says of it",
    ):
        assert words in text


def test_of_an_order_that_was_stored_and_not_sent_it_names_the_rule(story, explain):
    _, kept = intents(story[0])
    _, text = explain(kept.intent_id)
    assert "It was NOT sent" in text
    assert "OPERATOR: halted by eve: news at noon" in text
    assert "`palmbot resume` lifts it" in text


def test_a_bar_is_explained_by_its_decision_and_the_order_it_led_to(story, explain):
    sent, _ = intents(story[0])
    code, text = explain(moment(sent.bar_time))
    assert code == 0
    assert "Decided at the first price after it" in text
    assert f"Entry {sent.intent_id}" in text


def test_a_refused_signal_is_explained_by_its_bar(story, explain):
    world = story[0]
    _, text = explain(moment(world.broker.now - PERIOD))
    assert "refused, OPERATOR: halted by eve" in text
    assert "While a halt stands there is no entry" in text


def test_a_bar_without_prices_is_said_to_be_one(explain):
    assert "no price came in it" in explain("2020-02-02T02:00")[1]


def test_the_bar_that_still_forms_is_not_decided(story, explain):
    assert "nothing was decided about it" in explain(moment(story[0].broker.now))[1]


def test_without_an_argument_the_last_decisions_and_signals_are_listed(explain):
    code, text = explain()
    assert code == 0
    assert "Last decisions" in text
    assert "sent buy" in text
    assert "refused, OPERATOR" in text


def test_what_nobody_knows_is_one_sentence(explain):
    code, text = explain("NOSUCHID")
    assert code == 1
    assert "the journal knows no request NOSUCHID" in text


def test_an_id_that_begins_several_requests_is_not_guessed_at(story, explain):
    code, text = explain(intents(story[0])[0].intent_id[:3])
    assert code == 1
    assert "begins 2 requests" in text


@pytest.mark.parametrize("arguments", [(), ("2020-02-02T02:00",)])
def test_json_is_one_document(story, capsys, arguments):
    assert run_command(["why", *arguments, "--json", "--directory", str(story[1])]) == 0
    assert json.loads(capsys.readouterr().out)


def test_json_of_an_order_holds_the_numbers(story, capsys):
    sent, kept = intents(story[0])
    for intent, was_sent in ((sent, True), (kept, False)):
        run_command(["why", intent.intent_id, "--json", "--directory", str(story[1])])
        document = json.loads(capsys.readouterr().out)
        assert document["was_sent"] is was_sent
        assert document["intent"]["volume"] == intent.volume
        assert document["story"]


def test_status_of_a_bot_that_is_not_running_comes_from_the_journal(story, capsys):
    world, directory = story
    assert run_command(["status", "--json", "--directory", str(directory)]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["is_running"] is False
    assert status["halted_by"] == "eve"
    assert status["trades"] == 1
    assert status["balance"] == world.state.books.balance / 10**8
    assert run_command(["status", "--directory", str(directory)]) == 0
    assert "not running" in capsys.readouterr().err


def test_status_without_any_bot_says_where_to_look(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(["status"]) == 1
    assert "there is none here" in " ".join(capsys.readouterr().err.split())
