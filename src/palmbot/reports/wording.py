"""Values in the words and digits a trader reads. Plain text: whoever puts it in HTML escapes it."""

from datetime import UTC, datetime

from palmbot.domain.market import Side
from palmbot.domain.units import (
    MONEY_SCALE,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    PRICE_SCALE,
    VOLUME_SCALE,
    Money,
    Price,
    TimestampMs,
    Volume,
)

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit: a line never ends there."""
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24


def render_time(time: TimestampMs, *, is_daily: bool = False) -> str:
    """Write a moment in UTC to the minute, or to the day."""
    pattern = "%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(time / MS_PER_SECOND, UTC).strftime(pattern)


def render_iso(time_ms: int) -> str:
    """Write a moment in UTC for programs: ISO 8601 with its zone, to the second."""
    return datetime.fromtimestamp(time_ms // MS_PER_SECOND, UTC).isoformat()


def render_date(time_ms: int) -> str:
    """Write the UTC date of a moment."""
    return datetime.fromtimestamp(time_ms // MS_PER_SECOND, UTC).strftime("%Y-%m-%d")


def render_price(price: Price, digits: int) -> str:
    """Write a price with the decimals of its contract."""
    return f"{price / PRICE_SCALE:,.{digits}f}"


def render_volume(volume: Volume) -> str:
    """Write a volume in units of the base asset, with cents of a unit only if there are any."""
    digits = 2 if volume % VOLUME_SCALE else 0
    return f"{volume / VOLUME_SCALE:,.{digits}f}"


def render_money(money: Money, currency: str, *, is_signed: bool = False) -> str:
    """Write an amount to the cent."""
    return f"{_render_signed(money / MONEY_SCALE, 2, is_signed=is_signed)}{SPACE}{currency}"


def render_percent(fraction: float, *, is_signed: bool = False) -> str:
    """Write a fraction as per cent with two decimals."""
    return f"{_render_signed(fraction * 100, 2, is_signed=is_signed)}{SPACE}%"


def render_profit_factor(profit_factor: float | None, *, has_trades: bool) -> str:
    """Write the profit factor; without a loss it is undefined, however good that looks."""
    if profit_factor is not None:
        return f"{profit_factor:.2f}"
    return "undefined (no loss)" if has_trades else "undefined (no trade)"


def render_span(span_ms: int) -> str:
    """Write a length of time in its two largest units."""
    if span_ms < MS_PER_MINUTE:
        return f"{span_ms / MS_PER_SECOND:.0f} s"
    minutes = span_ms // MS_PER_MINUTE
    if span_ms < MS_PER_DAY:
        hours, minutes = divmod(minutes, MINUTES_PER_HOUR)
        return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
    days, hours = divmod(minutes // MINUTES_PER_HOUR, HOURS_PER_DAY)
    return f"{days} d {hours} h" if hours else count(days, "day")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number of things, such as `1 trade` or `26 trades`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def render_side(side: Side) -> str:
    """Name the direction of a trade."""
    return "buy" if side is Side.BUY else "sell"


def _render_signed(value: float, digits: int, *, is_signed: bool) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not float(text.replace(",", "")):
        return text
    if value < 0:
        return MINUS + text
    return "+" + text if is_signed else text
