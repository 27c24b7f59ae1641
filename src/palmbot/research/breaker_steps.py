"""Compiled: the bot's breakers as they follow one combination's trades through a file.

What `core.breakers` does when `research.backtest` replays a file, for the breakers that depend on
trades: daily loss, losses in a row, entries a day, and the volatility breaker, whose trips are
counted by trading day. Words, order and rounding are those of `core`: money is whole, a loss of
exactly the limit trips, and every review judges money before streaks and trips before releases.
Not in here is what a file cannot bring about: refusals by a broker, unknown orders, payments,
restarts, clocks, disk and token.

The state of an account, and the record of each breaker, are arrays of integers whose columns the
constants below name. Times are milliseconds in UTC, money is in the units of `domain.units`. The
exact engine is the judge of all of this: `tests/property/research/test_exact_and_kernel.py`
compares every trade.
"""

from typing import Final, NamedTuple

import numpy as np

from palmbot.domain.units import BASIS_POINTS, MS_PER_DAY
from palmbot.research.compiled import inlined, inner
from palmbot.research.rules import Ints
from palmbot.research.watched_bars import (
    SIGN_CALM,
    SIGN_FIRES,
    SIGN_FRESH,
    SIGN_GAP,
    SIGN_QUOTED,
    SIGN_UNKNOWN,
)

CLOSED, HALF_OPEN, OPEN, LATCHED = range(4)
WIN, LOSS, SCRATCH = range(3)

# Breakers with a phase; the first three can be latched, the first two are probed.
DAILY, STREAK, RATE, VOLATILITY, GAP, STALE = range(6)
BREAKERS: Final = 6
PROBED: Final = 2
LATCHING: Final = 3
# Columns of a breaker's record.
PHASE, HOLD, TRIPPED, RESET, IS_PROBING, LATCH_DAY = range(6)
FIELDS: Final = 6
# Columns of the account; from ENTRY_BAR to SIGN of the open position, SIGN 0 if there is none.
(
    BALANCE, EQUITY, BASELINE, DAY_END, TRADING_DAY, ENTRY_DAY, ENTRIES, FRESH, CALM, LOSSES,
    IS_CLOSING, ENTRY_BAR, ENTRY, VOLUME, STOP, TARGET, COMMISSION, TOUCH, SIGN,
) = range(19)  # fmt: skip
ACCOUNT: Final = 19
NEVER: Final = 1 << 62
"""A moment that does not come."""

OPENINGS: Final = 32
"""Newest ones kept in a breaker's record, behind its other fields: more than any window of days can
hold. Each is 2 * trading day, and 1 more if a probe lost."""
MONEY_MAX: Final = 1 << 56
"""Largest balance that is counted in 64 bits without overflow, 720 million in the account."""


class AccountRules(NamedTuple):
    """Account, sizing and breakers as the compiler takes them; see `guards.make_account_rules`."""

    balance: int
    risk_bp: int
    margin_bp_max: int
    leverage: int
    """Hundredths, as in `core.sizing`."""
    volume_max: int
    entries_per_day: int
    stale_ms: int
    daily_loss_bp: int
    daily_hold_ms: int
    daily_trips_max: int
    caution_percent: int
    slippage_percent: int
    trip_days: int
    losses_max: int
    cool_down_ms: tuple[int, ...]
    streak_trips_max: int
    volatility_hold_ms: int
    volatility_trips_max: int
    calm_bars: int
    gap_hold_ms: int
    reset_wait_ms: int


