"""`palmbot login` lets the bot in at the broker; `palmbot token status` tells how long it stays."""

import asyncio
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cyclopts import Parameter

from palmbot.adapters.account_file import ChosenAccount, read_choice, write_choice
from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.ctrader_inquirer import connect
from palmbot.adapters.oauth_client import (
    CTRADER,
    Authorization,
    Granted,
    OAuthSite,
    begin_authorization,
    exchange_code,
    read_redirect,
    render_address,
)
from palmbot.adapters.redirect_listener import ADDRESS, PATH, RedirectListener
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_file import FILE_NAME, TokenFile
from palmbot.adapters.token_keeper import is_due
from palmbot.bootstrap.directory import make_directory
from palmbot.cli.directory import choose_directory
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.config.loading import load_config
from palmbot.config.login import require_application
from palmbot.config.settings import Config
from palmbot.ctrader.catalogue import AccountList, ListedAccount, list_accounts
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, TimestampMs
from palmbot.ports import Tokens

WAIT_S: Final = 300.0
"""For a person in a browser; the state of the login is good for as long."""
CLOCK_OFFSET_MS_MAX: Final = 5 * MS_PER_MINUTE

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def login(  # noqa: PLR0913  (options of one command)
    *,
    environment: Literal["demo", "live"] | None = None,
    scope: Literal["trading", "accounts"] = "trading",
    paste: bool = False,
    browser: bool = True,
    account: int | None = None,
    directory: Path | None = None,
    settings: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Log in at cTrader, keep the tokens, and choose the account to trade on.

    Opens the consent page in the browser and waits for it to come back to this machine; the
    address 127.0.0.1 with the port of `[login] redirect_port` has to be registered at the
    application. Nothing is traded, and a LIVE account stays locked: see `palmbot live arm`.

    Example: `palmbot login --environment demo`; on a server: `palmbot login --paste`

    Args:
        environment: `demo` or `live`; by default that of `.env`.
        scope: `trading`, or `accounts` for a bot that only looks on.
        paste: Paste the address from the browser instead, which may run on another machine.
        browser: Open the browser; the address is printed anyway.
        account: Its number, if the login opens several; asked for otherwise.
        directory: Data directory; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    config = load_config(settings)
    chosen = config.environment if environment is None else Environment(environment)
    place = choose_directory(chosen, directory)
    granted = _authorise(config, CTRADER, scope, has_paste=paste, has_browser=browser)
    make_directory(place)
    tokens = _keep(granted, place)
    found = asyncio.run(_list(config, tokens.access_token))
    picked = _pick(found, chosen, account)
    choice = ChosenAccount(
        account_id=picked.account_id,
        login=picked.login,
        broker=picked.broker,
        is_live=picked.is_live,
    )
    write_choice(place, choice)
    can_trade = found.can_trade or scope == "accounts"
    if as_json:
        print_json(
            {
                "environment": chosen,
                "directory": str(place),
                "expires_at_ms": tokens.expires_at,
                "can_trade": found.can_trade,
                "account": msgspec.to_builtins(choice),
                "accounts": [msgspec.to_builtins(each) for each in found.accounts],
            }
        )
    else:
        stdout.print(
            f"logged in for {chosen.upper()}: account {choice.account_id} (login {choice.login}, "
            f"{choice.broker}), tokens in {place} until {_moment(tokens.expires_at)}, renewed by "
            "the bot before",
            highlight=False,
            soft_wrap=True,
        )
    if not can_trade:
        stderr.print(
            "the token may look and not trade, although `trading` was asked for: allow trading on "
            "cTrader's consent page, and check the scopes of the application",
            highlight=False,
            soft_wrap=True,
        )
    return EXIT_DONE if can_trade else EXIT_REFUSED


def _authorise(
    config: Config, site: OAuthSite, scope: str, *, has_paste: bool, has_browser: bool
) -> Granted:
    """Have a person consent, and exchange the code for tokens."""
    client_id, client_secret = require_application(config.access)
    tls = make_context(config.tls.cafile, config.tls.crlfile)
    port = config.login.redirect_port
    started = begin_authorization(
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=f"http://{ADDRESS}:{port}{PATH}",
        scope=scope,
    )
    if has_paste:
        _show(site, started)
        address = _read_pasted()
    else:
        with RedirectListener(port) as listener:
            _show(site, started)
            if has_browser:
                webbrowser.open(render_address(site, started))
            address = listener.wait(WAIT_S)
    granted = exchange_code(site, started, read_redirect(started, address), tls)
    _check_clock(granted)
    return granted


def _show(site: OAuthSite, started: Authorization) -> None:
    stderr.print("open this page and consent:", highlight=False)
    stderr.print(
        render_address(site, started), highlight=False, markup=False, soft_wrap=True, style="bold"
    )


def _read_pasted() -> str:
    stderr.print(
        "afterwards the browser shows an error page at 127.0.0.1: paste its whole address here"
    )
    address = sys.stdin.readline().strip()
    if not address:
        raise InputInvalid("nothing was pasted: run `palmbot login --paste` again")
    return address


def _check_clock(granted: Granted) -> None:
    """Warn if this machine's clock is off, before certificates and tokens seem to be at fault."""
    if granted.server_time is None:
        return
    offset_ms = SystemClock().wall_ms() - granted.server_time
    if abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        side = "ahead of" if offset_ms > 0 else "behind"
        stderr.print(
            f"this machine's clock is {abs(offset_ms) // MS_PER_MINUTE} minutes {side} cTrader's: "
            "set it (NTP), or tokens will seem to end too early or too late",
            highlight=False,
            soft_wrap=True,
        )


def _keep(granted: Granted, directory: Path) -> Tokens:
    """Store the pair at once: the code it was bought with works only once."""
    now = SystemClock().wall_ms()
    renewed = granted.tokens
    tokens = Tokens(
        access_token=renewed.access_token,
        refresh_token=renewed.refresh_token,
        issued_at=now,
        expires_at=TimestampMs(now + renewed.life_s * MS_PER_SECOND),
    )
    store = TokenFile(directory / FILE_NAME)
    store.save(tokens)
    store.forget_renewal()
    return tokens


async def _list(config: Config, access_token: Secret) -> AccountList:
    """Ask for the accounts; DEMO's host shows those of LIVE as well, and none is authorised."""
    client_id, client_secret = require_application(config.access)
    credentials = Credentials(
        client_id=client_id, client_secret=client_secret, access_token=access_token
    )
    tls = make_context(config.tls.cafile, config.tls.crlfile)
    async with connect(endpoint_for(Environment.DEMO), tls, SystemClock()) as inquirer:
        return await inquirer.ask(list_accounts(credentials))


def _pick(found: AccountList, environment: Environment, wanted: int | None) -> ListedAccount:
    """Return the account of this environment that a person wants.

    Raises:
        InputInvalid: there is none such; the tokens are kept all the same.
    """
    is_live = environment is Environment.LIVE
    kind = environment.upper()
    if not found.accounts:
        raise InputInvalid(
            "logged in, but the broker lists no account for this login: allow at least one account "
            "on the consent page; during faults the list is empty for a while, then run `palmbot "
            "login` again later"
        )
    fitting = [each for each in found.accounts if each.is_live is is_live]
    if wanted is not None:
        for each in found.accounts:
            if wanted in {each.account_id, each.login}:
                if each.is_live is not is_live:
                    raise InputInvalid(f"account {wanted} is not a {kind} account")
                return each
        raise InputInvalid(f"this login opens no account {wanted}; it opens {_name(found)}")
    if not fitting:
        raise InputInvalid(
            f"logged in, but none of the accounts is a {kind} account: it opens {_name(found)}; "
            "allow one on the consent page, or choose the other --environment"
        )
    if len(fitting) > 1:
        raise InputInvalid(
            f"logged in; choose one of the {kind} accounts with --account: "
            + ", ".join(f"{each.account_id} (login {each.login})" for each in fitting)
        )
    return fitting[0]


def _name(found: AccountList) -> str:
    return ", ".join(
        f"{each.account_id} ({'LIVE' if each.is_live else 'DEMO'})" for each in found.accounts
    )


def token_status(
    *, directory: Path | None = None, settings: Path | None = None, as_json: AsJson = False
) -> int:
    """Show how old the tokens are, when they are renewed, and for which account.

    The tokens themselves are never shown. Done (0) means that they are good now.

    Example: `palmbot token status`

    Args:
        directory: Data directory; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    config = load_config(settings)
    place = choose_directory(config.environment, directory)
    store = TokenFile(place / FILE_NAME)
    pair = store.load()
    now = SystemClock().wall_ms()
    choice = read_choice(place)
    if pair is None:
        source = ".env" if config.access.access_token is not None else "none"
        line = (
            "the token is that of .env; nobody knows how long it lives"
            if source == ".env"
            else f"nobody is logged in for {config.environment.upper()}: run `palmbot login`"
        )
    else:
        source = str(store.path)
        days = (pair.expires_at - now) / MS_PER_DAY
        due = "it is due to be renewed" if is_due(pair, now) else "it is renewed by the bot in time"
        line = f"the access token ends {_moment(pair.expires_at)}, in {days:.1f} days; {due}"
        if days <= 0:
            line = (
                f"the access token ended {_moment(pair.expires_at)}: the bot renews it when it "
                "connects, or run `palmbot login`"
            )
    note = store.read_note()
    is_good = pair is not None and pair.expires_at > now
    if as_json:
        print_json(
            {
                "environment": config.environment,
                "source": source,
                "issued_at_ms": pair.issued_at if pair else None,
                "expires_at_ms": pair.expires_at if pair else None,
                "is_good": is_good,
                "is_due": is_due(pair, now) if pair else None,
                "note": note,
                "account": msgspec.to_builtins(choice),
            }
        )
    else:
        chosen = "no account chosen" if choice is None else f"account {choice.account_id}"
        for text in (line, note, chosen):
            if text:
                stdout.print(text, highlight=False, soft_wrap=True)
    return EXIT_DONE if is_good or source == ".env" else EXIT_REFUSED


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / MS_PER_SECOND, UTC):%Y-%m-%d %H:%M} UTC"
