"""The part of the check-up that needs no network: this machine, the files, the journal."""

import os
import shutil
import ssl
import stat
import sys
from importlib.metadata import version
from pathlib import Path

from google.protobuf.internal import api_implementation

from palmbot.adapters.instance_lock import find_holder
from palmbot.adapters.journal_reader import verify
from palmbot.adapters.journal_schema import JournalOwner, read_owner
from palmbot.adapters.journal_search import LastState, read_last_state
from palmbot.adapters.token_file import FILE_NAME as TOKEN_FILE_NAME
from palmbot.adapters.token_file import TokenFile
from palmbot.bootstrap.directory import JOURNAL_NAME
from palmbot.config.access import EnvAccess
from palmbot.config.settings import Config
from palmbot.core.engine import decide
from palmbot.core.params import SentimentMode
from palmbot.core.state import initial_state
from palmbot.domain.breakers import BreakerPhase
from palmbot.domain.errors import PalmbotError
from palmbot.domain.orders import Environment
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, TimestampMs
from palmbot.live.halt_file import read_halt
from palmbot.live.status import describe_breakers
from palmbot.workbench.checkup import Finding, fail, fail_by, ok, skip, warn

PYTHON_MIN = (3, 11)
MEBIBYTE = 1 << 20
FREE_FAIL = 200 * MEBIBYTE
"""A journal of some weeks, and room for SQLite to work in."""
FREE_WARN = 1024 * MEBIBYTE
JOURNAL_BYTES_MAX = 512 * MEBIBYTE
"""Larger ones take more than some ten seconds to follow: `palmbot journal verify` does it."""
TOKEN_DAYS_MIN = 3.0
"""The bot renews when a fifth of 30 days is left: later than this it has failed for days."""
LIBRARIES = ("apprise", "cryptography", "httpx", "msgspec", "protobuf", "structlog")


def examine_machine(directory: Path) -> list[Finding]:
    """Look at interpreter, libraries and disk.

    Args:
        directory: Data directory of the bot; need not be there yet.
    """
    return [_check_python(), _check_versions(), _check_disk(directory)]


def _check_python() -> Finding:
    found = f"{sys.version.split()[0]}, {ssl.OPENSSL_VERSION}"
    if sys.version_info < PYTHON_MIN:
        return fail("python", found, "install Python 3.11 or newer and make the environment anew")
    return ok("python", found)


def _check_versions() -> Finding:
    found = f"palm-oil-bot {version('palm-oil-bot')}; " + ", ".join(
        f"{name} {version(name)}" for name in LIBRARIES
    )
    kind = api_implementation.Type()
    if kind != "upb":
        return warn(
            "versions",
            f"{found}; protobuf runs as {kind}, ten times slower",
            "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, or install the wheel of this platform",
        )
    return ok("versions", found)


def _check_disk(directory: Path) -> Finding:
    there = directory
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    found = f"{free // MEBIBYTE:,} MiB free at {directory}"
    mend = "free space: a journal that cannot be written ends all trading"
    if free < FREE_FAIL:
        return fail("disk", found, mend)
    return warn("disk", found, mend) if free < FREE_WARN else ok("disk", found)


def examine_files(directory: Path, env_file: Path) -> list[Finding]:
    """Look at who can read and write what the bot keeps."""
    findings = [_check_private("permissions of .env", env_file)]
    findings.append(_check_private("permissions of data", directory))
    if directory.is_dir() and not os.access(directory, os.W_OK | os.X_OK):
        findings[-1] = fail(
            "permissions of data", f"{directory} cannot be written", f"chown it to {os.getuid()}"
        )
    halt = read_halt(directory) if directory.is_dir() else None
    if halt is not None:
        findings.append(
            warn("halt file", halt, "take the file away, then `palmbot resume --reason ...`")
        )
    return findings


def _check_private(name: str, path: Path) -> Finding:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return ok(name, f"{path} is not there yet")
    except OSError as e:
        return fail(name, f"{path}: {e.strerror}", "run as the user that the files belong to")
    loose = stat.S_IMODE(mode) & 0o077
    strict = "700" if stat.S_ISDIR(mode) else "600"
    if loose:
        return fail(
            name,
            f"{path} can be used by others (mode {stat.S_IMODE(mode):o})",
            f"chmod {strict} {path}",
        )
    return ok(name, f"{path}, mode {stat.S_IMODE(mode):o}")


def examine_settings(config: Config) -> list[Finding]:
    """Look at what the settings promise each other."""
    findings = [_check_sentiment(config)]
    if config.messengers.urls is None:
        findings.append(
            warn(
                "alerts",
                "ALERT_URLS is not set: nobody is told of an alarm",
                "set it in .env, then `palmbot alerts test`",
            )
        )
    else:
        findings.append(ok("alerts", "ALERT_URLS is set; `palmbot alerts test` sends a message"))
    if config.messengers.heartbeat is None:
        findings.append(
            warn(
                "heartbeat",
                "HEARTBEAT_URL is not set: nobody notices when this machine dies",
                "set it in .env to the address of a dead man's switch",
            )
        )
    else:
        findings.append(ok("heartbeat", "HEARTBEAT_URL is set"))
    return findings


