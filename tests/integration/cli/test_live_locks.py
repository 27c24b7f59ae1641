"""The locks of LIVE: with any of them shut, nothing that matters leaves for the LIVE host."""

import asyncio
import io
import itertools
import json
import os
import re
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from harness.broker_host import find_free_address, point_hosts
from harness.live_home import ACCOUNT, BROKER, IN_ARMING, IN_SETTINGS, LIVE_HOST, LiveHome
from harness.scripted_server import ScriptedServer
from palmbot.adapters.ctrader_broker import LIVE_SERVER, PROTOBUF_PORT, endpoint_for
from palmbot.adapters.live_arming import FILE_NAME, read_build
from palmbot.adapters.operator_socket import ask
from palmbot.adapters.pin_file import PinFile
from palmbot.bootstrap.directory import SOCKET_NAME
from palmbot.bootstrap.running import run_bot
from palmbot.cli.main import run_command
from palmbot.cli.run import wire
from palmbot.config.live_locks import SHADOW_LOCKS, Lock, examine_locks, unlock
from palmbot.config.loading import load_config
from palmbot.ctrader.generated.entities_pb2 import ProtoOACtidTraderAccount
from palmbot.domain.errors import ConfigInvalid, InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import TimestampMs

ALL = frozenset(Lock)
ACCOUNT_AUTH, ORDERS = 2102, {2106, 2108, 2109, 2110, 2111}


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith(("CTRADER_", "PALMBOT_")) or name in {"SSL_CERT_FILE", "SSL_CERT_DIR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return LiveHome(tmp_path)


class LiveServer:
    """What stands where the LIVE host would: it records everything that comes."""

    def __init__(self, home: LiveHome, monkeypatch) -> None:
        self.address = find_free_address()
        point_hosts(monkeypatch, {LIVE_HOST: self.address})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home.directory / "server.pem")
        self.scripted = ScriptedServer(context)
        self.scripted.port = PROTOBUF_PORT
        self.list_account()

    def list_account(self, *, is_live: bool = True, broker: str = BROKER) -> None:
        listed = self.scripted.replies[2149]
        del listed.ctidTraderAccount[:]
        listed.ctidTraderAccount.append(
            ProtoOACtidTraderAccount(
                ctidTraderAccountId=ACCOUNT, isLive=is_live, brokerTitleShort=broker, traderLogin=1
            )
        )

    async def __aenter__(self):
        await self.scripted.start(self.address)
        return self

    async def __aexit__(self, *_):
        self.scripted.close()

    @property
    def requests(self) -> list[int]:
        return [each.payload_type for talk in self.scripted.talks for each in talk.requests]


def subsets(locks: frozenset[Lock]) -> list[frozenset[Lock]]:
    """Every proper subset."""
    ordered = sorted(locks)
    return [
        frozenset(each)
        for size in range(len(ordered))
        for each in itertools.combinations(ordered, size)
    ]


def by_settings(is_open: frozenset[Lock]) -> list[Lock]:
    """Order subsets by the settings they take, which are slow to read."""
    return sorted(is_open & IN_SETTINGS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("needed", "is_shadow"), [(ALL, False), (SHADOW_LOCKS, True)])
def test_every_proper_subset_of_the_locks_is_refused_and_each_shut_one_named(
    home, needed, is_shadow
):
    (program := home.directory / "program").mkdir()
    place = replace(home.place, program=program)
    home.build = read_build(program)
    tried = 0
    held = [each | (ALL - needed) for each in subsets(needed)]
    for _, group in itertools.groupby(sorted(held, key=by_settings), key=by_settings):
        config = None
        for is_open in group:
            if config is None:
                home.write_settings(is_open)
                config = load_config()
            home.show_files(is_open)
            home.arm(config, is_open)
            has_flag = Lock.FLAG in is_open
            with pytest.raises(ConfigInvalid) as refusal:
                unlock(config, place, has_flag=has_flag, is_shadow=is_shadow, now=home.now)
            named = set(re.findall(r"(?:^LIVE is locked: |; )([a-z]+) \(", str(refusal.value)))
            assert named == ALL - is_open
            tried += 1
    assert tried == 2 ** len(needed) - 1
    home.set_locks(ALL)
    grant = unlock(load_config(), place, has_flag=True, is_shadow=is_shadow, now=home.now)
    assert grant.may_trade is not is_shadow


def test_the_live_address_is_not_given_without_the_proof():
    with pytest.raises(ConfigInvalid, match="LIVE is locked"):
        endpoint_for(Environment.LIVE)


