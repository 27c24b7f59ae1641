"""Why a provider gave no reading, sorted by what to do next, and how an HTTP answer tells."""

import math
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from palmbot.domain.errors import TransientError
from palmbot.domain.units import MS_PER_SECOND, TimestampMs
from palmbot.ports import WebAnswer

RETRY_AFTER_S_DEFAULT: Final = 60.0
RETRY_AFTER_S_MIN: Final = 1.0
RETRY_AFTER_S_MAX: Final = 900.0
"""No header may keep us away for longer; a provider that still says 429 then says so again."""

OK: Final = 200
_STATUS_KINDS_4XX: Final = range(400, 500)
_BUDGET_WORDS: Final = ("credit", "balance", "quota")
_RETIRED_TEXT: Final = "sonar is now the agent api"
_USAGE_CAPPED: Final = "/usage-capped"
_BODY_LOOKED_AT: Final = 4_096


class FailureKind(StrEnum):
    """What is the matter; the words of the configuration key `fallback_on`."""

    RATE_LIMITED = "rate_limited"
    """Come back later."""
    AUTH = "auth"
    """The key is not accepted."""
    BUDGET = "budget"
    """The day's money, or the account's credit, is used up."""
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER = "server"
    MALFORMED = "malformed"
    """An answer that breaks its contract."""
    REFUSAL = "refusal"
    """The model would not say."""
    NO_EVIDENCE = "no_evidence"
    """Too little news to have an opinion."""
    BAD_REQUEST = "bad_request"
    DISABLED = "disabled"
    """The endpoint or the model is gone."""


class ProviderFailed(TransientError):
    """A provider gave no reading; the chain asks the next one.

    `detail` is in our own words: what a stranger wrote is in no log.
    """

    def __init__(
        self, kind: FailureKind, detail: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s


def judge_answer(answer: WebAnswer, now: TimestampMs) -> ProviderFailed | None:
    """Return what an HTTP answer says is wrong, None for a 200.

    Args:
        answer: Headers by lower-case name.
        now: The time of day here, for servers that do not tell theirs.
    """
    status = answer.status
    if status == OK:
        return None
    text = answer.body[:_BODY_LOOKED_AT].decode("utf-8", "replace").lower()
    kind, detail = _judge_status(status, text)
    retry_after_s = None
    if kind is FailureKind.RATE_LIMITED:
        retry_after_s = read_retry_after_s(answer, now)
    return ProviderFailed(kind, detail, retry_after_s=retry_after_s)


def _judge_status(status: int, text: str) -> tuple[FailureKind, str]:  # noqa: PLR0911 - a table
    detail = f"HTTP {status}"
    if _RETIRED_TEXT in text:
        return FailureKind.DISABLED, f"{detail}, endpoint retired"
    if status == 402 or (status in {401, 403} and any(word in text for word in _BUDGET_WORDS)):  # noqa: PLR2004
        return FailureKind.BUDGET, f"{detail}, no credit left"
    if _USAGE_CAPPED in text:
        return FailureKind.BUDGET, f"{detail}, usage capped"
    match status:
        case 401 | 403:
            return FailureKind.AUTH, f"{detail}, the key is not accepted"
        case 404:
            return FailureKind.DISABLED, f"{detail}, the endpoint or the model is gone"
        case 429:
            return FailureKind.RATE_LIMITED, detail
        case 408:
            return FailureKind.SERVER, detail
        case _ if status in _STATUS_KINDS_4XX:
            return FailureKind.BAD_REQUEST, detail
        case _ if status >= 500:  # noqa: PLR2004 - HTTP
            return FailureKind.SERVER, detail
    return FailureKind.MALFORMED, f"{detail}, neither an answer nor an error"


def read_retry_after_s(answer: WebAnswer, now: TimestampMs) -> float:
    """Return how long to stay away after a 429, within 1 to 900 s.

    `retry-after-ms`, then `retry-after` as seconds or as a date, then X's `x-rate-limit-reset`;
    the last two are moments, held against the server's own `date`, so that our clock may be off.
    """
    headers = answer.headers
    found = _number(headers.get("retry-after-ms"))
    if found is not None:
        return _bound(found / MS_PER_SECOND)
    stated = headers.get("retry-after")
    found = _number(stated)
    if found is not None:
        return _bound(found)
    server_now_s = _read_http_date_s(headers.get("date"))
    now_s = now / MS_PER_SECOND if server_now_s is None else server_now_s
    until_s = _read_http_date_s(stated)
    if until_s is None:
        until_s = _number(headers.get("x-rate-limit-reset"))
    return RETRY_AFTER_S_DEFAULT if until_s is None else _bound(until_s - now_s)


def _bound(seconds: float) -> float:
    return min(RETRY_AFTER_S_MAX, max(RETRY_AFTER_S_MIN, seconds))


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read_http_date_s(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
