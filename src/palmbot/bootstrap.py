"""Wires the trading bot and imports no research tool. Start with `open_bot`."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog

from palmbot.adapters.alert_courier import AlertCourier, Delivery
from palmbot.adapters.ctrader_broker import CtraderBroker, Endpoint
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.operator_socket import OperatorServer
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.pin_guard import PinGuard
from palmbot.adapters.service_notifier import BEAT_S as WATCHDOG_S
from palmbot.adapters.service_notifier import ServiceNotifier
from palmbot.adapters.sqlite_journal import SqliteJournal, open_journal
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_keeper import TokenKeeper, TokenSource
from palmbot.core.engine import decide
from palmbot.core.params import EngineParams, SentimentMode
from palmbot.core.state import Decision, EngineState, initial_state
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid, FatalError
from palmbot.domain.events import Event, OperatorHalted, Started
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs
from palmbot.live.alert_desk import BEAT_S, AlertDesk, AlertRules, log_alarm
from palmbot.live.alert_desk import CHECK_S as LINK_CHECK_S
from palmbot.live.clock_check import CHECK_S as CLOCK_CHECK_S
from palmbot.live.clock_check import ClockCheck
from palmbot.live.departure import Departure
from palmbot.live.disk_check import CHECK_S as DISK_CHECK_S
from palmbot.live.disk_check import DiskCheck
from palmbot.live.halt_file import CHECK_S, HaltFile, halt_by_file, read_halt, write_halt
from palmbot.live.inbox import Inbox
from palmbot.live.lock_watch import ACTOR as LOCKS
from palmbot.live.lock_watch import CHECK_S as LOCK_CHECK_S
from palmbot.live.lock_watch import LockWatch
from palmbot.live.metronome import Metronome
from palmbot.live.mood_feed import MoodFeed, MoodWitness
from palmbot.live.operator_desk import OperatorDesk
from palmbot.live.recurrence import Recurrence
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.stop_watch import StopWatch
from palmbot.live.supervisor import supervise
from palmbot.live.trader import Trader
from palmbot.ports import Clock, EventSink, IdSource
from palmbot.sentiment.desk import COUNTERS_S, LOOK_S, SUMMARY_S, Desk, open_desk, tell_missing
from palmbot.sentiment.plan import SentimentPlan
from palmbot.sentiment.refresher import OPENING_MS

JOURNAL_NAME = "journal.sqlite"
SOCKET_NAME = "operator.sock"
LAST_WORDS_S = 10.0
"""Real seconds that alarms get to leave at the end; a process supervisor kills after 30 s."""
TOKEN_CHECK_S = 30.0
HEAD_LOG_S = 3600.0
"""So often the end of the journal is noted outside of it, in the log: what is cut off shows."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a bot is made of besides its rules."""

    params: EngineParams
    endpoint: Endpoint
    tls: ssl.SSLContext
    credentials: Credentials
    """With the access token of this moment, if `tokens` renews it."""
    symbol_aliases: tuple[str, ...]
    directory: Path
    """Holds journal, lock and operator socket; one per environment and account."""
    clock: Clock
    ids: IdSource
    draw_jitter: Callable[[], float]
    """Uniform in [0, 1); spreads the back-off."""
    sentiment: SentimentPlan | None = None
    """Whom to ask for the market's mood; None, or a plan without a source, asks nobody."""
    watch_interval_s: float | None = None
    """Link seconds between two looks of the stop watch; None does without a second connection."""
    alert_urls: Secret | None = None
    """Apprise addresses; None sends no alarm."""
    heartbeat_url: Secret | None = None
    alert_rules: AlertRules = field(default_factory=AlertRules)
    pins: Path | None = None
    """File with the known keys of servers; None where keys are made anew at will."""
    find_shut_locks: Callable[[], str] | None = None
    """LIVE only: tells which locks have shut since the start."""
    tokens: TokenSource | None = None
    """Where the tokens are kept and renewed; None for one that lives as long as the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """The parts that somebody has to run or to look at."""

    trader: Trader
    broker: CtraderBroker
    inbox: Inbox
    journal: SqliteJournal
    operator_server: OperatorServer
    watch: StopWatch | None


@asynccontextmanager
async def open_bot(
    wiring: Wiring, raise_alarm: Callable[[RaiseAlarm], None] = log_alarm
) -> AsyncIterator[Bot]:
    """Take the lock, recover the state from the journal, wire everything; run nothing yet.

    The state is that of the last run; the first event of this one, `Started`, waits in the
    inbox and makes everything that was in flight unknown. A HALT file halts right behind it.

    Raises:
        ConfigInvalid: another bot runs on this account, or the directory cannot be used.
        JournalDamaged: the journal is of another account, or does not verify.
    """
    params = wiring.params
    make_directory(wiring.directory)
    with InstanceLock(wiring.directory, params.environment, params.account_id):
        journal, recovered = open_journal(
            wiring.directory / JOURNAL_NAME,
            environment=params.environment,
            account_id=params.account_id,
            symbol=params.symbol_name,
            clock=wiring.clock,
            decide=decide,
            initial_state=initial_state,
        )
        try:
            nonce = wiring.ids.draw_nonce()
            run_id = f"{nonce:020x}"
            await journal.begin_run(run_id, params, code_version=version("palm-oil-bot"))
            inbox = Inbox()
            inbox.put(Started(time=wiring.clock.wall_ms(), run_id=run_id, nonce=nonce))
            if (reason := read_halt(wiring.directory)) is not None:
                inbox.put(halt_by_file(reason))
            broker = _wire_broker(wiring, inbox, raise_alarm, can_renew=True)
            trader = Trader(
                params=params,
                state=recovered or initial_state(params),
                inbox=inbox,
                broker=broker,
                journal=journal,
                clock=wiring.clock,
                raise_alarm=raise_alarm,
            )
            watch = _make_watch(wiring, trader, inbox, raise_alarm)
            desk = OperatorDesk(trader, read_halt=lambda: read_halt(wiring.directory), watch=watch)
            operator_server = OperatorServer(wiring.directory / SOCKET_NAME, desk.answer)
            await operator_server.start()
            try:
                yield Bot(
                    trader=trader,
                    broker=broker,
                    inbox=inbox,
                    journal=journal,
                    operator_server=operator_server,
                    watch=watch,
                )
            finally:
                await operator_server.close()
        finally:
            await journal.close()


async def run_bot(wiring: Wiring) -> None:
    """Trade until SIGINT or SIGTERM. Positions keep the stops that the broker holds.

    SIGUSR1 and the HALT file stop entries, for the case that the operator's socket does not.
    Whatever ends the bot but a person is told outside before this raises.

    Raises:
        FatalError: trading is over until a person has looked.
    """
    with _open_alerts(wiring) as alerts:
        await _run_bot(wiring, alerts)


async def _run_bot(wiring: Wiring, alerts: AlertDesk) -> None:
    async with open_bot(wiring, alerts.raise_alarm) as bot, open_mood(wiring, bot) as desk:
        alerts.attach(bot.inbox, lambda: bot.trader.state)
        clock, trader = wiring.clock, bot.trader
        stopped = asyncio.Event()
        departure = Departure(sink=bot.inbox, clock=clock, stopped=stopped)
        metronome = Metronome(sink=bot.inbox, clock=clock)
        clock_check = ClockCheck(
            sink=bot.inbox,
            clock=clock,
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
            trader.observe(observer)
        supervisor = ServiceNotifier()
        halt_file = HaltFile(wiring.directory, sink=bot.inbox, read_state=lambda: trader.state)
        check_tokens = partial(_check_tokens, bot.broker, alerts.raise_alarm)
        routines: list[Metronome | Recurrence] = [
            metronome,
            Recurrence(clock=clock, every_s=CHECK_S, call=halt_file.check),
            Recurrence(clock=clock, every_s=HEAD_LOG_S, call=lambda: log_head(bot.journal)),
            Recurrence(clock=clock, every_s=LINK_CHECK_S, call=alerts.check_link),
            Recurrence(clock=clock, every_s=BEAT_S, call=alerts.beat),
            Recurrence(clock=clock, every_s=WATCHDOG_S, call=supervisor.beat),
            Recurrence(clock=clock, every_s=TOKEN_CHECK_S, call=check_tokens),
            Recurrence(clock=clock, every_s=CLOCK_CHECK_S, call=clock_check.check),
            Recurrence(clock=clock, every_s=DISK_CHECK_S, call=disk_check.check),
        ]
        if wiring.find_shut_locks is not None:
            lock_watch = LockWatch(
                wiring.find_shut_locks,
                sink=bot.inbox,
                read_state=lambda: trader.state,
                raise_alarm=alerts.raise_alarm,
            )
            routines.append(Recurrence(clock=clock, every_s=LOCK_CHECK_S, call=lock_watch.check))
        players = {"broker": bot.broker.run(), "trader": trader.run()}
        if bot.watch is not None:
            look = bot.watch.check_sight
            routines.append(Recurrence(clock=clock, every_s=CHECK_S, call=look))
            players[WATCH] = bot.watch.run(_wire_broker(wiring, bot.watch, alerts.raise_alarm))
        if desk is not None:
            feed = MoodFeed(desk.source, sink=bot.inbox, read_state=lambda: trader.state)
            routines.append(Recurrence(clock=clock, every_s=LOOK_S, call=feed.look))
            routines.append(Recurrence(clock=clock, every_s=SUMMARY_S, call=desk.log_summary))
            routines.append(Recurrence(clock=clock, every_s=COUNTERS_S, call=desk.note_counters))
            players["sentiment"] = desk.run()
        _listen_to_signals(departure, bot.inbox)
        for routine in routines:
            routine.start()
        supervisor.ready()
        try:
            await supervise(players, stopped=stopped)
        finally:
            supervisor.stopping()
            for routine in routines:
                routine.stop()
    log_head(bot.journal)


@asynccontextmanager
async def open_mood(wiring: Wiring, bot: Bot) -> AsyncIterator[Desk | None]:
    """Open what asks for the market's mood, and let a witness record what it would decide.

    Yields None, and says once what is missing, if no source is set up.

    Raises:
        ConfigInvalid: a file of it cannot be opened.
    """
    plan = wiring.sentiment
    if plan is None:
        yield None
        return
    mode = wiring.params.sentiment.mode
    if not (plan.perplexity_key or plan.x_token or plan.feeds):
        if mode is not SentimentMode.OFF:
            tell_missing(plan, needs_score=mode is SentimentMode.CONFIRM)
        yield None
        return
    async with open_desk(
        plan,
        directory=wiring.directory,
        clock=wiring.clock,
        # The broker's own authority, if there is one, says nothing about the web.
        tls=make_context(),
        is_open=lambda: _is_market_near(bot.trader.state, wiring.clock),
        draw_jitter=wiring.draw_jitter,
    ) as desk:
        witness = MoodWitness(wiring.params, clock=wiring.clock, note=desk.recorder.note_service)
        bot.trader.observe(witness.observe)
        yield desk


def _is_market_near(state: EngineState, clock: Clock) -> bool:
    """Tell whether the market is open, or opens soon."""
    if state.symbol is None:
        return False
    now = clock.wall_ms()
    soon = TimestampMs(now + OPENING_MS)
    return state.symbol.hours.are_open(now) or state.symbol.hours.are_open(soon)


async def run_watch(wiring: Wiring) -> None:
    """Watch over the stops of a bot in another process until SIGINT or SIGTERM.

    Halts by the HALT file, which the bot obeys when it runs, and when it starts.

    Raises:
        ConfigInvalid: the watch has no interval, or the data directory cannot be used.
        FatalError: the broker refuses us for good.
    """
    if wiring.watch_interval_s is None:
        raise ConfigInvalid("a watch needs an interval: set broker.watch_interval_s")
    with _open_alerts(wiring) as alerts:
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
            {WATCH: watch.run(_wire_broker(wiring, watch, raise_alarm))}, stopped=stopped
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


@contextmanager
def _open_alerts(wiring: Wiring) -> Iterator[AlertDesk]:
    """Make the way outside, tell there what ended the block, and let messages leave."""
    loop = asyncio.get_running_loop()
    desk: AlertDesk

    def report(delivery: Delivery) -> None:
        """Called from the courier's thread, perhaps after the loop has ended."""
        if delivery.failure:
            reason = f"{delivery.address}: {delivery.failure}"
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(desk.note_failure, delivery.text, reason)

    params = wiring.params
    courier = AlertCourier(
        wiring.alert_urls,
        wiring.heartbeat_url,
        title=f"palmbot {params.environment} {params.account_id}",
        report=report,
    )
    desk = AlertDesk(channel=courier, clock=wiring.clock, rules=wiring.alert_rules)
    try:
        yield desk
    except FatalError as e:
        desk.raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=f"the bot ended: {e}"))
        raise
    finally:
        # Trading is over here, so a messenger may hold up the process for a moment.
        courier.close(LAST_WORDS_S)


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


