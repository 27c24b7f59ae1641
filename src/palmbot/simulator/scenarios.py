"""Faults on cue: placed by counting events, drawn from a seed, never by a clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import NamedTuple, TypeVar

from palmbot.domain.errors import InputInvalid

T = TypeVar("T")


class RequestFault(StrEnum):
    """What goes wrong with one request."""

    CUT_BEFORE = "cut before the request was read"
    CUT_BETWEEN = "cut after the request was executed and before the reply"
    CUT_AFTER = "cut after the reply"
    SILENT_LOST = "request neither executed nor answered"
    SILENT_DONE = "request executed and never answered"
    SLOW = "reply late, within the client's deadline"
    TOO_LATE = "reply later than the client waits"
    SWAPPED = "fill told before the acceptance"
    DUPLICATED = "execution events sent twice"
    THROTTLED = "request refused for its frequency"
    BUSY = "request refused as maintenance"


class StepFault(StrEnum):
    """What goes wrong between two quotes."""

    CUT = "link cut"
    OUTAGE = "link cut and connections refused for a while"
    REFUSED = "link cut and the next connections refused"
    HALF_OPEN = "server silent, connection open"
    ACCOUNT_DISCONNECT = "account session ended"
    TOKEN_INVALIDATED = "token invalidated"  # noqa: S105 - the name of a fault
    CLIENT_DISCONNECT = "application disconnected"
    SYMBOL_CHANGED = "contract changed"
    UNKNOWN_MESSAGE = "message of an unknown type"
    UNKNOWN_ENUM = "execution of an unknown kind"
    REPEATED_EXECUTION = "old execution event sent again"
    MAINTENANCE = "link cut for maintenance"
    GARBAGE = "unreadable bytes"
    OVERSIZED = "frame of an absurd length"
    USELESS = "server connected and unable to do anything"


class PlannedStep(NamedTuple):
    """A fault between two quotes."""

    fault: StepFault
    steps: int = 0
    """How many steps an outage or a maintenance lasts."""
    attempts: int = 0
    """How many connections are refused."""


class PlannedRequest(NamedTuple):
    """A fault of one request."""

    fault: RequestFault
    delay_s: float = 0.0
    """Link seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """What goes wrong, and how often. Ranges are inclusive."""

    step_gap: tuple[int, int] = (1, 1)
    """Quotes between two faults, counted while a client gets them."""
    step_faults: tuple[StepFault, ...] = ()
    """Dealt like cards: all of them, shuffled, before any comes again."""
    order_faults: tuple[RequestFault | None, ...] = ()
    """Likewise, one for each trading request; None: all goes well."""
    reading_gap: tuple[int, int] = (1, 1)
    """Requests of other kinds between two faults."""
    reading_faults: tuple[RequestFault, ...] = ()
    outage_steps: tuple[int, int] = (20, 200)
    maintenance_steps: tuple[int, int] = (20, 100)
    refused_attempts: tuple[int, int] = (1, 3)
    slow_s: tuple[float, float] = (0.5, 3.0)
    """Below what clients wait for an answer."""
    order_late_s: tuple[float, float] = (6.0, 9.0)
    """Above the 5 s that clients wait for an answer to an order."""
    reading_late_s: tuple[float, float] = (11.0, 15.0)
    """Above the 10 s that they wait for anything else."""


