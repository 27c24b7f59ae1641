"""The bot's breakers for a sweep: its own settings, in the types that compiled code takes."""

import numpy as np

from palmbot.core.breakers.rules import PERCENT, BreakerRules
from palmbot.core.params import EngineParams
from palmbot.core.sizing import LEVERAGE_SCALE
from palmbot.domain.units import MONEY_SCALE, MS_PER_MINUTE
from palmbot.research.backtest import (
    ENTRIES_PER_DAY,
    FILE_BREAKERS,
    SPREAD_BP_MAX,
    BacktestSetup,
)
from palmbot.research.breaker_steps import AccountRules
from palmbot.research.compiled import Int8s, Int32s
from palmbot.research.guarded import Course, find_alarms, find_last_of_days, number_days
from palmbot.research.market import Market
from palmbot.research.paper_broker import ACCOUNT_ID, LEVERAGE, VOLUME_MAX
from palmbot.research.rules import Floats
from palmbot.research.watched_bars import BarWatch, make_watch_rules, watch_bars


def watch_market(market: Market) -> BarWatch:
    """Return what the bot's breakers see in the bars."""
    return watch_bars(market, make_watch_rules(FILE_BREAKERS, SPREAD_BP_MAX))


def make_course(  # noqa: PLR0913 - what the sweep has prepared, each named by its caller
    market: Market,
    watch: BarWatch | None,
    *,
    prices: Floats,
    bars: Int32s,
    sides: Int8s,
    rank: Int32s,
    short: Floats,
    long: Floats,
    cost: float,
) -> Course:
    """Return what the combinations of a sweep with breakers run through.

    Args:
        market: Bars.
        watch: What the breakers see in them; None looks at them now, as if nothing came before.
        prices: Those of the market, contiguous.
        bars: See `Course`, as the next two.
        sides: See `Course`.
        rank: See `Course`.
        short: See `exits.find_touch`.
        long: See `exits.find_touch`.
        cost: Fraction of the price, a side.
    """
    watch = watch or watch_market(market)
    time_ms = np.ascontiguousarray(market.time_ms)
    signs = np.ascontiguousarray(watch.signs)
    return Course(
        prices=prices,
        bars=bars,
        sides=sides,
        rank=rank,
        time_ms=time_ms,
        days=number_days(time_ms),
        signs=signs,
        alarms=find_alarms(signs),
        day_last=find_last_of_days(time_ms),
        short=short,
        long=long,
        bar_ms=watch.bar_ms,
        price_step=float(market.price_step),
        cost=float(cost),
        rules=make_account_rules(market.period_ms, FILE_BREAKERS),
    )


def make_account_rules(period_ms: int, rules: BreakerRules) -> AccountRules:
    """Return account and breakers of an exact backtest with the settings it has by default.

    Raises:
        ValueError: the compiled breakers do not know such a rule.
    """
    if rules.day_zone != "UTC" or rules.day_start_minute or not rules.daily_flatten:
        raise ValueError("a sweep knows days of UTC, and a daily loss that closes positions")
    setup = BacktestSetup()
    params = EngineParams(account_id=ACCOUNT_ID, symbol_name="file")
    return AccountRules(
        balance=round(setup.balance * MONEY_SCALE),
        risk_bp=round(setup.risk_percent * PERCENT),
        margin_bp_max=params.margin_bp_max,
        leverage=int(LEVERAGE * LEVERAGE_SCALE),
        volume_max=int(VOLUME_MAX),
        entries_per_day=ENTRIES_PER_DAY,
        stale_ms=3 * period_ms,
        daily_loss_bp=rules.daily_loss_bp,
        daily_hold_ms=rules.daily_hold_ms,
        daily_trips_max=rules.daily_trips_max,
        caution_percent=rules.caution_percent,
        slippage_percent=rules.slippage_percent,
        trip_days=rules.trip_days,
        losses_max=rules.losses_max,
        cool_down_ms=tuple(minutes * MS_PER_MINUTE for minutes in rules.cool_down_minutes),
        streak_trips_max=rules.streak_trips_max,
        volatility_hold_ms=rules.volatility_hold_minutes * MS_PER_MINUTE,
        volatility_trips_max=rules.volatility_trips_max,
        calm_bars=rules.calm_bars,
        gap_hold_ms=rules.gap_hold_minutes * MS_PER_MINUTE,
        reset_wait_ms=rules.reset_wait_minutes * MS_PER_MINUTE,
    )
