"""The people around a run: an operator who settles and resumes, and others who interfere."""

import asyncio
from contextlib import suppress

from harness.sim_broker import PALM
from harness.sim_trouble import act_now_and_then
from palmbot.core.reconcile import BALANCE_ITEM
from palmbot.core.state import DiscrepancyClass, LinkPhase
from palmbot.domain.errors import RequestRefused
from palmbot.domain.events import Acknowledgement, OperatorAcknowledged, OperatorResumed
from palmbot.domain.market import Side
from palmbot.domain.orders import IntentState, parse_label
from palmbot.domain.units import Money, Volume
from palmbot.simulator.records import NewOrder, OrderKind

OPERATOR_LOOKS_S = 20.0
RESUMES_AFTER_S = 60.0
HASTY_S_MAX = 120.0
"""An operator with less patience gives up orders that the broker still holds back."""
ACTOR = "operator"


class People:
    """Act on one world; what they do is drawn from its random stream."""

    def __init__(self, world):
        self.foreign = []
        """Open positions of somebody else."""
        self.random = world.random
        self._world = world
        self._open_since = {}
        self._halted_since = None

    async def operate(self):
        """A person looks now and then, settles what the bot cannot, and resumes."""
        while True:
            await asyncio.sleep(OPERATOR_LOOKS_S)
            trader = self._world.trader
            if trader is None or self._world.node.is_dead:
                continue
            state = trader.state
            if state.link.phase not in {LinkPhase.CONSISTENT, LinkPhase.QUARANTINED} and not (
                state.books.absences
            ):
                continue
            await self._settle_items(trader)
            if state.switch.halted_by is None:
                self._halted_since = None
            elif self._halted_since is None:
                self._halted_since = self._world.loop.now_s
            elif self._world.loop.now_s - self._halted_since > 60.0:
                await self._world.ask(OperatorResumed(actor=ACTOR, reason="looked at it"))

    async def _settle_items(self, trader):
        state = trader.state
        unknown = [
            str(intent.intent_id)
            for intent in state.books.intents.values()
            if intent.state is IntentState.UNKNOWN
        ]
        items = dict.fromkeys([*state.books.quarantine, *unknown])
        now_s = self._world.loop.now_s
        self._open_since = {item: self._open_since.get(item, now_s) for item in items}
        for item, since_s in self._open_since.items():
            if now_s - since_s < self._world.plan.patience_s:
                continue
            action = self._judge_item(item, state)
            if action is not None:
                self._open_since[item] = now_s
                await self._world.ask(
                    OperatorAcknowledged(item=item, action=action, actor=ACTOR, reason="looked")
                )
                return

    def _judge_item(self, item, state):
        """Return what a person with the broker's app does about an item, None to wait."""
        if item == BALANCE_ITEM:  # a payment while nobody was connected: the app shows it
            return Acknowledgement.ADOPT
        if not item.startswith("position:"):
            is_there = (
                self._world.server.exchange.books.fate_of(self._world.watch.label(item)) == "placed"
            )
            is_hasty = self._world.plan.patience_s < 120.0
            if is_there or (item in self._world.server.queued and not is_hasty):
                return None
            return Acknowledgement.IGNORE
        kept = state.books.quarantine[item]
        position = self._world.server.exchange.ledger.positions.get(int(item.partition(":")[2]))
        if kept.kind is DiscrepancyClass.LOCAL_ONLY or item in state.books.absences:
            return Acknowledgement.IGNORE if position is None else None
        if kept.kind is DiscrepancyClass.STOP_MISSING:
            has_stop = position is not None and position.stop_loss is not None
            return Acknowledgement.ADOPT if has_stop else None
        return Acknowledgement.ADOPT

    async def make_mischief(self):
        """People at the broker, clocks and machines do as they please."""
        acts = (
            self.close_by_hand,
            self.trade_by_hand,
            self.deposit,
            self.take_stop,
            self.loosen_stop,
            self.set_clock,
            self.block_loop,
            self.stop_process,
            self._world.halt,
            self._world.network.cut,
        )
        await act_now_and_then(self._world, self.random, self._world.plan.mischief_s, acts)
        while self.foreign:
            await asyncio.sleep(10.0)
            self._close_foreign()
        await self._world.loop.create_future()

    def _ours(self):
        environment = self._world.params.environment
        return [
            position
            for position in self._world.server.exchange.ledger.positions.values()
            if parse_label(position.label, environment) is not None
        ]

    def close_by_hand(self):
        for position in self._ours():
            with suppress(RequestRefused):
                self._world.server.announce(
                    self._world.server.exchange.close(position.position_id, position.volume)
                )

    def trade_by_hand(self):
        if self.foreign:
            self._close_foreign()
            return
        order = NewOrder(
            symbol_id=PALM.symbol_id, kind=OrderKind.MARKET, side=Side.BUY, volume=Volume(100)
        )
        try:
            executions = self._world.server.exchange.place(order)
        except RequestRefused:
            return
        known = set(self._world.server.exchange.ledger.positions)
        for execution in executions:
            if execution.position is not None and execution.position.label == "":
                known.discard(0)
                if execution.position.position_id not in self.foreign:
                    self.foreign.append(execution.position.position_id)
        self._world.watch.foreign.update(self.foreign)
        self._world.server.announce(executions)
        self._world.loop.call_later(60.0 + 120.0 * self.random.random(), self._close_foreign)

    def _close_foreign(self):
        server = self._world.server
        for position_id in tuple(self.foreign):
            position = server.exchange.ledger.positions.get(position_id)
            if position is not None:
                try:
                    server.announce(server.exchange.close(position_id, position.volume))
                except RequestRefused:
                    continue  # trading is disabled: again later
            self.foreign.remove(position_id)

    def deposit(self):
        amount = Money(round(self.random.gauss(0.0, 50.0)) * 10**8)
        self._world.server.announce(self._world.server.exchange.deposit(amount))

    def take_stop(self):
        for position in self._ours():
            self._world.watch.stop_taken_by_user.add(position.position_id)
            self._amend(position, None)

    def loosen_stop(self):
        for position in self._ours():
            if position.stop_loss is not None:
                self._amend(position, position.stop_loss - position.side.sign * 500_000)

    def _amend(self, position, stop):
        """Move a stop; the target stays, unless the price is too near to it for any change."""
        server = self._world.server
        with suppress(RequestRefused):
            server.announce(
                server.exchange.amend_position(position.position_id, stop, position.take_profit)
            )

    def set_clock(self):
        if not self._world.plan.settings.has_spot_timestamp:
            return  # the bot then takes its own clock for the broker's: known, see docs/SAFETY.md
        jump_ms = round(
            self.random.choice((1, -1)) * self.random.choice((2_000, 3_600_000, 86_400_000))
        )
        self._world.clock.wall_offset_ms += jump_ms

    def block_loop(self):
        self._world.loop.now_s += 30.0 * self.random.random()

    def stop_process(self):
        if not self._world.node.is_dead:
            self._world.stop()
