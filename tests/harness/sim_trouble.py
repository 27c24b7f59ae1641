"""What befalls machine, line and contract now and then, and what makes such things happen."""

import asyncio
from dataclasses import replace

from harness.sim_bot import TRADING_LINE, WATCH_LINE
from harness.sim_broker import PALM
from harness.sim_loop import outside
from harness.sim_plan import seeded
from palmbot.domain.market import TradingMode
from palmbot.domain.units import Volume

SLEEPS_S = (5.0, 5.0, 60.0, 60.0, 600.0, 600.0, 8 * 3_600.0)
"""Longest times for which a process is stopped: a garbage collector to a closed lid."""
SLEEP_S_MAX = max(SLEEPS_S)
FLAPS = 10
FLAP_S_MAX = 30.0
SWIZZLES = 8
SWIZZLE_S_MAX = 90.0
"""A line that is clogged for longer counts as silent, and is given up."""
CHANGED_S = (30.0, 600.0)
TOLD_SHARE = 0.8
"""Probability that the broker says that the contract changed."""
CONTRACTS = (
    replace(PALM, trading_mode=TradingMode.DISABLED_WITHOUT_PENDINGS_EXECUTION),
    replace(PALM, trading_mode=TradingMode.DISABLED_WITH_PENDINGS_EXECUTION),
    replace(PALM, trading_mode=TradingMode.CLOSE_ONLY_MODE),
    replace(PALM, volume_min=Volume(300), volume_step=Volume(300)),
    replace(PALM, digits=1),
    replace(PALM, digits=3),
    replace(PALM, stop_distance_points=150),
    replace(PALM, stop_distance_points=400),
    replace(PALM, is_short_selling_allowed=False),
)


async def act_now_and_then(world, random, mean_s, acts):
    """Do one of the acts after the other, as chance will have it, until the faults end."""
    while True:
        await asyncio.sleep(mean_s * (0.2 + 1.6 * random.random()))
        if world.is_healed:
            return
        act = acts[int(random.random() * len(acts))]
        faults = world.outcome.faults
        faults[act.__name__] = faults.get(act.__name__, 0) + 1
        outside().run(act)
        world.watch.on_world()


class Trouble:
    """Befalls one world, out of a random stream of its own."""

    def __init__(self, world):
        self._world = world
        self._random = seeded(f"trouble {world.plan.seed}")
        self.slept_s = 0.0
        """Time for which processes stood still; no part of the day in which a run has to trade."""

    async def make(self):
        """Act until the faults end."""
        acts = (self.sleep, self.flap, self.change_contract)
        if self._world.plan.watch_s is not None:
            acts = (*acts, self.swizzle, self.swizzle)
        await act_now_and_then(self._world, self._random, self._world.plan.trouble_s, acts)
        await self._world.loop.create_future()

    def sleep(self):
        """The process stands still while everything else goes on; what happened waits for it."""
        node, loop = self._world.node, self._world.loop
        if not node.is_dead and not self._world.is_asleep:
            sleep_s = self._random.choice(SLEEPS_S) * self._random.random()
            node.asleep_until_s = loop.now_s + sleep_s
            self.slept_s += sleep_s

    def flap(self):
        """The line comes and goes."""
        due_s = 0.0
        for _ in range(1 + int(FLAPS * self._random.random())):
            due_s += 0.1 + FLAP_S_MAX * self._random.random() ** 2
            self._world.loop.call_later(due_s, self._cut)

    def _cut(self, line=None):
        if not self._world.is_healed:
            self._world.network.cut(line)

    def swizzle(self):
        """Of two lines now the one is cut or clogged, now the other."""
        due_s = 0.0
        for _ in range(2 + int(SWIZZLES * self._random.random())):
            line = self._random.choice((TRADING_LINE, WATCH_LINE))
            due_s += SWIZZLE_S_MAX * self._random.random() ** 2
            if self._random.random() < 0.3:
                self._world.loop.call_later(due_s, self._cut, line)
            else:
                length_s = SWIZZLE_S_MAX * self._random.random() ** 2
                self._world.loop.call_later(due_s, self._clog, line, length_s)

    def _clog(self, line, length_s):
        if not self._world.is_healed:
            self._world.network.clogged_until_s[line] = self._world.loop.now_s + length_s

    def change_contract(self):
        """The broker changes the contract, and after a while back."""
        low_s, high_s = CHANGED_S
        self._change(self._random.choice(CONTRACTS))
        self._world.loop.call_later(low_s + (high_s - low_s) * self._random.random(), self.heal)

    def heal(self):
        """The contract is again what it was."""
        if self._world.server.exchange.contracts != (PALM,):
            self._change(PALM)

    def _change(self, contract):
        is_told = self._world.is_healed or self._random.random() < TOLD_SHARE
        self._world.market.price_step = contract.price_step
        self._world.server.change_contract(contract, is_told=is_told)
