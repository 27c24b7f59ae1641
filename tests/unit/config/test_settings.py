"""Settings: what is given is understood exactly, or refused in one sentence that names it."""

import os
from pathlib import Path

import pytest

from palmbot.config.access import EnvAccess
from palmbot.config.loading import load_config
from palmbot.config.settings import Config
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.params import EngineParams, SentimentMode
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment, OrderStyle
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId

ACCOUNT = AccountId(7)

ENV = """
CTRADER_ENVIRONMENT=demo
CTRADER_CLIENT_ID=app
CTRADER_CLIENT_SECRET=hush
CTRADER_ACCESS_TOKEN=open-sesame
CTRADER_REFRESH_TOKEN=
CTRADER_ACCOUNT_ID=42
"""


@pytest.fixture(autouse=True)
def clean_place(tmp_path, monkeypatch) -> Path:
    """Work in an empty directory, with no setting left in the environment."""
    for name in os.environ:
        if name.upper().startswith(("PALMBOT_", "CTRADER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load_toml(text: str) -> Config:
    Path("palmbot.toml").write_text(text, encoding="utf-8")
    return load_config()


def load_env(text: str, mode: int = 0o600) -> Config:
    Path(".env").write_text(text, encoding="utf-8")
    Path(".env").chmod(mode)
    return load_config()


def params(config: Config) -> EngineParams:
    return config.make_params(environment=Environment.SIMULATOR, account_id=ACCOUNT)


def test_without_any_file_the_settings_are_the_defaults_of_the_core():
    config = load_config()
    assert params(config) == EngineParams(account_id=ACCOUNT, symbol_name="PALMOIL")
    assert config.environment is Environment.DEMO


def test_every_value_of_the_file_reaches_the_parameters():
    changed = params(
        load_toml(
            """
            [broker]
            symbol = "FCPO"
            symbol_aliases = ["FCPO.b"]
            order_style = "limit"
            limit_tolerance_percent = 0.25
            limit_life_s = 6.5
            books_interval_s = 30
            undecided_s_max = 90
            [reconcile]
            close_surplus = false
            [strategy]
            rsi_period = 9
            rsi_buy = 25
            rsi_sell = 75.5
            bar_period_s = 60
            warm_up_bars = 100
            history_bars = 200
            take_profit_percent = 3
            stop_loss_percent = 0.75
            [sentiment]
            mode = "confirm"
            fresh_s = 60
            expires_s = 120
            half_life_s = 30
            veto_score = 50
            veto_confidence = 0.5
            veto_domains = 2
            confirm_score = 40
            [risk]
            risk_percent = 0.5
            margin_percent_max = 20
            spread_percent_max = 0.3
            price_age_s_max = 10
            conversion_age_s_max = 600
            orders_per_minute_max = 1
            orders_per_day_max = 5
            intent_age_ms_max = 500
            [breakers]
            day_zone = "Asia/Kuala_Lumpur"
            day_start = "08:30"
            daily_loss_percent = 2.5
            losses_max = 2
            rejects_max = 4
            unknowns_max = 3
            starts_max = 9
            volatility_ratio = 1.75
            calm_ratio = 1.25
            """
        )
    )
    default = EngineParams(account_id=ACCOUNT, symbol_name="PALMOIL")
    fixed = {"environment", "account_id", "is_shadow", "live", "strategy"}
    for name in EngineParams.__slots__:
        if name not in fixed:
            assert getattr(changed, name) != getattr(default, name), name
    assert changed.stop_loss_bp == 75
    assert changed.limit_life_ms == 6_500
    assert changed.order_style is OrderStyle.LIMIT
    assert changed.sentiment.mode is SentimentMode.CONFIRM
    assert changed.sentiment.half_life_ms == 30_000
    assert changed.breakers == BreakerRules(
        day_zone="Asia/Kuala_Lumpur",
        day_start_minute=8 * 60 + 30,
        daily_loss_bp=250,
        losses_max=2,
        rejects_max=4,
        unknowns_max=3,
        starts_max=9,
        volatility_percent=175,
        calm_percent=125,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('day_start = "noon"', "day_start is a time of day such as 17:00"),
        ('day_zone = "Mars/Olympus"', "there is no time zone 'Mars/Olympus'"),
        ("calm_ratio = 2.5", "calm_percent < volatility_percent"),
        ("losses_max = 0", "losses_max must be at least 1"),
    ],
)
def test_breakers_that_make_no_sense_are_refused(text, sentence):
    with pytest.raises(ConfigInvalid, match=sentence):
        load_toml(f"[breakers]\n{text}\n")


def test_entries_without_the_data_to_judge_are_for_the_simulator_alone():
    config = load_toml('[breakers]\nunknown = "allow"\n')
    with pytest.raises(ConfigInvalid, match="not for a broker"):
        config.make_params(environment=Environment.DEMO, account_id=ACCOUNT)


def test_the_environment_overrides_the_file_key_by_key(monkeypatch):
    monkeypatch.setenv("PALMBOT_STRATEGY__RSI_BUY", "28")
    config = load_toml("[strategy]\nrsi_buy = 25\nrsi_sell = 80\n")
    assert (config.strategy.rsi_buy, config.strategy.rsi_sell) == (28.0, 80.0)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("PALMBOT_RISK__RISK_PERCENT", r"may not change a limit.*\[risk\] of palmbot.toml"),
        ("palmbot_risk__risk_percent", "may not change a limit"),
        ("PALMBOT_RECONCILE__CLOSE_SURPLUS", r"may not change a limit.*\[reconcile\]"),
        ("PALMBOT_RISK", "may not change a limit"),
        ("PALMBOT_LIVE__ARMED", "may not change a limit"),
        ("PALMBOT_BREAKERS__DAILY_LOSS_PERCENT", "may not change a limit"),
        ("PALMBOT_STRATEGY__RSI_BY", "did you mean PALMBOT_STRATEGY__RSI_BUY?"),
        ("PALMBOT_STRATEGY", "names no setting"),
        ("PALMBOT_QUICK_TEST", "names no setting"),
        ("CTRADER_CLIENT_SECRT", "did you mean CTRADER_CLIENT_SECRET?"),
    ],
)
def test_a_variable_that_may_not_or_cannot_set_anything_is_refused(monkeypatch, name, sentence):
    monkeypatch.setenv(name, "50")
    with pytest.raises(ConfigInvalid, match=sentence):
        load_config()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[strategy]\nrsi_by = 30", r"palmbot.toml: unknown key strategy.rsi_by; did you mean "),
        ("[stratgy]\nrsi_buy = 30", "unknown section stratgy; did you mean strategy?"),
        ("rsi_buy = 30", r"unknown key rsi_buy; it belongs into the section \[strategy\]"),
        ("strategy = 3", "strategy is a section"),
        ("[strategy]\nrsi_buy = 'low'", r"strategy.rsi_buy = 'low': input should be a valid num"),
        ("[strategy]\nrsi_period = 1", "rsi_period must be at least 2, was 1"),
        ("[strategy]\nrsi_buy = nan", "must be finite"),
        ("[strategy]\nrsi_buy = 80", "need 0 <= rsi_buy < rsi_sell"),
        ("[risk]\nrisk_percent = 0", "risk.risk_percent must be above 0"),
        ("[risk]\nmargin_percent_max = 101", "at most 100, was 101"),
        ("[risk]\nmargin_percent_max = inf", "at most 100, was inf"),
        ("[risk]\nrisk_percent = 0.333", "at most two decimals"),
        ("[risk]\nprice_age_s_max = -1", "price_age_s_max must be positive"),
        ("[sentiment]\nmode = 'maybe'", "sentiment.mode = 'maybe': input should be 'off', "),
        ("[broker]\nsymbol = ''", "must not be empty"),
        ("[broker\nsymbol = 'X'", r"palmbot.toml is not valid TOML: .*line 1"),
        ("[live]\narmed = true", "unknown key live.armed"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text, sentence):
    with pytest.raises(ConfigInvalid, match=sentence) as refusal:
        load_toml(text)
    assert "\n" not in str(refusal.value)


