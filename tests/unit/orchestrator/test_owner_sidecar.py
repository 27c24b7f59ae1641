"""The sidecar for the owner's session document can be read and promises nothing it cannot keep."""

from pathlib import Path

import pytest

from orchestrator.document.sidecar import parse_acceptance
from orchestrator.domain.checks import CommandCheck, Comparison

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


def kinds_of(acceptance):
    kinds = [check.kind for _, said in acceptance.batches for check in said.checks]
    return kinds + [each.check.kind for each in acceptance.metrics if each.check]


def test_a_test_command_counts_its_tests_and_its_files_exist(acceptance):
    commands = [each for each in kinds_of(acceptance) if isinstance(each, CommandCheck)]
    tests = [each for each in commands if "pytest" in each.argv]
    assert len(tests) == 8
    assert all(each.tests_min and each.tests_min >= 10 for each in tests)
    for each in tests:
        for part in each.argv:
            assert not part.startswith("tests/") or (ROOT / part).exists(), part


def test_the_sources_under_judgement_are_run_and_not_those_installed(acceptance):
    for each in kinds_of(acceptance):
        if isinstance(each, CommandCheck) and "{python}" in each.argv:
            assert each.argv[:3] == ("env", "PYTHONPATH=src", "{python}")


def test_the_live_server_is_asked_for_its_own_name(acceptance):
    check = acceptance.metrics[0].check.kind
    assert check.argv[-3:] == ("tls-check", "live.ctraderapi.com:5035", "--json")
    assert (check.json_pointer, check.target) == ("servers.0.verdict", "VALID")


def test_a_profit_factor_is_green_only_with_a_verdict_that_noise_cannot_pass(acceptance):
    check = acceptance.metrics[4].check.kind
    assert check.argv[check.argv.index("--require") :][:2] == ("--require", "robust")
    assert (check.json_pointer, check.comparison, check.target) == (
        "best.profit_factor",
        Comparison.GREATER,
        1.5,
    )


def test_what_judges_the_work_is_out_of_reach_of_the_agents(acceptance):
    assert {"pyproject.toml", "tests/simulation/*", "examples/owner_session/*"} <= set(
        acceptance.protected
    )
