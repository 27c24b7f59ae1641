"""Alarms of a real bot: a person outside hears of them, and a dead messenger harms nothing."""

import json
import os
import signal
import subprocess
import sys

import pytest

from harness.messenger import PATH_SECRET, messenger
from palmbot.cli.main import run_command

pytestmark = pytest.mark.timeout(90)  # several processes, on a machine that may be busy

DEAD = f"json://127.0.0.1:9/{PATH_SECRET}"


def start(*arguments, cwd, **variables):
    environment = {name: value for name, value in os.environ.items() if "SSL" not in name}
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "palmbot", *arguments],
        cwd=cwd,
        env={**environment, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process, text):
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"it ended without saying {text!r}: {''.join(lines)}")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alerts")
    process = start("simulate", "--directory", "sim", "--symbol", "PALMOIL", cwd=directory)
    read_until(process, "serving")
    yield directory
    process.terminate()
    process.communicate()


def start_bot(home, name, **variables):
    return start("run", "--simulator", "sim", "--directory", name, cwd=home, **variables)


def test_a_person_outside_hears_of_a_halt_and_of_the_end(home):
    with messenger() as outside:
        bot = start_bot(home, "told", ALERT_URLS=outside.alert_url)
        read_until(bot, "our books equal the broker's")
        bot.send_signal(signal.SIGUSR1)
        assert outside.wait_for(lambda: any("halted by SIGUSR1" in b for b in outside.bodies))
        bot.send_signal(signal.SIGTERM)
        _, rest = bot.communicate()
        assert bot.returncode == 0, rest
        (home / "told" / "operator.sock").unlink(missing_ok=True)
        # The journal of another account: the bot ends before it has begun, and says so outside.
        (home / "wrong").mkdir()
        (home / "wrong" / "journal.sqlite").write_bytes(b"no journal at all" * 100)
        broken = start_bot(home, "wrong", ALERT_URLS=outside.alert_url)
        _, said = broken.communicate()
        assert broken.returncode == 3, said
        assert outside.wait_for(lambda: any("the bot ended: " in b for b in outside.bodies))
        assert any("no journal at all" in b or "damaged" in b for b in outside.bodies)


def test_a_dead_and_a_hanging_messenger_are_journaled_and_harm_nothing(home, capsys):
    with messenger() as outside:
        outside.answer = "hang"
        urls = f"{DEAD} {outside.alert_url}"
        heart = outside.heartbeat_url
        bot = start_bot(home, "untold", ALERT_URLS=urls, HEARTBEAT_URL=heart)
        log = read_until(bot, "our books equal the broker's")
        bot.send_signal(signal.SIGUSR1)
        log += read_until(bot, "an alarm did not get out")
        bot.send_signal(signal.SIGTERM)
        _, rest = bot.communicate()
        assert bot.returncode == 0, rest
        log += rest
    journal = home / "untold" / "journal.sqlite"
    assert run_command(["journal", "export", str(journal)]) == 0
    exported = capsys.readouterr().out
    failed = [
        step for step in map(json.loads, exported.splitlines()) if "AlertUndelivered" in str(step)
    ]
    assert "address 1 (json): it was not accepted" in str(failed[0])
    assert run_command(["journal", "verify", str(journal)]) == 0
    assert run_command(["journal", "replay", str(journal)]) == 0
    # Whoever has the address can send: it stands nowhere.
    for text in (log, exported, journal.read_bytes().decode(errors="replace")):
        assert PATH_SECRET not in text


def test_alerts_test_tells_what_arrives_and_what_does_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with messenger() as outside:
        (tmp_path / ".env").touch(0o600)
        (tmp_path / ".env").write_text(
            f'ALERT_URLS="{outside.alert_url}, {DEAD}"\nHEARTBEAT_URL={outside.heartbeat_url}\n'
        )
        assert run_command(["alerts", "test", "--json"]) == 1
        rows = json.loads(capsys.readouterr().out)
        assert [(each["address"], each["is_delivered"]) for each in rows] == [
            ("address 1 (json)", True),
            ("address 2 (json)", False),
            ("HEARTBEAT_URL", True),
        ]
        (tmp_path / ".env").write_text(f"ALERT_URLS={outside.alert_url}\n")
        assert run_command(["alerts", "test"]) == 0
        assert "address 1 (json): delivered" in capsys.readouterr().out
        (tmp_path / ".env").chmod(0o644)
        assert run_command(["alerts", "test"]) == 3
        assert "chmod 600" in " ".join(capsys.readouterr().err.split())
    (tmp_path / ".env").unlink()
    assert run_command(["alerts", "test"]) == 1
    assert "nobody would be told" in capsys.readouterr().err
