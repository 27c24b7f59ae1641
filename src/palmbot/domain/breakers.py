"""Circuit breakers by name, and the four phases all of them share."""

from enum import StrEnum


class BreakerName(StrEnum):
    """One automatic halt each, strictest first."""

    DAILY_LOSS = "daily_loss"
    """Equity fell too far within one trading day: entries off, own positions are closed."""
    LOSS_STREAK = "loss_streak"
    """Too many losing trades in a row."""
    ORDER_RATE = "order_rate"
    """The bot wanted more entries than a minute or a day may hold."""
    ERROR_RATE = "error_rate"
    """Too many orders whose fate was not proven."""
    REJECT_RATE = "reject_rate"
    """The broker refused too many entries."""
    CRASH_LOOP = "crash_loop"
    """The program started too often."""
    CLOCK_JUMP = "clock_jump"
    """The clock of this machine was set, or differs from the broker's."""
    DISK_SPACE = "disk_space"
    """The journal may soon find no room."""
    TOKEN_EXPIRY = "token_expiry"  # noqa: S105 - the name of a breaker
    """The access token is about to die and was not renewed."""
    VOLATILITY = "volatility"
    """Prices or the spread move far more than usual."""
    GAP_GUARD = "gap_guard"
    """The market opened far from where it closed."""
    DATA_STALE = "data_stale"
    """No price during trading hours."""


class BreakerPhase(StrEnum):
    """Where one breaker stands."""

    CLOSED = "closed"
    """Entries flow."""
    OPEN = "open"
    """Tripped: no entries, until the release rule of the breaker holds."""
    HALF_OPEN = "half_open"
    """One probe at half size decides between closed and open."""
    LATCHED = "latched"
    """Tripped, and only a person resets it."""
