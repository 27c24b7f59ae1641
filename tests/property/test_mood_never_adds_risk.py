"""No mood whatever opens, enlarges, closes or reverses anything."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from harness.engine_world import EASY, World
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.core.strategy import Signal, judge_mood
from palmbot.domain.commands import StoreIntent
from palmbot.domain.events import SentimentUpdated

NOW = 1_780_000_000_000


def make_world(sentiment):
    world = World(replace(EASY, sentiment=sentiment))
    world.make_ready()
    return world


rules = st.builds(
    SentimentRules,
    mode=st.sampled_from(SentimentMode),
    veto_score=st.floats(0, 100),
    veto_confidence=st.floats(0, 1),
    veto_domains=st.integers(0, 9),
    confirm_score=st.floats(0, 100),
    against_percent=st.integers(50, 100),
)
moods = st.none() | st.builds(
    SentimentUpdated,
    score=st.none() | st.integers(-100, 100),
    confidence=st.floats(0, 1),
    domains=st.integers(0, 20),
    has_driver=st.booleans(),
    as_of=st.integers(NOW - 4_000_000, NOW + 1_000_000),
    source=st.just("test"),
)


@given(st.sampled_from([Signal.BUY, Signal.SELL]), moods, rules)
def test_a_mood_leaves_at_most_the_usual_size(signal, mood, chosen):
    verdict = judge_mood(signal, mood, NOW, chosen)
    assert 50 <= verdict.size_percent <= 100
    if chosen.mode is not SentimentMode.VETO or mood is None or mood.score is None:
        assert verdict.size_percent == 100


@settings(max_examples=15, deadline=None)
@given(moods, rules, st.sampled_from(["flat", "long"]))
def test_a_mood_alone_commands_nothing(mood, chosen, stance):
    # A long is entered without asking the mood, or many a mood would keep it from that.
    is_long = stance == "long"
    world = make_world(replace(chosen, mode=SentimentMode.OFF) if is_long else chosen)
    if is_long:
        world.enter()
    if mood is None:
        return
    before = world.state
    decision = world.give(mood)
    assert decision.commands == ()
    assert world.state == structs.replace(before, sentiment=mood, sequence=before.sequence + 1)


def entry_volume(mood, chosen):
    world = make_world(chosen)
    if mood is not None:
        world.give(structs.replace(mood, as_of=world.broker.now + 1))
    stored = [each for each in world.fall().commands if isinstance(each, StoreIntent)]
    return stored[0].intent.volume if stored else 0


@settings(max_examples=15, deadline=None)
@given(moods, rules)
def test_no_mood_makes_an_entry_larger_than_without_it(mood, chosen):
    plain = entry_volume(None, SentimentRules(mode=SentimentMode.OFF))
    assert plain > 0
    assert 0 <= entry_volume(mood, chosen) <= plain


def test_a_mood_against_an_entry_may_halve_it():
    against = SentimentUpdated(
        score=-59, confidence=0.9, domains=5, has_driver=True, as_of=NOW, source="test"
    )
    halving = SentimentRules(mode=SentimentMode.VETO, against_percent=50)
    plain = entry_volume(None, SentimentRules(mode=SentimentMode.OFF))
    assert 0.5 * plain <= entry_volume(against, halving) < 0.55 * plain
