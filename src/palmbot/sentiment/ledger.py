"""What the providers may cost in a day, and what they did: reserve, call, settle.

One SQLite file, one row per paid call. The worst case is booked before the call, so that no
answer, no time-out and no crash can take a day over its limit.
"""

import asyncio
import math
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from palmbot.domain.errors import ConfigInvalid, InputInvalid
from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.ports import Clock
from palmbot.sentiment.failures import FailureKind, ProviderFailed

APPLICATION_ID: Final = 0x504C4447  # "PLDG"
WARNING_SHARE: Final = 0.8
MICRO_USD: Final = 1_000_000
"""Sums are kept in whole millionths, so that a limit is met exactly."""

CLAIM_USD_MAX: Final = 1e6
"""What is claimed above it is noted as this much: the file holds whole numbers of 64 bits."""

_SCHEMA: Final = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    provider TEXT NOT NULL,
    reserved_musd INTEGER NOT NULL CHECK (reserved_musd > 0),
    booked_musd INTEGER NOT NULL CHECK (booked_musd BETWEEN 0 AND reserved_musd),
    claimed_musd INTEGER
) STRICT;
CREATE INDEX call_by_day ON call (day, provider);
COMMIT;
"""

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """One provider's UTC day, in US dollars."""

    calls: int
    booked_usd: float
    """Settled, or still reserved."""
    overclaimed_usd: float
    """Claimed by the provider beyond the worst case of our price list: look at its bill."""


class Ledger:
    """The budget of all providers; its thread alone touches the file."""

    def __init__(self, path: Path, limits_usd: Mapping[str, float], clock: Clock) -> None:
        """Open or make the ledger.

        Args:
            path: Of the file.
            limits_usd: For each provider that costs money, per UTC day.
            clock: Says which day it is.

        Raises:
            ConfigInvalid: it cannot be opened, or is something else.
        """
        self._limits = {name: _to_micro(limit) for name, limit in limits_usd.items()}
        self._clock = clock
        self._told: set[tuple[int, str, str]] = set()
        self._connection = _open(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    async def reserve(self, provider: str, worst_usd: float) -> int:
        """Book the worst case of a call before it is made; return the number to settle it by.

        Raises:
            ProviderFailed: BUDGET, the day has no room for it or the file cannot be written.
        """
        day = self._clock.wall_ms() // MS_PER_DAY
        limit = self._limits.get(provider, 0)
        worst = _to_micro(worst_usd)
        try:
            number, spent = await self._run(lambda: self._reserve(day, provider, worst, limit))
        except sqlite3.Error as e:
            log.error("ledger.failed", provider=provider, kind=type(e).__name__)  # noqa: TRY400
            raise ProviderFailed(
                FailureKind.BUDGET, "the ledger cannot be written, so nothing may be spent"
            ) from e
        self._tell(day, provider, spent, limit, is_refused=number is None)
        if number is None:
            raise ProviderFailed(FailureKind.BUDGET, "the daily limit is reached")
        return number

    async def settle(self, number: int, cost_usd: float | None) -> bool:
        """Replace the worst case by the cost; return whether the price list still holds.

        None, or a cost that is no amount of money, leaves the reservation. A cost above it is
        kept as a claim: the booking stays, since the money was never ours to spend, and the
        caller should stop asking.
        """
        if cost_usd is None or not math.isfinite(cost_usd) or cost_usd < 0:
            return True
        cost = _to_micro(min(cost_usd, CLAIM_USD_MAX))
        try:
            return await self._run(lambda: self._settle(number, cost))
        except sqlite3.Error as e:
            log.error("ledger.failed", kind=type(e).__name__)  # noqa: TRY400
            return True  # the reservation stays

    async def read_day(self, day: int | None = None) -> dict[str, Spending]:
        """Return what each provider cost on a UTC day (days since 1970), by default today."""
        chosen = self._clock.wall_ms() // MS_PER_DAY if day is None else day
        return await self._run(lambda: read_spending(self._connection, chosen))

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await self._run(self._connection.close)
        self._thread.shutdown()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _reserve(self, day: int, provider: str, worst: int, limit: int) -> tuple[int | None, int]:
        # Immediately, so that a probe beside the bot cannot spend the same cent.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            (spent,) = self._connection.execute(
                "SELECT coalesce(sum(booked_musd), 0) FROM call WHERE day = ? AND provider = ?",
                (day, provider),
            ).fetchone()
            number = None
            if spent + worst <= limit:
                number = self._connection.execute(
                    "INSERT INTO call (day, provider, reserved_musd, booked_musd) "
                    "VALUES (?, ?, ?, ?)",
                    (day, provider, worst, worst),
                ).lastrowid
                spent += worst
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        return number, spent

    def _settle(self, number: int, cost: int) -> bool:
        self._connection.execute(
            "UPDATE call SET booked_musd = min(reserved_musd, ?), claimed_musd = ? WHERE id = ?",
            (cost, cost, number),
        )
        (reserved,) = self._connection.execute(
            "SELECT reserved_musd FROM call WHERE id = ?", (number,)
        ).fetchone()
        return bool(cost <= reserved)

    def _tell(self, day: int, provider: str, spent: int, limit: int, *, is_refused: bool) -> None:
        """Say once a day that the limit is near, and once that it is reached."""
        if is_refused:
            word = "budget.reached"
        elif spent >= WARNING_SHARE * limit:
            word = "budget.near"
        else:
            return
        if (day, provider, word) not in self._told:
            self._told = {each for each in self._told if each[0] == day}
            self._told.add((day, provider, word))
            log.warning(
                word,
                provider=provider,
                spent_usd=spent / MICRO_USD,
                limit_usd=limit / MICRO_USD,
            )


def read_spending(connection: sqlite3.Connection, day: int) -> dict[str, Spending]:
    """Return each provider's spending on one UTC day."""
    rows = connection.execute(
        "SELECT provider, count(*), sum(booked_musd), "
        "sum(max(0, coalesce(claimed_musd, 0) - reserved_musd)) FROM call WHERE day = ? "
        "GROUP BY provider ORDER BY provider",
        (day,),
    )
    return {
        provider: Spending(
            calls=calls, booked_usd=booked / MICRO_USD, overclaimed_usd=over / MICRO_USD
        )
        for provider, calls, booked, over in rows
    }


def read_spending_file(path: Path, now: TimestampMs) -> dict[str, Spending]:
    """Return each provider's spending today, from a ledger that may be in use; empty without one.

    Raises:
        InputInvalid: it cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return read_spending(connection, now // MS_PER_DAY)
    except sqlite3.Error as e:
        raise InputInvalid(f"{path} cannot be read as a ledger: {e}") from e


def _to_micro(usd: float) -> int:
    """Round up: a reservation is never smaller than the price."""
    return math.ceil(round(usd * MICRO_USD, 6))


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and tables:
            raise ConfigInvalid(f"{path} is a database, but no ledger: move it away")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if not tables:
            connection.executescript(_SCHEMA)
    except sqlite3.Error as e:
        raise ConfigInvalid(
            f"cannot open the ledger {path}: {e}; move it away or name another --directory"
        ) from e
    return connection
