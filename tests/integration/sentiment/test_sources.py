"""What the sources bring back, what they refuse to, and what never leaves them."""

import asyncio
import json
import logging
import ssl
import time

import pytest
import structlog

from harness.injections import make_injections
from harness.mood_world import TUESDAY_MS, World, open_world
from palmbot.domain.mood import Driver
from palmbot.domain.units import TimestampMs
from palmbot.sentiment.desk import RECORDING_NAME
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.newsroom import (
    DECISIONS_PATH,
    PERPLEXITY_KEY,
    SEARCH_PATH,
    X_PATH,
    X_TOKEN,
    Cue,
    Service,
)

P, X, R = Service.PERPLEXITY, Service.X, Service.RSS


def run(directory, story, **changes):
    async def play():
        async with open_world(directory, **changes) as world:
            return await story(world)

    return asyncio.run(play())


async def reach(world: World, service):
    """Ask so that only this source can answer."""
    for each in Service:
        if each is not service:
            world.newsroom.always(each, Cue.RATE_LIMITED)
    return await world.get()


def test_perplexity_by_search_and_decision_costs_a_tenth_of_a_cent(tmp_path):
    async def story(world):
        reading = (await world.get()).reading
        assert (reading.provider, reading.mode) == ("perplexity", "search_decide")
        assert reading.domains >= 2
        assert reading.evidence_at is not None
        assert reading.cost_usd == pytest.approx(0.001 + 1_500 * 0.02 / 1e6)
        assert await world.spent() == {"perplexity": pytest.approx(0.00103)}
        assert world.newsroom.requests == {SEARCH_PATH: 1, DECISIONS_PATH: 1}

    run(tmp_path, story)


def test_x_is_capped_below_any_veto_and_needs_eight_authors(tmp_path):
    async def story(world):
        reading = (await reach(world, X)).reading
        assert abs(reading.score) <= 50
        assert reading.confidence <= 0.4
        assert reading.domains == 1
        assert len(reading.evidence) >= 8

    run(tmp_path, story)


def test_x_pays_only_for_posts_it_has_not_seen(tmp_path):
    async def story(world):
        await reach(world, X)
        first = await world.spent()
        assert first["x"] == pytest.approx(10 * 0.005)
        world.newsroom.always(X, Cue.NO_EVIDENCE)  # nothing new
        world.clock.advance(301)
        assert (await world.get()).reading.provider == "x"  # from the ring of posts
        assert (await world.spent())["x"] == first["x"]
        assert world.newsroom.requests[X_PATH] == 2

    run(tmp_path, story)


def test_a_feed_is_read_without_a_key_and_without_a_cost(tmp_path):
    async def story(world):
        reading = (await world.get()).reading
        assert (reading.provider, reading.cost_usd) == ("rss", 0.0)
        assert reading.domains >= 2
        assert "authorization" not in world.newsroom.seen_headers[-1]
        assert await world.spent() == {}

    run(tmp_path, story, perplexity_key=None, x_token=None)


@pytest.mark.parametrize("service", [P, X, R])
def test_two_hundred_injected_titles_change_no_score(tmp_path, service):
    async def story(world):
        honest = (await reach(world, service)).reading
        for titles in _in_groups(make_injections(), 20):
            world.clock.advance(301)
            # No XML can hold a zero byte: such a feed is refused whole.
            world.newsroom.extra_titles = [title.replace("\x00", "\t") for title in titles]
            dictated = (await reach(world, service)).reading
            assert dictated.score == honest.score
            hashes = {each.title_hash for each in dictated.evidence}
            assert hashes <= {each.title_hash for each in honest.evidence}
            document = json.dumps(world.newsroom.last_document)
            assert not any(title in document for title in titles)

    # The seed keeps one mood for three hours, ten questions fit into one of them.
    run(tmp_path, story, perplexity_usd_per_day=100.0)


def _in_groups(items, size):
    return [tuple(items[at : at + size]) for at in range(0, len(items), size)]


