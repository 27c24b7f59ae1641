"""Tokens that age, die and are renewed, over real TLS against the simulated broker."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.small_market import MONDAY, OIL
from harness.tiny_client import running_server
from palmbot.adapters.ctrader_broker import Backoff, CtraderBroker, endpoint_for
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.token_file import TokenFile
from palmbot.adapters.token_keeper import TokenKeeper, TokenSource, is_due
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.ctrader.tokens import RenewedTokens
from palmbot.domain.commands import QueryBooks, RaiseAlarm
from palmbot.domain.errors import ConfigInvalid, ConnectionLost, TokenRefused
from palmbot.domain.events import AccountChanged, BooksReported, LinkLost, LinkReady
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, AccountId, TimestampMs
from palmbot.ports import Tokens
from palmbot.simulator.server import SimulatorServer

LIFE_MS = 30 * MS_PER_DAY


class Sink:
    """Implements `ports.EventSink` by keeping everything."""

    def __init__(self):
        self.events = []

    def put(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


class Stage:
    """A broker adapter with a token file, beside a simulated broker."""

    def __init__(self, directory: Path, endpoint, server: SimulatorServer) -> None:
        self.server = server
        self.endpoint = endpoint
        self.store = TokenFile(directory / "tokens.json")
        self.clock = SystemClock()
        self.alarms: list[RaiseAlarm] = []
        self.ages = Sink()
        self.tasks: list[asyncio.Task] = []

    def pair(self, *, left_ms: int = LIFE_MS, access: str = "", refresh: str = "") -> Tokens:
        now = self.clock.wall_ms()
        return Tokens(
            access_token=Secret(access or self.server.keys.access_token),
            refresh_token=Secret(refresh or self.server.keys.refresh_token),
            issued_at=TimestampMs(now + left_ms - LIFE_MS),
            expires_at=TimestampMs(now + left_ms),
        )

    def keeper(self, *, seed: Tokens | None = None, can_renew: bool = True) -> TokenKeeper:
        return TokenKeeper(
            TokenSource(store=self.store, seed=seed),
            clock=self.clock,
            can_renew=can_renew,
            raise_alarm=self.alarms.append,
            sink=self.ages,
        )

    def start(self, keeper: TokenKeeper) -> tuple[CtraderBroker, Sink]:
        credentials = Credentials(
            client_id=self.endpoint.client_id,
            client_secret=self.endpoint.client_secret,
            access_token=Secret("never used"),
        )
        target = Target(
            environment=Environment.SIMULATOR,
            account_id=AccountId(self.endpoint.account_id),
            symbol_name=OIL.name,
        )
        sink = Sink()
        broker = CtraderBroker(
            endpoint=endpoint_for(Environment.SIMULATOR, simulator_port=self.endpoint.port),
            tls=make_context(self.endpoint.ca_file),
            new_connection=lambda generation: ClientConnection(
                generation=generation, credentials=keeper.open_with(credentials), target=target
            ),
            sink=sink,
            clock=self.clock,
            draw_jitter=lambda: 0.5,
            backoff=Backoff(first_s=0.01, max_s=0.02),
            tokens=keeper,
        )
        self.tasks.append(asyncio.create_task(broker.run()))
        return broker, sink

    async def until(self, is_so) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                for task in self.tasks:
                    if task.done():
                        await task
                await asyncio.sleep(0.005)


@asynccontextmanager
async def stage_in(directory: Path):
    async with running_server(directory / "sim", bids=[1_000]) as (server, endpoint, _):
        server.step()
        stage = Stage(directory, endpoint, server)
        try:
            yield stage
        finally:
            for task in stage.tasks:
                task.cancel()
            await asyncio.gather(*stage.tasks, return_exceptions=True)


def in_loop(test):
    def run(tmp_path):
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    return run


@in_loop
async def test_an_old_pair_is_renewed_on_the_same_connection_and_stored_before_it_is_used(tmp_path):
    async with stage_in(tmp_path) as stage:
        old = stage.pair(left_ms=2 * MS_PER_DAY)
        stage.store.save(old)
        broker, sink = stage.start(stage.keeper())
        await stage.until(lambda: sink.of(LinkReady))
        broker.check_tokens()
        await stage.until(lambda: sink.of(AccountChanged) and broker.is_ready)
        kept = stage.store.load()
        assert kept is not None
        assert kept.access_token.reveal() == stage.server.keys.access_token
        assert kept.refresh_token.reveal() == stage.server.keys.refresh_token
        assert kept.expires_at - kept.issued_at == 2_628_000 * MS_PER_SECOND
        assert TokenFile(tmp_path / "tokens.json.prev").load() == old
        assert not sink.of(LinkLost)
        assert broker.generation == 1
        assert broker.order_budget() > 0
        books = QueryBooks(generation=1, since=TimestampMs(MONDAY), delay_s=0.0)
        broker.query(books)
        await stage.until(lambda: sink.of(BooksReported))
        assert stage.alarms == []
        (told,) = stage.ages.events
        assert (told.left_ms // MS_PER_DAY, told.failure) == (30, "")
        broker.check_tokens()  # young again: nothing is asked
        assert broker.open_requests == 0


@in_loop
async def test_a_pair_of_unknown_age_is_renewed_at_once_and_lands_in_the_file(tmp_path):
    async with stage_in(tmp_path) as stage:
        seed = Tokens(
            access_token=stage.pair().access_token,
            refresh_token=stage.pair().refresh_token,
            expires_at=TimestampMs(0),
        )
        broker, sink = stage.start(stage.keeper(seed=seed))
        await stage.until(lambda: sink.of(LinkReady))
        assert stage.store.load() is None
        broker.check_tokens()
        await stage.until(lambda: sink.of(AccountChanged))
        kept = stage.store.load()
        assert kept is not None
        assert kept.access_token.reveal() == stage.server.keys.access_token


@in_loop
async def test_a_token_that_dies_in_the_middle_is_renewed_by_the_next_connection(tmp_path):
    async with stage_in(tmp_path) as stage:
        stage.store.save(stage.pair())
        broker, sink = stage.start(stage.keeper())
        await stage.until(lambda: sink.of(LinkReady))
        stage.server.void_tokens()
        await stage.until(lambda: len(sink.of(LinkReady)) == 2 and broker.is_ready)
        assert "the access token is void" in sink.of(LinkLost)[0].reason
        kept = stage.store.load()
        assert kept is not None
        assert kept.access_token.reveal() == stage.server.keys.access_token


@in_loop
async def test_when_nothing_renews_the_token_the_run_ends_and_says_who_has_to_act(tmp_path):
    async with stage_in(tmp_path) as stage:
        stage.store.save(stage.pair())
        _, sink = stage.start(stage.keeper())
        await stage.until(lambda: sink.of(LinkReady))
        stage.server.void_tokens(is_final=True)
        with pytest.raises(TokenRefused, match="log in again with `palmbot login`"):
            await stage.until(lambda: False)
        assert "palmbot login" in stage.alarms[-1].text


@in_loop
async def test_a_pair_renewed_by_another_process_is_found_in_the_file(tmp_path):
    async with stage_in(tmp_path) as stage:
        stage.store.save(stage.pair())
        broker, sink = stage.start(stage.keeper(can_renew=False))
        await stage.until(lambda: sink.of(LinkReady))
        stage.server.void_tokens()
        await stage.until(lambda: broker.generation > 3)  # it only waits for somebody
        stage.store.save(stage.pair())
        await stage.until(lambda: len(sink.of(LinkReady)) == 2)


@in_loop
async def test_two_bots_with_one_file_renew_once(tmp_path):
    async with stage_in(tmp_path) as stage:
        stage.store.save(stage.pair(left_ms=MS_PER_DAY))
        first, first_sink = stage.start(stage.keeper())
        second, second_sink = stage.start(stage.keeper())
        await stage.until(lambda: first_sink.of(LinkReady) and second_sink.of(LinkReady))
        first.check_tokens()
        second.check_tokens()  # the lock is taken
        await stage.until(lambda: first_sink.of(AccountChanged) and first.is_ready)
        await stage.until(lambda: len(second_sink.of(LinkReady)) == 2)
        first.check_tokens()
        second.check_tokens()
        kept = stage.store.load()
        assert kept is not None
        assert kept.access_token.reveal() == stage.server.keys.access_token
        before = TokenFile(tmp_path / "tokens.json.prev").load()
        assert before is not None
        assert before.expires_at - before.issued_at == LIFE_MS  # the first pair: one renewal


@in_loop
async def test_a_refused_renewal_is_told_and_the_session_goes_on_while_its_token_lives(tmp_path):
    async with stage_in(tmp_path) as stage:
        stage.store.save(stage.pair(left_ms=2 * MS_PER_DAY, refresh="used-before"))
        broker, sink = stage.start(stage.keeper())
        await stage.until(lambda: sink.of(LinkReady))
        broker.check_tokens()
        await stage.until(lambda: stage.alarms)
        broker.check_tokens()
        assert "refuses to renew" in stage.alarms[0].text
        (told,) = stage.ages.events
        assert told.left_ms // (60 * MS_PER_MINUTE) == 47
        assert "refuses to renew" in told.failure
        assert broker.open_requests == 0  # no second attempt with the same token
        assert broker.is_ready
        assert not sink.of(LinkLost)
        assert not (tmp_path / "tokens.json.renewing").exists()


def test_a_pair_that_was_lost_with_the_program_is_explained(tmp_path):
    store = TokenFile(tmp_path / "tokens.json")
    pair = Tokens(
        access_token=Secret("a"),
        refresh_token=Secret("r"),
        issued_at=TimestampMs(0),
        expires_at=TimestampMs(1),
    )
    store.save(pair)
    store.note_renewal()
    alarms: list[RaiseAlarm] = []
    keeper = TokenKeeper(
        TokenSource(store=store, seed=None),
        clock=SystemClock(),
        can_renew=True,
        raise_alarm=alarms.append,
    )
    credentials = Credentials(client_id="c", client_secret=Secret("s"), access_token=Secret(""))
    assert keeper.open_with(credentials).renew_with is None
    assert isinstance(keeper.judge_refusal(TokenRefused("no")), ConnectionLost)
    assert keeper.open_with(credentials).renew_with == Secret("r")
    store.note_renewal()
    keeper.give_up(ConnectionLost("cut"))
    judged = keeper.judge_refusal(TokenRefused("no"))
    assert isinstance(judged, TokenRefused)
    assert "was under way when the program ended" in str(judged)


def test_without_a_pair_a_person_is_sent_to_log_in(tmp_path):
    keeper = TokenKeeper(
        TokenSource(store=TokenFile(tmp_path / "tokens.json"), seed=None),
        clock=SystemClock(),
        can_renew=True,
        raise_alarm=[].append,
    )
    with pytest.raises(ConfigInvalid, match="run `palmbot login`"):
        keeper.read()


def test_a_file_that_goes_bad_in_the_middle_is_an_alarm_and_the_pair_at_hand_stays(tmp_path):
    store = TokenFile(tmp_path / "tokens.json")
    keeper = TokenKeeper(
        TokenSource(store=store, seed=None),
        clock=SystemClock(),
        can_renew=True,
        raise_alarm=(alarms := []).append,
    )
    store.save(Tokens(access_token=Secret("a"), refresh_token=Secret("r"), expires_at=FAR))
    pair = keeper.read()
    store.path.chmod(0o644)
    assert keeper.read() == pair
    assert "chmod 600" in alarms[0].text


FAR = TimestampMs(4_000_000_000_000)


@pytest.mark.parametrize(
    ("age_days", "life_days", "due"),
    [(0, 30, False), (23, 30, False), (24, 30, True), (31, 30, True), (3, 6, True), (2, 6, False)],
)
def test_a_pair_is_due_at_four_fifths_of_its_life_or_three_days_before_its_end(
    age_days, life_days, due
):
    pair = Tokens(
        access_token=Secret("a"),
        refresh_token=Secret("r"),
        issued_at=TimestampMs(MONDAY),
        expires_at=TimestampMs(MONDAY + life_days * MS_PER_DAY),
    )
    assert is_due(pair, TimestampMs(MONDAY + age_days * MS_PER_DAY)) is due


def test_a_new_pair_that_cannot_be_stored_is_never_used(tmp_path):
    store = TokenFile(tmp_path / "tokens.json")
    store.save(Tokens(access_token=Secret("a"), refresh_token=Secret("r"), expires_at=FAR))
    keeper = TokenKeeper(
        TokenSource(store=store, seed=None),
        clock=SystemClock(),
        can_renew=True,
        raise_alarm=[].append,
    )
    keeper.read()
    (tmp_path / "tokens.json.new").mkdir()  # in the way of the new file
    renewed = RenewedTokens(
        access_token=Secret("a2"), refresh_token=Secret("r2"), life_s=MS_PER_DAY
    )
    with pytest.raises(ConfigInvalid, match="cannot write the token file"):
        keeper.keep(renewed)
    assert keeper.read().access_token == Secret("a")


HARNESS = Path(__file__).parents[2]


@pytest.mark.timeout(120)
def test_killed_at_every_step_of_a_renewal_it_leaves_a_usable_pair_or_the_reason(tmp_path):
    outcomes = asyncio.run(kill_everywhere(tmp_path))
    steps = [outcome for _, outcome in sorted(outcomes.items())]
    # The old pair, then the gap in which the broker has made a pair that is not on disk yet, then
    # the new one: nothing in between, and in the gap the next start knows what happened.
    assert steps == sorted(steps, key=["old", "gap", "new"].index)
    assert 1 <= steps.count("gap") <= 25
    assert steps.count("old") > 20
    assert steps.count("new") > 20


async def kill_everywhere(directory: Path) -> dict[int, str]:
    """Kill a renewing process at each of its steps; return what was on disk after each death."""
    async with stage_in(directory) as stage:
        child = await start_child(directory, stage)
        assert child.stdout is not None
        assert child.stdin is not None
        outcomes = {}
        try:
            for step in range(1, 10_000):
                stage.store.save(stage.pair(left_ms=MS_PER_DAY))
                stage.store.forget_renewal()
                before = stage.server.keys.refresh_token
                child.stdin.write(b"%d\n" % step)
                told = (await child.stdout.readline()).decode().split()
                if told[1] == "ready":
                    return outcomes
                assert told[1:] == ["died", "-9"]
                outcomes[step] = look_at_disk(stage, before)
            raise AssertionError("it never came to an end")
        finally:
            child.kill()
            await child.wait()


async def start_child(directory: Path, stage: Stage) -> asyncio.subprocess.Process:
    plan = {
        "tokens": str(stage.store.path),
        "port": stage.endpoint.port,
        "ca": str(stage.endpoint.ca_file),
        "client_id": stage.endpoint.client_id,
        "client_secret": stage.endpoint.client_secret.reveal(),
        "account_id": stage.endpoint.account_id,
        "symbol": OIL.name,
    }
    (directory / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harness.token_kill",
        str(directory / "plan.json"),
        cwd=HARNESS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def look_at_disk(stage: Stage, before: str) -> str:
    """Return which pair the next start will use, after it has recovered what can be."""
    has_rotated = stage.server.keys.refresh_token != before
    keeper = stage.keeper()
    pair = keeper.read()
    if pair.refresh_token.reveal() == stage.server.keys.refresh_token:
        assert pair.access_token.reveal() == stage.server.keys.access_token
        return "new" if has_rotated else "old"
    assert has_rotated
    assert "was under way when the program ended" in stage.store.read_note()
    return "gap"
