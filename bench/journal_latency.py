"""Prints what the journal costs: a durable step, an uneventful tick, a start.

Usage: python bench/journal_latency.py [DURABLE_STEPS] [TICKS]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from palmbot.adapters import journal_reader
from palmbot.adapters.sqlite_journal import SqliteJournal, open_journal
from palmbot.adapters.system_clock import SystemClock
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState, initial_state
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.events import Event
from palmbot.domain.market import Tick
from palmbot.domain.orders import Environment
from palmbot.domain.units import Price, SymbolId, TimestampMs

PARAMS = EngineParams(account_id=1, symbol_name="PALMOIL")
ALARM = RaiseAlarm(severity=Severity.NOTICE, text="a command to be durable for")


def count(state: EngineState, event: Event, _params: EngineParams) -> Decision:
    """Number the event; every hundredth price gives a command."""
    assert isinstance(event, Tick)
    state = replace(state, sequence=state.sequence + 1)
    return Decision(state=state, commands=(ALARM,) if event.ask - event.bid == 1 else ())


def price(index: int, spread: int) -> Tick:
    """Return one price; a spread of 1 makes it a step that must be durable."""
    bid = 100_000_000 + index % 1_000
    time_ms = TimestampMs(1_700_000_000_000 + index)
    return Tick(symbol_id=SymbolId(1154), time=time_ms, bid=Price(bid), ask=Price(bid + spread))


def open_here(path: Path) -> tuple[SqliteJournal, EngineState | None]:
    """Open the journal of this measurement."""
    return open_journal(
        path,
        environment=Environment.SIMULATOR,
        account_id=1,
        symbol="PALMOIL",
        clock=SystemClock(),
        decide=count,
        initial_state=initial_state,
    )


async def measure(path: Path, durable: int, ticks: int) -> None:
    """Write durable steps one by one, then ticks as fast as they go."""
    journal, _ = open_here(path)
    await journal.begin_run("bench", PARAMS, code_version="bench")
    state = initial_state(PARAMS)
    waits_ms = []
    for index in range(durable):
        event = price(index, 1)
        decision = count(state, event, PARAMS)
        state = decision.state
        start = time.perf_counter()
        await journal.append(event, decision)
        waits_ms.append((time.perf_counter() - start) * 1e3)
    cuts = statistics.quantiles(waits_ms, n=1000)
    print(
        f"durable step: p50 {cuts[499]:.2f} ms, p99 {cuts[989]:.2f} ms, "
        f"p99.9 {cuts[998]:.2f} ms, worst {max(waits_ms):.2f} ms ({durable} steps)"
    )

    prepared = []
    for index in range(ticks):
        event = price(index, 2)
        decision = count(state, event, PARAMS)
        state = decision.state
        prepared.append((event, decision))
    start = time.perf_counter()
    for event, decision in prepared:
        await journal.append(event, decision)
    handed_s = time.perf_counter() - start
    await journal.flush()
    whole_s = time.perf_counter() - start
    print(
        f"ticks in groups: {ticks / whole_s:,.0f} a second until durable, "
        f"{handed_s / ticks * 1e6:.1f} us of the event loop each ({ticks} ticks)"
    )
    await journal.close()


def main(durable: int = 2_000, ticks: int = 200_000) -> None:
    """Measure in a directory of its own on this disk."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        path = Path(directory) / "journal.sqlite"
        asyncio.run(measure(path, durable, ticks))
        size_bytes = path.stat().st_size
        start = time.perf_counter()
        report = journal_reader.verify(path)
        took_s = time.perf_counter() - start
        print(
            f"verify: {report.rows / took_s:,.0f} steps a second, "
            f"{size_bytes / report.rows:.0f} bytes a step, sound: {report.is_verified}"
        )
        start = time.perf_counter()
        journal, _ = open_here(path)
        print(f"start on {report.rows} steps: {time.perf_counter() - start:.2f} s")
        asyncio.run(journal.close())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
