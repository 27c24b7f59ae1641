"""The locks between this program and real money. Each is examined by itself and named if missing.

Nothing here connects. What only a connection can show (the kind of the account, the broker's name,
the key of the server) is examined on it, before the account is authorised.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from palmbot.adapters.account_file import read_choice
from palmbot.adapters.ctrader_broker import LIVE_SERVER
from palmbot.adapters.journal_evidence import read_evidence
from palmbot.adapters.live_arming import (
    FIRST_DAY_MS,
    LIFE_MS,
    PROGRAM,
    read_arming,
    read_build,
)
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.token_file import FILE_NAME, TokenFile
from palmbot.config.settings import Config
from palmbot.domain.errors import ConfigInvalid, PalmbotError
from palmbot.domain.live import LiveGrant
from palmbot.domain.orders import Environment
from palmbot.domain.units import MS_PER_DAY, AccountId, TimestampMs

DEMO_SPAN_MS: Final = 7 * MS_PER_DAY
DEMO_WINDOW_MS: Final = 14 * MS_PER_DAY
DEMO_DAYS: Final = 5
"""Of the week, days on which the market was open."""
SHADOW_MS: Final = MS_PER_DAY
SHADOW_WINDOW_MS: Final = 365 * MS_PER_DAY
DOCTOR_MS: Final = LIFE_MS


class Lock(StrEnum):
    """What has to be so before an order can reach LIVE."""

    ENVIRONMENT = "environment"
    FLAG = "flag"
    ENABLED = "enabled"
    ACCOUNT = "account"
    BROKER = "broker"
    LIMITS = "limits"
    LOGIN = "login"
    PIN = "pin"
    DEMO = "demo"
    SHADOW = "shadow"
    DOCTOR = "doctor"
    ARMED = "armed"


SHADOW_LOCKS: Final = frozenset(
    {
        Lock.ENVIRONMENT,
        Lock.FLAG,
        Lock.ENABLED,
        Lock.ACCOUNT,
        Lock.BROKER,
        Lock.LIMITS,
        Lock.LOGIN,
        Lock.PIN,
    }
)
"""For a run that only looks at LIVE prices; it is part of the way in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """One lock as it is found."""

    lock: Lock
    is_open: bool
    found: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlace:
    """Where the locks look."""

    directory: Path
    """Data directory of LIVE."""
    demo_journal: Path
    live_journal: Path
    pins: Path
    program: Path = PROGRAM
    """Sources that an arming is bound to."""


def examine_locks(
    config: Config,
    place: LivePlace,
    *,
    has_flag: bool,
    now: TimestampMs,
    only: frozenset[Lock] = frozenset(Lock),
) -> tuple[LockState, ...]:
    """Return every lock as it is; what cannot be read is a lock that is shut."""
    examinations: tuple[tuple[Lock, Callable[[], tuple[bool, str, str]]], ...] = (
        (Lock.ENVIRONMENT, lambda: _examine_environment(config)),
        (Lock.FLAG, lambda: (has_flag, "--live", "run with --live")),
        (
            Lock.ENABLED,
            lambda: (
                config.live.enabled,
                f"live.enabled = {str(config.live.enabled).lower()}",
                "write enabled = true into [live] of palmbot.toml",
            ),
        ),
        (Lock.ACCOUNT, lambda: _examine_account(config, place)),
        (Lock.BROKER, lambda: _examine_broker(config, place)),
        (Lock.LIMITS, lambda: _examine_limits(config)),
        (Lock.LOGIN, lambda: _examine_login(place)),
        (Lock.PIN, lambda: _examine_pin(place)),
        (Lock.DEMO, lambda: _examine_demo(place, now)),
        (Lock.SHADOW, lambda: _examine_shadow(place, now)),
        (Lock.DOCTOR, lambda: _examine_doctor(place, now)),
        (Lock.ARMED, lambda: _examine_arming(config, place, now)),
    )
    states = []
    for lock, examine in examinations:
        if lock not in only:
            continue
        try:
            is_open, found, mend = examine()
        except (PalmbotError, OSError) as e:
            is_open, found, mend = False, str(e), "mend that first"
        states.append(LockState(lock=lock, is_open=is_open, found=found, mend=mend))
    return tuple(states)


def unlock(
    config: Config, place: LivePlace, *, has_flag: bool, is_shadow: bool, now: TimestampMs
) -> LiveGrant:
    """Return the proof that LIVE may be reached, if every lock it takes is open.

    Raises:
        ConfigInvalid: locks are shut; each is named with what opens it.
    """
    needed = SHADOW_LOCKS if is_shadow else frozenset(Lock)
    states = examine_locks(config, place, has_flag=has_flag, now=now, only=needed)
    shut = [state for state in states if not state.is_open]
    if shut:
        raise ConfigInvalid(
            "LIVE is locked: "
            + "; ".join(f"{state.lock} ({state.found}): {state.mend}" for state in shut)
            + ". See `palmbot live status`"
        )
    arming = read_arming(place.directory)
    account_id = config.live.account_id
    assert account_id is not None
    first = 0 if arming is None else arming.first_armed_at_ms
    return LiveGrant(
        account_id=AccountId(account_id),
        broker=config.live.broker,
        may_trade=not is_shadow,
        smallest_until=TimestampMs(first + FIRST_DAY_MS),
    )


def find_shut(config: Config, place: LivePlace, *, is_shadow: bool, now: TimestampMs) -> str:
    """Return in words which locks have shut since the start; empty while all hold.

    The days before LIVE are not counted again: they do not change while the bot runs.
    """
    watched = SHADOW_LOCKS if is_shadow else SHADOW_LOCKS | {Lock.ARMED}
    states = examine_locks(config, place, has_flag=True, now=now, only=watched)
    return "; ".join(f"{state.lock}: {state.found}" for state in states if not state.is_open)


