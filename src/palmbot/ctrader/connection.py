"""The client's end of one connection, without a socket and without a clock.

Bytes in, domain events out; intents and readings in, bytes out. States:

    NEW      --open-->      OPENING   the transport is up, the session is being opened
    OPENING  --LinkReady--> READY     orders and readings are possible
    READY    --2164-->      RENEWING  the account session dropped; authorised again on the same
                                      socket, orders and readings impossible meanwhile
    RENEWING --done-->      READY
    READY    --tokens-->    READY     a new pair was asked for; while it is stored by the shell the
                                      session may drop, and waits for `use_token`
    any      --error-->     FAILED    raised once to the caller, who drops the transport

Order requests leave in the call that sends them. Requests of procedures (opening, readings)
wait here for the rate budget, which always keeps room for orders.
"""

from dataclasses import replace
from enum import Enum, auto

from google.protobuf.message import Message
from msgspec import structs

from palmbot.ctrader.conversation import Procedure
from palmbot.ctrader.errors import ErrorClass, classify
from palmbot.ctrader.executions import translate_execution
from palmbot.ctrader.frames import FrameReader
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOASymbolChangedEvent,
    ProtoOATraderUpdatedEvent,
)
from palmbot.ctrader.generated.enums_pb2 import ORDER_CANCEL_REJECTED
from palmbot.ctrader.generated.envelope_pb2 import ProtoErrorRes, ProtoHeartbeatEvent
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOAExecutionEvent,
    ProtoOAOrderErrorEvent,
    ProtoOATrailingSLChangedEvent,
)
from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountDisconnectEvent,
    ProtoOAAccountsTokenInvalidatedEvent,
    ProtoOAClientDisconnectEvent,
    ProtoOAErrorRes,
)
from palmbot.ctrader.limits import Limits, Tally
from palmbot.ctrader.messages import (
    UnreadableMessage,
    decode,
    decode_spot,
    encode,
    encode_heartbeat,
    is_heartbeat,
)
from palmbot.ctrader.order_requests import OrderRequests
from palmbot.ctrader.quotes import Quotes
from palmbot.ctrader.rates import RateBudget
from palmbot.ctrader.readings import Feed, read_bars, read_books
from palmbot.ctrader.requests import render_client_msg_id, render_request
from palmbot.ctrader.session import (
    Credentials,
    Opened,
    Target,
    open_session,
    renew_session,
    renew_tokens_first,
)
from palmbot.ctrader.switchboard import NEVER_S, Outcome, Purpose, Switchboard
from palmbot.ctrader.tokens import RenewedTokens, renew_tokens
from palmbot.ctrader.translate import account_digits, to_money
from palmbot.domain.commands import LoadBars, QueryBooks
from palmbot.domain.errors import (
    ConnectionLost,
    FatalError,
    PalmbotError,
    ProtocolViolation,
    RequestRefused,
    TransientError,
)
from palmbot.domain.events import (
    AccountChanged,
    BarsLoaded,
    BarsUnavailable,
    BooksReported,
    BooksUnavailable,
    Event,
    ExecutionUnreadable,
    LinkReady,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    StampMissing,
    SymbolChanged,
)
from palmbot.domain.market import Account
from palmbot.domain.orders import BrokerBooks, BrokerOrder, Intent, IntentKind
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs

__all__ = ["ClientConnection", "Credentials", "Limits", "Tally", "Target"]

EXECUTION = 2126
ORDER_ERROR = 2132

CLOSE_RESERVE = 5
"""Requests a second that entries leave to closing and cancelling; within `ORDER_RESERVE`."""

_LINK_IS_USELESS = frozenset(
    {ErrorClass.TRANSIENT_LINK, ErrorClass.APPLICATION_SESSION, ErrorClass.TOKEN}
)
"""Errors after which this connection answers nothing sensible any more."""


class _Phase(Enum):
    NEW = auto()
    OPENING = auto()
    READY = auto()
    RENEWING = auto()
    FAILED = auto()