def test_the_refusal_of_an_override_names_the_variable_and_not_the_file(monkeypatch):
    monkeypatch.setenv("PALMBOT_STRATEGY__RSI_BUY", "low")
    with pytest.raises(ConfigInvalid, match=r"PALMBOT_STRATEGY__RSI_BUY: strategy.rsi_buy = 'low'"):
        load_config()


def test_a_file_that_is_no_text_is_refused():
    Path("palmbot.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="is not valid TOML"):
        load_config()


def test_a_file_that_was_named_has_to_exist():
    with pytest.raises(ConfigInvalid, match=r"there is no file other.toml"):
        load_config(Path("other.toml"))
    with pytest.raises(ConfigInvalid, match=r"there is no file other.env"):
        load_config(env_file=Path("other.env"))


def test_the_secrets_come_out_of_the_env_file_and_show_in_no_text():
    access = load_env(ENV).access
    assert access.account_id == 42
    assert access.client_secret == Secret("hush")
    assert access.access_token == Secret("open-sesame")
    assert access.refresh_token is None
    assert "hush" not in repr(access)
    assert "open-sesame" not in repr(access)


def test_the_environment_overrides_the_env_file(monkeypatch):
    monkeypatch.setenv("CTRADER_ACCOUNT_ID", "43")
    assert load_env(ENV).access.account_id == 43


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ENV + "CTRADER_TOKEN=1", "unknown variable CTRADER_TOKEN"),
        (ENV + "PALMBOT_STRATEGY__RSI_BUY=1", r"belongs into palmbot.toml"),
        ("CTRADER_ENVIRONMENT=demmo", "CTRADER_ENVIRONMENT: input should be"),
        ("CTRADER_ENVIRONMENT=simulator", "CTRADER_ENVIRONMENT is demo or live"),
        ("CTRADER_ACCOUNT_ID=seven", "CTRADER_ACCOUNT_ID: input should be a valid integer"),
    ],
)
def test_a_wrong_env_file_is_refused(text, sentence):
    with pytest.raises(ConfigInvalid, match=sentence):
        load_env(text)