def _make_watch(
    wiring: Wiring, trader: Trader, inbox: Inbox, raise_alarm: Callable[[RaiseAlarm], None]
) -> StopWatch | None:
    if wiring.watch_interval_s is None:
        return None
    return StopWatch(
        environment=wiring.params.environment,
        read_state=lambda: trader.state,
        halt=lambda reason: inbox.put(OperatorHalted(actor=WATCH, reason=reason)),
        clock=wiring.clock,
        interval_s=wiring.watch_interval_s,
        raise_alarm=raise_alarm,
    )


def log_decision(event: Event, decision: Decision) -> None:
    """Write what was decided to the log, unless nothing of note was; an observer."""
    if decision.reason:
        log.info("step.decided", event_type=type(event).__name__, reason=decision.reason)


def _wire_broker(
    wiring: Wiring,
    sink: EventSink,
    raise_alarm: Callable[[RaiseAlarm], None],
    *,
    can_renew: bool = False,
) -> CtraderBroker:
    target = Target(
        environment=wiring.params.environment,
        account_id=wiring.params.account_id,
        symbol_name=wiring.params.symbol_name,
        symbol_aliases=wiring.symbol_aliases,
        broker="" if wiring.params.live is None else wiring.params.live.broker,
    )
    tokens = pins = None
    if wiring.pins is not None:
        pins = PinGuard(
            PinFile(wiring.pins),
            f"{wiring.endpoint.host}:{wiring.endpoint.port}",
            is_live=wiring.params.environment is Environment.LIVE,
            clock=wiring.clock,
            raise_alarm=raise_alarm,
            halt=lambda reason: sink.put(OperatorHalted(actor=LOCKS, reason=reason)),
        )
    if wiring.tokens is not None:
        tokens = TokenKeeper(
            wiring.tokens,
            clock=wiring.clock,
            can_renew=can_renew,
            raise_alarm=raise_alarm,
            sink=sink if can_renew else None,
        )

    def make_connection(generation: int) -> ClientConnection:
        credentials = wiring.credentials
        if tokens is not None:
            credentials = tokens.open_with(credentials)
        return ClientConnection(generation=generation, credentials=credentials, target=target)

    return CtraderBroker(
        endpoint=wiring.endpoint,
        tls=wiring.tls,
        new_connection=make_connection,
        tokens=tokens,
        pins=pins,
        sink=sink,
        clock=wiring.clock,
        draw_jitter=wiring.draw_jitter,
    )


def make_directory(directory: Path) -> None:
    """Make a data directory for its owner alone.

    Raises:
        ConfigInvalid: it cannot be made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise ConfigInvalid(
            f"cannot make the data directory {directory}: {e.strerror}; "
            "choose one you may write to with --directory"
        ) from e
