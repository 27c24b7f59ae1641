"""Feeds the real bot 2,000 prices a second over loopback TLS and watches what it holds on to.

The bot lives in this process, wired and run as `palmbot run` does it, its journal on a real disk;
the broker is a process of its own. `make soak` takes twenty minutes, `ARGS='--minutes 3'` fewer.
"""

import argparse
import asyncio
import os
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from harness.sigkill import SETTINGS
from harness.sim_broker import PALM
from palmbot.adapters.endpoint_file import SimulatorAccess, write_access
from palmbot.adapters.system_clock import SystemClock
from palmbot.bootstrap.running import run_bot
from palmbot.cli.run import wire
from palmbot.config.loading import load_config
from palmbot.domain.units import Price, TimestampMs
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.market import Quote
from palmbot.simulator.scenarios import make_scenario
from palmbot.simulator.server import SimulatorServer, serve
from palmbot.simulator.settings import SimulatorSettings

MARKS = 4
"""Moments at which the bot is looked at; what came before the first is warming up."""
GROWTH_MIB_MAX = 5.0
RATE_SHARE_MIN = 0.9
"""Share of the prices that has to be decided for the run to count."""
SPEED = 60.0
"""Market seconds per second: a bar and perhaps an entry every second."""
START_MS = 1_772_409_600_000
PAST_MINUTES = 30
SAMPLE_S = 1.0
SAMPLES = 20
"""Newest samples whose median counts at a mark: tasks come and go within a second."""
MIB = 1024 * 1024


class DenseMarket:
    """Implements `simulator.market.MarketSource`: a price that swings slowly, at a steady rate."""

    def __init__(self, rate):
        self._pause_ms = 1000.0 * SPEED / rate

    @property
    def contract(self):
        return PALM

    @property
    def others(self):
        return ()

    def past_quotes(self):
        for minute in range(PAST_MINUTES, 0, -1):
            yield self._quote(START_MS - 60_000 * minute + 1, minute)

    def quotes(self):
        number = 0
        while True:
            number += 1
            yield self._quote(START_MS + round(number * self._pause_ms), number)

    @staticmethod
    def _quote(time_ms, number):
        # A triangle of 20,000 prices and 2 per cent: bars in a row rise, then fall.
        place = abs(number % 20_000 - 10_000)
        bid = Price(100_000_000 + place // 5 * 1_000)
        return Quote(PALM.symbol_id, TimestampMs(time_ms), bid, Price(bid + 10_000))


@dataclass(frozen=True, slots=True)
class Sample:
    """What the bot's process holds."""

    rss_mib: float
    tasks: int
    descriptors: int

    @classmethod
    def take(cls):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            rss_mib=pages * os.sysconf("SC_PAGE_SIZE") / MIB,
            tasks=len(asyncio.all_tasks()),
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        )


async def soak(directory, minutes, rate):
    """Run the bot for so long; return a sample for every mark, and the steps on disk by then."""
    broker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "harness.soak", "--serve", directory, "--rate", str(rate)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.wait_for(broker.stdout.readline(), timeout=60.0)
        settings = Path(directory) / "palmbot.toml"
        settings.write_text(SETTINGS.format(style="market"))
        bot = Path(directory) / "bot"
        wiring = wire(load_config(settings), Path(directory), bot, is_shadow=False)
        running = asyncio.create_task(run_bot(wiring))
        marks = await _look(running, minutes, bot / "journal.sqlite")
        signal.raise_signal(signal.SIGTERM)
        await running
        return marks
    finally:
        with suppress(ProcessLookupError):
            broker.terminate()
        await broker.wait()


async def _look(running, minutes, journal):
    began_s = time.monotonic()
    samples, marks = [], []
    while len(marks) < MARKS:
        await asyncio.wait({running}, timeout=SAMPLE_S)
        if running.done():
            running.result()
            raise SystemExit("soak: the bot ended by itself")
        samples = [*samples[1 - SAMPLES :], Sample.take()]
        passed_s = time.monotonic() - began_s
        if passed_s >= 60.0 * minutes * (len(marks) + 1) / MARKS:
            mark = Sample(
                rss_mib=statistics.median(each.rss_mib for each in samples),
                tasks=round(statistics.median(each.tasks for each in samples)),
                descriptors=round(statistics.median(each.descriptors for each in samples)),
            )
            steps = _count_steps(journal)
            marks.append((passed_s, mark, steps))
            sys.stdout.write(
                f"minute {passed_s / 60:5.1f}   RSS {mark.rss_mib:6.1f} MiB   {mark.tasks} tasks   "
                f"{mark.descriptors} descriptors   {steps / passed_s:,.0f} steps/s on disk\n"
            )
            sys.stdout.flush()
    return marks


def _count_steps(journal):
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT max(sequence) FROM step").fetchone()[0] or 0


def judge(marks, rate):
    """Return why the run does not count as passed, in words; empty if it does."""
    (_, first, _), (passed_s, last, steps) = marks[0], marks[-1]
    grown_mib = last.rss_mib - first.rss_mib
    problems = []
    if grown_mib >= GROWTH_MIB_MAX:
        problems.append(f"the memory grew by {grown_mib:.1f} MiB, {GROWTH_MIB_MAX:g} are allowed")
    if last.tasks > first.tasks:
        problems.append(f"{first.tasks} tasks became {last.tasks}")
    if last.descriptors > first.descriptors:
        problems.append(f"{first.descriptors} descriptors became {last.descriptors}")
    if steps / passed_s < RATE_SHARE_MIN * rate:
        problems.append(f"only {steps / passed_s:,.0f} prices a second of {rate:,.0f}: too slow")
    return problems


async def _serve(directory, rate):
    clock, market, settings = SystemClock(), DenseMarket(rate), SimulatorSettings()
    server = SimulatorServer(
        exchange=Exchange(contracts=(PALM,), settings=settings),
        market=market,
        scenario=make_scenario("none", 1),
        settings=settings,
        clock=clock,
    )
    endpoint = await server.start(directory)
    write_access(
        directory,
        SimulatorAccess(
            port=endpoint.port,
            ca_file=str(endpoint.ca_file),
            client_id=endpoint.client_id,
            client_secret=endpoint.client_secret.reveal(),
            access_token=endpoint.access_token.reveal(),
            account_id=endpoint.account_id,
            symbols=(PALM.name,),
        ),
    )
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    await serve(server, clock, SPEED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=2_000.0, help="prices a second")
    parser.add_argument("--serve", type=Path, help="be the broker, in this directory")
    options = parser.parse_args()
    if options.serve is not None:
        asyncio.run(_serve(options.serve, options.rate))
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        marks = asyncio.run(soak(directory, options.minutes, options.rate))
    problems = judge(marks, options.rate)
    grown_mib = marks[-1][1].rss_mib - marks[0][1].rss_mib
    sys.stdout.write(f"grown by {grown_mib:+.1f} MiB between the first mark and the last\n")
    sys.stdout.write("".join(f"FAIL: {each}\n" for each in problems) or "PASS\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
