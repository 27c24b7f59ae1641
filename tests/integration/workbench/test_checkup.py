"""What the doctor finds: each thing that can be wrong gets its own sentence and its mend."""

import asyncio
import contextlib
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import journal_story
from harness.manual_clock import ManualClock
from harness.served import served
from harness.small_market import MONDAY, OIL
from harness.tiny_client import WrittenMarket
from palmbot.adapters.ctrader_broker import Endpoint
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.journal_schema import JournalOwner, open_for_writing
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_file import TokenFile
from palmbot.config.access import EnvAccess, MoodKeys
from palmbot.config.sections import SentimentSettings
from palmbot.config.settings import Config
from palmbot.core.params import SentimentMode
from palmbot.domain.market import AccountKind
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.ports import Tokens
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.model import make_market
from palmbot.simulator.settings import AccountSettings
from palmbot.workbench.checkup import Grade
from palmbot.workbench.checkup_broker import (
    Wanted,
    examine_account,
    examine_clock,
    examine_server,
    grade_clock,
)
from palmbot.workbench.checkup_machine import (
    examine_files,
    examine_journal,
    examine_machine,
    examine_settings,
    examine_tokens,
)

NOBODY = EnvAccess()
WANTED = Wanted(symbol=OIL.name, risk_percent=1.0, stop_percent=1.5)


def by_name(findings):
    return {each.name: each for each in findings}


def examine(directory, *, market=None, wanted=WANTED, **settings):
    async def run():
        source = market or WrittenMarket([])
        async with served(directory / "sim", source, **settings) as (access, clock, _):
            return by_name(await examine_account(access, wanted, clock))

    return asyncio.run(run())


def test_a_fit_account_is_fit_in_every_row(tmp_path):
    found = examine(tmp_path)
    assert {each.grade for each in found.values()} == {Grade.OK}
    assert "10,000.00 USD" in found["account"].found
    assert "2 decimals" in found["symbol"].found
    assert "open now" in found["schedule"].found
    assert "of margin" in found["margin"].found


@pytest.mark.parametrize(
    ("account", "row", "said", "mend"),
    [
        ({"kind": AccountKind.NETTED}, "account", "kept netted", "hedged account"),
        ({"is_limited_risk": True}, "account", "limited risk", "hedged account"),
        ({"can_trade": False}, "account", "may not trade", "scope `trading`"),
        ({"initial_balance": 10}, "margin", "more than there is", "pay in"),
        ({"initial_balance": 1_000}, "margin", "no entry would ever", "risk_percent"),
        ({"is_live": True}, "account", "is a LIVE account", "CTRADER_ENVIRONMENT"),
    ],
)
def test_an_account_that_does_not_fit_is_explained(tmp_path, account, row, said, mend):
    found = examine(tmp_path, account=AccountSettings(**account))
    # Too little money for the stop is legal, so the bot would run: and never trade.
    assert found[row].grade is (Grade.WARN if "no entry" in said else Grade.FAIL)
    assert said in found[row].found
    assert mend in found[row].mend


def test_a_wrong_symbol_fails_its_row_and_the_rest_is_not_asked(tmp_path):
    wanted = Wanted(symbol="OILS", risk_percent=1.0, stop_percent=1.5)
    found = examine(tmp_path, wanted=wanted)
    assert found["account"].grade is Grade.OK
    assert "no symbol 'OILS'; it has OIL" in found["symbol"].found
    assert found["schedule"].grade is found["margin"].grade is Grade.SKIP


def test_an_empty_account_list_and_a_wrong_host_are_told(tmp_path):
    empty = examine(tmp_path, account_list_is_empty=True)
    assert "lists no account" in empty["account"].found
    wrong = examine(tmp_path, is_wrong_host=True)
    assert "CANT_ROUTE_REQUEST" in wrong["account"].found + wrong["account"].mend


def test_a_closed_market_says_when_it_opens(tmp_path):
    market = make_market("PALMOIL", seed=1, start=MONDAY, days=1)
    wanted = Wanted(symbol="PALMOIL", risk_percent=1.0, stop_percent=1.5)

    async def run():
        async with served(tmp_path / "sim", market) as (access, clock, _):
            on_demo = replace(access, environment=Environment.DEMO)  # where time is that of day
            return by_name(await examine_account(on_demo, wanted, clock))

    found = asyncio.run(run())
    assert found["schedule"].grade is Grade.OK
    assert "closed, opens Wed 2026-11-18 13:00 UTC (Asia/Kuala_Lumpur)" in found["schedule"].found


