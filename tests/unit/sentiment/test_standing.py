"""When a source may be asked: cool-down, breaker, interval, budget, key."""

import pytest

from harness.mood_world import MoodClock
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.standing import Standing


def make():
    clock = MoodClock()
    return Standing("perplexity", clock, interval_s=60.0), clock


def fail(standing, kind, times=1, **facts):
    for _ in range(times):
        standing.begin()
        standing.fail(ProviderFailed(kind, "test", **facts))


def kind_of(standing):
    refusal = standing.refuse()
    return None if refusal is None else refusal.kind


def test_two_questions_are_a_minute_apart():
    standing, clock = make()
    standing.begin()
    standing.succeed()
    clock.now_s = 59.9
    assert kind_of(standing) is FailureKind.RATE_LIMITED
    clock.now_s = 60.0
    assert kind_of(standing) is None


def test_three_failures_in_a_row_open_the_breaker_for_a_minute_then_twice_as_long():
    standing, clock = make()
    fail(standing, FailureKind.SERVER, times=2)
    clock.now_s = 60.0
    assert kind_of(standing) is None
    fail(standing, FailureKind.TIMEOUT)
    clock.now_s = 119.0
    assert kind_of(standing) is FailureKind.TIMEOUT
    clock.now_s = 120.0
    assert kind_of(standing) is None
    standing.begin()
    assert kind_of(standing) is FailureKind.TIMEOUT  # one probe at a time
    standing.fail(ProviderFailed(FailureKind.SERVER, "test"))
    clock.now_s = 239.0
    assert kind_of(standing) is FailureKind.SERVER
    clock.now_s = 240.0
    assert kind_of(standing) is None


def test_the_rest_doubles_up_to_a_quarter_of_an_hour_and_a_success_forgets_it():
    standing, clock = make()
    fail(standing, FailureKind.NETWORK, times=3)
    for _ in range(8):
        clock.now_s += 900
        fail(standing, FailureKind.NETWORK)
    assert standing.describe().wait_s == 900
    clock.now_s += 900
    standing.begin()
    standing.succeed()
    clock.now_s += 60
    fail(standing, FailureKind.NETWORK, times=2)
    assert standing.describe().state == "ready"


def test_a_probe_that_was_given_up_may_be_tried_again():
    standing, clock = make()
    fail(standing, FailureKind.SERVER, times=3)
    clock.now_s = 60
    standing.begin()
    standing.abandon()
    clock.now_s = 120
    assert kind_of(standing) is None


def test_a_rate_limit_cools_down_as_long_as_told_and_never_breaks():
    standing, clock = make()
    fail(standing, FailureKind.RATE_LIMITED, times=5, retry_after_s=300.0)
    assert standing.describe().state == "cooling down"
    clock.now_s = 299.0
    assert kind_of(standing) is FailureKind.RATE_LIMITED
    clock.now_s = 300.0
    assert kind_of(standing) is None


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.DISABLED])
def test_a_wrong_key_or_a_retired_endpoint_is_out_for_good(kind):
    standing, clock = make()
    fail(standing, kind)
    clock.now_s = 10 * 86_400.0
    assert kind_of(standing) is kind


def test_an_empty_budget_is_out_until_midnight_in_utc():
    standing, clock = make()
    fail(standing, FailureKind.BUDGET)
    clock.now_s = 15.9 * 3_600  # the test begins at 08:00
    assert kind_of(standing) is FailureKind.BUDGET
    clock.now_s = 16.0 * 3_600
    assert kind_of(standing) is None


@pytest.mark.parametrize(
    "kind", [FailureKind.NO_EVIDENCE, FailureKind.REFUSAL, FailureKind.BAD_REQUEST]
)
def test_an_honest_no_is_no_illness(kind):
    standing, _ = make()
    fail(standing, kind, times=5)
    assert standing.describe().state == "ready"
