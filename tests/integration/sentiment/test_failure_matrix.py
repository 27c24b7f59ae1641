"""Every row of the failure matrix, against the twins over real sockets."""

import asyncio

import pytest

from harness.mood_world import TUESDAY_MS, open_world
from palmbot.domain.mood import Freshness, Unknown, UnknownReason
from palmbot.domain.secret import Secret
from palmbot.sentiment.desk import RECORDING_NAME
from palmbot.sentiment.failures import FailureKind
from palmbot.sentiment.recording import FetchStatus, read_recording
from palmbot.simulator.invented_news import InventedNews
from palmbot.simulator.newsroom import (
    AGENT_PATHS,
    DECISIONS_PATH,
    RSS_PATH,
    SEARCH_PATH,
    X_PATH,
    Cue,
    Service,
)

P, X, R = Service.PERPLEXITY, Service.X, Service.RSS

# Service, cue, kind, state of the provider afterwards, number of questions it was sent.
ROWS = [
    (P, Cue.RATE_LIMITED, "rate_limited", "cooling down", 1),
    (P, Cue.RATE_LIMITED_BARE, "rate_limited", "cooling down", 1),
    (X, Cue.RATE_LIMITED, "rate_limited", "cooling down", 1),
    (P, Cue.UNAUTHORIZED, "auth", "disabled", 1),
    (P, Cue.FORBIDDEN, "auth", "disabled", 1),
    (P, Cue.PAYMENT, "budget", "out of budget", 1),
    (P, Cue.NO_CREDIT, "budget", "out of budget", 1),
    (X, Cue.USAGE_CAPPED, "budget", "out of budget", 1),
    (P, Cue.NOT_FOUND, "disabled", "disabled", 1),
    (P, Cue.RETIRED, "disabled", "disabled", 1),
    (P, Cue.BAD_REQUEST, "bad_request", "ready", 2),
    (P, Cue.UNPROCESSABLE, "bad_request", "ready", 2),
    (P, Cue.REQUEST_TIMEOUT, "server", "ready", 2),
    (P, Cue.SERVER_ERROR, "server", "ready", 2),
    (X, Cue.SERVER_ERROR, "server", "ready", 1),
    (P, Cue.DROP, "network", "ready", 2),
    (P, Cue.CUT, "network", "ready", 2),
    (P, Cue.HANG, "timeout", "ready", 1),
    (P, Cue.STALL, "timeout", "ready", 1),
    (P, Cue.HUGE, "malformed", "ready", 1),
    (P, Cue.COMPRESSED, "malformed", "ready", 1),
    (P, Cue.HTML, "malformed", "ready", 1),
    (P, Cue.REDIRECT, "malformed", "ready", 1),
    (P, Cue.NAN, "malformed", "ready", 1),
    (P, Cue.WRONG_TYPES, "malformed", "ready", 1),
    (P, Cue.OUT_OF_RANGE, "malformed", "ready", 2),
    (P, Cue.EXTRA_KEYS, "malformed", "ready", 2),
    (P, Cue.ONE_SOURCE, "no_evidence", "ready", 1),
    (P, Cue.OLD_NEWS, "no_evidence", "ready", 1),
    (P, Cue.OFF_TOPIC, "no_evidence", "ready", 2),
    (P, Cue.EXPENSIVE, "budget", "out of budget", 2),
    (X, Cue.ONE_SOURCE, "no_evidence", "ready", 1),
    (X, Cue.NO_EVIDENCE, "no_evidence", "ready", 1),
    (X, Cue.WRONG_TYPES, "malformed", "ready", 1),
    (R, Cue.NO_EVIDENCE, "no_evidence", "ready", 1),
    (R, Cue.OLD_NEWS, "no_evidence", "ready", 1),
    (R, Cue.XML_BOMB, "malformed", "ready", 1),
    (R, Cue.XML_ENTITY, "malformed", "ready", 1),
    (R, Cue.HUGE, "malformed", "ready", 1),
    (R, Cue.WRONG_TYPES, "no_evidence", "ready", 1),
]
AGENT_ROWS = [
    (Cue.FAILED, "malformed"),
    (Cue.REQUIRES_ACTION, "malformed"),
    (Cue.NO_SEARCH, "no_evidence"),
    (Cue.REFUSAL, "refusal"),
    (Cue.NO_EVIDENCE, "refusal"),
    (Cue.WRONG_TYPES, "malformed"),
    (Cue.OUT_OF_RANGE, "malformed"),
    (Cue.EXTRA_KEYS, "malformed"),
    (Cue.EXPENSIVE, "budget"),
]
BEFORE = {P: (), X: (P,), R: (P, X)}
PATHS = {
    P: (SEARCH_PATH, DECISIONS_PATH, *AGENT_PATHS),
    X: (X_PATH,),
    R: (RSS_PATH,),
}
STRONG_SEED = next(
    seed for seed in range(100) if abs(InventedNews(seed).read_mood(TUESDAY_MS)) > 0.9
)
TIERS = {P: 1, X: 2, R: 3}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_failing_source_is_counted_held_against_and_passed_over(tmp_path, row):
    service, cue, kind, state, asked = row

    async def play():
        async with open_world(tmp_path) as world:
            for each in BEFORE[service]:
                world.newsroom.always(each, Cue.RATE_LIMITED)
            world.newsroom.always(service, cue)
            found = await world.get()
            assert sum(world.newsroom.requests[path] for path in PATHS[service]) == asked
            assert world.counters.errors[service.value, kind] == 1
            states = {each.provider: each.state for each in world.desk.chain.describe()}
            assert states[service.value] == state
            if service is R:
                assert found == Unknown(reason=UnknownReason.FAILED)
            else:
                assert found.reading.tier > TIERS[service]
                assert found.freshness is Freshness.MISS
            return len(world.waits)

    tries_again = asyncio.run(play())
    assert tries_again == (1 if kind in {"server", "network"} and service is P else 0)
    rows = read_recording(tmp_path / RECORDING_NAME).fetches
    (failed,) = [each for each in rows if each.provider == service.value]
    assert (failed.status, failed.unknown_reason) == (FetchStatus.FAILED, kind)


