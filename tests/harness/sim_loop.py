"""An event loop in virtual time, whose processes can be killed between and within two steps.

Waiting is moving the clock, so that an hour passes as fast as its callbacks run. Of asyncio's
insides only `BaseEventLoop._run_once` is relied on.
"""

import asyncio
import contextlib
from asyncio import base_events
from collections import deque
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush

from palmbot.domain.units import MS_PER_SECOND, TimestampMs


class NodeKilled(BaseException):
    """Unwinds a callback of a process that dies in the middle of it. Nothing may catch it."""


class Deadlock(Exception):
    """Every task waits and no timer is pending: the run can never end."""


class Node:
    """One simulated process: whatever its callbacks start belongs to it too."""

    def __init__(self, name, kill_at=None, on_kill=None):
        self.name = name
        self.is_dead = False
        self.steps = 0
        """Callbacks and kill points passed so far."""
        self.asleep_until_s = 0.0
        """Nothing of it runs before: stopped, paused with its container, or a lid was closed."""
        self._kill_at = kill_at
        self._on_kill = on_kill

    def kill(self):
        """Die now: not one line of the process runs any more."""
        if not self.is_dead:
            self.is_dead = True
            if self._on_kill is not None:
                self._on_kill()

    def kill_quietly(self):
        """The process has ended by itself: whatever is left of it runs no more."""
        self.is_dead = True

    def is_alive_after_step(self):
        """Count a step unless dead already, and die at the one that was chosen.

        Returns whether it is to be taken.
        """
        if not self.is_dead:
            self.steps += 1
            if self.steps == self._kill_at:
                self.kill()
        return not self.is_dead

    def pass_kill_point(self):
        """Count a place in the middle of a callback; unwind it if the process dies here.

        Raises:
            NodeKilled: dead; `finally` blocks still run, and disk and network ignore them.
        """
        if not self.is_alive_after_step():
            raise NodeKilled(self.name)


CURRENT = ContextVar("CURRENT", default=None)
"""The process that runs; None for the world around it."""


class SimHandle:
    """Something to be done, as `asyncio.TimerHandle`, by the process that it belongs to.

    Without a context it belongs to the world, and is done in the context of the loop itself.
    """

    __slots__ = ("args", "callback", "context", "is_cancelled", "node", "planned_s")

    def __init__(self, planned_s, callback, args, context, node):
        self.planned_s = planned_s
        self.callback = callback
        self.args = args
        self.context = context
        self.node = node
        self.is_cancelled = False

    def cancel(self):
        """Never do it."""
        self.is_cancelled = True

    def cancelled(self):
        """Tell whether it will not be done."""
        return self.is_cancelled

    def when(self):
        """Return the moment for which it was planned."""
        return self.planned_s