def test_a_429_is_answered_by_the_next_source_at_once(tmp_path):
    async def story(world):
        took = []
        for _ in range(50):
            world.newsroom.cue(P, Cue.RATE_LIMITED)
            began_s = time.process_time()
            began_link_s = world.clock.now_s
            assert (await world.get()).reading.provider in {"x", "rss"}
            took.append(time.process_time() - began_s)
            assert world.clock.now_s == began_link_s  # nobody waited for anything
            world.clock.advance(1_000)
        assert max(took) < 4.0

    run(tmp_path, story)


def test_no_key_is_in_a_log_a_recording_a_ledger_or_an_address(tmp_path, capsys):
    async def story(world):
        for cue in (Cue.GOOD, Cue.UNAUTHORIZED, Cue.CUT, Cue.HTML, Cue.SERVER_ERROR):
            world.newsroom.cue(P, cue)
            world.newsroom.cue(X, cue)
            await world.get()
            world.clock.advance(1_000)
        print(repr(world.desk), repr(world.desk.plan), world.desk.describe())  # noqa: T201

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    try:
        run(tmp_path, story)
    finally:
        structlog.reset_defaults()
    seen = capsys.readouterr()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for key in (PERPLEXITY_KEY, X_TOKEN):
        assert key not in seen.out + seen.err
        assert key.encode() not in written
    assert (tmp_path / RECORDING_NAME).stat().st_size > 0


def make_tls(directory):
    files = ensure_certificates(directory, TimestampMs(time.time_ns() // 1_000_000))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.server, files.key)
    return server, files.ca


def test_sources_are_reached_over_tls(tmp_path):
    server, ca = make_tls(tmp_path / "tls")

    async def story(world):
        assert (await world.get()).reading.provider == "perplexity"

    run(tmp_path, story, tls=(server, ssl.create_default_context(cafile=ca)))


def test_a_server_that_cannot_be_proven_gets_no_key(tmp_path):
    server, _ = make_tls(tmp_path / "tls")

    async def story(world):
        await world.get()
        assert world.counters.errors["perplexity", "network"] == 1
        assert world.newsroom.seen_headers == []
        assert await world.spent() == {"perplexity": 0.0, "x": 0.0}

    run(tmp_path, story, tls=(server, ssl.create_default_context()))


def test_a_week_of_hostile_sources_stays_within_every_days_budget(tmp_path):
    # Those that put a source out for good would spend nothing; silence is cued apart.
    for_good = {Cue.UNAUTHORIZED, Cue.FORBIDDEN, Cue.NOT_FOUND, Cue.RETIRED}
    refused = {Cue.BAD_REQUEST, Cue.UNPROCESSABLE}
    hostile = [each for each in Cue if each not in {Cue.HANG, Cue.STALL} | for_good | refused]

    async def story(world):
        days = {}
        for turn in range(7 * 96):  # every quarter of an hour
            for service in Service:
                world.newsroom.replace_cue(
                    service, hostile[(turn * 7 + len(service)) % len(hostile)]
                )
            if turn % 50 == 0:
                world.newsroom.replace_cue(P, Cue.HANG)
            await world.refresh()
            for name, usd in (await world.spent()).items():
                day = world.clock.wall_ms() // 86_400_000
                days[name, day] = usd
            world.clock.advance(900)
        first = TUESDAY_MS // 86_400_000
        for name in ("perplexity", "x"):
            assert {day for each, day in days if each == name} >= {first + n for n in range(7)}
        assert max(usd for (name, _), usd in days.items() if name == "perplexity") <= 0.01
        assert max(usd for (name, _), usd in days.items() if name == "x") <= 0.1

    run(tmp_path, story, perplexity_usd_per_day=0.01, x_usd_per_day=0.1)


def test_drivers_are_the_only_words_that_are_kept(tmp_path):
    async def story(world):
        reading = (await world.get()).reading
        assert reading.drivers <= set(Driver)
        for each in reading.evidence:
            assert " " not in each.reference + each.domain + each.title_hash

    run(tmp_path, story)
