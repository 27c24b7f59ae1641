"""Opens the bot: lock, journal, recovered state, and the parts wired to each other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from palmbot.adapters.ctrader_broker import CtraderBroker
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.operator_socket import OperatorServer
from palmbot.adapters.sqlite_journal import SqliteJournal, open_journal
from palmbot.bootstrap.directory import JOURNAL_NAME, SOCKET_NAME, make_directory
from palmbot.bootstrap.wiring import Wiring, wire_broker
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.commands import RaiseAlarm
from palmbot.domain.events import OperatorHalted, Started
from palmbot.live.alert_desk import log_alarm
from palmbot.live.halt_file import halt_by_file, read_halt
from palmbot.live.inbox import Inbox
from palmbot.live.operator_desk import OperatorDesk
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.stop_watch import StopWatch
from palmbot.live.trader import Trader


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
            broker = wire_broker(wiring, inbox, raise_alarm, can_renew=True)
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
