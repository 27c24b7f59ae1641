"""Which broker a command asks, and with what."""

from pathlib import Path

from palmbot.adapters.ctrader_inquirer import BrokerAccess
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.pin_guard import PinGuard
from palmbot.bootstrap.wiring import Wiring
from palmbot.cli.directory import choose_directory
from palmbot.cli.output import report_error
from palmbot.cli.run import wire
from palmbot.config.loading import load_config
from palmbot.config.login import Login
from palmbot.config.login import find_login as read_login
from palmbot.config.settings import Config
from palmbot.domain.orders import Environment


def find_broker(simulator: Path | None, settings: Path | None) -> BrokerAccess:
    """Return what it takes to ask the broker of `.env`, or a simulator.

    The locks of LIVE are those of `palmbot run`: where the bot may not connect, nor may this.

    Raises:
        ConfigInvalid: a setting is missing or wrong.
        InputInvalid: no simulator ever ran in that directory.
    """
    return to_access(wire(load_config(settings), simulator, None, is_shadow=True))


def to_access(wiring: Wiring) -> BrokerAccess:
    """Return the part of a bot's wiring that it takes to ask something."""
    return BrokerAccess(
        endpoint=wiring.endpoint,
        tls=wiring.tls,
        credentials=wiring.credentials,
        environment=wiring.params.environment,
        account_id=wiring.params.account_id,
        broker="" if wiring.params.live is None else wiring.params.live.broker,
        judge_key=None if wiring.pins is None else _make_guard(wiring, wiring.pins).judge,
    )


def _make_guard(wiring: Wiring, pins: Path) -> PinGuard:
    """Return who compares the server's key; a command that only asks has nothing to halt."""
    return PinGuard(
        PinFile(pins),
        f"{wiring.endpoint.host}:{wiring.endpoint.port}",
        is_live=wiring.params.environment is Environment.LIVE,
        clock=wiring.clock,
        raise_alarm=lambda alarm: report_error(alarm.text),
        halt=lambda _: None,
    )


def find_login(config: Config) -> Login:
    """Return what opens the broker's door, for questions about no certain account.

    Raises:
        ConfigInvalid: nobody is logged in, or `.env` lacks the application.
    """
    environment = config.environment
    return read_login(config.access, environment, choose_directory(environment, None))
