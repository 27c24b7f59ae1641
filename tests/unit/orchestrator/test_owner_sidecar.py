"""The sidecar for the owner's session document can be read and promises nothing it cannot keep."""

from pathlib import Path

import pytest

from orchestrator.document.sidecar import parse_acceptance
from orchestrator.domain.checks import CommandCheck, ManualCheck, TlsProbeCheck

ROOT = Path(__file__).parents[3]
ROWS = (
    "TLS Validation",
    "OAuth Production",
    "Circuit Breakers",
    "Position Reconciliation",
    "Backtest Optimizer",
    "Sentiment Cache",
)


@pytest.fixture(scope="module")
def acceptance():
    return parse_acceptance((ROOT / "examples/owner_session/acceptance.toml").read_bytes())


def test_every_task_of_both_batches_has_a_check(acceptance):
    for batch_id in ("TODO-BATCH-001", "TODO-BATCH-002"):
        assert {check.task for check in acceptance.of_batch(batch_id).checks} == {1, 2, 3}


def test_every_row_is_bound_or_says_why_it_is_not_measured(acceptance):
    assert tuple(each.criterion for each in acceptance.metrics) == ROWS
    for each in acceptance.metrics:
        assert (each.check is None) == bool(each.not_measured)


def test_a_test_command_counts_its_tests(acceptance):
    kinds = [check.kind for _, said in acceptance.batches for check in said.checks]
    kinds += [each.check.kind for each in acceptance.metrics if each.check]
    commands = [each for each in kinds if isinstance(each, CommandCheck) and "pytest" in each.argv]
    assert len(commands) == 5
    assert all(each.tests_min and each.tests_min >= 10 for each in commands)
    assert {type(each) for each in kinds} == {CommandCheck, ManualCheck, TlsProbeCheck}


def test_the_live_server_is_asked_for_its_own_name(acceptance):
    probe = acceptance.metrics[0].check.kind
    assert (probe.host, probe.port, probe.ca_file) == ("live.ctraderapi.com", 5035, None)


def test_what_judges_the_work_is_out_of_reach_of_the_agents(acceptance):
    assert {"pyproject.toml", "tests/simulation/*", "examples/owner_session/*"} <= set(
        acceptance.protected
    )
