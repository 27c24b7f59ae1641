"""Every fault of a scenario over the wire, and what the books say afterwards."""

import asyncio

import pytest

from harness.small_market import MONDAY
from harness.tiny_client import TinyClient, connected, in_loop, until
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOASymbolByIdReq,
    ProtoOATraderReq,
)
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAReconcileReq
from palmbot.ctrader.generated.session_messages_pb2 import ProtoOAVersionReq
from palmbot.simulator.scenarios import FaultPlan, RequestFault, StepFault
from palmbot.simulator.server import serve

ACCEPTED, FILLED = 2, 3
EXECUTION, ERROR = 2126, 2142


def order_fault(fault):
    """Return a plan in which every order meets this fault."""
    return FaultPlan(order_faults=(fault,))


def step_fault(fault, **fields):
    """Return a plan in which every quote meets this fault, once a client subscribed."""
    return FaultPlan(step_faults=(fault,), **fields)


def kinds(received):
    return [each.message.executionType for each in received if each.payload_type == EXECUTION]


def counts(server):
    books = server.books
    return books.orders_at_broker, books.refused_unplaced, books.never_arrived


@in_loop
async def test_a_link_cut_before_an_order_is_read_loses_the_order(tmp_path):
    async with connected(tmp_path, plan=order_fault(RequestFault.CUT_BEFORE)) as (
        server,
        client,
        _,
    ):
        client.send(client.order())
        assert await client.is_cut()
        assert not server.is_connected
        assert counts(server) == (0, 0, 1)


@in_loop
async def test_a_link_cut_after_the_execution_keeps_the_order_and_tells_nothing(tmp_path):
    plan = order_fault(RequestFault.CUT_BETWEEN)
    async with connected(tmp_path, plan=plan) as (server, client, _):
        client.send(client.order())
        assert await client.is_cut()
        assert counts(server) == (1, 0, 0)
        again = await TinyClient.connect(client.endpoint)
        await again.authorise()
        held = await again.ask(ProtoOAReconcileReq(ctidTraderAccountId=client.account_id))
        assert [each.tradeData.label for each in held.message.position] == ["mine"]
        assert server.connection_count == 2
        await again.close()


@in_loop
async def test_a_link_cut_after_the_reply_falls_at_the_next_step(tmp_path):
    plan = order_fault(RequestFault.CUT_AFTER)
    async with connected(tmp_path, bids=[1_000], plan=plan) as (server, client, _):
        client.send(client.order())
        assert kinds(await client.receive_many(3)) == [ACCEPTED, FILLED]
        assert server.is_connected
        result = server.step()
        assert result.fault == RequestFault.CUT_AFTER.value
        assert not server.is_connected
        assert await client.is_cut()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(RequestFault.SILENT_LOST, (0, 0, 1)), (RequestFault.SILENT_DONE, (1, 0, 0))],
)
def test_a_silent_order_is_never_answered_and_only_the_books_know_its_fate(
    tmp_path, fault, expected
):
    @in_loop
    async def story():
        async with connected(tmp_path, plan=order_fault(fault)) as (server, client, _):
            client.send(client.order())
            trader = await client.ask(ProtoOATraderReq(ctidTraderAccountId=client.account_id))
            assert trader.payload_type == 2122, "the next answer is that of the next request"
            assert counts(server) == expected

    story()


@pytest.mark.parametrize("fault", [RequestFault.SLOW, RequestFault.TOO_LATE])
def test_a_delayed_reply_waits_for_the_link_clock_though_the_order_is_done(tmp_path, fault):
    @in_loop
    async def story():
        async with connected(tmp_path, plan=order_fault(fault)) as (server, client, clock):
            client.send(client.order())
            await until(lambda: server.has_pending)
            assert counts(server) == (1, 0, 0)
            assert await client.silence() is None
            clock.advance(0.4 if fault is RequestFault.SLOW else 5.9)
            assert server.has_pending
            clock.advance(4.0)
            assert kinds(await client.receive_many(3)) == [ACCEPTED, FILLED]
            assert not server.has_pending

    story()


@in_loop
async def test_a_swapped_fill_arrives_before_the_correlated_acceptance(tmp_path):
    async with connected(tmp_path, plan=order_fault(RequestFault.SWAPPED)) as (_, client, _):
        sent = client.send(client.order())
        filled, _, accepted = await client.receive_many(3)
        assert kinds([filled, accepted]) == [FILLED, ACCEPTED]
        assert filled.client_msg_id is None
        assert accepted.client_msg_id == sent


