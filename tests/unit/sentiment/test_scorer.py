"""The rules read headlines the way the palm oil market does, and better than a dictionary."""

import csv
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from harness.injections import make_injections
from palmbot.domain.mood import Driver
from palmbot.sentiment.headlines import clean_title, is_instruction
from palmbot.sentiment.rules import CLAUSE_RULES
from palmbot.sentiment.scorer import score_batch, score_headline

DATA = Path(__file__).resolve().parents[2] / "data"
SEED = files("palmbot.sentiment") / "palm_headlines_seed.csv"
HELD_OUT = [DATA / "palm_headlines_held_out.csv", DATA / "palm_headlines_unseen.csv"]
GATED = {"stocks", "output", "exports", "demand", "policy", "fx"}
MARGIN_OVER_DICTIONARY = 0.925 - 0.338
"""Source: the measurement on the same 80 headlines that the rules were first built with."""


def read(path):
    with path.open(encoding="ascii") as lines:
        return [
            (int(row["label"]), row["category"], row["headline"]) for row in csv.DictReader(lines)
        ]


def accuracy(rows, sign_of):
    return sum(sign_of(headline) == label for label, _, headline in rows) / len(rows)


def rule_sign(headline):
    return score_headline(headline).sign


@pytest.mark.parametrize("path", [SEED, *HELD_OUT], ids=lambda path: path.name)
def test_no_headline_of_a_gated_group_is_read_backwards(path):
    backwards = [
        (category, headline)
        for label, category, headline in read(path)
        if category in GATED and label * rule_sign(headline) < 0
    ]
    assert backwards == []


def test_the_seed_is_read_right_far_more_often_than_by_a_dictionary():
    rows = read(SEED)
    vader = SentimentIntensityAnalyzer()

    def vader_sign(headline):
        score = vader.polarity_scores(headline)["compound"]
        return 0 if abs(score) < 0.05 else (1 if score > 0 else -1)

    ours, theirs = accuracy(rows, rule_sign), accuracy(rows, vader_sign)
    assert theirs == pytest.approx(0.338, abs=0.001)
    assert ours - theirs >= MARGIN_OVER_DICTIONARY
    assert ours >= 0.95


@pytest.mark.parametrize("path", HELD_OUT, ids=lambda path: path.name)
def test_headlines_the_rules_were_not_written_for_are_read_right_nine_times_in_ten(path):
    assert accuracy(read(path), rule_sign) >= 0.9


@pytest.mark.parametrize(
    ("headline", "sign", "driver"),
    [
        ("Palm oil stocks fall", 1, Driver.STOCKS),
        ("Palm oil stocks rise", -1, Driver.STOCKS),
        ("Palm oil output rises", -1, Driver.OUTPUT),
        ("Palm oil exports rise", 1, Driver.EXPORTS),
        ("India raises import duty on palm oil", -1, Driver.POLICY),
        ("Ringgit weakens", 1, Driver.FX),
        ("CPO futures settle 78 ringgit higher", 1, Driver.PRICE_ACTION),
    ],
)
def test_supply_turns_the_sign_around_and_demand_keeps_it(headline, sign, driver):
    scored = score_headline(headline)
    assert scored.sign == sign
    assert scored.drivers == {driver}


def test_ringgit_after_a_number_is_a_unit_and_no_news_of_a_currency():
    assert score_headline("Palm oil rises 60 ringgit").drivers == {Driver.PRICE_ACTION}


def test_a_past_move_of_the_price_weighs_less_than_a_driver():
    batch = score_batch(["Palm oil futures climb", "Malaysian palm oil stocks rise"])
    assert batch.score == round(100 * (0.3 - 1) / 1.3)
    assert batch.relevant == 2


def test_a_batch_about_other_things_has_no_score_and_says_so():
    batch = score_batch(["Orangutan habitat shrinking", "IOI appoints new chief"])
    assert (batch.score, batch.relevant, batch.agreement) == (0, 0, 0.0)


def test_each_rule_has_a_name_of_its_own():
    names = [rule.name for rule in CLAUSE_RULES]
    assert len(set(names)) == len(names)


@given(st.text(max_size=400))
def test_any_text_has_a_score_in_range_and_the_same_one_again(text):
    scored = score_headline(text)
    assert -1.0 <= scored.score <= 1.0
    assert score_headline(text) == scored


NEWS = ["Malaysian palm oil stocks fall", "Palm oil exports rise 12%", "Palm oil output drops"]


def test_two_hundred_titles_that_dictate_a_score_change_none():
    injections = make_injections()
    assert len(set(injections)) == 200
    honest = score_batch(NEWS)
    for text in injections:
        title = clean_title(text)
        assert is_instruction(title), title
        read = [each for each in [*NEWS, title] if not is_instruction(each)]
        assert score_batch(read) == honest


@pytest.mark.parametrize("path", [SEED, *HELD_OUT], ids=lambda path: path.name)
def test_no_real_headline_is_taken_for_an_order(path):
    taken = [headline for _, _, headline in read(path) if is_instruction(headline)]
    assert taken == []
