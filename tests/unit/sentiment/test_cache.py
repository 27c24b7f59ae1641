"""The cache as the requirement states it: five minutes, hits and misses, and every edge."""

import asyncio

import pytest

from harness.mood_world import MoodClock
from palmbot.domain.mood import Driver, Evidence, Freshness, Known, Reading, Unknown, UnknownReason
from palmbot.sentiment.cache import MoodCache
from palmbot.sentiment.chain import Outcome
from palmbot.sentiment.counters import Counters, predict_hit_rate
from palmbot.sentiment.questions import Question

ASKED = ("palmoil", "Palm oil price")
QUESTION = Question(*ASKED)


def make_reading(score=40, *, tier=1, received_at=0):
    return Reading(
        score=score,
        confidence=0.7,
        evidence=(Evidence(domain="reuters.com", reference="u", title_hash="h", dated_at=None),),
        evidence_at=None,
        drivers=frozenset({Driver.STOCKS}),
        provider=f"tier {tier}",
        tier=tier,
        mode="",
        model="",
        cost_usd=0.0,
        received_at=received_at,
    )


class Outside:
    """A scripted chain: yields one outcome after the other, the last for ever."""

    def __init__(self, *readings, is_quarantined=False):
        self.readings = list(readings)
        self.is_quarantined = is_quarantined
        self.calls = []
        self.gate = None

    async def __call__(self, question, *, tier_max=None, deadline_s=None):
        self.calls.append((question.key, tier_max, deadline_s))
        if self.gate is not None:
            await self.gate.wait()
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return Outcome(reading=reading, is_quarantined=self.is_quarantined)


class Bench:
    def __init__(self, *readings, capacity=64, is_quarantined=False):
        self.clock = MoodClock()
        self.outside = Outside(*readings, is_quarantined=is_quarantined)
        self.counters = Counters()
        self.noted = []
        self.cache = MoodCache(
            self.outside,
            clock=self.clock,
            counters=self.counters,
            note=self.noted.append,
            capacity=capacity,
        )

    async def get(self):
        return await self.cache.get(*ASKED)

    def peek(self):
        return self.cache.peek(QUESTION)


def test_a_score_lives_for_less_than_five_minutes():
    async def play():
        bench = Bench(make_reading())
        assert (await bench.get()).freshness is Freshness.MISS
        bench.clock.now_s = 299.999
        found = bench.peek()
        assert (found.freshness, found.age_ms) == (Freshness.HIT, 299_999)
        bench.clock.now_s = 300.0
        assert bench.peek() == Unknown(reason=UnknownReason.EXPIRED)
        assert (await bench.get()).freshness is Freshness.MISS
        assert len(bench.outside.calls) == 2

    asyncio.run(play())


def test_case_and_spacing_make_no_other_key_but_another_query_does():
    async def play():
        bench = Bench(make_reading())
        await bench.cache.get("PalmOil", "  palm OIL, price ")
        await bench.cache.get("PALMOIL", "palm oil price")
        assert len(bench.outside.calls) == 1
        await bench.cache.get("PALMOIL", "soy oil price")
        assert len(bench.outside.calls) == 2

    asyncio.run(play())


def test_what_is_kept_is_the_score_and_the_time_it_was_stored():
    async def play():
        bench = Bench(make_reading(-37))
        bench.clock.now_s = 5.0
        await bench.get()
        bench.clock.now_s = 12.5
        found = bench.peek()
        assert (found.reading.score, found.age_ms) == (-37, 7_500)

    asyncio.run(play())


def test_each_kind_of_lookup_is_counted_once():
    async def play():
        bench = Bench(make_reading(), None)
        bench.peek()
        await bench.get()
        bench.peek()
        bench.clock.now_s = 300
        await bench.get()  # fails: negative, and the old score is stale
        bench.clock.now_s = 310
        await bench.get()
        await bench.cache.refresh(QUESTION)
        counters = bench.counters
        assert (counters.cold_misses, counters.hits, counters.expired_misses) == (2, 1, 1)
        assert (counters.negative_hits, counters.refreshes, counters.stale_served) == (1, 1, 3)
        assert counters.lookups == 5
        assert counters.hit_rate == 1 / 5

    asyncio.run(play())