@in_loop
async def test_duplicated_events_are_the_same_twice_and_the_books_hold_one_deal(tmp_path):
    plan = order_fault(RequestFault.DUPLICATED)
    async with connected(tmp_path, plan=plan) as (server, client, _):
        client.send(client.order())
        events = await client.receive_many(6)
        assert kinds(events) == [ACCEPTED, ACCEPTED, FILLED, FILLED]
        deals = {each.message.deal.dealId for each in events if each.payload_type == EXECUTION}
        assert len(deals - {0}) == 1
        assert len(server.books.deals) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (RequestFault.THROTTLED, "REQUEST_FREQUENCY_EXCEEDED"),
        (RequestFault.BUSY, "SERVER_IS_UNDER_MAINTENANCE"),
    ],
)
def test_an_order_refused_by_the_server_itself_is_not_placed(tmp_path, fault, code):
    @in_loop
    async def story():
        async with connected(tmp_path, plan=order_fault(fault)) as (server, client, _):
            refused = await client.ask(client.order())
            assert refused.message.errorCode == code
            assert counts(server) == (0, 1, 0)

    story()


@in_loop
async def test_a_silent_server_does_not_even_refuse(tmp_path):
    plan = FaultPlan(reading_faults=(RequestFault.SILENT_DONE,), reading_gap=(3, 3))
    async with connected(tmp_path, plan=plan) as (_, client, _):
        client.send(ProtoOASymbolByIdReq(ctidTraderAccountId=client.account_id, symbolId=[99]))
        assert await client.silence() is None


@in_loop
async def test_readings_have_faults_of_their_own(tmp_path):
    plan = FaultPlan(reading_faults=(RequestFault.SILENT_LOST,), reading_gap=(4, 4))
    async with connected(tmp_path, plan=plan) as (_, client, _):
        # Two requests authorised the session, so the second reading is the fourth request.
        await client.trader()
        client.send(ProtoOATraderReq(ctidTraderAccountId=client.account_id))
        assert await client.silence() is None


@in_loop
async def test_stops_fire_during_an_outage_and_connections_are_refused_until_it_ends(tmp_path):
    plan = step_fault(StepFault.OUTAGE, outage_steps=(3, 3), step_gap=(2, 2))
    bids = [1_000, 1_000, 950, 960, 970, 980]
    async with connected(tmp_path, bids=bids, plan=plan) as (server, client, _):
        await client.subscribe()
        client.send(client.order())
        await client.receive_many(3)
        assert server.step().fault == ""
        assert server.step().fault == StepFault.OUTAGE.value
        assert await client.is_cut()
        assert not server.accepts_connections
        assert server.step().executions == 1
        with pytest.raises(OSError, match=r".*"):
            await TinyClient.connect(client.endpoint)
        assert server.refused_count == 1
        server.step()
        assert not server.accepts_connections
        server.step()
        assert server.accepts_connections
        again = await TinyClient.connect(client.endpoint)
        await again.authorise()
        held = await again.ask(ProtoOAReconcileReq(ctidTraderAccountId=client.account_id))
        assert len(held.message.position) == 0
        assert server.connection_count == 2
        await again.close()


