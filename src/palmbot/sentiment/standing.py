"""Whether a provider may be asked now: cool-down, breaker, interval, and being out for good."""

from dataclasses import dataclass
from typing import Final

import structlog

from palmbot.domain.units import MS_PER_DAY
from palmbot.ports import Clock
from palmbot.sentiment.failures import RETRY_AFTER_S_DEFAULT, FailureKind, ProviderFailed

FAILURES_MAX: Final = 3
"""In a row, before the breaker opens."""
OPEN_S: Final = 60.0
OPEN_S_MAX: Final = 900.0

BREAKING: Final = frozenset(
    {FailureKind.TIMEOUT, FailureKind.SERVER, FailureKind.NETWORK, FailureKind.MALFORMED}
)
"""Kinds that say the provider is ill. A 429 does not: it is well, and busy."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """How a provider stands, for people."""

    provider: str
    state: str
    """ready, cooling down, broken, disabled or out of budget."""
    wait_s: float
    """Link seconds until it may be asked; 0 if now, or if no time will help."""


class Standing:
    """What one provider's past answers mean for the next question.

    All times but the budget's day are link time, so that no step of the wall clock matters.
    """

    def __init__(self, provider: str, clock: Clock, *, interval_s: float) -> None:
        """Begin in good standing.

        Args:
            provider: Its name, for the log.
            clock: Both clocks.
            interval_s: Least time between two questions.
        """
        self._provider = provider
        self._clock = clock
        self._interval_s = interval_s
        self._asked_at_s: float | None = None
        self._cool_until_s = 0.0
        self._failures = 0
        self._last_kind = FailureKind.SERVER
        self._open_s = OPEN_S
        self._open_until_s: float | None = None
        self._is_probing = False
        self._broke_on_day: int | None = None
        self._out: ProviderFailed | None = None

    def refuse(self) -> ProviderFailed | None:
        """Return why the provider may not be asked now, None if it may."""
        now_s = self._clock.link_s()
        if self._out is not None:
            return ProviderFailed(self._out.kind, f"disabled since: {self._out.detail}")
        if self._broke_on_day == self._clock.wall_ms() // MS_PER_DAY:
            return ProviderFailed(FailureKind.BUDGET, "out of budget until 00:00 UTC")
        if now_s < self._cool_until_s:
            return ProviderFailed(FailureKind.RATE_LIMITED, "cooling down after a 429")
        if self._open_until_s is not None and (now_s < self._open_until_s or self._is_probing):
            return ProviderFailed(self._last_kind, "failed too often, resting")
        if self._asked_at_s is not None and now_s - self._asked_at_s < self._interval_s:
            return ProviderFailed(FailureKind.RATE_LIMITED, "asked a moment ago")
        return None

    def begin(self) -> None:
        """Note that the provider is being asked."""
        self._asked_at_s = self._clock.link_s()
        self._is_probing = self._open_until_s is not None

    def succeed(self) -> None:
        """Note an answer that could be used, or that honestly said there is none."""
        self._failures = 0
        self._open_s = OPEN_S
        self._open_until_s = None
        self._is_probing = False

    def abandon(self) -> None:
        """Note that the question was given up before it could prove anything."""
        self._is_probing = False

    def fail(self, failure: ProviderFailed) -> None:
        """Note a failure, and what it costs the provider."""
        was_probing, self._is_probing = self._is_probing, False
        match failure.kind:
            case FailureKind.RATE_LIMITED:
                wait_s = failure.retry_after_s or RETRY_AFTER_S_DEFAULT
                self._cool_until_s = self._clock.link_s() + wait_s
            case FailureKind.AUTH | FailureKind.DISABLED:
                self._out = failure
                log.error(
                    "provider.disabled",
                    provider=self._provider,
                    kind=failure.kind,
                    detail=failure.detail,
                )
            case FailureKind.BUDGET:
                self._broke_on_day = self._clock.wall_ms() // MS_PER_DAY
            case _ if failure.kind in BREAKING:
                self._count(failure.kind, was_probing=was_probing)
            case _:
                self.succeed()  # it answers; what it says is another matter

    def describe(self) -> StandingView:
        """Return how it stands."""
        now_s = self._clock.link_s()
        if self._out is not None:
            return StandingView(provider=self._provider, state="disabled", wait_s=0.0)
        if self._broke_on_day == self._clock.wall_ms() // MS_PER_DAY:
            return StandingView(provider=self._provider, state="out of budget", wait_s=0.0)
        if now_s < self._cool_until_s:
            wait_s = self._cool_until_s - now_s
            return StandingView(provider=self._provider, state="cooling down", wait_s=wait_s)
        if self._open_until_s is not None:
            wait_s = max(0.0, self._open_until_s - now_s)
            return StandingView(provider=self._provider, state="broken", wait_s=wait_s)
        return StandingView(provider=self._provider, state="ready", wait_s=0.0)

    def _count(self, kind: FailureKind, *, was_probing: bool) -> None:
        self._failures += 1
        self._last_kind = kind
        if was_probing:
            self._open_s = min(OPEN_S_MAX, 2 * self._open_s)
        elif self._failures < FAILURES_MAX:
            return
        self._open_until_s = self._clock.link_s() + self._open_s
        log.warning(
            "provider.broken", provider=self._provider, kind=kind, rest_s=round(self._open_s)
        )