@pytest.mark.parametrize(
    ("off_s", "grade", "said"),
    [
        (0.4, Grade.OK, "right to within 5 s"),
        (-12.0, Grade.WARN, "0 h 0 min 12 s behind"),
        (3 * 3600 + 61, Grade.FAIL, "3 h 1 min 1 s ahead"),
    ],
)
def test_a_clock_is_graded_by_how_far_it_is_off(off_s, grade, said):
    finding = grade_clock(off_s)
    assert finding.grade is grade
    assert said in finding.found
    assert ("timedatectl" in finding.mend) is (grade is not Grade.OK)


@contextlib.contextmanager
def clock_server(directory, shift):
    """Yield the address of a web server over TLS whose clock is so far off, and a context."""
    files = ensure_certificates(directory, SystemClock().wall_ms())

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response_only(404)
            self.send_header(
                "Date",
                formatdate(SystemClock().wall_ms() / 1000 + shift.total_seconds(), usegmt=True),
            )
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/", make_context(files.ca)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_clock_hours_off_is_found_by_the_answer_of_a_web_server(tmp_path):
    with clock_server(tmp_path, timedelta(hours=-3)) as (url, tls):
        finding = examine_clock(SystemClock(), tls, url)
    assert finding.grade is Grade.FAIL
    assert finding.found.startswith(("3 h 0 min", "2 h 59 min"))
    assert "ahead" in finding.found
    with clock_server(tmp_path, timedelta()) as (url, tls):
        assert examine_clock(SystemClock(), tls, url).grade is Grade.OK


def test_a_clock_that_cannot_be_compared_is_a_warning(tmp_path):
    files = ensure_certificates(tmp_path, SystemClock().wall_ms())
    finding = examine_clock(SystemClock(), make_context(files.ca), "https://localhost:9/")
    assert finding.grade is Grade.WARN
    assert "could not be compared with localhost" in finding.found


def test_a_server_that_nobody_is_and_a_name_that_nobody_has_are_told_apart(tmp_path):
    files = ensure_certificates(tmp_path, SystemClock().wall_ms())
    tls, now = make_context(files.ca), SystemClock().wall_ms()
    nobody = Endpoint(host="127.0.0.1", port=9, server_name="localhost")
    named, shaken = examine_server(nobody, tls, now)
    assert (named.grade, shaken.grade) == (Grade.OK, Grade.FAIL)
    nameless = Endpoint(host="no-such-host.invalid", port=9, server_name="no-such-host.invalid")
    named, shaken = examine_server(nameless, tls, now)
    assert (named.grade, shaken.grade) == (Grade.FAIL, Grade.SKIP)
    assert "check the network and the name server" in named.mend


def test_files_that_others_can_read_are_told_with_the_command_that_mends_it(tmp_path):
    secrets, home = tmp_path / ".env", tmp_path / "data"
    found = by_name(examine_files(home, secrets))
    assert {each.grade for each in found.values()} == {Grade.OK}
    secrets.touch()
    secrets.chmod(0o644)
    home.mkdir(mode=0o755)
    found = by_name(examine_files(home, secrets))
    assert found["permissions of .env"].mend == f"chmod 600 {secrets}"
    assert found["permissions of data"].mend == f"chmod 700 {home}"
    secrets.chmod(0o600)
    home.chmod(0o700)
    (home / "HALT").write_text("news at noon")
    found = by_name(examine_files(home, secrets))
    assert found["permissions of .env"].grade is Grade.OK
    assert "news at noon" in found["halt file"].found


def test_the_machine_is_looked_at_without_a_network(tmp_path):
    found = by_name(examine_machine(tmp_path / "not" / "there" / "yet"))
    assert found["python"].grade is Grade.OK
    assert "palm-oil-bot" in found["versions"].found
    assert "MiB free" in found["disk"].found


TOKEN_NOW = TimestampMs(1_772_409_600_000)


