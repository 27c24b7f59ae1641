"""The grid of combinations that a sweep tries."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Final

from palmbot.domain.errors import InputInvalid
from palmbot.research.rules import PERCENT, StrategyPoint

COMBINATIONS_MAX: Final = 1_000_000
"""Above it the results no longer fit the 2 GB that a sweep may take."""
RANGE_PARTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Four ascending axes. Row order everywhere: `rsi_buy` outermost, `stop_loss` innermost."""

    rsi_buy: tuple[float, ...]
    rsi_sell: tuple[float, ...]
    take_profit: tuple[float, ...]
    """Percent of the entry price."""
    stop_loss: tuple[float, ...]
    """Percent of the entry price."""

    def __post_init__(self) -> None:
        for field in fields(self):
            axis = getattr(self, field.name)
            if not axis or list(axis) != sorted(set(axis)):
                raise ValueError(f"{field.name} must be ascending and not empty, was {axis}")
        if min(self.rsi_buy) < 0 or max(self.rsi_sell) > PERCENT:
            raise ValueError("RSI thresholds must be from 0 to 100")
        if max(self.rsi_buy) >= min(self.rsi_sell):
            raise ValueError("every rsi_buy must be below every rsi_sell")
        if min(self.take_profit) <= 0 or min(self.stop_loss) <= 0:
            raise ValueError("distances must be above 0 percent")
        if max(self.take_profit) >= PERCENT or max(self.stop_loss) >= PERCENT:
            raise ValueError("a level 100 percent away would lie at or below zero")
        if self.size > COMBINATIONS_MAX:
            raise ValueError(f"{self.size:,} combinations exceed {COMBINATIONS_MAX:,}")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of values on each axis."""
        return (
            len(self.rsi_buy),
            len(self.rsi_sell),
            len(self.take_profit),
            len(self.stop_loss),
        )

    @property
    def size(self) -> int:
        """Number of combinations."""
        buys, sells, targets, stops = self.shape
        return buys * sells * targets * stops

    def point(self, row: int) -> StrategyPoint:
        """Return the combination of row `row`, counted from 0."""
        _, sells, targets, stops = self.shape
        row, stop = divmod(row, stops)
        row, target = divmod(row, targets)
        buy, sell = divmod(row, sells)
        return StrategyPoint(
            self.rsi_buy[buy], self.rsi_sell[sell], self.take_profit[target], self.stop_loss[stop]
        )

    def points(self) -> Iterator[StrategyPoint]:
        """Yield every combination in row order."""
        return (self.point(row) for row in range(self.size))


def make_single(point: StrategyPoint) -> Grid:
    """Return the grid of one combination."""
    return Grid(
        rsi_buy=(point.rsi_buy,),
        rsi_sell=(point.rsi_sell,),
        take_profit=(point.take_profit,),
        stop_loss=(point.stop_loss,),
    )


OWNER_GRID: Final = Grid(
    rsi_buy=(20.0, 25.0, 30.0, 35.0),
    rsi_sell=(65.0, 70.0, 75.0, 80.0),
    take_profit=(1.5, 2.0, 2.5, 3.0),
    stop_loss=(1.0, 1.5, 2.0),
)
"""192 combinations."""


def parse_axis(option: str, text: str) -> tuple[float, ...]:
    """Return the values of `20:35:5` (both ends included), `20,30,35` or `30`.

    Computed in decimals, so that 1:2:0.1 has eleven values and each is the float of its text.

    Raises:
        InputInvalid: not numbers, a step that does not lead from one end to the other, or no
            value at all; the sentence names the option.
    """
    parts = text.split(":")
    if len(parts) == RANGE_PARTS:
        start, stop, step = (_parse_number(option, part, text) for part in parts)
        return _make_range(option, text, start, stop, step)
    if len(parts) != 1:
        raise InputInvalid(
            f"{option}: {text!r} is neither first:last:step, as in 20:35:5, nor a list, as in "
            "20,25,30; write one of them."
        )
    values = sorted({_parse_number(option, part, text) for part in text.split(",")})
    return tuple(float(value) for value in values)


def _make_range(
    option: str, text: str, start: Decimal, stop: Decimal, step: Decimal
) -> tuple[float, ...]:
    if step <= 0:
        raise InputInvalid(
            f"{option}: the step of {text!r} must be above 0; write first:last:step."
        )
    if stop < start:
        raise InputInvalid(
            f"{option}: {text!r} holds no value, since {stop} is below {start}; swap the two."
        )
    count = (stop - start) / step
    if count != int(count):
        last = start + int(count) * step
        raise InputInvalid(
            f"{option}: steps of {step} lead from {start} to {last} and miss {stop}; "
            f"write {start}:{last}:{step}, or another step."
        )
    if count >= COMBINATIONS_MAX:
        raise InputInvalid(
            f"{option}: {text!r} has more than {COMBINATIONS_MAX:,} values; use a larger step."
        )
    return tuple(float(start + number * step) for number in range(int(count) + 1))


def _parse_number(option: str, part: str, text: str) -> Decimal:
    try:
        value = Decimal(part.strip())
    except InvalidOperation as e:
        raise InputInvalid(
            f"{option}: {part!r} in {text!r} is not a number; write first:last:step, as in 20:35:5."
        ) from e
    if not value.is_finite():
        raise InputInvalid(f"{option}: {part!r} in {text!r} is not a finite number; change it.")
    return value


def make_grid(rsi_buy: str, rsi_sell: str, take_profit: str, stop_loss: str) -> Grid:
    """Return the grid of four options, each as `parse_axis` reads it.

    Raises:
        InputInvalid: an axis cannot be read, is out of range, or there are too many combinations.
    """
    try:
        return Grid(
            rsi_buy=parse_axis("--rsi-buy", rsi_buy),
            rsi_sell=parse_axis("--rsi-sell", rsi_sell),
            take_profit=parse_axis("--tp", take_profit),
            stop_loss=parse_axis("--sl", stop_loss),
        )
    except ValueError as e:
        raise InputInvalid(f"--rsi-buy, --rsi-sell, --tp, --sl: {e}; change the ranges.") from e
