"""The refresher asks before a score expires, while it is of use, and not more often."""

import asyncio

import pytest

from harness.mood_world import MoodClock
from palmbot.domain.mood import Freshness, Known, Unknown, UnknownReason
from palmbot.sentiment.questions import Question
from palmbot.sentiment.refresher import Refresher

KNOWN = Known(reading=None, age_ms=0, freshness=Freshness.MISS)


class Cache:
    def __init__(self, found):
        self.found = found
        self.deadlines = []

    async def refresh(self, _question, *, deadline_s=None):
        self.deadlines.append(deadline_s)
        return self.found


def make(found, *, jitter=0.0, is_open=lambda: True):
    clock = MoodClock()

    async def wait(seconds):
        clock.now_s += seconds
        if clock.now_s > 3_600:
            raise asyncio.CancelledError

    cache = Cache(found)
    refresher = Refresher(
        cache,
        Question("PALMOIL", "q"),
        clock=clock,
        is_open=is_open,
        wait=wait,
        draw_jitter=lambda: jitter,
    )
    return refresher, cache, clock


def due_after(found, jitter=0.0):
    refresher, _, clock = make(found, jitter=jitter)
    asyncio.run(refresher.refresh())
    for second in range(1, 400):
        clock.now_s = float(second)
        if refresher.is_due:
            return second
    return None


@pytest.mark.parametrize(("jitter", "second"), [(0.0, 240), (0.5, 264), (0.999, 288)])
def test_a_score_is_renewed_in_the_last_fifth_of_its_life_and_done_before_its_end(jitter, second):
    assert due_after(KNOWN, jitter) == second


def test_after_a_failure_it_tries_again_as_soon_as_a_source_may_be_asked():
    assert due_after(Unknown(reason=UnknownReason.FAILED)) == 60


def test_a_score_that_could_not_be_renewed_is_left_to_expire_first():
    still_fresh = Known(reading=None, age_ms=250_000, freshness=Freshness.HIT)
    assert due_after(still_fresh) == 50


def test_only_the_first_question_may_take_as_long_as_a_schema_needs():
    refresher, cache, _ = make(KNOWN)
    asyncio.run(refresher.refresh())
    asyncio.run(refresher.refresh())
    assert cache.deadlines == [42.0, None]


def test_an_hour_costs_at_most_fifteen_questions_and_a_closed_market_none():
    for is_open, count in ((True, 15), (False, 0)):
        refresher, cache, _ = make(KNOWN, is_open=lambda is_open=is_open: is_open)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(refresher.run())
        assert len(cache.deadlines) <= count + 1
        assert (len(cache.deadlines) > 0) is is_open
