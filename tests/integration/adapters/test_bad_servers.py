"""Bad certificates and bad servers: refused on every Python here, before a byte of an application.

Other interpreters need no package of ours: the context and the handshake are standard library.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import palmbot
from harness.manual_clock import ManualClock
from harness.tls_cases import HOST, SILENCE_S, Cases, Standing, stand_up
from harness.tls_servers import TOKEN
from palmbot.adapters.ctrader_broker import CtraderBroker, Endpoint
from palmbot.adapters.tls import make_context
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId
from palmbot.live.inbox import Inbox

SOURCE = Path(palmbot.__file__).parents[1]
CLIENT = Path(__file__).parents[2] / "harness" / "tls_client.py"
DOCUMENT = Path(__file__).parents[3] / "docs" / "SAFETY.md"
OLDEST = (3, 11)
TURNS_MAX = 10_000


def find_pythons() -> dict[str, str]:
    """Return every CPython from 3.11 on that this machine has, one for each minor version."""
    ours = ".".join(map(str, sys.version_info[:2]))
    found = {ours: sys.executable}
    installed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    places = [*installed.glob("3.*/bin/python"), *Path("/usr/bin").glob("python3.[1-9][0-9]")]
    for place in sorted(places):
        asked = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
        answer = subprocess.run(  # noqa: S603 - an interpreter of this machine
            [place, "-c", asked], capture_output=True, text=True, check=False, timeout=10
        ).stdout.split()
        if answer[:1] == ["cpython"] and (version := tuple(map(int, answer[1:]))) >= OLDEST:
            found.setdefault(".".join(map(str, version)), str(place))
    return found


PYTHONS = find_pythons()


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - OpenSSL judges dates by the clock of the machine


@pytest.fixture
def standing(tmp_path, now, monkeypatch):
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with stand_up(Cases(now).all(), tmp_path) as stood:
        yield stood


def run_client(python: str, standing: tuple[Standing, ...], plan: Path) -> dict:
    cases = [
        {
            "name": each.case.name,
            "port": each.server.port,
            "server_name": HOST,
            "ca": str(each.ca),
            "crl": str(each.crl) if each.crl else "",
            "timeout_s": each.case.timeout_s,
        }
        for each in standing
    ]
    plan.write_text(json.dumps({"token": TOKEN.decode(), "cases": cases}), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - our own script
        [python, "-X", "dev", "-W", "ignore", CLIENT, plan],
        env={"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", PYTHONS)
def test_every_bad_server_is_refused_without_a_byte_and_every_good_one_accepted(
    standing, tmp_path, version
):
    outcome = run_client(PYTHONS[version], standing, tmp_path / "plan.json")
    assert outcome["python"].startswith(f"{version}.")
    wrong = [text for each in standing for text in find_faults(each, outcome[each.case.name])]
    assert not wrong, "\n".join(wrong)


def find_faults(standing: Standing, seen: dict) -> list[str]:
    case, read = standing.case, standing.server.read
    if case.is_good:
        is_right = (seen["probe"], seen["link"], read) == ("", "accepted", TOKEN)
        return [] if is_right else [f"{case.name}: {seen}, the server read {read!r}"]
    faults = []
    if TOKEN in read or (case.script is None and read):
        faults.append(f"{case.name}: the server read {read!r}")
    if not seen["probe"].startswith("tls") or seen["link"] in {"accepted", "never connected"}:
        faults.append(f"{case.name}: not refused: {seen}")
    if case.verify_codes and seen["verify_code"] not in case.verify_codes:
        faults.append(f"{case.name}: refused for another reason: {seen}")
    if standing.server.clients != 2:  # it was really there, twice
        faults.append(f"{case.name}: {standing.server.clients} clients came")
    return faults


def test_the_link_of_the_bot_sends_nothing_to_any_of_them(standing):
    # Silence takes the ten seconds of a handshake here; the client above met it.
    quick = [each for each in standing if not each.case.is_good and each.case.timeout_s > SILENCE_S]
    errors = asyncio.run(meet_all(quick))
    for each, error in zip(quick, errors, strict=True):
        assert TOKEN not in each.server.read, each.case.name
        assert each.case.script is not None or not each.server.read, each.case.name
        assert each.server.clients == 1, each.case.name
        if each.case.verify_codes:
            assert isinstance(error, ConfigInvalid), each.case.name
            assert "no secret was sent" in str(error)


async def meet_all(standing: list[Standing]) -> list[BaseException | None]:
    return await asyncio.gather(*map(meet, standing))


async def meet(standing: Standing) -> BaseException | None:
    """Let the broker adapter try once; return the error that ended it, None if it would go on."""
    secret = Secret(TOKEN.decode())
    broker = CtraderBroker(
        endpoint=Endpoint(host="127.0.0.1", port=standing.server.port, server_name=HOST),
        tls=make_context(standing.ca, standing.crl),
        new_connection=lambda generation: ClientConnection(
            generation=generation,
            credentials=Credentials(client_id="app", client_secret=secret, access_token=secret),
            target=Target(
                environment=Environment.DEMO, account_id=AccountId(1), symbol_name="PALMOIL"
            ),
        ),
        sink=Inbox(),
        clock=ManualClock(),
        draw_jitter=lambda: 0.5,
    )
    attempt = asyncio.create_task(broker.run())
    # The wait before the second attempt is where it stands once the first has failed.
    for _ in range(TURNS_MAX):
        if attempt.done() or broker.next_deadline_s is not None:
            break
        await asyncio.sleep(0.001)
    attempt.cancel()
    return (await asyncio.gather(attempt, return_exceptions=True))[0]


def test_the_document_lists_exactly_these_servers(now):
    listed = re.findall(
        r"^\| \d+ \| ([^|]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    made = Cases(now).all()
    assert listed == [case.name for case in made if not case.is_good]
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    good = "; ".join(case.name.removeprefix("good: ") for case in made if case.is_good)
    assert f"Accepted are: {good}." in text