class SimLoop(base_events.BaseEventLoop):
    """Runs one simulation; `run` may be called once.

    Tasks, futures and streams are asyncio's own. The turn of the loop is ours: waiting is
    moving the clock, and timers of one instant fire in the order in which they were set, which
    those of asyncio do not.
    """

    def __init__(self, network=None):
        super().__init__()
        self.now_s = 0.0
        self.network = network
        self.failures = []
        """What escaped from callbacks and tasks of living processes."""
        self._soon = deque()
        self._timers = []
        """Heap of (when, number, handle)."""
        self._timers_set = 0
        self._tasks = []
        self._is_over = False
        self.set_exception_handler(self._note_failure)

    def time(self):
        """Return virtual seconds since the run began."""
        return self.now_s

    def run(self, coroutine):
        """Run to the end, then bury what is left; return the result."""
        asyncio.events._set_running_loop(None)  # noqa: SLF001 - a worker may be forked from a loop
        main = self.create_task(coroutine)
        main.add_done_callback(lambda _: self.stop())
        try:
            self.run_forever()
        finally:
            self._is_over = True
            self._bury()
            self.close()
        return main.result()

    def call_soon(self, callback, *args, context=None):
        """See the base class; callbacks of a dead process are dropped."""
        context = copy_context() if context is None else context
        handle = SimHandle(self.now_s, callback, args, context, context.get(CURRENT))
        if not self._is_over:
            self._soon.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(self, when, callback, *args, context=None):
        """See the base class; likewise."""
        context = copy_context() if context is None else context
        handle = SimHandle(when, callback, args, context, context.get(CURRENT))
        if not self._is_over:
            self._timers_set += 1
            heappush(self._timers, (when, self._timers_set, handle))
        return handle

    def call_later(self, delay, callback, *args, context=None):
        """See the base class."""
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def call_outside(self, when, callback, *args):
        """Do something then that belongs to no process: it outlives all."""
        if not self._is_over:
            self._timers_set += 1
            handle = SimHandle(when, callback, args, None, None)
            heappush(self._timers, (when, self._timers_set, handle))

    def create_task(self, coroutine, *, name=None, context=None):
        """See the base class; every task is remembered, so that none is collected half-run."""
        task = super().create_task(coroutine, name=name, context=context)
        self._tasks.append(task)
        return task

    def start_node(self, node, coroutine):
        """Start the main task of a process."""
        context = Context()
        context.run(CURRENT.set, node)
        return context.run(self.create_task, coroutine, name=node.name)

    async def create_connection(self, protocol_factory, host, port, **options):
        """Connect over the simulated network; TLS is left out."""
        del port, options
        return await self.network.connect(protocol_factory, host)

    def run_in_executor(self, executor, func, *args):
        """Run inline: a simulation has no threads."""
        del executor
        future = self.create_future()
        future.set_result(func(*args))
        return future

    def _run_once(self):
        """Take one turn after the other until told to stop.

        A turn moves to the next instant if nothing is ready, and runs what is.

        Raises:
            Deadlock: every task waits and no timer is pending.
        """
        soon, timers = self._soon, self._timers
        while not self._stopping:
            while timers and timers[0][2].is_cancelled:
                heappop(timers)
            if not soon:
                if not timers:
                    raise Deadlock("nobody will ever do anything again")
                self.now_s = max(self.now_s, timers[0][0])
            while timers and timers[0][0] <= self.now_s:
                soon.append(heappop(timers)[2])
            for _ in range(len(soon)):
                handle = soon.popleft()
                if not handle.is_cancelled:
                    self._run_handle(handle)

    def _run_handle(self, handle):
        """Do it as one step of its process; what is planned for a dead one is dropped."""
        node, context = handle.node, handle.context
        try:
            if context is None:
                handle.callback(*handle.args)
            elif node is not None and node.asleep_until_s > self.now_s:
                self._timers_set += 1
                heappush(self._timers, (node.asleep_until_s, self._timers_set, handle))
            elif node is None or node.is_alive_after_step():
                context.run(handle.callback, *handle.args)
        except BaseException as e:  # noqa: BLE001 - also a death in the middle of a callback
            self.call_exception_handler({"message": "a callback failed", "exception": e})

    def _write_to_self(self):
        """Nobody waits in a real selector."""

    def _note_failure(self, _loop, context):
        error = context.get("exception")
        if error is not None and not isinstance(error, NodeKilled | asyncio.CancelledError):
            self.failures.append(error)

    def _bury(self):
        """Close what is left of every task, also through `finally` blocks that wait again."""
        for task in self._tasks:
            if task.done():
                with contextlib.suppress(asyncio.CancelledError):
                    task.exception()  # seen, so that nothing is said of it later
                continue
            task._log_destroy_pending = False  # noqa: SLF001 - it is dead on purpose
            coroutine = task.get_coro()
            while coroutine.cr_frame is not None:
                try:
                    coroutine.close()
                except BaseException:  # noqa: BLE001, S112 - whatever a dying frame says
                    continue


def outside():
    """Return a context that belongs to no process: what is scheduled in it outlives all."""
    return Context()


class SimClock:
    """Implements `ports.Clock` of one process: its wall clock may be set, its link clock not."""

    EPOCH_MS = 1_772_409_600_000
    """2026-03-02T00:00 UTC, a Monday."""

    def __init__(self, loop):
        self._loop = loop
        self.wall_offset_ms = 0

    def link_s(self):
        return self._loop.now_s

    def wall_ms(self):
        return TimestampMs(
            self.EPOCH_MS + round(self._loop.now_s * MS_PER_SECOND) + self.wall_offset_ms
        )

    def call_at(self, link_s, callback):
        return self._loop.call_at(link_s, callback)


__all__ = ["CURRENT", "Deadlock", "Node", "NodeKilled", "SimClock", "SimLoop", "copy_context"]
