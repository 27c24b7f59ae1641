"""The demo: the real bot against the built-in server, in lockstep, over real TLS."""

import asyncio
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palmbot.adapters.ctrader_broker import Endpoint
from palmbot.adapters.instance_lock import InstanceLock
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.bootstrap.directory import JOURNAL_NAME
from palmbot.bootstrap.opening import Bot, open_bot
from palmbot.bootstrap.wiring import Wiring
from palmbot.core.params import EngineParams
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Environment
from palmbot.domain.units import MS_PER_MINUTE, MS_PER_SECOND, AccountId, TimestampMs
from palmbot.live.status import Status, describe_status
from palmbot.reports.demo_run import DemoRun, MoodUse
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.scenarios import make_scenario
from palmbot.simulator.server import Endpoint as SimulatorEndpoint
from palmbot.simulator.server import SimulatorServer, StepResult
from palmbot.simulator.settings import SimulatorSettings
from palmbot.workbench.conductor import Conductor
from palmbot.workbench.demo_figures import compute_figures
from palmbot.workbench.demo_market import DemoMarket, make_market
from palmbot.workbench.demo_mood import DemoMood, open_demo_mood
from palmbot.workbench.demo_recorder import DemoRecorder
from palmbot.workbench.lockstep_clock import LockstepClock
from palmbot.workbench.scripted_operator import ScriptedOperator

EPOCH_MS = TimestampMs(1_767_225_600_000)
"""2026-01-01T00:00 UTC: the wall clock of every run, so that journals repeat with the seed."""

MARKER_NAME = ".palmbot-demo"
"""Marks a directory as a demo's own, which the next demo may replace."""

NONCE_BITS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a person may choose."""

    days: int
    """Simulated calendar days; a price file is played to its end."""
    seed: int
    faults: str
    directory: Path
    """Made anew: journal, certificates, operator socket."""
    data: Path | None = None
    symbol: str | None = None
    """PALMOIL or FCPO; with a price file any name for its contract."""
    has_twins: bool = False
    """Ask twins of the sources of sentiment; otherwise nobody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the demo is, told after every quote."""

    fraction: float
    """0 to 1, of market time."""
    status: Callable[[], Status]
    """Reads the bot's status; costs nothing unless called."""
    fault: str


class SeededIds:
    """Implements `ports.IdSource` so that a seed gives the same ids."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids {seed}")  # noqa: S311  (names, not secrets)

    def draw_nonce(self) -> int:
        """Return 80 bits that follow from the seed."""
        return self._random.getrandbits(NONCE_BITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody in one demo but the bot."""

    options: DemoOptions
    market: DemoMarket
    params: EngineParams
    server: SimulatorServer
    clock: LockstepClock
    recorder: DemoRecorder
    operator: ScriptedOperator


async def run_demo(options: DemoOptions, on_progress: Callable[[Progress], None]) -> DemoRun:
    """Play one demo to its end and account for it.

    Raises:
        InputInvalid: the price file, the directory or an option cannot be used.
        FatalError: the bot stopped for good.
    """
    began_s = time.monotonic()
    market = make_market(
        data=options.data, symbol=options.symbol, days=options.days, seed=options.seed
    )
    cast = _cast(options, market)
    clear_directory(options.directory, cast.params.account_id)
    # By the real date: TLS does not believe in the demo's clock, which stands at its epoch.
    ensure_certificates(options.directory / "simulator", SystemClock().wall_ms())
    endpoint = await cast.server.start(options.directory / "simulator")
    try:
        async with open_bot(_wire(cast, endpoint)) as bot:
            bot.trader.observe(cast.recorder.observe)
            mood_use = await _play_with_mood(cast, bot, on_progress)
        cast.server.books.verify()
    finally:
        await cast.server.close()
    figures = compute_figures(
        journal=options.directory / JOURNAL_NAME,
        state=bot.trader.state,
        books=cast.server.books,
        recorder=cast.recorder,
        acknowledged=cast.operator.acknowledged,
        seconds=round(time.monotonic() - began_s, 2),
    )
    return DemoRun(
        seed=options.seed,
        faults=options.faults,
        symbol=market.symbol,
        digits=market.source.contract.digits,
        currency=bot.trader.state.account.currency if bot.trader.state.account else "",
        data_name=market.data_name,
        bar_period_ms=market.bar_period_ms,
        figures=figures,
        prices=tuple(cast.recorder.prices),
        equity=tuple(cast.recorder.equity),
        trades=cast.recorder.trades,
        links=cast.recorder.links,
        refusals=cast.recorder.refusals,
        breakers=cast.recorder.breakers,
        settings=_list_settings(cast.params, has_source=options.has_twins),
        mood=mood_use,
        assumptions=market.assumptions,
        open_position=bot.trader.state.position,
    )


