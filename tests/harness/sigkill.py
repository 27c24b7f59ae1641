"""Kills the real bot with SIGKILL, again and again, and holds its books against the broker's.

Everything is real: processes, sockets, TLS, SQLite, signals. `python -m harness.sigkill --kills
500` plays a long run, on every core a bot and a broker of its own; `tests/e2e/test_sigkill.py`
plays a short one.
"""

import argparse
import asyncio
import json
import math
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import reduce
from pathlib import Path

from palmbot.adapters import journal_reader
from palmbot.adapters.journal_codec import chain_hash
from palmbot.adapters.journal_search import read_last_state
from palmbot.adapters.operator_socket import ask
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.errors import InputInvalid
from palmbot.live.departure import is_waiting

SETTINGS = """
[strategy]
rsi_period = 2
rsi_buy = 49.9
rsi_sell = 50.1
bar_period_s = 60
warm_up_bars = 3
history_bars = 10
take_profit_percent = 0.15
stop_loss_percent = 0.15
[sentiment]
mode = "off"
[risk]
risk_percent = 0.2
orders_per_minute_max = 1000
orders_per_day_max = 100000
intent_age_ms_max = 5000
[broker]
watch_interval_s = 1
order_style = "{style}"
[breakers]
unknown = "allow"
daily_loss_percent = 99
losses_max = 1_000_000
starts_max = 1_000_000
unknowns_max = 1_000_000
volatility_ratio = 1000
spread_trip_factor = 1000
spread_deny_factor = 1000
"""
"""Trades densely: nearly every bar wants an entry, and no breaker stands in its way."""

MOMENTS = {"starting": 1, "running": 1, "ordering": 3, "leaving": 1}
"""When a life ends, with weights; "leaving" ends it by SIGTERM while an order is on its way."""

SPEED = 600
"""Market seconds per second: a bar every tenth of one."""
START_S_MAX = 90.0
"""Until a process serves or has read the books; a busy machine takes its time."""
LIFE_S_MAX = 2.0
"""Longest life after the link came up."""
ORDER_PATH_S = 0.03
"""About as long as an entry takes from its decision to its fill."""
FULL_CHECK_KILLS = 25
"""So often the journal is verified from its first step; in between from the last known one on."""


@dataclass
class KillReport:
    """What a run of kills left behind. All but `kills`, `orders` and `moments` must be empty."""

    kills: int = 0
    orders: int = 0
    """At the broker."""
    trades: int = 0
    moments: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    unprotected: int = 0
    """Positions that ever existed without a stop."""
    lost_rows: int = 0
    """Times that a step which was durable before a kill was gone after it."""
    corrupt: int = 0
    """Times that the journal did not verify."""
    unaudited: list[str] = field(default_factory=list)
    """Orders at the broker of which the journal knows nothing."""
    halts: list[str] = field(default_factory=list)
    differences: list[dict] = field(default_factory=list)
    """Between both books once the last life had reconciled and halted."""
    is_replay_identical: bool = False
    exit_code: int | None = None
    """Of the last life, which is ended by SIGTERM."""
    acknowledged: int = 0
    """Orders that never left, which the operator had to settle."""
    seconds: float = 0.0

    def add(self, other):
        """Return the sum of two reports, of runs that went on side by side."""
        both = {
            name: getattr(self, name) + getattr(other, name)
            for name in (
                *("kills", "orders", "trades", "duplicates", "unprotected", "lost_rows"),
                *("corrupt", "unaudited", "halts", "differences", "acknowledged"),
            )
        }
        codes = (self.exit_code, other.exit_code)
        return KillReport(
            **both,
            moments=dict(Counter(self.moments) + Counter(other.moments)),
            is_replay_identical=self.is_replay_identical and other.is_replay_identical,
            exit_code=0 if codes == (0, 0) else next(code for code in codes if code != 0),
            seconds=max(self.seconds, other.seconds),
        )

    @property
    def is_sound(self):
        counts = self.duplicates + self.unprotected + self.lost_rows + self.corrupt
        lists = self.unaudited + self.halts + self.differences
        return counts == 0 and not lists and self.is_replay_identical and self.exit_code == 0


