"""The simulated server: TLS on loopback, the real wire, stepped quote by quote."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from google.protobuf.message import Message

from palmbot.ctrader.server_connection import Request, ServerLimits
from palmbot.domain.errors import InputInvalid, RequestRefused
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_SECOND, Price, SymbolId, TimestampMs
from palmbot.ports import Clock
from palmbot.simulator.books import Books
from palmbot.simulator.certificates import ensure_certificates
from palmbot.simulator.desk import TRADING
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.faults import Faults
from palmbot.simulator.history import History
from palmbot.simulator.links import Link
from palmbot.simulator.market import MarketSource, Quote
from palmbot.simulator.records import Execution
from palmbot.simulator.scenarios import PlannedRequest, RequestFault, Scenario
from palmbot.simulator.service import Answered, Keys, Service
from palmbot.simulator.sessions import Answer, Outgoing, refuse
from palmbot.simulator.settings import SimulatorSettings

HANDSHAKE_TIMEOUT_S = 10.0
NOT_KNOWN = "link cut because the application was not known"
BACKLOG = 16
RETRY_AFTER_S = 1
MAINTENANCE_S = 60
PAUSE_MS = 60_000
"""Free running skips pauses of the market above this, such as the night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the server listens, and what a client needs to be let in."""

    host: str
    port: int
    ca_file: Path
    """PEM of the authority that signed the server's certificate."""
    client_id: str
    client_secret: Secret
    access_token: Secret
    refresh_token: Secret
    account_id: int


class StepResult(NamedTuple):
    """What one step did."""

    symbol_id: SymbolId
    """The traded symbol, or a conversion symbol."""
    time: TimestampMs
    bid: Price
    ask: Price
    executions: int
    """Things the exchange did by itself at this quote: stops, targets, swap, expiries."""
    fault: str
    """Fault applied, in words; empty without one."""


