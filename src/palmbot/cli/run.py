"""`palmbot run`: trade until told to stop. `palmbot watch`: only look after the stops."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.endpoint_file import read_access
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.system_ids import SystemIds
from palmbot.adapters.tls import make_context
from palmbot.bootstrap import Wiring, run_bot, run_watch
from palmbot.cli.directory import choose_directory
from palmbot.cli.log import set_up_log
from palmbot.cli.output import EXIT_DONE
from palmbot.config.loading import load_config
from palmbot.config.login import find_login, require_account
from palmbot.config.sections import BrokerSettings
from palmbot.config.settings import Config
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId
from palmbot.live.alert_desk import AlertRules


def run(
    *,
    shadow: bool = False,
    simulator: Path | None = None,
    directory: Path | None = None,
    settings: Path | None = None,
) -> int:
    """Trade on the account of `.env`, or against the simulator, until SIGINT or SIGTERM.

    Open positions keep the stops that the broker holds. Entries also stop by a file named HALT
    in the data directory, and by SIGUSR1. LIVE is refused by this version.

    Example: `palmbot run --shadow`

    Args:
        shadow: Decide everything, send nothing.
        simulator: Directory of a running `palmbot simulate`; needs no `.env`.
        directory: Data directory; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
    """
    set_up_log()
    wiring = wire(load_config(settings), simulator, directory, is_shadow=shadow)
    asyncio.run(run_bot(wiring))
    return EXIT_DONE


def watch(
    *,
    simulator: Path | None = None,
    directory: Path | None = None,
    settings: Path | None = None,
) -> int:
    """Look after the stops of a bot from a process of its own, until SIGINT or SIGTERM.

    `palmbot run` has such a watch inside; this one also covers a bot that hangs or is dead. It
    cannot send an order. A position of ours without a stop raises an alarm and puts a HALT file
    into the data directory. Give it the same options as the bot.

    Example: `palmbot watch`

    Args:
        simulator: Directory of a running `palmbot simulate`.
        directory: Data directory of the bot; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
    """
    set_up_log()
    wiring = wire(load_config(settings), simulator, directory, is_shadow=True)
    asyncio.run(run_watch(wiring))
    return EXIT_DONE


def wire(
    config: Config, simulator: Path | None, directory: Path | None, *, is_shadow: bool
) -> Wiring:
    """Return what a bot for these settings is made of.

    Raises:
        ConfigInvalid: a setting is missing or wrong.
    """
    if simulator is not None:
        return _wire_simulator(config, simulator, directory, is_shadow=is_shadow)
    return _wire_broker(config, directory, is_shadow=is_shadow)


def make_alert_rules(config: Config) -> AlertRules:
    """Return what is worth waking a person."""
    return AlertRules(level=config.alerts.level, link_down_s=config.alerts.link_down_s)


def _wire_broker(config: Config, directory: Path | None, *, is_shadow: bool) -> Wiring:
    environment = config.environment
    if environment is Environment.SIMULATOR:
        raise ConfigInvalid(
            "CTRADER_ENVIRONMENT is demo or live; for the simulator use `palmbot run --simulator`"
        )
    endpoint = endpoint_for(environment)
    place = choose_directory(environment, directory)
    login = find_login(config.access, environment, place)
    return Wiring(
        params=config.make_params(
            environment=environment, account_id=require_account(login), is_shadow=is_shadow
        ),
        endpoint=endpoint,
        tls=make_context(config.tls.cafile, config.tls.crlfile),
        credentials=login.credentials,
        tokens=login.tokens,
        symbol_aliases=config.broker.symbol_aliases,
        sentiment=config.make_sentiment_plan(),
        directory=place,
        clock=SystemClock(),
        ids=SystemIds(),
        draw_jitter=random.random,
        watch_interval_s=config.broker.watch_interval_s,
        alert_urls=config.messengers.urls,
        heartbeat_url=config.messengers.heartbeat,
        alert_rules=make_alert_rules(config),
    )


def _wire_simulator(
    config: Config, simulator: Path, directory: Path | None, *, is_shadow: bool
) -> Wiring:
    access = read_access(simulator)
    symbol = config.broker.symbol
    if symbol not in access.symbols:
        if symbol != BrokerSettings().symbol:
            raise ConfigInvalid(
                f"palmbot.toml trades {symbol}, but the simulator in {simulator} quotes "
                f"{', '.join(access.symbols)}"
            )
        symbol = access.symbols[0]
    params = config.make_params(
        environment=Environment.SIMULATOR,
        account_id=AccountId(access.account_id),
        is_shadow=is_shadow,
    )
    return Wiring(
        params=replace(params, symbol_name=symbol),
        endpoint=endpoint_for(Environment.SIMULATOR, simulator_port=access.port),
        tls=make_context(Path(access.ca_file)),
        credentials=Credentials(
            client_id=access.client_id,
            client_secret=Secret(access.client_secret),
            access_token=Secret(access.access_token),
        ),
        symbol_aliases=(),
        directory=choose_directory(Environment.SIMULATOR, directory),
        clock=SystemClock(),
        ids=SystemIds(),
        draw_jitter=random.random,
        watch_interval_s=config.broker.watch_interval_s,
        alert_urls=config.messengers.urls,
        heartbeat_url=config.messengers.heartbeat,
        alert_rules=make_alert_rules(config),
    )
