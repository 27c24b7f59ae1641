"""The simulation's own tools: a loop whose processes die for real, a network, and a disk."""

import asyncio
from contextvars import Context

import pytest

from harness.sim_disk import DiskFaults
from harness.sim_loop import CURRENT, Deadlock, Node, NodeKilled, SimLoop, outside
from harness.sim_network import NetworkFaults
from harness.sim_plan import Plan
from harness.sim_world import run_plan


def test_an_hour_passes_without_anybody_waiting():
    loop = SimLoop()

    async def sleep():
        await asyncio.sleep(3_600.0)
        return loop.time()

    assert loop.run(sleep()) == 3_600.0


def test_tasks_that_wait_for_each_other_for_ever_are_a_deadlock():
    loop = SimLoop()

    async def wait():
        await loop.create_future()

    with pytest.raises(Deadlock):
        loop.run(wait())


def test_not_one_line_of_a_killed_process_runs_any_more():
    loop = SimLoop()
    lines = []

    async def live():
        try:
            lines.append("alive")
            await asyncio.sleep(10.0)
            lines.append("still alive")
        finally:
            lines.append("cleaned up")

    async def watch():
        node = Node("victim")
        loop.start_node(node, live())
        await asyncio.sleep(5.0)
        node.kill()
        await asyncio.sleep(20.0)
        return tuple(lines)

    assert loop.run(watch()) == ("alive",)


def test_a_process_dies_at_the_step_chosen_for_it():
    loop = SimLoop()
    deaths = []

    async def live():
        for _ in range(1_000):
            await asyncio.sleep(1.0)

    async def watch():
        node = Node("victim", kill_at=4, on_kill=lambda: deaths.append(loop.time()))
        loop.start_node(node, live())
        await asyncio.sleep(60.0)
        return node.steps

    assert loop.run(watch()) == 4
    assert len(deaths) == 1


def test_a_process_that_stands_still_finds_everything_in_order_when_it_wakes():
    loop = SimLoop()
    lines = []

    async def live():
        for number in (1, 2):
            await asyncio.sleep(10.0 * number)
            lines.append((loop.time(), f"timer {number}"))

    async def watch():
        node = Node("sleeper")
        context = Context()
        context.run(CURRENT.set, node)
        loop.start_node(node, live())
        await asyncio.sleep(1.0)
        node.asleep_until_s = 100.0
        loop.call_later(49.0, lines.append, "soon", context=context)
        loop.call_later(48.0, lines.append, "sooner", context=context)
        await asyncio.sleep(98.0)
        assert lines == []
        await asyncio.sleep(60.0)
        return lines

    # The task goes on a turn after its timer, as it always does.
    assert loop.run(watch()) == ["sooner", "soon", (100.0, "timer 1"), (120.0, "timer 2")]


def test_a_death_in_the_middle_of_a_callback_unwinds_it():
    node = Node("victim", kill_at=1)

    with pytest.raises(NodeKilled):
        node.pass_kill_point()

    assert node.is_dead


def test_what_was_scheduled_outside_of_a_process_happens_after_its_death():
    loop = SimLoop()
    arrived = []

    async def live():
        loop.call_later(5.0, arrived.append, "letter", context=outside())
        loop.call_later(5.0, arrived.append, "own plan")

    async def watch():
        node = Node("sender")
        loop.start_node(node, live())
        await asyncio.sleep(1.0)
        node.kill()
        await asyncio.sleep(10.0)
        return arrived

    assert loop.run(watch()) == ["letter"]


def test_pieces_of_a_message_arrive_in_order_however_it_was_split():
    async def script(world):
        await world.until(lambda: world.trader is not None and world.broker.is_ready)

    outcome = run_plan(Plan(seed=1, network=NetworkFaults(split=1.0)), script)

    assert not outcome.violation


def test_a_disk_that_calls_durable_what_is_not_is_found_out():
    async def script(world):
        await world.until(lambda: world.trader is not None and world.trader.state.sequence > 20)
        world.disk.faults = DiskFaults(commit_s=30.0, is_lying=True)
        world.halt()
        await asyncio.sleep(1.0)
        world.node.kill()
        await world.until(lambda: world.outcome.restarts == 1 and world.trader is not None)

    outcomes = [run_plan(Plan(seed=seed), script) for seed in range(4)]

    # A coin may keep what was under way: power was lost a moment after it had become durable.
    assert "I12" in {outcome.name for outcome in outcomes}


def test_what_was_not_committed_is_gone_after_a_death_and_the_rest_is_there():
    async def script(world):
        await world.until(lambda: world.trader is not None and world.trader.state.sequence > 20)
        world.disk.faults = DiskFaults(commit_s=1_000.0)
        before = world.trader.state.sequence
        await asyncio.sleep(60.0)
        assert world.trader.state.sequence > before
        durable = world.disk.acknowledged
        world.node.kill()
        await world.until(lambda: world.outcome.restarts == 1 and world.trader is not None)
        assert world.disk.rows[-1].sequence >= durable

    outcome = run_plan(Plan(seed=2), script)

    assert not outcome.violation, outcome.violation
    assert outcome.kills == 1
