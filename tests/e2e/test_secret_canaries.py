"""Every secret is a canary, everything logs at its loudest, things go wrong: nothing is told."""

import asyncio
import base64
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from harness.broker_host import find_free_address, write_certificates
from harness.small_market import OIL
from harness.tiny_client import WrittenMarket
from harness.tls_papers import HOST, Office
from palmbot.adapters.ctrader_broker import PROTOBUF_PORT
from palmbot.adapters.system_clock import SystemClock
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.scenarios import FaultPlan, Scenario
from palmbot.simulator.server import SimulatorServer
from palmbot.simulator.settings import SimulatorSettings

pytestmark = pytest.mark.timeout(240)

TESTS = Path(__file__).parents[1]
START_S = 90.0


def canary(name: str) -> str:
    """Return a secret whose encodings all look different."""
    return f"c4n4ry+{name}/{name[::-1]}=="


SECRETS = {
    name: canary(name)
    for name in (
        "client-secret",
        "access-token",
        "refresh-token",
        "perplexity",
        "x-bearer",
        "messenger",
        "heartbeat",
    )
}


def spell(secret: str) -> set[bytes]:
    """Return how a secret could stand there: plain, URL-encoded, base64 at every offset, hex."""
    raw = secret.encode()
    spelled = {raw, quote(secret, safe="").encode(), quote_plus(secret).encode()}
    spelled |= {raw.hex().encode(), repr(secret)[1:-1].encode()}
    for shift in range(3):
        # What a secret adds to the base64 of a longer text, without the characters it shares.
        encoded = base64.b64encode(bytes(shift) + raw + bytes(3))
        spelled.add(encoded[4 if shift else 0 :][: len(raw)])
        spelled.add(base64.urlsafe_b64encode(bytes(shift) + raw + bytes(3))[4:][: len(raw)])
    return spelled