class Scenario:
    """The faults of one run, in the order of its events."""

    def __init__(self, plan: FaultPlan, seed: int) -> None:
        """Draw from `seed`; the same seed and the same events give the same faults."""
        self._plan = plan
        self._steps = _seeded(seed, "steps")
        self._orders = _seeded(seed, "orders")
        self._readings = _seeded(seed, "readings")
        self._step_faults = _deal(plan.step_faults, self._steps)
        self._order_faults = _deal(plan.order_faults, self._orders)
        self._reading_faults = _deal(plan.reading_faults, self._readings)
        self._steps_left = _draw_whole(plan.step_gap, self._steps)
        self._readings_left = _draw_whole(plan.reading_gap, self._readings)

    def plan_step(self) -> PlannedStep | None:
        """Count one quote that a client would get; return what goes wrong before it."""
        if not self._plan.step_faults:
            return None
        self._steps_left -= 1
        if self._steps_left > 0:
            return None
        plan = self._plan
        self._steps_left = _draw_whole(plan.step_gap, self._steps)
        match fault := next(self._step_faults):
            case StepFault.OUTAGE:
                return PlannedStep(fault, steps=_draw_whole(plan.outage_steps, self._steps))
            case StepFault.MAINTENANCE:
                return PlannedStep(fault, steps=_draw_whole(plan.maintenance_steps, self._steps))
            case StepFault.REFUSED:
                attempts = _draw_whole(plan.refused_attempts, self._steps)
                return PlannedStep(fault, attempts=attempts)
            case _:
                return PlannedStep(fault)

    def plan_request(self, *, is_order: bool) -> PlannedRequest | None:
        """Count one request; return what goes wrong with it.

        Args:
            is_order: It changes the account.
        """
        if is_order:
            if not self._plan.order_faults:
                return None
            fault = next(self._order_faults)
            late_s = self._plan.order_late_s
            return None if fault is None else self._time(fault, late_s, self._orders)
        if not self._plan.reading_faults:
            return None
        self._readings_left -= 1
        if self._readings_left > 0:
            return None
        self._readings_left = _draw_whole(self._plan.reading_gap, self._readings)
        fault = next(self._reading_faults)
        return self._time(fault, self._plan.reading_late_s, self._readings)

    def _time(
        self, fault: RequestFault, late_s: tuple[float, float], random: Random
    ) -> PlannedRequest:
        if fault is RequestFault.SLOW:
            low, high = self._plan.slow_s
        elif fault is RequestFault.TOO_LATE:
            low, high = late_s
        else:
            return PlannedRequest(fault)
        return PlannedRequest(fault, delay_s=low + (high - low) * random.random())


def _seeded(seed: int, purpose: str) -> Random:
    # Not for secrets: a seeded stream that anybody can reproduce.
    return Random(f"{seed}/faults/{purpose}")  # noqa: S311


def _draw_whole(bounds: tuple[int, int], random: Random) -> int:
    low, high = bounds
    return low + int(random.random() * (high - low + 1))


def _deal(cards: Sequence[T], random: Random) -> Iterator[T]:
    """Yield all cards in random order, again and again (shuffle of Fisher and Yates)."""
    deck = list(cards)
    while deck:
        for i in range(len(deck) - 1, 0, -1):
            j = int(random.random() * (i + 1))
            deck[i], deck[j] = deck[j], deck[i]
        yield from deck


FLAKY = FaultPlan(
    step_gap=(1_000, 3_500),
    step_faults=(
        StepFault.CUT,
        StepFault.CUT,
        StepFault.OUTAGE,
        StepFault.REFUSED,
        StepFault.HALF_OPEN,
        StepFault.ACCOUNT_DISCONNECT,
    ),
    order_faults=(
        *(None,) * 8,
        RequestFault.CUT_BETWEEN,
        RequestFault.CUT_AFTER,
        RequestFault.SLOW,
        RequestFault.SWAPPED,
    ),
    reading_gap=(150, 400),
    reading_faults=(RequestFault.CUT_BEFORE, RequestFault.SLOW, RequestFault.CUT_AFTER),
)
"""A bad line. Every order reaches the broker, so that none stays unknown for good."""

STORM = FaultPlan(
    step_gap=(300, 900),
    step_faults=tuple(StepFault),
    order_faults=(*(None,) * 6, *RequestFault),
    reading_gap=(20, 60),
    reading_faults=(
        RequestFault.CUT_BEFORE,
        RequestFault.CUT_BETWEEN,
        RequestFault.CUT_AFTER,
        RequestFault.SILENT_LOST,
        RequestFault.SLOW,
        RequestFault.TOO_LATE,
        RequestFault.THROTTLED,
        RequestFault.BUSY,
    ),
)
"""Everything at once. Of 17 orders four never get to the exchange, and nothing proves it."""

PLANS = {"none": FaultPlan(), "flaky": FLAKY, "storm": STORM}


def make_scenario(name: str, seed: int) -> Scenario:
    """Return the scenario `none`, `flaky` or `storm`.

    Raises:
        InputInvalid: no scenario of that name.
    """
    if name not in PLANS:
        raise InputInvalid(f"there are no faults called {name!r}: choose {', '.join(PLANS)}")
    return Scenario(PLANS[name], seed)
