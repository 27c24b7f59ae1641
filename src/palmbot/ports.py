"""The roles that edges play for the bot. Each docstring is the contract its adapters are tested by.

Start with `Broker` and `Journal`: the loop in `live.trader` needs little else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from palmbot.core.state import Decision
from palmbot.domain.commands import LoadBars, QueryBooks, RaiseAlarm, Reconnect, Send
from palmbot.domain.events import Event
from palmbot.domain.mood import Known, Unknown
from palmbot.domain.secret import Secret
from palmbot.domain.units import TimestampMs


class Timer(Protocol):
    """One pending call."""

    def cancel(self) -> None:
        """Drop the call; harmless once it was made."""


class Clock(Protocol):
    """The two clocks a connection needs. Market time comes with the feed, not from here."""

    def link_s(self) -> float:
        """Return seconds that only grow, for deadlines, heartbeats and back-off."""

    def wall_ms(self) -> TimestampMs:
        """Return the time of day, for stamps that people read."""

    def call_at(self, link_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in the event loop once the link clock has reached `link_s`."""


class IdSource(Protocol):
    """Where names that must not repeat come from."""

    def draw_nonce(self) -> int:
        """Return 80 fresh random bits."""


class EventSink(Protocol):
    """Where edges put what happened. `live.trader` implements it."""

    def put(self, event: Event) -> None:
        """Queue one event, in the order of arrival; never blocks.

        A full queue drops the oldest tick that has a younger one behind it, and never
        anything else.
        """


class Broker(Protocol):
    """One trading account at one broker, over connections that come and go.

    Events, in broker order, go to the `EventSink` the adapter was built with. Every
    connection that becomes usable announces itself by `LinkReady`, every end of such a
    connection by `LinkLost`.
    """

    async def run(self) -> None:
        """Connect, and reconnect with back-off, until cancelled.

        Raises:
            FatalError: the broker refuses us for good (credentials, account kind, symbol).
        """

    def write(self, command: Send) -> None:
        """Hand the request to the transport before returning. Returning means sent, not done.

        Raises:
            ConnectionLost: perhaps sent, perhaps not; never send it again.
        """

    def query(self, command: QueryBooks | LoadBars) -> None:
        """Start a reading after its delay; the result is an event of the same generation.

        At most one reading of each kind waits or runs: a newer one replaces a waiting one.
        A command of an older generation is ignored.
        """

    def reconnect(self, command: Reconnect) -> None:
        """Drop the connection if it is still of that generation."""

    def order_budget(self) -> int:
        """Return how many order requests the rate limit still allows in this second."""


class AlertChannel(Protocol):
    """The way to a person who is not looking. Nothing waits for it."""

    def send(self, alarm: RaiseAlarm) -> None:
        """Hand over one alarm; never blocks, never raises. A failure is told later, elsewhere."""

    def beat(self) -> None:
        """Tell the watch outside that all is well; never blocks, never raises."""


class Journal(Protocol):
    """The append-only record of every event and decision, on disk before anything is sent."""

    async def append(self, event: Event, decision: Decision) -> None:
        """Record one step, numbered by `decision.state.sequence`.

        Returns once the step is durable if the decision carries commands or changed an
        intent; otherwise as soon as the step is queued, to be committed in a group before
        or together with the next step that must be durable.

        Raises:
            JournalWriteFailed: it is not on disk; trading must halt.
        """

    async def flush(self) -> None:
        """Return once every appended step is durable.

        Raises:
            JournalWriteFailed: one is not on disk; trading must halt.
        """


UNKNOWN_TIME = TimestampMs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What opens the account: an access token, and the refresh token that renews the pair once."""

    access_token: Secret
    refresh_token: Secret
    expires_at: TimestampMs
    """End of life of the access token; 0 if nobody knows."""
    issued_at: TimestampMs = UNKNOWN_TIME


class TokenStore(Protocol):
    """Where the pair of tokens rests between runs."""

    def load(self) -> Tokens | None:
        """Return the stored pair, None if there is none.

        Raises:
            ConfigInvalid: it is damaged, or others could have read it.
        """

    def save(self, tokens: Tokens) -> None:
        """Store the pair durably before returning: the one before it no longer works.

        Raises:
            ConfigInvalid: it is not stored; a person has to authorise again.
        """


@runtime_checkable
class SentimentSource(Protocol):
    """Where the market's mood comes from, for the loop that must never wait for it."""

    def peek(self) -> Known | Unknown:
        """Return the mood as it is known now; no I/O, no waiting, never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """One HTTP request, whole."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    bearer: Secret | None = None
    """Goes into the header `Authorization` and nowhere else."""
    document: Mapping[str, Any] | None = None
    """The body, sent as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswer:
    """One HTTP answer, whole, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class Web(Protocol):
    """The outside, by HTTP. Follows no redirect; has no time-out of its own: cancel it."""

    async def send(self, request: WebRequest, *, body_bytes_max: int) -> WebAnswer:
        """Return the answer once all of it is here.

        Raises:
            SourceUnreachable: none came, or only a part.
            ProtocolViolation: it is larger than allowed, or compressed though nobody asked.
        """
