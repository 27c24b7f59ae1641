"""From the currency a symbol is quoted in to the currency of the account, in integers."""

from collections.abc import Mapping

from msgspec import Struct

from palmbot.domain.market import ConversionLeg, Tick
from palmbot.domain.units import (
    MONEY_SCALE,
    PRICE_SCALE,
    VOLUME_SCALE,
    Money,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

MONEY_PER_PRICE_VOLUME = MONEY_SCALE // (PRICE_SCALE * VOLUME_SCALE)
"""Money in one price step of 1/100_000 on a volume of 1/100 unit: exactly 10."""


class Rate(Struct, frozen=True, kw_only=True):
    """Account currency per unit of quote currency, as two fractions of integers."""

    low_numerator: int
    low_denominator: int
    high_numerator: int
    high_denominator: int

    def convert(self, amount: Money) -> Money:
        """Return the amount in account currency, in doubt to our disadvantage.

        A gain is worth the lower rate and a loss costs the higher, each rounded down.
        """
        if amount >= 0:
            return Money(amount * self.low_numerator // self.low_denominator)
        return Money(amount * self.high_numerator // self.high_denominator)


UNITY = Rate(low_numerator=1, low_denominator=1, high_numerator=1, high_denominator=1)


def read_rate(
    legs: tuple[ConversionLeg, ...],
    ticks: Mapping[SymbolId, Tick],
    now: TimestampMs,
    age_ms_max: int,
) -> Rate | None:
    """Chain the legs at their last prices; None if one is missing or too old at `now`."""
    if not legs:
        return UNITY
    low_numerator = low_denominator = high_numerator = high_denominator = 1
    for leg in legs:
        tick = ticks.get(leg.symbol_id)
        if tick is None or now - tick.time > age_ms_max:
            return None
        if leg.is_inverted:
            low_numerator *= PRICE_SCALE
            low_denominator *= tick.ask
            high_numerator *= PRICE_SCALE
            high_denominator *= tick.bid
        else:
            low_numerator *= tick.bid
            low_denominator *= PRICE_SCALE
            high_numerator *= tick.ask
            high_denominator *= PRICE_SCALE
    return Rate(
        low_numerator=low_numerator,
        low_denominator=low_denominator,
        high_numerator=high_numerator,
        high_denominator=high_denominator,
    )


def value_in_quote(distance: Price, volume: Volume) -> Money:
    """Return what a price distance (or a price) on a volume is worth in quote currency."""
    return Money(distance * volume * MONEY_PER_PRICE_VOLUME)