def _cast(options: DemoOptions, market: DemoMarket) -> Cast:
    clock = LockstepClock(EPOCH_MS)
    settings = SimulatorSettings()
    exchange = Exchange(
        contracts=(market.source.contract, *market.source.others), settings=settings
    )
    server = SimulatorServer(
        exchange=exchange,
        market=market.source,
        scenario=make_scenario(options.faults, options.seed),
        settings=settings,
        clock=clock,
    )
    params = EngineParams(
        environment=Environment.SIMULATOR,
        account_id=AccountId(settings.account.account_id),
        symbol_name=market.symbol,
        bar_period_ms=market.bar_period_ms,
        price_age_max_ms=market.price_age_max_ms,
    )
    return Cast(
        options=options,
        market=market,
        params=params,
        server=server,
        clock=clock,
        recorder=DemoRecorder(params),
        operator=ScriptedOperator(books=server.books, directory=options.directory),
    )


async def _play_with_mood(
    cast: Cast, bot: Bot, on_progress: Callable[[Progress], None]
) -> MoodUse | None:
    if not cast.options.has_twins:
        await _play(cast, bot, on_progress, None)
        return None
    async with open_demo_mood(
        bot,
        directory=cast.options.directory,
        begin=cast.market.span[0],
        seed=cast.options.seed,
    ) as mood:
        await _play(cast, bot, on_progress, mood)
        return mood.read_use()


async def _play(
    cast: Cast, bot: Bot, on_progress: Callable[[Progress], None], mood: DemoMood | None
) -> None:
    players = [
        asyncio.create_task(bot.broker.run(), name="broker"),
        asyncio.create_task(bot.trader.run(), name="trader"),
    ]
    conductor = Conductor(
        server=cast.server,
        broker=bot.broker,
        trader=bot.trader,
        inbox=bot.inbox,
        journal=bot.journal,
        clock=cast.clock,
        players=players,
    )
    first, last = cast.market.span

    async def before_quote() -> None:
        await cast.operator.act(bot.trader.state)
        if mood is not None:
            await mood.act(bot.trader.state.market.time)

    def after_quote(step: StepResult) -> None:
        cast.recorder.note_quote(step)
        on_progress(
            Progress(
                fraction=min(1.0, max(0.0, (step.time - first) / max(1, last - first))),
                status=lambda: describe_status(bot.trader.state, bot.trader.params),
                fault=step.fault,
            )
        )

    try:
        await conductor.run(before_quote, after_quote)
    finally:
        for player in players:
            player.cancel()
        await asyncio.gather(*players, return_exceptions=True)


def _wire(cast: Cast, endpoint: SimulatorEndpoint) -> Wiring:
    seed = cast.options.seed
    return Wiring(
        params=cast.params,
        endpoint=Endpoint(host=endpoint.host, port=endpoint.port, server_name="localhost"),
        tls=make_context(endpoint.ca_file),
        credentials=Credentials(
            client_id=endpoint.client_id,
            client_secret=endpoint.client_secret,
            access_token=endpoint.access_token,
        ),
        symbol_aliases=(),
        directory=cast.options.directory,
        clock=cast.clock,
        ids=SeededIds(seed),
        draw_jitter=random.Random(f"jitter {seed}").random,  # noqa: S311  (no secret)
    )


def clear_directory(directory: Path, account_id: AccountId) -> None:
    """Make the directory anew, but never remove one that is not a demo's own.

    Raises:
        InputInvalid: it holds something else, or cannot be made.
        ConfigInvalid: the bot of a demo runs there.
    """
    try:
        if directory.exists():
            is_own = (directory / MARKER_NAME).exists()
            if not is_own and any(directory.iterdir()):
                raise InputInvalid(
                    f"{directory} is not empty and not a demo's: name another with --directory"
                )
            # The bot of another demo that runs there would lose its books: its lock says so.
            with InstanceLock(directory, Environment.SIMULATOR, account_id):
                shutil.rmtree(directory)
        directory.mkdir(mode=0o700, parents=True)
        (directory / MARKER_NAME).touch()
    except OSError as e:
        raise InputInvalid(
            f"cannot use {directory} for the demo: {e.strerror}; name another with --directory"
        ) from e


def _list_settings(params: EngineParams, *, has_source: bool) -> tuple[tuple[str, str], ...]:
    minutes = params.bar_period_ms / MS_PER_MINUTE
    source = "asked of twins" if has_source else "no source in this demo"
    return (
        ("Buy below RSI", f"{params.rsi_buy:g}"),
        ("Sell above RSI", f"{params.rsi_sell:g}"),
        ("RSI period", f"{params.rsi_period} bars of {minutes:g} min"),
        ("Take profit", f"{params.take_profit_bp / 100:g} %"),
        ("Stop loss", f"{params.stop_loss_bp / 100:g} %"),
        ("Risk per trade", f"{params.risk_bp / 100:g} % of equity"),
        ("Oldest price for an entry", f"{params.price_age_max_ms / MS_PER_SECOND:g} s"),
        ("Sentiment", f"{params.sentiment.mode}, {source}"),
    )
