"""A whole simulation: the real bot, the real exchange, and everything that goes wrong between."""

import asyncio
import gc
import hashlib
from contextlib import contextmanager
from contextvars import Context
from dataclasses import replace

import structlog

from harness.sim_bot import TRADING_LINE, SecondLine, wire_broker
from harness.sim_broker import PALM, SimMarket, SimServer, SwitchedScenario
from harness.sim_canaries import WallLinkClock, plant
from harness.sim_disk import DiskFaults, JournalLost, SimDisk
from harness.sim_invariants import (
    Violation,
    Watch,
    check_i12_nothing_told_is_lost,
    check_i13_equal_books,
    check_i15_no_secret,
    check_i17_backoff,
)
from harness.sim_loop import CURRENT, Node, SimClock, SimLoop, outside
from harness.sim_network import SimNetwork
from harness.sim_outcome import Outcome
from harness.sim_people import ACTOR, People
from harness.sim_plan import make_params, seeded
from harness.sim_trouble import SLEEP_S_MAX, Trouble
from palmbot.core.state import LinkPhase, initial_state
from palmbot.domain.commands import StoreIntent
from palmbot.domain.errors import FatalError
from palmbot.domain.events import (
    OperatorHalted,
    Started,
)
from palmbot.domain.orders import IntentKind, IntentState
from palmbot.live.inbox import Inbox
from palmbot.live.metronome import Metronome
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.supervisor import supervise
from palmbot.live.trader import Trader
from palmbot.simulator.exchange import Exchange

START_S = 9 * 3600.0
"""The runs begin at nine in the morning."""
RECOVERY_S_MAX = 150.0
"""After the last fault: silence is noticed within 60 s, back-off takes up to 72 s."""
REST_S_MAX = 1_800.0
LOOKS_S = 10.0
"""Time between two looks whether there are enough entries."""
KILLS_MAX = 12
"""Deaths in one run: a process that dies for ever never trades."""
DISK_FAILURES_MAX = 5


