"""A reading is held against the rules, and against the one before."""

from dataclasses import replace

from harness.mood_world import MoodClock
from palmbot.domain.mood import Driver, Evidence, Reading
from palmbot.sentiment.acceptance import DISAGREEMENT, JUMP, Acceptance
from palmbot.sentiment.providers import Fetched
from palmbot.sentiment.questions import Question

KEY = Question("PALMOIL", "q").key
BULLISH = ("Malaysian palm oil stocks fall", "Palm oil exports rise 9%")


def reading(score, domains="ab", provider="perplexity"):
    return Reading(
        score=score,
        confidence=0.7,
        evidence=tuple(
            Evidence(domain=each, reference="", title_hash="", dated_at=None) for each in domains
        ),
        evidence_at=None,
        drivers=frozenset({Driver.STOCKS}),
        provider=provider,
        tier=1,
        mode="",
        model="",
        cost_usd=0.0,
        received_at=0,
    )


def judge(acceptance, score, domains="ab", titles=(), provider="perplexity"):
    return acceptance.doubt(KEY, Fetched(reading=reading(score, domains, provider), titles=titles))


def test_a_score_against_its_own_headlines_is_doubted_from_forty_on():
    acceptance = Acceptance(MoodClock())
    assert judge(acceptance, -40, titles=BULLISH) == DISAGREEMENT
    assert judge(acceptance, -39, titles=BULLISH) is None
    assert judge(Acceptance(MoodClock()), 90, titles=BULLISH) is None


def test_a_jump_without_new_sources_waits_for_a_second_fetch():
    acceptance = Acceptance(MoodClock())
    assert judge(acceptance, 10) is None
    assert judge(acceptance, 80) == JUMP
    assert judge(acceptance, 75) is None


def test_a_jump_that_is_taken_back_never_counted():
    acceptance = Acceptance(MoodClock())
    judge(acceptance, 10)
    assert judge(acceptance, 80) == JUMP
    assert judge(acceptance, 12) is None
    assert judge(acceptance, 80) == JUMP


def test_two_new_sources_explain_a_jump_and_one_does_not():
    acceptance = Acceptance(MoodClock())
    judge(acceptance, 0, "ab")
    assert judge(acceptance, 70, "abc") == JUMP
    acceptance = Acceptance(MoodClock())
    judge(acceptance, 0, "ab")
    assert judge(acceptance, 70, "abcd") is None


def test_sixty_points_are_no_jump_and_an_old_score_holds_nothing_back():
    clock = MoodClock()
    acceptance = Acceptance(clock)
    judge(acceptance, 0)
    assert judge(acceptance, 60) is None
    clock.now_s = 2_101
    assert judge(acceptance, -60) is None


def test_scores_of_different_sources_are_not_compared():
    acceptance = Acceptance(MoodClock())
    judge(acceptance, 90)
    assert judge(acceptance, -40, provider="x") is None


def test_a_score_is_a_whole_number_in_range_and_nothing_else():
    for score in (True, 1.0, "5", float("nan"), None, 101, -101, 2**40):
        try:
            replace(reading(0), score=score)
        except ValueError:
            continue
        raise AssertionError(f"{score!r} passed for a score")
    assert {replace(reading(0), score=each).score for each in (-100, 0, 100)} == {-100, 0, 100}
