"""What a source of sentiment is to the chain, and the way every source makes its calls.

`Caller.call` is the one place where a request leaves: it books the worst case, limits the time,
judges status and body, retries once where that helps, and settles the cost.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from palmbot.domain.errors import ProtocolViolation, SourceUnreachable
from palmbot.domain.mood import Reading
from palmbot.ports import Clock, Web, WebAnswer, WebRequest
from palmbot.sentiment.failures import OK, FailureKind, ProviderFailed, judge_answer
from palmbot.sentiment.ledger import Ledger
from palmbot.sentiment.questions import Question
from palmbot.sentiment.waiting import limit

BODY_BYTES_MAX: Final = 1024 * 1024
RETRY_LEFT_S_MIN: Final = 4.0
"""A second try needs about as long as the first one had."""
RETRY_DELAY_S: Final = 0.2
RETRY_SPREAD_S: Final = 0.4
RETRIED: Final = frozenset({FailureKind.SERVER, FailureKind.NETWORK})


@dataclass(slots=True)
class FetchTrace:
    """What one question to one provider has come to so far; also of one that failed."""

    mode: str = ""
    model: str = ""
    prompt_hash: str = ""
    raw_sha256: str = ""
    cost_usd: float = 0.0
    status: int | None = None
    """Of the last answer."""
    headers: tuple[str, ...] = ()
    """Names of its headers."""
    shape: str = ""
    """Names of the fields of its body, for `palmbot sentiment probe`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A reading, and the titles it rests on, for the cross-check; they go no further."""

    reading: Reading
    titles: tuple[str, ...] = ()
    """Empty if the rules made the score anyway."""


class SentimentProvider(Protocol):
    """One source of sentiment."""

    name: str
    tier: int
    """1 is asked first; each provider has its own."""

    @property
    def cap_s(self) -> float:
        """Most link seconds one question may take."""

    async def fetch(self, question: Question, until_s: float, trace: FetchTrace) -> Fetched:
        """Return one reading by the link time `until_s`.

        Raises:
            ProviderFailed: there is none, and why.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, and what it costs."""

    request: WebRequest
    worst_usd: float = 0.0
    """What it cannot exceed; 0 for what is free, which is in no ledger."""
    read_cost_usd: Callable[[Any], float | None] = lambda _document: None
    """Of the decoded answer; None if it does not say: the worst case stays booked."""
    is_error_free: bool = False
    """Failed requests are not billed, whatever their status."""
    decode: Callable[[bytes], Any] | None = None
    """Of the body; None reads JSON."""


class Caller:
    """Makes the calls of one provider."""

    def __init__(  # noqa: PLR0913 - the ports of every call
        self,
        provider: str,
        *,
        web: Web,
        ledger: Ledger,
        clock: Clock,
        wait: Callable[[float], Awaitable[None]],
        draw_jitter: Callable[[], float],
    ) -> None:
        """Keep the ports.

        Args:
            provider: Its name in the ledger.
            web: The outside.
            ledger: The budget.
            clock: For deadlines.
            wait: Passes link seconds before a second try.
            draw_jitter: Uniform in [0, 1).
        """
        self.provider = provider
        self.clock = clock
        self._web = web
        self._ledger = ledger
        self._wait = wait
        self._draw_jitter = draw_jitter

    async def call(self, call: Call, until_s: float, trace: FetchTrace) -> Any:  # noqa: ANN401 - JSON
        """Return the decoded body of the answer.

        Raises:
            ProviderFailed: there is none in time, or it is no good.
        """
        try:
            return await self._try(call, until_s, trace)
        except ProviderFailed as e:
            left_s = until_s - self.clock.link_s()
            if e.kind not in RETRIED or left_s < RETRY_LEFT_S_MIN:
                raise
        await self._wait(RETRY_DELAY_S + RETRY_SPREAD_S * self._draw_jitter())
        return await self._try(call, until_s, trace)

    async def _try(self, call: Call, until_s: float, trace: FetchTrace) -> Any:  # noqa: ANN401
        number = None
        if call.worst_usd > 0:
            number = await self._ledger.reserve(self.provider, call.worst_usd)
            trace.cost_usd += call.worst_usd
        try:
            async with limit(self.clock, until_s - self.clock.link_s()):
                answer = await self._web.send(call.request, body_bytes_max=BODY_BYTES_MAX)
        except TimeoutError:
            # Assumed billed: the reservation stays.
            raise ProviderFailed(FailureKind.TIMEOUT, "no answer in time") from None
        except SourceUnreachable as e:
            if not e.was_sent:
                await self._settle(number, 0.0, call, trace)
            raise ProviderFailed(FailureKind.NETWORK, str(e)) from e
        except ProtocolViolation as e:
            raise ProviderFailed(FailureKind.MALFORMED, str(e)) from e
        trace.raw_sha256 = hashlib.sha256(answer.body).hexdigest()
        trace.status = answer.status
        trace.headers = tuple(sorted(answer.headers))
        failure = judge_answer(answer, self.clock.wall_ms())
        if failure is not None:
            if call.is_error_free or _is_refusal(answer):
                await self._settle(number, 0.0, call, trace)
            raise failure
        document = (call.decode or decode_json)(answer.body)
        trace.shape = describe_shape(document)
        if not await self._settle(number, call.read_cost_usd(document), call, trace):
            raise ProviderFailed(
                FailureKind.BUDGET, "it claims to cost more than the price list allows"
            )
        return document

    async def _settle(
        self, number: int | None, cost_usd: float | None, call: Call, trace: FetchTrace
    ) -> bool:
        if number is None or cost_usd is None:
            return True
        is_within = await self._ledger.settle(number, cost_usd)
        if is_within and 0 <= cost_usd <= call.worst_usd:
            trace.cost_usd += cost_usd - call.worst_usd
        return is_within


def _is_refusal(answer: WebAnswer) -> bool:
    """Tell whether the server turned the request down, which costs nothing; a 5xx may have."""
    return OK < answer.status < 500  # noqa: PLR2004 - HTTP


def decode_json(body: bytes) -> Any:  # noqa: ANN401 - whatever it says
    """Return a JSON document; NaN and infinity are none.

    Raises:
        ProviderFailed: MALFORMED.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as e:
        raise ProviderFailed(FailureKind.MALFORMED, "the body is no JSON") from e


def describe_shape(document: object) -> str:
    """Return the names of a document's fields; of its contents nothing."""
    if isinstance(document, dict):
        return "{" + ", ".join(sorted(str(key)[:40] for key in list(document)[:20])) + "}"
    return type(document).__name__


def read_object(document: object, what: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ProviderFailed: MALFORMED, it is something else.
    """
    if not isinstance(document, dict):
        raise ProviderFailed(FailureKind.MALFORMED, f"{what} is no object")
    return document


def read_list(document: object, what: str) -> list[Any]:
    """Return a JSON array; null and absent count as empty.

    Raises:
        ProviderFailed: MALFORMED, it is something else.
    """
    if document is None:
        return []
    if not isinstance(document, list):
        raise ProviderFailed(FailureKind.MALFORMED, f"{what} is no list")
    return document
