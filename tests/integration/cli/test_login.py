"""`palmbot login` from the consent page to the stored account, against an independent server."""

import asyncio
import io
import json
import os
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.x509 import DNSName

from harness.authorization_server import AuthorizationServer
from harness.broker_host import find_free_address, point_hosts, write_certificates
from harness.scripted_server import ACCOUNT_ID, ENVIRONMENT, SYMBOL, ScriptedServer
from harness.small_market import OIL
from harness.tiny_client import WrittenMarket
from harness.tls_papers import HOST, Office
from palmbot.adapters import oauth_client
from palmbot.adapters.ctrader_broker import PROTOBUF_PORT, CtraderBroker, Endpoint
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_file import TokenFile
from palmbot.adapters.token_keeper import TokenKeeper, TokenSource
from palmbot.cli import login as login_command
from palmbot.cli.main import run_command
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOARefreshTokenRes
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.events import AccountChanged, LinkReady
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId
from palmbot.live.inbox import Inbox
from palmbot.ports import UNKNOWN_TIME, Tokens
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.scenarios import FaultPlan, Scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import AccountSettings, SimulatorSettings

REDIRECT_PORT = 18_000 + os.getpid() % 1_000
"""Of this process: tests run side by side."""
TOKENS = Path("palmbot-data/demo/tokens.json")