@pytest.mark.parametrize("period_s", [1, 10, 60, 299, 300])
def test_the_hit_rate_follows_its_law(period_s):
    async def play():
        bench = Bench(make_reading())
        rounds = 10 * -(-300 // period_s)
        for turn in range(rounds):
            bench.clock.now_s = float(turn * period_s)
            await bench.get()
        assert bench.counters.hit_rate == pytest.approx(predict_hit_rate(period_s, 300.0))

    asyncio.run(play())


def test_a_thousand_callers_of_a_cold_key_make_one_fetch():
    async def play():
        bench = Bench(make_reading())
        bench.outside.gate = asyncio.Event()
        callers = [asyncio.create_task(bench.get()) for _ in range(1_000)]
        await asyncio.sleep(0)
        bench.outside.gate.set()
        found = await asyncio.gather(*callers)
        assert len(bench.outside.calls) == 1
        assert all(each.reading is found[0].reading for each in found)
        assert (bench.counters.cold_misses, bench.counters.coalesced) == (1, 999)

    asyncio.run(play())


def test_a_caller_that_gives_up_takes_nobody_else_along():
    async def play():
        bench = Bench(make_reading())
        bench.outside.gate = asyncio.Event()
        first, second = (asyncio.create_task(bench.get()) for _ in "ab")
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        bench.outside.gate.set()
        assert isinstance(await second, Known)
        assert len(bench.outside.calls) == 1

    asyncio.run(play())


def test_a_failure_is_remembered_for_thirty_seconds():
    async def play():
        bench = Bench(None)
        assert await bench.get() == Unknown(reason=UnknownReason.FAILED)
        bench.clock.now_s = 29.999
        assert await bench.get() == Unknown(reason=UnknownReason.FAILED)
        assert len(bench.outside.calls) == 1
        bench.clock.now_s = 30.0
        await bench.get()
        assert len(bench.outside.calls) == 2

    asyncio.run(play())


def test_an_expired_score_is_served_only_once_a_refresh_has_failed_and_for_35_minutes():
    async def play():
        bench = Bench(make_reading(), None)
        await bench.get()
        bench.clock.now_s = 305
        assert bench.peek() == Unknown(reason=UnknownReason.EXPIRED)
        assert (await bench.get()).freshness is Freshness.STALE
        assert bench.peek().freshness is Freshness.STALE
        bench.clock.now_s = 2_100
        assert bench.peek().freshness is Freshness.STALE
        bench.clock.now_s = 2_100.001
        assert isinstance(bench.peek(), Unknown)

    asyncio.run(play())


def test_a_suspended_machine_wakes_up_with_an_old_score():
    async def play():
        bench = Bench(make_reading())
        await bench.get()
        bench.clock.link_stands_still(300)
        assert bench.peek() == Unknown(reason=UnknownReason.EXPIRED)

    asyncio.run(play())


def test_a_wall_clock_set_back_expires_the_entry_and_leaves_nothing_stale():
    async def play():
        bench = Bench(make_reading(), None)
        await bench.get()
        bench.clock.step_wall(-0.9)
        assert isinstance(bench.peek(), Known)
        bench.clock.step_wall(-0.2)
        assert bench.peek() == Unknown(reason=UnknownReason.EXPIRED)
        assert await bench.get() == Unknown(reason=UnknownReason.FAILED)

    asyncio.run(play())


def test_while_a_score_is_fresh_no_worse_source_is_asked_and_none_replaces_it():
    async def play():
        better, worse = make_reading(1, tier=1), make_reading(2, tier=2)
        bench = Bench(better, worse)
        await bench.get()
        bench.clock.now_s = 250
        await bench.cache.refresh(QUESTION)
        assert [tier for _, tier, _ in bench.outside.calls] == [None, 1]
        assert bench.peek().reading is better
        bench.clock.now_s = 300
        await bench.cache.refresh(QUESTION)
        assert bench.peek().reading is worse

    asyncio.run(play())


def test_a_better_source_replaces_a_worse_one_at_once():
    async def play():
        worse, better = make_reading(2, tier=3), make_reading(1, tier=1)
        bench = Bench(worse, better)
        await bench.get()
        bench.clock.now_s = 10
        await bench.cache.refresh(QUESTION)
        assert bench.peek().reading is better

    asyncio.run(play())


def test_a_quarantined_answer_leaves_the_old_score_or_nothing():
    async def play():
        bench = Bench(None, is_quarantined=True)
        assert await bench.get() == Unknown(reason=UnknownReason.QUARANTINED)

    asyncio.run(play())


def test_the_least_recently_used_entry_goes_first():
    async def play():
        bench = Bench(make_reading(), capacity=2)
        for symbol in ("A", "B"):
            await bench.cache.get(symbol, "q")
        bench.cache.peek(Question("A", "q"))
        await bench.cache.get("C", "q")
        assert isinstance(bench.cache.peek(Question("A", "q")), Known)
        assert isinstance(bench.cache.peek(Question("B", "q")), Unknown)
        assert bench.counters.evicted == 1

    asyncio.run(play())


def test_hits_and_misses_are_in_the_log_with_key_score_and_age(capsys):
    async def play():
        bench = Bench(make_reading(40))
        await bench.get()
        bench.clock.now_s = 12
        bench.peek()

    asyncio.run(play())
    text = capsys.readouterr().out
    assert "sentiment cache miss" in text
    assert "reason=cold" in text
    assert "sentiment cache hit" in text
    assert "score=40" in text
    assert "age=12s" in text
