"""Intermittent connections, one story each: whatever happened meanwhile, the books come out equal.

Every story runs the whole bot against the whole exchange in virtual time, with all invariants
asked after every event; at its end both sides hold the same positions and the same money.
"""

import asyncio
from dataclasses import replace

from harness.sim_broker import PALM, BrokerFaults
from harness.sim_disk import DiskFaults
from harness.sim_network import CALM, NetworkFaults
from harness.sim_plan import Plan
from harness.sim_trouble import CONTRACTS
from harness.sim_world import run_plan
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import StoreIntent
from palmbot.domain.events import OperatorHalted
from palmbot.domain.orders import IntentKind, IntentState, OrderStyle
from palmbot.domain.units import Volume

STOP_BACK_S_MAX = 5.0
"""A position without a stop is protected or closed within this time."""
REPAIR_BEGINS_S_MAX = 2.0


def play(story, **changes):
    """Play a story on a calm day; it ends when both sides are at rest."""

    async def script(world):
        await story(world)
        await world.heal()
        await world.come_to_rest()

    plan = Plan(**{"seed": 5, "quote_s": 2.0, **changes})
    outcome = run_plan(plan, script)
    assert not outcome.violation, outcome.violation
    return outcome


def state_of(world):
    return world.trader.state


async def until_open(world):
    await world.until(lambda: world.trader is not None and bool(state_of(world).position))


async def until_consistent(world):
    await world.until(
        lambda: world.trader is not None and state_of(world).link.phase is LinkPhase.CONSISTENT,
    )


def cut_off(world):
    """Lose the link, and keep it lost until the network is calm again."""
    world.network.faults = NetworkFaults(refuse=1.0)
    world.network.cut()


def reconnect(world):
    world.network.faults = CALM


def entries_of(world):
    return [
        intent
        for intent in state_of(world).books.intents.values()
        if intent.kind is IntentKind.ENTRY
    ]


def test_an_order_that_executes_after_the_link_was_lost_is_found_and_taken_over():
    async def story(world):
        world.server.faults = BrokerFaults(queue=1.0, queue_s_max=20.0)
        await world.until(lambda: bool(world.server.queued))
        cut_off(world)
        await world.until(lambda: bool(world.server.exchange.books.positions))
        assert state_of(world).position is None
        (entry,) = entries_of(world)
        await world.until(lambda: entries_of(world)[0].state is IntentState.UNKNOWN)
        world.server.faults = BrokerFaults()
        reconnect(world)
        await until_open(world)
        assert state_of(world).position.intent_id == entry.intent_id
        assert state_of(world).position.stop_loss is not None

    outcome = play(story, seed=7)

    assert outcome.unknown > 0


def test_a_process_that_stands_still_over_the_commit_of_its_entry_does_not_send_it():
    async def story(world):
        hear = world.watch.on_append
        stored = []

        def on_append(event, decision):
            hear(event, decision)
            for command in decision.commands:
                if isinstance(command, StoreIntent) and not stored:
                    stored.append(command.intent.intent_id)
                    world.node.asleep_until_s = world.loop.now_s + 20.0

        world.watch.on_append = on_append
        await world.until(lambda: stored and not world.is_asleep)
        await world.until(lambda: len(entries_of(world)) > 1)
        first = state_of(world).books.intents[stored[0]]
        assert first.state is IntentState.CANCELLED_LOCALLY
        assert first.resolution.startswith("STALE_INTENT"), first.resolution

    play(story)


def test_a_position_outlives_a_disabled_contract_and_a_new_volume_step_and_is_closed_whole():
    async def story(world):
        await until_open(world)
        volume = state_of(world).position.volume
        world.server.change_contract(CONTRACTS[0], is_told=True)
        await world.until(lambda: state_of(world).symbol.trading_mode is CONTRACTS[0].trading_mode)
        on_other_steps = replace(PALM, volume_min=Volume(7_000), volume_step=Volume(7_000))
        world.server.change_contract(on_other_steps, is_told=True)
        await world.until(lambda: state_of(world).symbol.volume_step == 7_000)
        assert state_of(world).position.volume == volume
        assert volume % 7_000 != 0
        await world.ask(OperatorHalted(actor="operator", reason="to be sure", flatten=True))
        await world.until(lambda: not world.server.exchange.ledger.positions)
        world.server.change_contract(PALM, is_told=True)
        await world.until(lambda: state_of(world).symbol.volume_step == PALM.volume_step)

    outcome = play(story)

    assert outcome.trades > 0