class SimulatorServer:
    """One simulated broker behind one port.

    The market moves only in `step`, so whoever calls it decides how time passes: the demo's
    conductor when both ends are quiescent, `serve` by the clock.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketSource,
        scenario: Scenario,
        settings: SimulatorSettings,
        clock: Clock,
    ) -> None:
        """Load the market's past; nothing listens yet."""
        self._exchange = exchange
        self._settings = settings
        self._clock = clock
        self._account_id = settings.account.account_id
        self._history = History()
        self._service = Service(exchange, self._history, settings)
        latest: dict[SymbolId, Quote] = {}
        for quote in market.past_quotes():
            self._history.add(quote)
            latest[quote.symbol_id] = quote
        for quote in latest.values():
            exchange.apply_quote(quote)
        self._quotes = market.quotes()
        self._next = next(self._quotes, None)
        self._links: list[Link] = []
        self._latest: Link | None = None
        self._faults = Faults(scenario, self._service)
        self._has_failed = False
        self._connection_count = 0
        self._refused_count = 0
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, directory: Path, host: str = "127.0.0.1", port: int = 0) -> Endpoint:
        """Listen, with certificates kept in `directory` (made if missing).

        Raises:
            InputInvalid: the port is in use, or the directory cannot be written.
        """
        files = ensure_certificates(directory, self._clock.wall_ms())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(files.server, files.key)
        self._listener = _listen(host, port)
        self._keep(asyncio.get_running_loop().create_task(self._accept(self._listener, context)))
        keys = self._service.keys
        return Endpoint(
            host=host,
            port=self._listener.getsockname()[1],
            ca_file=files.ca,
            client_id=keys.client_id,
            client_secret=Secret(keys.client_secret),
            access_token=Secret(keys.access_token),
            refresh_token=Secret(keys.refresh_token),
            account_id=self._account_id,
        )

    def step(self) -> StepResult | None:
        """Advance the market by one quote; return what happened, or None at its end.

        First the fault that is due, then the quote: matching, execution and spot events, all
        written to the transport before this returns. A cut takes the place of this quote's
        events: they happen at the exchange while nobody is connected.

        Raises:
            RuntimeError: a request met a mistake of the simulator; the log has its traceback.
        """
        if self._has_failed:
            raise RuntimeError("the simulator failed at a request: see the traceback in the log")
        quote = self._next
        if quote is None:
            return None
        fault = self._faults.apply(tuple(self._links))
        self._next = next(self._quotes, None)
        executions = self._exchange.apply_quote(quote)
        self._history.add(quote)
        if self._links:
            self._publish(quote, executions)
        return StepResult(quote.symbol_id, quote.time, quote.bid, quote.ask, len(executions), fault)

    def announce(self, executions: tuple[Execution, ...]) -> None:
        """Tell every client what was done at the exchange by hand, as in the broker's own app."""
        self._tell(executions, asker=None)

    def void_tokens(self, *, is_final: bool = False) -> None:
        """End the access token, as when its life is over; the sessions on it end too.

        Args:
            is_final: Also what renews it, as when a person withdraws the permission.
        """
        self._service.void_tokens(is_final=is_final)
        self._faults.invalidate_tokens(tuple(self._links), "Token was revoked")

    @property
    def keys(self) -> Keys:
        """The secrets that are good at this moment; they change when tokens are renewed."""
        return self._service.keys

    @property
    def next_time(self) -> TimestampMs | None:
        """Market time of the next quote; None at the end."""
        return None if self._next is None else self._next.time

    @property
    def now(self) -> TimestampMs:
        """Market time."""
        return self._exchange.now

    @property
    def bytes_sent(self) -> int:
        """Application bytes handed to the transport of the newest connection."""
        return 0 if self._latest is None else self._latest.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Application bytes read from the newest connection and dealt with."""
        return 0 if self._latest is None else self._latest.bytes_received

    @property
    def connection_count(self) -> int:
        """Connections accepted so far; refused ones are not counted."""
        return self._connection_count

    @property
    def refused_count(self) -> int:
        """Connections refused by a fault so far."""
        return self._refused_count

    @property
    def accepts_connections(self) -> bool:
        """Tell whether a client can get in now; during an outage or maintenance only steps help.

        True while a counted number of attempts is refused: the attempts use that up.
        """
        return self._faults.lets_in

    @property
    def is_connected(self) -> bool:
        """Tell whether a client is connected, from the end of its TLS handshake on."""
        return bool(self._links)

    @property
    def is_mute(self) -> bool:
        """Tell whether a connection is half-open: only the client's deadlines can end it."""
        return any(link.is_mute for link in self._links)

    @property
    def has_pending(self) -> bool:
        """Tell whether delayed replies wait for the link clock."""
        return any(link.pending for link in self._links)

    @property
    def books(self) -> Books:
        """The exchange's books."""
        return self._exchange.books

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for link in tuple(self._links):
            link.abort()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    # What links report

    def open(self, link: Link) -> None:
        """See `LinkOwner.open`."""
        self._connection_count += 1
        self._links.append(link)
        self._latest = link

    def end(self, link: Link) -> None:
        """See `LinkOwner.end`."""
        if link in self._links:
            self._links.remove(link)

    def fail(self) -> None:
        """See `LinkOwner.fail`; the next step raises."""
        self._has_failed = True

    def lose(self, message: Message) -> None:
        """See `LinkOwner.lose`."""
        self._service.desk.lose(message)

    def receive(self, link: Link, request: Request) -> None:
        """See `LinkOwner.receive`."""
        message = request.message
        if self._faults.is_maintenance:
            self._refuse_busy(link, request)
            return
        if link.session.is_cut_off:
            refusal = RequestRefused("UNKNOWN_ERROR", "No pooled connection to main server")
            self._service.desk.refuse_unseen(message, refusal.code)
            self._send(link, request, Answered(refuse(refusal)))
            return
        planned = self._faults.plan_request(is_order=isinstance(message, TRADING))
        if planned is None:
            self._send(link, request, self._answer(link, request))
        else:
            self._spoil(link, request, planned)

    # Requests

    def _answer(self, link: Link, request: Request) -> Answered:
        """Carry out a request; tell the others, and return what the asker should hear."""
        try:
            answered = self._service.answer(request.message, link.session)
        except RequestRefused as refusal:
            if refusal.code == "CH_CLIENT_AUTH_FAILURE":
                link.doom = NOT_KNOWN
            return Answered(refuse(refusal))
        if link.session.is_application_authorised:
            link.wire.authorise_application()
        self._tell(answered.executions, asker=link)
        self._faults.remember(answered.to_asker)
        if answered.ends_sessions:
            self._faults.invalidate_tokens(tuple(self._links), "The token was refreshed")
        return answered

    def _send(self, link: Link, request: Request, answered: Answered) -> None:
        link.send(answered.to_asker, request.client_msg_id)
        link.flush()

    def _spoil(self, link: Link, request: Request, planned: PlannedRequest) -> None:
        """Do to a request what the scenario wants."""
        match planned.fault:
            case RequestFault.CUT_BEFORE:
                self.lose(request.message)
                link.abort()
            case RequestFault.SILENT_LOST:
                self.lose(request.message)
            case RequestFault.THROTTLED:
                self._service.desk.refuse_unseen(request.message, "REQUEST_FREQUENCY_EXCEEDED")
                link.wire.refuse(
                    request.client_msg_id,
                    "REQUEST_FREQUENCY_EXCEEDED",
                    "You have reached the maximum number of requests",
                    retry_after_s=RETRY_AFTER_S,
                )
                link.flush()
            case RequestFault.BUSY:
                self._refuse_busy(link, request)
            case _:
                self._spoil_reply(link, request, planned)

    def _spoil_reply(self, link: Link, request: Request, planned: PlannedRequest) -> None:
        """Carry out a request, and do to its answer what the scenario wants."""
        answered = self._answer(link, request)
        answer = answered.to_asker
        match planned.fault:
            case RequestFault.CUT_BETWEEN:
                link.abort()
            case RequestFault.SILENT_DONE:
                pass
            case RequestFault.SLOW | RequestFault.TOO_LATE:
                link.delay(answer, request.client_msg_id, planned.delay_s)
            case RequestFault.SWAPPED:
                link.send(_swap(answer), request.client_msg_id)
            case RequestFault.DUPLICATED:
                link.send(_double(answer), request.client_msg_id)
            case _:
                link.send(answer, request.client_msg_id)
                if planned.fault is RequestFault.CUT_AFTER:
                    link.doom = planned.fault.value
        link.flush()

    def _refuse_busy(self, link: Link, request: Request) -> None:
        self._service.desk.refuse_unseen(request.message, "SERVER_IS_UNDER_MAINTENANCE")
        link.wire.refuse(
            request.client_msg_id,
            "SERVER_IS_UNDER_MAINTENANCE",
            "Server is under maintenance",
            maintenance_end_s=self.now // MS_PER_SECOND + MAINTENANCE_S,
        )
        link.flush()

    # Events

    def _publish(self, quote: Quote, executions: tuple[Execution, ...]) -> None:
        if executions:
            self._tell(executions, asker=None)
        for link in tuple(self._links):
            if link.is_mute:
                continue
            event = self._service.render_spot(quote, link.session)
            if event is not None:
                link.wire.push(event)
            link.flush()

    def _tell(self, executions: tuple[Execution, ...], asker: Link | None) -> None:
        """Write executions to every client of the account but the one that asked."""
        if not executions:
            return
        events = self._service.push(executions)
        for link in self._links:
            if link is not asker and link.session.is_account_authorised:
                link.send(events, None)
                link.flush()
        if asker is None:
            self._faults.remember(events)

    # Connections

    async def _accept(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, _ = await loop.sock_accept(listener)
            except ConnectionAbortedError:
                continue
            if self._faults.refuses_connection():
                self._refused_count += 1
                connected.close()
            else:
                self._keep(loop.create_task(self._greet(connected, context)))

    async def _greet(self, connected: socket.socket, context: ssl.SSLContext) -> None:
        """Shake hands; a client that does not trust us, or goes away, is simply gone."""
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_link,
                connected,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )

    def _make_link(self) -> Link:
        settings = self._settings
        limits = ServerLimits(
            heartbeat_s=settings.heartbeat_s,
            silence_s_max=settings.silence_s_max,
            ordinary_per_s=settings.ordinary_per_s,
            historical_per_s=settings.historical_per_s,
        )
        return Link(self, self._clock, limits, self._account_id, settings.fragment_bytes)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's delay off for named TCP sockets only.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.settimeout(0.0)  # as the event loop wants it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as e:
        listener.close()
        raise InputInvalid(
            f"cannot listen on {host} port {port}: {e.strerror}; choose another port, or 0 for "
            "any free one"
        ) from e
    except OverflowError as e:
        listener.close()
        raise InputInvalid(f"there is no port {port}: choose 1 to 65535, or 0 for any") from e
    return listener


