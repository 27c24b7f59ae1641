"""The contracts of the simulated broker, as its symbol list specifies them."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from palmbot.domain.market import (
    ALWAYS_OPEN,
    SECONDS_PER_DAY,
    Holiday,
    Interval,
    TradingHours,
    TradingMode,
)
from palmbot.domain.units import Price, SymbolId, Volume

PALMOIL_ID = SymbolId(1154)
FCPO_ID = SymbolId(1155)
USDMYR_ID = SymbolId(1156)
FILE_ID = SymbolId(1157)

KUALA_LUMPUR = "Asia/Kuala_Lumpur"
CENTS_PER_UNIT = 100
PRICE_DIGITS_MAX = 5


class SwapKind(IntEnum):
    """How overnight financing is quoted. Numbers as in ProtoOASwapCalculationType."""

    PIPS = 0
    PERCENTAGE = 1
    POINTS = 2


class Weekday(IntEnum):
    """Numbers as in ProtoOADayOfWeek, which are those of ISO 8601."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One symbol of the simulated broker. Source: ProtoOASymbol, ProtoOALightSymbol."""

    symbol_id: SymbolId
    name: str
    description: str
    digits: int
    pip_position: int
    base_asset: str
    quote_asset: str
    lot_size: Volume
    volume_min: Volume
    volume_step: Volume
    volume_max: Volume
    hours: TradingHours
    leverage_in_cents: int
    """Exposure per margin, times 100: 1000 is 1:10. The account may be stricter."""
    stop_distance_points: int = 0
    """Smallest distance of a stop or target from the market, in price steps."""
    swap_kind: SwapKind = SwapKind.PERCENTAGE
    swap_long: float = 0.0
    """Per cent a year, pips or points a night for one unit; negative is a cost."""
    swap_short: float = 0.0
    swap_triple_day: Weekday = Weekday.FRIDAY
    swap_time_minutes: int = 960
    """When a night is charged, minutes from 00:00 UTC."""
    commission_usd_per_lot: float = 0.0
    """Per side."""
    trading_mode: TradingMode = TradingMode.ENABLED
    is_short_selling_allowed: bool = True
    measurement_unit: str = ""

    @property
    def price_step(self) -> Price:
        """Smallest change of a price."""
        return Price(10 ** (PRICE_DIGITS_MAX - self.digits))

    @property
    def pip(self) -> Price:
        """One pip as a price distance."""
        return Price(10 ** (PRICE_DIGITS_MAX - self.pip_position))


def _interval(day: int, opens: str, closes: str) -> Interval:
    """Return one trading interval; `day` counts from Sunday as 0, times are local hh:mm."""
    start_h, start_m = map(int, opens.split(":"))
    end_h, end_m = map(int, closes.split(":"))
    midnight_s = day * SECONDS_PER_DAY
    return Interval(
        start_s=midnight_s + start_h * 3600 + start_m * 60,
        end_s=midnight_s + end_h * 3600 + end_m * 60,
    )


def _bursa_intervals() -> tuple[Interval, ...]:
    intervals: list[Interval] = []
    for day in range(1, 6):
        intervals += (_interval(day, "10:30", "12:30"), _interval(day, "14:30", "18:00"))
        if day < Weekday.FRIDAY:
            intervals.append(_interval(day, "21:00", "23:30"))
    return tuple(intervals)


def _holiday(name: str, on: date, *, is_recurring: bool = False) -> Holiday:
    return Holiday(
        name=name,
        zone=KUALA_LUMPUR,
        day=(on - date(1970, 1, 1)).days,
        is_recurring=is_recurring,
    )


BURSA_HOURS = TradingHours(
    zone=KUALA_LUMPUR,
    intervals=_bursa_intervals(),
    holidays=(
        _holiday("New Year", date(2025, 1, 1), is_recurring=True),
        _holiday("Labour Day", date(2025, 5, 1), is_recurring=True),
        _holiday("National Day", date(2025, 8, 31), is_recurring=True),
        _holiday("Malaysia Day", date(2025, 9, 16), is_recurring=True),
        _holiday("Christmas", date(2025, 12, 25), is_recurring=True),
        _holiday("Lunar New Year", date(2026, 2, 17)),
        _holiday("Lunar New Year, second day", date(2026, 2, 18)),
        _holiday("End of Ramadan", date(2026, 3, 20)),
        _holiday("Feast of Sacrifice", date(2026, 5, 27)),
    ),
)
"""Hours of the Bursa Malaysia palm-oil future. The calendar is the simulation's own."""

PALMOIL = Contract(
    symbol_id=PALMOIL_ID,
    name="PALMOIL",
    description="Crude palm oil, cash-settled in US dollars",
    digits=2,
    pip_position=1,
    base_asset="PALMOIL",
    quote_asset="USD",
    lot_size=Volume(1_000),
    volume_min=Volume(100),
    volume_step=Volume(100),
    volume_max=Volume(100_000),
    hours=BURSA_HOURS,
    leverage_in_cents=1_000,
    stop_distance_points=20,
    swap_kind=SwapKind.PERCENTAGE,
    swap_long=-7.0,
    swap_short=-4.5,
    commission_usd_per_lot=3.5,
    measurement_unit="t",
)

FCPO = Contract(
    symbol_id=FCPO_ID,
    name="FCPO",
    description="Crude palm oil future, quoted in ringgit",
    digits=0,
    pip_position=0,
    base_asset="PALMOIL",
    quote_asset="MYR",
    lot_size=Volume(2_500),
    volume_min=Volume(250),
    volume_step=Volume(250),
    volume_max=Volume(250_000),
    hours=BURSA_HOURS,
    leverage_in_cents=2_000,
    stop_distance_points=2,
    swap_kind=SwapKind.PIPS,
    swap_long=-1.2,
    swap_short=-0.6,
    measurement_unit="t",
)

USDMYR = Contract(
    symbol_id=USDMYR_ID,
    name="USDMYR",
    description="US dollar against ringgit",
    digits=4,
    pip_position=4,
    base_asset="USD",
    quote_asset="MYR",
    lot_size=Volume(10_000_000),
    volume_min=Volume(100_000),
    volume_step=Volume(100_000),
    volume_max=Volume(1_000_000_000),
    hours=ALWAYS_OPEN,
    leverage_in_cents=10_000,
    swap_kind=SwapKind.PIPS,
)


def contract_for_file(
    name: str,
    digits: int,
    price: Price,
    *,
    quote_asset: str = "USD",
    hours: TradingHours = ALWAYS_OPEN,
) -> Contract:
    """Return a contract for prices from a file, which say nothing of lots or costs.

    The volume step is the power of ten whose value at `price` lies between 10 and 100
    units of `quote_asset`, so that one per cent of a small account can be risked exactly.
    No swap, no commission: a file's quotes carry their spread.

    Args:
        name: Symbol name, as the bot is told it.
        digits: Decimals of the prices, 0 to 5.
        price: A typical price of the file.
        quote_asset: Currency of the prices.
        hours: When the file's instrument trades; by default always.
    """
    step = 1
    while step * 10 * price <= 100 * CENTS_PER_UNIT * 10**PRICE_DIGITS_MAX:
        step *= 10
    return Contract(
        symbol_id=FILE_ID,
        name=name,
        description=f"{name}, replayed from a file",
        digits=digits,
        pip_position=max(digits - 1, 0),
        base_asset=name,
        quote_asset=quote_asset,
        lot_size=Volume(step * 100),
        volume_min=Volume(step),
        volume_step=Volume(step),
        volume_max=Volume(step * 1_000_000),
        hours=hours,
        leverage_in_cents=2_000,
    )