class ClientConnection:
    """One connection to the broker, from the first byte to the last; never used twice."""

    def __init__(
        self,
        *,
        generation: int,
        credentials: Credentials,
        target: Target,
        limits: Limits | None = None,
    ) -> None:
        self._generation = generation
        self._credentials = credentials
        self._target = target
        self._limits = limits if limits is not None else Limits()
        self._phase = _Phase.NEW
        self._failure: PalmbotError | None = None
        self._session: Opened | None = None
        self._quotes = Quotes()
        self._feed = Feed(self._quotes)
        self._is_unstamped = False
        self._reader = FrameReader()
        self._outgoing = bytearray()
        self._events: list[Event] = []
        self._delayed: dict[Purpose, tuple[float, QueryBooks | LoadBars]] = {}
        self._orders = OrderRequests()
        self._ordinary = RateBudget(self._limits.ordinary_per_s)
        self._procedures = Switchboard(
            ordinary=self._ordinary,
            historical=RateBudget(self._limits.historical_per_s),
            request_timeout_s=self._limits.request_timeout_s,
        )
        self._now_s = 0.0
        self._now_ms = TimestampMs(0)
        self._heard_s = 0.0
        self._heartbeat_due_s = NEVER_S
        self._session_due_s = NEVER_S
        self._quote_due_s = NEVER_S
        self._renewal: RenewedTokens | PalmbotError | None = None
        self._is_token_due = False
        self.tally = Tally()

    # ---- what the shell calls ----

    def open(self, now_s: float) -> None:
        """The transport is up: start to open the session."""
        if self._phase is not _Phase.NEW:
            raise ValueError("a connection is opened once")
        self._phase = _Phase.OPENING
        self._now_s = self._heard_s = now_s
        self._heartbeat_due_s = now_s + self._limits.heartbeat_s
        self._session_due_s = now_s + self._limits.session_timeout_s
        refresh_token = self._credentials.renew_with
        if refresh_token is None:
            self._start(Purpose.SESSION, open_session(self._credentials, self._target))
        else:
            self._is_token_due = True
            first = renew_tokens_first(self._credentials, refresh_token)
            self._start(Purpose.SESSION, first)
        self._outgoing += self._procedures.write_due(self._now_s)

    def renew_tokens(self, refresh_token: Secret, now_s: float) -> bool:
        """Ask for a new pair of tokens; how it ends is told by `take_renewal`.

        Returns whether it was asked: only an open session asks, and only once at a time.
        """
        if self._phase is not _Phase.READY or self._is_token_due:
            return False
        self._now_s = now_s
        self._is_token_due = True
        self._start(Purpose.TOKENS, renew_tokens(refresh_token))
        self._outgoing += self._procedures.write_due(now_s)
        return True

    def take_renewal(self) -> RenewedTokens | PalmbotError | None:
        """Return how the renewal ended, once. The caller stores the pair, then `use_token`s it."""
        renewal, self._renewal = self._renewal, None
        return renewal

    def use_token(self, access_token: Secret, now_s: float) -> None:
        """Go on with a new access token, which is on disk by now."""
        self._now_s = now_s
        self._credentials = replace(self._credentials, access_token=access_token, renew_with=None)
        self._is_token_due = False
        if self._session is None:
            self._start(Purpose.SESSION, open_session(self._credentials, self._target))
        elif Purpose.SESSION not in self._procedures:
            self._suspend()
            self._start(
                Purpose.SESSION, renew_session(self._credentials, self._target, self._session)
            )
        self._outgoing += self._procedures.write_due(now_s)

    def receive(self, chunk: bytes, now_s: float, now_ms: TimestampMs) -> tuple[Event, ...]:
        """Take received bytes; return the events they complete, in broker order.

        `now_ms` stamps ticks that carry no time of their own. If the link fails after
        events in the same chunk, these are returned first and the error is raised by the
        next call; `deadline_s` is then already due.

        Raises:
            ProtocolViolation: the broker broke the protocol; drop the link, reconnect.
            ConnectionLost: the broker ended the session; drop the link, reconnect.
            FatalError: refused for good (ConfigInvalid, AccountUnsuitable); do not reconnect.
        """
        self._now_s = self._heard_s = now_s
        self._now_ms = now_ms
        if self._failure is None:
            try:
                for frame in self._reader.feed(chunk):
                    quote = decode_spot(frame)
                    if quote is not None:
                        self._on_spot(quote)
                    elif not is_heartbeat(frame):
                        self._on_frame(frame)
                self._start_due_readings()
                self._outgoing += self._procedures.write_due(self._now_s)
            except (TransientError, ProtocolViolation, FatalError) as e:
                self._fail(e)
        return self._drain()

    def advance(self, now_s: float) -> tuple[Event, ...]:
        """Let time pass: heartbeats, deadlines, requests that waited for the rate budget.

        Raises:
            ConnectionLost: the broker was silent for too long, or the session did not open.
            ProtocolViolation, FatalError: see `receive`.
        """
        self._now_s = now_s
        if self._failure is None and self._phase is not _Phase.NEW:
            try:
                self._watch()
                self._events += self._orders.expire(now_s)
                for outcome in self._procedures.time_out(now_s):
                    self._take_outcome(outcome)
                self._start_due_readings()
                self._outgoing += self._procedures.write_due(self._now_s)
            except (TransientError, ProtocolViolation, FatalError) as e:
                self._fail(e)
        return self._drain()

    @property
    def deadline_s(self) -> float:
        """Link time at which `advance` wants to be called at the latest; infinite before `open`."""
        if self._phase is _Phase.NEW:
            return NEVER_S
        if self._failure is not None or self._events:
            return self._now_s
        due_s = min(
            self._heartbeat_due_s,
            self._heard_s + self._limits.silence_s_max,
            self._session_due_s,
            self._orders.deadline_s,
            self._procedures.deadline_s(self._now_s),
        )
        for purpose, (reading_s, _) in self._delayed.items():
            if reading_s < due_s:  # it is never due before that
                due_s = min(due_s, self._reading_due_s(purpose))
        return due_s

    def take_outgoing(self) -> bytes:
        """Return what has to go to the transport, and forget it. Call after every other call."""
        if not self._outgoing:
            return b""
        outgoing = bytes(self._outgoing)
        self._outgoing.clear()
        return outgoing

    def send(self, intent: Intent, now_s: float) -> None:
        """Put the order request of an intent into the outgoing bytes, at once.

        Raises:
            ConnectionLost: the session is not open or of another generation; no byte was written.
            ValueError: the intent is no valid request, or was sent here before; no byte was
                written.
        """
        if self._phase is not _Phase.READY or self._session is None:
            raise ConnectionLost("the session with the broker is not open")
        if intent.generation != self._generation:
            raise ConnectionLost(f"the order was meant for connection {intent.generation}")
        request = render_request(
            intent,
            account_id=self._target.account_id,
            symbol=self._session.symbol,
            environment=self._target.environment,
        )
        client_msg_id = render_client_msg_id(intent)
        frame = encode(request, client_msg_id)
        self._orders.add(
            client_msg_id,
            intent.intent_id,
            now_s + self._limits.order_timeout_s,
            is_entry=intent.kind is IntentKind.ENTRY,
        )
        self._ordinary.spend(now_s)
        self._outgoing += frame

    def start_reading(self, command: QueryBooks | LoadBars, now_s: float) -> None:
        """Read books or bars after the delay of the command; the result is an event.

        A newer command replaces a waiting one of its kind; one of another generation is ignored.
        """
        if command.generation != self._generation or self._failure is not None:
            return
        self._now_s = now_s
        purpose = Purpose.BOOKS if isinstance(command, QueryBooks) else Purpose.BARS
        self._delayed[purpose] = (now_s + command.delay_s, command)
        self._start_due_readings()
        self._outgoing += self._procedures.write_due(self._now_s)

    def order_budget(self, now_s: float) -> int:
        """Return how many entries the rate limit still allows now; 0 while none can be sent."""
        if self._phase is not _Phase.READY:
            return 0
        return max(0, self._ordinary.left(now_s) - CLOSE_RESERVE)

    @property
    def is_ready(self) -> bool:
        """Tell whether the session is open."""
        return self._phase is _Phase.READY

    @property
    def open_requests(self) -> int:
        """Count requests without an answer, those that wait for the rate budget included.

        A reading whose delay is over counts, one that still waits for it does not.
        """
        due = sum(due_s <= self._now_s for due_s, _ in self._delayed.values())
        return len(self._procedures) + due + self._orders.open_count

    @property
    def dropped_quotes(self) -> int:
        """Count quotes that gave no tick because bid and ask together are impossible."""
        return self._quotes.dropped

    # ---- what came in ----

    def _on_frame(self, frame: bytes) -> None:
        try:
            _, client_msg_id, message = decode(frame)
        except UnreadableMessage as e:
            self._on_unreadable(e)
            return
        if isinstance(message, ProtoOASpotEvent):
            self._on_spot(message)
        elif message is None:
            self.tally.unknown_payloads += 1
        elif isinstance(message, ProtoOAExecutionEvent):
            self._on_execution(message, client_msg_id)
        elif isinstance(message, ProtoOAOrderErrorEvent | ProtoOAErrorRes | ProtoErrorRes):
            self._on_error(message, client_msg_id)
        elif client_msg_id:
            self._on_reply(message, client_msg_id)
        elif not isinstance(message, ProtoHeartbeatEvent):
            self._on_push(message)

    def _on_spot(self, event: ProtoOASpotEvent) -> None:
        tick = self._quotes.update(event, self._now_ms)
        # Before the session is open nobody can place a tick; the last ones follow `LinkReady`.
        if tick is not None and self._session is not None:
            if self._quotes.unstamped and not self._is_unstamped:
                self._tell_missing_stamp()
            self._events.append(tick)

    def _tell_missing_stamp(self) -> None:
        self._is_unstamped = True
        self._events.append(StampMissing(generation=self._generation))

    def _on_execution(self, execution: ProtoOAExecutionEvent, client_msg_id: str) -> None:
        if execution.ctidTraderAccountId != self._target.account_id:
            self.tally.unexpected += 1
            return
        self._feed.executions += 1
        if self._session is None:
            # The books are read after `LinkReady`, and they hold it.
            return
        code = execution.errorCode
        is_cancel_rejected = execution.executionType == ORDER_CANCEL_REJECTED
        is_bare_error = bool(code) and not execution.HasField("order")
        if client_msg_id in self._orders and (is_cancel_rejected or is_bare_error):
            code = code or "UNABLE_TO_CANCEL_ORDER"
            self._events.append(self._orders.refuse(client_msg_id, code, ""))
        else:
            self._take_execution(
                translate_execution(execution, self._session.money_digits), client_msg_id
            )
        if code:
            self._judge_link(code, "")

    def _take_execution(self, events: tuple[Event, ...], client_msg_id: str) -> None:
        self._events += events
        for event in events:
            if isinstance(event, ExecutionUnreadable):
                # What it meant for the request is not known: that stays open to its deadline.
                return
            if isinstance(event, OrderAccepted | OrderFilled | OrderEnded):
                self._note_order(event.order)
            if isinstance(event, OrderFilled):
                self._feed.saw_time(event.fill.time)
        self._orders.settle(client_msg_id)

    def _note_order(self, order: BrokerOrder) -> None:
        self._feed.saw_time(order.updated_at)
        self._orders.settle(f"{order.client_order_id}:{self._generation}")

    def _on_error(
        self, error: ProtoOAOrderErrorEvent | ProtoOAErrorRes | ProtoErrorRes, client_msg_id: str
    ) -> None:
        """Take a refusal. Ids in it may be zero, so only the clientMsgId says what it is about."""
        code, reason = error.errorCode, error.description
        if self._procedures.is_asking(client_msg_id):
            retry_after_s = None
            if isinstance(error, ProtoOAErrorRes) and error.HasField("retryAfter"):
                retry_after_s = float(error.retryAfter)
            self._answer(client_msg_id, RequestRefused(code, reason, retry_after_s=retry_after_s))
            return
        if client_msg_id in self._orders:
            self._events.append(self._orders.refuse(client_msg_id, code, reason))
        else:
            self.tally.unexpected += 1
        self._judge_link(code, reason)

    def _judge_link(self, code: str, reason: str) -> None:
        """Act on what an error outside of the opening says about the connection itself."""
        family = classify(code, reason)
        if family in _LINK_IS_USELESS:
            raise ConnectionLost(f"the broker answers {code}: {reason}")
        if family is ErrorClass.ACCOUNT_SESSION:
            self._renew_session()

    def _on_reply(self, message: Message, client_msg_id: str) -> None:
        if self._procedures.is_asking(client_msg_id):
            self._answer(client_msg_id, message)
        else:
            self.tally.unexpected += 1

    def _on_push(self, message: Message) -> None:
        account_id = self._target.account_id
        match message:
            case ProtoOAClientDisconnectEvent():
                raise ConnectionLost(f"the broker ended the session: {message.reason}")
            case ProtoOAAccountsTokenInvalidatedEvent():
                if account_id in message.ctidTraderAccountIds:
                    self._on_token_invalidated(message.reason)
            case ProtoOAAccountDisconnectEvent():
                if message.ctidTraderAccountId == account_id:
                    self._renew_session()
            case ProtoOATraderUpdatedEvent():
                if message.ctidTraderAccountId == account_id:
                    self._on_trader_updated(message)
            case ProtoOASymbolChangedEvent():
                self._on_symbol_changed(message)
            case ProtoOATrailingSLChangedEvent():
                reason = f"the broker moved the stop of position {message.positionId}"
                self._events.append(ExecutionUnreadable(reason=reason))
            case _:
                self.tally.unexpected += 1

    def _on_token_invalidated(self, reason: str) -> None:
        """The old pair died. That is what a renewal does; the session waits for the new one."""
        if not self._is_token_due:
            raise ConnectionLost(f"the access token is void: {reason}")
        self._suspend()

    def _on_trader_updated(self, message: ProtoOATraderUpdatedEvent) -> None:
        if self._session is None:
            return
        trader = message.trader
        account = structs.replace(
            self._session.account,
            balance=to_money(trader.balance, account_digits(trader)),
            balance_version=trader.balanceVersion,
        )
        self._session = replace(self._session, account=account)
        self._events.append(AccountChanged(account=account))

    def _on_symbol_changed(self, message: ProtoOASymbolChangedEvent) -> None:
        if self._session is None:
            return
        ours = {
            self._session.symbol.symbol_id,
            *(leg.symbol_id for leg in self._session.conversion),
        }
        if ours & set(message.symbolId):
            self._events.append(SymbolChanged(reason="the broker changed the contract"))

    def _on_unreadable(self, error: UnreadableMessage) -> None:
        """Take a message of which no field may be read. An execution never vanishes like that."""
        self.tally.unreadable += 1
        if error.payload_type in {EXECUTION, ORDER_ERROR}:
            self._feed.executions += 1
            if self._session is not None:
                self._events.append(ExecutionUnreadable(reason=str(error)))
        if self._procedures.is_asking(error.client_msg_id):
            self._answer(error.client_msg_id, error)

    # ---- procedures ----

    def _start(self, purpose: Purpose, procedure: Procedure[object]) -> None:
        self._take_outcome(self._procedures.start(purpose, procedure))

    def _answer(self, client_msg_id: str, answer: Message | PalmbotError) -> None:
        self._take_outcome(self._procedures.answer(client_msg_id, answer, self._now_s))

    def _take_outcome(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        if outcome.error is not None:
            self._break_off(outcome.purpose, outcome.error)
        else:
            self._finish(outcome.purpose, outcome.result)

    def _finish(self, purpose: Purpose, result: object) -> None:
        match result:
            case Opened():
                self._session = result
                self._become_ready()
                self._events.append(
                    LinkReady(
                        generation=self._generation,
                        account=result.account,
                        symbol=result.symbol,
                        conversion=result.conversion,
                    )
                )
                if self._quotes.unstamped:
                    self._tell_missing_stamp()
                self._events += self._quotes.last_ticks()
            case Account():
                if self._session is None:
                    raise ValueError("a session was renewed that was never opened")
                self._session = replace(self._session, account=result)
                self._become_ready()
                self._events.append(AccountChanged(account=result))
            case RenewedTokens():
                self._renewal = result
            case BrokerBooks():
                self._events.append(BooksReported(generation=self._generation, books=result))
            case tuple():
                self._events.append(BarsLoaded(generation=self._generation, bars=result))
            case _:
                raise ValueError(f"{purpose} ended with {result!r}")

    def _become_ready(self) -> None:
        self._phase = _Phase.READY
        self._session_due_s = NEVER_S
        self._quote_due_s = self._now_s + self._limits.request_timeout_s

    def _break_off(self, purpose: Purpose, error: PalmbotError) -> None:
        """A procedure failed: the link with it if it was the session's, else only the reading."""
        match purpose:
            case Purpose.SESSION:
                if isinstance(error, ProtocolViolation | ConnectionLost):
                    raise error
                raise ConnectionLost(f"the session could not be opened: {error}") from error
            case Purpose.TOKENS:
                self._renewal = error
                self._is_token_due = False
                if self._phase is not _Phase.READY:
                    raise ConnectionLost(f"the tokens could not be renewed: {error}")
            case Purpose.BOOKS:
                self._events.append(
                    BooksUnavailable(generation=self._generation, reason=str(error))
                )
            case Purpose.BARS:
                self._events.append(BarsUnavailable(generation=self._generation, reason=str(error)))
        if isinstance(error, RequestRefused) and purpose is not Purpose.TOKENS:
            self._judge_link(error.code, error.reason)

    def _renew_session(self) -> None:
        """Authorise the account again, on this socket. Books read before are worth nothing."""
        if self._phase is not _Phase.READY or self._session is None:
            return
        self._suspend()
        if self._is_token_due:
            return  # the old token would only be refused; see `use_token`
        self._start(Purpose.SESSION, renew_session(self._credentials, self._target, self._session))

    def _suspend(self) -> None:
        """Send no order until the account is authorised again."""
        if self._phase is not _Phase.READY:
            return
        self._phase = _Phase.RENEWING
        self._session_due_s = self._now_s + self._limits.session_timeout_s
        self._events.append(ExecutionUnreadable(reason="the account session is being renewed"))

    # ---- time ----

    def _watch(self) -> None:
        """Send the heartbeat that is due; give up on a silent broker or an endless opening."""
        # The same sum as in `deadline_s`: a difference could round to just below the limit.
        if self._now_s >= self._heard_s + self._limits.silence_s_max:
            raise ConnectionLost(f"no byte from the broker for {self._limits.silence_s_max:.0f} s")
        if self._now_s >= self._session_due_s:
            raise ConnectionLost("the session did not open in time")
        if self._now_s >= self._heartbeat_due_s:
            self._outgoing += encode_heartbeat()
            self._heartbeat_due_s = self._now_s + self._limits.heartbeat_s

    def _reading_due_s(self, purpose: Purpose) -> float:
        """Return when a delayed reading can start; never, while something else must end first."""
        if self._phase is not _Phase.READY or purpose in self._procedures:
            return NEVER_S
        due_s, _ = self._delayed[purpose]
        # Both readings are relative to the time at the broker, which the first quote tells.
        return due_s if self._feed.knows_time else max(due_s, self._quote_due_s)

    def _start_due_readings(self) -> None:
        if not self._delayed:
            return
        for purpose, (due_s, _) in list(self._delayed.items()):
            # The first is the usual answer, and the second never earlier than it.
            if due_s > self._now_s or self._reading_due_s(purpose) > self._now_s:
                continue
            if not self._feed.knows_time:
                self._feed.assume_time(self._now_ms)
            _, command = self._delayed.pop(purpose)
            self._start(purpose, self._prepare(command))

    def _prepare(self, command: QueryBooks | LoadBars) -> Procedure[object]:
        account_id = self._target.account_id
        if isinstance(command, QueryBooks):
            return read_books(account_id, command.since, self._feed)
        if self._session is None:
            raise ValueError("bars are read in an open session only")
        symbol_id = self._session.symbol.symbol_id
        return read_bars(account_id, symbol_id, command.period_ms, command.count, self._feed)

    # ---- results ----

    def _fail(self, error: PalmbotError) -> None:
        self._failure = error
        self._phase = _Phase.FAILED
        self._procedures.clear()
        self._delayed.clear()

    def _drain(self) -> tuple[Event, ...]:
        """Return the events gathered; raise the failure once there are none before it."""
        if self._failure is not None and not self._events:
            raise self._failure
        if not self._events:
            return ()
        events = tuple(self._events)
        self._events.clear()
        return events
