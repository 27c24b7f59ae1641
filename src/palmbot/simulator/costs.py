"""What trading costs and earns, in integers: profit, conversion, commission, swap, margin.

A *raw* amount is price times volume: 1/10_000_000 of the quote currency. Money is in minor
units of the account.
"""

from typing import NamedTuple

from palmbot.domain.market import Side
from palmbot.domain.units import PRICE_SCALE, VOLUME_SCALE, Price, Volume
from palmbot.simulator.contracts import Contract, SwapKind

RAW_SCALE = PRICE_SCALE * VOLUME_SCALE
RATE_SCALE = 100_000_000
"""Commission and swap rates become integers at this scale, as in preciseTradingCommissionRate."""

DAYS_PER_YEAR = 360
"""Basis of the yearly swap rate, as money markets count."""


class Rate(NamedTuple):
    """Account currency per unit of the quote currency, as an exact fraction."""

    numerator: int
    denominator: int


ONE_TO_ONE = Rate(1, 1)


def divide_rounded(numerator: int, denominator: int) -> int:
    """Return the nearest integer; halves go up. The denominator is positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def to_money(raw: int, rate: Rate, money_digits: int) -> int:
    """Return a raw amount as money of the account."""
    return divide_rounded(raw * rate.numerator * 10**money_digits, RAW_SCALE * rate.denominator)


def raw_profit(side: Side, entry: Price, leave: Price, volume: Volume) -> int:
    """Return the raw profit of `volume`, entered and left at these prices."""
    return side.sign * (leave - entry) * volume


def commission(contract: Contract, volume: Volume, money_digits: int) -> int:
    """Return the money of one side; negative. The account currency counts as US dollars."""
    rate = round(contract.commission_usd_per_lot * RATE_SCALE)
    return -divide_rounded(rate * volume * 10**money_digits, RATE_SCALE * contract.lot_size)


def raw_swap(contract: Contract, side: Side, volume: Volume, price: Price, nights: int) -> int:
    """Return the raw financing of `nights`; negative is a cost."""
    quoted = contract.swap_long if side is Side.BUY else contract.swap_short
    rate = round(quoted * RATE_SCALE)
    match contract.swap_kind:
        case SwapKind.PERCENTAGE:
            return divide_rounded(rate * price * volume * nights, 100 * DAYS_PER_YEAR * RATE_SCALE)
        case SwapKind.PIPS:
            return divide_rounded(rate * contract.pip * volume * nights, RATE_SCALE)
        case SwapKind.POINTS:
            return divide_rounded(rate * contract.price_step * volume * nights, RATE_SCALE)


def margin(
    volume: Volume, price: Price, leverage_in_cents: int, rate: Rate, money_digits: int
) -> int:
    """Return the money that the broker holds for `volume` at `price`."""
    exposure = to_money(volume * price, rate, money_digits)
    return divide_rounded(exposure * 100, leverage_in_cents)


def take_share(amount: int, part: Volume, whole: Volume) -> int:
    """Return the share of a cost that goes with `part` of `whole`, rounded towards zero.

    What is left over by rounding stays with the rest, so that the last part takes it all.
    """
    if part == whole:
        return amount
    share = abs(amount) * part // whole
    return share if amount >= 0 else -share