class Killer:
    """One simulator, and one bot after the other on the same data directory."""

    def __init__(self, directory, *, seed=1, style="market"):
        self.directory = Path(directory)
        self.random = random.Random(seed)  # noqa: S311 - moments, not secrets
        self.seed = seed
        self.report = KillReport()
        self.head = None
        self.last_line = ""
        self.bot = self.directory / "bot"
        self.simulator = self.directory / "sim"
        self.journal = self.bot / "journal.sqlite"
        self.settings = self.directory / "palmbot.toml"
        self.settings.write_text(SETTINGS.format(style=style))

    async def run(self, kills, on_kill=lambda report: None, seconds_max=math.inf):
        """Kill so many times, or as often as the seconds allow; then leave in order and judge."""
        began_s = time.monotonic()
        broker = await self._spawn(
            "simulate", "--directory", self.simulator, "--speed", SPEED, "--seed", self.seed,
            "--days", 300,
        )  # fmt: skip
        try:
            await self._wait_for(broker, "serving")
            while self.report.kills < kills:
                await self._live_and_die()
                self._judge_journal()
                on_kill(self.report)
                if time.monotonic() - began_s > seconds_max:
                    break
            await self._live_and_leave()
        finally:
            with suppress(ProcessLookupError):
                broker.send_signal(signal.SIGTERM)
            await broker.wait()
        self._judge_books()
        self.report.seconds = round(time.monotonic() - began_s, 1)
        return self.report

    async def _live_and_die(self):
        process = await self._start()
        (moment,) = self.random.choices(tuple(MOMENTS), tuple(MOMENTS.values()))
        if moment == "starting":
            await asyncio.sleep(self.random.uniform(0.0, 1.5))
        else:
            await self._wait_for(process, "BooksReported")
            await self._operate()
            if moment == "running":
                await self._sleep_reading(process, self.random.uniform(0.0, LIFE_S_MAX))
            elif await self._wait_for(process, "at risk", LIFE_S_MAX):
                await asyncio.sleep(self.random.uniform(0.0, ORDER_PATH_S))
        self.report.moments[moment] = self.report.moments.get(moment, 0) + 1
        if process.returncode is not None:
            self.report.halts.append(f"ended with {process.returncode}: {self.last_line}")
            return
        if moment == "leaving":
            process.terminate()
            await process.communicate()
            self._judge_departure(process.returncode)
        else:
            process.kill()
            await process.communicate()
            self.report.kills += 1

    async def _live_and_leave(self):
        process = await self._start()
        await self._wait_for(process, "BooksReported")
        await self._operate()
        for _ in range(20):
            await self._sleep_reading(process, 0.5)
            status = (await self._ask(command="status")).get("status")
            if status is None:
                self.report.halts.append(f"the last one ended by itself: {self.last_line}")
                break
            if status["link"] == "consistent" and not status["unknown_orders"]:
                break
            await self._operate()
        await self._ask(command="halt", reason="the end")
        for _ in range(5):  # the last order may still be on its way
            reply = await self._ask(command="reconcile", dry_run=True)
            self.report.differences = reply.get("differences", [reply])
            if not self.report.differences:
                break
            await self._sleep_reading(process, 0.5)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.communicate()
        self.report.exit_code = process.returncode

    async def _operate(self):
        """Settle by hand what never left: as a person who looks into the broker's own app."""
        status = (await self._ask(command="status")).get("status")
        if status is None:
            return
        if status["halted_by"]:
            self.report.halts.append(f"{status['halted_by']}: {status['halt_reason']}")
            await self._ask(command="resume", reason="noted")
        placed = {each["label"] for each in self._read_broker() if each["fate"] == "placed"}
        for intent_id in status["unknown_orders"]:
            if f"pob1|simulator|{intent_id}" not in placed:
                reply = await self._ask(
                    command="ack", item=intent_id, action="ignore", reason="not in the app"
                )
                self.report.acknowledged += "done" in reply

    def _judge_departure(self, code):
        """SIGTERM lets every request under way be answered, and ends with 0."""
        last = read_last_state(self.journal, decide=decide, initial_state=initial_state)
        if code != 0 or is_waiting(last.state):
            self.report.halts.append(f"SIGTERM ended with {code}, {last.state.books.intents}")

    def judge_newest(self):
        """Follow the chain from the last known step on: all of it would take longer every time."""
        sequence, digest = self.head
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as connection:
            connection.text_factory = bytes
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != b"ok":
                self.report.corrupt += 1
                return
            rows = connection.execute(
                "SELECT sequence, recorded_at, run_id, event_type, event, commands, reason, "
                "previous_hash, hash FROM step WHERE sequence >= ? ORDER BY sequence",
                (sequence,),
            )
            known = next(rows, None)
            if known is None or known[-1].hex() != digest:
                self.report.lost_rows += 1
                return
            end = known
            for row in rows:
                number, *columns, previous, digest = row
                if (number, previous) != (end[0] + 1, end[-1]) or digest != chain_hash(
                    previous, number, *columns
                ):
                    self.report.corrupt += 1
                    return
                end = row
            self.head = (end[0], end[-1].hex())

    def _judge_journal(self, *, is_full=False):
        if not self.journal.exists():
            return
        if self.head is not None and not is_full and self.report.kills % FULL_CHECK_KILLS:
            self.judge_newest()
            return
        try:
            found = journal_reader.verify(self.journal, known_head=self.head)
        except InputInvalid:  # killed while the tables were made: nothing was ever written
            self.report.lost_rows += self.head is not None
            return
        if found.is_verified:
            self.head = (found.head_sequence, found.head_hash)
        elif found.broken_at is None:
            self.report.lost_rows += 1
        else:
            self.report.corrupt += 1

    def _judge_books(self):
        self._judge_journal(is_full=True)
        books = json.loads((self.simulator / "books.json").read_text())
        self.report.duplicates = books["duplicates"]
        self.report.unprotected = books["positions_without_stop"]
        placed = [each["label"] for each in books["requests"] if each["fate"] == "placed"]
        self.report.orders = len(placed)
        with sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True) as connection:
            known = {row[0] for row in connection.execute("SELECT intent_id FROM intent")}
            (self.report.trades,) = connection.execute("SELECT count(*) FROM trade").fetchone()
        connection.close()
        self.report.unaudited = [each for each in placed if each.split("|")[-1] not in known]
        replay = journal_reader.replay(self.journal, decide=decide, initial_state=initial_state)
        self.report.is_replay_identical = replay.is_identical

    def _read_broker(self):
        return json.loads((self.simulator / "books.json").read_text())["requests"]

    async def _start(self):
        return await self._spawn(
            "run", "--simulator", self.simulator, "--directory", self.bot,
            "--settings", self.settings,
        )  # fmt: skip

    async def _spawn(self, *arguments):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "palmbot", *map(str, arguments)),
            stderr=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=self.directory,
        )

    async def _ask(self, **request):
        try:
            return await ask(self.bot / "operator.sock", request)
        except InputInvalid as e:
            return {"error": str(e)}

    async def _wait_for(self, process, text, timeout_s=START_S_MAX):
        """Read the log up to a line with this text; False if none came in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while line := await process.stderr.readline():
                    self.last_line = line.decode()
                    if text in self.last_line:
                        return True
        return False

    async def _sleep_reading(self, process, seconds):
        await self._wait_for(process, "a line that never comes", seconds)


async def kill_side_by_side(directory, options, show):
    """Share the kills out to as many bots as wanted, each with its own broker; return the sum."""
    shares = [
        options.kills // options.jobs + (number < options.kills % options.jobs)
        for number in range(options.jobs)
    ]
    killers = []
    for number in range(options.jobs):
        place = Path(directory) / str(number)
        place.mkdir()
        killers.append(Killer(place, seed=options.seed + number, style=options.style))

    def tell(_report):
        show(sum(killer.report.kills for killer in killers))

    reports = await asyncio.gather(
        *(
            killer.run(share, tell, options.minutes * 60)
            for killer, share in zip(killers, shares, strict=True)
        )
    )
    return reduce(KillReport.add, reports)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop earlier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", choices=("market", "limit"), default="market")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="bots side by side")
    options = parser.parse_args()
    began_s = time.monotonic()

    def show(kills):
        passed_s = time.monotonic() - began_s
        left_s = passed_s / max(1, kills) * (options.kills - kills)
        sys.stderr.write(f"\r{kills} kills, {left_s:.0f} s left ")

    with tempfile.TemporaryDirectory(prefix="sigkill-") as directory:
        report = asyncio.run(kill_side_by_side(directory, options, show))
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    sys.stdout.write(
        f"{report.kills} kills in {report.seconds:.0f} s, {report.orders} orders: "
        f"{report.duplicates} duplicates, {report.lost_rows} lost, {report.corrupt} corrupt, "
        f"{report.unprotected} positions ever without a stop\n"
    )
    sys.exit(0 if report.is_sound else 1)


if __name__ == "__main__":
    main()
