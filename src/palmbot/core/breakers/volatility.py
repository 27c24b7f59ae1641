"""The volatility breaker: what bars say about it, and when it trips and clears.

ATR after Wilder (1978) over true ranges; the first bar after a break in trading hours counts
high less low, because its gap is the gap guard's. The usual ATR never contains the bar that
is judged by it.
"""

from bisect import bisect_left, insort

from msgspec.structs import replace

from palmbot.core.breakers.book import BreakerBook, Sample, Tape, VolatilityView
from palmbot.core.breakers.day import add_open_minutes
from palmbot.core.breakers.machine import close, count_trips, extend, read_now, trip
from palmbot.core.breakers.rules import PERCENT, BreakerRules
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.market import Bar, TradingHours
from palmbot.domain.units import MS_PER_DAY, Price, TimestampMs

NAME = BreakerName.VOLATILITY
MS_PER_HOUR = 3_600_000


def take_bars(
    view: VolatilityView,
    bars: tuple[Bar, ...],
    period_ms: int,
    hours: TradingHours,
    rules: BreakerRules,
) -> VolatilityView:
    """Return the view after the bars, oldest first, that are younger than what it has seen."""
    first = len(bars)
    while first > 0 and bars[first - 1].open_time >= view.seen_until:
        first -= 1
    for bar in bars[first:]:
        view = take_bar(view, bar, period_ms, hours, rules)
    return view


def read_atr(view: VolatilityView, rules: BreakerRules) -> Price | None:
    """Return the ATR of the closed bars, None before there are enough."""
    return None if view.atr_scaled is None else Price(view.atr_scaled // rules.atr_period)


def judge_bar(step: Step) -> None:
    """Trip or prolong on the ratio of the newest closed bar."""
    ratio = step.volatility.ratio_percent
    limit = read_limit(step.breakers, step.params.breakers)
    if ratio is not None and ratio >= limit:
        fire(step, describe_ratio(ratio), measured=ratio, threshold=limit)


def read_limit(book: BreakerBook, rules: BreakerRules) -> int:
    """Return the ratio in per cent that trips today."""
    limit = rules.volatility_percent
    return limit if book.day is None else min(limit, book.day.limits.volatility_percent)


def describe_ratio(ratio: int) -> str:
    """Return a ratio in per cent in words."""
    return f"ATR at {ratio} % of the usual"


def fire(step: Step, reason: str, *, measured: int, threshold: int) -> None:
    """Trip, or prolong the hold while the spike lasts."""
    rules = step.params.breakers
    book = step.breakers
    record = book.read(NAME)
    now = read_now(step)
    until = TimestampMs(now)
    if step.symbol is not None:
        hours = step.symbol.hours
        until = add_open_minutes(hours, now, rules.volatility_hold_minutes)
    step.set_tape(replace(step.tape, fresh_ticks=0))
    step.set_volatility(replace(step.volatility, calm_bars=0))
    if record.phase is not BreakerPhase.CLOSED:
        extend(step, NAME, until, reason)
        return
    day = book.day
    if day is not None:
        today = count_trips(record, since_day=day.trading_day)
        if today + 1 >= rules.volatility_trips_max:
            until = max(until, day.ends_at)
    trip(step, NAME, reason, measured=measured, threshold=threshold, hold_until=until)


def release_volatility(step: Step) -> None:
    """Close the open breaker when bars are calm, the hold is over and the feed is alive."""
    is_over = read_now(step) >= step.breakers.read(NAME).hold_until
    if is_over and is_calm(step.volatility, step.tape, step.params.breakers):
        close(step, NAME, f"calm for {step.volatility.calm_bars} bars")


def is_calm(view: VolatilityView, tape: Tape, rules: BreakerRules) -> bool:
    """Tell whether bars are calm enough, as far as that is known, and the feed is alive."""
    return (view.calm_bars >= rules.calm_bars or view.ratio_percent is None) and (
        tape.minute == 0 or tape.fresh_ticks >= rules.fresh_ticks
    )


def take_bar(
    view: VolatilityView, bar: Bar, period_ms: int, hours: TradingHours, rules: BreakerRules
) -> VolatilityView:
    """Return the view after a bar that is younger than all it has seen."""
    end = TimestampMs(bar.open_time + period_ms)
    spread = bar.high - bar.low
    if view.close and not _is_after_break(view, bar, hours):
        spread = max(bar.high, view.close) - min(bar.low, view.close)
    before = read_atr(view, rules)
    period = rules.atr_period
    seed = view.seed_ranges
    if view.atr_scaled is not None:
        scaled: int | None = view.atr_scaled - view.atr_scaled // period + spread
    else:
        seed = (*seed, spread)
        scaled = sum(seed) if len(seed) >= period else None
        seed = () if scaled is not None else seed
    day = bar.open_time // MS_PER_DAY
    hour = bar.open_time % MS_PER_DAY // MS_PER_HOUR
    past, today = view.hours, view.today
    if day != view.day:
        past, today = _close_day(view, rules), {}
    same_hour = past.get(hour, ())
    recent, ordered = view.recent, view.ordered
    if before is not None:
        recent = recent.add(before, rules.reference_bars)
        is_asked = len(same_hour) < rules.reference_sessions
        ordered = _order(view, recent, before) if is_asked else ()
    ratio = None
    if scaled is not None:
        usual = _read_usual(same_hour, ordered, rules)
        ratio = None if usual is None else scaled * PERCENT // (period * usual)
        today = {**today, hour: scaled // period}
    is_low = ratio is not None and ratio <= rules.calm_percent
    return VolatilityView(
        seen_until=end,
        close=bar.close,
        seed_ranges=seed,
        atr_scaled=scaled,
        recent=recent,
        ordered=ordered,
        hours=past,
        today=today,
        day=day,
        ratio_percent=ratio,
        calm_bars=min(view.calm_bars + 1, rules.calm_bars) if is_low else 0,
    )


def _is_after_break(view: VolatilityView, bar: Bar, hours: TradingHours) -> bool:
    return bar.open_time > view.seen_until and not hours.are_open(view.seen_until)


def _close_day(view: VolatilityView, rules: BreakerRules) -> dict[int, tuple[int, ...]]:
    """Return the hours of earlier days with those of the day that ended."""
    past = dict(view.hours)
    for hour, atr in view.today.items():
        past[hour] = (*past.get(hour, ()), atr)[-rules.reference_sessions :]
    return past


def _order(view: VolatilityView, recent: Sample, added: int) -> tuple[int, ...]:
    """Return the recent ATRs ascending, from those before where they are at hand."""
    if len(view.ordered) != view.recent.size or recent.size < view.recent.size:
        return tuple(sorted(recent.values))
    ordered = list(view.ordered)
    if recent.size == view.recent.size:
        del ordered[bisect_left(ordered, view.recent.oldest)]
    insort(ordered, added)
    return tuple(ordered)


def _read_usual(
    same_hour: tuple[int, ...], recent: tuple[int, ...], rules: BreakerRules
) -> int | None:
    """Return the usual ATR: of the same hour on earlier days, else of the last bars, ascending."""
    if len(same_hour) >= rules.reference_sessions:
        usual = sorted(same_hour)[(len(same_hour) - 1) // 2]
    elif len(recent) >= rules.reference_bars:
        usual = recent[(len(recent) - 1) // 2]
    else:
        return None
    # A market that does not move at all has no usual ATR to compare with.
    return usual if usual > 0 else None
