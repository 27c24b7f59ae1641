"""`palmbot run`: trade until told to stop. `palmbot watch`: only look after the stops."""

import asyncio
import random
from dataclasses import replace
from functools import partial
from pathlib import Path

from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.endpoint_file import read_access
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.system_ids import SystemIds
from palmbot.adapters.tls import make_context
from palmbot.bootstrap.directory import JOURNAL_NAME
from palmbot.bootstrap.running import run_bot
from palmbot.bootstrap.watching import run_watch
from palmbot.bootstrap.wiring import Wiring
from palmbot.cli.directory import PINS, choose_directory
from palmbot.cli.log import set_up_log
from palmbot.cli.output import EXIT_DONE
from palmbot.config.live_locks import LivePlace, find_shut, unlock
from palmbot.config.loading import load_config
from palmbot.config.login import find_login, require_account
from palmbot.config.sections import BrokerSettings
from palmbot.config.settings import Config
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import ConfigInvalid, PalmbotError
from palmbot.domain.live import LiveGrant
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId
from palmbot.live.alert_desk import AlertRules


def run(
    *,
    live: bool = False,
    shadow: bool = False,
    simulator: Path | None = None,
    directory: Path | None = None,
    settings: Path | None = None,
) -> int:
    """Trade on the account of `.env`, or against the simulator, until SIGINT or SIGTERM.

    Open positions keep the stops that the broker holds. Entries also stop by a file named HALT
    in the data directory, and by SIGUSR1. LIVE takes `--live` and every other lock that `palmbot
    live status` shows; with `--shadow` it takes fewer, and is part of the way in.

    Example: `palmbot run --shadow`

    Args:
        live: One of the locks of LIVE; changes nothing on DEMO.
        shadow: Decide everything, send nothing.
        simulator: Directory of a running `palmbot simulate`; needs no `.env`.
        directory: Data directory; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
    """
    set_up_log()
    wiring = wire(
        load_config(settings),
        simulator,
        directory,
        is_shadow=shadow,
        has_live_flag=live,
        settings=settings,
    )
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


def wire(  # noqa: PLR0913  (what the commands have in common)
    config: Config,
    simulator: Path | None,
    directory: Path | None,
    *,
    is_shadow: bool,
    has_live_flag: bool = True,
    settings: Path | None = None,
) -> Wiring:
    """Return what a bot for these settings is made of.

    Args:
        is_shadow: It sends no order; then fewer locks of LIVE are needed.
        has_live_flag: `--live` was given; a command that can only look needs no such word.
        settings: File that `config` came from, to see later whether it changes.

    Raises:
        ConfigInvalid: a setting is missing or wrong, or a lock of LIVE is shut.
    """
    if simulator is not None:
        return _wire_simulator(config, simulator, directory, is_shadow=is_shadow)
    if config.environment is not Environment.LIVE:
        return _wire_broker(config, directory, is_shadow=is_shadow, grant=None)
    place, now = find_live_place(directory), SystemClock().wall_ms()
    grant = unlock(config, place, has_flag=has_live_flag, is_shadow=is_shadow, now=now)
    wiring = _wire_broker(config, directory, is_shadow=is_shadow, grant=grant)
    look = partial(_find_shut, settings, place, is_shadow=is_shadow)
    return replace(wiring, find_shut_locks=look)


def find_live_place(directory: Path | None) -> LivePlace:
    """Return where the locks of LIVE look."""
    home = choose_directory(Environment.LIVE, directory)
    return LivePlace(
        directory=home,
        demo_journal=choose_directory(Environment.DEMO, None) / JOURNAL_NAME,
        live_journal=home / JOURNAL_NAME,
        pins=PINS,
    )


def _find_shut(settings: Path | None, place: LivePlace, *, is_shadow: bool) -> str:
    """Look at the locks with the settings as they are on disk now."""
    try:
        config = load_config(settings)
    except PalmbotError as e:
        return str(e)
    return find_shut(config, place, is_shadow=is_shadow, now=SystemClock().wall_ms())


def make_alert_rules(config: Config) -> AlertRules:
    """Return what is worth waking a person."""
    return AlertRules(level=config.alerts.level, link_down_s=config.alerts.link_down_s)


def _wire_broker(
    config: Config, directory: Path | None, *, is_shadow: bool, grant: LiveGrant | None
) -> Wiring:
    environment = config.environment
    if environment is Environment.SIMULATOR:
        raise ConfigInvalid(
            "CTRADER_ENVIRONMENT is demo or live; for the simulator use `palmbot run --simulator`"
        )
    endpoint = endpoint_for(environment, grant=grant)
    place = choose_directory(environment, directory)
    login = find_login(config.access, environment, place)
    return Wiring(
        params=config.make_params(
            environment=environment,
            account_id=require_account(login),
            is_shadow=is_shadow,
            grant=grant,
        ),
        endpoint=endpoint,
        tls=make_context(config.tls.cafile, config.tls.crlfile),
        credentials=login.credentials,
        tokens=login.tokens,
        pins=PINS,
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
