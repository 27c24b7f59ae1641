"""What single ticks say between two bars: bursts, wide spreads, price limits. On the hot path."""

from msgspec.structs import replace

from palmbot.core.breakers.book import Sample, Tape
from palmbot.core.breakers.rules import MINUTES_PER_DAY, BreakerRules
from palmbot.core.breakers.volatility import fire
from palmbot.core.state import EngineState
from palmbot.core.step import Step
from palmbot.domain.market import Tick
from palmbot.domain.units import BASIS_POINTS, MS_PER_MINUTE

SLOT_MINUTES = 5
"""Ranges and spreads are compared with those of the same minutes of the day: at the open, at the
close and when figures are published both are wide day after day."""
EMPTY = Sample()


def take_tick(state: EngineState, tick: Tick, rules: BreakerRules) -> Tape:
    """Return the tape after a tick that comes upon a state; the same object if nothing changed."""
    tape = state.tape
    minute = tick.time // MS_PER_MINUTE
    bid = tick.bid
    if minute != tape.minute:
        tape = _turn_minute(tape, state.market.tick, minute, bid, rules)
    elif not tape.low <= bid <= tape.high:
        tape = Tape(
            minute=minute,
            high=max(tape.high, bid),
            low=min(tape.low, bid),
            ranges=tape.ranges,
            slot_ranges=tape.slot_ranges,
            usual_range=tape.usual_range,
            spreads=tape.spreads,
            range_limit=tape.range_limit,
            usual_spread=tape.usual_spread,
            fresh_ticks=tape.fresh_ticks,
            session_close=tape.session_close,
        )
    if tape.fresh_ticks < rules.fresh_ticks and state.breakers.is_alert:
        tape = replace(tape, fresh_ticks=tape.fresh_ticks + 1)
    return tape


def take_opening(state: EngineState, tick: Tick, rules: BreakerRules) -> Tape:
    """Return the tape after the first price of a bar from a file.

    One price a bar says nothing of the range of a minute, only of the spread; and a file of one
    series has none.
    """
    tape, before = state.tape, state.market.tick
    if before is None:
        return tape
    fresh_ticks = min(tape.fresh_ticks + 1, rules.fresh_ticks)
    if tick.ask == tick.bid and before.ask == before.bid:
        is_fresh = fresh_ticks == tape.fresh_ticks
        return tape if is_fresh else replace(tape, fresh_ticks=fresh_ticks)
    minute = tick.time // MS_PER_MINUTE
    slot = _slot_of(before.time // MS_PER_MINUTE)
    spreads = _add(tape.spreads, slot, before.ask - before.bid, rules)
    return Tape(
        minute=minute,
        high=tick.bid,
        low=tick.bid,
        spreads=spreads,
        usual_spread=_read_usual(spreads.get(_slot_of(minute), EMPTY), rules.slot_minutes_min),
        fresh_ticks=fresh_ticks,
        session_close=tape.session_close,
    )


def is_beyond(tape: Tape, tick: Tick, rules: BreakerRules) -> bool:
    """Tell whether range, spread or price is at its limit, for a first look without a step."""
    usual = tape.usual_spread
    return (
        (tape.range_limit is not None and tape.high - tape.low >= tape.range_limit)
        or (usual is not None and tick.ask - tick.bid >= rules.spread_trip_factor * usual)
        or _is_near_limit(tape, tick, rules)
    )


def judge_tape(step: Step, tick: Tick) -> None:
    """Trip the volatility breaker on a burst, a wide spread, or near the exchange's price limit."""
    rules = step.params.breakers
    tape = step.tape
    span = tape.high - tape.low
    spread, usual = tick.ask - tick.bid, tape.usual_spread
    if tape.range_limit is not None and span >= tape.range_limit:
        fire(
            step,
            f"{span / (tape.usual_range or 1):.1f} times the usual range within a minute",
            measured=span,
            threshold=tape.range_limit,
        )
    elif usual is not None and spread >= rules.spread_trip_factor * usual:
        fire(
            step,
            f"spread {spread / usual:.1f} times the usual of this time of day",
            measured=spread,
            threshold=rules.spread_trip_factor * usual,
        )
    elif tape.session_close is not None and _is_near_limit(tape, tick, rules):
        moved_bp = abs(tick.bid - tape.session_close) * BASIS_POINTS // tape.session_close
        fire(
            step,
            f"{moved_bp / 100:.1f} % from the last close, near the price limit",
            measured=moved_bp,
            threshold=rules.limit_move_bp - rules.limit_near_bp,
        )


def _is_near_limit(tape: Tape, tick: Tick, rules: BreakerRules) -> bool:
    close = tape.session_close
    if close is None or rules.limit_move_bp == 0:
        return False
    near_bp = rules.limit_move_bp - rules.limit_near_bp
    return abs(tick.bid - close) * BASIS_POINTS >= near_bp * close


def _turn_minute(
    tape: Tape, before: Tick | None, minute: int, bid: int, rules: BreakerRules
) -> Tape:
    """Close the minute under way; one without a price leaves no trace."""
    ranges, slot_ranges, spreads = tape.ranges, tape.slot_ranges, tape.spreads
    if tape.minute > 0 and before is not None:
        span = tape.high - tape.low
        ranges = ranges.add(span, rules.tape_minutes)
        slot = _slot_of(tape.minute)
        slot_ranges = _add(slot_ranges, slot, span, rules)
        spreads = _add(spreads, slot, before.ask - before.bid, rules)
    now = _slot_of(minute)
    usual_range = _read_usual(slot_ranges.get(now, EMPTY), rules.slot_minutes_min)
    if usual_range is None:
        usual_range = _read_usual(ranges, rules.tape_minutes_min)
    return replace(
        tape,
        minute=minute,
        high=bid,
        low=bid,
        ranges=ranges,
        slot_ranges=slot_ranges,
        spreads=spreads,
        usual_range=usual_range,
        range_limit=None if usual_range is None else rules.burst_trip_factor * usual_range,
        usual_spread=_read_usual(spreads.get(now, EMPTY), rules.slot_minutes_min),
    )


def _add(
    samples: dict[int, Sample], slot: int, value: int, rules: BreakerRules
) -> dict[int, Sample]:
    return {**samples, slot: samples.get(slot, EMPTY).add(value, rules.slot_minutes)}


def _read_usual(sample: Sample, least: int) -> int | None:
    """Return the median of enough values; one of nothing, as with one tick a minute, is none."""
    return sample.median or None if sample.size >= least else None


def _slot_of(minute: int) -> int:
    return minute % MINUTES_PER_DAY // SLOT_MINUTES