@pytest.mark.timeout(180)
def test_the_command_reaches_nothing_with_one_or_two_locks_shut(home, monkeypatch, capsys):
    server = LiveServer(home, monkeypatch)
    locks = sorted(ALL - {Lock.ENVIRONMENT})
    pairs = [{first, second} for first, second in zip(locks, locks[1:] + locks[:1], strict=True)]

    async def refuse():
        async with server:
            for shut in [{lock} for lock in locks] + pairs:
                home.set_locks(ALL - shut)
                words = ["run"] if Lock.FLAG in shut else ["run", "--live"]
                if SHADOW_LOCKS & shut:
                    assert await asyncio.to_thread(run_command, [*words, "--shadow"]) == 3
                assert await asyncio.to_thread(run_command, words) == 3, shut
                shown = " ".join(capsys.readouterr().err.split())
                assert all(f"{lock} (" in shown for lock in shut), shown

    asyncio.run(refuse())
    assert server.scripted.talks == []


def test_without_the_environment_the_other_locks_lead_to_demo_only(home):
    home.set_locks(ALL - {Lock.ENVIRONMENT})
    (demo := Path("palmbot-data/demo")).mkdir(exist_ok=True)
    (demo / "tokens.json").write_bytes((home.place.directory / "tokens.json").read_bytes())
    (demo / "tokens.json").chmod(0o600)
    (demo / "account.json").write_bytes((home.place.directory / "account.json").read_bytes())
    wiring = wire(load_config(), None, None, is_shadow=False, has_live_flag=True)
    assert wiring.endpoint.host == "demo.ctraderapi.com"
    assert wiring.params.environment is Environment.DEMO
    assert wiring.params.live is None
    assert wiring.directory == demo


class Run:
    """A bot on LIVE, beside the recording server."""

    def __init__(self, home: LiveHome, server: LiveServer, *, is_shadow: bool = False) -> None:
        self.home = home
        self.server = server
        self.wiring = wire(load_config(), None, None, is_shadow=is_shadow, has_live_flag=True)

    async def __aenter__(self):
        self.bot = asyncio.create_task(run_bot(self.wiring))
        return self

    async def __aexit__(self, *_):
        self.bot.cancel()
        await asyncio.gather(self.bot, return_exceptions=True)

    async def wait_for(self, is_so):
        async with asyncio.timeout(25):
            while True:
                if self.bot.done():
                    await self.bot
                try:
                    reply = await ask(self.wiring.directory / SOCKET_NAME, {"command": "status"})
                except InputInvalid:  # not up yet, or just ending: the next turn tells why
                    reply = None
                if reply is not None and is_so(reply["status"]):
                    return reply["status"]
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("is_shadow", [False, True])
def test_with_every_lock_open_the_account_is_authorised_and_shadow_sends_no_order(
    home, monkeypatch, is_shadow
):
    server = LiveServer(home, monkeypatch)

    async def play():
        async with server, Run(home, server, is_shadow=is_shadow) as run:
            await run.wait_for(lambda status: status["link"] != "disconnected")
            await asyncio.sleep(0)

    asyncio.run(play())
    assert ACCOUNT_AUTH in server.requests
    assert not ORDERS & set(server.requests)


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ({"is_live": False}, "is a DEMO account"),
        ({"broker": "Another"}, "is kept by 'Another'"),
    ],
)
def test_an_account_that_is_not_the_one_written_down_is_never_authorised(
    home, monkeypatch, listed, sentence
):
    server = LiveServer(home, monkeypatch)
    server.list_account(**listed)

    async def play():
        async with server, Run(home, server) as run:
            with pytest.raises(Exception, match=sentence):
                await run.wait_for(lambda _: False)

    asyncio.run(play())
    assert 2149 in server.requests
    assert ACCOUNT_AUTH not in server.requests


def test_a_server_with_another_key_hears_nothing_at_the_start(home, monkeypatch):
    server = LiveServer(home, monkeypatch)
    PinFile(home.place.pins).accept(LIVE_SERVER, "sha256/before", TimestampMs(1))

    async def play():
        async with server, Run(home, server) as run:
            with pytest.raises(Exception, match=r"tls-check --confirm.*nothing was sent"):
                await run.wait_for(lambda _: False)

    asyncio.run(play())
    assert all(not talk.received for talk in server.scripted.talks)


def change_settings() -> None:
    settings = Path("palmbot.toml")
    settings.write_text(settings.read_text() + "\n[risk]\nmargin_percent_max = 60\n")


