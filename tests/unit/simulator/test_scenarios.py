"""Faults on cue."""

from collections import Counter
from itertools import pairwise

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.simulator.scenarios import (
    FLAKY,
    STORM,
    FaultPlan,
    RequestFault,
    Scenario,
    StepFault,
    make_scenario,
)


def play(scenario, steps=20_000, orders=60):
    faults = [planned for _ in range(steps) if (planned := scenario.plan_step())]
    return faults, [scenario.plan_request(is_order=True) for _ in range(orders)]


def test_the_same_seed_gives_the_same_faults_and_another_seed_others():
    assert play(make_scenario("storm", 1)) == play(make_scenario("storm", 1))
    assert play(make_scenario("storm", 1)) != play(make_scenario("storm", 2))


def test_faults_of_orders_do_not_depend_on_how_many_quotes_came_between():
    first, second = make_scenario("storm", 1), make_scenario("storm", 1)
    play(second, orders=0)
    assert play(first, steps=0)[1] == play(second, steps=0)[1]


def test_without_faults_nothing_goes_wrong():
    faults, orders = play(make_scenario("none", 1))
    assert faults == []
    assert set(orders) == {None}
    assert make_scenario("none", 1).plan_request(is_order=False) is None


def test_a_storm_knows_every_fault_there_is_and_deals_each_before_any_comes_again():
    faults, orders = play(make_scenario("storm", 3), orders=len(STORM.order_faults))
    assert {planned.fault for planned in faults[: len(StepFault)]} == set(StepFault)
    dealt = Counter(planned.fault if planned else None for planned in orders)
    assert dealt == {**dict.fromkeys(RequestFault, 1), None: 6}


def test_a_flaky_line_loses_no_order_on_its_way():
    lost = {
        RequestFault.CUT_BEFORE,
        RequestFault.SILENT_LOST,
        RequestFault.THROTTLED,
        RequestFault.BUSY,
    }
    assert not lost & set(FLAKY.order_faults)


def test_outages_and_refusals_last_as_long_as_planned():
    plan = FaultPlan(
        step_faults=(StepFault.OUTAGE, StepFault.REFUSED, StepFault.MAINTENANCE),
        outage_steps=(5, 9),
        refused_attempts=(2, 2),
        maintenance_steps=(7, 7),
    )
    faults, _ = play(Scenario(plan, 1), steps=30)
    for planned in faults:
        if planned.fault is StepFault.OUTAGE:
            assert 5 <= planned.steps <= 9
        if planned.fault is StepFault.REFUSED:
            assert planned.attempts == 2
        if planned.fault is StepFault.MAINTENANCE:
            assert planned.steps == 7


def test_the_gap_between_two_faults_is_within_its_range():
    scenario = Scenario(FaultPlan(step_gap=(10, 20), step_faults=(StepFault.CUT,)), 1)
    at = [i for i in range(2_000) if scenario.plan_step()]
    gaps = [b - a for a, b in pairwise(at)]
    assert min(gaps) >= 10
    assert max(gaps) <= 20
    assert len(set(gaps)) > 5


def test_a_late_reply_comes_after_the_deadline_and_a_slow_one_before():
    plan = FaultPlan(
        order_faults=(RequestFault.SLOW, RequestFault.TOO_LATE),
        reading_faults=(RequestFault.SLOW, RequestFault.TOO_LATE),
    )
    scenario = Scenario(plan, 1)
    for is_order, deadline_s in ((True, 5.0), (False, 10.0)):
        for _ in range(20):
            planned = scenario.plan_request(is_order=is_order)
            assert (planned.delay_s < deadline_s) is (planned.fault is RequestFault.SLOW)


def test_an_unknown_scenario_is_refused_with_those_there_are():
    with pytest.raises(InputInvalid, match="none, flaky, storm"):
        make_scenario("hurricane", 1)