@pytest.mark.parametrize(("cue", "kind"), AGENT_ROWS)
def test_an_answer_of_the_agent_that_breaks_its_contract_is_no_score(tmp_path, cue, kind):
    async def play():
        async with open_world(tmp_path, perplexity_modes=("agent",)) as world:
            world.newsroom.always(P, cue)
            found = await world.get()
            assert world.counters.errors["perplexity", kind] == 1
            assert found.reading.provider == "x"

    asyncio.run(play())


def test_a_good_answer_of_the_agent_is_a_reading(tmp_path):
    async def play():
        async with open_world(tmp_path, perplexity_modes=("agent",)) as world:
            found = await world.get()
            assert (found.reading.provider, found.reading.mode) == ("perplexity", "agent")
            assert found.reading.cost_usd == pytest.approx(0.0072)
            assert await world.spent() == {"perplexity": pytest.approx(0.0072)}

    asyncio.run(play())


def test_a_way_of_asking_that_is_refused_gives_way_to_the_other(tmp_path):
    async def play():
        modes = ("search_decide", "agent")
        async with open_world(tmp_path, perplexity_modes=modes) as world:
            world.newsroom.cue(P, Cue.BAD_REQUEST, Cue.BAD_REQUEST)
            assert (await world.get()).reading.provider == "x"
            world.clock.advance(301)
            assert (await world.get()).reading.mode == "agent"

    asyncio.run(play())