@in_loop
async def test_a_number_of_connections_is_refused_whatever_the_market_does(tmp_path):
    plan = step_fault(StepFault.REFUSED, refused_attempts=(2, 2))
    async with connected(tmp_path, bids=[1_000], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        for _ in range(2):
            with pytest.raises(OSError, match=r".*"):
                await TinyClient.connect(client.endpoint)
        again = await TinyClient.connect(client.endpoint)
        await again.authorise()
        await again.close()


@in_loop
async def test_a_half_open_link_stays_up_tells_nothing_and_loses_orders(tmp_path):
    plan = step_fault(StepFault.HALF_OPEN)
    async with connected(tmp_path, bids=[1_001] * 3, plan=plan) as (server, client, clock):
        await client.subscribe()
        server.step()
        assert server.is_mute
        assert server.is_connected
        received = server.bytes_received
        client.send(client.order())
        await until(lambda: server.bytes_received > received)
        server.step()
        clock.advance(120.0)
        assert await client.silence() is None
        assert counts(server) == (0, 0, 1)
        await client.close()
        await until(lambda: not server.is_connected)


@pytest.mark.parametrize(
    ("fault", "payload_type"),
    [
        (StepFault.ACCOUNT_DISCONNECT, 2164),
        (StepFault.TOKEN_INVALIDATED, 2147),
        (StepFault.CLIENT_DISCONNECT, 2148),
        (StepFault.SYMBOL_CHANGED, 2120),
        (StepFault.UNKNOWN_MESSAGE, 2999),
    ],
)
def test_a_disturbance_reaches_the_client(tmp_path, fault, payload_type):
    @in_loop
    async def story():
        plan = step_fault(fault)
        async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
            await client.subscribe()
            assert server.step().fault == fault.value
            assert (await client.receive()).payload_type == payload_type

    story()


@in_loop
async def test_orders_after_an_account_disconnect_are_refused_and_counted(tmp_path):
    plan = step_fault(StepFault.ACCOUNT_DISCONNECT)
    async with connected(tmp_path, bids=[1_001, 1_002], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        await client.receive()
        refused = await client.ask(client.order())
        assert "not authorized" in refused.message.description
        assert counts(server) == (0, 1, 0)
        await client.authorise()
        assert (await client.trader()).trader.balance == 1_000_000
        assert client.endpoint.access_token.reveal(), "the token stays good"


@in_loop
async def test_an_execution_of_an_unknown_kind_reads_as_accepted_unless_one_looks(tmp_path):
    plan = step_fault(StepFault.UNKNOWN_ENUM)
    async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        event = (await client.receive()).message
        assert not event.HasField("executionType")
        assert event.executionType == ACCEPTED


@in_loop
async def test_an_old_execution_event_comes_again_word_for_word(tmp_path):
    plan = step_fault(StepFault.REPEATED_EXECUTION)
    async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
        await client.subscribe()
        client.send(client.order())
        _, filled, _ = await client.receive_many(3)
        server.step()
        assert (await client.receive()).message == filled.message


@in_loop
async def test_garbage_is_a_frame_that_is_no_envelope(tmp_path):
    plan = step_fault(StepFault.GARBAGE)
    async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        assert await client.reader.readexactly(8) == b"\x00\x00\x00\x04\xff\xff\xff\xff"


@in_loop
async def test_an_oversized_frame_is_announced(tmp_path):
    plan = step_fault(StepFault.OVERSIZED)
    async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        assert await client.reader.readexactly(4) == b"\x7f\xff\xff\xff"


@in_loop
async def test_a_useless_server_refuses_everything_until_the_client_comes_anew(tmp_path):
    plan = step_fault(StepFault.USELESS)
    async with connected(tmp_path, bids=[1_001], plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        await client.receive()
        refused = (await client.ask(client.order())).message
        assert refused.errorCode == "UNKNOWN_ERROR"
        assert "No pooled connection" in refused.description
        assert counts(server) == (0, 1, 0)
        again = await TinyClient.connect(client.endpoint)
        await again.authorise()
        assert (await again.trader()).trader.balance == 1_000_000
        await again.close()


@in_loop
async def test_a_cut_that_is_due_spares_whoever_connected_since(tmp_path):
    plan = order_fault(RequestFault.CUT_AFTER)
    async with connected(tmp_path, bids=[1_000], plan=plan) as (server, client, _):
        client.send(client.order())
        await client.receive_many(3)
        again = await TinyClient.connect(client.endpoint)
        await again.authorise()
        server.step()
        assert await client.is_cut()
        assert (await again.trader()).trader.balance == 1_000_000
        await again.close()


@in_loop
async def test_a_mistake_of_the_simulator_is_no_fault_of_the_link(tmp_path):
    async with connected(tmp_path, bids=[1_000]) as (server, client, _):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        server._exchange.ledger.balance += 1  # noqa: SLF001 - the books are spoilt on purpose
        client.send(client.order())
        assert await client.is_cut()
        with pytest.raises(RuntimeError, match="the simulator failed"):
            server.step()


@in_loop
async def test_maintenance_cuts_the_link_and_refuses_everything_for_a_while(tmp_path):
    plan = step_fault(StepFault.MAINTENANCE, maintenance_steps=(2, 2), step_gap=(1, 1))
    async with connected(tmp_path, bids=[1_001] * 4, plan=plan) as (server, client, _):
        await client.subscribe()
        server.step()
        assert await client.is_cut()
        again = await TinyClient.connect(client.endpoint)
        refused = (await again.ask(ProtoOAVersionReq())).message
        assert refused.errorCode == "SERVER_IS_UNDER_MAINTENANCE"
        assert refused.maintenanceEndTimestamp > server.now // 1_000
        server.step()
        server.step()
        assert (await again.authorise()).payload_type == 2103
        await again.close()


@in_loop
async def test_faults_between_quotes_wait_for_a_client_that_gets_them(tmp_path):
    plan = step_fault(StepFault.CUT)
    async with connected(tmp_path, bids=[1_001] * 3, plan=plan) as (server, client, _):
        assert server.step().fault == ""
        await client.subscribe()
        assert server.step().fault == StepFault.CUT.value
        assert server.step().fault == ""


@in_loop
async def test_free_running_follows_the_link_clock_at_the_speed_asked_for(tmp_path):
    async with connected(tmp_path, bids=[1_001, 1_002, 1_003]) as (server, client, clock):

        def waits():
            due = [timer.due_s for timer in clock.timers if timer.callback is not None]
            return any(0 < due_s - clock.now_s < 0.11 for due_s in due)

        await client.subscribe()
        running = asyncio.create_task(serve(server, clock, speed=10.0))
        times = []
        for _ in range(3):
            await until(waits)
            assert await client.silence(0.01) is None
            clock.advance(0.1)
            times.append((await client.receive()).message.timestamp)
        assert times == [MONDAY, MONDAY + 1_000, MONDAY + 2_000]
        await asyncio.wait_for(running, 5)