@pytest.mark.parametrize(
    ("days", "grade", "said"),
    [
        (20.0, Grade.OK, "ends in 20.0 days"),
        (1.5, Grade.WARN, "although it is renewed long before"),
        (-2.0, Grade.WARN, "ended 2.0 days ago"),
    ],
)
def test_a_token_is_graded_by_its_age_and_never_shown(tmp_path, days, grade, said):
    pair = Tokens(
        access_token=Secret("canary"),
        refresh_token=Secret("canary"),
        expires_at=TimestampMs(round(TOKEN_NOW + days * 86_400_000)),
    )
    TokenFile(tmp_path / "tokens.json").save(pair)
    finding = examine_tokens(tmp_path, NOBODY, TOKEN_NOW)
    assert finding.grade is grade
    assert said in finding.found
    assert "canary" not in finding.found + finding.mend


def test_a_token_that_is_missing_pasted_or_readable_by_others_is_told(tmp_path):
    assert examine_tokens(tmp_path, NOBODY, TOKEN_NOW).mend == "palmbot login"
    pasted = replace(NOBODY, access_token=Secret("canary"))
    assert "nothing renews" in examine_tokens(tmp_path, pasted, TOKEN_NOW).found
    renewed = replace(pasted, refresh_token=Secret("canary"))
    assert examine_tokens(tmp_path, renewed, TOKEN_NOW).grade is Grade.OK
    (tmp_path / "tokens.json").write_text("{}")
    (tmp_path / "tokens.json").chmod(0o644)
    loose = examine_tokens(tmp_path, NOBODY, TOKEN_NOW)
    assert loose.grade is Grade.FAIL
    assert "chmod 600" in loose.found + loose.mend


@pytest.mark.parametrize(
    ("mode", "keys", "grade", "said"),
    [
        (SentimentMode.OFF, MoodKeys(), Grade.OK, "off"),
        (SentimentMode.VETO, MoodKeys(), Grade.WARN, "it never speaks"),
        (SentimentMode.CONFIRM, MoodKeys(), Grade.WARN, "no entry is ever allowed"),
        (SentimentMode.CONFIRM, MoodKeys(x=Secret("canary")), Grade.OK, "keys for X"),
    ],
)
def test_sentiment_without_a_key_is_told_with_what_it_means(mode, keys, grade, said):
    config = Config(sentiment=SentimentSettings(mode=mode), mood_keys=keys)
    finding = by_name(examine_settings(config))["sentiment"]
    assert finding.grade is grade
    assert said in finding.found


def examine_here(directory, account_id=journal_story.ACCOUNT_ID):
    now = ManualClock().wall_ms()
    return by_name(examine_journal(directory, Environment.DEMO, account_id, now))


def make_journal(directory):
    owner = JournalOwner(
        environment=Environment.DEMO,
        account_id=journal_story.ACCOUNT_ID,
        symbol=journal_story.SYMBOL,
    )
    open_for_writing(directory / "journal.sqlite", owner, 1).close()


def test_a_journal_that_is_not_there_yet_is_no_fault(tmp_path):
    found = examine_here(tmp_path)
    assert found["journal"].grade is Grade.OK
    assert found["breakers"].grade is Grade.SKIP


def test_a_journal_of_another_account_is_refused(tmp_path):
    make_journal(tmp_path)
    assert examine_here(tmp_path)["journal"].grade is Grade.OK
    found = examine_here(tmp_path, account_id=1)
    assert found["journal"].grade is Grade.FAIL
    assert "of PALMOIL on account 777 (demo)" in found["journal"].found


def test_what_is_no_journal_is_said_and_nothing_raises(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"my shopping list" * 1_000)
    found = examine_here(tmp_path)
    assert found["journal"].grade is Grade.FAIL
    assert found["breakers"].grade is Grade.SKIP


def test_a_running_bot_is_seen_by_its_lock(tmp_path):
    make_journal(tmp_path)
    assert "not running" in examine_here(tmp_path)["bot"].found
    with InstanceLock(tmp_path, Environment.DEMO, journal_story.ACCOUNT_ID):
        assert "running as process" in examine_here(tmp_path)["bot"].found
    assert "not running" in examine_here(tmp_path)["bot"].found