@inner
def open_account(rules: AccountRules, now: int) -> tuple[Ints, Ints]:
    """Return the state of a fresh account and the records of its breakers."""
    s = np.zeros(ACCOUNT, dtype=np.int64)
    s[BALANCE] = s[EQUITY] = s[BASELINE] = rules.balance
    s[DAY_END] = (now // MS_PER_DAY + 1) * MS_PER_DAY
    s[TRADING_DAY] = 1
    s[ENTRY_DAY] = -1
    records = np.zeros((BREAKERS, FIELDS + OPENINGS), dtype=np.int64)
    records[:, FIELDS:] = -1
    return s, records


@inlined
def read_share(amount: int, share_bp: int) -> int:
    """Return amount * share_bp // 10000 without an overflow in between."""
    return amount // BASIS_POINTS * share_bp + amount % BASIS_POINTS * share_bp // BASIS_POINTS


@inner
def is_forbidden(records: Ints) -> bool:
    """Tell whether a breaker keeps entries from leaving."""
    for breaker in range(BREAKERS):  # noqa: SIM110 - the compiler takes no generator
        if records[breaker, PHASE] >= OPEN:
            return True
    return False


@inlined
def find_wake(records: Ints) -> int:
    """Return when a breaker that is open may release, for those that time alone releases.

    0 if one of the others is open: it has to see every bar.
    """
    wake = NEVER
    for breaker in range(BREAKERS):
        phase = records[breaker, PHASE]
        if phase >= OPEN and breaker >= LATCHING:
            return 0
        if phase == OPEN:
            wake = min(wake, records[breaker, HOLD])
        elif phase == LATCHED:
            wake = min(wake, (records[breaker, LATCH_DAY] + 1) * MS_PER_DAY)
    return wake


@inner
def count_openings(record: Ints, since: int) -> tuple[int, int]:
    """Return a breaker's openings since a trading day: all of them, and those by no probe."""
    count = without_probes = 0
    for each in range(FIELDS, FIELDS + OPENINGS):
        if record[each] >= max(0, 2 * since):
            count += 1
            without_probes += 1 - record[each] % 2
    return count, without_probes


@inner
def trip(record: Ints, s: Ints, now: int, hold: int) -> None:
    """Open a breaker that is not latched."""
    record[PHASE] = OPEN
    record[HOLD] = max(record[HOLD], hold)
    record[TRIPPED] = now
    record[IS_PROBING] = 0
    for each in range(FIELDS + OPENINGS - 1, FIELDS, -1):
        record[each] = record[each - 1]
    record[FIELDS] = 2 * s[TRADING_DAY]


@inner
def latch(record: Ints, now: int) -> None:
    """Leave a breaker that has just tripped to a person."""
    record[PHASE] = LATCHED
    record[LATCH_DAY] = now // MS_PER_DAY


@inner
def close(record: Ints) -> None:
    """Let entries flow again."""
    record[PHASE] = CLOSED
    record[HOLD] = record[IS_PROBING] = 0


@inlined
def turn_day(s: Ints, now: int, trading_day: int, equity: int) -> None:
    """Begin the next day; held over midnight, the highest candidate is the baseline."""
    if now < s[DAY_END]:
        return
    s[DAY_END] = (now // MS_PER_DAY + 1) * MS_PER_DAY
    s[TRADING_DAY] = trading_day
    s[BASELINE] = s[BALANCE]
    if s[SIGN] != 0:
        s[BASELINE] = max(s[BALANCE], s[EQUITY], equity)


@inlined
def watch_bar(s: Ints, records: Ints, rules: AccountRules, now: int, signs: int) -> None:
    """Judge what the bars alone tell, at the opening after a bar."""
    if signs & SIGN_FRESH:
        s[FRESH] = 1
    s[CALM] = min(s[CALM] + 1, rules.calm_bars) if signs & SIGN_CALM else 0
    if signs & SIGN_FIRES:
        s[FRESH] = s[CALM] = 0
        record = records[VOLATILITY]
        hold = now + rules.volatility_hold_ms
        if record[PHASE] == CLOSED:
            if count_openings(record, s[TRADING_DAY])[0] + 1 >= rules.volatility_trips_max:
                hold = max(hold, s[DAY_END])
            trip(record, s, now, hold)
        else:
            record[HOLD] = max(record[HOLD], hold)
    if signs & SIGN_GAP and records[GAP, PHASE] == CLOSED:
        trip(records[GAP], s, now, now + rules.gap_hold_ms)


@inner
def judge_trade(s: Ints, records: Ints, rules: AccountRules, now: int, result: int) -> None:
    """Enter a closed trade into the ledger, and let it decide for what it was the probe."""
    # One bit for each of the last 64 trades: those lost since the last one won.
    s[LOSSES] = 0 if result == WIN else (s[LOSSES] << 1) | (1 if result == LOSS else 0)
    record = records[DAILY]
    if record[PHASE] == HALF_OPEN and record[IS_PROBING]:
        if result == LOSS:
            trip(record, s, now, max(s[DAY_END], now + rules.daily_hold_ms))
            record[FIELDS] += 1
        else:
            close(record)
    record = records[STREAK]
    if record[PHASE] == HALF_OPEN and record[IS_PROBING]:
        if result == WIN:
            close(record)
        elif result == LOSS:
            open_streak(record, s, rules, now)
            record[PHASE] = OPEN
            record[FIELDS] += 1
    for breaker in range(PROBED):
        records[breaker, IS_PROBING] = 0


@inner
def open_streak(record: Ints, s: Ints, rules: AccountRules, now: int) -> None:
    """Trip for losses in a row: the pause grows with every opening, and the third latches."""
    openings, before = count_openings(record, s[TRADING_DAY] - rules.trip_days + 1)
    hold = s[DAY_END]
    if openings < len(rules.cool_down_ms):
        hold = now + rules.cool_down_ms[openings]
    trip(record, s, now, hold)
    if before + 1 >= rules.streak_trips_max:
        latch(record, now)


@inner
def count_losses(losses: int) -> int:
    """Return the number of bits set."""
    count = 0
    while losses != 0:
        losses &= losses - 1
        count += 1
    return count


@inner
def review(s: Ints, records: Ints, rules: AccountRules, now: int, equity: int, signs: int) -> None:
    """Measure the day, judge the streak, and release what its rule releases.

    Args:
        s: Account; IS_CLOSING is set if the position has to be closed.
        records: Breakers.
        rules: Account and breakers.
        now: Market time.
        equity: Balance and what the open position is worth.
        signs: SIGN_ bits of the newest closed bar.
    """
    s[EQUITY] = equity
    record = records[DAILY]
    limit = read_share(s[BASELINE], rules.daily_loss_bp)
    if record[PHASE] <= HALF_OPEN and s[BASELINE] - equity >= limit:
        before = count_openings(record, s[TRADING_DAY] - rules.trip_days + 1)[1]
        trip(record, s, now, max(s[DAY_END], now + rules.daily_hold_ms))
        if before + 1 >= rules.daily_trips_max:
            latch(record, now)
        s[IS_CLOSING] = s[SIGN] != 0
    record = records[STREAK]
    if record[PHASE] == CLOSED:
        if s[LOSSES] != 0 and count_losses(s[LOSSES]) >= rules.losses_max:
            open_streak(record, s, rules, now)
    elif record[PHASE] == OPEN and now >= record[HOLD]:
        record[PHASE] = HALF_OPEN
    record = records[DAILY]
    if record[PHASE] == OPEN and now >= record[HOLD] and s[SIGN] == 0:
        record[PHASE] = HALF_OPEN
    record = records[VOLATILITY]
    if record[PHASE] == OPEN and now >= record[HOLD]:
        is_calm = s[CALM] >= rules.calm_bars or signs & SIGN_UNKNOWN
        if is_calm and (s[FRESH] or not signs & SIGN_QUOTED):
            close(record)
    if records[STALE, PHASE] == OPEN and s[FRESH]:
        close(records[STALE])
    if records[GAP, PHASE] == OPEN and now >= records[GAP, HOLD]:
        close(records[GAP])


@inner
def reset_latched(
    s: Ints, records: Ints, rules: AccountRules, now: int, trading_day: int, age_ms: int, signs: int
) -> None:
    """Do what a person would on the next UTC day, with the account flat.

    Args:
        s: Account.
        records: Breakers.
        rules: Account and breakers.
        now: Opening of the next bar.
        trading_day: Number of its day.
        age_ms: Since the last price: after a long pause the reset finds the feed silent.
        signs: SIGN_ bits of the last bar that the bot has seen.
    """
    for breaker in range(LATCHING):
        record = records[breaker]
        if record[PHASE] != LATCHED or now // MS_PER_DAY <= record[LATCH_DAY]:
            continue
        turn_day(s, now, trading_day, s[BALANCE])
        if age_ms > rules.stale_ms and records[STALE, PHASE] == CLOSED:
            s[FRESH] = 0
            trip(records[STALE], s, now, now)
        review(s, records, rules, now, s[BALANCE], signs)
        is_early = now - record[TRIPPED] < rules.reset_wait_ms
        if is_early or record[RESET] >= s[DAY_END] - MS_PER_DAY:
            continue
        if breaker == DAILY:
            limit = read_share(s[BASELINE], rules.daily_loss_bp)
            if s[BASELINE] - s[EQUITY] >= limit:
                continue
        record[RESET] = now
        if breaker < PROBED:
            record[PHASE] = HALF_OPEN
        else:
            close(record)
        review(s, records, rules, now, s[BALANCE], signs)


@inner
def find_volume(
    s: Ints, records: Ints, rules: AccountRules, entry: int, bid: int, ask: int, stop: int
) -> int:
    """Return the volume of an entry, 0 for none; see `core.sizing` and `core.entry`."""
    if stop <= ask - bid or stop >= bid:
        return 0
    volume = read_share(s[BALANCE], rules.risk_bp) // (stop * 10)
    margin = read_share(s[BALANCE], rules.margin_bp_max) * rules.leverage // 100
    volume = min(volume, margin // (entry * 10), rules.volume_max)
    if volume < 1:
        return 0
    loss = s[BASELINE] - s[EQUITY]
    limit = read_share(s[BASELINE], rules.daily_loss_bp)
    is_half = loss * 100 >= rules.caution_percent * limit
    for breaker in range(PROBED):
        is_half = is_half or records[breaker, PHASE] == HALF_OPEN
    if is_half:
        volume = max(1, volume * 50 // 100)
    allowed = max(0, (limit - loss - 1) * 100 // (100 + rules.slippage_percent))
    fitting: int = min(volume, allowed // (stop * 10))
    return fitting
