"""The part of the check-up that asks the broker: clock, name, certificate, account, contract."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from palmbot.adapters.ctrader_broker import Endpoint
from palmbot.adapters.ctrader_inquirer import BrokerAccess, CtraderInquirer, open_inquiry
from palmbot.adapters.tls_handshake import shake_hands
from palmbot.adapters.tls_verdict import judge
from palmbot.ctrader.catalogue import (
    Contract,
    enter_account,
    expect_margin,
    find_contract,
    read_version,
)
from palmbot.domain.errors import PalmbotError
from palmbot.domain.market import Account, AccountKind, Tick, TradingMode
from palmbot.domain.orders import Environment
from palmbot.domain.units import (
    MONEY_SCALE,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    PRICE_SCALE,
    TimestampMs,
)
from palmbot.ports import Clock
from palmbot.workbench.checkup import Finding, fail, fail_by, ok, skip, warn

CLOCK_URL = "https://openapi.ctrader.com/"
"""The broker's web server: its answers carry the time of day, whatever they say otherwise."""
CLOCK_TIMEOUT_S = 10.0
CLOCK_WARN_S = 5.0
"""The header counts whole seconds, and a way there and back takes some more."""
CLOCK_FAIL_S = 60.0
TLS_TIMEOUT_S = 10.0
BROKER_ROWS = ("account", "symbol", "schedule", "margin")
SHARE_WARN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the settings want from the account."""

    symbol: str
    risk_percent: float
    """Of equity, lost if the stop is hit."""
    stop_percent: float
    """Of the price."""


def examine_clock(clock: Clock, tls: ssl.SSLContext, url: str = CLOCK_URL) -> Finding:
    """Compare the clock of this machine with that of a web server."""
    try:
        # Proxies of the environment are no part of the settings, so they are not followed.
        with httpx.Client(timeout=CLOCK_TIMEOUT_S, verify=tls, trust_env=False) as client:
            asked_ms = clock.wall_ms()
            stamp = client.head(url).headers.get("Date", "")
            answered_ms = clock.wall_ms()
        there_ms = parsedate_to_datetime(stamp).timestamp() * MS_PER_SECOND
    except (httpx.HTTPError, ValueError) as e:
        return warn(
            "clock",
            f"could not be compared with {httpx.URL(url).host} ({type(e).__name__})",
            "see that the clock is set by NTP: `timedatectl`",
        )
    # The header is cut to whole seconds: half of one is the best guess at the rest.
    off_s = ((asked_ms + answered_ms) / 2 - there_ms) / MS_PER_SECOND - 0.5
    return grade_clock(off_s)


def grade_clock(off_s: float) -> Finding:
    """Return the finding on a clock that is so many seconds ahead."""
    if abs(off_s) < CLOCK_WARN_S:
        return ok("clock", f"right to within {CLOCK_WARN_S:g} s")
    way = "ahead" if off_s > 0 else "behind"
    minutes, seconds = divmod(round(abs(off_s)), 60)
    hours, minutes = divmod(minutes, 60)
    found = f"{hours} h {minutes} min {seconds} s {way} of the broker's web server"
    mend = "let NTP set it: `timedatectl set-ntp true`; freshness of prices is judged by it"
    return (fail if abs(off_s) >= CLOCK_FAIL_S else warn)("clock", found, mend)


def examine_server(endpoint: Endpoint, tls: ssl.SSLContext, now: TimestampMs) -> list[Finding]:
    """Look up the name and shake hands; no byte of an application is sent."""
    seen = shake_hands(
        endpoint.host,
        endpoint.port,
        server_name=endpoint.server_name,
        context=tls,
        timeout_s=TLS_TIMEOUT_S,
    )
    if not seen.addresses:
        text = seen.failure.text if seen.failure else "no answer"
        return [
            fail("DNS", f"{endpoint.host}: {text}", "check the network and the name server"),
            skip("TLS", "without an address there is nobody to shake hands with"),
        ]
    named = ok("DNS", f"{endpoint.host} is {', '.join(seen.addresses)}")
    verdict = judge(seen, server_name=endpoint.server_name, now=now)
    if not verdict.is_valid:
        return [named, fail("TLS", verdict.reason, verdict.mend)]
    found = f"{seen.version}, {verdict.reason}, {verdict.days_left} days left"
    if verdict.warnings:
        return [named, warn("TLS", found, "; ".join(verdict.warnings))]
    return [named, ok("TLS", found)]


async def examine_account(access: BrokerAccess, wanted: Wanted, clock: Clock) -> list[Finding]:
    """Open a session that only asks, and look at account, contract, hours and sizes."""
    findings: list[Finding] = []
    try:
        async with open_inquiry(access, clock) as inquirer:
            await _ask_all(inquirer, access, wanted, clock, findings)
    except PalmbotError as e:
        missing = BROKER_ROWS[len(findings) :]
        findings.append(fail_by(missing[0], e))
        findings += [skip(name, f"not asked: {missing[0]} failed") for name in missing[1:]]
    return findings


async def _ask_all(
    inquirer: CtraderInquirer,
    access: BrokerAccess,
    wanted: Wanted,
    clock: Clock,
    findings: list[Finding],
) -> None:
    account = await inquirer.ask(enter_account(access.credentials, access.target()))
    findings.append(_grade_account(account))
    contract = await inquirer.ask(find_contract(access.account_id, wanted.symbol))
    version = await inquirer.ask(read_version())
    findings.append(_grade_contract(contract, wanted.symbol, version))
    quote = inquirer.quote
    # The simulator lives in a time of its own, which only its quotes tell.
    is_simulated = quote is not None and access.environment is Environment.SIMULATOR
    now = quote.time if quote is not None and is_simulated else clock.wall_ms()
    findings.append(_grade_hours(contract, now))
    margin = await inquirer.ask(expect_margin(access.account_id, contract))
    findings.append(_grade_margin(account, contract, margin, quote, wanted))


def _grade_account(account: Account) -> Finding:
    kind = "LIVE" if account.is_live else "demo"
    found = (
        f"{kind} account {account.account_id} (login {account.login}) at {account.broker}, "
        f"{account.balance / MONEY_SCALE:,.2f} {account.currency}"
    )
    if account.kind is not AccountKind.HEDGED or account.is_limited_risk:
        kept = "with limited risk" if account.is_limited_risk else account.kind.name.lower()
        return fail("account", f"{found}, kept {kept}", "open a hedged account without that")
    if not account.can_trade:
        return fail(
            "account",
            f"{found}, which may not trade",
            "log in again with the scope `trading`, or ask the broker about the account's rights",
        )
    return ok("account", found)


def _grade_contract(contract: Contract, symbol: str, version: str) -> Finding:
    found = (
        f"{symbol} is id {contract.symbol_id}, {contract.digits} decimals, smallest order "
        f"{contract.units_min:g}, step {contract.units_step:g} (API {version})"
    )
    if contract.trading_mode != TradingMode.ENABLED.name:
        mode = contract.trading_mode.lower().replace("_", " ")
        return fail("symbol", f"{found}: {mode}", "choose the contract that the broker trades now")
    return ok("symbol", found)


def _grade_hours(contract: Contract, now: TimestampMs) -> Finding:
    hours = contract.hours
    if not hours.intervals:
        return fail(
            "schedule", "the broker names no trading hours", "ask it; without them nothing opens"
        )
    if hours.are_open(now):
        return ok("schedule", f"open now ({hours.zone})")
    for minute in range(1, 8 * MS_PER_DAY // MS_PER_MINUTE):
        opens = TimestampMs((now // MS_PER_MINUTE + minute) * MS_PER_MINUTE)
        if hours.are_open(opens):
            moment = datetime.fromtimestamp(opens / MS_PER_SECOND, UTC)
            return ok("schedule", f"closed, opens {moment:%a %Y-%m-%d %H:%M} UTC ({hours.zone})")
    return warn("schedule", "closed for more than a week", "see the broker's holidays")


def _grade_margin(
    account: Account, contract: Contract, margin: float, quote: Tick | None, wanted: Wanted
) -> Finding:
    balance = account.balance / MONEY_SCALE
    found = f"the smallest order wants {margin:,.2f} {account.currency} of margin"
    if margin > balance:
        return fail("margin", f"{found}, more than there is", "pay in, or trade a smaller contract")
    if quote is not None and quote.symbol_id == contract.symbol_id:
        at_stop = quote.ask / PRICE_SCALE * contract.units_min * wanted.stop_percent / 100
        allowed = balance * wanted.risk_percent / 100
        # Only where both are in one currency; the bot itself converts.
        if contract.quote_asset == account.currency and at_stop > allowed:
            return warn(
                "margin",
                f"{found}; at its stop it loses {at_stop:,.2f}, more than the {allowed:,.2f} that "
                "risk.risk_percent allows: no entry would ever be sent",
                "pay in, or raise risk.risk_percent knowingly",
            )
    if margin > SHARE_WARN * balance:
        return warn("margin", f"{found}, most of the balance", "pay in before you trade")
    return ok("margin", f"{found}, of {balance:,.2f}")


def examine_broker(access: BrokerAccess, wanted: Wanted, clock: Clock) -> list[Finding]:
    """Look at the server, then at the account, the contract and what an order needs."""
    findings = examine_server(access.endpoint, access.tls, clock.wall_ms())
    if any(each.mend and each.name in {"DNS", "TLS"} and each.grade == "FAIL" for each in findings):
        return findings + [skip(name, "the server cannot be trusted") for name in BROKER_ROWS]
    return findings + asyncio.run(examine_account(access, wanted, clock))
