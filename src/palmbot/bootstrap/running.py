"""Runs the bot: its two loops, what recurs beside them, and the signals that end it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import structlog

from palmbot.adapters.ctrader_broker import CtraderBroker
from palmbot.adapters.service_notifier import BEAT_S as WATCHDOG_S
from palmbot.adapters.service_notifier import ServiceNotifier
from palmbot.adapters.sqlite_journal import SqliteJournal
from palmbot.bootstrap.alarms import open_alerts
from palmbot.bootstrap.mood import open_mood
from palmbot.bootstrap.opening import Bot, open_bot
from palmbot.bootstrap.wiring import Wiring, wire_broker
from palmbot.core.state import Decision
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.events import Event, OperatorHalted
from palmbot.domain.orders import Environment
from palmbot.live.alert_desk import BEAT_S, AlertDesk
from palmbot.live.alert_desk import CHECK_S as LINK_CHECK_S
from palmbot.live.clock_check import CHECK_S as CLOCK_CHECK_S
from palmbot.live.clock_check import ClockCheck
from palmbot.live.departure import Departure
from palmbot.live.disk_check import CHECK_S as DISK_CHECK_S
from palmbot.live.disk_check import DiskCheck
from palmbot.live.halt_file import CHECK_S, HaltFile
from palmbot.live.lock_watch import CHECK_S as LOCK_CHECK_S
from palmbot.live.lock_watch import LockWatch
from palmbot.live.metronome import Metronome
from palmbot.live.mood_feed import MoodFeed
from palmbot.live.recurrence import Recurrence
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.supervisor import supervise
from palmbot.ports import EventSink
from palmbot.sentiment.desk import COUNTERS_S, LOOK_S, SUMMARY_S, Desk

TOKEN_CHECK_S = 30.0
HEAD_LOG_S = 3600.0
"""So often the end of the journal is noted outside of it, in the log: what is cut off shows."""

log = structlog.get_logger(__name__)


async def run_bot(wiring: Wiring) -> None:
    """Trade until SIGINT or SIGTERM. Positions keep the stops that the broker holds.

    SIGUSR1 and the HALT file stop entries, for the case that the operator's socket does not.
    Whatever ends the bot but a person is told outside before this raises.

    Raises:
        FatalError: trading is over until a person has looked.
    """
    with open_alerts(wiring) as alerts:
        await _run_bot(wiring, alerts)


async def _run_bot(wiring: Wiring, alerts: AlertDesk) -> None:
    async with open_bot(wiring, alerts.raise_alarm) as bot, open_mood(wiring, bot) as mood:
        alerts.attach(bot.inbox, lambda: bot.trader.state)
        stopped = asyncio.Event()
        departure = Departure(sink=bot.inbox, clock=wiring.clock, stopped=stopped)
        metronome = Metronome(sink=bot.inbox, clock=wiring.clock)
        clock_check = ClockCheck(
            sink=bot.inbox,
            clock=wiring.clock,
            has_broker_time=wiring.params.environment is not Environment.SIMULATOR,
        )
        disk_check = DiskCheck(wiring.directory, sink=bot.inbox)
        disk_check.check()  # before the first entry is possible, not a period later
        observers = (
            metronome.observe,
            departure.observe,
            clock_check.observe,
            alerts.observe,
            log_decision,
        )
        for observer in observers:
            bot.trader.observe(observer)
        supervisor = ServiceNotifier()
        duties = (
            (WATCHDOG_S, supervisor.beat),
            (CLOCK_CHECK_S, clock_check.check),
            (DISK_CHECK_S, disk_check.check),
            *_list_duties(wiring, bot, alerts, mood),
        )
        routines: list[Metronome | Recurrence] = [metronome]
        for every_s, call in duties:
            routines.append(Recurrence(clock=wiring.clock, every_s=every_s, call=call))
        _listen_to_signals(departure, bot.inbox)
        for routine in routines:
            routine.start()
        supervisor.ready()
        try:
            await supervise(_make_players(wiring, bot, alerts, mood), stopped=stopped)
        finally:
            supervisor.stopping()
            for routine in routines:
                routine.stop()
    log_head(bot.journal)


def _make_players(
    wiring: Wiring, bot: Bot, alerts: AlertDesk, mood: Desk | None
) -> dict[str, Coroutine[Any, Any, None]]:
    """Return what runs until the bot ends, by name."""
    players = {"broker": bot.broker.run(), "trader": bot.trader.run()}
    if bot.watch is not None:
        players[WATCH] = bot.watch.run(wire_broker(wiring, bot.watch, alerts.raise_alarm))
    if mood is not None:
        players["sentiment"] = mood.run()
    return players


def _list_duties(
    wiring: Wiring, bot: Bot, alerts: AlertDesk, mood: Desk | None
) -> Iterator[tuple[float, Callable[[], None]]]:
    """Yield what recurs, with the link seconds between two times."""
    trader = bot.trader
    halt_file = HaltFile(wiring.directory, sink=bot.inbox, read_state=lambda: trader.state)
    yield CHECK_S, halt_file.check
    yield HEAD_LOG_S, partial(log_head, bot.journal)
    yield LINK_CHECK_S, alerts.check_link
    yield BEAT_S, alerts.beat
    yield TOKEN_CHECK_S, partial(_check_tokens, bot.broker, alerts.raise_alarm)
    if wiring.find_shut_locks is not None:
        lock_watch = LockWatch(
            wiring.find_shut_locks,
            sink=bot.inbox,
            read_state=lambda: trader.state,
            raise_alarm=alerts.raise_alarm,
        )
        yield LOCK_CHECK_S, lock_watch.check
    if bot.watch is not None:
        yield CHECK_S, bot.watch.check_sight
    if mood is not None:
        feed = MoodFeed(mood.source, sink=bot.inbox, read_state=lambda: trader.state)
        yield LOOK_S, feed.look
        yield SUMMARY_S, mood.log_summary
        yield COUNTERS_S, mood.note_counters


def _check_tokens(broker: CtraderBroker, raise_alarm: Callable[[RaiseAlarm], None]) -> None:
    """Have the tokens renewed if it is time; a file that cannot be used is an alarm, no end."""
    try:
        broker.check_tokens()
    except ConfigInvalid as e:
        raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=str(e)))


def log_head(journal: SqliteJournal) -> None:
    """Write the newest durable step and its hash to the log; see `palmbot journal verify`."""
    sequence, digest = journal.head
    log.info("journal.head", head=f"{sequence}:{digest}")


def _listen_to_signals(departure: Departure, sink: EventSink) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, departure.begin, number.name)
    halt = OperatorHalted(actor=signal.SIGUSR1.name, reason="the signal was sent to the process")
    loop.add_signal_handler(signal.SIGUSR1, sink.put, halt)


def log_decision(event: Event, decision: Decision) -> None:
    """Write what was decided to the log, unless nothing of note was; an observer."""
    if decision.reason:
        log.info("step.decided", event_type=type(event).__name__, reason=decision.reason)