def _check_sentiment(config: Config) -> Finding:
    mode, keys = config.sentiment.mode, config.mood_keys
    if mode is SentimentMode.OFF:
        return ok("sentiment", "off")
    sources = [
        name for name, key in (("Perplexity", keys.perplexity), ("X", keys.x)) if key is not None
    ]
    if sources:
        return ok("sentiment", f"mode {mode}, keys for {' and '.join(sources)}")
    effect = "no entry is ever allowed" if mode is SentimentMode.CONFIRM else "it never speaks"
    return warn(
        "sentiment",
        f"mode {mode} without a key: {effect}",
        'set PERPLEXITY_API_KEY or X_BEARER_TOKEN in .env, or sentiment.mode = "off"',
    )


def examine_tokens(directory: Path, access: EnvAccess, now: TimestampMs) -> Finding:
    """Look at the age of the pair of tokens; the tokens themselves are not looked at."""
    try:
        pair = TokenFile(directory / TOKEN_FILE_NAME).load()
    except PalmbotError as e:
        return fail_by("token", e)
    if pair is not None:
        return _grade_age((pair.expires_at - now) / MS_PER_DAY)
    if access.access_token is None:
        return fail("token", f"nobody is logged in ({directory})", "palmbot login")
    found = "a token from .env, of unknown age"
    if access.refresh_token is not None:
        return ok("token", f"{found}; the bot renews it at its first connection")
    return warn("token", f"{found}, which nothing renews", "palmbot login")


def _grade_age(days: float) -> Finding:
    """Return the finding on a pair whose access token has so many days left."""
    if days <= 0:
        found = f"ended {-days:.1f} days ago; the bot renews it when it connects"
        return warn("token", found, "if the bot cannot: palmbot login")
    if days < TOKEN_DAYS_MIN:
        found = f"ends in {days:.1f} days, although it is renewed long before"
        return warn("token", found, "see the alarms of the bot; if it cannot: palmbot login")
    return ok("token", f"ends in {days:.1f} days and is renewed before")


def examine_journal(
    directory: Path, environment: Environment, account_id: int | None, now: TimestampMs
) -> list[Finding]:
    """Look at the journal: whose it is, whether it holds, how the bot stood."""
    path = directory / JOURNAL_NAME
    if not path.is_file():
        return [
            ok("journal", f"none yet in {directory}"),
            skip("breakers", "the bot never ran here"),
        ]
    try:
        owner = read_owner(path)
        finding = _check_journal(path, owner, environment, account_id)
        last = read_last_state(path, decide=decide, initial_state=initial_state)
    except PalmbotError as e:
        return [fail_by("journal", e), skip("breakers", "the journal cannot be read")]
    holder = find_holder(directory)
    running = "not running" if holder is None else f"running as process {holder}"
    if last is None:
        return [finding, ok("bot", f"{running}; it never came to a step")]
    age_min = (now - last.recorded_at) // MS_PER_MINUTE
    return [
        finding,
        ok("bot", f"{running}; last step {age_min} min ago"),
        _check_breakers(last),
        _check_open_items(last),
    ]


def _check_journal(
    path: Path, owner: JournalOwner, environment: Environment, account_id: int | None
) -> Finding:
    is_ours = owner.environment is environment and account_id in {None, owner.account_id}
    if not is_ours:
        return fail(
            "journal",
            f"{path} is of {owner}",
            "name another --directory: one account and environment have one each",
        )
    size = path.stat().st_size
    if size > JOURNAL_BYTES_MAX:
        return ok("journal", f"of {owner}, {size // MEBIBYTE:,} MiB; not followed, too long")
    report = verify(path)
    if not report.is_verified:
        return fail(
            "journal",
            report.problem,
            "keep the file, compare the account with the broker, see docs/RUNBOOK.md",
        )
    return ok("journal", f"of {owner}, {report.rows} steps, unbroken")


def _check_breakers(last: LastState) -> Finding:
    told = describe_breakers(last.state)
    if not told:
        return ok("breakers", "all closed")
    phases = {each.phase for each in last.state.breakers.records.values()}
    mend = "`palmbot breakers` shows them; what is latched wants `palmbot breakers reset`"
    if BreakerPhase.LATCHED in phases:
        return fail("breakers", "; ".join(told), mend)
    return warn("breakers", "; ".join(told), mend)


def _check_open_items(last: LastState) -> Finding:
    switch = last.state.switch
    items = list(last.state.books.quarantine)
    if items:
        return fail("to settle", ", ".join(items), "palmbot reconcile, then palmbot reconcile ack")
    if switch.halted_by is not None:
        return warn(
            "to settle",
            f"entries are halted by {switch.halted_by}: {switch.reason}",
            "`palmbot resume --reason ...` once the cause is gone",
        )
    return ok("to settle", "nothing")
