"""Quotes from prices that were recorded: ticks as they were, bars as a fixed path of four."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import Price, TimestampMs
from palmbot.simulator.contracts import Contract
from palmbot.simulator.market import Quote

HISTORY_SHARE = 1 / 3
"""Part of a file that becomes pre-history: enough to warm up, most left to trade."""

QUOTES_PER_BAR = 4

Ohlc = tuple[int, int, int, int]
"""Open, high, low, close in 1/100_000."""


class _Row(NamedTuple):
    time: int
    bid: int
    ask: int
    is_continuous: bool


class ReplayedMarket:
    """Implements `MarketSource` with recorded quotes: the first part is the past."""

    def __init__(self, contract: Contract, rows: Sequence[_Row], history_rows: int) -> None:
        self._contract = contract
        self._rows = rows
        self._history_rows = history_rows

    @property
    def contract(self) -> Contract:
        """The traded contract."""
        return self._contract

    @property
    def others(self) -> tuple[Contract, ...]:
        """None: a replayed file is traded in the currency of its prices."""
        return ()

    def past_quotes(self) -> Iterator[Quote]:
        """Yield the first part of the file."""
        return self._quotes(self._rows[: self._history_rows])

    def quotes(self) -> Iterator[Quote]:
        """Yield the rest of the file."""
        return self._quotes(self._rows[self._history_rows :])

    def _quotes(self, rows: Iterable[_Row]) -> Iterator[Quote]:
        symbol_id = self._contract.symbol_id
        for row in rows:
            yield Quote(
                symbol_id,
                TimestampMs(row.time),
                Price(row.bid),
                Price(row.ask),
                row.is_continuous,
            )


def replay_ticks(
    contract: Contract,
    times: Sequence[int],
    bids: Sequence[int],
    asks: Sequence[int],
    *,
    history_share: float = HISTORY_SHARE,
) -> ReplayedMarket:
    """Return recorded quotes as a market.

    Args:
        contract: What they are quotes of.
        times: TimestampMs, ascending; several quotes may share a millisecond.
        bids: 1/100_000, same length.
        asks: 1/100_000, same length, nowhere below the bid.
        history_share: Part of the quotes that lies before the start, 0 to 1.

    Raises:
        InputInvalid: a column is short, a quote is crossed or the times fall.
    """
    if not len(times) == len(bids) == len(asks):
        raise InputInvalid(
            f"{contract.name}: {len(times)} times, {len(bids)} bids and {len(asks)} asks do not fit"
        )
    rows = [
        _Row(time, bid, ask, is_continuous=False)
        for time, bid, ask in zip(times, bids, asks, strict=True)
    ]
    return ReplayedMarket(contract, _judge(contract, rows), int(len(rows) * history_share))


def replay_bars(  # noqa: PLR0913 - the columns of a bar file
    contract: Contract,
    period_ms: int,
    times: Sequence[int],
    bid: Iterable[Ohlc],
    *,
    ask: Iterable[Ohlc] | None = None,
    spread: int = 0,
    history_share: float = HISTORY_SHARE,
) -> ReplayedMarket:
    """Return bars as a market of four quotes each.

    A bar becomes its open at once, then its low and its high, nearest to the open first and
    the low first if both are as near, then its close: at quarters of the period. Between
    bars the price may jump; within a bar it passes every step, so that a stop inside is filled
    at its level and one that the open passed is filled at the open.

    Args:
        contract: What the bars are of.
        period_ms: Length of a bar.
        times: TimestampMs of the opens, ascending.
        bid: One series per bar: bid prices, or the only prices there are.
        ask: Ask prices, if recorded.
        spread: 1/100_000, added to `bid` where there is no `ask`; rounded up to the price step.
        history_share: Part of the bars that lies before the start, 0 to 1.

    Raises:
        InputInvalid: a column is short, a quote is crossed or the times fall.
    """
    step = contract.price_step
    gap = -(-spread // step) * step
    bids = list(bid)
    asks = [_shift(each, gap) for each in bids] if ask is None else list(ask)
    if not len(times) == len(bids) == len(asks):
        raise InputInvalid(
            f"{contract.name}: {len(times)} times, {len(bids)} bid bars and {len(asks)} ask bars "
            "do not fit"
        )
    quarter = period_ms // QUOTES_PER_BAR
    rows: list[_Row] = []
    for time, bid_bar, ask_bar in zip(times, bids, asks, strict=True):
        for i, (bid_price, ask_price) in enumerate(_path(bid_bar, ask_bar)):
            rows.append(_Row(time + i * quarter, bid_price, ask_price, is_continuous=i > 0))
    history_rows = int(len(times) * history_share) * QUOTES_PER_BAR
    return ReplayedMarket(contract, _judge(contract, rows), history_rows)


def _shift(bar: Ohlc, distance: int) -> Ohlc:
    opening, high, low, close = bar
    return opening + distance, high + distance, low + distance, close + distance


def _path(bid: Ohlc, ask: Ohlc) -> tuple[tuple[int, int], ...]:
    opening, high, low, close = zip(bid, ask, strict=True)
    is_low_near = sum(opening) - sum(low) <= sum(high) - sum(opening)
    extremes = (low, high) if is_low_near else (high, low)
    return opening, *extremes, close


def _judge(contract: Contract, rows: Sequence[_Row]) -> Sequence[_Row]:
    last = 0
    for i, row in enumerate(rows):
        if not 0 < row.bid <= row.ask:
            raise InputInvalid(f"{contract.name}: quote {i + 1} has bid {row.bid}, ask {row.ask}")
        if row.time < last:
            raise InputInvalid(f"{contract.name}: quote {i + 1} is older than the one before it")
        last = row.time
    if not rows:
        raise InputInvalid(f"{contract.name}: there are no prices to replay")
    return rows