@pytest.mark.timeout(90)
@pytest.mark.parametrize("cause", ["disarmed", "settings", "pin"])
def test_a_lock_that_shuts_in_the_middle_stops_entries_and_keeps_the_connection(
    home, monkeypatch, cause
):
    monkeypatch.setattr("palmbot.bootstrap.running.LOCK_CHECK_S", 0.5)
    server = LiveServer(home, monkeypatch)

    async def play():
        async with server, Run(home, server) as run:
            await run.wait_for(lambda status: status["link"] != "disconnected")
            match cause:
                case "disarmed":
                    await asyncio.to_thread(run_command, ["live", "disarm"])
                case "settings":
                    await asyncio.to_thread(change_settings)
                case "pin":
                    PinFile(home.place.pins).accept(LIVE_SERVER, "sha256/x", TimestampMs(1))
                    server.scripted.talks[0].cut()
            status = await run.wait_for(lambda status: status["halted_by"])
            assert status["halted_by"] == "live locks"
            status = await run.wait_for(lambda status: status["link"] != "disconnected")
            return len(server.scripted.talks)

    talks = asyncio.run(play())
    # One for the bot and one for its stop watch; a changed key shows on a new connection only.
    assert talks <= (4 if cause == "pin" else 2)


def test_the_state_of_the_locks_is_shown(home, capsys):
    assert run_command(["live", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["is_open"]
    assert [each["lock"] for each in document["locks"]] == [lock.value for lock in Lock]
    home.set_locks(ALL - {Lock.PIN})
    assert run_command(["live", "status", "--json"]) == 1
    (shut,) = [each for each in json.loads(capsys.readouterr().out)["locks"] if not each["is_open"]]
    assert (shut["lock"], shut["mend"]) == ("pin", "run `palmbot tls-check`")
    assert run_command(["live", "status"]) == 1


def test_disarming_shuts_live(home, capsys):
    assert run_command(["live", "disarm"]) == 0
    assert not (home.place.directory / FILE_NAME).exists()
    assert run_command(["live", "disarm"]) == 0
    assert "was not armed" in capsys.readouterr().out


class Person(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def healthy(monkeypatch):
    """The doctor, who needs the network, has nothing to say; what he says is tested elsewhere."""
    monkeypatch.setattr("palmbot.cli.live.examine_config", lambda *_, **__: [])


@pytest.mark.usefixtures("healthy")
def test_a_person_arms_by_typing_the_account_number(home, monkeypatch, capsys):
    home.set_locks(ALL - IN_ARMING)
    (home.place.directory / FILE_NAME).unlink()
    monkeypatch.setattr("sys.stdin", Person(f"{ACCOUNT}\n"))
    assert run_command(["live", "arm"]) == 0
    assert "armed for account 42 for 7 days" in " ".join(capsys.readouterr().out.split())
    states = examine_locks(load_config(), home.place, has_flag=True, now=home.now + 5_000)
    assert [state.lock for state in states if not state.is_open] == []


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        (Person("43\n"), "that is not the account number"),
        (Person(""), "that is not the account number"),
        (io.StringIO(f"{ACCOUNT}\n"), "a person has to type"),
    ],
)
@pytest.mark.usefixtures("healthy")
def test_nobody_else_arms(home, monkeypatch, capsys, stdin, sentence):
    (home.place.directory / FILE_NAME).unlink()
    monkeypatch.setattr("sys.stdin", stdin)
    assert run_command(["live", "arm"]) == 1
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert not (home.place.directory / FILE_NAME).exists()


@pytest.mark.parametrize("lock", sorted(ALL - IN_ARMING - {Lock.FLAG}))
@pytest.mark.usefixtures("healthy")
def test_arming_is_refused_while_another_lock_is_shut(home, monkeypatch, capsys, lock):
    home.set_locks(ALL - {lock})
    (home.place.directory / FILE_NAME).unlink()
    monkeypatch.setattr("sys.stdin", Person(f"{ACCOUNT}\n"))
    assert run_command(["live", "arm"]) == 1
    assert f"({lock}:" in " ".join(capsys.readouterr().err.split())
    assert not (home.place.directory / FILE_NAME).exists()


def test_a_changed_program_voids_the_arming(home):
    home.build = "0" * 32
    home.set_locks(ALL)
    states = {
        state.lock: state
        for state in examine_locks(load_config(), home.place, has_flag=True, now=home.now)
    }
    assert not states[Lock.ARMED].is_open
    assert "the program has changed" in states[Lock.ARMED].found


def test_the_host_of_live_stands_in_one_place():
    source = Path(__file__).parents[3] / "src"
    found = [path for path in source.rglob("*.py") if LIVE_HOST in path.read_text("utf-8")]
    assert [path.name for path in found if "docs" not in path.parts] == ["ctrader_broker.py"]