def _swap(answer: Answer) -> Answer:
    """Return the events after the first before it, so that the acceptance comes last."""
    later = tuple(Outgoing(message, is_correlated=False) for message, _ in answer[1:])
    return (*later, *answer[:1])


def _double(answer: Answer) -> Answer:
    """Return every event twice, the second time as a push."""
    return tuple(
        each
        for outgoing in answer
        for each in (outgoing, Outgoing(outgoing.message, is_correlated=False))
    )


async def serve(server: SimulatorServer, clock: Clock, speed: float) -> None:
    """Step the market by the clock until it ends or the task is cancelled.

    Args:
        server: Already started.
        clock: Its link time drives the market.
        speed: Market seconds per link second; pauses of the market are skipped.
    """
    if not speed > 0:
        raise InputInvalid(f"the speed must be above 0, was {speed}")
    market_ms, link_s = server.now, clock.link_s()
    while (next_ms := server.next_time) is not None:
        if next_ms - server.now > PAUSE_MS:
            market_ms, link_s = next_ms, clock.link_s()
        due_s = link_s + (next_ms - market_ms) / MS_PER_SECOND / speed
        if due_s > clock.link_s():
            is_due = asyncio.Event()
            timer = clock.call_at(due_s, is_due.set)
            try:
                await is_due.wait()
            finally:
                timer.cancel()
        else:
            await asyncio.sleep(0)
        server.step()
