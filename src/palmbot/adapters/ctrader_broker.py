"""The link to a cTrader server: TLS connections that come and go, driven by the sans-IO wire.

`CtraderBroker` decides when to connect; `_Link` joins one transport with one `ClientConnection`.
Nothing is kept from one connection to the next: what the old one had not sent is gone with it.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from palmbot.adapters.pin_guard import PinGuard
from palmbot.adapters.tls_certificates import read_pin
from palmbot.adapters.token_keeper import TokenKeeper
from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.tokens import RenewedTokens, explain_refusal
from palmbot.domain.commands import LoadBars, QueryBooks, Reconnect, Send
from palmbot.domain.errors import (
    ConfigInvalid,
    ConnectionLost,
    FatalError,
    PalmbotError,
    ProtocolViolation,
    RequestRefused,
    TokenRefused,
    TransientError,
)
from palmbot.domain.events import Event, LinkLost, LinkReady
from palmbot.domain.live import LiveGrant
from palmbot.domain.orders import Environment
from palmbot.ports import Clock, EventSink, Timer

PROTOBUF_PORT = 5035
LOOPBACK = "127.0.0.1"
HOSTS = {
    Environment.DEMO: "demo.ctraderapi.com",
    Environment.LIVE: "live.ctraderapi.com",
}

LIVE_SERVER = f"{HOSTS[Environment.LIVE]}:{PROTOBUF_PORT}"

# Real seconds, not link seconds: they bound what the operating system and the network do.
CONNECT_TIMEOUT_S = 10.0
HANDSHAKE_TIMEOUT_S = 10.0

# A request is some hundred bytes and at most 45 leave in a second. So much waiting in the
# transport means that the peer has stopped reading.
WRITE_BUFFER_BYTES_MAX = 256 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to connect, and the name the certificate must carry."""

    host: str
    port: int
    server_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waiting times between attempts to connect, in link seconds: doubled at each failure."""

    first_s: float = 1.0
    max_s: float = 60.0
    """Longest wait. A connection that held at least so long starts the doubling anew."""
    jitter: float = 0.2
    """Largest share by which a wait is made longer or shorter, so that clients spread out."""

    def delay_s(self, failures: int, draw: float) -> float:
        """Return the wait after so many failures in a row; `draw` is uniform in [0, 1)."""
        # Doubling stops mattering long before the exponent becomes a huge number.
        doubled_s = min(self.max_s, self.first_s * 2.0 ** min(failures, 32))
        return doubled_s * (1.0 + self.jitter * (2.0 * draw - 1.0))


def endpoint_for(
    environment: Environment,
    *,
    simulator_port: int | None = None,
    grant: LiveGrant | None = None,
) -> Endpoint:
    """Return the one address of an environment; no setting can point elsewhere.

    Raises:
        ConfigInvalid: LIVE without the proof that its locks are open, or a simulator without its
            port.
    """
    match environment:
        case Environment.LIVE:
            if grant is None:
                raise ConfigInvalid(
                    "LIVE is locked: see `palmbot live status`, or set CTRADER_ENVIRONMENT=demo"
                )
            host = HOSTS[environment]
            return Endpoint(host=host, port=PROTOBUF_PORT, server_name=host)
        case Environment.DEMO:
            host = HOSTS[environment]
            return Endpoint(host=host, port=PROTOBUF_PORT, server_name=host)
        case Environment.SIMULATOR:
            if simulator_port is None:
                raise ConfigInvalid(
                    "the port of the simulator is not known: start `palmbot simulate` first"
                )
            return Endpoint(host=LOOPBACK, port=simulator_port, server_name="localhost")


def judge_certificate(endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> ConfigInvalid:
    """Return in a sentence for people that a certificate was refused, and what to do."""
    return ConfigInvalid(
        f"the certificate of {endpoint.host} was refused ({error.verify_message}): no secret was "
        "sent; check the network, and the setting tls.cafile if it is set"
    )


class CtraderBroker:
    """Implements `ports.Broker`.

    Which of two errors comes first decides what happens: a `FatalError` of the wire ends
    `run`, everything else leads to the next attempt.
    """

    def __init__(  # noqa: PLR0913 - the outside things it joins
        self,
        *,
        endpoint: Endpoint,
        tls: ssl.SSLContext,
        new_connection: Callable[[int], ClientConnection],
        sink: EventSink,
        clock: Clock,
        draw_jitter: Callable[[], float],
        backoff: Backoff | None = None,
        tokens: TokenKeeper | None = None,
        pins: PinGuard | None = None,
    ) -> None:
        """Join the parts; nothing is connected before `run`.

        Args:
            pins: Judges the key of the server; None where keys are made anew at will.
            tokens: Where `new_connection` reads its token, and new ones are kept; None for a
                token that is never renewed.
            new_connection: Makes the wire of one generation, counted from 1.
            draw_jitter: Uniform in [0, 1), such as `random.Random(seed).random`.
        """
        self._endpoint = endpoint
        self._tls = tls
        self._new_connection = new_connection
        self._sink = sink
        self._clock = clock
        self._draw_jitter = draw_jitter
        self._backoff = backoff or Backoff()
        self._tokens = tokens
        self._pins = pins
        self._generation = 0
        self._link: _Link | None = None
        self._is_connecting = False
        self._retry_at_s: float | None = None
        self._was_ever_connected = False

    async def run(self) -> None:
        """See `ports.Broker.run`."""
        failures = 0
        while True:
            self._generation += 1
            started_s = self._clock.link_s()
            error = await self._live_one_connection()
            if self._tokens is not None:
                self._tokens.give_up(error)
                if isinstance(error, TokenRefused):
                    error = self._tokens.judge_refusal(error)
            if isinstance(error, FatalError):
                raise error
            if self._clock.link_s() - started_s >= self._backoff.max_s:
                failures = 0
            delay_s = self._backoff.delay_s(failures, self._draw_jitter())
            failures += 1
            log.warning(
                "link.failed",
                generation=self._generation,
                reason=str(error),
                retry_s=round(delay_s, 3),
            )
            await self._wait(delay_s)

    def write(self, command: Send) -> None:
        """See `ports.Broker.write`."""
        if self._link is None:
            raise ConnectionLost("there is no connection to the broker")
        self._link.send(command)

    def query(self, command: QueryBooks | LoadBars) -> None:
        """See `ports.Broker.query`."""
        if self._link is not None and command.generation == self._generation:
            self._link.start_reading(command)

    def reconnect(self, command: Reconnect) -> None:
        """See `ports.Broker.reconnect`."""
        if self._link is not None and command.generation == self._generation:
            self._link.end(ConnectionLost(f"dropped by us: {command.reason}"))

    def order_budget(self) -> int:
        """See `ports.Broker.order_budget`; 0 without a connection."""
        if self._link is None:
            return 0
        return self._link.wire.order_budget(self._clock.link_s())

    def check_tokens(self) -> None:
        """Renew the tokens if it is time and nothing else is under way; call it now and then.

        Raises:
            ConfigInvalid: the token file cannot be used.
        """
        if self._tokens is None or not self._tokens.is_due():
            return
        if self._link is not None and self._link.is_ready and not self._link.wire.open_requests:
            self._link.renew_tokens()

    @property
    def generation(self) -> int:
        """Number of the current or last attempt to connect, from 1; 0 before `run`."""
        return self._generation

    @property
    def is_connecting(self) -> bool:
        """True while a TCP connection or a TLS handshake is under way."""
        return self._is_connecting

    @property
    def is_connected(self) -> bool:
        """True from the end of the TLS handshake to the end of the connection."""
        return self._link is not None and self._link.is_alive

    @property
    def is_ready(self) -> bool:
        """True from `LinkReady` to the end of the connection."""
        return self._link is not None and self._link.is_ready

    @property
    def bytes_received(self) -> int:
        """Application bytes that came in on the current connection; 0 without one."""
        return 0 if self._link is None else self._link.bytes_received

    @property
    def bytes_sent(self) -> int:
        """Application bytes handed to the transport of the current connection; 0 without one."""
        return 0 if self._link is None else self._link.bytes_sent

    @property
    def open_requests(self) -> int:
        """Requests of the current connection without an answer; 0 without a connection."""
        return 0 if self._link is None else self._link.wire.open_requests

    @property
    def next_deadline_s(self) -> float | None:
        """Link time at which something happens without a byte from outside; None if never."""
        if self._link is not None and self._link.is_alive:
            return self._link.wire.deadline_s
        return self._retry_at_s

    async def _live_one_connection(self) -> PalmbotError:
        """Connect, serve until the end, and return what ended it."""
        wire = self._new_connection(self._generation)
        link = _Link(
            wire=wire,
            generation=self._generation,
            sink=self._sink,
            clock=self._clock,
            tokens=self._tokens,
            pins=self._pins,
        )
        self._is_connecting = True
        try:
            await self._connect(link)
        except ssl.SSLCertVerificationError as e:
            return self._judge_certificate(e)
        except OSError as e:  # TimeoutError and ssl.SSLError are of its kind
            reason = str(e) or "no answer in time"
            return ConnectionLost(f"cannot connect to {self._endpoint.host}: {reason}")
        finally:
            self._is_connecting = False
        self._was_ever_connected = True
        self._link = link
        try:
            return await link.wait_for_end()
        finally:
            link.end(ConnectionLost("dropped by us: the program ends"))
            self._link = None

    async def _connect(self, link: "_Link") -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S + HANDSHAKE_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: link,
                self._endpoint.host,
                self._endpoint.port,
                ssl=self._tls,
                server_hostname=self._endpoint.server_name,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )

    def _judge_certificate(self, error: ssl.SSLCertVerificationError) -> PalmbotError:
        """Return a fatal error if the certificate was never good, else one to try again.

        A wrong setting shows at the first connection. Later it is the network that changed
        under us, and open positions are better served by trying again.
        """
        refused = judge_certificate(self._endpoint, error)
        return ConnectionLost(str(refused)) if self._was_ever_connected else refused

    async def _wait(self, delay_s: float) -> None:
        over = asyncio.Event()

        def wake() -> None:
            self._retry_at_s = None
            over.set()

        self._retry_at_s = self._clock.link_s() + delay_s
        timer = self._clock.call_at(self._retry_at_s, wake)
        try:
            await over.wait()
        finally:
            timer.cancel()
            self._retry_at_s = None


class _Link(asyncio.Protocol):
    """One transport and its wire. Ends once, for one reason, and is silent afterwards."""

    def __init__(  # noqa: PLR0913 - the outside things it joins
        self,
        *,
        wire: ClientConnection,
        generation: int,
        sink: EventSink,
        clock: Clock,
        tokens: TokenKeeper | None,
        pins: PinGuard | None,
    ) -> None:
        self.wire = wire
        self._tokens = tokens
        self._pins = pins
        self.bytes_received = 0
        self.bytes_sent = 0
        self._generation = generation
        self._sink = sink
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._timer_s = 0.0
        self._is_announced = False
        self._is_over = asyncio.Event()
        self._end: BaseException | None = None

    @property
    def is_alive(self) -> bool:
        """True until the link ends, for whatever reason."""
        return self._end is None

    @property
    def is_ready(self) -> bool:
        """True once the link was announced, until it ends."""
        return self._is_announced and self._end is None

    async def wait_for_end(self) -> PalmbotError:
        """Return what ended the link; a programmer's mistake in it is raised instead."""
        await self._is_over.wait()
        if not isinstance(self._end, PalmbotError):
            assert self._end is not None
            raise self._end
        return self._end

    def end(self, error: BaseException) -> None:
        """Drop the transport at once and say so, if anybody knew of the link; first call wins."""
        if self._end is not None:
            return
        self._end = error
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            # Not `close`: it would wait for the peer, and send what has become pointless.
            self._transport.abort()
        if self._is_announced:
            self._sink.put(LinkLost(generation=self._generation, reason=str(error)))
        self._is_over.set()

    def send(self, command: Send) -> None:
        """Write the order request now; see `ports.Broker.write`."""
        if self._end is not None or self._transport is None or self._transport.is_closing():
            raise ConnectionLost("the connection to the broker has just ended")
        self.wire.send(command.intent, self._clock.link_s())
        self._settle()
        if self._end is not None:
            raise ConnectionLost(str(self._end))

    def start_reading(self, command: QueryBooks | LoadBars) -> None:
        """Hand the reading to the wire, which keeps its delay."""
        if self._end is None:
            self.wire.start_reading(command, self._clock.link_s())
            self._settle()

    def renew_tokens(self) -> None:
        """Ask for a new pair of tokens, if it is our turn."""
        if self._end is not None or self._tokens is None:
            return
        refresh_token = self._tokens.begin()
        if refresh_token is not None and self.wire.renew_tokens(
            refresh_token, self._clock.link_s()
        ):
            self._settle()

    def _keep_tokens(self, renewal: RenewedTokens | PalmbotError) -> None:
        """Store a new pair before it is used.

        It blocks the loop for a write to the disk, once in weeks: until that is done nothing can
        be sent on the account anyway.
        """
        assert self._tokens is not None
        if isinstance(renewal, RequestRefused):
            self._tokens.give_up(explain_refusal(renewal) or renewal)
            return
        if isinstance(renewal, PalmbotError):
            self._tokens.give_up(renewal)
            return
        try:
            access_token = self._tokens.keep(renewal)
        except FatalError as e:
            self.end(e)
            return
        log.info("tokens.renewed", generation=self._generation, life_s=renewal.life_s)
        self.wire.use_token(access_token, self._clock.link_s())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session: TLS is up and the certificate was good."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        tls = transport.get_extra_info("ssl_object")
        pin = read_pin(tls.getpeercert(binary_form=True))
        log.info("link.secured", version=tls.version(), cipher=tls.cipher()[0], pin=pin)
        if self._pins is not None and (objection := self._pins.judge(pin)) is not None:
            self.end(objection)
            return
        self.wire.open(self._clock.link_s())
        self._settle()

    def data_received(self, data: bytes) -> None:
        """Feed the wire and pass on what happened, in order."""
        if self._end is not None:
            return
        self.bytes_received += len(data)
        try:
            events = self.wire.receive(data, self._clock.link_s(), self._clock.wall_ms())
        except (TransientError, ProtocolViolation, FatalError) as e:
            self.end(e)
            return
        self._emit(events)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the link; an exception that is not the network's is a mistake and goes up."""
        if exc is None:
            self.end(ConnectionLost("the broker closed the connection"))
        elif isinstance(exc, OSError):
            self.end(ConnectionLost(f"the connection broke: {exc}"))
        else:
            self.end(exc)

    def _on_deadline(self) -> None:
        self._timer = None
        if self._end is None and self._advance():
            self._settle()

    def _advance(self) -> bool:
        """Let the wire do what is due; return whether the link still stands."""
        try:
            events = self.wire.advance(self._clock.link_s())
        except (TransientError, ProtocolViolation, FatalError) as e:
            self.end(e)
            return False
        self._emit(events)
        return True

    def _emit(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if not self._is_announced and isinstance(event, LinkReady):
                self._is_announced = True
                log.info("link.opened", generation=self._generation)
            self._sink.put(event)

    def _settle(self) -> None:
        """Write what the wire wants to send, and see to its next deadline."""
        if (renewal := self.wire.take_renewal()) is not None:
            self._keep_tokens(renewal)
        if self._end is not None:
            return
        self._write_outgoing()
        deadline_s = self.wire.deadline_s
        # An error behind the last event is told by the next call: at once, not a timer later.
        if self._end is None and deadline_s <= self._clock.link_s() and self._advance():
            self._write_outgoing()
            deadline_s = self.wire.deadline_s
        if self._end is not None:
            return
        # A timer that is too early only finds nothing to do; moving it at every tick costs more.
        if self._timer is None or deadline_s < self._timer_s:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_s = deadline_s
            self._timer = self._clock.call_at(deadline_s, self._on_deadline)

    def _write_outgoing(self) -> None:
        outgoing = self.wire.take_outgoing()
        if not outgoing:
            return
        assert self._transport is not None
        self._transport.write(outgoing)
        self.bytes_sent += len(outgoing)
        if self._transport.get_write_buffer_size() > WRITE_BUFFER_BYTES_MAX:
            self.end(ConnectionLost("the broker has stopped reading"))