def test_a_field_that_is_refused_is_left_off_from_then_on(tmp_path):
    async def play():
        async with open_world(tmp_path) as world:
            world.newsroom.cue(P, Cue.BAD_REQUEST)
            assert (await world.get()).reading.provider == "perplexity"
            world.clock.advance(301)
            await world.get()
            assert world.newsroom.requests[SEARCH_PATH] == 3

    asyncio.run(play())


def test_when_all_fail_the_old_score_ages_and_then_nothing_is_known(tmp_path):
    async def play():
        async with open_world(tmp_path) as world:
            first = await world.get()
            for service in Service:
                world.newsroom.always(service, Cue.SERVER_ERROR)
            world.clock.advance(310)
            stale = await world.get()
            assert (stale.freshness, stale.reading) == (Freshness.STALE, first.reading)
            assert world.peek().freshness is Freshness.STALE
            world.clock.advance(2_101 - world.clock.now_s)
            assert await world.get() == Unknown(reason=UnknownReason.FAILED)
            assert world.peek() == Unknown(reason=UnknownReason.FAILED)

    asyncio.run(play())


def test_a_lie_against_its_own_headlines_is_quarantined_and_the_next_source_asked(tmp_path):
    async def play():
        async with open_world(tmp_path, seed=STRONG_SEED) as world:
            world.newsroom.cue(P, Cue.LIE)
            found = await world.get()
            assert world.counters.quarantined == world.counters.disagreements == 1
            assert found.reading.provider == "x"

    asyncio.run(play())
    statuses = [each.status for each in read_recording(tmp_path / RECORDING_NAME).fetches]
    assert statuses == [FetchStatus.QUARANTINED, FetchStatus.STORED]


def test_a_lie_leaves_a_fresh_score_alone(tmp_path):
    async def play():
        async with open_world(tmp_path, seed=STRONG_SEED) as world:
            first = await world.get()
            world.newsroom.always(P, Cue.LIE)
            world.clock.advance(250)
            await world.refresh()
            assert world.counters.quarantined == 1
            assert world.peek().reading is first.reading

    asyncio.run(play())


def test_a_clock_that_jumps_expires_the_entry(tmp_path):
    async def play():
        async with open_world(tmp_path) as world:
            await world.get()
            world.clock.step_wall(-2)
            assert world.peek() == Unknown(reason=UnknownReason.EXPIRED)
            await world.get()
            world.clock.link_stands_still(3_600)
            assert world.peek() == Unknown(reason=UnknownReason.EXPIRED)

    asyncio.run(play())


def test_only_a_rate_limit_falls_through_if_the_bare_requirement_is_chosen(tmp_path):
    async def play():
        only = frozenset({FailureKind.RATE_LIMITED})
        async with open_world(tmp_path, fallback_on=only) as world:
            world.newsroom.cue(P, Cue.SERVER_ERROR, Cue.SERVER_ERROR)
            assert await world.get() == Unknown(reason=UnknownReason.FAILED)
            assert world.newsroom.requests[X_PATH] == 0
            world.clock.advance(61)
            world.newsroom.cue(P, Cue.RATE_LIMITED)
            assert (await world.get()).reading.provider == "x"

    asyncio.run(play())


def test_a_model_that_is_gone_is_noticed_at_the_start(tmp_path):
    async def play():
        async with open_world(tmp_path, decider_model="pplx-decider-v0") as world:
            await world.drive(world.desk.check_models())
            assert (await world.get()).reading.provider == "x"
            assert world.counters.errors["perplexity", "disabled"] == 1

    asyncio.run(play())


def test_a_key_of_another_product_and_an_expired_key_disable_their_source_alone(tmp_path):
    async def play():
        wrong = Secret("sk-of-another-product")
        async with open_world(tmp_path, perplexity_key=wrong, x_token=wrong) as world:
            assert (await world.get()).reading.provider == "rss"
            states = [each.state for each in world.desk.chain.describe()]
            assert states == ["disabled", "disabled", "ready"]

    asyncio.run(play())
