"""The unit, the container and the compose file keep what the documents promise of them."""

import configparser
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from palmbot.adapters.service_notifier import BEAT_S
from palmbot.bootstrap.alarms import LAST_WORDS_S
from palmbot.cli.output import EXIT_FATAL, EXIT_USAGE
from palmbot.live.departure import ANSWER_S_MAX

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def unit():
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read(ROOT / "deploy" / "palmbot.service")
    return parser


@pytest.fixture(scope="module")
def service():
    content = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    return content["services"]["palmbot"]


@pytest.fixture(scope="module")
def stages():
    """The instructions of each stage of the Dockerfile, continued lines joined."""
    text = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = []
    for line in lines:
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(re.sub(r"\s+", " ", line))
    return found


def test_the_unit_never_restarts_what_asks_for_a_person(unit):
    section = unit["Service"]
    assert section["Restart"] == "on-failure"
    prevented = {int(code) for code in section["RestartPreventExitStatus"].split()}
    assert prevented == {EXIT_USAGE, EXIT_FATAL}
    assert unit["Unit"]["StartLimitBurst"] == "5"
    assert unit["Unit"]["StartLimitIntervalSec"] == "600"


def test_the_supervisors_wait_for_an_orderly_end_and_miss_two_signs_of_life(unit, service):
    needed_s = ANSWER_S_MAX + LAST_WORDS_S
    assert int(unit["Service"]["TimeoutStopSec"]) > needed_s
    assert int(service["stop_grace_period"].removesuffix("s")) > needed_s
    assert unit["Service"]["Type"] == "notify"
    assert int(unit["Service"]["WatchdogSec"]) >= 3 * BEAT_S
    assert unit["Service"]["KillSignal"] == service["stop_signal"] == "SIGTERM"


def test_the_unit_runs_as_a_user_of_its_own_that_can_write_one_place(unit):
    section = unit["Service"]
    assert section["User"] not in {"", "root"}
    assert section["ProtectSystem"] == "strict"
    assert section["ReadWritePaths"] == section["WorkingDirectory"] == "/var/lib/palmbot"
    assert section["UMask"] == "0077"
    assert section["NoNewPrivileges"] == section["ProtectHome"] == "yes"
    assert section["CapabilityBoundingSet"] == ""
    assert section["LimitCORE"] == "0"  # a core would hold the secrets


def test_no_file_of_the_deployment_starts_live_or_holds_a_secret(unit, service, stages):
    assert unit["Service"]["ExecStart"].split() == ["/opt/palmbot/bin/palmbot", "run"]
    assert service["command"] == ["run"]
    assert stages[-1][-1] == 'CMD ["run"]'
    for name in ("palmbot.service", "compose.yaml", "Dockerfile"):
        code = re.sub(r"^\s*#.*$", "", (ROOT / "deploy" / name).read_text(), flags=re.MULTILINE)
        assert not re.search(r"--live|live arm|CTRADER_|SECRET|TOKEN", code)
    assert "environment" not in service
    assert "env_file" not in service


def test_the_container_is_small_and_cannot_change_itself(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert service["init"] is True
    assert service["restart"] == "on-failure:5"
    assert service["pids_limit"] <= 128
    assert service["mem_limit"] == "512m"
    assert not service["ports"]
    assert all(each.endswith(":ro") for each in service["volumes"] if each.startswith(".."))
    assert service["image"].endswith(f":{VERSION}")


def test_the_image_is_pinned_built_from_hashes_and_runs_as_nobody(stages):
    bases = {stage[0].split()[1] for stage in stages}
    (base,) = bases
    assert re.fullmatch(r"python:3\.1[1-9]\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)
    build, run = ("\n".join(stage) for stage in stages)
    assert "--require-hashes" in build
    assert "--only-binary :all:" in build
    assert "requirements/live.txt" in build
    assert "USER 10001:10001" in run
    assert "HEALTHCHECK" in run
    assert '"status", "--running"' in run
    assert 'ENTRYPOINT ["palmbot"]' in run
    assert not re.search(r"^(ADD|EXPOSE) ", f"{build}\n{run}", re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    assert ".env" not in [each.removeprefix("!") for each in ignored[1:]]
