"""A connection for a person's questions: real TLS, one question at a time, no way to an order."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from palmbot.adapters.ctrader_broker import (
    CONNECT_TIMEOUT_S,
    HANDSHAKE_TIMEOUT_S,
    Endpoint,
    judge_certificate,
)
from palmbot.adapters.tls_certificates import read_certificate
from palmbot.ctrader.connection import Limits
from palmbot.ctrader.conversation import Procedure
from palmbot.ctrader.inquiry import Inquiry
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.errors import ConnectionLost, PalmbotError
from palmbot.domain.market import Tick
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId
from palmbot.ports import Clock, Timer

T = TypeVar("T")

KeyJudge: TypeAlias = Callable[[str], PalmbotError | None]
"""Is told the pin of a server's public key; returns why no byte may be sent to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """What it takes to ask a broker something."""

    endpoint: Endpoint
    tls: ssl.SSLContext
    credentials: Credentials
    environment: Environment
    account_id: AccountId
    broker: str = ""
    """Name that the list of accounts has to show; empty for any."""
    judge_key: KeyJudge | None = None
    """None where servers make their keys anew at will."""

    def target(self) -> Target:
        """Return the account to ask about; no symbol is chosen yet."""
        return Target(
            environment=self.environment,
            account_id=self.account_id,
            symbol_name="",
            broker=self.broker,
        )


@asynccontextmanager
async def connect(
    endpoint: Endpoint,
    tls: ssl.SSLContext,
    clock: Clock,
    *,
    limits: Limits | None = None,
    judge_key: KeyJudge | None = None,
) -> "AsyncIterator[CtraderInquirer]":
    """Connect, and drop the connection at the end.

    Raises:
        ConnectionLost: no connection; try again later.
        ConfigInvalid: certificate or key was refused, before any secret was sent.
    """
    inquirer = CtraderInquirer(clock, limits)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S + HANDSHAKE_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: inquirer,
                endpoint.host,
                endpoint.port,
                ssl=tls,
                server_hostname=endpoint.server_name,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )
    except ssl.SSLCertVerificationError as e:
        raise judge_certificate(endpoint, e) from e
    except OSError as e:  # TimeoutError and ssl.SSLError are of its kind
        raise ConnectionLost(
            f"cannot connect to {endpoint.host} port {endpoint.port}: "
            f"{e or 'no answer in time'}; check the network"
        ) from e
    try:
        if judge_key is not None and (objection := judge_key(inquirer.read_key())) is not None:
            raise objection
        yield inquirer
    finally:
        inquirer.end(ConnectionLost("dropped by us"))


def open_inquiry(
    access: BrokerAccess, clock: Clock
) -> "AbstractAsyncContextManager[CtraderInquirer]":
    """Connect as `connect` does, with all that the access says of the server."""
    return connect(access.endpoint, access.tls, clock, judge_key=access.judge_key)


class CtraderInquirer(asyncio.Protocol):
    """One connection and its `Inquiry`; made by `connect`."""

    def __init__(self, clock: Clock, limits: Limits | None) -> None:
        self._clock = clock
        self._wire = Inquiry(limits)
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._answer: asyncio.Future[object] | None = None
        self._end: BaseException | None = None

    def read_key(self) -> str:
        """Return the pin of the server's key, `sha256/...`; once connected."""
        assert self._transport is not None
        tls = self._transport.get_extra_info("ssl_object")
        return read_certificate(tls.getpeercert(binary_form=True)).spki_pin

    async def ask(self, procedure: Procedure[T]) -> T:
        """Run one question to its end.

        Raises:
            PalmbotError: how it failed: see the procedure. `ConnectionLost` if the connection
                ended before the answer.
        """
        if self._end is not None:
            raise self._end
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._answer = answer  # type: ignore[assignment]  # the futures of all answers take turns
        try:
            self._wire.start(procedure, self._clock.link_s())
            self._settle()
            return await answer
        finally:
            self._answer = None

    @property
    def quote(self) -> Tick | None:
        """Newest quote of a subscribed symbol; None before the first."""
        return self._wire.quote

    def end(self, error: BaseException) -> None:
        """Drop the transport at once; a question under way fails with `error`. First call wins."""
        if self._end is not None:
            return
        self._end = error
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up and the certificate was good."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._wire.open(self._clock.link_s())
        self._settle()

    def data_received(self, data: bytes) -> None:
        """Feed the wire."""
        if self._end is not None:
            return
        try:
            self._wire.receive(data, self._clock.link_s(), self._clock.wall_ms())
        except PalmbotError as e:
            self.end(e)
            return
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; an exception that is not the network's is a mistake and goes up."""
        if exc is None:
            self.end(ConnectionLost("the broker closed the connection"))
        elif isinstance(exc, OSError):
            self.end(ConnectionLost(f"the connection broke: {exc}"))
        else:
            self.end(exc)

    def _on_deadline(self) -> None:
        self._timer = None
        if self._end is not None:
            return
        try:
            self._wire.advance(self._clock.link_s())
        except PalmbotError as e:
            self.end(e)
            return
        self._settle()

    def _settle(self) -> None:
        """Write what the wire wants to send, tell an answer, see to the next deadline."""
        outgoing = self._wire.take_outgoing()
        if outgoing and self._transport is not None:
            self._transport.write(outgoing)
        outcome = self._wire.take_outcome()
        if outcome is not None and self._answer is not None and not self._answer.done():
            if outcome.error is not None:
                self._answer.set_exception(outcome.error)
            else:
                self._answer.set_result(outcome.result)
        if self._timer is not None:
            self._timer.cancel()
        deadline_s = self._wire.deadline_s(self._clock.link_s())
        self._timer = self._clock.call_at(deadline_s, self._on_deadline)