def digest_settings(config: Config) -> str:
    """Return a digest of every setting as it is in effect, without the secrets."""
    parts = (
        config.environment,
        config.broker,
        config.strategy,
        config.sentiment,
        config.risk,
        config.breakers,
        config.tls,
        config.live,
    )
    text = msgspec.json.encode(msgspec.to_builtins(parts, enc_hook=str), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]


def _examine_environment(config: Config) -> tuple[bool, str, str]:
    return (
        config.environment is Environment.LIVE,
        f"CTRADER_ENVIRONMENT={config.environment}",
        "set CTRADER_ENVIRONMENT=live in .env",
    )


def _examine_account(config: Config, place: LivePlace) -> tuple[bool, str, str]:
    """Settings, login and environment variable have to mean the same LIVE account."""
    wanted = config.live.account_id
    choice = read_choice(place.directory)
    chosen = config.access.account_id or (None if choice is None else choice.account_id)
    if wanted is None:
        return False, "live.account_id is not set", "write account_id = ... into [live]"
    if choice is not None and not choice.is_live:
        return False, f"account {choice.account_id} is not LIVE", "run `palmbot login`"
    return (
        chosen == wanted,
        f"live.account_id = {wanted}, logged in for {chosen or 'none'}",
        "make both the same: [live] account_id, and `palmbot login --environment live`",
    )


def _examine_broker(config: Config, place: LivePlace) -> tuple[bool, str, str]:
    wanted, choice = config.live.broker, read_choice(place.directory)
    shown = "" if choice is None else choice.broker
    return (
        bool(wanted) and wanted == shown,
        f"live.broker = {wanted!r}, the login shows {shown!r}",
        "write the broker's name into [live] as `palmbot accounts` shows it",
    )


def _examine_limits(config: Config) -> tuple[bool, str, str]:
    live = config.live
    missing = [
        name
        for name, value in (
            ("risk_percent", live.risk_percent),
            ("daily_loss_percent", live.daily_loss_percent),
            ("orders_per_day_max", live.orders_per_day_max),
        )
        if value is None
    ]
    found = f"{', '.join(missing)} not set" if missing else "all set"
    return not missing, found, "write LIVE's own limits into [live]: they have no default"


def _examine_login(place: LivePlace) -> tuple[bool, str, str]:
    """Only LIVE's own token file counts; a pair pasted into `.env` does not."""
    pair = TokenFile(place.directory / FILE_NAME).load()
    return (
        pair is not None,
        "logged in" if pair is not None else f"no tokens in {place.directory}",
        "run `palmbot login --environment live`",
    )


def _examine_pin(place: LivePlace) -> tuple[bool, str, str]:
    known = PinFile(place.pins).find(LIVE_SERVER)
    return (
        known is not None,
        f"the key of {LIVE_SERVER} is {known.pin if known else 'not known'}",
        "run `palmbot tls-check`",
    )


def _examine_demo(place: LivePlace, now: TimestampMs) -> tuple[bool, str, str]:
    """A clean week on DEMO; later the same on LIVE itself, so that re-arming needs no DEMO bot."""
    found = ""
    for journal in (place.demo_journal, place.live_journal):
        seen = read_evidence(
            journal, TimestampMs(now - DEMO_WINDOW_MS), TimestampMs(now - DEMO_SPAN_MS)
        )
        traded_ms = seen.span_ms - seen.shadow_ms
        found = found or (
            f"DEMO ran {traded_ms / MS_PER_DAY:.1f} days lately, on {seen.days} of them, with "
            f"{seen.late_quarantines} differences for a person in the last week"
        )
        has_week = traded_ms >= DEMO_SPAN_MS and seen.days >= DEMO_DAYS and seen.late_steps > 0
        if has_week and seen.late_quarantines == 0:
            return True, found, ""
    return False, found, "let the bot run on DEMO for 7 days without such a difference"


def _examine_shadow(place: LivePlace, now: TimestampMs) -> tuple[bool, str, str]:
    seen = read_evidence(place.live_journal, TimestampMs(now - SHADOW_WINDOW_MS), now)
    hours = seen.shadow_ms / MS_PER_DAY * 24
    return (
        seen.shadow_ms >= SHADOW_MS,
        f"{hours:.1f} hours of shadow on LIVE prices",
        "run `palmbot run --live --shadow` for 24 hours",
    )


def _examine_doctor(place: LivePlace, now: TimestampMs) -> tuple[bool, str, str]:
    arming = read_arming(place.directory)
    seen_at = 0 if arming is None else arming.doctor_at_ms
    is_open = seen_at > 0 and now - seen_at < DOCTOR_MS
    return (
        is_open,
        "nothing was wrong at the arming" if is_open else "not examined",
        "`palmbot live arm` examines; mend what `palmbot doctor` shows first",
    )


def _examine_arming(config: Config, place: LivePlace, now: TimestampMs) -> tuple[bool, str, str]:
    arming = read_arming(place.directory)
    mend = "run `palmbot live arm`"
    if arming is None:
        return False, "not armed", mend
    if arming.account_id != config.live.account_id:
        return False, f"armed for account {arming.account_id}", mend
    age_ms = now - arming.armed_at_ms
    if not 0 <= age_ms < LIFE_MS:
        return False, "the arming is over: it holds for 7 days", mend
    if arming.build != read_build(place.program):
        return False, "the program has changed since the arming", mend
    if arming.settings != digest_settings(config):
        return False, "the settings have changed since the arming", mend
    return True, f"armed for {(LIFE_MS - age_ms) / MS_PER_DAY:.1f} more days", mend