def test_a_stop_that_fires_while_the_link_is_down_is_booked_at_the_brokers_price():
    async def story(world):
        await until_open(world)
        position_id = state_of(world).position.position_id
        cut_off(world)
        await world.until(lambda: position_id not in world.server.exchange.ledger.positions)
        assert position_id in state_of(world).books.positions
        reconnect(world)
        await world.until(lambda: position_id in world.watch.traded)

    assert play(story).trades > 0


def test_a_position_closed_by_hand_while_the_link_is_down_leaves_the_books_by_its_fill():
    async def story(world):
        await until_open(world)
        position_id = state_of(world).position.position_id
        cut_off(world)
        world.people.close_by_hand()
        reconnect(world)
        await world.until(lambda: position_id in world.watch.traded)

    assert play(story).trades > 0


def test_a_link_that_breaks_every_few_seconds_neither_doubles_nor_loses_anything():
    async def story(world):
        for _ in range(60):
            await asyncio.sleep(1.0 + 4.0 * world.random.random())
            world.network.cut()
        reconnect(world)
        await until_consistent(world)

    outcome = play(story, broker=BrokerFaults(queue=0.5, queue_s_max=10.0))

    assert outcome.simulated_s > 100


def test_a_link_cut_in_the_middle_of_every_comparison_is_compared_again_from_the_start():
    async def story(world):
        await until_open(world)
        for delay_s in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
            await world.until(lambda: world.broker.is_ready)
            await asyncio.sleep(delay_s)
            world.network.cut()
            await world.until(lambda: not world.broker.is_ready)
            assert state_of(world).link.phase is not LinkPhase.CONSISTENT
        await until_consistent(world)

    play(story)


def test_a_half_open_link_is_noticed_and_the_position_stays_protected_meanwhile():
    async def story(world):
        await until_open(world)
        for client, server in world.network.pairs:
            client.is_swallowing = server.is_swallowing = True
        generation = state_of(world).link.generation
        await world.until(lambda: state_of(world).link.generation > generation, 180.0)
        await until_consistent(world)

    play(story)


def test_readings_that_fail_close_no_position_and_allow_no_entry():
    async def story(world):
        await until_open(world)
        held = set(state_of(world).books.positions)
        world.server.faults = BrokerFaults(busy_reading=1.0)
        world.network.cut()
        sent = world.watch.sends["ProtoOANewOrderReq"]
        for _ in range(100):
            await asyncio.sleep(0.5)
            at_broker = set(world.server.exchange.ledger.positions)
            assert held & at_broker <= set(state_of(world).books.positions)
            assert state_of(world).link.phase is not LinkPhase.CONSISTENT
        assert world.watch.sends["ProtoOANewOrderReq"] == sent
        world.server.faults = BrokerFaults()
        await until_consistent(world)

    play(story)


def test_a_stop_that_is_taken_away_is_back_or_the_position_closed_within_five_seconds():
    async def story(world):
        for _ in range(3):
            await until_open(world)
            await until_consistent(world)
            position_id = state_of(world).position.position_id
            world.people.take_stop()
            taken_s = world.loop.now_s

            def is_safe(position_id=position_id):
                position = world.server.exchange.ledger.positions.get(position_id)
                return position is None or position.stop_loss is not None

            await world.until(is_safe, STOP_BACK_S_MAX)
            assert world.loop.now_s - taken_s <= STOP_BACK_S_MAX
            await world.until(lambda: state_of(world).position is None)
            await world.until(lambda: state_of(world).switch.halted_by is None)

    play(story)


