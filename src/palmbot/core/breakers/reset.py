"""A person resets a breaker: with a reason, not at once, and not twice a day."""

from msgspec.structs import replace

from palmbot.core.breakers.book import BreakerRecord
from palmbot.core.breakers.companions import forget_mishaps
from palmbot.core.breakers.daily_loss import read_allowed_loss
from palmbot.core.breakers.machine import allow_probe, close, read_now
from palmbot.core.operator import REFUSED
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.events import OperatorReset
from palmbot.domain.units import BASIS_POINTS, MS_PER_MINUTE, Money

PROBING = frozenset({BreakerName.DAILY_LOSS, BreakerName.LOSS_STREAK})
"""Breakers that a person, too, can only bring to half-open."""


def on_reset(step: Step, event: OperatorReset) -> None:
    """Reset one breaker, or say why not."""
    record = step.state.breakers.read(event.name)
    refusal = _find_refusal(step, record, event)
    if refusal:
        step.say(f"{REFUSED}: {refusal}")
        return
    now = read_now(step)
    step.put_breaker(replace(record, reset_by=event.actor, reset_at=now))
    step.set_breakers(forget_mishaps(step.state.breakers, event.name))
    if event.budget_bp is not None:
        _grant(step, event.budget_bp)
    reason = f"reset by {event.actor}: {event.reason}"
    if event.name in PROBING:
        allow_probe(step, event.name, reason, actor=event.actor)
    else:
        close(step, event.name, reason, actor=event.actor)


def _find_refusal(  # noqa: PLR0911 - a list of questions, each with its answer
    step: Step, record: BreakerRecord, event: OperatorReset
) -> str:
    rules = step.params.breakers
    day = step.state.breakers.day
    now = read_now(step)
    if record.phase not in {BreakerPhase.OPEN, BreakerPhase.LATCHED}:
        return f"breaker {event.name} is {record.phase}, there is nothing to reset"
    if not event.reason.strip():
        return "a reset needs a reason"
    waited = now - record.tripped_at
    if waited < rules.reset_wait_minutes * MS_PER_MINUTE:
        return (
            f"breaker {event.name} tripped {waited // MS_PER_MINUTE} minutes ago; "
            f"not before {rules.reset_wait_minutes}"
        )
    if day is not None and record.reset_at >= day.starts_at:
        return f"breaker {event.name} was reset today already"
    if step.state.flatten is not None:
        return "positions are still being closed"
    if event.name is not BreakerName.DAILY_LOSS:
        return "a budget is for daily_loss" if event.budget_bp is not None else ""
    if event.budget_bp is not None and not 0 < event.budget_bp <= rules.daily_loss_bp:
        return f"the budget is above 0 and at most {rules.daily_loss_bp / 100:g} %"
    allowed = read_allowed_loss(day) if day is not None else None
    if day is None or day.loss is None or allowed is None:
        return "today's loss is not known yet"
    if day.loss >= allowed and event.budget_bp is None:
        return "today's limit is used up: name a further budget with --budget"
    return ""


def _grant(step: Step, budget_bp: int) -> None:
    """Allow a finite further loss for the rest of the day."""
    book = step.state.breakers
    day = book.day
    if day is None or day.baseline is None or day.loss is None:
        return
    granted = Money(max(0, day.loss) + day.baseline * budget_bp // BASIS_POINTS)
    step.set_breakers(replace(book, day=replace(day, granted=granted)))
