"""Losses in a row: a fold over the ledger of closed trades, not a counter.

A trade that reconciliation finds later is inserted where it belongs and the streak is folded
anew. A new day does not end a streak, and a restart does not forget it.
"""

from msgspec.structs import replace

from palmbot.core.breakers.book import Outcome, Result
from palmbot.core.breakers.day import add_open_minutes
from palmbot.core.breakers.machine import allow_probe, close, count_trips, read_now, trip
from palmbot.core.conversion import value_in_quote
from palmbot.core.metrics import read_state_rate
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.orders import Trade
from palmbot.domain.units import MS_PER_DAY, TimestampMs

NAME = BreakerName.LOSS_STREAK
OUTCOMES_MAX = 64


def enter_outcomes(step: Step) -> tuple[Outcome, ...]:
    """Take the trades closed in this step into the ledger; return those not in it before."""
    book = step.breakers
    known = {each.position_id for each in book.outcomes}
    fresh = tuple(
        _judge(step, each) for each in step.closed_trades if each.position_id not in known
    )
    if fresh:
        ledger = sorted((*book.outcomes, *fresh), key=lambda o: (o.closed_at, o.position_id))
        step.set_breakers(replace(book, outcomes=tuple(ledger[-OUTCOMES_MAX:])))
    return fresh


def read_streak(outcomes: tuple[Outcome, ...]) -> int:
    """Return how many losses stand at the end of the ledger, scratches left out."""
    streak = 0
    for outcome in reversed(outcomes):
        if outcome.result is Result.WIN:
            break
        streak += outcome.result is Result.LOSS
    return streak


def review_streak(step: Step) -> None:
    """Trip when the ledger ends in a streak.

    Only a winning probe closes the breaker, and a win ends every streak: so a streak is never
    counted a second time.
    """
    book = step.breakers
    if book.read(NAME).phase is not BreakerPhase.CLOSED:
        return
    losses_max = step.params.breakers.losses_max
    if book.day is not None:
        losses_max = min(losses_max, book.day.limits.losses_max)
    streak = read_streak(book.outcomes)
    if streak >= losses_max:
        _open(step, f"{streak} losing trades in a row", measured=streak, threshold=losses_max)


def release_streak(step: Step) -> None:
    """Let the open breaker probe when the cool-down is over."""
    if read_now(step) >= step.breakers.read(NAME).hold_until:
        allow_probe(step, NAME, "the cool-down is over")


def judge_probe(step: Step, result: Result) -> None:
    """Close after a win, open again after a loss; a scratch leaves the question open."""
    match result:
        case Result.WIN:
            close(step, NAME, "the probe won")
        case Result.LOSS:
            streak = read_streak(step.breakers.outcomes)
            _open(step, "the probe lost", measured=streak, threshold=0, is_by_probe=True)
        case Result.SCRATCH:
            step.say("the probe came out even: another one")


def _open(
    step: Step, reason: str, *, measured: int, threshold: int, is_by_probe: bool = False
) -> None:
    rules = step.params.breakers
    day = step.breakers.day
    record = step.breakers.read(NAME)
    first = (day.trading_day if day is not None else 0) - rules.trip_days + 1
    openings = count_trips(record, since_day=first, with_probes=True)
    trips = count_trips(record, since_day=first)
    trip(
        step,
        NAME,
        reason,
        measured=measured,
        threshold=threshold,
        hold_until=_hold(step, openings),
        is_latched=not is_by_probe and trips + 1 >= rules.streak_trips_max,
        is_by_probe=is_by_probe,
    )


def _hold(step: Step, openings: int) -> TimestampMs:
    """Return the end of the cool-down: longer with every opening, at last the rest of the day."""
    now = read_now(step)
    minutes = step.params.breakers.cool_down_minutes
    symbol = step.symbol
    if openings < len(minutes) and symbol is not None:
        return add_open_minutes(symbol.hours, now, minutes[openings])
    day = step.breakers.day
    return day.ends_at if day is not None else TimestampMs(now + MS_PER_DAY)


def _judge(step: Step, trade: Trade) -> Outcome:
    """Return the outcome of a trade; within one price step of nothing it is a scratch."""
    scratch = 0
    rate = read_state_rate(step, step.params)
    if step.symbol is not None and rate is not None:
        scratch = rate.convert(value_in_quote(step.symbol.price_step, trade.volume))
    result = Result.SCRATCH
    if trade.profit > scratch:
        result = Result.WIN
    elif trade.profit < -scratch:
        result = Result.LOSS
    return Outcome(
        position_id=trade.position_id,
        intent_id=trade.intent_id,
        opened_at=trade.entry_time,
        closed_at=trade.exit_time,
        net=trade.profit,
        result=result,
    )