def test_a_position_whose_stop_is_not_back_in_time_is_closed_within_five_seconds():
    """The broker sits on the request that restores it; the close that follows gets through."""

    async def story(world):
        await until_open(world)
        await until_consistent(world)
        position_id = state_of(world).position.position_id
        amends = world.watch.sends["ProtoOAAmendPositionSLTPReq"]
        world.server.faults = BrokerFaults(queue=1.0, queue_s_min=60.0, queue_s_max=90.0)
        world.people.take_stop()
        taken_s = world.loop.now_s
        await world.until(lambda: world.watch.sends["ProtoOAAmendPositionSLTPReq"] > amends)
        assert world.loop.now_s - taken_s <= REPAIR_BEGINS_S_MAX
        world.server.faults = BrokerFaults()
        ledger = world.server.exchange.ledger
        await world.until(lambda: position_id not in ledger.positions, STOP_BACK_S_MAX)
        assert world.loop.now_s - taken_s <= STOP_BACK_S_MAX

    play(story)


def test_a_stop_that_is_taken_away_while_the_link_is_down_is_restored_after_the_reconnect():
    async def story(world):
        await until_open(world)
        position_id = state_of(world).position.position_id
        cut_off(world)
        world.people.take_stop()
        await asyncio.sleep(5.0)
        reconnect(world)
        await world.until(lambda: world.broker.is_ready)

        def is_safe():
            position = world.server.exchange.ledger.positions.get(position_id)
            return position is None or position.stop_loss is not None

        await world.until(is_safe, STOP_BACK_S_MAX)

    play(story)


def test_a_position_of_somebody_else_blocks_entries_and_is_never_touched():
    async def story(world):
        await until_consistent(world)
        world.people.trade_by_hand()
        (foreign,) = world.watch.foreign
        await world.until(lambda: foreign in state_of(world).books.foreign_positions)
        sent = world.watch.sends["ProtoOANewOrderReq"]
        while foreign in world.server.exchange.ledger.positions:
            assert world.watch.sends["ProtoOANewOrderReq"] == sent
            await asyncio.sleep(1.0)
        await until_open(world)

    play(story)


def test_a_process_that_dies_with_an_open_position_finds_it_again():
    async def story(world):
        await until_open(world)
        position_id = state_of(world).position.position_id
        world.node.kill()
        await world.until(lambda: world.outcome.restarts == 1 and world.trader is not None)
        await until_consistent(world)
        is_open = position_id in world.server.exchange.ledger.positions
        assert is_open == (position_id in state_of(world).books.positions)

    assert play(story).kills == 1


def test_an_order_that_arrives_after_a_person_gave_it_up_is_closed_and_halts():
    async def story(world):
        world.server.faults = BrokerFaults(queue=1.0, queue_s_min=300.0, queue_s_max=300.0)
        await world.until(lambda: bool(world.server.queued))
        (intent_id,) = world.server.queued
        await world.until(lambda: intent_id in world.watch.given_up_by_operator)
        world.server.faults = BrokerFaults()
        await world.until(lambda: world.watch.is_placed(intent_id), 3_600.0)
        await world.until(lambda: state_of(world).switch.halted_by is not None)
        await world.until(
            lambda: all(
                intent_id not in position.label
                for position in world.server.exchange.ledger.positions.values()
            ),
        )

    play(story, seed=3, patience_s=60.0)


def test_an_order_with_an_end_of_life_is_given_up_only_when_its_absence_is_proven():
    async def story(world):
        world.server.faults = BrokerFaults(queue=1.0, queue_s_max=60.0)
        await world.until(lambda: bool(world.watch.given_up_by_proof), 3_600.0)

    outcome = play(story, style=OrderStyle.LIMIT, patience_s=10_000.0)

    assert outcome.lost > 0


def test_a_full_disk_stops_the_process_before_anything_leaves_and_the_next_one_recovers():
    async def story(world):
        await until_open(world)
        world.disk.faults = DiskFaults(fail=1.0)
        await world.until(lambda: world.outcome.faults.get("disk", 0) > 0)
        world.disk.faults = DiskFaults()
        await world.until(lambda: world.trader is not None)
        await until_consistent(world)

    assert play(story).restarts > 0
