"""How patient and how fast a connection may be, and what it counts."""

from dataclasses import dataclass

from palmbot.ctrader.switchboard import ORDER_RESERVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time and rate limits of one connection, link seconds."""

    heartbeat_s: float = 10.0
    silence_s_max: float = 60.0
    """Inbound silence after which the link counts as dead."""
    request_timeout_s: float = 10.0
    """For one request of a procedure."""
    order_timeout_s: float = 5.0
    """Until an order request counts as unanswered."""
    session_timeout_s: float = 60.0
    """For the whole opening of the session."""
    ordinary_per_s: int = 45
    """The server allows 50."""
    historical_per_s: int = 4
    """The server allows 5."""

    def __post_init__(self) -> None:
        if self.ordinary_per_s <= ORDER_RESERVE or self.historical_per_s < 1:
            raise ValueError(f"rate limits too small: {self}")


@dataclass(slots=True)
class Tally:
    """Counts of what was received and had no use; for the log and the status display."""

    unknown_payloads: int = 0
    unreadable: int = 0
    unexpected: int = 0
    """Answers nobody waits for any more, and pushes of no concern."""
