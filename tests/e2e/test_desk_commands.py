"""What a person types before trading, against a real simulator process."""

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from palmbot.cli.main import run_command
from palmbot.pricefiles.reader import read_price_file

pytestmark = pytest.mark.timeout(90)  # several processes, on a machine that may be busy


def start(directory, *arguments, until):
    """Start a command in a process of its own; return it once it has said something."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "palmbot", *arguments],
        cwd=directory,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if until in line:
            return process
    raise AssertionError(f"it ended without saying {until!r}")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with a running simulator in `sim`."""
    directory = tmp_path_factory.mktemp("desk")
    simulator = ("simulate", "--directory", "sim", "--symbol", "PALMOIL")
    process = start(directory, *simulator, until="serving")
    yield directory
    process.terminate()
    process.communicate()


@dataclass
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def document(self):
        return json.loads(self.stdout)


def palmbot(home, *arguments):
    """Run a command in this process, which spares its start."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(home), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(list(map(str, arguments)))
    return Result(code, out.getvalue(), " ".join(err.getvalue().split()))


def test_accounts_shows_what_to_write_into_the_environment_file(home):
    shown = palmbot(home, "accounts", "--simulator", "sim")
    assert shown.code == 0, shown.stderr
    assert "CTRADER_ACCOUNT_ID" in shown.stdout
    document = palmbot(home, "accounts", "--simulator", "sim", "--json").document
    assert document["can_trade"]
    assert [(each["is_live"], each["is_chosen"]) for each in document["accounts"]] == [
        (False, True)
    ]


def test_accounts_without_credentials_says_which_are_missing(home):
    refused = palmbot(home, "accounts")
    assert refused.code == 3
    assert "CTRADER_CLIENT_ID" in refused.stderr
    assert "CTRADER_CLIENT_SECRET" in refused.stderr
    assert "copy .env.example to .env" in refused.stderr
    assert "CTRADER_ACCOUNT_ID" not in refused.stderr


def test_symbols_are_found_by_a_part_of_their_name_or_description(home):
    for pattern in ("palm", "CRUDE", "p*oil"):
        found = palmbot(home, "symbols", pattern, "--simulator", "sim", "--json")
        assert found.code == 0, found.stderr
        (symbol,) = found.document
        assert symbol["name"] == "PALMOIL"
        assert symbol["contract"]["digits"] == 2
    shown = palmbot(home, "symbols", "--simulator", "sim")
    assert "PALMOIL" in shown.stdout
    nothing = palmbot(home, "symbols", "palmoils", "--simulator", "sim")
    assert nothing.code == 1
    assert "it has PALMOIL" in nothing.stderr


def test_history_lands_in_a_file_that_a_backtest_reads(home):
    wanted = ("history", "PALMOIL", "--period", "M15", "--from", "2025-12-01", "--simulator", "sim")
    done = palmbot(home, *wanted, "--output", "bars.parquet", "--json")
    assert done.code == 0, done.stderr
    assert done.document["missing_bars"] == 0
    file = read_price_file(home / "bars.parquet")
    assert len(file) == done.document["bars"]
    assert "100%" in done.stderr
    again = palmbot(home, *wanted, "--output", "bars.parquet")
    assert again.code == 1
    assert "it is there already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--from", "yesterday"), "write a day such as 2025-01-31"),
        (("--from", "1999-01-01"), "no broker has prices from before 2000-01-01"),
        (("--from", "2025-02-01", "--to", "2025-01-01"), "exchange the two"),
        (("--from", "2040-01-01"), "lies in the future"),
        (("--from", "2025-12-01", "--output", "no/such/folder/x.parquet"), "cannot be written"),
    ],
)
def test_history_that_cannot_be_is_refused_with_the_reason(home, arguments, complaint):
    output = () if "--output" in arguments else ("--output", "other.parquet")
    refused = palmbot(home, "history", "PALMOIL", "--simulator", "sim", *arguments, *output)
    assert refused.code == 1
    assert complaint in refused.stderr
    assert not (home / "other.parquet").exists()


def test_a_simulator_that_never_ran_is_named(home):
    for command in (("accounts",), ("symbols",)):
        refused = palmbot(home, *command, "--simulator", "nowhere")
        assert refused.code == 1
        assert "start one with `palmbot simulate`" in refused.stderr


def test_the_doctor_finds_a_simulator_fit_and_tells_it_in_one_document(home):
    looked = palmbot(home, "doctor", "--simulator", "sim", "--json")
    assert looked.code == 0, looked.stdout
    grades = {each["name"]: each["grade"] for each in looked.document["findings"]}
    assert grades["TLS"] == grades["account"] == grades["symbol"] == grades["margin"] == "OK"
    assert looked.document["is_fit"]
    assert looked.document["settings"]["risk"]["risk_percent"] == 1.0
    shown = palmbot(home, "doctor", "--simulator", "sim", "--values")
    assert "risk.risk_percent" in shown.stdout


def test_the_doctor_is_of_use_offline_and_shows_no_secret(home, tmp_path):
    (tmp_path / ".env").touch(0o600)
    (tmp_path / ".env").write_text(
        "CTRADER_CLIENT_ID=app\nCTRADER_CLIENT_SECRET=canary-1\nCTRADER_ACCESS_TOKEN=canary-2\n"
        "CTRADER_REFRESH_TOKEN=canary-3\nCTRADER_ACCOUNT_ID=42\n"
        "ALERT_URLS=json://canary-4\nHEARTBEAT_URL=https://canary-5/x\n"
    )
    looked = palmbot(tmp_path, "doctor", "--offline", "--json")
    assert looked.code == 0, looked.stdout
    grades = {each["name"]: each["grade"] for each in looked.document["findings"]}
    assert grades["TLS"] == grades["account"] == "SKIP"
    assert grades["alerts"] == grades["heartbeat"] == "OK"
    assert looked.document["settings"]["messengers"] == {"urls": "***", "heartbeat": "***"}
    shown = palmbot(tmp_path, "doctor", "--offline", "--values")
    for text in (looked.stdout, looked.stderr, shown.stdout, shown.stderr):
        assert "canary" not in text


def test_the_doctor_tells_an_unknown_setting_and_goes_on(home, tmp_path):
    (tmp_path / "palmbot.toml").write_text("[risk]\nrisk_procent = 1\n")
    looked = palmbot(tmp_path, "doctor", "--offline", "--json")
    assert looked.code == 1
    findings = {each["name"]: each for each in looked.document["findings"]}
    assert findings["settings"]["grade"] == "FAIL"
    assert "risk_percent" in findings["settings"]["found"] + findings["settings"]["mend"]
    assert findings["python"]["grade"] == "OK"


def test_a_backup_of_a_running_bot_is_put_back_and_the_bot_starts_halted(home):
    bot = start(home, "run", "--simulator", "sim", "--directory", "bot", until="our books equal")
    try:
        taken = palmbot(home, "backup", "saved.tar.gz", "--directory", "bot")
        assert taken.code == 0, taken.stderr
        assert "verified, head" in taken.stdout
        refused = palmbot(home, "restore", "saved.tar.gz", "--directory", "bot", "--replace")
        assert refused.code == 3
        assert "already runs here" in refused.stderr
        assert palmbot(home, "status", "--running", "--directory", "bot").code == 0
    finally:
        bot.terminate()
        bot.communicate()
    assert palmbot(home, "status", "--running", "--directory", "bot").code == 1
    assert palmbot(home, "status", "--directory", "bot").code == 0
    done = palmbot(home, "restore", "saved.tar.gz", "--directory", "again", "--json")
    assert done.code == 0, done.stderr
    assert done.document["manifest"]["symbol"] == "PALMOIL"
    again = start(home, "run", "--simulator", "sim", "--directory", "again", until="halted by HALT")
    again.terminate()
    again.communicate()
    assert again.returncode == 0
