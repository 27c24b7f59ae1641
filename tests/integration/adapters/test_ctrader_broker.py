"""The link over real sockets and real TLS, against a server that behaves as badly as told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness import journal_story
from harness.manual_clock import ManualClock
from harness.scripted_server import (
    ACCESS_TOKEN,
    ACCOUNT_ID,
    CLIENT_SECRET,
    ENVIRONMENT,
    SYMBOL,
    SYMBOL_ID,
    ScriptedServer,
    Talk,
    make_tls,
)
from palmbot.adapters import ctrader_broker
from palmbot.adapters.ctrader_broker import Backoff, CtraderBroker, Endpoint, endpoint_for
from palmbot.adapters.tls import make_context
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.commands import QueryBooks, Reconnect, Send
from palmbot.domain.errors import ConfigInvalid, ConnectionLost
from palmbot.domain.events import BooksUnavailable, Event, LinkLost, LinkReady, OrderUnanswered
from palmbot.domain.market import Tick
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId, TimestampMs

TURNS_MAX = 20_000


class EventList:
    """Implements `ports.EventSink` by keeping everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


class Scene:
    """A broker adapter and a server on one event loop, with a clock that stands still."""

    def __init__(self, directory: Path, *, names: tuple[str, ...] = ("localhost",)) -> None:
        server_tls, authority = make_tls(*names)
        authority.cert_pem.write_to_path(directory / "ca.pem")
        self.server = ScriptedServer(server_tls)
        self.sink = EventList()
        self.clock = ManualClock()
        self.server_name = "localhost"
        self.tls = make_context(directory / "ca.pem")
        self.broker: CtraderBroker | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self, *, secret: str = CLIENT_SECRET) -> CtraderBroker:
        await self.server.start()
        credentials = Credentials(
            client_id="app", client_secret=Secret(secret), access_token=Secret(ACCESS_TOKEN)
        )
        target = Target(
            environment=ENVIRONMENT, account_id=AccountId(ACCOUNT_ID), symbol_name=SYMBOL
        )
        self.broker = CtraderBroker(
            endpoint=Endpoint(
                host="127.0.0.1", port=self.server.port, server_name=self.server_name
            ),
            tls=self.tls,
            new_connection=lambda generation: ClientConnection(
                generation=generation, credentials=credentials, target=target
            ),
            sink=self.sink,
            clock=self.clock,
            draw_jitter=lambda: 0.5,
        )
        self.task = asyncio.create_task(self.broker.run())
        return self.broker

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the event loop turn until something is so; sockets need a few turns."""
        assert self.task is not None
        for turn in range(TURNS_MAX):
            if condition():
                return
            if self.task.done():
                await self.task
            await asyncio.sleep(0 if turn % 50 else 0.001)
        raise AssertionError("it never came to that")

    async def until_ready(self, times: int = 1) -> Talk:
        await self.until(lambda: len(self.sink.of(LinkReady)) == times)
        return self.server.talks[-1]

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.server.close()
        await self.settle()

    async def settle(self) -> None:
        for talk in self.server.talks:
            await talk.is_over.wait()


def play(tmp_path: Path, script: Callable[[Scene], Awaitable[None]], **arguments) -> Scene:
    """Run one scene to its end."""

    async def run() -> Scene:
        scene = Scene(tmp_path, **arguments)
        try:
            await script(scene)
        finally:
            await scene.stop()
        return scene

    return asyncio.run(run())


def entry(number: int = 0) -> Send:
    """Return an order for the first connection."""
    intent = journal_story.intent(number)
    assert (intent.symbol_id, intent.generation) == (SYMBOL_ID, 1)
    return Send(intent=intent)


def test_a_session_opens_and_prices_arrive_in_order(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        talk = await scene.until_ready()
        assert broker.is_ready
        assert (broker.generation, broker.is_connecting) == (1, False)
        for bid in range(100_000_000, 100_005_000, 1_000):
            talk.push_spot(bid)
        await scene.until(lambda: len(scene.sink.of(Tick)) == 5)
        assert broker.bytes_sent == len(talk.received)
        assert broker.open_requests == 0

    scene = play(tmp_path, script)
    assert [tick.bid for tick in scene.sink.of(Tick)] == list(
        range(100_000_000, 100_005_000, 1_000)
    )
    assert isinstance(scene.sink.events[0], LinkReady)
    assert isinstance(scene.sink.events[-1], LinkLost)


def test_an_order_is_with_the_transport_when_write_returns(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        talk = await scene.until_ready()
        before = broker.bytes_sent
        broker.write(entry())
        assert broker.bytes_sent > before
        assert broker.open_requests == 1
        await scene.until(lambda: len(talk.received) == broker.bytes_sent)
        order = talk.requests[-1].message
        assert order.clientOrderId == journal_story.intent_id(0)
        assert order.relativeStopLoss == 1_500_000
        scene.clock.advance(5.0)
        (unanswered,) = scene.sink.of(OrderUnanswered)
        assert unanswered.intent_id == journal_story.intent_id(0)

    play(tmp_path, script)


def test_without_a_connection_nothing_is_written_or_kept_for_later(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        with pytest.raises(ConnectionLost):
            broker.write(entry())
        assert broker.order_budget() == 0
        talk = await scene.until_ready()
        assert broker.order_budget() > 0
        talk.cut()
        await scene.until(lambda: not broker.is_connected and broker.next_deadline_s is not None)
        with pytest.raises(ConnectionLost):
            broker.write(entry())
        scene.clock.advance(1.0)
        second = await scene.until_ready(times=2)
        with pytest.raises(ConnectionLost, match="meant for connection 1"):
            broker.write(entry())
        assert all(request.payload_type != 2106 for request in second.requests)

    play(tmp_path, script)


def test_every_loss_is_told_once_and_the_next_connection_has_the_next_number(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        for generation in (1, 2, 3):
            talk = await scene.until_ready(times=generation)
            talk.cut()
            await scene.until(
                lambda: not broker.is_connected and broker.next_deadline_s is not None
            )
            scene.clock.advance(60.0)
        await scene.until_ready(times=4)

    scene = play(tmp_path, script)
    story = [type(event).__name__ + str(event.generation) for event in scene.sink.events]
    assert story == [
        f"{kind}{number}" for number in (1, 2, 3, 4) for kind in ("LinkReady", "LinkLost")
    ]


def test_the_waits_double_up_to_a_minute_while_nobody_answers(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        await scene.until_ready()
        scene.server.close()
        waits = []
        for _ in range(9):
            await scene.until(
                lambda: not broker.is_connected and broker.next_deadline_s is not None
            )
            waits.append(broker.next_deadline_s - scene.clock.link_s())
            generation = broker.generation
            scene.clock.advance(waits[-1])
            await scene.until(lambda seen=generation: broker.generation > seen)
        assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])

    play(tmp_path, script)


def test_a_connection_that_held_for_long_starts_the_waits_anew(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        for times in (1, 2):
            talk = await scene.until_ready(times=times)
            for _ in range(10):
                scene.clock.advance(10.0)
                sent = broker.bytes_received
                talk.push_spot(100_000_000)
                await scene.until(lambda seen=sent: broker.bytes_received > seen)
            talk.cut()
            await scene.until(
                lambda: not broker.is_connected and broker.next_deadline_s is not None
            )
            assert broker.next_deadline_s - scene.clock.link_s() == pytest.approx(1.0)
            scene.clock.advance(1.0)
        await scene.until_ready(times=3)

    play(tmp_path, script)


def test_silence_ends_the_connection(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        await scene.until_ready()
        scene.clock.advance(60.0)
        await scene.until(lambda: not broker.is_connected and broker.next_deadline_s is not None)

    scene = play(tmp_path, script)
    assert "60" in scene.sink.of(LinkLost)[0].reason


def test_broken_framing_ends_the_connection(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        talk = await scene.until_ready()
        talk.push_spot(100_000_000)
        await scene.until(lambda: scene.sink.of(Tick))
        talk.wire.write_bytes(b"\xff\xff\xff\xff")
        talk.flush()
        await scene.until(lambda: not broker.is_connected and broker.next_deadline_s is not None)

    scene = play(tmp_path, script)
    assert len(scene.sink.of(Tick)) == 1
    assert isinstance(scene.sink.events[-1], LinkLost)


def test_a_reconnect_for_an_older_connection_is_ignored(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        await scene.until_ready()
        broker.reconnect(Reconnect(generation=1, reason="the contract changed"))
        await scene.until(lambda: not broker.is_connected and broker.next_deadline_s is not None)
        scene.clock.advance(1.0)
        await scene.until_ready(times=2)
        broker.reconnect(Reconnect(generation=1, reason="too late"))
        broker.query(QueryBooks(generation=1, since=TimestampMs(0), delay_s=0))
        assert broker.is_ready
        assert broker.open_requests == 0

    scene = play(tmp_path, script)
    assert [lost.generation for lost in scene.sink.of(LinkLost)] == [1, 2]
    assert "the contract changed" in scene.sink.of(LinkLost)[0].reason


def test_a_reading_without_an_answer_is_reported_and_never_taken_for_flat(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        talk = await scene.until_ready()
        talk.push_spot(100_000_000)
        await scene.until(lambda: scene.sink.of(Tick))
        broker.query(QueryBooks(generation=1, since=TimestampMs(0), delay_s=2.0))
        assert broker.open_requests == 0
        scene.clock.advance(2.0)
        assert broker.open_requests > 0
        await scene.until(lambda: talk.requests[-1].payload_type == 2124)
        scene.clock.advance(12.0)

    scene = play(tmp_path, script)
    assert len(scene.sink.of(BooksUnavailable)) == 1


def test_a_refusal_for_good_ends_the_run_with_its_reason(tmp_path):
    async def script(scene: Scene) -> None:
        def refuse(talk: Talk, request) -> None:
            reason = "clientId or clientSecret is incorrect"
            talk.wire.refuse(request.client_msg_id, "CH_CLIENT_AUTH_FAILURE", reason)

        scene.server.answer = refuse
        await scene.start()
        assert scene.task is not None
        with pytest.raises(ConfigInvalid, match="CTRADER_CLIENT_SECRET"):
            await scene.task

    scene = play(tmp_path, script)
    assert scene.sink.events == []


def test_a_server_with_another_name_never_sees_a_secret(tmp_path):
    async def script(scene: Scene) -> None:
        await scene.start()
        assert scene.task is not None
        with pytest.raises(ConfigInvalid, match=r"certificate of 127.0.0.1 was refused \(Hostname"):
            await scene.task

    scene = play(tmp_path, script, names=("demo.ctraderapi.com",))
    assert all(not talk.received for talk in scene.server.talks)


def test_the_certificate_must_carry_the_name_of_the_endpoint(tmp_path):
    async def script(scene: Scene) -> None:
        scene.server_name = "demo.ctraderapi.com"
        await scene.start()
        assert scene.task is not None
        with pytest.raises(ConfigInvalid, match="Hostname mismatch"):
            await scene.task

    scene = play(tmp_path, script, names=("localhost",))
    assert all(not talk.received for talk in scene.server.talks)


def test_a_server_of_an_unknown_authority_never_sees_a_secret(tmp_path):
    async def script(scene: Scene) -> None:
        scene.server = ScriptedServer(make_tls("localhost")[0])
        await scene.start()
        assert scene.task is not None
        with pytest.raises(ConfigInvalid, match="no secret was sent"):
            await scene.task

    scene = play(tmp_path, script)
    assert all(not talk.received for talk in scene.server.talks)


def test_a_server_without_tls_never_sees_a_secret(tmp_path):
    async def script(scene: Scene) -> None:
        scene.server = ScriptedServer(None)
        broker = await scene.start()
        await scene.until(lambda: broker.generation == 1 and broker.next_deadline_s is not None)

    scene = play(tmp_path, script)
    assert scene.sink.events == []
    for talk in scene.server.talks:
        assert CLIENT_SECRET.encode() not in talk.received
        assert ACCESS_TOKEN.encode() not in talk.received


def test_a_certificate_that_turns_bad_later_is_the_networks_fault(tmp_path):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        await scene.until_ready()
        port = scene.server.port
        scene.server.close()
        await scene.until(lambda: not broker.is_connected and broker.next_deadline_s is not None)
        await scene.settle()
        stranger = ScriptedServer(make_tls("localhost")[0])
        stranger.port = port
        await stranger.start()
        scene.clock.advance(1.0)
        await scene.until(lambda: broker.generation == 2 and broker.next_deadline_s is not None)
        assert all(not talk.received for talk in stranger.talks)
        stranger.close()

    play(tmp_path, script)


def test_more_waiting_bytes_than_the_bound_end_the_connection(tmp_path, monkeypatch):
    async def script(scene: Scene) -> None:
        broker = await scene.start()
        await scene.until_ready()
        # The kernel takes megabytes before anything waits: here nothing at all is allowed.
        monkeypatch.setattr(ctrader_broker, "WRITE_BUFFER_BYTES_MAX", -1)
        with pytest.raises(ConnectionLost, match="stopped reading"):
            broker.write(entry())

    scene = play(tmp_path, script)
    assert "stopped reading" in scene.sink.of(LinkLost)[0].reason


def test_a_mistake_in_the_wire_ends_the_run_loudly(tmp_path, monkeypatch):
    def fail(*_args):
        raise ZeroDivisionError

    async def script(scene: Scene) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        await scene.start()
        talk = await scene.until_ready()
        monkeypatch.setattr(ClientConnection, "receive", fail)
        talk.push_spot(100_000_000)
        assert scene.task is not None
        with pytest.raises(ZeroDivisionError):
            await scene.task

    play(tmp_path, script)


def test_each_environment_has_one_address_and_live_has_none():
    demo = endpoint_for(Environment.DEMO)
    assert (demo.host, demo.port, demo.server_name) == (
        "demo.ctraderapi.com",
        5035,
        "demo.ctraderapi.com",
    )
    simulator = endpoint_for(Environment.SIMULATOR, simulator_port=4000)
    assert (simulator.host, simulator.server_name) == ("127.0.0.1", "localhost")
    with pytest.raises(ConfigInvalid, match="LIVE is locked"):
        endpoint_for(Environment.LIVE)
    with pytest.raises(ConfigInvalid, match="palmbot simulate"):
        endpoint_for(Environment.SIMULATOR)


def test_jitter_spreads_a_wait_by_a_fifth_either_way():
    backoff = Backoff()
    assert backoff.delay_s(3, 0.0) == pytest.approx(6.4)
    assert backoff.delay_s(3, 0.5) == pytest.approx(8.0)
    assert backoff.delay_s(10**9, 1.0) == pytest.approx(72.0)
