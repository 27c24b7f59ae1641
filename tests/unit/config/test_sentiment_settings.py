"""Sources of sentiment: keys from `.env`, everything else from the file, nothing needed."""

import os
from pathlib import Path

import pytest

from palmbot.config.loading import load_config
from palmbot.domain.errors import ConfigInvalid
from palmbot.sentiment.failures import FailureKind
from palmbot.sentiment.plan import SentimentPlan


@pytest.fixture(autouse=True)
def clean_place(tmp_path, monkeypatch):
    """Work in an empty directory, with no setting left in the environment."""
    for name in os.environ:
        if name.upper().startswith(("PALMBOT_", "CTRADER_", "PERPLEXITY_API_", "X_BEARER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(toml="", env=""):
    Path("palmbot.toml").write_text(toml)
    Path(".env").write_text(env)
    Path(".env").chmod(0o600)
    return load_config()


def test_without_a_key_the_plan_is_the_default_and_says_what_is_missing():
    plan = load().make_sentiment_plan()
    assert plan == SentimentPlan(symbol="PALMOIL")
    assert plan.missing == ("PERPLEXITY_API_KEY", "X_BEARER_TOKEN", "sentiment.feeds")


def test_keys_come_from_the_env_file_without_the_blanks_of_copying_and_show_nowhere():
    config = load(env="PERPLEXITY_API_KEY=' pplx-hush '\nX_BEARER_TOKEN=sesame\n")
    plan = config.make_sentiment_plan()
    assert plan.perplexity_key.reveal() == "pplx-hush"
    assert plan.x_token.reveal() == "sesame"
    assert plan.missing == ("sentiment.feeds",)
    assert "hush" not in repr(config) + repr(plan)
    assert "sesame" not in repr(config) + repr(plan)


def test_every_setting_of_the_file_reaches_the_plan():
    plan = load(
        """
        [sentiment]
        fresh_s = 240
        query = "palm"
        perplexity_modes = ["agent", "search_decide"]
        search_type = "web"
        domains = ["a.com", "b.com"]
        x_max_results = 20
        feeds = ["google", "https://feed.example/rss"]
        perplexity_usd_per_day = 2.5
        fallback_on = ["rate_limited"]
        prices_usd = { x_post_read = 0.01 }
        """
    ).make_sentiment_plan()
    assert (plan.ttl_ms, plan.query, plan.is_search_fast) == (240_000, "palm", False)
    assert plan.perplexity_modes == ("agent", "search_decide")
    assert (plan.domains, plan.x_max_results) == (("a.com", "b.com"), 20)
    assert plan.feed_urls[0].startswith("https://news.google.com/rss/search?")
    assert plan.feed_urls[1] == "https://feed.example/rss"
    assert plan.perplexity_usd_per_day == 2.5
    assert plan.fallback_on == {FailureKind.RATE_LIMITED}
    assert (plan.prices.x_post_read, plan.prices.search_call) == (0.01, 0.005)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('perplexity_url = "http://api.perplexity.ai"', "an address begins with https://"),
        ('x_url = "https://key@api.x.com"', "an address begins with https://"),
        ('feeds = ["ftp://feed.example"]', "an address begins with https://"),
        ('feeds = ["gogle"]', "an address begins with https://"),
        ('perplexity_modes = ["sonar"]', "perplexity_modes are search_decide and agent"),
        ("perplexity_modes = []", "perplexity_modes are"),
        ('domains = ["a.com"]', "domains are 2 to 20"),
        ("x_max_results = 9", "x_max_results is 10 to 100"),
        ("x_usd_per_day = -1", "x_usd_per_day is 0 to 1000"),
        ('query = " "', "a question needs"),
        ('fallback_on = ["whenever"]', "fallback_on"),
        ("against_percent = 125", "against_percent must be from 50 to 100"),
        ("prices_usd = { x_post = 1 }", "x_post"),
        ("prices_usd = { x_post_read = -1 }", "x_post_read"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_name(line, sentence):
    with pytest.raises(ConfigInvalid) as refused:
        load(f"[sentiment]\n{line}\n")
    assert sentence in str(refused.value)


def test_a_key_is_never_sent_in_the_open_but_to_this_machine():
    for host in ("127.0.0.1", "localhost"):
        line = f'perplexity_url = "http://{host}:8080"'
        assert load(f"[sentiment]\n{line}\n").sentiment.perplexity_url.endswith(":8080")
