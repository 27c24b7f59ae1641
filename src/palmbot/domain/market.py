"""The instrument and its prices: ticks, bars, trading hours, contract, conversion."""

from datetime import UTC, datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from palmbot.domain.units import (
    MS_PER_DAY,
    MS_PER_SECOND,
    Money,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

SECONDS_PER_DAY = 86_400
DAYS_PER_WEEK = 7


class Side(IntEnum):
    """Direction of an order, a fill or a position. Numbers as in ProtoOATradeSide."""

    BUY = 1
    SELL = 2

    @property
    def opposite(self) -> "Side":
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class Tick(Struct, frozen=True, kw_only=True):
    """Best bid and ask of one instrument at one moment of market time."""

    symbol_id: SymbolId
    time: TimestampMs
    bid: Price
    ask: Price

    def __post_init__(self) -> None:
        if not 0 < self.bid <= self.ask:
            raise ValueError(f"need 0 < bid <= ask, was bid={self.bid} ask={self.ask}")


class Bar(Struct, frozen=True, kw_only=True):
    """Bid prices over one period, stamped with the moment the period opened."""

    open_time: TimestampMs
    open: Price
    high: Price
    low: Price
    close: Price
    volume: int
    """Number of ticks; 0 if the source does not say."""

    def __post_init__(self) -> None:
        low, high = self.low, self.high
        if not (0 < low <= self.open <= high and low <= self.close <= high):
            raise ValueError(
                f"need 0 < low <= open, close <= high, was open={self.open} high={self.high} "
                f"low={self.low} close={self.close}"
            )


class Interval(Struct, frozen=True, kw_only=True):
    """Seconds from Sunday 00:00 in the zone of the schedule: start inclusive, end exclusive."""

    start_s: int
    end_s: int


class Holiday(Struct, frozen=True, kw_only=True):
    """Part of one day on which the market rests. Source: ProtoOAHoliday."""

    name: str
    zone: str
    day: int
    """Days since 1970-01-01."""
    is_recurring: bool
    """The same day and month of every year."""
    start_s: int = 0
    """Seconds from 00:00 of that day in `zone`."""
    end_s: int = SECONDS_PER_DAY

    def covers(self, time: TimestampMs) -> bool:
        """Tell whether `time` lies in this holiday."""
        local = datetime.fromtimestamp(time / MS_PER_SECOND, UTC).astimezone(ZoneInfo(self.zone))
        on = datetime.fromtimestamp(self.day * SECONDS_PER_DAY, UTC)
        is_day = (local.month, local.day) == (on.month, on.day) and (
            self.is_recurring or local.year == on.year
        )
        second = local.hour * 3600 + local.minute * 60 + local.second
        return is_day and self.start_s <= second < self.end_s


class TradingHours(Struct, frozen=True, kw_only=True):
    """Weekly schedule and holidays of one instrument. Source: ProtoOASymbol.schedule."""

    zone: str
    """IANA name, such as Asia/Kuala_Lumpur."""
    intervals: tuple[Interval, ...]
    """In order. Empty means that the schedule is unknown, which counts as closed."""
    holidays: tuple[Holiday, ...] = ()

    def are_open(self, time: TimestampMs) -> bool:
        """Tell whether the instrument trades at `time`."""
        second = second_of_week(time, self.zone)
        if not any(each.start_s <= second < each.end_s for each in self.intervals):
            return False
        return not any(holiday.covers(time) for holiday in self.holidays)


def second_of_week(time: TimestampMs, zone: str) -> int:
    """Return the seconds since Sunday 00:00 local time, 0 to 604_799."""
    local = datetime.fromtimestamp(time / MS_PER_SECOND, UTC).astimezone(ZoneInfo(zone))
    day = (local.weekday() + 1) % DAYS_PER_WEEK
    return day * SECONDS_PER_DAY + local.hour * 3600 + local.minute * 60 + local.second


ALWAYS_OPEN = TradingHours(
    zone="UTC", intervals=(Interval(start_s=0, end_s=DAYS_PER_WEEK * SECONDS_PER_DAY),)
)


class TradingMode(IntEnum):
    """Whether the broker takes orders in a symbol. Numbers as in ProtoOATradingMode."""

    ENABLED = 0
    DISABLED_WITHOUT_PENDINGS_EXECUTION = 1
    DISABLED_WITH_PENDINGS_EXECUTION = 2
    CLOSE_ONLY_MODE = 3


class Symbol(Struct, frozen=True, kw_only=True):
    """The contract as the broker specifies it. Source: ProtoOASymbol, ProtoOALightSymbol."""

    symbol_id: SymbolId
    name: str
    digits: int
    """Decimals of a price, 0 to 5; the price step is 10 ** -digits."""
    quote_asset: str
    """Currency in which the price is quoted."""
    lot_size: Volume
    volume_min: Volume
    volume_step: Volume
    volume_max: Volume
    stop_distance_min: Price
    """Smallest distance of a stop from the market; 0 if the broker names none."""
    target_distance_min: Price
    trading_mode: TradingMode
    is_short_selling_allowed: bool
    leverage: float
    """Exposure per unit of margin, above 0: the stricter of account and symbol."""
    hours: TradingHours

    @property
    def price_step(self) -> Price:
        """Smallest change of a price."""
        return Price(10 ** (5 - self.digits))


class ConversionLeg(Struct, frozen=True, kw_only=True):
    """One symbol on the way from the quote asset to the account currency.

    Legs are applied in order. Source: ProtoOASymbolsForConversionRes.
    """

    symbol_id: SymbolId
    name: str
    is_inverted: bool
    """True: divide by the price (USDMYR, from MYR to USD); False: multiply."""


class AccountKind(IntEnum):
    """How the broker books positions. Numbers as in ProtoOAAccountType."""

    HEDGED = 0
    NETTED = 1
    SPREAD_BETTING = 2


class Account(Struct, frozen=True, kw_only=True):
    """Facts of the trading account. Source: ProtoOATrader."""

    account_id: int
    login: int
    broker: str
    is_live: bool
    kind: AccountKind
    is_limited_risk: bool
    can_trade: bool
    """Access rights and token scope allow new orders."""
    currency: str
    balance: Money
    balance_version: int
    """Grows with every change of the balance; 0 if the broker does not say."""


def period_start(time: TimestampMs, period_ms: int) -> TimestampMs:
    """Return the opening time of the bar that holds `time`, aligned to the epoch in UTC."""
    if period_ms > MS_PER_DAY:
        raise ValueError(f"bar periods above one day are not aligned to the epoch: {period_ms} ms")
    return TimestampMs(time - time % period_ms)