class Town:
    """What all tests share, because it takes long to build."""

    def __init__(self, directory: Path) -> None:
        self.office = Office(datetime.now(UTC))  # noqa: TID251 - certificates are of the real day
        self.root = self.office.authority("root")
        redirect_uri = f"http://127.0.0.1:{REDIRECT_PORT}/callback"
        self.oauth = AuthorizationServer(
            directory, self.office, self.root, redirect_uri=redirect_uri
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    built = Town(tmp_path_factory.mktemp("town"))
    yield built
    built.oauth.close()


class Door:
    """An authorization server, a broker that knows its tokens, and a person in a browser."""

    def __init__(self, town: "Town", directory: Path, monkeypatch, capsys) -> None:
        self.capsys = capsys
        ca = write_certificates(directory / "sim", town.office, town.root, HOST)
        self.oauth = town.oauth
        self.oauth.forget()
        self.settings = SimulatorSettings(account=AccountSettings())
        self.address = find_free_address()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server: SimulatorServer | None = None
        self.action = "authorize"
        self.change = str
        """Done to the address the browser is sent back to."""
        point_hosts(monkeypatch, {HOST: self.address})
        monkeypatch.setattr(login_command, "CTRADER", self.oauth.site)
        monkeypatch.setattr(login_command.webbrowser, "open", self._browse)
        (directory / "palmbot.toml").write_text(
            f'[tls]\ncafile = "{ca}"\n[login]\nredirect_port = {REDIRECT_PORT}\n'
        )
        self.write_env()

    def write_env(self, secret: str | None = None) -> None:
        env = Path(".env")
        env.write_text(
            f"CTRADER_CLIENT_ID={self.oauth.client_id}\n"
            f"CTRADER_CLIENT_SECRET={secret or self.oauth.client_secret}\n"
        )
        env.chmod(0o600)

    def _browse(self, address: str) -> bool:
        threading.Thread(target=self._come_back, args=(address,), daemon=True).start()
        return True

    def _come_back(self, address: str) -> None:
        back = self.change(self.oauth.consent(address, action=self.action))
        with httpx.Client(trust_env=False) as client:
            client.get(back.replace("/callback", "/favicon.ico"))
            client.get(back, headers={"Host": "evil.example"})
            client.get(back)

    def start_broker(self) -> None:
        async def start() -> SimulatorServer:
            server = SimulatorServer(
                exchange=Exchange(contracts=(OIL,), settings=self.settings),
                market=WrittenMarket([1_000]),
                scenario=Scenario(FaultPlan(), seed=1),
                settings=self.settings,
                clock=SystemClock(),
            )
            await server.start(Path("sim"), host=self.address, port=PROTOBUF_PORT)
            keys = server.keys
            keys.client_id, keys.client_secret = self.oauth.client_id, self.oauth.client_secret
            return server

        self.server = asyncio.run_coroutine_threadsafe(start(), self.loop).result(10)
        self.oauth.tell = self._let_in

    def _let_in(self, answer) -> None:
        """Let the broker know the tokens that were issued."""
        if self.server is not None and answer.get("accessToken"):
            self.server.keys.access_token = answer["accessToken"]
            self.server.keys.refresh_token = answer["refreshToken"]

    def close(self) -> None:
        if self.server is not None:
            asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def login(self, *words: str) -> tuple[int, str, str]:
        code = run_command(["login", *words])
        shown = self.capsys.readouterr()
        return code, shown.out, " ".join(shown.err.split())


@pytest.fixture
def door(town, tmp_path, monkeypatch, capsys):
    for name in os.environ:
        if name.startswith(("CTRADER_", "PALMBOT_")) or name in {"SSL_CERT_FILE", "SSL_CERT_DIR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    made = Door(town, tmp_path, monkeypatch, capsys)
    yield made
    made.close()


def test_a_person_logs_in_and_the_account_is_chosen(door):
    door.start_broker()
    code, out, err = door.login("--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["account"]["is_live"] is False
    assert document["can_trade"] is True
    assert [each["account_id"] for each in document["accounts"]] == [
        document["account"]["account_id"]
    ]
    assert TOKENS.stat().st_mode & 0o777 == 0o600
    assert TOKENS.parent.stat().st_mode & 0o777 == 0o700
    kept = TokenFile(TOKENS).load()
    assert kept is not None
    assert kept.access_token.reveal() == door.server.keys.access_token
    (query,) = door.oauth.queries
    assert query["code_verifier"]
    # The token status and the list of accounts work from here on, without a token in .env.
    assert run_command(["token", "status", "--json"]) == 0
    status = json.loads(door.capsys.readouterr().out)
    assert status["is_good"]
    assert status["account"]["account_id"] == document["account"]["account_id"]
    assert run_command(["accounts", "--json"]) == 0
    shown = door.capsys.readouterr().out
    for secret in (door.oauth.client_secret, kept.access_token.reveal(), query["code"]):
        assert secret not in out + err + shown


def test_without_a_browser_the_address_is_pasted(door, monkeypatch):
    door.start_broker()

    class Stdin(io.StringIO):
        def readline(self, *_):
            shown = "".join(door.capsys.readouterr().err.split())
            address = shown[shown.index("https://") : shown.index("afterwards")]
            return door.oauth.consent(address) + "\n"

    monkeypatch.setattr("sys.stdin", Stdin())
    code, out, err = door.login("--paste")
    assert code == 0, err
    assert "logged in for DEMO" in out


def test_a_refused_consent_is_told(door):
    door.action = "deny"
    code, _, err = door.login()
    assert code == 1
    assert "consent was denied at cTrader" in err
    assert not TOKENS.exists()


def test_an_answer_to_another_login_is_not_used(door):
    door.change = lambda back: back.replace("state=", "state=x")
    code, _, err = door.login()
    assert code == 1
    assert "belongs to another login" in err
    assert door.oauth.queries == []
    assert not TOKENS.exists()


def test_a_code_that_was_used_before_is_refused(door):
    used = {}

    def change(back):
        if not used:
            used["back"] = back
            return back
        old = used["back"].split("code=")[1].split("&")[0]
        new = back.split("code=")[1].split("&")[0]
        return back.replace(new, old)

    door.change = change
    door.start_broker()
    assert door.login()[0] == 0
    before = TOKENS.read_bytes()
    code, _, err = door.login()
    assert code == 1
    assert "the code is not good any more" in err
    assert TOKENS.read_bytes() == before


def test_a_code_older_than_a_minute_is_refused(door):
    door.oauth.code_age_s = 61.0
    code, _, err = door.login()
    assert code == 1
    assert "the code is not good any more: it lives for 60 s" in err


def test_a_wrong_secret_is_told(door):
    door.write_env("guess")
    code, _, err = door.login()
    assert code == 1
    assert "client id or secret are wrong" in err
    assert "guess" not in err


@pytest.mark.parametrize(
    ("code", "description", "sentence"),
    [
        ("INVALID_REQUEST", "Redirect URI mismatch", "is not one of the application"),
        ("ACCESS_DENIED", "Application is not active", "not active yet"),
        ("SOMETHING_NEW", "", "refuses the login: compare"),
    ],
)
def test_what_the_exchange_refuses_gets_its_own_sentence(door, code, description, sentence):
    door.oauth.answer = {"errorCode": code, "description": description}
    found, _, err = door.login()
    assert found == 1
    assert sentence in err
    assert code in err


@pytest.mark.parametrize(
    "answer",
    [{}, {"accessToken": "a"}, {"accessToken": "a", "refreshToken": "r"}, {"accessToken": 1}],
)
def test_an_answer_without_tokens_is_refused(door, answer):
    door.oauth.answer = answer
    code, _, _ = door.login()
    assert code == 1
    assert not TOKENS.exists()


def test_a_clock_off_by_hours_is_told(door):
    door.start_broker()
    door.oauth.date_offset_s = 7_200.0
    code, _, err = door.login()
    assert code == 0
    assert "clock is 1" in err
    assert "minutes behind cTrader's" in err


def test_a_broker_that_lists_no_account_is_told_and_the_tokens_are_kept(door):
    door.settings = SimulatorSettings(account=AccountSettings(), account_list_is_empty=True)
    door.start_broker()
    code, _, err = door.login()
    assert code == 1
    assert "lists no account for this login" in err
    assert TOKENS.exists()


def test_a_token_that_may_only_look_is_told(door):
    door.settings = SimulatorSettings(account=AccountSettings(can_trade=False))
    door.start_broker()
    code, _, err = door.login()
    assert code == 1
    assert "may look and not trade" in err
    assert door.login("--scope", "accounts")[0] == 0


def test_a_demo_account_is_not_chosen_for_live(door):
    door.start_broker()
    code, _, err = door.login("--environment", "live")
    assert code == 1
    assert "none of the accounts is a LIVE account" in err
    assert Path("palmbot-data/live/tokens.json").exists()
    assert not TOKENS.exists()


def test_a_broker_that_cannot_be_reached_is_told_and_the_tokens_are_kept(door):
    code, _, err = door.login()
    assert code == 1
    assert "cannot connect to demo.ctraderapi.com" in err
    assert TOKENS.exists()


def test_an_authorization_server_that_cannot_be_reached_shows_no_secret(door, monkeypatch):
    site = oauth_client.OAuthSite(
        authorize_url=door.oauth.site.authorize_url,
        token_url="https://localhost:1/apps/token",  # noqa: S106 - an address
    )
    monkeypatch.setattr(login_command, "CTRADER", site)
    code, _, err = door.login()
    assert code == 1
    assert "localhost cannot be asked" in err
    assert door.oauth.client_secret not in err


def test_an_application_that_is_not_set_is_told(door):
    Path(".env").write_text("CTRADER_CLIENT_ID=x\n")
    code, _, err = door.login()
    assert code == 3
    assert "CTRADER_CLIENT_SECRET not set" in err


def test_a_port_in_use_is_told(door):
    with socket.create_server(("127.0.0.1", REDIRECT_PORT)):
        code, _, err = door.login()
    assert code == 1
    assert "log in with --paste" in err


def test_nobody_logged_in_is_told(door):
    assert run_command(["token", "status"]) == 1
    assert "run `palmbot login`" in door.capsys.readouterr().out
    assert run_command(["run"]) == 3
    assert "nobody is logged in for DEMO" in " ".join(door.capsys.readouterr().err.split())


def test_the_pair_of_the_login_is_renewed_over_the_socket_by_the_same_server(town, tmp_path):
    """The broker's end hands the renewal to the independent server, which judges both tokens."""
    oauth = town.oauth
    oauth.forget()
    (tmp_path / "ca.pem").write_bytes(town.root.pem)
    tls = make_context(tmp_path / "ca.pem")
    started = oauth_client.begin_authorization(
        client_id=oauth.client_id,
        client_secret=Secret(oauth.client_secret),
        redirect_uri=f"http://127.0.0.1:{REDIRECT_PORT}/callback",
        scope="trading",
    )
    back = oauth.consent(oauth_client.render_address(oauth.site, started))
    code = oauth_client.read_redirect(started, back)
    granted = oauth_client.exchange_code(oauth.site, started, code, tls).tokens
    store = TokenFile(tmp_path / "tokens.json")
    store.save(
        Tokens(
            access_token=granted.access_token,
            refresh_token=granted.refresh_token,
            expires_at=UNKNOWN_TIME,
        )
    )
    assert is_known(oauth, granted.access_token)
    asyncio.run(renew_over_the_socket(town, tmp_path, store))
    renewed = store.load()
    assert renewed is not None
    assert renewed.access_token != granted.access_token
    assert is_known(oauth, renewed.access_token)
    assert not is_known(oauth, granted.access_token)


def is_known(oauth: AuthorizationServer, token: Secret) -> bool:
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    return oauth.ask("GET", "/userinfo", headers=headers).status_code == httpx.codes.OK


async def renew_over_the_socket(town: Town, directory: Path, store: TokenFile) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = town.office.leaf(town.root, DNSName("localhost"))
    (directory / "server.pem").write_bytes(leaf.key_pem + leaf.pem)
    context.load_cert_chain(directory / "server.pem")
    server = ScriptedServer(context)

    def answer(talk, request):
        if request.payload_type != 2173:
            server.answer_opening(talk, request)
            return
        query = {
            "grant_type": "refresh_token",
            "refresh_token": request.message.refreshToken,
            "client_id": town.oauth.client_id,
            "client_secret": town.oauth.client_secret,
        }
        found = town.oauth.exchange(query)
        talk.wire.reply(
            ProtoOARefreshTokenRes(
                accessToken=found["accessToken"],
                tokenType="bearer",
                expiresIn=found["expiresIn"],
                refreshToken=found["refreshToken"],
            ),
            request.client_msg_id,
        )

    server.answer = answer
    await server.start()
    keeper = TokenKeeper(
        TokenSource(store=store, seed=None),
        clock=SystemClock(),
        can_renew=True,
        raise_alarm=[].append,
    )
    credentials = Credentials(
        client_id="app", client_secret=Secret("s"), access_token=Secret("unused")
    )
    target = Target(environment=ENVIRONMENT, account_id=AccountId(ACCOUNT_ID), symbol_name=SYMBOL)
    inbox = Inbox()
    broker = CtraderBroker(
        endpoint=Endpoint(host="127.0.0.1", port=server.port, server_name="localhost"),
        tls=make_context(directory / "ca.pem"),
        new_connection=lambda generation: ClientConnection(
            generation=generation, credentials=keeper.open_with(credentials), target=target
        ),
        sink=inbox,
        clock=SystemClock(),
        draw_jitter=lambda: 0.5,
        tokens=keeper,
    )
    task = asyncio.create_task(broker.run())
    async with asyncio.timeout(20):
        while not isinstance(await inbox.take(), LinkReady):
            pass
        broker.check_tokens()
        while not isinstance(await inbox.take(), AccountChanged):
            pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()
