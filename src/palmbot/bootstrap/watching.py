"""Runs the stop watch alone, in a process of its own."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from palmbot.bootstrap.alarms import open_alerts
from palmbot.bootstrap.directory import make_directory
from palmbot.bootstrap.wiring import Wiring, wire_broker
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid
from palmbot.live.halt_file import CHECK_S, write_halt
from palmbot.live.recurrence import Recurrence
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.stop_watch import StopWatch
from palmbot.live.supervisor import supervise


async def run_watch(wiring: Wiring) -> None:
    """Watch over the stops of a bot in another process until SIGINT or SIGTERM.

    Halts by the HALT file, which the bot obeys when it runs, and when it starts.

    Raises:
        ConfigInvalid: the watch has no interval, or the data directory cannot be used.
        FatalError: the broker refuses us for good.
    """
    if wiring.watch_interval_s is None:
        raise ConfigInvalid("a watch needs an interval: set broker.watch_interval_s")
    with open_alerts(wiring) as alerts:
        await _run_watch(wiring, wiring.watch_interval_s, alerts.raise_alarm)


async def _run_watch(
    wiring: Wiring, interval_s: float, raise_alarm: Callable[[RaiseAlarm], None]
) -> None:
    make_directory(wiring.directory)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    watch = StopWatch(
        environment=wiring.params.environment,
        read_state=lambda: None,
        halt=lambda reason: _halt_from_outside(wiring.directory, reason, raise_alarm),
        clock=wiring.clock,
        interval_s=interval_s,
        raise_alarm=raise_alarm,
    )
    sight = Recurrence(clock=wiring.clock, every_s=CHECK_S, call=watch.check_sight)
    sight.start()
    try:
        await supervise(
            {WATCH: watch.run(wire_broker(wiring, watch, raise_alarm))}, stopped=stopped
        )
    finally:
        sight.stop()


def _halt_from_outside(
    directory: Path, reason: str, raise_alarm: Callable[[RaiseAlarm], None]
) -> None:
    try:
        write_halt(directory, f"{WATCH}: {reason}")
    except ConfigInvalid as e:  # the watch goes on: its alarms are what is left
        raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=str(e)))
