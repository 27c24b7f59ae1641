"""A working directory in which every lock of LIVE is open, and each can be shut by itself."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.x509 import DNSName

from harness.manual_clock import ManualClock
from harness.tls_papers import Office
from palmbot.adapters.account_file import ChosenAccount, write_choice
from palmbot.adapters.ctrader_broker import LIVE_SERVER
from palmbot.adapters.live_arming import FILE_NAME, PROGRAM, Arming, read_build
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.sqlite_journal import open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls_certificates import read_pin
from palmbot.adapters.token_file import TokenFile
from palmbot.config.live_locks import LivePlace, Lock, digest_settings
from palmbot.config.loading import load_config
from palmbot.config.settings import Config
from palmbot.core.engine import decide
from palmbot.core.params import EngineParams
from palmbot.core.state import initial_state
from palmbot.domain.events import Started, TimePassed
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_DAY, AccountId, TimestampMs
from palmbot.ports import Tokens

LIVE_HOST = "live.ctraderapi.com"
ACCOUNT = 42
BROKER = "Palm Broker"
HOUR_MS = 3_600_000

TOML = """
[tls]
cafile = "{ca}"
[broker]
symbol = "PALMOIL"
[live]
enabled = {enabled}
account_id = {account}
broker = "{broker}"
{limits}
daily_loss_percent = 3.0
orders_per_day_max = 5
"""

IN_SETTINGS = frozenset({Lock.ENVIRONMENT, Lock.ENABLED, Lock.ACCOUNT, Lock.BROKER, Lock.LIMITS})
IN_ARMING = frozenset({Lock.DOCTOR, Lock.ARMED})


class LiveHome:
    """Files of one working directory, which has to be the current one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = SystemClock().wall_ms()
        office = Office(datetime.now(UTC))  # noqa: TID251 - certificates are of the real day
        self.root = office.authority("root")
        self.leaf = office.leaf(self.root, DNSName(LIVE_HOST))
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(self.root.pem)
        (directory / "server.pem").write_bytes(self.leaf.key_pem + self.leaf.pem)
        self.place = LivePlace(
            directory=Path("palmbot-data/live"),
            demo_journal=Path("palmbot-data/demo/journal.sqlite"),
            live_journal=Path("palmbot-data/live/journal.sqlite"),
            pins=Path("palmbot-data/tls-pins.json"),
        )
        for journal in (self.place.demo_journal, self.place.live_journal):
            journal.parent.mkdir(parents=True)
        write_history(self.place.demo_journal, Environment.DEMO, self.now, days=8)
        write_history(self.place.live_journal, Environment.LIVE, self.now, days=2, is_shadow=True)
        choice = ChosenAccount(account_id=ACCOUNT, login=1, broker=BROKER, is_live=True)
        write_choice(self.place.directory, choice)
        far = TimestampMs(self.now + 30 * MS_PER_DAY)
        TokenFile(self.place.directory / "tokens.json").save(
            Tokens(
                access_token=Secret("live-access"),
                refresh_token=Secret("live-refresh"),
                issued_at=self.now,
                expires_at=far,
            )
        )
        PinFile(self.place.pins).accept(LIVE_SERVER, read_pin(self.leaf.der), self.now)
        self.build = read_build(PROGRAM)
        self.set_locks(frozenset(Lock))

    def set_locks(self, is_open: frozenset[Lock]) -> None:
        """Open these locks and shut the others; the flag is a word on the command line."""
        self.write_settings(is_open)
        self.show_files(is_open)
        self.arm(load_config(), is_open)

    def show_files(self, is_open: frozenset[Lock]) -> None:
        """Have the files there that open locks by being there, and no others."""
        _show(self.place.directory / "tokens.json", is_shown=Lock.LOGIN in is_open)
        _show(self.place.pins, is_shown=Lock.PIN in is_open)
        _show(self.place.demo_journal, is_shown=Lock.DEMO in is_open)
        _show(self.place.live_journal, is_shown=Lock.SHADOW in is_open)

    def write_settings(self, is_open: frozenset[Lock]) -> None:
        environment = "live" if Lock.ENVIRONMENT in is_open else "demo"
        env = Path(".env")
        env.write_text(
            f"CTRADER_ENVIRONMENT={environment}\nCTRADER_CLIENT_ID=app\n"
            "CTRADER_CLIENT_SECRET=hush\n"
        )
        env.chmod(0o600)
        Path("palmbot.toml").write_text(
            TOML.format(
                ca=self.ca,
                enabled="true" if Lock.ENABLED in is_open else "false",
                account=ACCOUNT if Lock.ACCOUNT in is_open else ACCOUNT + 1,
                broker=BROKER if Lock.BROKER in is_open else "Another",
                limits="risk_percent = 0.5" if Lock.LIMITS in is_open else "",
            )
        )

    def arm(self, config: Config, is_open: frozenset[Lock]) -> None:
        """Write the confirmation for the settings as they are, old if that lock is to be shut."""
        is_armed = Lock.ARMED in is_open
        arming = Arming(
            account_id=config.live.account_id or 0,
            build=self.build,
            settings=digest_settings(config),
            armed_at_ms=self.now - (0 if is_armed else 8 * MS_PER_DAY),
            first_armed_at_ms=self.now,
            doctor_at_ms=self.now if Lock.DOCTOR in is_open else 0,
        )
        # Not by `write_arming`, which waits for the disk: some tests do this thousands of times.
        (self.place.directory / FILE_NAME).write_bytes(msgspec.json.encode(arming))


def _show(path: Path, *, is_shown: bool) -> None:
    hidden = path.with_name(path.name + ".hidden")
    source, target = (hidden, path) if is_shown else (path, hidden)
    if source.exists():
        source.rename(target)


def write_history(
    path: Path,
    environment: Environment,
    end_ms: int,
    *,
    days: int,
    is_shadow: bool = False,
) -> None:
    """Write the journal of a bot that ran for some days up to now, by the product's own journal."""
    asyncio.run(_write_history(path, environment, end_ms, days, is_shadow=is_shadow))


async def _write_history(
    path: Path, environment: Environment, end_ms: int, days: int, *, is_shadow: bool
) -> None:
    clock = ManualClock(epoch_ms=end_ms - days * MS_PER_DAY)
    params = EngineParams(
        environment=environment,
        account_id=AccountId(ACCOUNT),
        symbol_name="PALMOIL",
        is_shadow=is_shadow,
    )
    journal, _ = open_journal(
        path,
        environment=environment,
        account_id=ACCOUNT,
        symbol="PALMOIL",
        clock=clock,
        decide=decide,
        initial_state=initial_state,
    )
    await journal.begin_run("0" * 20, params, code_version="test")
    state = initial_state(params)
    events: list = [Started(time=clock.wall_ms(), run_id="0" * 20, nonce=0)]
    events += [TimePassed(time=clock.wall_ms()) for _ in range(days * 4)]
    for event in events:
        decision = decide(state, event, params)
        state = decision.state
        await journal.append(event, decision)
        await journal.flush()  # so that it is stamped before the clock moves on
        clock.advance(6 * 3_600)
    await journal.close()