def test_a_refusal_never_quotes_a_secret():
    with pytest.raises(ConfigInvalid) as refusal:
        load_env(ENV.replace("ACCOUNT_ID=42", "ACCOUNT_ID=open-sesame"))
    assert "open-sesame" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_an_env_file_with_secrets_that_others_can_read_is_refused():
    with pytest.raises(ConfigInvalid, match=r"run `chmod 600 .env`"):
        load_env(ENV, mode=0o640)
    assert load_env("CTRADER_ENVIRONMENT=demo", mode=0o644).access == EnvAccess()


def test_a_period_that_no_broker_keeps_is_refused(tmp_path):
    settings = tmp_path / "palmbot.toml"
    settings.write_text("[strategy]\nbar_period_s = 7\n")
    with pytest.raises(ConfigInvalid, match=r"bar_period_s = 7: brokers keep bars of 60, 120"):
        load_config(settings)


def test_a_risk_that_ends_an_account_in_days_is_refused(tmp_path):
    settings = tmp_path / "palmbot.toml"
    settings.write_text("[risk]\nrisk_percent = 90\n")
    with pytest.raises(ConfigInvalid, match=r"risk_percent = 90"):
        load_config(settings)


def test_an_env_file_that_is_no_text_is_one_sentence(tmp_path):
    env = tmp_path / ".env"
    env.write_bytes(b"CTRADER_CLIENT_ID=\xff\xfe\n")
    with pytest.raises(ConfigInvalid, match=r"text file in UTF-8"):
        load_config(env_file=env)
