"""Codes of the gate in plain words."""

import pytest

from palmbot.cli.why import ANSWERS, RULES, find_rule
from palmbot.core.gate import Denial
from palmbot.domain.orders import IntentState


@pytest.mark.parametrize(
    "reason",
    [
        "buy (RSI 20.1 below 30) refused, SPREAD: spread 70 bp is above 60 bp",
        "entry not sent, SPREAD: spread 70 bp is above 60 bp",
        "SPREAD: spread 70 bp is above 60 bp",
        "close (x) not possible, SPREAD: spread",
    ],
)
def test_the_rule_behind_a_refusal_is_found_wherever_its_code_stands(reason):
    assert find_rule(reason) == RULES["SPREAD"]


@pytest.mark.parametrize("reason", ["RSI 50.0 between 30 and 70: hold", "", "NEW_CODE: something"])
def test_what_is_no_refusal_or_has_no_text_gets_no_rule(reason):
    assert find_rule(reason) == ""


def test_every_code_that_the_gate_knows_has_its_words():
    assert set(RULES) == set(Denial)
    assert {"OPERATOR", "SLOT_FROZEN", "DATA_STALE", "SENTIMENT"} <= set(RULES)


def test_every_state_of_a_request_has_an_answer():
    assert set(ANSWERS) == set(IntentState)
