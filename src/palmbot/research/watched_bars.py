"""Compiled: what the breakers see in the bars alone, whatever a combination trades.

`core.breakers.volatility.take_bars` and `core.breakers.tape.take_opening` in whole numbers and
without a state for each bar: they are needed again for every resample of the null test, where the
bot's own take a hundred times as long as the search itself. A test holds both to the bot's own
functions, bar by bar.

A price file is always open and has one price a bar. So bursts never fire, and only a pause of weeks
counts as a session break with an opening gap (`core.breakers.day.was_closed_between`).
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from palmbot.core.breakers.day import SEARCH_DAYS_MAX
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.breakers.tape import SLOT_MINUTES
from palmbot.domain.units import BASIS_POINTS, MS_PER_DAY, MS_PER_MINUTE
from palmbot.research.compiled import CAN_CACHE, inner
from palmbot.research.market import CLOSE, HIGH, LOW, OPEN, Market
from palmbot.research.rules import Floats, Ints

Bits = npt.NDArray[np.uint8]

SIGN_FIRES: Final = 1
"""ATR or spread trips the volatility breaker, or prolongs it."""
SIGN_CALM: Final = 2
SIGN_UNKNOWN: Final = 4
"""There is no usual ATR yet."""
SIGN_GAP: Final = 8
SIGN_FRESH: Final = 16
"""The opening counts as a fresh price: all but the first."""
SIGN_QUOTED: Final = 32
"""A price with a spread has been seen, now or before."""
SIGN_WIDE: Final = 64
"""The gate refuses an entry for its spread."""

MS_PER_HOUR: Final = 3_600_000
HOURS: Final = 24
SLOTS: Final = 24 * 60 // SLOT_MINUTES
PAUSE_MS: Final = SEARCH_DAYS_MAX * MS_PER_DAY
UNKNOWN: Final = -1


class WatchRules(NamedTuple):
    """Those of `BreakerRules` and of the gate that judge bars, as the compiler takes them."""

    atr_period: int
    reference_bars: int
    reference_sessions: int
    trip_percent: int
    calm_percent: int
    gap_percent: int
    spread_trip_factor: int
    spread_deny_factor: int
    spread_bp_max: int
    slot_values: int
    slot_values_min: int


def make_watch_rules(rules: BreakerRules, spread_bp_max: int) -> WatchRules:
    """Return the rules for bars.

    Raises:
        ValueError: there is a price limit, which a file has no sessions for.
    """
    if rules.limit_move_bp:
        raise ValueError("a sweep knows no price limit")
    return WatchRules(
        atr_period=rules.atr_period,
        reference_bars=rules.reference_bars,
        reference_sessions=rules.reference_sessions,
        trip_percent=rules.volatility_percent,
        calm_percent=rules.calm_percent,
        gap_percent=rules.gap_percent,
        spread_trip_factor=rules.spread_trip_factor,
        spread_deny_factor=rules.spread_deny_factor,
        spread_bp_max=spread_bp_max,
        slot_values=rules.slot_minutes,
        slot_values_min=rules.slot_minutes_min,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarWatch:
    """What the breakers see when each bar closes and the next one opens."""

    signs: Bits
    """SIGN_ bits of each bar, shape (n_bars,); none of the last bar, which nothing follows."""
    bar_ms: int
    """Length of a bar as the bot takes it: the shortest step of the file."""

    def cut(self, first: int, end: int) -> "BarWatch":
        """Return what was seen of the bars from index `first` to before `end`."""
        return replace(self, signs=self.signs[first:end])


def watch_bars(market: Market, rules: WatchRules) -> BarWatch:
    """Look at all bars, oldest first."""
    bar_ms = int(min(np.diff(market.time_ms).min(), market.period_ms))
    time_ms = np.ascontiguousarray(market.time_ms)
    bid = np.ascontiguousarray(market.bid)
    atrs, ratios = measure_volatility(time_ms, bid, rules)
    asks = np.ascontiguousarray(market.ask[OPEN])
    usual = measure_spreads(time_ms, bid[OPEN], asks, rules)
    return BarWatch(
        signs=find_signs(time_ms, bid, asks, atrs, ratios, usual, bar_ms, rules), bar_ms=bar_ms
    )


@njit(nogil=True, cache=CAN_CACHE)
def measure_volatility(time_ms: Ints, bid: Floats, rules: WatchRules) -> tuple[Ints, Ints]:
    """Return the ATR after each bar and its percentage of the usual one; UNKNOWN where not known.

    See `core.breakers.volatility`, whose names these are.
    """
    n = time_ms.size
    atrs = np.full(n, UNKNOWN, dtype=np.int64)
    ratios = np.full(n, UNKNOWN, dtype=np.int64)
    period = rules.atr_period
    recent = np.empty(rules.reference_bars, dtype=np.int64)
    ordered = np.empty(rules.reference_bars, dtype=np.int64)
    added = 0
    past = np.empty((HOURS, rules.reference_sessions), dtype=np.int64)
    sessions = np.zeros(HOURS, dtype=np.int64)
    today = np.full(HOURS, UNKNOWN, dtype=np.int64)
    scaled = 0
    last_day = 0
    for t in range(n):
        high, low = int(bid[HIGH, t]), int(bid[LOW, t])
        if t > 0:
            high = max(high, int(bid[CLOSE, t - 1]))
            low = min(low, int(bid[CLOSE, t - 1]))
        if t >= period:
            add_ordered(recent, ordered, added, scaled // period)
            added += 1
            scaled += high - low - scaled // period
        else:
            scaled += high - low
        day = time_ms[t] // MS_PER_DAY
        if day != last_day:
            close_hours(past, sessions, today)
            last_day = day
        if t < period - 1:
            continue
        hour = time_ms[t] % MS_PER_DAY // MS_PER_HOUR
        usual = read_usual(past[hour], sessions[hour], ordered, added)
        if usual > 0:
            ratios[t] = scaled * 100 // (period * usual)
        atrs[t] = scaled // period
        today[hour] = atrs[t]
    return atrs, ratios


@inner
def add_ordered(recent: Ints, ordered: Ints, added: int, value: int) -> None:
    """Add a value to the newest ones, kept in order of arrival (a ring) and ascending."""
    size = recent.size
    count = min(added, size)
    if count == size:
        gone = recent[added % size]
        for each in range(np.searchsorted(ordered, gone), size - 1):
            ordered[each] = ordered[each + 1]
        count -= 1
    place = np.searchsorted(ordered[:count], value)
    for each in range(count, place, -1):
        ordered[each] = ordered[each - 1]
    ordered[place] = value
    recent[added % size] = value


@inner
def close_hours(past: Ints, sessions: Ints, today: Ints) -> None:
    """Let the hours of the day that ended become part of what is usual, in place."""
    for hour in range(HOURS):
        if today[hour] != UNKNOWN:
            past[hour, sessions[hour] % past.shape[1]] = today[hour]
            sessions[hour] += 1
            today[hour] = UNKNOWN


@inner
def read_usual(past: Ints, sessions: int, ordered: Ints, added: int) -> int:
    """Return the usual ATR of an hour, else of the last bars; UNKNOWN before there are enough."""
    if sessions >= past.size:
        return find_median(past)
    if added >= ordered.size:
        usual: int = ordered[(ordered.size - 1) // 2]
        return usual
    return UNKNOWN


@inner
def find_median(values: Ints) -> int:
    """Return the lower median of a few values."""
    ordered = values.copy()
    for last in range(1, ordered.size):
        value = ordered[last]
        place = last
        while place > 0 and ordered[place - 1] > value:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = value
    median: int = ordered[(ordered.size - 1) // 2]
    return median


@njit(nogil=True, cache=CAN_CACHE)
def measure_spreads(time_ms: Ints, bids: Floats, asks: Floats, rules: WatchRules) -> Ints:
    """Return the usual spread when the bar after each one opens, UNKNOWN where there is none.

    See `core.breakers.tape.take_opening`.
    """
    n = time_ms.size
    usual = np.full(n, UNKNOWN, dtype=np.int64)
    spreads = np.empty((SLOTS, rules.slot_values), dtype=np.int64)
    counts = np.zeros(SLOTS, dtype=np.int64)
    for t in range(1, n - 1):
        before, spread = int(asks[t] - bids[t]), int(asks[t + 1] - bids[t + 1])
        usual[t] = usual[t - 1]
        if before == 0 and spread == 0:
            continue
        slot = time_ms[t] // MS_PER_MINUTE // SLOT_MINUTES % SLOTS
        spreads[slot, counts[slot] % rules.slot_values] = before
        counts[slot] += 1
        slot = time_ms[t + 1] // MS_PER_MINUTE // SLOT_MINUTES % SLOTS
        count = min(counts[slot], rules.slot_values)
        usual[t] = UNKNOWN
        if count >= rules.slot_values_min:
            median = find_median(spreads[slot, :count])
            if median > 0:
                usual[t] = median
    return usual


@njit(nogil=True, cache=CAN_CACHE)
def find_signs(
    time_ms: Ints,
    bid: Floats,
    asks: Floats,
    atrs: Ints,
    ratios: Ints,
    usual: Ints,
    bar_ms: int,
    rules: WatchRules,
) -> Bits:
    """Return the SIGN_ bits of each bar from what was measured."""
    n = time_ms.size
    signs = np.zeros(n, dtype=np.uint8)
    is_quoted = False
    for t in range(n - 1):
        opening = int(bid[OPEN, t + 1])
        spread = int(asks[t + 1]) - opening
        bits = 0
        if ratios[t] == UNKNOWN:
            bits |= SIGN_UNKNOWN
        elif ratios[t] <= rules.calm_percent:
            bits |= SIGN_CALM
        elif ratios[t] >= rules.trip_percent:
            bits |= SIGN_FIRES
        if usual[t] > 0 and spread >= rules.spread_trip_factor * usual[t]:
            bits |= SIGN_FIRES
        if usual[t] > 0 and spread >= rules.spread_deny_factor * usual[t]:
            bits |= SIGN_WIDE
        if spread * BASIS_POINTS > rules.spread_bp_max * opening:
            bits |= SIGN_WIDE
        if t > 0:
            bits |= SIGN_FRESH
            is_quoted = is_quoted or spread != 0 or asks[t] != bid[OPEN, t]
        if is_quoted:
            bits |= SIGN_QUOTED
        if time_ms[t + 1] - time_ms[t] - bar_ms > PAUSE_MS:
            gap = abs(opening - int(bid[CLOSE, t]))
            if atrs[t] != UNKNOWN and gap * 100 >= rules.gap_percent * atrs[t]:
                bits |= SIGN_GAP
        signs[t] = bits
    return signs
