"""`palmbot sentiment` as a person runs it; sources are twins on loopback."""

import asyncio
import csv
import json
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.main import run_command
from palmbot.domain.units import TimestampMs
from palmbot.simulator.loopback_web import LoopbackWeb
from palmbot.simulator.newsroom import PERPLEXITY_KEY, X_TOKEN, Cue, Newsroom, Service

HELD_OUT = Path(__file__).resolve().parents[1] / "data" / "palm_headlines_held_out.csv"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def run_palmbot(tmp_path, monkeypatch, capsys):
    """Run one command line in an empty directory, and return what a shell would see."""
    monkeypatch.chdir(tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # preset here and there, and refused
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        code = run_command([str(each) for each in arguments])
        seen = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=seen.out, stderr=seen.err)

    return run


@contextmanager
def twins(newsroom):
    """Serve a newsroom from a thread of its own; yields the port."""
    loop = asyncio.new_event_loop()
    web = LoopbackWeb(newsroom.reply_to)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(web.start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(web.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def set_up(directory, port):
    base = f"http://127.0.0.1:{port}"
    env = directory / ".env"
    env.write_text(f"PERPLEXITY_API_KEY={PERPLEXITY_KEY}\nX_BEARER_TOKEN={X_TOKEN}\n")
    env.chmod(0o600)
    (directory / "palmbot.toml").write_text(
        f'[sentiment]\nperplexity_url = "{base}"\nx_url = "{base}"\nfeeds = ["{base}/rss"]\n'
    )


def make_newsroom():
    return Newsroom(1, lambda: TimestampMs(SystemClock().wall_ms()))


def test_a_probe_asks_every_source_once_and_counts_its_cost(tmp_path, run_palmbot):
    newsroom = make_newsroom()
    with twins(newsroom) as port:
        set_up(tmp_path, port)
        done = run_palmbot("sentiment", "probe", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sources"]
    assert [each["provider"] for each in found] == ["perplexity", "x", "rss"]
    assert [each["status"] for each in found] == [200, 200, 200]
    assert found[0]["shape"] == "{answers, model, usage}"
    assert found[0]["cost_usd"] == pytest.approx(0.00103)
    assert sum(newsroom.requests.values()) == 4
    kept = [path.name for path in (tmp_path / "palmbot-data" / "demo").iterdir()]
    assert not any("recording" in name for name in kept)
    for key in (PERPLEXITY_KEY, X_TOKEN):
        assert key not in done.stdout + done.stderr


def test_a_probe_says_what_is_the_matter_and_exits_1(tmp_path, run_palmbot):
    newsroom = make_newsroom()
    newsroom.always(Service.PERPLEXITY, Cue.NO_CREDIT)
    with twins(newsroom) as port:
        set_up(tmp_path, port)
        done = run_palmbot("sentiment", "probe")
    assert done.returncode == 1
    assert "no credit left" in " ".join(done.stdout.split())


def test_without_a_source_one_sentence_says_what_would_add_one(tmp_path, run_palmbot):
    done = run_palmbot("sentiment", "probe")
    assert done.returncode == 1
    for name in ("PERPLEXITY_API_KEY", "X_BEARER_TOKEN", "sentiment.feeds"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "palmbot-data").exists()


def test_the_seed_is_scored_with_a_table_and_no_headline_is_read_backwards(run_palmbot):
    done = run_palmbot("sentiment", "score", "--json")
    assert done.returncode == 0
    table = json.loads(done.stdout)
    assert (table["count"], table["backwards"], table["is_sound"]) == (80, 0, True)
    assert table["accuracy"] >= 0.95
    shown = run_palmbot("sentiment", "score", HELD_OUT)
    assert shown.returncode == 0
    assert "read right" in shown.stdout


def test_a_file_in_which_a_gated_group_is_read_backwards_exits_1(tmp_path, run_palmbot):
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("label", "category", "headline"), (1, "stocks", "Palm stocks rise")])
    assert run_palmbot("sentiment", "score", "mine.csv").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("score", "missing.csv"), "there is no file missing.csv"),
        (("stats", "--directory", "nowhere"), "holds no sentiment-recording.sqlite"),
        (("report", "bars.csv", "--recording", "no.sqlite"), "there is no recording"),
        (("report", "bars.csv", "--recording", "x", "--cost-bp", "-1"), "--cost-bp: from 0"),
    ],
)
def test_bad_input_is_one_sentence(run_palmbot, arguments, sentence):
    done = run_palmbot("sentiment", *arguments)
    assert done.returncode == 1
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_demo_with_twins_shows_hits_misses_and_fallbacks_and_its_stats_and_report(
    tmp_path, run_palmbot
):
    done = run_palmbot("demo", "--days", 1, "--sentiment", "twins", "--json")
    assert done.returncode == 0, done.stderr
    mood = json.loads(done.stdout)["sentiment"]
    assert mood["hits"] > 0
    assert mood["refreshes"] > 50
    assert mood["hits"] <= mood["lookups"]
    assert {each["name"] for each in mood["sources"]} == {"perplexity", "x", "rss"}
    assert any(each["next_source"] == "x" for each in mood["fallbacks"])
    page = (tmp_path / "demo-report.html").read_text()
    for words in ('id="sentiment"', "Hits", "Misses", "Asked instead", "rate limited"):
        assert words in page
    stats = run_palmbot("sentiment", "stats", "--directory", "palmbot-demo", "--json")
    counted = json.loads(stats.stdout)
    assert counted["hits"] == mood["hits"]
    assert counted["recorder_lost"] == 0
    for place in ("simulator", "newsroom"):
        assert_valid_for_months(tmp_path / "palmbot-demo" / place / "ca.pem")


def assert_valid_for_months(path):
    """Regression: certificates were made by the demo's clock, and ended while the code lived on."""
    ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    left_s = ends.timestamp() - SystemClock().wall_ms() / 1_000
    assert left_s > 300 * 86_400
