"""The one state machine of all breakers: trip, half-open, close, latch, reset.

A change raises the epoch in the same step, so that an entry decided before it is not sent
after it; the step is on disk before anything else is done about it.
"""

from msgspec.structs import replace

from palmbot.core.breakers.book import (
    FORBIDDING,
    NO_TIME,
    BreakerChange,
    BreakerRecord,
    Trip,
)
from palmbot.core.intents import ask_cancel_entry
from palmbot.core.state import Standing
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Severity
from palmbot.domain.orders import IntentKind, IntentState, OrderStyle
from palmbot.domain.units import TimestampMs

ORDINARY = frozenset({BreakerName.DATA_STALE, BreakerName.GAP_GUARD})
"""Breakers that trip and clear in the course of many a day: nobody is woken for them."""
RESTING = frozenset({IntentState.ACCEPTED, IntentState.PARTIAL})


def read_now(state: Standing) -> TimestampMs:
    """Return market time as far as prices or the broker's books prove it."""
    return max(state.market.time, state.link.confirmed_at or NO_TIME)


def count_trips(record: BreakerRecord, *, since_day: int = 0, with_probes: bool = False) -> int:
    """Return the openings since a trading day; failed probes count only if asked for."""
    return sum(
        trip.trading_day >= since_day and (with_probes or not trip.is_by_probe)
        for trip in record.trips
    )


def trip(  # noqa: PLR0913 - what the audit has to know
    step: Step,
    name: BreakerName,
    reason: str,
    *,
    measured: int,
    threshold: int,
    hold_until: TimestampMs = NO_TIME,
    is_latched: bool = False,
    is_by_probe: bool = False,
) -> None:
    """Open a breaker, or latch it; one that is latched stays so."""
    record = step.breakers.read(name)
    if record.phase is BreakerPhase.LATCHED:
        return
    now = read_now(step)
    opening = Trip(at=now, trading_day=_trading_day(step), is_by_probe=is_by_probe)
    moved = replace(
        record,
        phase=BreakerPhase.LATCHED if is_latched else BreakerPhase.OPEN,
        tripped_at=now,
        hold_until=max(record.hold_until, hold_until),
        trips=(*_recent_trips(step, record), opening),
        reason=reason,
        probe=None,
    )
    _move(step, record, moved, measured=measured, threshold=threshold)
    if name not in ORDINARY:
        ending = "a person has to reset it" if is_latched else "no entries"
        step.alarm(Severity.CRITICAL, f"breaker {name} tripped, {ending}: {reason}")
    cancel_resting_entries(step, f"breaker {name} tripped")


def extend(step: Step, name: BreakerName, hold_until: TimestampMs, reason: str) -> None:
    """Let an open breaker stay so for longer."""
    record = step.breakers.read(name)
    longer = prolong(record, hold_until, reason)
    if longer is not record:
        step.put_breaker(longer)


def prolong(record: BreakerRecord, hold_until: TimestampMs, reason: str) -> BreakerRecord:
    """Return the record of an open breaker that is to hold until then; a hold never shrinks."""
    if hold_until <= record.hold_until:
        return record
    return replace(record, hold_until=hold_until, reason=reason)


def allow_probe(step: Step, name: BreakerName, reason: str, actor: str = "bot") -> None:
    """Let one entry of half size decide."""
    record = step.breakers.read(name)
    moved = replace(record, phase=BreakerPhase.HALF_OPEN, reason=reason, probe=None)
    _move(step, record, moved, actor=actor)


def close(step: Step, name: BreakerName, reason: str, actor: str = "bot") -> None:
    """Let entries flow again."""
    record = step.breakers.read(name)
    moved = replace(
        record, phase=BreakerPhase.CLOSED, hold_until=NO_TIME, reason=reason, probe=None
    )
    _move(step, record, moved, actor=actor)


def note_probe(step: Step, record: BreakerRecord) -> None:
    """Record that a probe is under way, or no longer is; the phase stays."""
    step.put_breaker(record)


def cancel_resting_entries(step: Step, reason: str) -> None:
    """Cancel every entry of ours that rests at the broker; a market order cannot rest."""
    for intent in tuple(step.books.intents.values()):
        is_entry = intent.kind is IntentKind.ENTRY and intent.style is OrderStyle.LIMIT
        if is_entry and intent.state in RESTING:
            ask_cancel_entry(step, intent, reason)


def are_entries_forbidden(state: Standing) -> bool:
    """Tell whether any breaker keeps entries from leaving."""
    return any(each.phase in FORBIDDING for each in state.breakers.records.values())


def _move(  # noqa: PLR0913 - what the audit has to know
    step: Step,
    before: BreakerRecord,
    after: BreakerRecord,
    *,
    measured: int = 0,
    threshold: int = 0,
    actor: str = "bot",
) -> None:
    switch = step.switch
    step.set_switch(replace(switch, epoch=switch.epoch + 1))
    step.put_breaker(
        after,
        BreakerChange(
            name=after.name,
            before=before.phase,
            after=after.phase,
            at=read_now(step),
            reason=after.reason,
            measured=measured,
            threshold=threshold,
            actor=actor,
            trading_day=_trading_day(step),
            epoch=switch.epoch + 1,
        ),
    )
    step.say(f"breaker {after.name} {before.phase} to {after.phase}: {after.reason}")


def _trading_day(step: Step) -> int:
    day = step.breakers.day
    return day.trading_day if day is not None else 0


def _recent_trips(step: Step, record: BreakerRecord) -> tuple[Trip, ...]:
    first = _trading_day(step) - step.params.breakers.trip_days + 1
    return tuple(each for each in record.trips if each.trading_day >= first)
