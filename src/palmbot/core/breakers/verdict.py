"""What the breakers say to one entry: not at all, or how large at most."""

from palmbot.core.breakers.book import FORBIDDING
from palmbot.core.breakers.rules import PERCENT, Unknown
from palmbot.core.params import EngineParams
from palmbot.core.state import EngineState
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.units import BASIS_POINTS, IntentId, Money

HALF_PERCENT = 50


def find_forbidding(state: EngineState, own_id: IntentId | None) -> tuple[BreakerName, str] | None:
    """Return the strictest breaker that keeps this entry from leaving, with the reason."""
    records = state.breakers.records
    for name in BreakerName:
        record = records.get(name)
        if record is None:
            continue
        if record.phase in FORBIDDING:
            return name, f"breaker {name} is {record.phase}: {record.reason}"
        is_probing = record.phase is BreakerPhase.HALF_OPEN and record.probe is not None
        if is_probing and record.probe != own_id:
            return name, f"breaker {name} waits for its probe"
    return None


def find_unknown(state: EngineState, params: EngineParams) -> str:
    """Return what a breaker would have to know before it lets an entry pass, or nothing."""
    book = state.breakers
    if book.defect:
        return f"a breaker failed: {book.defect}"
    if params.breakers.unknown is Unknown.ALLOW:
        return ""
    if book.day is None or book.day.baseline is None:
        return "the equity at the start of the day is not known yet"
    if state.volatility.ratio_percent is None:
        seen = state.volatility.recent.size
        return f"the usual volatility is not known yet ({seen} bars)"
    return ""


def find_wide_spread(state: EngineState, params: EngineParams) -> str:
    """Return in words that the spread is too wide against its median, or nothing."""
    tick, tape = state.market.tick, state.tape
    usual = tape.usual_spread
    if tick is None or usual is None:
        return ""
    spread = tick.ask - tick.bid
    if spread < params.breakers.spread_deny_factor * usual:
        return ""
    return f"spread {spread / usual:.1f} times the usual"


def find_burst(state: EngineState, params: EngineParams) -> str:
    """Return in words that this minute or the last one ran far, or nothing.

    Also the last: a bar is decided at the first price of the minute after it.
    """
    tape = state.tape
    usual = tape.usual_range
    if usual is None:
        return ""
    last = tape.ranges.values[-1] if tape.ranges.values else 0
    span = max(tape.high - tape.low, last)
    if span < params.breakers.burst_deny_factor * usual:
        return ""
    return f"a minute ran {span / usual:.1f} times its usual range"


def read_size_percent(state: EngineState, params: EngineParams) -> int:
    """Return the share of the ordinary size that an entry may have: 100 or 50."""
    records = state.breakers.records.values()
    if any(record.phase is BreakerPhase.HALF_OPEN for record in records):
        return HALF_PERCENT
    day = state.breakers.day
    headroom = read_headroom(state)
    if day is None or day.loss is None or headroom is None:
        return PERCENT
    used = day.loss * PERCENT
    is_cautious = used >= params.breakers.caution_percent * (day.loss + headroom)
    return HALF_PERCENT if is_cautious else PERCENT


def read_headroom(state: EngineState) -> Money | None:
    """Return what the day may still lose before it trips; None while that is not known."""
    day = state.breakers.day
    if day is None or day.loss is None or day.baseline is None:
        return None
    allowed = day.baseline * day.limits.daily_loss_bp // BASIS_POINTS
    return Money((day.granted if day.granted is not None else allowed) - day.loss)


def read_loss_allowed(state: EngineState, params: EngineParams) -> Money | None:
    """Return the largest loss at the stop that one entry may risk today, slippage kept back.

    The loss with slippage has to stay below the headroom: at it, the day would trip.
    """
    headroom = read_headroom(state)
    if headroom is None:
        return None
    return Money(max(0, (headroom - 1) * PERCENT // (PERCENT + params.breakers.slippage_percent)))
