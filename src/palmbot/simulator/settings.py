"""What the simulated broker is like: its account, and the habits of its server as switches."""

from dataclasses import dataclass, field
from enum import StrEnum

from palmbot.domain.market import AccountKind


class RejectStyle(StrEnum):
    """Which message refuses an order. Clients meet all three."""

    ORDER_ERROR = "order_error"
    """ProtoOAOrderErrorEvent, with zero ids."""
    EXECUTION = "execution"
    """ProtoOAExecutionEvent of type ORDER_REJECTED with an errorCode."""
    ERROR = "error"
    """ProtoOAErrorRes."""


class Correlation(StrEnum):
    """Which execution events of one order request echo its clientMsgId."""

    BOTH = "both"
    ACCEPTED = "accepted"
    FILLED = "filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """The one account of the simulated broker."""

    account_id: int = 4_011_154
    login: int = 2_071_154
    broker: str = "Simulated Broker"
    currency: str = "USD"
    initial_balance: int = 10_000
    """Whole units of `currency`."""
    money_digits: int = 2
    """0 to 8; brokers use 2 or 8."""
    kind: AccountKind = AccountKind.HEDGED
    """Anything but HEDGED is only announced: the exchange always books hedged positions."""
    leverage_in_cents: int = 1_000
    """1000 is 1:10."""
    is_live: bool = False
    is_limited_risk: bool = False
    can_trade: bool = True
    """False: the token has the scope to view only, and orders are refused."""
    stop_out_percent: int = 50
    """Equity below this share of the used margin closes positions, largest margin first."""

    def __post_init__(self) -> None:
        if not 0 <= self.money_digits <= 8:  # noqa: PLR2004 - limit of the wire
            raise ValueError(f"money_digits is 0 to 8, was {self.money_digits}")
        if self.initial_balance < 0:
            raise ValueError(f"initial_balance is not negative, was {self.initial_balance}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """Everything about the server that a client must tolerate either way."""

    account: AccountSettings = field(default_factory=AccountSettings)
    client_id: str = "simulated-application"
    has_partial_spots: bool = True
    """Leave an unchanged bid or ask out of a spot event."""
    has_spot_timestamp: bool = True
    """Send the timestamp to those who asked for it; False: never."""
    correlation: Correlation = Correlation.BOTH
    reject_style: RejectStyle = RejectStyle.ORDER_ERROR
    partial_fill_share: float | None = None
    """Share of a market order filled at once; the rest fills at the next quote."""
    announces_protection: bool = False
    """Also send ORDER_ACCEPTED for the stop and target that a position gets."""
    is_wrong_host: bool = False
    """Account authorisation gives CANT_ROUTE_REQUEST, as on the host of the other environment."""
    account_list_is_empty: bool = False
    """The account list comes back empty, as during faults of the real servers."""
    trendbars_per_reply: int = 1_000
    """Longer answers are paged by `hasMore`."""
    rows_per_reply: int = 500
    """Deals and orders in one answer."""
    has_history_windows: bool = True
    """Windows above the documented maximum give INCORRECT_BOUNDARIES."""
    ordinary_per_s: int = 50
    historical_per_s: int = 5
    heartbeat_s: float = 25.0
    """Link seconds of our silence after which a heartbeat is sent."""
    silence_s_max: float = 30.0
    """Link seconds without client traffic after which the link is dropped."""
    fragment_bytes: int | None = None
    """Hand output to the transport in pieces of this size; None: coalesced as it comes."""
    day_start_minutes: int = 0
    """Where a D1 bar opens, minutes from 00:00 UTC. Venues differ, such as 1260 for 21:00."""
    token_lifetime_s: int = 2_628_000