class Broker:
    """The DEMO host on this machine, whose secrets are canaries; tells all it ever had."""

    def __init__(self, directory: Path) -> None:
        office = Office(datetime.now(UTC))  # noqa: TID251 - certificates are of the real day
        self.ca = write_certificates(directory / "sim", office, office.authority("root"), HOST)
        self.address = find_free_address()
        self.seen: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = self._do(self._start(directory / "sim"))

    async def _start(self, directory: Path) -> SimulatorServer:
        settings = SimulatorSettings()
        server = SimulatorServer(
            exchange=Exchange(contracts=(OIL,), settings=settings),
            market=WrittenMarket([1_000, 1_001, 1_002]),
            scenario=Scenario(FaultPlan(), seed=1),
            settings=settings,
            clock=SystemClock(),
        )
        await server.start(directory, host=self.address, port=PROTOBUF_PORT)
        keys = server.keys
        keys.client_id = "app"
        keys.client_secret = SECRETS["client-secret"]
        keys.access_token = SECRETS["access-token"]
        keys.refresh_token = SECRETS["refresh-token"]
        return server

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def note(self) -> None:
        """Remember the secrets of this moment; renewals draw new ones."""
        keys = self.server.keys
        self.seen |= {keys.access_token, keys.refresh_token}

    def end_tokens(self) -> None:
        async def end() -> None:
            self.server.void_tokens(is_final=True)

        self.note()
        self._do(end())

    def close(self) -> None:
        self._do(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Home:
    """A working directory, and everything that was written outside of its secret files."""

    def __init__(self, directory: Path, broker: Broker) -> None:
        self.directory = directory
        self.broker = broker
        self.told = b""
        self.write_env(SECRETS["client-secret"])
        (directory / "palmbot.toml").write_text(
            f'[tls]\ncafile = "{broker.ca}"\n[broker]\nsymbol = "{OIL.name}"\n'
            "[strategy]\nhistory_bars = 5\n"
        )

    def write_env(self, client_secret: str) -> None:
        env = self.directory / ".env"
        env.write_text(
            f"CTRADER_CLIENT_ID=app\nCTRADER_CLIENT_SECRET={client_secret}\n"
            f"CTRADER_ACCESS_TOKEN={SECRETS['access-token']}\n"
            f"CTRADER_REFRESH_TOKEN={SECRETS['refresh-token']}\n"
            f"CTRADER_ACCOUNT_ID={SimulatorSettings().account.account_id}\n"
            f"PERPLEXITY_API_KEY={SECRETS['perplexity']}\nX_BEARER_TOKEN={SECRETS['x-bearer']}\n"
            # Nobody listens there: what cannot be delivered is told and journaled.
            f"ALERT_URLS=json://me:{quote(SECRETS['messenger'], safe='')}@127.0.0.1:9/\n"
            f"HEARTBEAT_URL=https://127.0.0.1:9/{quote(SECRETS['heartbeat'], safe='')}\n"
        )
        env.chmod(0o600)

    def start(self, *words: str, crash: str = "no") -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "harness.launch", self.broker.address, crash, *words],
            cwd=self.directory,
            env={"PYTHONPATH": str(TESTS), "PATH": "/usr/bin:/bin", "HOME": str(self.directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *words: str, crash: str = "no") -> int:
        """Run one command to its end and keep what it said."""
        process = self.start(*words, crash=crash)
        said, _ = process.communicate(timeout=START_S)
        self.told += said
        return process.returncode

    def files(self) -> dict[str, bytes]:
        """Everything on disk but the two places that are there to hold secrets."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in self.directory.rglob("*")
            if path.is_file() and path.name != ".env" and not path.name.startswith("tokens.json")
        }


@pytest.fixture
def home(tmp_path):
    broker = Broker(tmp_path)
    (tmp_path / "home").mkdir()
    yield Home(tmp_path / "home", broker)
    broker.close()


def test_no_secret_is_told_by_log_journal_output_arguments_or_crash(home):
    broker = home.broker
    bot = home.start("run", "--debug")
    assert bot.stdout is not None
    said = b""
    for line in bot.stdout:
        said += line
        if b"tokens.renewed" in line:
            break
    arguments = Path(f"/proc/{bot.pid}/cmdline").read_bytes()
    for words in (("status", "--json"), ("token", "status", "--json"), ("accounts",)):
        home.run(*words, "--debug")
    broker.end_tokens()
    rest, _ = bot.communicate(timeout=START_S)
    home.told += said + rest + arguments
    assert bot.returncode == 3  # as without `--debug`: a supervisor must not start it again
    assert b"palmbot login" in rest
    assert b"Traceback" in rest  # `--debug` shows one, with every frame's text
    for name in ("tokens.json", "tokens.json.prev", "tokens.json.lock", "tokens.json.renewing"):
        (home.directory / "palmbot-data" / "demo" / name).unlink(missing_ok=True)
    keys = broker.server.keys
    keys.access_token, keys.refresh_token = SECRETS["access-token"], SECRETS["refresh-token"]
    assert home.run("run", "--debug", crash="yes") == 3
    assert b"this is a defect" in home.told
    home.write_env("c4n4ry+wrong-secret/terces==")
    assert home.run("run", "--debug") == 3
    assert b"the broker refuses the credentials" in home.told
    for words in (
        ("journal", "export"),
        ("why",),
        ("doctor", "--offline", "--json", "--values"),
        ("alerts", "test"),
        ("demo", "--days", "1", "--faults", "none"),
    ):
        home.run(*words, "--debug")
    broker.note()
    secrets = {*SECRETS.values(), *broker.seen, "c4n4ry+wrong-secret/terces=="}
    assert len(secrets) >= 10  # those of the renewal are among them
    places = {**home.files(), "what was said": home.told}
    for kind in ("journal.sqlite", "demo-report.html"):
        assert any(name.endswith(kind) for name in places), kind
    found = [
        (name, secret)
        for secret in secrets
        for spelled in spell(secret)
        for name, text in places.items()
        if spelled in text
    ]
    assert found == []
    # The search finds what it is meant to find.
    text = base64.b64encode(b"ab" + SECRETS["perplexity"].encode() + b"c")
    assert any(spelled in text for spelled in spell(SECRETS["perplexity"]))
