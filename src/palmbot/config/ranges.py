"""Turns settings as a person writes them into the whole numbers of the core, within their ranges.

Every function raises ValueError with a sentence that begins with the key.
"""

import math
from typing import Final

from palmbot.core.breakers.rules import PERCENT
from palmbot.domain.units import MS_PER_SECOND

BP_PER_PERCENT: Final = 100
RISK_PERCENT_MAX: Final = 10.0
"""Three losses in a row, which stop entries, then cost less than a third of the account."""
PERIOD_MINUTES: Final = (1, 2, 3, 4, 5, 10, 15, 30, 60, 240, 720, 1440)
"""Bars that a cTrader broker keeps. Source: ProtoOATrendbarPeriod, up to one day."""
HOURS_PER_DAY: Final = 24
MINUTES_PER_HOUR: Final = 60


def check_period(seconds: int) -> int:
    """Return the period in ms; without history from the broker the bot would never trade."""
    if seconds not in {60 * minutes for minutes in PERIOD_MINUTES}:
        served = ", ".join(str(60 * minutes) for minutes in PERIOD_MINUTES)
        raise ValueError(f"strategy.bar_period_s = {seconds}: brokers keep bars of {served} s")
    return seconds * MS_PER_SECOND


def check_risk(percent: float) -> float:
    """Return the share of equity one trade may lose, within bounds."""
    if percent > RISK_PERCENT_MAX:
        raise ValueError(
            f"risk.risk_percent = {percent:g}: more than {RISK_PERCENT_MAX:g} % of equity on one "
            "trade is not served"
        )
    return percent


def to_bp(key: str, percent: float) -> int:
    """Return basis points, exactly."""
    if not (math.isfinite(percent) and 0 < percent <= 100):  # noqa: PLR2004 - percent
        raise ValueError(f"{key} must be above 0 and at most 100, was {percent}")
    bp = round(percent * BP_PER_PERCENT)
    if not math.isclose(bp, percent * BP_PER_PERCENT, abs_tol=1e-9):
        raise ValueError(f"{key} must have at most two decimals, was {percent}")
    return bp


def to_percent(key: str, ratio: float) -> int:
    """Return a ratio in whole per cent."""
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"{key} must be positive, was {ratio}")
    return round(ratio * PERCENT)


def to_minute(key: str, clock: str) -> int:
    """Return the minute of the day of a text such as 17:00."""
    hour, colon, minute = clock.partition(":")
    is_time = bool(colon) and hour.isdecimal() and minute.isdecimal()
    if not is_time or int(hour) >= HOURS_PER_DAY or int(minute) >= MINUTES_PER_HOUR:
        raise ValueError(f"{key} is a time of day such as 17:00, was {clock!r}")
    return int(hour) * MINUTES_PER_HOUR + int(minute)


def to_ms(key: str, seconds: float) -> int:
    """Return milliseconds."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{key} must be positive, was {seconds}")
    return round(seconds * MS_PER_SECOND)