@contextmanager
def quiet_log():
    """Silence the log of the bot for the length of a run."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50),
        processors=[],
        logger_factory=structlog.ReturnLoggerFactory(),  # one for all: a printer takes a lock
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def run_plan(plan, script=None):
    """Play one plan; return what it showed. `script` is a coroutine function of the world."""
    world = World(plan)
    # A run keeps nearly all it makes; looking for garbage in it takes a third of the time.
    gc.disable()
    try:
        with quiet_log(), plant(plan.canary):
            return world.play(script)
    finally:
        gc.enable()


class World:
    """One run. `play` may be called once."""

    def __init__(self, plan):
        self.plan = plan
        self.random = seeded(f"run {plan.seed}")
        self.network = SimNetwork(None, self._seed_line)
        self.loop = SimLoop(self.network)
        self.network.loop = self.loop
        self.loop.now_s = START_S
        self.clock = SimClock(self.loop)
        self.params = make_params(plan)
        self.disk = SimDisk(self.loop, seeded(f"disk {plan.seed}"), plan.disk, plan.snapshot_steps)
        self.scenario = SwitchedScenario(plan.requests, plan.seed)
        self.market = SimMarket(seeded(f"market {plan.seed}"), self.clock.wall_ms(), plan)
        self.watch = Watch(self.loop, self.params, self.disk)
        self.server = SimServer(
            loop=self.loop,
            random=seeded(f"broker {plan.seed}"),
            on_request=lambda _: None,
            exchange=Exchange(contracts=(PALM,), settings=plan.settings),
            market=self.market,
            scenario=self.scenario,
            settings=plan.settings,
            clock=SimClock(self.loop),
        )
        self.watch.server, self.watch.network = self.server, self.network
        self.network.accept = self.server.accept
        self.network.on_client_write = self.watch.on_client_write
        self.outcome = Outcome(seed=plan.seed)
        self.node = None
        self._first = None
        self.trader = None
        self.broker = None
        self.second_line = None
        self.is_healed = False
        self.is_over = False
        self._digest = hashlib.blake2b(digest_size=8)
        self._ended = None
        self._stop = None
        self.people = People(self)
        self.trouble = Trouble(self)
        self._context = None

    def _seed_line(self, line):
        name = f"network {self.plan.seed}"
        return seeded(name if line == TRADING_LINE else f"{name} {line}")

    # ---- the run ----

    def play(self, script):
        """Play until the end; a broken invariant is told in the outcome."""
        began_s = self.loop.now_s
        self.network.faults = self.plan.network
        self.server.faults = self.plan.broker
        self.market.gap, self.market.jump = self.plan.gap, self.plan.jump
        self.market.wide = self.plan.wide
        try:
            self.loop.run(self._direct(script))
        except Violation as e:
            self._note(e)
        except JournalLost as e:
            self._note(Violation("I13", str(e), self.loop.now_s))
        if self.watch.violation is not None:
            self._note(self.watch.violation)
        outcome = self.outcome
        outcome.entries = self.server.books.orders_at_broker
        outcome.trades = len(self.watch.traded)
        outcome.steps = self.watch.steps
        outcome.bot_steps = self._first.steps
        outcome.simulated_s = self.loop.now_s - began_s
        outcome.rows = len(self.disk.rows)
        outcome.lost = len(self.watch.given_up_by_proof)
        outcome.faults["operator"] = len(self.watch.given_up_by_operator)
        if self.plan.watch_s is not None:
            outcome.faults["watch halts"] = self.watch.watch_halts
        outcome.trace = self._digest.hexdigest()
        return outcome

    def _note(self, violation):
        if not self.outcome.violation:
            self.outcome.violation = str(violation)
            self.outcome.name = violation.name

    async def _direct(self, script):
        tasks = [
            self.loop.create_task(self._keep_alive()),
            self.loop.create_task(self._pump()),
            self.loop.create_task(self.people.operate()),
        ]
        if self.plan.mischief_s:
            tasks.append(self.loop.create_task(self.people.make_mischief()))
        if self.plan.trouble_s:
            tasks.append(self.loop.create_task(self.trouble.make()))
        if script is not None:
            tasks.append(self.loop.create_task(self._stage(script)))
        else:
            tasks.append(self.loop.create_task(self._judge()))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.is_over = True
        for task in tasks:
            task.cancel()
        for task in tasks:
            if task in done:
                task.result()

    async def _stage(self, script):
        await script(self)

    async def _judge(self):
        """Let it trade, end the faults, and see that everything comes to rest."""
        limit_s = START_S + self.plan.hours_max * 3600.0
        enough = self.loop.create_future()

        def look():
            is_over = self.loop.now_s >= limit_s + self.trouble.slept_s
            if self.has_failed or self._has_traded() or is_over:
                enough.set_result(None)
            else:
                self.loop.call_outside(self.loop.now_s + LOOKS_S, look)

        look()
        await enough
        self.check_failures()
        await self.heal()
        await self.come_to_rest()

    @property
    def is_asleep(self):
        """Tell whether the process is stopped for a while."""
        return self.node is not None and self.node.asleep_until_s > self.loop.now_s

    def _has_traded(self):
        is_close = len(self.server.exchange.ledger.requests) >= self.plan.entries
        return is_close and self.server.books.orders_at_broker >= self.plan.entries

    async def heal(self):
        """End every fault; the bot must say within a fixed time that it is ready, or why not."""
        self.is_healed = True
        self.network.heal()
        self.server.heal(self.scenario)
        self.trouble.heal()
        self.market.gap = self.market.jump = self.market.wide = 0.0
        self.disk.faults = DiskFaults()
        await self.until(
            lambda: self.server.accepts_connections and not self.is_asleep, limit_s=SLEEP_S_MAX
        )
        began_s = self.loop.now_s
        while not self._is_ready_or_says_why():
            await asyncio.sleep(1.0)
            self.check_failures()
            if self.loop.now_s - began_s > RECOVERY_S_MAX:
                link = self.trader.state.link if self.trader else None
                self.watch.break_on(
                    "I19",
                    f"{RECOVERY_S_MAX:.0f} s after the last fault: "
                    f"{link and (link.phase, link.reason)}",
                )
        self.outcome.recovery_s = self.loop.now_s - began_s

    async def come_to_rest(self):
        """Wait until the books are equal and nothing is open between bot and broker."""
        began_s = self.loop.now_s
        while not self._is_at_rest():
            await asyncio.sleep(3.7)  # out of step with every beat: each finds the trader busy
            self.check_failures()
            if self.loop.now_s - began_s > REST_S_MAX:
                state = self.trader.state
                unknown = [
                    str(i.intent_id)
                    for i in state.books.intents.values()
                    if i.state is IntentState.UNKNOWN
                ]
                self.watch.break_on(
                    "I19",
                    f"no rest after {REST_S_MAX:.0f} s: {state.link.phase}, "
                    f"{state.link.reason}, unknown {unknown}, halted {state.switch.halted_by}",
                )
        check_i13_equal_books(self.watch, self.trader.state)
        check_i12_nothing_told_is_lost(self.watch)
        check_i15_no_secret(self.watch)
        self.disk.recover()
        self.server.books.verify()

    @property
    def has_failed(self):
        """Tell whether something went wrong out of sight."""
        return self.watch.violation is not None or bool(self.loop.failures)

    def check_failures(self):
        """Raise what went wrong out of sight."""
        if self.watch.violation is not None:
            raise self.watch.violation
        for error in self.loop.failures:
            if isinstance(error, Violation):
                raise error
            self.watch.break_on("I19", f"a callback failed: {type(error).__name__}: {error}")

    def _is_ready_or_says_why(self):
        if self.node is None or self.node.is_dead or self.trader is None:
            return False
        link = self.trader.state.link
        if not self.broker.is_ready or self.watch.books_generation != link.generation:
            return False
        is_looking = bool(self.trader.state.books.absences)
        return link.phase in {LinkPhase.CONSISTENT, LinkPhase.QUARANTINED} or is_looking

    def _is_at_rest(self):
        if self.trader is None or self.node.is_dead or not self.trader.is_idle:
            return False
        state = self.trader.state
        is_open = any(
            intent.state
            in {
                IntentState.UNKNOWN,
                IntentState.SENT,
                IntentState.NEW,
                IntentState.ACCEPTED,
                IntentState.PARTIAL,
            }
            for intent in state.books.intents.values()
        )
        return (
            state.link.phase is LinkPhase.CONSISTENT
            and self.broker.is_ready
            and self.network.is_quiet
            and not is_open
            and not self.server.queued
            and not self.people.foreign
            and state.switch.halted_by is None
        )

    # ---- processes ----

    async def _keep_alive(self):
        """Run one process after the other on the same disk."""
        while True:
            number = self.outcome.restarts
            kill_at = None
            if self.plan.kill_at is not None:
                # The second process dies too, somewhere in its recovery.
                kill_at = (self.plan.kill_at, 1 + int(300 * self.random.random()), None)[
                    min(number, 2)
                ]
            elif (
                not self.is_healed
                and self.outcome.kills < KILLS_MAX
                and self.random.random() < self.plan.kill_share
            ):
                kill_at = 1 + int(self.random.random() ** 2 * self.plan.kill_steps_max)
            self._ended = self.loop.create_future()
            node = Node(f"bot {number}", kill_at, self._bury)
            self.node = node
            self._first = self._first or node
            self.network.attempts_s.clear()
            task = self.loop.start_node(node, self._live(node))
            task.add_done_callback(self._note_end, context=outside())
            await self._ended
            for attempts_s in self.network.attempts_s.values():
                check_i17_backoff(self.watch, attempts_s)
            self._judge_end(node, task)
            if self.is_over:
                return
            self.outcome.restarts += 1
            self.trader = self.watch.trader = self.watch.inbox = None
            await asyncio.sleep(0.5 + 20.0 * self.random.random() ** 2)
            check_i12_nothing_told_is_lost(self.watch)

    def _bury(self):
        """The living process has died."""
        self.outcome.kills += 1
        self.network.kill(self.node)
        self.disk.lose_power()
        self.loop.call_soon(self._wake, context=outside())

    def _note_end(self, _task):
        self._wake()

    def _wake(self):
        if not self._ended.done():
            self._ended.set_result(None)

    def _judge_end(self, node, task):
        """A process ends because it was killed, told to stop, or for a reason it states."""
        self.check_failures()
        if node.is_dead:
            return
        error = task.exception()
        node.kill_quietly()
        self.network.kill(node)
        if error is None:
            self.outcome.faults["stopped"] = self.outcome.faults.get("stopped", 0) + 1
        elif isinstance(error, Violation | JournalLost):
            raise error
        elif isinstance(error, FatalError) and "disk" in str(error):
            failures = self.outcome.faults.get("disk", 0) + 1
            self.outcome.faults["disk"] = failures
            if failures >= DISK_FAILURES_MAX:
                self.disk.faults = replace(self.disk.faults, fail=0.0)
        else:
            self.watch.break_on("I19", f"the process ended: {type(error).__name__}: {error}")

    async def _live(self, node):
        """One process of the bot, wired as `bootstrap` wires it, with disk and network modelled."""
        clock, watch = self.clock, self.watch
        nonce = self.random.getrandbits(80)
        run_id = f"{nonce:020x}"
        journal, recovered = self.disk.open(node, run_id, self.params, self._on_append)
        watch.on_start(recovered)
        watch.unanswered_journal_failure = False
        inbox = Inbox()
        inbox.put(Started(time=clock.wall_ms(), run_id=run_id, nonce=nonce))
        self.broker = broker = wire_broker(self, TRADING_LINE, inbox)
        trader = Trader(
            params=self.params,
            state=recovered or initial_state(self.params),
            inbox=inbox,
            broker=broker,
            journal=journal,
            clock=WallLinkClock(clock) if self.plan.canary == "C7" else clock,
            raise_alarm=lambda _: None,
        )
        self.trader = watch.trader = trader
        watch.inbox = inbox
        metronome = Metronome(sink=inbox, clock=clock, beat_s=self.plan.beat_s)
        trader.observe(metronome.observe)
        trader.observe(lambda _, decision: watch.on_told(decision))
        self._stop = asyncio.Event()
        self._context = Context()
        self._context.run(CURRENT.set, node)
        players = {"broker": broker.run(), "trader": trader.run()}
        if self.plan.watch_s is not None:
            self.second_line = SecondLine(self, trader, inbox)
            players[WATCH] = self.second_line.run()
        metronome.start()
        try:
            await supervise(players, stopped=self._stop)
        finally:
            metronome.stop()
            if not node.is_dead:
                await journal.close()

    def _on_append(self, event, decision):
        self._digest.update(
            f"{self.loop.now_s:.6f} {type(event).__name__} {decision.reason}".encode()
        )
        self.watch.on_append(event, decision)
        for intent in decision.changed_intents:
            if intent.state is IntentState.UNKNOWN:
                self.outcome.unknown += 1
        if not self.is_healed:
            for command in decision.commands:
                if isinstance(command, StoreIntent) and command.intent.kind is IntentKind.ENTRY:
                    self._disturb_commit()

    def _disturb_commit(self):
        """An entry waits for its commit: a person halts, or the clock is set."""
        delay_s = self.plan.disk.commit_s * self.random.random()
        if self.random.random() < self.plan.halt_in_commit:
            self.loop.call_later(delay_s, self.halt, context=outside())
        if self.random.random() < self.plan.clock_in_commit:
            self.loop.call_later(delay_s, self.people.set_clock, context=outside())

    def halt(self):
        if self.trader is not None and not self.node.is_dead:
            self._context.run(
                self.trader._inbox.put,  # noqa: SLF001 - as the socket of the operator does
                OperatorHalted(actor=ACTOR, reason="a person halts"),
            )

    # ---- the market and the people ----

    async def ask(self, event):
        """Do what the operator's command does; give up if the process dies over it."""
        trader = self.trader
        if trader is None:
            return None
        try:
            async with asyncio.timeout(30.0):
                return await trader.ask(event)
        except TimeoutError:
            return None

    def stop(self):
        """Tell the process to end, as SIGTERM does."""
        self._context.run(self._stop.set)

    async def until(self, condition, limit_s=1_200.0):
        """Wait until something holds.

        Raises:
            Violation: it did not within the time, or an invariant broke meanwhile.
        """
        began_s = self.loop.now_s
        while not condition():
            await asyncio.sleep(0.05)
            self.check_failures()
            if self.loop.now_s - began_s > limit_s:
                self.watch.break_on("I19", f"what was waited for did not happen in {limit_s} s")

    async def _pump(self):
        """Let the market move by the clock."""
        clock_s = SimClock(self.loop)
        while (next_ms := self.server.next_time) is not None:
            wait_s = (next_ms - clock_s.wall_ms()) / 1000
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            outside().run(self.server.step)
            self.watch.on_world()
