"""What the codes of the broker mean."""

import pytest

from palmbot.ctrader.errors import ErrorClass, classify, proves_refusal
from palmbot.ctrader.generated.enums_pb2 import ProtoOAErrorCode
from palmbot.ctrader.generated.envelope_pb2 import ProtoErrorCode

UNDECIDED = {"UNKNOWN_ERROR"}
"""Codes of the schema that say nothing by themselves."""


def test_every_code_of_the_schema_is_classified():
    codes = {*ProtoOAErrorCode.keys(), *ProtoErrorCode.keys()} - UNDECIDED
    assert {code for code in codes if classify(code) is ErrorClass.UNKNOWN} == set()


@pytest.mark.parametrize(
    ("code", "description", "family"),
    [
        ("INVALID_REQUEST", "Trading account is not authorized", ErrorClass.ACCOUNT_SESSION),
        ("INVALID_REQUEST", "SL/TP in absolute values", ErrorClass.REQUEST_BUG),
        (
            "UNKNOWN_ERROR",
            "No pooled connection to main server",
            ErrorClass.TRANSIENT_LINK,
        ),
        ("UNKNOWN_ERROR", "something else", ErrorClass.UNKNOWN),
        ("POSITION_NOT_FOUND_OR_NOT_OPENED", "", ErrorClass.GONE),
        ("NEVER_SEEN_BEFORE", "", ErrorClass.UNKNOWN),
        ("", "", ErrorClass.UNKNOWN),
    ],
)
def test_code_and_text_together_decide(code, description, family):
    assert classify(code, description) is family


@pytest.mark.parametrize(
    ("code", "is_proof"),
    [
        ("TRADING_BAD_VOLUME", True),
        ("MARKET_CLOSED", True),
        ("POSITION_NOT_FOUND", True),
        ("POSITION_LOCKED", True),
        ("TIMEOUT_ERROR", False),
        ("ACCOUNT_NOT_AUTHORIZED", False),
        ("REQUEST_FREQUENCY_EXCEEDED", False),
        ("CH_ACCESS_TOKEN_INVALID", False),
        ("NEVER_SEEN_BEFORE", False),
    ],
)
def test_only_an_answer_about_the_request_itself_proves_that_nothing_was_placed(code, is_proof):
    assert proves_refusal(code, is_entry=False) is is_proof


@pytest.mark.parametrize(
    "code", ["POSITION_LOCKED", "PENDING_EXECUTION", "CONCURRENT_MODIFICATION", "ORDER_NOT_FOUND"]
)
def test_that_something_existing_is_busy_or_gone_proves_nothing_about_an_entry(code):
    assert proves_refusal(code, is_entry=False)
    assert not proves_refusal(code, is_entry=True)


@pytest.mark.parametrize("code", ["TRADING_BAD_VOLUME", "MARKET_CLOSED", "NOT_ENOUGH_MONEY"])
def test_a_refusal_of_the_entry_itself_proves_that_nothing_was_placed(code):
    assert proves_refusal(code, is_entry=True)
