"""The stop watch on a line of its own, beside a bot that trades: what it sees, and what it may do.

The seeds of `test_simulation.py` play it too, with both lines cut and clogged in turn.
"""

from harness.sim_bot import TRADING_LINE, WATCH_LINE
from harness.sim_network import NetworkFaults
from harness.sim_plan import Plan
from harness.sim_world import run_plan
from palmbot.live.stop_watch import ACTOR as WATCH

WATCH_S = 20.0
READINGS_MIN = 50


def play(script, **changes):
    outcome = run_plan(Plan(seed=5, quote_s=2.0, watch_s=WATCH_S, **changes), script)
    assert not outcome.violation, outcome.violation
    return outcome


async def until_open(world):
    await world.until(
        lambda: (
            world.trader is not None
            and world.trader.state.position is not None
            and world.second_line.stop_watch.readings > 0
        )
    )


def test_beside_a_bot_that_trades_in_peace_the_watch_reads_and_never_halts():
    readings = []

    async def story(world):
        await world.until(
            lambda: len(world.watch.traded) >= 20 and not world.trader.state.books.positions,
            limit_s=6 * 3_600.0,
        )
        readings.append(world.second_line.stop_watch.readings)

    outcome = play(story)

    assert readings[0] >= READINGS_MIN
    assert outcome.faults["watch halts"] == 0


def test_a_stop_taken_while_the_trading_line_is_clogged_halts_by_the_second_line():
    async def story(world):
        await until_open(world)
        world.network.clogged_until_s[TRADING_LINE] = world.loop.now_s + 50.0
        world.people.take_stop()
        began_s = world.loop.now_s
        await world.until(lambda: world.trader.state.switch.halted_by == WATCH)
        assert world.loop.now_s - began_s < WATCH_S + 1.0
        assert world.trader.state.position.stop_loss is not None  # as far as the line has told
        await world.heal()
        await world.come_to_rest()

    assert play(story).faults["watch halts"] == 1


def test_a_position_closed_while_the_trading_line_is_clogged_halts_by_the_second_line():
    async def story(world):
        await until_open(world)
        world.network.clogged_until_s[TRADING_LINE] = world.loop.now_s + 50.0
        world.people.close_by_hand()
        await world.until(lambda: world.trader.state.switch.halted_by == WATCH)
        assert "not at the broker" in world.trader.state.switch.reason
        await world.heal()
        await world.come_to_rest()

    assert play(story).faults["watch halts"] == 1


def test_a_second_line_that_is_never_there_leaves_the_bot_to_trade():
    async def story(world):
        await world.until(lambda: world.trader is not None and world.second_line is not None)
        world.network.clogged_until_s[WATCH_LINE] = world.loop.now_s + 86_400.0
        await world.until(lambda: len(world.watch.traded) >= 3, limit_s=3 * 3_600.0)
        assert world.second_line.stop_watch.readings == 0
        await world.heal()
        await world.come_to_rest()

    assert play(story, network=NetworkFaults()).faults["watch halts"] == 0
