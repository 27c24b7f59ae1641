"""What a bot is made of, and its way to the broker."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from palmbot.adapters.ctrader_broker import CtraderBroker, Endpoint
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.pin_guard import PinGuard
from palmbot.adapters.token_keeper import TokenKeeper, TokenSource
from palmbot.core.params import EngineParams
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.commands import RaiseAlarm
from palmbot.domain.events import OperatorHalted
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.live.alert_desk import AlertRules
from palmbot.live.lock_watch import ACTOR as LOCKS
from palmbot.ports import Clock, EventSink, IdSource
from palmbot.sentiment.plan import SentimentPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a bot is made of besides its rules."""

    params: EngineParams
    endpoint: Endpoint
    tls: ssl.SSLContext
    credentials: Credentials
    """With the access token of this moment, if `tokens` renews it."""
    symbol_aliases: tuple[str, ...]
    directory: Path
    """Holds journal, lock and operator socket; one per environment and account."""
    clock: Clock
    ids: IdSource
    draw_jitter: Callable[[], float]
    """Uniform in [0, 1); spreads the back-off."""
    sentiment: SentimentPlan | None = None
    """Whom to ask for the market's mood; None, or a plan without a source, asks nobody."""
    watch_interval_s: float | None = None
    """Link seconds between two looks of the stop watch; None does without a second connection."""
    alert_urls: Secret | None = None
    """Apprise addresses; None sends no alarm."""
    heartbeat_url: Secret | None = None
    alert_rules: AlertRules = field(default_factory=AlertRules)
    pins: Path | None = None
    """File with the known keys of servers; None where keys are made anew at will."""
    find_shut_locks: Callable[[], str] | None = None
    """LIVE only: tells which locks have shut since the start."""
    tokens: TokenSource | None = None
    """Where the tokens are kept and renewed; None for one that lives as long as the run."""


def wire_broker(
    wiring: Wiring,
    sink: EventSink,
    raise_alarm: Callable[[RaiseAlarm], None],
    *,
    can_renew: bool = False,
) -> CtraderBroker:
    """Return the way to the broker; its events go to `sink`.

    Args:
        wiring: Of the bot.
        sink: Takes what happens.
        raise_alarm: Tells a person.
        can_renew: Whether this connection renews the tokens; one of a bot's does.
    """
    target = Target(
        environment=wiring.params.environment,
        account_id=wiring.params.account_id,
        symbol_name=wiring.params.symbol_name,
        symbol_aliases=wiring.symbol_aliases,
        broker="" if wiring.params.live is None else wiring.params.live.broker,
    )
    tokens = pins = None
    if wiring.pins is not None:
        pins = PinGuard(
            PinFile(wiring.pins),
            f"{wiring.endpoint.host}:{wiring.endpoint.port}",
            is_live=wiring.params.environment is Environment.LIVE,
            clock=wiring.clock,
            raise_alarm=raise_alarm,
            halt=lambda reason: sink.put(OperatorHalted(actor=LOCKS, reason=reason)),
        )
    if wiring.tokens is not None:
        tokens = TokenKeeper(
            wiring.tokens,
            clock=wiring.clock,
            can_renew=can_renew,
            raise_alarm=raise_alarm,
            sink=sink if can_renew else None,
        )

    def make_connection(generation: int) -> ClientConnection:
        credentials = wiring.credentials
        if tokens is not None:
            credentials = tokens.open_with(credentials)
        return ClientConnection(generation=generation, credentials=credentials, target=target)

    return CtraderBroker(
        endpoint=wiring.endpoint,
        tls=wiring.tls,
        new_connection=make_connection,
        tokens=tokens,
        pins=pins,
        sink=sink,
        clock=wiring.clock,
        draw_jitter=wiring.draw_jitter,
    )
