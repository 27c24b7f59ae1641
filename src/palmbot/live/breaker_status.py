"""What the bot would tell a person who asks for its circuit breakers: plain values."""

from dataclasses import dataclass

from palmbot.core.breakers.daily_loss import read_allowed_loss
from palmbot.core.state import EngineState
from palmbot.domain.breakers import BreakerName
from palmbot.domain.units import MONEY_SCALE, TimestampMs


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """One breaker."""

    name: str
    phase: str
    """closed, open, half_open or latched."""
    reason: str
    tripped_at: TimestampMs | None
    """Market time of the newest trip."""
    hold_until: TimestampMs | None
    """Market time before which it does not release."""
    trips: int
    """Openings within the days that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakersStatus:
    """All of them, and the day by which the strictest judges; money in whole units."""

    breakers: tuple[BreakerStatus, ...]
    baseline: float | None
    loss: float | None
    """Of the day so far; negative is a gain."""
    loss_allowed: float | None
    volatility_percent: int | None
    """ATR against the usual; None while that is not known."""


def describe_breakers_status(state: EngineState) -> BreakersStatus:
    """Return every breaker, strictest first."""
    book = state.breakers
    day = book.day
    allowed = read_allowed_loss(day) if day is not None else None
    return BreakersStatus(
        breakers=tuple(
            BreakerStatus(
                name=name,
                phase=record.phase,
                reason=record.reason,
                tripped_at=record.tripped_at or None,
                hold_until=record.hold_until or None,
                trips=len(record.trips),
            )
            for name in BreakerName
            for record in (book.read(name),)
        ),
        baseline=_amount(day.baseline if day is not None else None),
        loss=_amount(day.loss if day is not None else None),
        loss_allowed=_amount(allowed),
        volatility_percent=state.volatility.ratio_percent,
    )


def _amount(money: int | None) -> float | None:
    return None if money is None else money / MONEY_SCALE
